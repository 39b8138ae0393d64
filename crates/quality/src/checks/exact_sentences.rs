//! Exactly `n` sentences; undecided in scripts that do not mark sentence ends.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::segment::sentences;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_sentences",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` sentences; undecided in scripts that do not mark sentence ends.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactSentences { n: 2 } },
    good: &["Rest. Drink 2.5 litres, e.g. water."],
    bad: &["Rest.", "Rest. Drink. Sleep."],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::ExactSentences { n } = constraint else { return Outcome::Undecided };
    if lexicon(language).unspaced {
        return Outcome::Undecided;
    }
    Outcome::exactly(*n, sentences(text, language).len(), "sentences")
}
