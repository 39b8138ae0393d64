//! The medicines that a text says its patient takes, or does not take.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{Case, CaseMedicine};
use serde::Deserialize;

use super::{Class, Reading, asks, ends_with, starts_with};
use crate::case::contradictions::{
    Contradiction, ContradictionKind, is_acute, is_amount, other_texts,
};
use crate::case::medicines::{dose_before, dose_behind};
use crate::case::sound::{Likeness, likeness};
use crate::case::view::View;
use crate::dose::Unit;

/// What a text says of a medicine.
struct Mention {
    name: Range<usize>,
    dose: Option<(f64, Unit)>,
    span: Range<usize>,
    taken: bool,
    daily: bool,
}

/// Letters between words that deny and what they deny.
const DENIED: usize = 40;

/// What a text says of its patient's medicines that contradicts the case.
pub(in crate::case) fn against(
    view: &View<'_>,
    reading: &Reading,
    case: &Case,
) -> Vec<Contradiction> {
    let what = ContradictionKind::Medicine;
    let mut all = Vec::new();
    let mut add = |detail: String, span| all.push(Contradiction { what, detail, span });
    if let Some(span) = none(view, reading).filter(|_| !case.medicines.is_empty()) {
        let names: Vec<&str> = case.medicines.iter().map(|m| m.drug.as_str()).collect();
        add(format!("no medicines where the patient takes {}", names.join(", ")), span);
    }
    let mentions = mentions(view, reading);
    for mention in &mentions {
        let word = view.between(mention.name.start, mention.name.end);
        let said = view.text.get(mention.span.clone()).unwrap_or_default();
        let like = |m: &CaseMedicine| alike(word, &m.drug);
        let known: Vec<&CaseMedicine> =
            case.medicines.iter().filter(|m| like(m) == Likeness::Same).collect();
        if !mention.taken {
            if !known.is_empty() {
                add(format!("no {word} where the patient takes it"), mention.span.clone());
            }
        } else if known.is_empty() {
            // One that was stopped, or that the illness comes from, stands elsewhere in the case.
            let told = || {
                let mut words = other_texts(case).flat_map(|text| text.split([' ', ',', ';', '(']));
                words.any(|said| said.len() > 4 && alike(word, said) == Likeness::Same)
            };
            let other = case.medicines.iter().all(|m| like(m) == Likeness::Other) && !told();
            if mention.dose.is_some() && other && !is_acute(word) {
                add(format!("{said} where the patient does not take it"), mention.span.clone());
            }
        } else {
            let agrees = |m: &Mention| {
                alike(view.between(m.name.start, m.name.end), word) == Likeness::Same
                    && m.dose.is_some()
                    && known.iter().any(|k| is_amount(m.dose, m.daily, k))
            };
            if mention.dose.is_some() && !mentions.iter().any(agrees) {
                let known = known.first().map_or("", |k| k.dose.as_str());
                add(format!("{said} where the patient takes {known}"), mention.span.clone());
            }
        }
    }
    all
}

/// The names of medicines that a text says its patient does not take.
pub(in crate::case) fn untaken(view: &View<'_>, reading: &Reading) -> Vec<Range<usize>> {
    let denied = mentions(view, reading).into_iter().filter(|mention| !mention.taken);
    denied.map(|mention| mention.name).collect()
}

/// What a text says of its patient's medicines, in its order.
fn mentions(view: &View<'_>, reading: &Reading) -> Vec<Mention> {
    let mut names: Vec<Range<usize>> = Vec::new();
    for name in crate::dose::medicine_words(&view.lower, reading.language) {
        match names.last_mut() {
            Some(last) if last.start == name.start => last.end = last.end.max(name.end),
            Some(last) if last.end > name.start => {}
            _ => names.push(name),
        }
    }
    (0..names.len()).filter_map(|at| mention(view, reading, &names, at)).collect()
}

fn mention(
    view: &View<'_>,
    reading: &Reading,
    names: &[Range<usize>],
    at: usize,
) -> Option<Mention> {
    let name = names.get(at)?.clone();
    let sentence = view.sentence(name.start);
    if asks(view, &sentence)
        || is_given(reading, &sentence)
        || reading.is_of_other(view, &sentence, name.start)
        || reading.is_of_a_time(view, &name)
    {
        return None;
    }
    let (file, head) = (reading.file, view.between(sentence.start, name.start));
    let own = ends_with(head, &file.own)
        || starts_with(view.between(name.end, sentence.end), &file.own_behind);
    let cues = |class| {
        reading
            .of(class, &sentence)
            .any(|hit| !reading.covers(Class::Denies, &(hit.start..hit.end)))
    };
    let taken = own || cues(Class::Habit) || cues(Class::Takes);
    let denied = reading
        .of(Class::Denies, &sentence)
        .any(|hit| denies(view, names, &sentence, &(hit.start..hit.end)) == Some(at))
        || (taken && ends_with(head, &file.no))
        || (taken && starts_with(view.between(name.end, sentence.end), &file.no_behind));
    if !taken && !denied {
        return None;
    }
    let another =
        |gap: Range<usize>| names.iter().any(|n| gap.start <= n.start && n.end <= gap.end);
    let dose = dose_behind(view, &name)
        .filter(|(place, _)| !another(name.end..place.start))
        .or_else(|| dose_before(view, &name));
    let mut span = name.clone();
    let mut daily = false;
    if let Some((place, _)) = &dose {
        span = span.start.min(place.start)..span.end.max(place.end);
        daily = starts_with(view.between(span.end, sentence.end), &file.a_day);
    }
    let dose = dose.map(|(_, dose)| dose);
    Some(Mention { name, dose, span, taken: !denied, daily })
}

/// Whether a sentence says something else of medicines than what is taken for long.
fn is_given(reading: &Reading, sentence: &Range<usize>) -> bool {
    // What was `never taken` was not taken before.
    reading.of(Class::Given, sentence).any(|hit| {
        let place = hit.start..hit.end;
        !reading.covers(Class::Denies, &place) && !reading.covers(Class::Habit, &place)
    })
}

/// The medicine that words deny: the next one in their clause, or else the last one before them.
fn denies(
    view: &View<'_>,
    names: &[Range<usize>],
    sentence: &Range<usize>,
    place: &Range<usize>,
) -> Option<usize> {
    let next = names.iter().position(|name| name.start >= place.end && name.end <= sentence.end);
    let next = next.filter(|at| {
        let gap = names.get(*at).map_or("", |name| view.between(place.end, name.start));
        gap.chars().count() <= DENIED && !gap.contains([',', ';', ':'])
    });
    next.or_else(|| {
        names.iter().rposition(|name| name.end <= place.start && name.start >= sentence.start)
    })
}

/// Where a text says that the patient takes no medicine at all.
fn none(view: &View<'_>, reading: &Reading) -> Option<Range<usize>> {
    reading.of(Class::NoMedicine, &(0..view.text.len())).map(|hit| hit.start..hit.end).find(
        |place| {
            let sentence = view.sentence(place.start);
            !asks(view, &sentence)
                && !reading.is_of_other(view, &sentence, place.start)
                && !reading.is_of_a_time(view, place)
        },
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: Vec<Vec<String>>,
}

/// Medicines with several names.
static NAMES: LazyLock<Names> = LazyLock::new(|| {
    crate::embedded::read(include_str!("../../../lexicon/medicine_names.toml")).unwrap_or_default()
});

/// The row of [`NAMES`] that a name, in lower case, belongs to.
fn row(name: &str) -> Option<usize> {
    let padded = format!(" {name} ");
    let is = |stem: &String| padded.contains(&format!(" {stem}"));
    NAMES.names.iter().position(|row| row.iter().any(is))
}

/// Whether a word, in lower case, names a medicine.
fn alike(word: &str, drug: &str) -> Likeness {
    let drug = drug.to_lowercase();
    match (row(word), row(&drug)) {
        (Some(a), Some(b)) if a == b => return Likeness::Same,
        (Some(_), Some(_)) => return Likeness::Other,
        _ => {}
    }
    // Any word of the name may be the one that is said.
    let parts = drug.split(|c: char| !c.is_alphabetic() && c != '-').filter(|p| p.len() > 4);
    let all: Vec<Likeness> =
        std::iter::once(drug.as_str()).chain(parts).map(|part| likeness(word, part)).collect();
    if all.contains(&Likeness::Same) {
        Likeness::Same
    } else if all.iter().all(|like| *like == Likeness::Other) {
        Likeness::Other
    } else {
        Likeness::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medicine_has_several_names() {
        assert!(NAMES.names.iter().all(|row| row.len() > 2));
        assert_eq!(alike("acetylsalicylsäure", "aspirin"), Likeness::Same);
        assert_eq!(alike("eisen", "ferrous sulfate"), Likeness::Same);
        assert_eq!(alike("พารา", "paracetamol"), Likeness::Same);
        assert_eq!(alike("ácido fólico", "folic acid"), Likeness::Same);
        assert_eq!(alike("eisen", "folic acid"), Likeness::Other);
        assert_eq!(alike("natriumvalproat", "sodium valproate"), Likeness::Same);
    }
}
