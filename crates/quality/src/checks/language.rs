//! An answer in another language than requested.

use clinstruct_schema::Language;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::language::identify;

/// The check.
pub const CHECK: Check = Check {
    id: "language",
    former_ids: &[],
    repair_name: None,
    summary: "An answer in another language than requested.",
    group: Group::Instruction,
    strictness: PerSpeaker::assistant(Strictness::Stops),
    run: Run::Text { find, example: Turn::answer },
    good: &["Give small sips of water and look at the child again after an hour.", "Oui."],
    bad: &["Donnez de petites gorgées d'eau et revoyez l'enfant au bout d'une heure."],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    other_language(turn.text, turn.language).into_iter().collect()
}

/// What is wrong with the language of a text; texts that are too short to detect pass.
pub(crate) fn other_language(text: &str, asked: Language) -> Option<Finding> {
    let found = identify(text)?;
    (found != asked)
        .then(|| Finding::new(format!("asked for {}, written in {}", asked.code(), found.code())))
}
