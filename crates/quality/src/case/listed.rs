//! What makes a number that a writer lists one of the patient, where code alone would not read it as such.

use clinstruct_schema::{FactKind, FactName, StatedFact};

use super::numbers::{Number, in_words};
use super::statement::{content, fact_of};
use super::view::View;
use super::vitals::Reading;
use super::words::Class;

/// Beginnings of the names of months.
const MONTHS: [&str; 20] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "septem", "octo",
    "novem", "decem", "januar", "februar", "märz", "mai", "juni", "juli", "enero", "agosto",
];
/// Letters of the beginning of a question, `what should i check next for her`.
const QUESTION: usize = 25;

/// Whether the sentence of a number begins with what the writer should do, without a mark at the end of that question:
/// `what should i check next for her tired since may hb 10.6`. Of what is said of others, or of a limit, nothing counts.
pub(super) fn is_behind_a_question(view: &View<'_>, number: &Number) -> bool {
    let sentence = view.sentence(number.span.start);
    let before = view.between(sentence.start, number.span.start);
    let asks = ["should i ", "should we ", "shall i ", "shall we ", "do i ", "do we "];
    let asked = asks.iter().any(|words| {
        before.find(words).is_some_and(|at| at <= QUESTION && before.len() - at > QUESTION)
    });
    let others = view.within(sentence.start..number.span.start).any(|hit| {
        let compared = hit.class == Class::Comparison && hit.end + 1 >= number.span.start;
        compared
            || (matches!(hit.class, Class::Person | Class::Thing | Class::Past)
                && !is_month(view, hit.start, hit.end))
    });
    let conditional = [" if ", " when ", " until ", " above ", " below ", " at "];
    asked && !others && !conditional.iter().any(|word| before.contains(word))
}

fn is_month(view: &View<'_>, from: usize, to: usize) -> bool {
    let month = view.between(from, to).rsplit(' ').next().unwrap_or_default();
    MONTHS.iter().any(|known| month.starts_with(known))
}

/// Whether all that says that a reading is past is the name of a month.
pub(super) fn is_of_a_month(view: &View<'_>, reading: &Reading) -> bool {
    let sentence = view.sentence(reading.span.start);
    let past = view.within(sentence).filter(|hit| hit.class == Class::Past);
    let mut past = past.peekable();
    past.peek().is_some() && past.all(|hit| is_month(view, hit.start, hit.end))
}

/// Whether a listed value is a range that the message has in the same words, from this number on: `between 88 and 90`. No limit
/// is said so.
pub(super) fn is_range(view: &View<'_>, number: &Number, value: &str) -> bool {
    let lower = value.trim().to_lowercase();
    let Some(range) = lower.strip_prefix("between ") else { return false };
    let joined = range.split_once(" and ").is_some_and(|(from, to)| {
        [from, to].iter().all(|n| n.starts_with(|c: char| c.is_ascii_digit()))
    });
    let sentence = view.sentence(number.span.start);
    let before = view.between(sentence.start, number.span.start);
    let limits = ["keep", "aim", "target", "should", "if ", "goal", "normal"];
    joined
        && before.ends_with("between ")
        && view.between(number.span.start, view.lower.len()).starts_with(range)
        && !limits.iter().any(|word| before.contains(word))
}

/// A laboratory value of which only a bound was measured, as the message gives it: `TSH <0.01`. It is a measurement under its own
/// name, since that of the fact has a number.
pub(super) fn bound(
    view: &View<'_>,
    name: FactName,
    value: &str,
    unit: &str,
) -> Option<StatedFact> {
    let value = value.trim();
    let lower = value.to_lowercase();
    let is_bound =
        value.starts_with(['<', '>', '≤', '≥']) && value.contains(|c: char| c.is_ascii_digit());
    if !is_bound || name.kind() != FactKind::Measurement || !view.lower.contains(&lower) {
        return None;
    }
    let label = name.as_str().replace('_', " ");
    let label = if label.len() <= 4 { label.to_uppercase() } else { label };
    Some(fact_of(
        FactName::Other,
        &format!("{label} {value}"),
        if unit.is_empty() { "1" } else { unit },
    ))
}

/// Whether a value has a word.
pub(super) fn says(value: &str) -> bool {
    content(value).any(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2)
}

/// Words of a number, at most: `a hundred and twenty-four`.
const SPOKEN: usize = 4;

/// The number that a listed value gives in words, wherever it stands: `pulse a hundred and two`. With `decimal`, the last word may
/// be tenths: `temperature thirty-seven one`.
pub(super) fn spoken(value: &str, decimal: bool) -> Option<f64> {
    let lower = value.to_lowercase();
    let words: Vec<&str> =
        lower.split_whitespace().map(|word| word.trim_matches([',', '.', ';', '(', ')'])).collect();
    let mut windows = (1..=SPOKEN.min(words.len())).rev().flat_map(|n| words.windows(n));
    windows.find_map(|words| number(words, decimal))
}

/// A number of nothing but these words.
fn number(words: &[&str], decimal: bool) -> Option<f64> {
    let plain = |words: &[&str]| in_words(&words.join(" "));
    match words {
        ["a" | "one", "hundred"] => Some(100.0),
        ["two", "hundred"] => Some(200.0),
        [count @ ("a" | "one" | "two"), "hundred", "and", rest] => {
            Some(f64::from(if *count == "two" { 200 } else { 100 } + in_words(rest)?))
        }
        [whole, "point", tenth] if decimal => {
            Some(f64::from(in_words(whole)?) + f64::from(in_words(tenth)?) / 10.0)
        }
        [whole, tenth] if decimal => {
            let tenth = in_words(tenth).filter(|tenth| *tenth < 10)?;
            Some(f64::from(in_words(whole)?) + f64::from(tenth) / 10.0)
        }
        [_] => plain(words).map(f64::from),
        [tens, one] if !tens.contains('-') => {
            let (tens, one) = (in_words(tens)?, in_words(one)?);
            (tens >= 20 && tens % 10 == 0 && one < 10).then(|| f64::from(tens + one))
        }
        _ => None,
    }
}
