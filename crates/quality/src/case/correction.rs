//! What somebody who dictates takes back: `weight 74, sorry, 66`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

use super::numbers::Number;
use super::view::View;
use super::words::{self, Found, Words};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sure: Vec<String>,
    weak: Vec<String>,
    fillers: Vec<String>,
    counts: Vec<String>,
    sides: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Sure,
    Weak,
    Filler,
    Count,
    Side,
}

const FILES: [(Language, &str); Language::ALL.len()] =
    language_table!(files "../../lexicon/corrections/");

/// Read once; of all languages, since a message may mix them.
static WORDS: LazyLock<Words<Class>> = LazyLock::new(|| {
    let mut all: Vec<(Class, Vec<String>)> = Vec::new();
    for (_, text) in FILES {
        let file: File = crate::embedded::read(text).unwrap_or_default();
        let lists = [
            (Class::Sure, file.sure),
            (Class::Weak, file.weak),
            (Class::Filler, file.fillers),
            (Class::Count, file.counts),
            (Class::Side, file.sides),
        ];
        all.extend(lists);
    }
    Words::of_lists(all)
});

/// Letters between what is taken back and the words that do so.
const BEFORE: usize = 30;
/// Letters between those and what holds.
const BEHIND: usize = 30;
/// Marks that part a word from those around it.
const MARKS: [char; 10] = [',', ';', ':', '–', '—', '-', '(', '…', '.', ' '];

/// A text with what holds in place of what it takes back.
pub struct Corrected<'a> {
    text: Cow<'a, str>,
    /// What was taken back, and what holds.
    changes: Vec<(String, String)>,
}

/// What may be corrected, with its place.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    /// Digits, with what belongs to them: `150/90`; its unit, and the end of that.
    Number(Range<usize>, Option<&'static str>, usize),
    /// A number in letters.
    Count(Range<usize>),
    /// A side of the body.
    Side(Range<usize>),
    /// A medicine, and the end of its dose where one stands beside it.
    Medicine(Range<usize>, usize),
    /// A time.
    Time(Range<usize>),
}

impl<'a> Corrected<'a> {
    /// A text that takes nothing back, as answers do.
    pub(crate) fn nothing(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), changes: Vec::new() }
    }

    /// Every byte of the text keeps its place, besides those of a sentence behind what was taken back in it.
    pub fn of(text: &'a str) -> Self {
        let none = Self::nothing(text);
        let lower = crate::dose::lower_case(text);
        let hits = WORDS.hits(text, &lower);
        let takes_back = |hit: &&Found<Class>| matches!(hit.class, Class::Sure | Class::Weak);
        let mut markers =
            hits.iter().filter(takes_back).filter(|hit| is_apart(&lower, hit)).peekable();
        if markers.peek().is_none() {
            return none;
        }
        let view = View::new(text);
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        // The room that is left goes to the end of the sentence: what belongs together stays beside each other.
        let (mut room, mut until) = (0, text.len());
        let mut changes = Vec::new();
        for marker in markers {
            // `no, sorry,` is one.
            if marker.start < from {
                continue;
            }
            let Some((old, new)) = correction(&view, &hits, marker) else { continue };
            let (place, said) = written(text, marker.start, &old, &new);
            if place.start < from {
                continue;
            }
            if room > 0 && until <= place.start {
                out.push_str(text.get(from..until).unwrap_or_default());
                out.push_str(&" ".repeat(room));
                (from, room) = (until, 0);
            }
            out.push_str(text.get(from..place.start).unwrap_or_default());
            out.push_str(&said);
            room += (place.end - place.start).saturating_sub(said.len());
            from = place.end;
            until = view.sentence(place.end).end.max(place.end);
            let both = [&old, &new].map(|one| slice(text, &one.told(&old, &new)));
            let [was, is] = both;
            changes.push((was, is));
        }
        if changes.is_empty() {
            return none;
        }
        out.push_str(text.get(from..until).unwrap_or_default());
        out.push_str(&" ".repeat(room));
        out.push_str(text.get(until..).unwrap_or_default());
        Self { text: Cow::Owned(out), changes }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A statement of a list about the text, with what holds.
    pub(super) fn statement<'s>(&self, statement: &'s str) -> Cow<'s, str> {
        let mut said = Cow::Borrowed(statement);
        for (old, new) in &self.changes {
            // What else is said in the same words stays.
            let again = word_at(&self.text, old).is_some();
            let told = word_at(&said, new).is_some();
            if let Some(at) = word_at(&said, old).filter(|_| !again && !told) {
                let (head, rest) = said.split_at(at);
                let tail = rest.get(old.len()..).unwrap_or_default();
                said = Cow::Owned(format!("{head}{new}{tail}"));
            }
        }
        said
    }

    /// Whether something was taken back.
    pub(super) fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }
}

impl Said {
    fn span(&self) -> Range<usize> {
        match self {
            Self::Number(span, ..)
            | Self::Medicine(span, _)
            | Self::Count(span)
            | Self::Side(span)
            | Self::Time(span) => span.clone(),
        }
    }

    /// As it stands in a statement: with its unit where that changes, too.
    fn told(&self, old: &Self, new: &Self) -> Range<usize> {
        match (old, new) {
            (Self::Number(_, Some(a), _), Self::Number(_, Some(b), _)) if a != b => {
                self.span().start..self.end()
            }
            _ => self.span(),
        }
    }

    fn end(&self) -> usize {
        match self {
            Self::Number(.., end) | Self::Medicine(_, end) => *end,
            Self::Count(span) | Self::Side(span) | Self::Time(span) => span.end,
        }
    }
}

fn slice(text: &str, place: &Range<usize>) -> String {
    text.get(place.clone()).unwrap_or_default().to_owned()
}

/// Where a word stands in a text.
fn word_at(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let behind = text.get(at + word.len()..).and_then(|t| t.chars().next());
        ![before, behind].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Whether words that take something back are set apart: before them always, behind them where they may say something else.
fn is_apart(lower: &str, hit: &Found<Class>) -> bool {
    let head = lower.get(..hit.start).unwrap_or_default();
    let rest = lower.get(hit.end..).unwrap_or_default();
    let thai = rest.is_empty()
        || lower.get(hit.start..).and_then(|t| t.chars().next()).is_some_and(words::is_thai);
    let before = head.trim_end().ends_with([',', ';', '–', '—', '-', '(', '…', ':', '.']);
    let behind = rest.trim_start().starts_with([',', ';', '–', '—', '-', '…', ':', '.']);
    match hit.class {
        // Thai has no commas.
        Class::Sure => before || (thai && head.ends_with(' ')),
        _ => before && behind,
    }
}

/// What is taken back, and what holds.
fn correction(
    view: &View<'_>,
    hits: &[Found<Class>],
    marker: &Found<Class>,
) -> Option<(Said, Said)> {
    let new = behind(view, hits, marker.end)?;
    // `She weighs 74 kg. Sorry, 66.` says nothing else in its sentence.
    let parted = view.between(0, marker.start).trim_end().ends_with('.');
    let rest = view.lower.get(new.end()..).unwrap_or_default().trim_start();
    let ends = rest.is_empty() || rest.starts_with(['.', '!', ';', '\n', '।']);
    if parted && !(ends && matches!(new, Said::Number(..) | Said::Count(_))) {
        return None;
    }
    let old = before(view, hits, marker.start, &new)?;
    // `pulse 112, sorry, temp 38.4` forgot something.
    let label = |part: Range<usize>| {
        view.within(part).rev().find_map(|hit| match hit.class {
            words::Class::Label(name) => Some(name),
            _ => None,
        })
    };
    let named = label(marker.end..new.span().start);
    let sentence = view.sentence(old.span().start);
    if named.is_some() && named != label(sentence.start..old.span().start) {
        return None;
    }
    let fits = match (&old, &new) {
        (Said::Number(_, Some(a), _), Said::Number(_, Some(b), _)) => {
            let mass = |unit: &str| ["g", "mg", "ug"].contains(&unit);
            a == b || (mass(a) && mass(b))
        }
        _ => true,
    };
    (fits && old.span() != new.span()).then_some((old, new))
}

/// What holds: the first number or time behind the words that correct, with fillers between.
fn behind(view: &View<'_>, hits: &[Found<Class>], from: usize) -> Option<Said> {
    let mut at = from;
    loop {
        let rest = view.lower.get(at..)?;
        let next = at + rest.len() - rest.trim_start_matches(MARKS).len();
        // A sentence ended.
        let gap = view.between(at, next);
        if view.between(from, next).chars().count() > BEHIND || gap.contains(['\n', '(']) {
            return None;
        }
        if let Some(number) = view.numbers.iter().find(|n| n.span.start == next) {
            return Some(digits(view, number));
        }
        let time = view
            .within(next..view.text.len())
            .filter(|hit| hit.start == next && is_time(hit.class));
        if let Some(hit) = time.max_by_key(|hit| hit.end) {
            return Some(Said::Time(hit.start..hit.end));
        }
        let here = hits.iter().filter(|hit| hit.start == next);
        if let Some(hit) = here.clone().find(|hit| hit.class == Class::Count) {
            return Some(Said::Count(hit.start..hit.end));
        }
        if let Some(hit) = here.clone().find(|hit| hit.class == Class::Side) {
            return Some(Said::Side(hit.start..hit.end));
        }
        if let Some(name) = medicines(view).into_iter().find(|name| name.start == next) {
            return Some(dosed(view, name));
        }
        let label = view
            .within(next..view.text.len())
            .filter(|hit| hit.start == next && matches!(hit.class, words::Class::Label(_)))
            .map(|hit| hit.end);
        let fills = |hit: &&Found<Class>| !matches!(hit.class, Class::Count | Class::Side);
        let filler = here.filter(fills).map(|hit| hit.end);
        at = filler.chain(label).max()?;
    }
}

fn is_time(class: words::Class) -> bool {
    matches!(class, words::Class::Past | words::Class::Initial | words::Class::Later)
}

/// What is taken back: the last thing of the kind of `new` before the words that correct.
fn before(view: &View<'_>, hits: &[Found<Class>], until: usize, new: &Said) -> Option<Said> {
    let old = match new {
        Said::Number(..) => {
            let number = view.numbers.iter().rev().find(|n| n.end <= until)?;
            digits(view, number)
        }
        Said::Count(_) => {
            let hit =
                hits.iter().rev().find(|hit| hit.class == Class::Count && hit.end <= until)?;
            Said::Count(hit.start..hit.end)
        }
        Said::Side(_) => {
            let hit = hits.iter().rev().find(|hit| hit.class == Class::Side && hit.end <= until)?;
            Said::Side(hit.start..hit.end)
        }
        Said::Medicine(..) => {
            let name = medicines(view).into_iter().rev().find(|name| name.end <= until)?;
            dosed(view, name)
        }
        Said::Time(_) => {
            let hit =
                view.within(0..until).filter(|hit| is_time(hit.class)).max_by_key(|hit| hit.end)?;
            Said::Time(hit.start..hit.end)
        }
    };
    let gap = view.between(old.end(), until);
    let near = match old {
        // A time is what was said last.
        Said::Time(_) => gap.chars().all(|c| MARKS.contains(&c)),
        _ => {
            let gap = gap.trim_end_matches(MARKS);
            gap.chars().count() <= BEFORE
                && !gap.contains([',', ';', '?', '!', '\n'])
                && !gap.contains(". ")
        }
    };
    near.then_some(old)
}

/// The names of medicines in a text.
fn medicines(view: &View<'_>) -> Vec<Range<usize>> {
    crate::dose::medicine_words(&view.lower, Language::English)
}

/// A medicine with the dose right behind it.
fn dosed(view: &View<'_>, name: Range<usize>) -> Said {
    let dose = view.numbers.iter().find(|n| {
        n.span.start > name.end && view.between(name.end, n.span.start).trim().is_empty()
    });
    let end = dose.filter(|n| n.unit.is_some()).map_or(name.end, |n| n.end);
    Said::Medicine(name, end)
}

/// A number with all that belongs to its digits.
fn digits(view: &View<'_>, number: &Number) -> Said {
    let joined = |c: char| c.is_numeric() || matches!(c, '/' | '.' | ',' | '-' | ':');
    let head = view.lower.get(..number.span.start).unwrap_or_default();
    let start = head.len()
        - head.chars().rev().take_while(|c| joined(*c)).map(char::len_utf8).sum::<usize>();
    let rest = view.lower.get(number.span.end..).unwrap_or_default();
    let more: String = rest.chars().take_while(|c| joined(*c)).collect();
    let end = number.span.end + more.trim_end_matches(|c: char| !c.is_numeric()).len();
    Said::Number(start..end, number.unit, number.end.max(end))
}

/// The part of a text that a correction takes up, and what is said in its place: what holds, with what stood behind the
/// one that is taken back.
fn written(text: &str, marker: usize, old: &Said, new: &Said) -> (Range<usize>, String) {
    let place = old.span().start..new.end();
    // What holds may come with a unit or a dose of its own.
    let whole = match new {
        Said::Number(_, unit, _) => unit.is_some(),
        other => other.end() > other.span().end,
    };
    let rest = if whole { old.end() } else { old.span().end };
    let tail = text.get(rest..marker).unwrap_or_default().trim_end_matches(MARKS);
    // `left knee, no, right knee`.
    let behind = text.get(new.end()..).unwrap_or_default();
    let tail = if behind.starts_with(tail) { "" } else { tail };
    let said = slice(text, &(new.span().start..new.end()));
    // `54-year-old, sorry, 45-year-old` goes on behind the second one.
    let goes_on = text.get(new.end()..).is_some_and(|rest| rest.starts_with(['-', '–']));
    (place, if goes_on { said } else { said + tail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads() {
        for (language, text) in FILES {
            let file: File =
                crate::embedded::read(text).unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            assert!(file.sure.len() > 5 && file.counts.len() > 10, "{}", language.code());
            let all = file.sure.iter().chain(&file.weak).chain(&file.fillers).chain(&file.counts);
            assert!(
                all.clone().all(|w| w.chars().any(|c| words::is_of_word(c) || words::is_thai(c)))
            );
        }
    }

    #[test]
    fn bytes_outside_keep_their_places() {
        let text = "Gewicht 74 kg, nein, 66 kg, Größe 160 cm.";
        let corrected = Corrected::of(text);
        assert_eq!(corrected.text().len(), text.len());
        assert_eq!(corrected.text().trim_end(), "Gewicht 66 kg, Größe 160 cm.");
        assert!(!corrected.text().contains("74"));
        let weeks = Corrected::of("Six weeks ago, no, closer to eight. She coughs.");
        assert_eq!(weeks.text(), "eight weeks ago.                    She coughs.");
    }
}
