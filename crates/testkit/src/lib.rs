//! What tests share: a provider on loopback that misbehaves by seed and rate, the suite that every backend passes,
//! and a row of a dataset.
//!
//! [`Provider`] speaks the Files, Batches and Chat APIs of OpenAI (under any prefix, as Azure and others
//! have them) and the Message Batches and Messages APIs of Anthropic. It counts all it does, so that a
//! test can say what a run cost and whether anything was paid for twice. [`Faults`] come at random; an
//! [`Oddity`] comes exactly where a test wants it. Its time is virtual: a job moves
//! on when it is asked after.
//!
//! [`Delayed`] gives any backend the latencies of a provider, on a clock that need not be waited for.
//!
//! [`contract`](contract::contract) is the suite.
//!
//! [`conversation`] is a row of a dataset, for tests of what reads rows.

mod anthropic;
mod config;
pub mod contract;
mod conversation;
mod delayed;
mod fault;
#[doc = include_str!("guide.md")]
pub mod guide {}
mod job;
mod oddity;
mod openai;
mod server;
mod state;
mod wire;

pub use config::{Answer, AnswerFn, Asked, Counts, Faults, ProviderConfig, Received};
pub use conversation::conversation;
pub use delayed::Delayed;
pub use oddity::{Moment, Oddity, Place, RUN_BATCH, Reply, Twist, When};
pub use server::Provider;
