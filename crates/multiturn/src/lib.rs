//! Situations, and the pure machine that plays a conversation on.
//!
//! [`variants`] says which conversations a prompt becomes, [`situation`] fixes everything about one of
//! them before its first answer, [`Machine`] gives the next request for what has been said so far. The
//! simulated health worker sees the patient card and the dialogue with its roles swapped; the assistant
//! sees neither the card nor a tag in the text. Pure: the same arguments give the same bytes.
//!
//! It does not send, wait, parse or check; what came back is told to it as a [`TurnOutcome`].

mod machine;
mod situation;
mod styles;

pub use machine::{
    Attempt, Machine, Next, Repair, RequestOptions, Retries, Scripts, Setting, TurnOutcome,
};
pub use situation::{Variant, conversation_id, first_message, situation, variants};

/// Trouble with a conversation's texts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template could not be filled in.
    #[error("write the system prompts of {row}")]
    Template {
        /// Conversation that it was for.
        row: String,
        /// What is wrong.
        #[source]
        source: clinstruct_catalog::TemplateError,
    },
}
