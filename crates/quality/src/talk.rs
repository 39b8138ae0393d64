//! What answers say beside the matter: fillers, offers, questions, text about the text.

use std::ops::Range;

use clinstruct_schema::Language;

use crate::lexicon::{has_meta, lexicon};
use crate::segment::{last_sentence, sentences};
use crate::structure::{is_rule, marker_length};

/// The filler that a text begins with.
pub fn opener(text: &str, language: Language) -> Option<Range<usize>> {
    let start = text.len() - text.trim_start_matches(['*', '_', ' ', '\n', '"']).len();
    let head: String = text.get(start..)?.chars().take(60).collect();
    let head = head.to_lowercase().replace('’', "'");
    let found = lexicon(language).openers.iter().find(|o| {
        head.strip_prefix(o.as_str()).is_some_and(|rest| {
            let whole = o.ends_with(['!', ',', '.', ':', ' ']);
            whole || language == Language::Thai || is_edge(rest) || o.chars().count() > 6
        })
    })?;
    // The start of a sentence that only looks like it: `claro` before a noun, `certainement` within.
    let end = text
        .get(start..)?
        .char_indices()
        .nth(found.chars().count())
        .map_or(text.len(), |(i, _)| start + i);
    Some(start..end)
}

fn is_edge(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '\u{94d}')
}

/// The last sentence, where it offers more.
pub fn closing(text: &str, language: Language) -> Option<Range<usize>> {
    let last = last_sentence(text, language)?;
    let lower = text.get(last.clone())?.to_lowercase().replace('’', "'");
    // Thai lines hold more than one sentence: only the end is looked at.
    let tail: String = if language == Language::Thai {
        let skip = lower.chars().count().saturating_sub(60);
        lower.chars().skip(skip).collect()
    } else {
        lower
    };
    lexicon(language).closings.iter().any(|c| tail.contains(c.as_str())).then_some(last)
}

/// The sentences that are questions.
pub fn questions(text: &str, language: Language) -> Vec<Range<usize>> {
    let marked = text.contains(['?', '？', '؟']);
    if language == Language::Thai {
        return thai_questions(text);
    }
    if !marked {
        return Vec::new();
    }
    let mut found = Vec::new();
    for sentence in sentences(text, language) {
        let Some(words) = text.get(sentence.clone()) else { continue };
        // Two questions in one line without a break between them are two.
        let many = words.matches(['?', '？', '؟']).count();
        let doubled = words.matches("??").count();
        for _ in 0..many.saturating_sub(doubled) {
            found.push(sentence.clone());
        }
    }
    found
}

/// Thai has question words, and sets a question mark only sometimes.
fn thai_questions(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for line in sentences(text, Language::Thai) {
        let Some(words) = text.get(line.clone()) else { continue };
        let marks = words.matches('?').count();
        if marks > 0 {
            found.extend(std::iter::repeat_n(line, marks));
            continue;
        }
        // A question word at the end of a clause asks; within one it reports.
        let asks = words.split_whitespace().any(|clause| {
            let bare = ["ครับ", "คะ", "ค่ะ", "คับ"]
                .iter()
                .fold(clause, |c, polite| c.trim_end_matches(*polite));
            let reported = bare.contains("ว่า");
            !reported
                && lexicon(Language::Thai).questions.iter().any(|q| bare.ends_with(q.as_str()))
        });
        if asks {
            found.push(line);
        }
    }
    found
}

/// Text about the text or the model: its first place.
pub fn meta(text: &str, language: Language) -> Option<Range<usize>> {
    let lower = text.to_lowercase().replace('’', "'");
    if !has_meta(&lower, language) {
        return None;
    }
    sentences(text, language).into_iter().find(|s| {
        let lower = text.get(s.clone()).unwrap_or_default().to_lowercase().replace('’', "'");
        lexicon(language).meta.iter().any(|m| holds(&lower, m, language))
    })
}

/// Whether a text holds a phrase from the start of a word on.
fn holds(text: &str, phrase: &str, language: Language) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        language == Language::Thai || before.is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Words of informal address: the first.
pub fn informal(text: &str, language: Language) -> Option<Range<usize>> {
    let words = &lexicon(language).informal;
    if words.is_empty() {
        return None;
    }
    if language == Language::Thai {
        // Without spaces, only what ends a clause can be told.
        return text
            .split_inclusive(char::is_whitespace)
            .scan(0, |at, clause| {
                let start = *at;
                *at += clause.len();
                Some((start, clause.trim_end()))
            })
            .find(|(_, clause)| {
                words.iter().any(|w| clause.ends_with(w.as_str()) || clause.starts_with("แก"))
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
            // Letters in capitals are an abbreviation, and what has an article is a noun: `TA`, `le ton`.
            let capitals = word.chars().count() > 1 && word.chars().all(char::is_uppercase);
            let before = text[..at].to_lowercase();
            let noun = ["le ", "un ", "du ", "ce "].iter().any(|a| before.ends_with(a));
            if !capitals && !noun {
                return Some(at..at + word.len());
            }
        }
        at += piece.len();
    }
    None
}

/// Signs that join with a letter, in Devanagari above all.
fn is_mark(c: char) -> bool {
    ('\u{900}'..='\u{903}').contains(&c) || ('\u{93a}'..='\u{94f}').contains(&c)
}

/// Whether a text breaks off: its last line is prose without an end mark, and not an item, title or row.
pub fn cut(text: &str, language: Language) -> Option<Range<usize>> {
    if language == Language::Thai {
        // No end mark says that a sentence ends; a word that must be followed by another says it does not.
        let end = text.trim_end();
        let hanging = [
            "และ",
            "หรือ",
            "ที่",
            "ของ",
            "ใน",
            "โดย",
            "กับ",
            "เพื่อ",
            "แต่",
            "จาก",
            "ว่า",
            "เช่น",
            "เพราะ",
            "การ",
            "ความ",
            "ให้",
        ];
        let found = hanging.iter().find(|h| end.ends_with(**h))?;
        return Some(end.len() - found.len()..end.len());
    }
    let last = crate::segment::lines(text).last()?;
    let line = &text[last.clone()];
    if is_rule(line) || line.starts_with('|') || marker_length(line) > 0 {
        return None;
    }
    if line.ends_with(['"', '\'', '”', '’', '»', ')', ']', '}', '*', '`', '_', '“']) {
        return None;
    }
    let end = line.chars().next_back()?;
    let ended = matches!(end, '.' | '!' | '?' | '।' | '॥' | ':' | ';' | '…' | '¶')
        || !(end.is_alphanumeric() || is_mark(end) || end == ',' || end == '-');
    // A line of one word or a marker such as `END OF ADVICE` is no broken sentence.
    let shouted = !line.chars().any(char::is_lowercase) && line.is_ascii();
    (!ended && !shouted && line.split_whitespace().count() > 2).then_some(last)
}
