//! Which of several values of one thing stands: not a dip, a peak or an earlier one.

use std::ops::Range;

use clinstruct_schema::{FactKind, FactName, StatedFact};

use super::canonical::canonical;
use super::numbers::{Number, Part};
use super::sizes::is_plausible;
use super::statement::WAS;
use super::view::View;
use super::vitals::{Reading, Time, is_bare, is_nobodys, plain, read};
use super::words::{Class, Hit};

/// Letters between a value and the next one of the same thing.
const GAP: usize = 80;
/// Letters between a number and the time behind it.
const BEHIND: usize = 25;
/// Letters of a statement that is kept in place of a value.
const STATEMENT: usize = 110;

/// Words that part what is said of one number from what is said of the next.
const PARTS: [&str; 14] = [
    ", ",
    ". ",
    "; ",
    " – ",
    " — ",
    " (",
    " and ",
    " but ",
    " und ",
    " et ",
    " y ",
    " e ",
    " और ",
    " และ",
];

/// All values of a text, in its order.
pub(super) fn readings(view: &View<'_>) -> Vec<Reading> {
    let mut all = Vec::new();
    for (at, number) in view.numbers.iter().enumerate() {
        let known = all.len();
        read(view, at, number, &mut all);
        if all.len() == known {
            all.extend(follows(view, number, all.last()));
        }
    }
    settle(view, &mut all);
    all
}

/// A further value of what the last reading measured, without a label: `INR 2.4 on arrival and 4.6 this morning`.
fn follows(view: &View<'_>, number: &Number, last: Option<&Reading>) -> Option<Reading> {
    let last = last?;
    let name = last.name;
    if number.part != Part::Alone || matches!(name, FactName::Systolic | FactName::Diastolic) {
        return None;
    }
    let gap = last.span.end..number.span.start;
    let text = view.between(gap.start, gap.end);
    if text.is_empty()
        || text.chars().count() > GAP
        || text.contains('\n')
        || text.chars().any(char::is_numeric)
    {
        return None;
    }
    let foreign = |hit: &Hit| {
        matches!(
            hit.class,
            Class::Label(_)
                | Class::Resembling
                | Class::Limit
                | Class::Advice
                | Class::Comparison
                | Class::Thing
                | Class::Person
                | Class::Usual
        )
    };
    if view.within(gap.clone()).any(foreign) {
        return None;
    }
    // `breathing at 6 a minute after 8 mg lorazepam`, `weight 82 kg, takes warfarin 5 mg today`, `a 26 kg girl who swallowed a
    // 20 mm cell an hour ago`: a dose, a time or a length is no further value.
    let other = |unit: &str| match name {
        FactName::Weight => !["[lb_av]", "g"].contains(&unit),
        FactName::Height => unit != "m",
        FactName::Temperature => !["[degF]", "deg"].contains(&unit),
        _ => name.kind() == FactKind::Vital || ["mg", "ug", "mL"].contains(&unit),
    };
    if number.unit.is_some_and(|unit| unit != last.unit && other(unit)) {
        return None;
    }
    let (value, unit) = canonical(name, number.value, number.unit.or(Some(last.unit)))?;
    let fits = unit == last.unit
        && is_plausible(name, value)
        && (number.unit.is_some() || is_bare(view, number));
    let timed = |part: Range<usize>, also: Class| {
        view.within(part).any(|hit| {
            matches!(hit.class, Class::Past | Class::Initial | Class::Later) || hit.class == also
        })
    };
    let behind = behind(view, number.end, view.text.len());
    let says = timed(gap, Class::Standing) || timed(behind, Class::Episode);
    (fits && says).then(|| Reading {
        name,
        value,
        text: if value.to_bits() == number.value.to_bits() {
            number.text.clone()
        } else {
            plain(value)
        },
        unit,
        span: number.span.start..number.end,
        from: number.span.start,
        past: false,
        time: Time::Open,
        episode: false,
    })
}

/// What is said right behind a number.
fn behind(view: &View<'_>, at: usize, until: usize) -> Range<usize> {
    let sentence = view.sentence(at.saturating_sub(1));
    let end = view.clause_end(&sentence, at).min(until);
    let rest = view.between(at, end);
    let part = PARTS.iter().filter_map(|part| rest.find(part)).min().unwrap_or(rest.len());
    at..at + part
}

/// Says of each reading when it was, and whether it lasted.
fn settle(view: &View<'_>, all: &mut [Reading]) {
    let spans: Vec<Range<usize>> = all.iter().map(|r| r.span.clone()).collect();
    let several = |name| all.iter().filter(|r| r.name == name).count() > 1;
    let said: Vec<(Time, bool, bool)> = all
        .iter()
        .map(|reading| {
            let (start, end) = (reading.span.start, reading.span.end);
            let previous = spans.iter().map(|s| s.end).filter(|e| *e <= reading.from).max();
            let next = spans.iter().map(|s| s.start).filter(|s| *s >= end).min();
            let behind = behind(view, end, next.unwrap_or(view.text.len()));
            let sentence = view.sentence(start);
            let clause = view.clause_start(&sentence, reading.from);
            // What stands between two values belongs to the first one up to a word that parts them.
            let own = previous.filter(|p| *p > clause).map_or(clause, |p| {
                let gap = view.between(p, reading.from);
                let part = PARTS.iter().filter_map(|part| Some(gap.rfind(part)? + part.len()));
                p + part.max().unwrap_or_default()
            });
            let before = own..start;
            // `walking with a frame weight 58 kg`: a size neither dips nor peaks.
            let lasting = is_lasting(reading.name);
            let episode = !lasting
                && (view.has(before.clone(), Class::Episode)
                    || view.has(behind.clone(), Class::Episode));
            let time = time(view, &before, &behind);
            (time, episode, several(reading.name))
        })
        .collect();
    for (reading, (time, episode, several)) in all.iter_mut().zip(said) {
        reading.time = time;
        reading.episode = episode;
        // `weight today 8.6 kg and it was 8.9 seven weeks ago`: the words beside a number say more than its clause.
        if several || time == Time::Now {
            reading.past = time == Time::Past;
        }
    }
    settle_days(view, all);
}

/// Words before the number of a day, at the head of what is said of it.
const DAYS: [&str; 16] = [
    "day",
    "week",
    "visit",
    "tag",
    "woche",
    "jour",
    "semaine",
    "día",
    "semana",
    "giorno",
    "settimana",
    "dia",
    "दिन",
    "सप्ताह",
    "วันที่",
    "สัปดาห์ที่",
];

/// Of a chart with several days, the last one stands: `Day 1: SpO2 84 %; Day 2: SpO2 91 %`.
fn settle_days(view: &View<'_>, all: &mut [Reading]) {
    let days: Vec<Option<(usize, u32)>> = all.iter().map(|r| day(view, r.from)).collect();
    let last: Vec<Option<u32>> = all
        .iter()
        .zip(&days)
        .map(|(reading, own)| {
            let (word, _) = (*own)?;
            let same = all.iter().zip(&days).filter(|(other, _)| other.name == reading.name);
            same.filter_map(|(_, day)| day.filter(|(w, _)| *w == word)).map(|(_, day)| day).max()
        })
        .collect();
    for ((reading, own), last) in all.iter_mut().zip(days).zip(last) {
        if let (Some((_, own)), Some(last)) = (own, last)
            && own < last
        {
            (reading.time, reading.past) = (Time::Past, true);
        }
    }
}

/// The day whose line or part of a line a place is in, with the word for it: `Day 2: RR 32/min`.
fn day(view: &View<'_>, at: usize) -> Option<(usize, u32)> {
    let head = view.lower.get(..at)?;
    let line = head.get(head.rfind('\n').map_or(0, |end| end + 1)..)?;
    line.split(['\n', ';', '.', '|']).rev().find_map(|part| {
        let part = part.trim_start_matches(|c: char| !c.is_alphabetic());
        DAYS.iter().enumerate().find_map(|(word, name)| {
            let rest = part.strip_prefix(name)?.trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Some((word, digits.parse().ok()?))
        })
    })
}

/// The time that is named right behind a number, or else last before it.
fn time(view: &View<'_>, before: &Range<usize>, behind: &Range<usize>) -> Time {
    let of = |hit: &Hit| match hit.class {
        Class::Past => Some(Time::Past),
        Class::Initial => Some(Time::First),
        Class::Later => Some(Time::Now),
        _ => None,
    };
    let near = |hit: &&Hit| view.between(behind.start, hit.start).chars().count() <= BEHIND;
    let named = |hit: &&Hit| of(hit).is_some();
    let first = view
        .within(behind.clone())
        .filter(named)
        .filter(near)
        .min_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end), of(hit)));
    let last = || {
        let hits = view.within(before.clone()).filter(named);
        hits.max_by_key(|hit| (hit.end, std::cmp::Reverse(hit.start), std::cmp::Reverse(of(hit))))
    };
    if let Some(time) = first.or_else(last).and_then(of) {
        return time;
    }
    let whole = format!(" {} ", view.between(before.start, before.end));
    if WAS.iter().any(|was| whole.contains(was)) { Time::First } else { Time::Open }
}

/// The readings that stand for a name, the one to take first: the latest, and of those of one time the first.
pub(super) fn current(all: &[Reading], name: FactName) -> Vec<&Reading> {
    let stands = |r: &&Reading| r.name == name && !r.past && !r.episode;
    let Some(latest) = all.iter().filter(stands).map(|r| r.time).max() else { return Vec::new() };
    let mut of: Vec<&Reading> = all.iter().filter(stands).filter(|r| r.time == latest).collect();
    if latest == Time::Now {
        of.reverse();
    }
    of
}

/// What a text says of a value that does not stand, as a phrase: `saturation dipped to 84% on his back`.
fn statement(view: &View<'_>, reading: &Reading) -> String {
    let sentence = view.sentence(reading.span.start);
    // With its unit, so that what follows it in Thai, without a comma, is not part of it.
    let numbers = view.numbers.iter().filter(|n| n.span.start == reading.span.start);
    let own = numbers.map(|n| n.end).max().unwrap_or_default().max(reading.span.end);
    let last = view.text.get(..own).and_then(|text| text.char_indices().next_back());
    let end = view.clause_end(&sentence, last.map_or(own, |(at, _)| at));
    let text = view.text.get(reading.from..end).unwrap_or_default();
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || ".;:!?".contains(c));
    let cut = text.char_indices().nth(STATEMENT).and_then(|(at, _)| text.get(..at)?.rfind(' '));
    let text = cut.and_then(|at| text.get(..at)).unwrap_or(text).trim();
    let name = reading.name.as_str().replace('_', " ");
    if text.to_lowercase().contains(&name) { text.to_owned() } else { format!("{name}: {text}") }
}

/// An earlier value with its time and its name.
fn earlier(view: &View<'_>, reading: &Reading) -> String {
    let sentence = view.sentence(reading.span.start);
    let clause =
        view.clause_start(&sentence, reading.from)..view.clause_end(&sentence, reading.span.end);
    let times = view.within(clause).filter(|hit| hit.class == Class::Past);
    let time = times
        .max_by_key(|hit| hit.end - hit.start)
        .and_then(|hit| view.text.get(hit.start..hit.end))
        .unwrap_or("earlier");
    // At the head of a sentence.
    let mut letters = time.chars();
    let time: String =
        letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
    let text = view.text.get(reading.from..reading.span.end).unwrap_or_default().trim();
    let name = reading.name.as_str().replace('_', " ");
    let named = reading.from < reading.span.start;
    if named { format!("{time}: {text}") } else { format!("{time}: {name} {text}") }
}

/// Whether a number can be a value of the patient that stands.
pub(super) fn is_said(view: &View<'_>, number: &Number) -> bool {
    let (sentence, at) = (view.sentence(number.span.start), number.span.start);
    let clause = view.clause_start(&sentence, at)..view.clause_end(&sentence, number.end);
    !is_nobodys(view, &sentence, number, at)
        // Of `up from 1.0 to 1.4`, the second is.
        && (number.part == Part::Changed || !view.has(clause.clone(), Class::Past))
        && !view.has(clause, Class::Episode)
}

/// Whether a statement of a list has a number.
fn is_told(facts: &[StatedFact], number: &str) -> bool {
    facts.iter().any(|f| {
        (f.name.kind() == FactKind::Text || f.name == FactName::Other) && f.value.contains(number)
    })
}

/// What a value changed from, with the statement that says so: `weight went from 74 to 66 kg`.
fn change(view: &View<'_>, reading: &Reading) -> Option<(String, StatedFact)> {
    let at = view.numbers.iter().position(|n| n.span.start == reading.span.start)?;
    if view.numbers.get(at)?.part != Part::Changed {
        return None;
    }
    let was = view.numbers.get(at.checked_sub(1)?)?;
    // The word before it, too: `from 74`.
    let head = view.text.get(..was.span.start)?.trim_end();
    let from = head.rfind([' ', '\n']).map_or(0, |at| at + 1);
    let said = statement(view, &Reading { from, ..reading.clone() });
    let fact = StatedFact { name: FactName::History, value: said, unit: "1".to_owned() };
    Some((was.text.clone(), fact))
}

/// Whether a value is a size of the patient, which is another one after weeks and not after minutes.
fn is_lasting(name: FactName) -> bool {
    matches!(name, FactName::Weight | FactName::Height | FactName::Bmi)
}

/// Adds what a text says of values that do not stand, as texts, where none of the same thing does. An earlier laboratory
/// value is a measurement with its time: `last week: neutrophils 4.1`.
pub(super) fn add_statements(view: &View<'_>, all: &[Reading], facts: &mut Vec<StatedFact>) {
    for reading in all.iter().filter(|r| !r.past && !r.episode) {
        facts.extend(change(view, reading).filter(|(was, _)| !is_told(facts, was)).map(|(_, f)| f));
    }
    for reading in all.iter().filter(|r| r.name != FactName::Diastolic) {
        let stands = !current(all, reading.name).is_empty();
        if stands || is_told(facts, &reading.text) {
            continue;
        }
        if reading.name.kind() == FactKind::Measurement && !reading.episode {
            facts.push(StatedFact {
                name: FactName::Other,
                value: earlier(view, reading),
                unit: reading.unit.to_owned(),
            });
            continue;
        }
        // A sign of yesterday belongs to this illness; a weight of last year to the past.
        let name = if reading.episode || !is_lasting(reading.name) {
            FactName::Finding
        } else {
            FactName::History
        };
        facts.push(StatedFact { name, value: statement(view, reading), unit: "1".to_owned() });
    }
}
