//! An answer in another language than requested.

use clinstruct_schema::Language;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::language::{foreign_paragraph, foreign_script, identify_other};

/// The check.
pub const CHECK: Check = Check {
    id: "language",
    former_ids: &[],
    repair_name: None,
    summary: "An answer in another language than requested.",
    group: Group::Instruction,
    strictness: PerSpeaker::assistant(Strictness::Stops),
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Give small sips of water and look at the child again after an hour.",
        "Oui.",
        "Give small sips of water, and say to her:\n\n\"Donnez de petites gorgées d'eau toutes les cinq minutes à l'enfant.\"",
        "Paracetamol 500 mg, ibuprofen 400 mg, amoxicillin 250 mg",
    ],
    bad: &[
        "Donnez de petites gorgées d'eau et revoyez l'enfant au bout d'une heure.",
        "Geben Sie dem Kind viel Wasser.",
        "Give small sips of water and look at the child again after an hour.\n\nWenn das Kind erbricht, warten Sie zehn Minuten und geben Sie ihm dann wieder etwas.",
        "Ask the ward for the form (转诊手续) before you leave.",
    ],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    if turn.translates {
        return Vec::new();
    }
    other_language(turn.text, turn.language).into_iter().collect()
}

/// What is wrong with the language of a text; texts that are too short to detect pass.
pub(crate) fn other_language(text: &str, asked: Language) -> Option<Finding> {
    if let Some(found) = identify_other(text, asked) {
        let seen = format!("asked for {}, written in {}", asked.code(), found.code());
        return Some(Finding::new(seen));
    }
    if let Some((span, found)) = foreign_paragraph(text, asked) {
        let seen =
            format!("asked for {}, a paragraph is written in {}", asked.code(), found.code());
        return Some(Finding::at(span, seen));
    }
    let span = foreign_script(text)?;
    let seen = format!("asked for {}, {} is in another script", asked.code(), &text[span.clone()]);
    Some(Finding::at(span, seen))
}
