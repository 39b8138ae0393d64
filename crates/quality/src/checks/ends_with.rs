//! A requested end marker.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "ends_with",
    former_ids: &[],
    repair_name: None,
    summary: "A requested end marker.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::EndsWith { marker: "END".into() } },
    good: &["Rest. END\n", "Rest.\n\n**END**", "Rest. \"END\"", "Repos.\n« END »"],
    bad: &["Rest.", "END. Rest", "END\n\nAsk me if it gets worse."],
};

/// Marks of emphasis and quotation.
const DECORATION: [char; 9] = ['*', '_', '`', '"', '\'', '”', '“', '»', '’'];

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::EndsWith { marker } = constraint else { return Outcome::Undecided };
    let ends = |text: &str| text.trim_end().ends_with(marker.as_str());
    // In bold, or with the quotation marks in which the request named it, it is the mark all the same.
    let bare = text.trim_end_matches(|c: char| c.is_whitespace() || DECORATION.contains(&c));
    Outcome::failed_if(!ends(text) && !ends(bare), "the end mark is missing")
}
