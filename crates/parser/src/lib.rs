//! Raw provider rows to outcomes, and answers to prompts and turns.
//!
//! Total: [`decode`], [`prompts`] and [`turn`] take any bytes and any text, never panic, and drop nothing
//! in silence; what cannot be used comes back with a named problem. What a model wrote survives to the
//! byte (backslashes, `**bold**`, LaTeX, tabs, CRLF, combining characters, emoji) except where one of the
//! named rules of [`Mended`] takes something away, and every rule that did is said.
//!
//! It does not decide what to do about a problem, and it changes no normalisation form.

mod clean;
mod json;
mod prompts;
mod row;
mod turn;

pub use clean::{Cleaned, Mended, clean};
pub use prompts::{Problem, PromptFormat, PromptsReading, prompts};
pub use row::{DecodedRow, decode};
pub use turn::{is_text_refusal, turn};
