//! Exactly so many sentences, none of which runs on; undecided in a script that does not mark where they end.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::segment::{sentences, words};

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
    bad: &[
        "Rest.",
        "Rest. Drink. Sleep.",
        "Rest. Drink small sips of water all day, count the breaths every hour, keep the room cool and the \
         window open, wash the hands before each meal, call the clinic if the fever comes back at night, and \
         ask for a second visit within the week, so that nothing is missed.",
    ],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::ExactSentences { n } = constraint else { return Outcome::Undecided };
    if lexicon(language).unspaced {
        return Outcome::Undecided;
    }
    let all = sentences(text, language);
    let counted = Outcome::exactly(*n, all.len(), "sentences");
    if counted != Outcome::Passed {
        return counted;
    }
    let most = Constraint::MAX_SENTENCE_WORDS as usize;
    let long = all.into_iter().find_map(|span| {
        let found = words(&text[span.clone()], language);
        (found > most)
            .then(|| Finding::at(span, format!("a sentence of {found} words, more than {most}")))
    });
    long.into()
}
