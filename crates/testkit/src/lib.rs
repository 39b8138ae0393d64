//! What tests share: a provider on loopback that misbehaves by seed and rate, the suite that every backend passes,
//! and a row of a dataset.
//!
//! [`Provider`] implements the Files, Batches and Chat APIs of OpenAI (under any prefix, as on Azure and others) and
//! the Message Batches and Messages APIs of Anthropic. It counts everything, so that a test can check what a run cost
//! and whether anything was paid for twice. [`Faults`] occur at random; an [`Oddity`] occurs exactly where a test
//! places it. Its time is virtual: a job advances when it is polled.
//!
//! [`Delayed`] adds a provider's latencies to any backend, on a simulated clock.
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
