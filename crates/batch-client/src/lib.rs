//! The interface to a model: [`BatchBackend`], its [`Limits`] and [`Capabilities`], its name, price and constructor
//! ([`Descriptor`]), the split of requests into jobs ([`Sharder`]), and the address of a request ([`request_id`]).
//!
//! A backend executes and reports; it never decides. It does not retry rows, match answers to prompts, keep state
//! between runs (beyond what its provider keeps) or read the environment. The driver in `clinstruct-pipeline` does that
//! for all backends.
//!
//! `clinstruct-testkit` has a guide, "write your own backend in a hundred lines", and the contract suite for backends.
//!
//! A request's address is a hash of its content; its line in OpenAI's batch format carries it as `custom_id`:
//!
//! ```
//! use clinstruct_batch_client::openai::{Dialect, read_line, write_line};
//! use clinstruct_batch_client::request_id;
//! use clinstruct_schema::{ChatRequest, Message, Role};
//!
//! let question = Message { role: Role::User, content: "Fever for three days?".into() };
//! let request = ChatRequest {
//!     model: "gpt-4o".into(),
//!     messages: vec![question],
//!     max_tokens: 700,
//!     temperature: None,
//!     seed: 42,
//!     json_schema: None,
//! };
//! let id = request_id(&request);
//! assert_ne!(id, request_id(&ChatRequest { seed: 43, ..request.clone() }));
//!
//! let mut line = Vec::new();
//! write_line(&mut line, id, &request, &Dialect::default())?;
//! let (custom_id, read) = read_line(&line)?;
//! assert_eq!(custom_id, id.to_string());
//! assert_eq!(read.messages, request.messages);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod descriptor;
mod error;
mod hint;
mod job_fault;
mod limits;
pub mod openai;
mod secret;
mod shard;
mod unopened;

pub use backend::{BatchBackend, Ended, JobRef, JobState, RowStream, Waiting, Wanted};
pub use descriptor::{
    Address, BackendSettings, Descriptor, Endpoint, EndpointOf, ModelRule, OpenError, Opened,
    Pacing, PriceRule, Restart, Unavailable,
};
pub use error::{Error, ErrorKind, Result};
pub use hint::fault_hint;
pub use job_fault::JobFault;
pub use limits::{Capabilities, Cost, Limits};
pub use secret::Secret;
pub use shard::{
    BatchRequest, Held, RequestIter, Shard, ShardBody, ShardTag, Sharder, request_id, wire_size,
};
pub use unopened::Unopened;
