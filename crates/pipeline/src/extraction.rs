//! When a model is asked for the facts that a first message states.

use clinstruct_schema::{Frame, RecordSource, Stated};

/// Which prompts a model is asked about once more, for the facts that they state.
///
/// The prompt writer lists the facts with its message. Small models may leave the list out, or write it so that it cannot be
/// read; the facts are then those that code reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extraction {
    /// None.
    #[default]
    Never,
    /// Those without a list that could be read.
    Missing,
    /// All that are about a patient.
    Always,
}

impl Extraction {
    /// Its name in settings and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Missing => "missing",
            Self::Always => "always",
        }
    }

    /// Whether it asks about a prompt with this frame and these facts.
    pub(crate) fn asks(self, frame: &Frame, stated: &Stated) -> bool {
        let wanted = match self {
            Self::Never => false,
            Self::Missing => stated.source == RecordSource::Code,
            Self::Always => true,
        };
        wanted && frame.patient.is_some()
    }
}
