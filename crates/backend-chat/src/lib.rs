//! Any OpenAI-compatible chat endpoint: vLLM, `SGLang`, llama.cpp's server, Ollama, a gateway, OpenAI itself.
//!
//! A job lives in this process: its requests are sent as fast as the endpoints take them, and each row is returned as
//! soon as it arrives. The number of requests in flight adapts ([`Pace`]): it doubles with each round of answers until
//! the first error, then grows by one per round and halves on 429, 5xx or rising latency. Several endpoints share the
//! load; a failing one is paused.
//!
//! The backend itself waits for endpoints that are busy, starting or unreachable, and reports that through
//! [`BatchBackend::waiting`](clinstruct_batch_client::BatchBackend::waiting). It does not wait for an endpoint that has
//! never given a usable answer: after a few refusals or errors the job ends with the provider's message.
//!
//! Source of the API: <https://platform.openai.com/docs/api-reference/chat/create>.
//!
//! Without the feature `http` there is only the descriptor, whose backend cannot be opened.

#[cfg(feature = "http")]
mod ask;
#[cfg(feature = "http")]
mod chat;
mod descriptor;
mod facts;
#[cfg(feature = "http")]
mod notice;
#[cfg(feature = "http")]
mod pace;
#[cfg(feature = "http")]
mod row;

#[cfg(feature = "http")]
pub use chat::{Chat, Options};
pub use descriptor::DESCRIPTOR;
#[cfg(feature = "http")]
pub use pace::Pace;

/// Its name on the command line and in rows.
const NAME: &str = "chat";
