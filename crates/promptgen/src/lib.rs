//! Turns a catalog, a part and a seed into the plan of its rows, and a row into the request for its prompts. [`extraction_request`] asks
//! for the facts that a message states, whatever wrote it.
//!
//! [`Plan::row`] builds any row alone: who asks, about what, about which patients, where, and in which mode. Every draw is keyed by
//! the seed, the row's id and a purpose, so that rows can be built in any order, by any number of threads, and an entry
//! that is added to an axis leaves all other rows unchanged. Pure: no clock, file or global. It does not handle
//! answers.
//!
//! ```
//! use clinstruct_catalog::Catalog;
//! use clinstruct_promptgen::{Plan, PromptOptions, prompt_request};
//!
//! let catalog = Catalog::embedded()?;
//! let part = &catalog.parts[0];
//! let plan = Plan::new(&catalog, part, 42, Some(10));
//! assert_eq!(plan.len(), 10);
//!
//! let row = plan.row(3).expect("the plan has ten rows");
//! let options = PromptOptions { model: "gpt-4o", seed: 42, ..PromptOptions::default() };
//! let request = prompt_request(&catalog, part, &row, &options)?;
//! assert_eq!(request.model, "gpt-4o");
//! assert!(request.messages[1].content.contains(&row.frames[0].place.country));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blanks;
mod case;
mod extraction;
mod frame;
mod language;
mod persona;
mod plan;
mod request;
mod sample;
mod shard;
mod source;
mod voice;

pub use case::complete;
use clinstruct_schema::{Blame, Hint};
pub use extraction::{ExtractionOptions, extraction_request};
pub use plan::Plan;
pub use request::{PromptOptions, prompt_request};

/// An error in a plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template could not be rendered.
    #[error("cannot write the prompt request of {row}")]
    Template {
        /// Its row.
        row: String,
        /// What is wrong.
        #[source]
        source: clinstruct_catalog::TemplateError,
    },
    /// A template of an extraction request could not be rendered.
    #[error("cannot write the extraction request of {id}")]
    Extraction {
        /// Its message.
        id: String,
        /// What is wrong.
        #[source]
        source: clinstruct_catalog::TemplateError,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Template { source, .. } | Self::Extraction { source, .. } => source.hint(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Template { source, .. } | Self::Extraction { source, .. } => source.blame(),
        }
    }
}
