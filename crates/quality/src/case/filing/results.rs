//! Results of tests that a text says in words: `malaria rapid test negative`, `swab grew MRSA`.

use std::ops::Range;

use super::lexicon::Kind;
use crate::case::view::View;
use crate::case::words::{Class, Found};

/// Letters between the name of a test and its result.
const GAP: usize = 45;
/// Letters of what a test found.
const FOUND: usize = 120;
/// Letters within which a result that closes follows one that opens: `came back today negative`.
const NEAR: usize = 16;

/// A result of the patient's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::case) struct TestResult {
    /// The test with what it found.
    pub(in crate::case) span: Range<usize>,
    /// Whether it is of another time.
    pub(in crate::case) past: bool,
    /// Whether the text names a test, and not only what it looks for.
    pub(in crate::case) tested: bool,
}

/// The name of a test: words that stand together.
#[derive(Debug, Clone)]
struct Name {
    start: usize,
    end: usize,
    test: bool,
    analyte: bool,
    lasting: bool,
}

fn names(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<Name> {
    let mut all: Vec<Name> = Vec::new();
    for hit in hits {
        let (test, analyte, lasting) =
            (hit.class == Kind::Test, hit.class == Kind::Analyte, hit.class == Kind::Lasting);
        if !(test || analyte || lasting || hit.class == Kind::Sample) {
            continue;
        }
        let end = crate::case::words::word_end(&view.lower, hit.end.saturating_sub(1)).max(hit.end);
        match all.last_mut() {
            Some(last)
                if hit.start <= last.end
                    || matches!(view.between(last.end, hit.start), " " | "-" | " - ") =>
            {
                last.end = last.end.max(end);
                last.test |= test;
                last.analyte |= analyte;
                last.lasting |= lasting;
            }
            _ => all.push(Name { start: hit.start, end, test, analyte, lasting }),
        }
    }
    all.retain(|name| name.test || name.analyte || name.lasting);
    all
}

/// Words between the name of a test and its result.
const BETWEEN: [&str; 51] = [
    "is",
    "are",
    "was",
    "were",
    "test",
    "tests",
    "rdt",
    "status",
    "both",
    "all",
    "again",
    "still",
    "today",
    "now",
    "also",
    "antigen",
    "smear",
    "film",
    "screen",
    "came",
    "back",
    "result",
    "results",
    "twice",
    "ist",
    "war",
    "sind",
    "auch",
    "heute",
    "est",
    "était",
    "sont",
    "revenu",
    "es",
    "fue",
    "era",
    "son",
    "è",
    "risulta",
    "sono",
    "é",
    "foi",
    "deu",
    "hoje",
    "last",
    "week",
    "month",
    "year",
    "yesterday",
    "in",
    "urine",
];
/// Results that are also said of the rest of the body.
pub(super) const WEAK: [&str; 8] = [
    "normal",
    "normale",
    "clear",
    "unremarkable",
    "unauffällig",
    "nella norma",
    "sterile",
    "detected",
];

/// Words between the items of a list.
pub(super) const AND: [&str; 10] =
    [", ", " and ", " & ", "/", " und ", " et ", " y ", " e ", " और ", " และ"];
/// Words before a result that is nobody's: `a negative test rules it out`.
const ANY: [&str; 14] = [
    "a", "an", "any", "no", "every", "ein", "eine", "un", "une", "una", "uno", "um", "uma", "kein",
];

/// The results that a text gives of the patient in words: not those that are asked for, awaited, thought of or somebody else's.
pub(super) fn in_words(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<TestResult> {
    let names = names(view, hits);
    let mut all: Vec<TestResult> = Vec::new();
    let mut list: Option<(usize, usize)> = None;
    for name in &names {
        // `HIV and syphilis negative` is one result.
        let start = match list {
            Some((start, end)) if AND.contains(&view.between(end, name.start)) => start,
            _ => name.start,
        };
        list = Some((start, name.end));
        if all.last().is_some_and(|last| name.start < last.span.end) {
            continue;
        }
        let Some(span) = found(view, hits, &names, name, start) else { continue };
        list = None;
        if is_open(view, &span) {
            continue;
        }
        let sentence = view.sentence(span.start);
        let clause = view.clause_start(&sentence, span.start)..view.clause_end(&sentence, span.end);
        let year = view.numbers.iter().any(|n| {
            clause.contains(&n.span.start)
                && n.value.fract() == 0.0
                && (1950.0..2100.0).contains(&n.value)
        });
        let past = year || view.has(clause, Class::Past);
        all.push(TestResult { span, past, tested: name.test });
    }
    all
}

/// Whether what is said at a place is a question, a condition, advice, or of somebody else.
pub(in crate::case) fn is_open(view: &View<'_>, span: &Range<usize>) -> bool {
    let sentence = view.sentence(span.start);
    let start = view.clause_start(&sentence, span.start);
    let limited = view
        .within(start..span.start)
        .any(|hit| matches!(hit.class, Class::Limit | Class::Advice | Class::Comparison));
    let end = view.clause_end(&sentence, span.end);
    let asked = view.between(sentence.start, sentence.end).trim_end().ends_with('?')
        && view.between(end, sentence.end).chars().all(|c| !c.is_alphanumeric());
    limited || asked || view.is_of_other(&sentence, span.start)
}

/// Whether a result belongs to the name that stands before it: the one in `nitrites positive culture pending`.
fn is_of_name_before(view: &View<'_>, names: &[Name], result: &Found<Kind>) -> bool {
    names.iter().filter(|name| name.end <= result.start).any(|name| {
        let gap = view.between(name.end, result.start);
        let mut words = gap.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        !gap.contains([',', ';', '.', '\n']) && words.all(|word| BETWEEN.contains(&word))
    })
}

/// The result of a test, with its name.
fn found(
    view: &View<'_>,
    hits: &[Found<Kind>],
    names: &[Name],
    name: &Name,
    start: usize,
) -> Option<Range<usize>> {
    let closes = |kind: Kind| {
        kind == Kind::Negative || (kind == Kind::Positive && (name.test || name.analyte))
    };
    // `negative malaria test`, but not `a negative test`.
    let before = hits.iter().rev().find(|hit| {
        let near = hit.end <= start && matches!(view.between(hit.end, start), "" | " " | "-");
        near && closes(hit.class) && !is_of_name_before(view, names, hit)
    });
    if let Some(hit) = before {
        let head = view.between(0, hit.start);
        let word = head.split_whitespace().next_back().unwrap_or_default();
        return (!ANY.contains(&word)).then(|| hit.start..reasons(view, name.end));
    }
    let germ = hits.iter().rev().find(|hit| {
        let between = view.between(hit.end, start);
        hit.end <= start && hit.class == Kind::Germ && matches!(between, " on " | " in " | " from ")
    });
    if let Some(hit) = germ {
        return Some(hit.start..extent(view, hits, name.end));
    }
    let sentence = view.sentence(name.start);
    let mut behind = hits
        .iter()
        .filter(|hit| name.end <= hit.start && hit.end <= sentence.end)
        .filter(|hit| {
            closes(hit.class) || matches!(hit.class, Kind::Shows | Kind::Germ | Kind::Unknown)
        })
        .peekable();
    let first = *behind.peek()?;
    let gap = view.between(name.end, first.start);
    let direct = gap.trim_matches([' ', ',', ':', '(', '=']).is_empty();
    let parted = gap.contains([',', ';', '\n', '(', ')', '.'])
        || AND.iter().any(|and| gap.contains(and))
        || gap.contains(char::is_numeric);
    if gap.chars().count() > GAP || (!direct && parted) {
        return None;
    }
    let mut words = gap.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let plain = words.all(|word| BETWEEN.contains(&word));
    match first.class {
        Kind::Unknown => None,
        Kind::Germ => Some(start..extent(view, hits, first.end)),
        Kind::Shows => {
            let near = |hit: &&&Found<Kind>| {
                let gap = view.between(first.end, hit.start);
                closes(hit.class) && hit.start >= first.end && gap.chars().count() <= NEAR
            };
            if let Some(closed) = behind.find(|hit| near(&hit)) {
                return Some(start..reasons(view, closed.end));
            }
            // Only a test has something to show: `the malaria came back`.
            let end = extent(view, hits, first.end);
            let told = view.between(first.end, end).split_whitespace().any(|w| w.len() >= 3);
            (name.test && told).then_some(start..end)
        }
        // `malaria and the chest is clear` is no result.
        _ => {
            let weak = WEAK.contains(&view.between(first.start, first.end));
            let is = plain || (name.test && !weak);
            is.then(|| start..reasons(view, first.end))
        }
    }
}

/// What a result is positive or negative for.
fn reasons(view: &View<'_>, end: usize) -> usize {
    let rest = view.lower.get(end..).unwrap_or_default();
    let of = [" for ", " auf ", " für ", " pour ", " para ", " per "];
    if !of.iter().any(|word| rest.starts_with(word)) {
        return end;
    }
    let sentence = view.sentence(end.saturating_sub(1));
    let until = view.clause_end(&sentence, end);
    let said = view.text.get(end..until).unwrap_or_default().trim_end_matches(['.', '?', '!', ' ']);
    // A span of time is no reason: `negative for two days`.
    let timed = said.chars().any(char::is_numeric) || said.chars().count() > GAP;
    if timed { end } else { end + said.len() }
}

/// Where what a test found ends: with its sentence, or before something else is said.
pub(in crate::case) fn extent(view: &View<'_>, hits: &[Found<Kind>], from: usize) -> usize {
    let sentence = view.sentence(from.saturating_sub(1));
    let rest = view.text.get(from..sentence.end).unwrap_or_default();
    let mut end = rest.find([';', '\n', '(', '?']).unwrap_or(rest.len());
    for word in [
        ", ", " and ", " but ", " und ", " aber ", " et ", " mais ", " y ", " pero ", " e ",
        " ma ", " mas ",
    ] {
        for (at, _) in rest.match_indices(word) {
            let next = from + at + word.len();
            let near = |start: usize| (next..next + 12).contains(&start);
            let other = hits.iter().any(|hit| {
                near(hit.start)
                    && matches!(
                        hit.class,
                        Kind::Symptom | Kind::Test | Kind::Social | Kind::Drinking
                    )
            }) || view.hits.iter().any(|hit| {
                near(hit.start)
                    && matches!(
                        hit.class,
                        Class::Subject | Class::Label(_) | Class::Resembling | Class::Person
                    )
            });
            if other {
                end = end.min(at);
            }
        }
    }
    let said = rest.get(..end).unwrap_or_default();
    let cut = said.char_indices().nth(FOUND).and_then(|(at, _)| said.get(..at)?.rfind(' '));
    let said = cut.and_then(|at| said.get(..at)).unwrap_or(said);
    from + said.trim_end_matches(|c: char| c.is_whitespace() || ".,:!".contains(c)).len()
}
