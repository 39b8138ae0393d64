//! A role tag at the start of a line.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lines::line_starts;

/// The check.
pub const CHECK: Check = Check {
    id: "role_tag",
    former_ids: &[],
    repair_name: None,
    summary: "A role tag at the start of a line.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Give fluids.\n- one\n- two\n\n## Next\nC:\\temp and \\frac{1}{2}",
        "The user: a nurse of the ward.",
    ],
    bad: &["User: give fluids.", "Fluids.\n(chatbot) more"],
};

const TAGS: [&str; 14] = [
    "(user)",
    "(chatbot)",
    "(assistant)",
    "user:",
    "assistant:",
    "chatbot:",
    "human:",
    "ai:",
    "system:",
    "<|user|>",
    "<|assistant|>",
    "<|im_start|>",
    "[user]",
    "[assistant]",
];

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    line_starts(turn.text)
        .filter_map(|(number, from, line)| {
            let lower: String = line.chars().take(16).flat_map(char::to_lowercase).collect();
            let tag = TAGS.iter().find(|tag| lower.starts_with(**tag))?;
            let span = from..from + tag.len().min(line.len());
            Some(Finding::at(span, format!("line {number} starts with {tag}")))
        })
        .collect()
}
