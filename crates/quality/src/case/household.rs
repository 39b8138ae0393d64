//! What a message says of how its patient lives: home, work, school, and what they smoke and drink.

use super::filing::extent;
use super::filing::lexicon::{Kind, kinds};
use super::filing::results::is_open;
use super::view::View;
use super::words::Found;

/// Statements that are read, at most.
const MANY: usize = 3;
/// Letters of a statement.
const STATEMENT: usize = 90;
/// Words between two statements about one person.
const AND: [&str; 7] = ["", "and", "but", "und", "et", "y", "e"];

/// The statements of a text about how its patient lives, each from the word that says so to the end of its clause: `lives with two
/// sisters`, `smokes 20 a day`. What is said of relatives, and where something happened, is none.
pub(super) fn said(view: &View<'_>) -> Vec<String> {
    let hits = kinds(view.text, &view.lower);
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut until = 0;
    for hit in hits.iter().filter(|hit| begins(view, &hits, hit)) {
        if hit.start < until || all.len() == MANY {
            continue;
        }
        let longest = hits.iter().filter(|h| h.start == hit.start && h.class == hit.class);
        let end = longest.map(|h| h.end).max().unwrap_or(hit.end);
        let start = counted(view, hit.start);
        // `works as a nurse and does not smoke` is said of one person.
        let gap = view.between(until, start).trim_matches([' ', ',', ';']);
        let goes_on = until > 0 && AND.contains(&gap);
        if (!goes_on && is_open(view, &(start..end))) || is_anybody(view, start) {
            continue;
        }
        let sentence = view.sentence(start);
        let clause = extent(view, &hits, end).min(view.clause_end(&sentence, end));
        until = ends(view, &hits, end, clause.max(end));
        let said =
            view.text.get(start..until).unwrap_or_default().trim_end_matches(['.', '!', ' ']);
        let cut = said.char_indices().nth(STATEMENT).and_then(|(at, _)| said.get(..at)?.rfind(' '));
        all.push((start, cut.and_then(|at| said.get(..at)).unwrap_or(said).to_owned()));
    }
    all.into_iter().map(|(_, said)| said).collect()
}

/// Words for those at home, one of whom a pronoun may mean.
const FAMILY: [&str; 5] = ["family", "families", "household", "carers", "caregivers"];

/// Whether a text speaks of those at home, so that a pronoun may mean one of them.
pub(super) fn names_family(view: &View<'_>) -> bool {
    view.lower.split(|c: char| !c.is_alphabetic()).any(|word| FAMILY.contains(&word))
}

/// Words behind which something else is said.
const TURNS: [&str; 15] = [
    " who ",
    " which ",
    " was ",
    " is ",
    " has ",
    " comes ",
    " came ",
    " presents ",
    " ist ",
    " war ",
    " hat ",
    " est ",
    " era ",
    " è ",
    " tem ",
];
/// Words that may bring a complaint: `a bus driver with chest pain`.
const WITH: [&str; 6] = [" with ", " mit ", " avec ", " con ", " com ", " and "];
/// Letters between one of them and the complaint.
const AHEAD: usize = 30;

/// Where a statement ends that begins before a place, within its clause.
fn ends(view: &View<'_>, hits: &[Found<Kind>], from: usize, until: usize) -> usize {
    let rest = view.between(from, until);
    let turn = TURNS.iter().filter_map(|word| rest.find(word)).min();
    let complains = |at: usize| {
        let ahead = from + at..from + at + AHEAD;
        hits.iter().any(|hit| hit.class == Kind::Symptom && ahead.contains(&hit.start))
    };
    let brings = WITH.iter().flat_map(|word| rest.match_indices(word).map(|(at, _)| at));
    let complaint = brings.filter(|at| complains(*at)).min();
    from + turn.into_iter().chain(complaint).min().unwrap_or(rest.len())
}

/// Whether a statement about how somebody lives begins with a word.
fn begins(view: &View<'_>, hits: &[Found<Kind>], hit: &Found<Kind>) -> bool {
    match hit.class {
        Kind::Social => true,
        // Whoever drinks a lot may be thirsty.
        Kind::Drinking => {
            let sentence = view.sentence(hit.start);
            let clause = hit.end..view.clause_end(&sentence, hit.end);
            hits.iter().any(|h| h.class == Kind::Alcohol && clause.contains(&h.start))
        }
        _ => false,
    }
}

/// Words before somebody who is not the patient, or for whom an answer is: `by a farmer`, `the student`, `for a student`.
const BEFORE: [&str; 12] =
    ["the", "at", "for", "to", "by", "like", "der", "die", "für", "pour", "para", "per"];

/// Whether a word is said of somebody in general.
fn is_anybody(view: &View<'_>, at: usize) -> bool {
    let articles = ["a", "an", "ein", "eine", "einen", "un", "une", "una", "um", "uma"];
    let mut before = view.between(0, at).split_whitespace().rev();
    let first = before.next().filter(|word| !articles.contains(word));
    first.or_else(|| before.next()).is_some_and(|word| BEFORE.contains(&word))
}

/// Words that count, whose number stands before them.
const COUNTS: [&str; 6] = ["pack", "unit", "paquet", "paquete", "maços", "pacchetti"];

/// Where a statement begins whose first word is at a place: at the number of `40 pack-years`.
fn counted(view: &View<'_>, at: usize) -> usize {
    let rest = view.lower.get(at..).unwrap_or_default();
    if !COUNTS.iter().any(|word| rest.starts_with(word)) {
        return at;
    }
    let before = view.numbers.iter().find(|n| {
        n.span.end <= at && view.between(n.span.end, at).trim_matches([' ', '-']).is_empty()
    });
    before.map_or(at, |n| n.span.start)
}
