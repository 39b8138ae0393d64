//! A table with `n` columns.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "table_columns",
    former_ids: &[],
    repair_name: None,
    summary: "A table with `n` columns.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::TableColumns { n: 2 } },
    good: &["| Sign | Act |\n|---|---|\n| Fever | Drink |"],
    bad: &["Fever: drink.", "| Sign | Act |\n|---|---|\n| Fever | Drink | Rest |"],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::TableColumns { n } = constraint else { return Outcome::Undecided };
    let rows = structure::table_rows(text);
    match rows.iter().find(|row| **row != *n as usize) {
        _ if rows.len() < 2 => Outcome::Failed(Finding::new("no table")),
        Some(other) => {
            Outcome::Failed(Finding::new(format!("a row with {other} columns instead of {n}")))
        }
        None => Outcome::Passed,
    }
}
