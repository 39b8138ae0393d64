//! Conversations: which ones a prompt becomes, what is fixed about each before its first answer, and the
//! [`Dialogue`] that plays one.
//!
//! A [`Dialogue`] builds the next request from the messages so far, and decides what follows from a response: the next
//! turn, another attempt, a repair, or the end. Two models talk to each other: the assistant, and a simulated health
//! worker who sees the case and the dialogue with swapped roles. The assistant never sees the case. Pure: the
//! same arguments give the same bytes.
//!
//! It does not send, wait, parse or check; the caller passes each result as a [`TurnOutcome`].
//!
//! # Play a conversation
//!
//! ```
//! use clinstruct_multiturn::catalog::Catalog;
//! use clinstruct_multiturn::schema::{Case, ChatRequest, RowId, Sex, Situation};
//! use clinstruct_multiturn::{
//!     Dialogue, Next, PromptContext, RequestOptions, RetryPolicy, TurnOutcome,
//! };
//!
//! # fn ask_a_model(request: &ChatRequest) -> String {
//! #     format!("Answer {} is complete.", request.messages.len())
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let catalog = Catalog::embedded()?;
//! let frame = catalog.frame(45, Sex::Female, "ke").ok_or("no such country")?;
//! let case = frame.patient.as_ref().map(Case::new);
//! let situation = Situation { turns: 2, ..Situation::new("Nurse") };
//! let context = PromptContext::new(RowId::new("demo.one")?, frame.place, case, situation);
//! let mut dialogue = Dialogue::new(context, "My patient coughs. Why?", RetryPolicy::default());
//!
//! let options = RequestOptions::new(&catalog, "some-model");
//! while let Some(request) = dialogue.next_request(&options)? {
//!     let text = ask_a_model(&request);
//!     dialogue.apply(if text.ends_with(['.', '?']) {
//!         TurnOutcome::Accepted(text)
//!     } else {
//!         TurnOutcome::failed_checks("breaks_off", text, vec!["the text breaks off".into()])
//!     });
//! }
//! assert_eq!(*dialogue.next(), Next::Done);
//! assert_eq!(dialogue.messages().len(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/play.rs` is a program that does this with a trivial model.

mod dialogue;
mod language;
mod layperson;
mod moves;
mod place;
mod prompts;
mod retry;
mod reword;
mod situation;
mod styles;

pub use clinstruct_catalog as catalog;
pub use clinstruct_schema as schema;
use clinstruct_schema::{Blame, Hint};
pub use dialogue::{Dialogue, Next, Repair, RequestOptions, TurnOutcome};
pub use place::{first_message, message_with_styles};
pub use prompts::PromptContext;
pub use retry::{Defect, RetryCounts, RetryPolicy};
pub use reword::reword;
pub use situation::{
    Variant, contradictions, conversation_id, refit_moves, situation, situations, variants,
};

/// An error in a conversation's texts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template could not be rendered.
    #[error("cannot write the system prompts of {row}")]
    Template {
        /// Its conversation.
        row: String,
        /// What is wrong.
        #[source]
        source: clinstruct_catalog::TemplateError,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Template { source, .. } => source.hint(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Template { source, .. } => source.blame(),
        }
    }
}
