//! Decodes raw provider rows into outcomes, and answers into prompts, facts and turns.
//!
//! Total: [`decode`], [`prompts`], [`facts_of`] and [`turn`] accept any bytes and any text, never panic, and drop nothing silently;
//! unusable input is returned with a named problem. A model's text survives to the byte (backslashes, `**bold**`,
//! LaTeX, tabs, CRLF, combining characters, emoji), except what a rule of [`Cleanup`] removes, and every rule that did
//! is named.
//!
//! It does not decide how to handle a problem, and does not change the Unicode normalization form.
//!
//! ```
//! use clinstruct_parser::{decode, turn};
//! use clinstruct_schema::{RowFormat, RowOutcome};
//!
//! let row = r####"{
//!     "custom_id": "00112233445566778899aabbccddeeff",
//!     "response": { "status_code": 200, "body": { "choices": [{
//!         "finish_reason": "stop",
//!         "message": { "role": "assistant", "content": "(chatbot) ### Plan\nGive fluids." }
//!     }] } },
//!     "error": null
//! }"####;
//! let decoded = decode(RowFormat::OpenaiBatch, row.as_bytes());
//! let RowOutcome::Answer(answer) = decoded.outcome else { panic!("it has a whole answer") };
//!
//! let cleaned = turn(&answer.text)?;
//! assert_eq!(cleaned.text, "**Plan**\nGive fluids.");
//! assert_eq!(cleaned.cleanup.names().collect::<Vec<_>>(), ["role_tag", "hash_heading"]);
//! # Ok::<(), clinstruct_parser::Problem>(())
//! ```

mod answer;
mod clean;
mod content;
mod control;
mod decoded;
mod error_body;
mod facts;
mod fault;
mod finish;
mod json;
mod plain;
mod problem;
mod prompts;
mod reasoning;
mod repair;
mod row;
mod turn;
mod usage;
mod web_page;

pub use clean::{Cleaned, Cleanup, clean};
pub use decoded::DecodedRow;
pub use error_body::{error_in_success, provider_error};
pub use facts::facts_of;
pub use fault::{ProviderError, classify, is_own_code};
pub use problem::Problem;
pub use prompts::{PromptFormat, PromptsReading, WrittenPrompt, prompts, prompts_for};
pub use reasoning::reasoning;
pub use row::decode;
pub use turn::{as_written, is_text_refusal, turn};
