//! Verifies one instruction on a text, strictly and loosely.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

pub use crate::check::constraint_id as name;
use crate::check::{Outcome, Run};
use crate::checks;

/// Result of verifying one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the text obeys exactly.
    pub strict: bool,
    /// Whether it obeys without a first or last line and emphasis marks.
    pub loose: bool,
    /// Message for people and for the model that repairs the text; empty if it passed.
    pub seen: String,
    /// Position of the failure, if known.
    pub span: Option<Range<usize>>,
}

/// Checks one instruction on a text in `language`; `None` if code cannot decide.
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

/// The text without its first line, its last line, both, and each of these without emphasis marks.
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

/// Result of an instruction's check.
fn outcome(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    if let Constraint::Language { language: asked } = constraint {
        return checks::language::other_language(text, *asked).into();
    }
    match checks::by_id(name(constraint)).map(|check| check.run) {
        Some(Run::Instruction { verify, .. }) => verify(constraint, text, language),
        Some(Run::Text { .. } | Run::Facts { .. }) | None => Outcome::Undecided,
    }
}
