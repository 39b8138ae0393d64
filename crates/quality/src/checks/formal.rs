//! Formal address, if the language has it.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use std::ops::Range;

use crate::lexicon::{lexicon, of_all};
use crate::lines::is_mark;

/// The check.
pub const CHECK: Check = Check {
    id: "formal",
    former_ids: &[],
    repair_name: None,
    summary: "Formal address, if the language has it.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::Formal },
    good: &["Give your patient water."],
    bad: &[],
};

fn verify(_: &Constraint, text: &str, language: Language) -> Outcome {
    let found = informal(text, language);
    found.map(|place| Finding::at(place, "informal address")).into()
}

/// The first word of informal address.
pub fn informal(text: &str, language: Language) -> Option<Range<usize>> {
    let lexicon = lexicon(language);
    let words = &lexicon.informal;
    if words.is_empty() {
        return None;
    }
    if lexicon.unspaced {
        // Without spaces, only clause boundaries are known.
        return text
            .split_inclusive(char::is_whitespace)
            .scan(0, |at, clause| {
                let start = *at;
                *at += clause.len();
                Some((start, clause.trim_end()))
            })
            .find(|(_, clause)| {
                // `แก้` begins as `แก` does, and `ชนะ` ends as `นะ`.
                let not = &lexicon.not_informal;
                let ends = words.iter().any(|w| clause.ends_with(w.as_str()));
                let starts = lexicon.informal_starts.iter().any(|w| clause.starts_with(w.as_str()));
                (ends && !not.iter().any(|w| clause.ends_with(w.as_str())))
                    || (starts && !not.iter().any(|w| clause.starts_with(w.as_str())))
            })
            .map(|(start, clause)| start..start + clause.len());
    }
    let mut at = 0;
    for piece in text.split_inclusive(|c: char| !(c.is_alphanumeric() || is_mark(c))) {
        let word = piece.trim_end_matches(|c: char| !(c.is_alphanumeric() || is_mark(c)));
        // French elision: `t'inquiète`.
        let apostrophe = piece.ends_with(['\'', '’']);
        let lower = word.to_lowercase();
        let written = if apostrophe { format!("{lower}'") } else { lower };
        if words.contains(&written) {
            // All capitals are an abbreviation, and a word after an article is a noun: `TA`, `le ton`.
            let capitals = word.chars().count() > 1 && word.chars().all(char::is_uppercase);
            let before = text[..at].to_lowercase();
            let noun = of_all(|l| &l.articles).any(|a| before.ends_with(a));
            if !capitals && !noun {
                return Some(at..at + word.len());
            }
        }
        at += piece.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn german_and_french_tell_the_address() {
        let formal =
            |text, language| verify(&Constraint::Formal, text, language) == Outcome::Passed;
        assert!(formal("Geben Sie dem Kind Wasser.", Language::German));
        assert!(!formal("Gib du dem Kind Wasser.", Language::German));
        assert!(formal("Donnez de l'eau et gardez le ton calme.", Language::French));
        assert!(!formal("Tu donnes de l'eau.", Language::French));
    }
}
