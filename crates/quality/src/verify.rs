//! Verifies one instruction on a text, and how strictly the text obeys it.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

pub use crate::check::constraint_id as name;
use crate::check::{Outcome, Run};
use crate::checks;

/// What came of checking one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the text does exactly what was asked.
    pub strict: bool,
    /// Whether it does so once a first or last line and marks of emphasis are left out.
    pub loose: bool,
    /// What was seen, for a person and for the model that is to repair it; empty where it passed.
    pub seen: String,
    /// The place that does not pass, where one can be named.
    pub span: Option<Range<usize>>,
}

/// Checks one instruction on a text in `language`; `None` where code cannot tell.
pub fn verify(constraint: &Constraint, text: &str, language: Language) -> Option<Verdict> {
    match outcome(constraint, text, language) {
        Outcome::Undecided => None,
        Outcome::Passed => {
            Some(Verdict { strict: true, loose: true, seen: String::new(), span: None })
        }
        Outcome::Failed(finding) => {
            let passes = |variant: &String| {
                matches!(outcome(constraint, variant, language), Outcome::Passed)
            };
            let loose = variants(text).iter().any(passes);
            Some(Verdict { strict: false, loose, seen: finding.detail, span: finding.span })
        }
    }
}

/// The text without its first line, its last line, both, and each of these without marks of emphasis.
fn variants(text: &str) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    let part = |from: usize, to: usize| {
        all.get(from..all.len().saturating_sub(to)).unwrap_or_default().join("\n").trim().to_owned()
    };
    let mut variants = vec![text.to_owned(), part(1, 0), part(0, 1), part(1, 1)];
    let bare: Vec<String> = variants.iter().map(|v| v.replace("**", "").replace('*', "")).collect();
    variants.extend(bare);
    variants.retain(|v| !v.is_empty());
    variants
}

/// What the check of an instruction says.
fn outcome(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    if let Constraint::Language { language: asked } = constraint {
        return checks::language::other_language(text, *asked).into();
    }
    match checks::by_id(name(constraint)).map(|check| check.run) {
        Some(Run::Instruction { verify, .. }) => verify(constraint, text, language),
        Some(Run::Text { .. }) | None => Outcome::Undecided,
    }
}
