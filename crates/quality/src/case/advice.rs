//! Advice that says when to come or to call.

use std::ops::Range;

use super::numbers::Number;
use super::view::View;
use super::words::Class;

/// A sign of danger in advice for home: `come at once for fever of 38 °C`, also in a list behind such a sentence.
pub(super) fn is_advised(view: &View<'_>, sentence: &Range<usize>, number: &Number) -> bool {
    let at = number.span.start;
    if view.has(sentence.start..at, Class::Advice) {
        return true;
    }
    let behind = view.within(number.end..sentence.end).find(|hit| hit.class == Class::Advice);
    if let Some(hit) = behind {
        let gap = view.between(number.end, hit.start).trim();
        // Verbs stand last in Hindi, and Thai sets no marks.
        let last = view.between(hit.start, hit.end).contains(|c: char| c >= '\u{900}');
        if last || matches!(gap, ":" | "-" | "–" | "—" | "=" | "→" | "means") {
            return true;
        }
    }
    // The line that a list stands under.
    let item = |line: &str| {
        line.trim_start().starts_with(['-', '*', '•', '–', '·'])
            || line.trim_start().starts_with(|c: char| c.is_ascii_digit())
    };
    let head = view.between(0, at);
    let mut lines = head.rsplit('\n');
    if !lines.next().is_some_and(item) {
        return false;
    }
    let lead = lines.find(|line| !line.trim().is_empty() && !item(line));
    lead.filter(|line| line.trim_end().ends_with(':')).is_some_and(|line| {
        let start = line.as_ptr() as usize - view.lower.as_ptr() as usize;
        view.within(start..start + line.len())
            .any(|hit| matches!(hit.class, Class::Advice | Class::Limit))
    })
}

/// An amount by which something changes: `5 kg of weight loss`, `3 kg lighter`.
pub(super) fn is_change(view: &View<'_>, number: &Number) -> bool {
    let rest = view.lower.get(number.end..).unwrap_or_default().trim_start();
    let starts = |words: &[&str]| words.iter().any(|word| rest.starts_with(word));
    starts(&[
        "of weight",
        "weight loss",
        "weight gain",
        "lighter",
        "heavier",
        "more than",
        "less than",
        "in weight",
        "loss",
        "gain",
    ]) || view.lower.get(..number.span.start).is_some_and(|head| {
        head.trim_end().ends_with("weight loss of") || head.trim_end().ends_with("mg/kg at")
    })
}
