//! Exactly `n` numbered steps.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_numbered",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` numbered steps.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactNumbered { n: 2 } },
    good: &[
        "1. Rest.\n2. Drink.",
        "**Step 1. Rest.** Lie down.\n\n**Step 2. Drink.** Small sips.",
        "### Step 1: Rest\n1. Lie down.\n2. Close your eyes.\n3. Wait.\n\n### Step 2: Drink",
    ],
    bad: &["1. Rest.", "- Rest.\n- Drink.", "Step 1. Rest.", "Step by step: rest, then drink."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactNumbered { n } = constraint else { return Outcome::Undecided };
    // Steps that are numbered in words may have numbered lists of their own.
    let labelled = structure::labelled_steps(text).len();
    let count = if labelled == 0 { structure::numbered(text).len() } else { labelled };
    Outcome::exactly(*n, count, "numbered steps")
}
