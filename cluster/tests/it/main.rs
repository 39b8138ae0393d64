//! The same annotations and summary, however a run is curated.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod cluster;
// By its file: as a dependency, it would turn on features that compile the engine once more.
#[path = "../../../crates/testkit/src/conversation.rs"]
#[expect(unreachable_pub, reason = "it is public where it is a crate's")]
mod conversation;
mod data;
mod embedded;
