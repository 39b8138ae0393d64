//! Verifiable instructions: what each asks of a text, whether the text does it, and where it does not.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

use crate::segment::{lines, sentences, words};
use crate::{dose, language, structure, talk};

/// What came of checking one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the text does exactly what was asked.
    pub strict: bool,
    /// Whether it does so once a first or last line and marks of emphasis are left out.
    pub loose: bool,
    /// What was seen, for a person and for the model that is to mend it; empty where it passed.
    pub seen: String,
    /// The place that does not pass, where one can be named.
    pub span: Option<Range<usize>>,
}

/// Name of the check of an instruction, as in reports.
pub fn name(constraint: &Constraint) -> &'static str {
    match constraint {
        Constraint::ExactSentences { .. } => "exact_sentences",
        Constraint::MaxWords { .. } => "max_words",
        Constraint::MinWords { .. } => "min_words",
        Constraint::MaxCharacters { .. } => "max_characters",
        Constraint::ExactBullets { .. } => "exact_bullets",
        Constraint::Bullets => "bullets",
        Constraint::ExactNumbered { .. } => "exact_numbered",
        Constraint::Steps => "steps",
        Constraint::ExactHeadings { .. } => "exact_headings",
        Constraint::TableColumns { .. } => "table_columns",
        Constraint::ExactParagraphs { .. } => "exact_paragraphs",
        Constraint::ExactLines { .. } => "exact_lines",
        Constraint::NoMarkdown => "no_markdown",
        Constraint::Markdown => "markdown",
        Constraint::StartsWithTitle => "starts_with_title",
        Constraint::EndsWith { .. } => "ends_with",
        Constraint::Contains { .. } => "contains",
        Constraint::Excludes { .. } => "excludes",
        Constraint::ClarifyingQuestions { .. } => "clarifying_questions",
        Constraint::JsonObject { .. } => "json_object",
        Constraint::Language { .. } => "language",
        Constraint::Formal => "formal",
        Constraint::DoseWarning => "dose_warning",
        Constraint::Judged { .. } => "judged",
    }
}

/// Checks one instruction on a text in `language`; `None` where code cannot tell.
pub fn verify(constraint: &Constraint, text: &str, language: Language) -> Option<Verdict> {
    let failure = fault(constraint, text, language)?;
    let Some((seen, span)) = failure else {
        return Some(Verdict { strict: true, loose: true, seen: String::new(), span: None });
    };
    let loose = variants(text)
        .iter()
        .any(|variant| matches!(fault(constraint, variant, language), Some(None)));
    Some(Verdict { strict: false, loose, seen, span })
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

type Fault = Option<(String, Option<Range<usize>>)>;

fn exactly(n: u32, found: usize, what: &str) -> Fault {
    (found != n as usize).then(|| (format!("{found} {what} instead of {n}"), None))
}

/// What a text does wrong; `None` where code cannot tell, `Some(None)` where it does nothing wrong.
fn fault(constraint: &Constraint, text: &str, language: Language) -> Option<Fault> {
    let plain = |wrong: bool, seen: &str| wrong.then(|| (seen.to_owned(), None));
    Some(match constraint {
        Constraint::ExactSentences { n } => {
            if language == Language::Thai {
                return None;
            }
            exactly(*n, sentences(text, language).len(), "sentences")
        }
        Constraint::MaxWords { n } => {
            let found = words(text, language);
            (found > *n as usize).then(|| (format!("{found} words, more than {n}"), None))
        }
        Constraint::MinWords { n } => {
            let found = words(text, language);
            (found < *n as usize).then(|| (format!("{found} words, fewer than {n}"), None))
        }
        Constraint::MaxCharacters { n } => {
            let found = text.trim().chars().count();
            (found > *n as usize).then(|| (format!("{found} characters, more than {n}"), None))
        }
        Constraint::ExactBullets { n } => {
            exactly(*n, structure::bullets(text).len(), "bullet points")
        }
        Constraint::Bullets => {
            plain(structure::bullets(text).len() < 2, "no list of bullet points")
        }
        Constraint::ExactNumbered { n } => {
            exactly(*n, structure::numbered(text).len(), "numbered steps")
        }
        Constraint::Steps => plain(structure::numbered(text).len() < 2, "no numbered steps"),
        Constraint::ExactHeadings { n } => exactly(*n, structure::headings(text).len(), "headings"),
        Constraint::TableColumns { n } => {
            let rows = structure::table_rows(text);
            match rows.iter().find(|r| **r != *n as usize) {
                _ if rows.len() < 2 => Some(("no table".into(), None)),
                Some(other) => Some((format!("a row with {other} columns instead of {n}"), None)),
                None => None,
            }
        }
        Constraint::ExactParagraphs { n } => exactly(*n, structure::paragraphs(text), "paragraphs"),
        Constraint::ExactLines { n } => exactly(*n, lines(text).count(), "lines"),
        Constraint::NoMarkdown => {
            structure::markdown(text).map(|place| ("formatting marks".to_owned(), Some(place)))
        }
        Constraint::Markdown => plain(
            structure::markdown(text).is_none() && structure::numbered(text).is_empty(),
            "no Markdown",
        ),
        Constraint::StartsWithTitle => {
            plain(!structure::starts_with_title(text), "no title in bold on the first line")
        }
        Constraint::EndsWith { marker } => {
            plain(!text.trim_end().ends_with(marker.as_str()), "the end mark is missing")
        }
        Constraint::Contains { term } => {
            plain(!text.to_lowercase().contains(&term.to_lowercase()), "the term is missing")
        }
        Constraint::Excludes { term } => {
            let lower = text.to_lowercase();
            // Offsets hold where lower-casing keeps the length, as it does in these languages.
            lower.find(&term.to_lowercase()).map(|at| {
                let span = (lower.len() == text.len()).then(|| at..at + term.len());
                (format!("\"{term}\" occurs"), span)
            })
        }
        Constraint::ClarifyingQuestions { n } => {
            exactly(*n, talk::questions(text, language).len(), "questions")
        }
        Constraint::JsonObject { keys } => json(keys, text),
        Constraint::Language { language: asked } => {
            language::check(text, *asked).map(|v| (v.detail, None))
        }
        Constraint::Formal => {
            talk::informal(text, language).map(|place| ("informal address".to_owned(), Some(place)))
        }
        Constraint::DoseWarning => dose_warning(text, language),
        Constraint::Judged { .. } => return None,
    })
}

/// A dose without a warning, or a warning without a dose.
pub(crate) fn dose_warning(text: &str, language: Language) -> Fault {
    let doses = dose::doses(text, language);
    match (doses.first(), dose::warning(text, !doses.is_empty(), language)) {
        (Some(dose), None) => {
            let said = text.get(dose.place.clone()).unwrap_or_default();
            Some((
                format!("a dose ({said}) without a sentence that asks to verify it"),
                Some(dose.place.clone()),
            ))
        }
        (None, Some(warning)) => {
            Some(("asks to verify a dose and states none".to_owned(), Some(warning)))
        }
        _ => None,
    }
}

fn json(keys: &[String], text: &str) -> Fault {
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> =
        serde_json::from_str(text.trim());
    let object = match parsed {
        Ok(object) => object,
        Err(e) => return Some((format!("no JSON object: {e}"), None)),
    };
    let text_or_texts = |v: &serde_json::Value| {
        v.is_string() || v.as_array().is_some_and(|a| a.iter().all(serde_json::Value::is_string))
    };
    let missing = keys
        .iter()
        .find(|k| !object.contains_key(*k))
        .map(|k| format!("the key \"{k}\" is missing"));
    let extra = object
        .keys()
        .find(|k| !keys.contains(k))
        .map(|k| format!("the key \"{k}\" was not asked for"));
    let wrong = object
        .iter()
        .find(|(_, v)| !text_or_texts(v))
        .map(|(k, _)| format!("\"{k}\" is neither a text nor a list of texts"));
    missing.or(extra).or(wrong).map(|seen| (seen, None))
}
