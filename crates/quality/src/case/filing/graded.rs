//! Results in grades: `protein 2+`, `blood one plus`, `trace of ketones`.

use std::ops::Range;

use super::lexicon::{Kind, kinds};
use super::results::{AND, TestResult, WEAK, in_words, is_open};
use crate::case::view::View;
use crate::case::words::{Found, is_of_word, word_end};

/// Words between what is tested and its grade.
const BETWEEN: [&str; 14] =
    ["is", "was", "are", "were", "in", "urine", "ist", "est", "es", "è", "é", "of", "the", "at"];
/// Words between a grade and what it is of.
const OF: [&str; 20] = [
    "of",
    "the",
    "de",
    "di",
    "do",
    "da",
    "d",
    "des",
    "du",
    "von",
    "an",
    "for",
    "auf",
    "für",
    "per",
    "para",
    "pour",
    "की",
    "का",
    "ของ",
];
/// What stands between a test and the first of its results.
const HEADS: [&str; 16] = [
    ": ",
    " ",
    " - ",
    " – ",
    ", ",
    " shows ",
    " showed ",
    " with ",
    " has ",
    " zeigt ",
    " montre ",
    " muestra ",
    " mostra ",
    " con ",
    " com ",
    " avec ",
];
/// Behind a lone plus, another word says that it joins two.
const LONE: char = '+';

/// The results that a text gives of the patient, in words and in grades.
pub(in crate::case) fn results(view: &View<'_>) -> Vec<TestResult> {
    let hits = kinds(view.text, &view.lower);
    with_grades(in_words(view, &hits), graded(view, &hits), view)
}

/// Results with those in grades: what overlaps one, or stands in one list with it, is one result.
fn with_grades(
    mut all: Vec<TestResult>,
    graded: Vec<TestResult>,
    view: &View<'_>,
) -> Vec<TestResult> {
    for mut grade in graded {
        let touches = |a: &Range<usize>, b: &Range<usize>| {
            let (first, last) = if a.start <= b.start { (a, b) } else { (b, a) };
            last.start <= first.end || AND.contains(&view.between(first.end, last.start))
        };
        let (beside, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|result| touches(&result.span, &grade.span));
        for result in beside {
            grade.span =
                grade.span.start.min(result.span.start)..grade.span.end.max(result.span.end);
            grade.past |= result.past;
        }
        all = others;
        all.push(grade);
    }
    all.sort_by_key(|result| result.span.start);
    all
}

/// The signs of grades: `2+`, `++`, `+1`. Those of `K+`, `CD4+` and `+ve` are none.
fn signs(lower: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for (at, _) in lower.match_indices(LONE) {
        if all.last().is_some_and(|last| at < last.end) {
            continue;
        }
        let pluses = lower.get(at..).unwrap_or_default();
        let count = pluses.len() - pluses.trim_start_matches(LONE).len();
        let head = lower.get(..at).unwrap_or_default();
        let digit = head.trim_end_matches(' ').chars().next_back().filter(char::is_ascii_digit);
        let number = digit.map_or(at, |_| head.trim_end_matches(' ').len() - 1);
        // `2+` is a grade, and `12+` an age.
        let apart = |place: usize| {
            let before = lower.get(..place).and_then(|head| head.chars().next_back());
            !before.is_some_and(|c| is_of_word(c) || matches!(c, '.' | ','))
        };
        let start = if number < at && apart(number) { number } else { at };
        let rest = pluses.get(count..).unwrap_or_default();
        let mut next = rest.chars();
        let (first, second) = (next.next(), next.next());
        let graded = start == at
            && first.is_some_and(|c| matches!(c, '1'..='4'))
            && !second.is_some_and(|c| is_of_word(c) || c == '.');
        let end = at + count + usize::from(graded);
        let closed = lower.get(end..).and_then(|rest| rest.chars().next());
        if !apart(start) || count > 4 || closed.is_some_and(is_of_word) {
            continue;
        }
        // `urea + creatinine` joins two tests.
        let joins = start == at && count == 1 && !graded && {
            let rest = lower.get(end..).unwrap_or_default().trim_start();
            let ends = rest.is_empty() || rest.starts_with([',', ';', '.', ')', '?', '\n']);
            !ends
                && !AND
                    .iter()
                    .any(|and| rest.starts_with(and.trim_start()) && !and.starts_with(','))
        };
        if !joins {
            all.push(start..end);
        }
    }
    all
}

/// The results in grades that a text gives of the patient, those of one list with the name of their test.
fn graded(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<TestResult> {
    let mut grades = signs(&view.lower);
    grades.extend(hits.iter().filter(|h| h.class == Kind::Grade).map(|h| h.start..h.end));
    // `protein negative` needs no name of a test, and `blood clear` may be said of anything.
    let closes = |h: &&Found<Kind>| {
        matches!(h.class, Kind::Positive | Kind::Negative)
            && !WEAK.contains(&view.between(h.start, h.end))
            && hits.iter().any(|name| {
                let gap = view.between(name.end, h.start);
                name.class == Kind::Strip
                    && name.end <= h.start
                    && matches!(gap, " " | ": " | " = ")
            })
    };
    grades.extend(hits.iter().filter(closes).map(|h| h.start..h.end));
    grades.sort_by_key(|grade| (grade.start, std::cmp::Reverse(grade.end)));
    let mut all: Vec<Range<usize>> = Vec::new();
    for grade in grades {
        if all.last().is_some_and(|last| grade.start < last.end) {
            continue;
        }
        let Some(span) = named(view, hits, &grade) else { continue };
        match all.last_mut() {
            Some(last) if AND.contains(&view.between(last.end, span.start)) => last.end = span.end,
            _ => all.push(span),
        }
    }
    let headed = all.into_iter().map(|span| {
        let mut tests = hits.iter().rev().filter(|h| h.class == Kind::Test && h.end <= span.start);
        let test = tests.find(|h| HEADS.contains(&view.between(h.end, span.start)));
        test.map_or(span.start, |hit| sampled(view, hits, hit.start))..span.end
    });
    headed
        .filter(|span| !is_open(view, span))
        .map(|span| {
            let sentence = view.sentence(span.start);
            let clause =
                view.clause_start(&sentence, span.start)..view.clause_end(&sentence, span.end);
            let past = view.has(clause, crate::case::words::Class::Past);
            TestResult { span, past, tested: true }
        })
        .collect()
}

/// A grade with the name of what it is of.
fn named(view: &View<'_>, hits: &[Found<Kind>], grade: &Range<usize>) -> Option<Range<usize>> {
    let names = || {
        hits.iter()
            .filter(|h| matches!(h.class, Kind::Strip | Kind::Analyte | Kind::Lasting | Kind::Test))
    };
    let plain = |gap: &str, between: &[&str]| {
        let mut words = gap.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        !gap.contains([',', ';', '.', '\n', '+']) && words.all(|word| between.contains(&word))
    };
    let before = names().rev().find(|hit| hit.end <= grade.start).filter(|hit| {
        let end = word_end(&view.lower, hit.end.saturating_sub(1)).max(hit.end);
        plain(view.between(end, grade.start), &BETWEEN)
    });
    if let Some(hit) = before {
        return Some(sampled(view, hits, hit.start)..grade.end);
    }
    let behind = names()
        .filter(|hit| hit.start >= grade.end)
        .max_by_key(|hit| (std::cmp::Reverse(hit.start), hit.end))?;
    let end = word_end(&view.lower, behind.end.saturating_sub(1)).max(behind.end);
    plain(view.between(grade.end, behind.start), &OF).then_some(grade.start..end)
}

/// Where a name begins with what is tested: `urine protein`.
fn sampled(view: &View<'_>, hits: &[Found<Kind>], start: usize) -> usize {
    let beside = |hit: &&Found<Kind>| {
        matches!(hit.class, Kind::Sample | Kind::Test)
            && hit.end <= start
            && matches!(view.between(hit.end, start), " " | "-")
    };
    hits.iter().rev().find(beside).map_or(start, |hit| hit.start)
}
