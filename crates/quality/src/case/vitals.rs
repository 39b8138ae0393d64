//! Vital signs, size and laboratory values.

use std::ops::Range;

use clinstruct_schema::FactName;

use super::advice::{is_advised, is_change};
use super::canonical::{canonical, is_vital};
use super::numbers::{Number, Part};
use super::sides::{has_side, is_angle, is_right};
use super::sizes::kind;
use super::statement::WAS;
use super::view::View;
use super::words::{Class, Hit};

/// A value that a text gives of the patient.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) name: FactName,
    /// In `unit`.
    pub(super) value: f64,
    /// As it is to be listed.
    pub(super) text: String,
    /// UCUM.
    pub(super) unit: &'static str,
    /// The number with its unit.
    pub(super) span: Range<usize>,
    /// Where what is said of it begins: at its label, or at the number.
    pub(super) from: usize,
    /// Whether it is of an earlier time.
    pub(super) past: bool,
    /// When it was measured.
    pub(super) time: Time,
    /// A dip, a peak, or a value in one position: it does not stand.
    pub(super) episode: bool,
}

/// When a value was measured, the latest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Time {
    /// Earlier than this illness or this contact.
    Past,
    /// When the patient was first seen.
    First,
    /// Not said.
    Open,
    /// Later than another one, or now.
    Now,
}

/// Letters between a label and its number.
const GAP: usize = 45;

/// Adds the values of the number at a place, unless it is none of the patient.
pub(super) fn read(view: &View<'_>, at: usize, number: &Number, all: &mut Vec<Reading>) {
    if matches!(number.part, Part::Other | Part::Second) {
        return;
    }
    let sentence = view.sentence(number.span.start);
    let label = label(view, &sentence, number);
    let Some(named) = name(view, at, number, label, all) else { return };
    let begins = label.map_or(number.span.start, |hit| hit.start);
    if label.is_some_and(|hit| is_right(view, hit, number)) {
        return;
    }
    if is_nobodys(view, &sentence, number, begins) {
        return;
    }
    let clause = view.clause_start(&sentence, begins);
    let ends = view.predicate_end(number.end, view.clause_end(&sentence, number.end));
    let past = number.part != Part::Changed
        && view.has(clause..ends, Class::Past)
        && !is_of_next(view, at, clause..ends);
    let mut add = |name, value: f64, unit, text| {
        let span = number.span.start..number.end;
        let (time, episode) = (Time::Open, false);
        all.push(Reading { name, value, text, unit, span, from: begins, past, time, episode });
    };
    match named {
        Named::Pressure(systolic, diastolic) => {
            add(FactName::Systolic, systolic, "mm[Hg]", plain(systolic));
            let end = view.numbers.get(at + 1).map_or(number.end, |n| n.end);
            if let Some(last) = all.last_mut() {
                last.span.end = end;
            }
            let span = number.span.start..end;
            let (name, unit, text) = (FactName::Diastolic, "mm[Hg]", plain(diastolic));
            let (value, time, episode) = (diastolic, Time::Open, false);
            all.push(Reading { name, value, text, unit, span, from: begins, past, time, episode });
        }
        Named::One(name, unit) => {
            let Some((value, unit)) = canonical(name, number.value, unit) else { return };
            let text = if value.to_bits() == number.value.to_bits() {
                number.text.clone()
            } else {
                plain(value)
            };
            add(name, value, unit, text);
        }
        Named::Feet(cm) => add(FactName::Height, cm, "cm", plain(cm)),
    }
}

/// A number as short as it can be written, with at most one decimal.
pub(super) fn plain(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}

enum Named {
    One(FactName, Option<&'static str>),
    Pressure(f64, f64),
    /// Feet and inches, in centimetres.
    Feet(f64),
}

/// The label before a number.
pub(super) fn label<'v>(
    view: &'v View<'_>,
    sentence: &Range<usize>,
    number: &Number,
) -> Option<&'v Hit> {
    let is_label = |hit: &&Hit| matches!(hit.class, Class::Label(_) | Class::Resembling);
    let mut near = view.within(sentence.start..number.span.start).rev().filter(is_label).peekable();
    let last = *near.peek()?;
    // Of labels at one place, the longest: `systolic pressure`, `K+`.
    let longest = near.filter(|hit| hit.start <= last.start && last.end <= hit.end);
    let hit = longest.max_by_key(|hit| hit.end - hit.start).unwrap_or(last);
    let gap_of = hit.end..number.span.start;
    let gap = view.between(gap_of.start, gap_of.end);
    let bare =
        |c: char| matches!(c, ' ' | ':' | '=' | '~' | '\u{a0}' | '(' | '-' | '≈' | '*' | '|');
    let short = hit.end - hit.start <= 1;
    if short {
        // `T on arrival: 38.6`.
        let mut from = hit.end;
        let times = view.within(hit.end..number.span.start).filter(|h| h.class == Class::Initial);
        let when = times.max_by_key(|h| h.end - h.start);
        let mut clear = true;
        if let Some(when) = when {
            clear = view.between(from, when.start).chars().all(bare);
            from = when.end;
        }
        let rest = view.between(from, number.span.start);
        return (clear && rest.chars().all(bare)).then_some(hit);
    }
    if gap.chars().count() > GAP || gap.contains([',', ';', '/', '\n', ')', '>', '<', '≥', '≤'])
    {
        return None;
    }
    // Of `haemoglobin fell from 8.1 to 6.4`, the first number stands between.
    let between = view.numbers.iter().filter(|n| gap_of.contains(&n.span.start)).count();
    let digits = gap.chars().any(char::is_numeric) && (number.part != Part::Changed || between > 1);
    let other = view
        .within(hit.end..number.span.start)
        .any(|h| matches!(h.class, Class::Limit | Class::Pregnant | Class::Person));
    // `Weight in kg: 62`, but not `weight 62 kg and 164`.
    (!digits && !other).then_some(hit)
}

/// Labels of a vital sign behind its number: `91 % saturation`, `24 breaths`.
fn label_behind(view: &View<'_>, number: &Number) -> Option<FactName> {
    let rest = view.lower.get(number.end..)?.trim_start_matches([' ', '-', '(']);
    let starts = |words: &[&str]| words.iter().any(|word| rest.starts_with(word));
    if number.unit == Some("%")
        && starts(&[
            "sat",
            "spo2",
            "on air",
            "on room air",
            "ra ",
            "ra,",
            "ra.",
            "in room air",
            "oxygen sat",
            "o2 sat",
        ])
    {
        return Some(FactName::Saturation);
    }
    if matches!(number.unit, Some("cm" | "m")) && starts(&["tall", "in height"]) {
        return Some(FactName::Height);
    }
    if number.unit.is_none() && starts(&["systolic"]) {
        return Some(FactName::Systolic);
    }
    None
}

/// What a number is, by its label, its unit and its size.
fn name(
    view: &View<'_>,
    at: usize,
    number: &Number,
    label: Option<&Hit>,
    before: &[Reading],
) -> Option<Named> {
    let said = label.and_then(|hit| match hit.class {
        Class::Label(name) => Some(name),
        _ => None,
    });
    let resembling = label.is_some_and(|hit| hit.class == Class::Resembling);
    if let Part::Pair(second) = number.part {
        if resembling {
            return None;
        }
        return pair(view, at, number, second, said);
    }
    if let Some(cm) = feet(view, at, number) {
        return Some(Named::Feet(cm));
    }
    let by_label = said.filter(|name| fits(view, *name, number));
    let behind = label_behind(view, number);
    let behind = behind.filter(|_| !resembling);
    if let Some(name) = by_label.or(behind.filter(|name| fits(view, *name, number))) {
        return Some(Named::One(name, number.unit));
    }
    let by_unit = match number.unit? {
        // `grip R 9 kg, L 8 kg`: what has sides is no body.
        "kg" | "[lb_av]" if has_side(view, number) => return None,
        "kg" | "[lb_av]" => FactName::Weight,
        "Cel" if (30.0..45.0).contains(&number.value) => FactName::Temperature,
        "[degF]" if (93.0..113.0).contains(&number.value) => FactName::Temperature,
        "deg" if has_side(view, number) || is_angle(view, number) => return None,
        "deg" if (35.0..43.0).contains(&number.value) => FactName::Temperature,
        "{beats}/min" => FactName::HeartRate,
        "{breaths}/min" => FactName::RespiratoryRate,
        // Beside a weight: `62 kg, 164 cm`.
        "cm" if before.last().is_some_and(|last| {
            last.name == FactName::Weight
                && view
                    .between(last.span.end, number.span.start)
                    .trim_matches([',', '/', ' '])
                    .len()
                    <= 3
        }) =>
        {
            FactName::Height
        }
        _ => return None,
    };
    fits(view, by_unit, number).then_some(Named::One(by_unit, number.unit))
}

/// A pair of numbers as a blood pressure.
fn pair(
    view: &View<'_>,
    at: usize,
    number: &Number,
    second: f64,
    said: Option<FactName>,
) -> Option<Named> {
    let (systolic, diastolic) = (number.value, second);
    let next = view.numbers.get(at + 1)?;
    let whole = systolic.fract() == 0.0 && diastolic.fract() == 0.0;
    let measured = next.unit == Some("mm[Hg]");
    let other = next.unit.is_some() && !measured;
    let range = if said.is_some() || measured { 40.0 } else { 70.0 };
    let low = if said.is_some() || measured { 15.0 } else { 35.0 };
    let sized = (range..280.0).contains(&systolic)
        && (low..180.0).contains(&diastolic)
        && systolic > diastolic;
    (whole && sized && !other && number.unit.is_none())
        .then_some(Named::Pressure(systolic, diastolic))
}

/// Feet and inches from the number of feet, in centimetres.
fn feet(view: &View<'_>, at: usize, number: &Number) -> Option<f64> {
    if !(1.0..8.0).contains(&number.value) {
        return None;
    }
    let next = view.numbers.get(at + 1);
    let inches = |from: usize| {
        next.filter(|n| n.span.start <= from + 2 && n.value < 12.0).map_or(0.0, |n| n.value)
    };
    let rest = view.lower.get(number.span.end..)?;
    if rest.starts_with(['\'', '′', '’']) {
        let mark = rest.chars().next().map_or(1, char::len_utf8);
        // An apostrophe without inches belongs to a word.
        let digit = rest
            .get(mark..)
            .is_some_and(|r| r.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        return digit
            .then(|| (number.value * 30.48 + inches(number.span.end + mark) * 2.54).round());
    }
    if number.unit != Some("[ft_i]") {
        return None;
    }
    let tall = inches(number.end);
    Some((number.value * 30.48 + tall * 2.54).round())
}

/// Whether a number can be a fact: by its unit, what follows it, and its size.
fn fits(view: &View<'_>, name: FactName, number: &Number) -> bool {
    let Some((units, sizes)) = kind(name) else { return false };
    if let Some(unit) = number.unit {
        return units.contains(&unit)
            && canonical(name, number.value, Some(unit)).is_some_and(|(value, _)| {
                let wide = sizes.start * 0.5..sizes.end * 1.5;
                // Laboratory values come in many units.
                wide.contains(&value) || !is_vital(name)
            });
    }
    let fahrenheit = name == FactName::Temperature && (93.0..113.0).contains(&number.value);
    let metres = name == FactName::Height
        && (0.4..2.5).contains(&number.value)
        && number.value.fract() != 0.0;
    if !(sizes.contains(&number.value) || fahrenheit || metres) {
        return false;
    }
    // `temp 36.9 urine clear`: tenths count nothing.
    let tenths = name == FactName::Temperature && number.value.fract() != 0.0;
    tenths || is_bare(view, number)
}

/// Whether nothing is counted by a number without a unit.
pub(super) fn is_bare(view: &View<'_>, number: &Number) -> bool {
    let rest = view.lower.get(number.end..).unwrap_or_default();
    let Some(next) = rest.chars().next() else { return true };
    if next == '-' || next == '–' {
        return rest.get(next.len_utf8()..).is_some_and(|r| r.starts_with(' '));
    }
    // `glucose 2+` is a grade.
    if matches!(next, '/' | '+') || rest.starts_with(" ++") {
        return false;
    }
    if super::words::is_of_word(next) {
        return false;
    }
    let word = rest.trim_start_matches([' ', '\u{a0}', '*', '"']);
    if word.len() == rest.len() || word.is_empty() {
        return true;
    }
    let at = number.end + rest.len() - word.len();
    let thai = word.starts_with(|c: char| ('\u{e00}'..='\u{e7f}').contains(&c));
    if !word.starts_with(super::words::is_of_word) && !thai {
        return true;
    }
    view.hits.iter().any(|hit| {
        hit.start == at
            && matches!(
                hit.class,
                Class::Follower
                    | Class::Label(_)
                    | Class::Resembling
                    | Class::Initial
                    | Class::Later
                    | Class::Past
                    | Class::Standing
                    | Class::Episode
            )
    })
}

/// Whether a number is a limit, of somebody else, of a thing, or of nobody.
pub(super) fn is_nobodys(
    view: &View<'_>,
    sentence: &Range<usize>,
    number: &Number,
    begins: usize,
) -> bool {
    let at = number.span.start;
    let clause = view.clause_start(sentence, begins);
    let adjacent = |hit: &Hit| {
        let gap = view.between(hit.end, at);
        gap.chars().all(|c| matches!(c, ' ' | '\u{a0}' | '~' | 'a'))
    };
    let compared =
        view.within(sentence.start..at).any(|hit| hit.class == Class::Comparison && adjacent(hit));
    let sign =
        view.between(sentence.start, at).trim_end().ends_with(['>', '<', '≥', '≤', '±', '×']);
    let limited = view.within(clause..at).any(|hit| match hit.class {
        Class::Limit if is_asked_of_patient(view, sentence, hit, number, begins) => false,
        Class::Limit | Class::Thing => true,
        Class::Usual => hit.start < begins.max(hit.start + 1),
        _ => false,
    });
    let behind = number.end..sentence.end;
    let rest = view.between(number.end, sentence.end);
    let near = rest.len() - rest.trim_start_matches([' ', '-', '.', '\u{a0}']).len();
    let counted =
        view.within(behind).any(|hit| hit.class == Class::Behind && hit.start <= number.end + near);
    // `Is it safe for a 16 kg boy with ..`: the limit is that of a medicine, and the boy is the patient.
    let person = ["boy", "girl", "child", "baby", "infant", "toddler", "man", "woman", "lady"];
    let mut following = rest.split_whitespace();
    let is_person = following.next().is_some_and(|word| person.contains(&word))
        && following.next().is_some_and(|word| matches!(word, "with" | "who" | "whose"));
    compared
        || sign
        || (limited && !is_person)
        || counted
        || is_general(view, sentence, begins)
        || is_advised(view, sentence, number)
        || is_change(view, number)
        || view.is_of_other(sentence, at)
}

/// Words by which a question says something of the patient that it is about.
const RELATIONS: [&str; 14] = [
    " with ", " whose ", " who ", " mit ", " deren ", " dessen ", " con ", " cuya ", " cuyo ",
    " com ", " cuja ", " cujo ", " avec ", " dont ",
];

/// What one does with a value that was measured, behind the word at the head of a question.
const JUDGED: [&str; 12] = [
    " i make of ",
    " we make of ",
    " i read ",
    " we read ",
    " i interpret ",
    " we interpret ",
    " i understand ",
    " i explain ",
    " i judge ",
    " i do about ",
    " i do with ",
    " we do about ",
];

/// Whether a question about what to do says what the patient has: `Should a woman with a haemoglobin of 6.4 be transfused?`,
/// `Should he stop it, whose sodium fell from 138 to 128?`. `modal` is the word at its head.
fn is_asked_of_patient(
    view: &View<'_>,
    sentence: &Range<usize>,
    modal: &Hit,
    number: &Number,
    begins: usize,
) -> bool {
    let said = modal.end..begins;
    let related = || {
        let subject = view.within(said.clone()).find(|hit| hit.class == Class::Subject);
        subject.is_some_and(|hit| {
            let after = view.between(hit.end, begins);
            RELATIONS.iter().any(|word| after.contains(word))
        })
    };
    // `What should I make of a haemoglobin of 9.6?`: it is there, and asked about.
    let judged = || {
        let asked = view.between(modal.end, begins);
        JUDGED.iter().any(|verb| asked.starts_with(verb))
    };
    view.is_question(sentence)
        && (judged()
            || modal.start == sentence.start && (number.part == Part::Changed || related()))
}

/// Whether what is past in a clause is the number behind this one: `hb 8.2 g/dl on the hemocue and it was 11.6 in march`.
fn is_of_next(view: &View<'_>, at: usize, clause: Range<usize>) -> bool {
    // The second number of a pressure is no next one.
    let mut behind = view.numbers.iter().skip(at + 1).filter(|next| next.part != Part::Second);
    let (Some(number), Some(next)) = (view.numbers.get(at), behind.next()) else {
        return false;
    };
    let between = view.between(number.end, next.span.start.min(clause.end));
    next.end <= clause.end
        && WAS.iter().any(|word| between.contains(word))
        && !view.has(clause.start..next.span.start, Class::Past)
}

/// A question about any patient: `Is 38 °C a fever?`, `Would a systolic of 180 be an emergency?`.
fn is_general(view: &View<'_>, sentence: &Range<usize>, begins: usize) -> bool {
    if !view.is_question(sentence) {
        return false;
    }
    let head = view.between(sentence.start, begins).trim();
    let mut words = head.split_whitespace();
    let asks = ["is", "would", "does", "do", "can", "are", "what", "which", "could"];
    words.next().is_some_and(|first| asks.contains(&first))
        && words.all(|word| ["a", "an", "any", "the", "what", "is", "of"].contains(&word))
}
