//! Medicines that a text says the patient takes, or does not take.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::Language;
use regex::Regex;

use super::view::View;
use super::words::Class;
use crate::dose::Unit;

/// A medicine that the patient takes or does not take.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mention {
    /// Its name.
    pub(super) name: Range<usize>,
    /// Amount and unit.
    pub(super) dose: Option<(f64, Unit)>,
    /// Name, dose and frequency as they stand.
    pub(super) span: Range<usize>,
    /// Whether the patient takes it.
    pub(super) taken: bool,
    /// Whether it is a habit of long standing rather than a treatment of these days.
    pub(super) habit: bool,
    /// Whether the dose is that of a whole day.
    pub(super) daily: bool,
}

/// Words before a medicine that tell whether it is taken: the last one counts.
static CUES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?-u:\b)(?:",
        r"(?P<no>not on|not taking|does not take|doesn['’]t take|do not take|never taken|never took|never had|has not taken|is off|no longer (?:on|takes|taking)|not (?:been )?(?:on|taking))",
        r"|(?P<habit>takes|also takes|still takes|uses|regular(?:ly)?|usual(?:ly)?|home (?:meds?|medications?|medicines?)|at home|current (?:meds?|medications?|medicines?)|meds?|medications?|medicines?|drug history|DH|long[- ]term|background|maintained on|already takes|already on|daily|chronic)",
        r"|(?P<on>on|taking|been on|been taking|was taking|is on|treated with|controlled with|managed with|prescribed)",
        r"|(?P<stop>start(?:s|ed|ing)?|begin|began|begun|gave|give[sn]?|giving|should|shall|would|could|can|may|might|will|plan(?:s|ned|ning)?|add(?:ed|ing)?|switch(?:ed|ing)?|chang(?:e|ed|ing)|instead|rais(?:e|ed|ing)|increas(?:e|ed|ing)|doubl(?:e|ed|ing)|reduc(?:e|ed|ing)|lower(?:ed|ing)?|stop(?:ped|ping|s)?|withh(?:eld|old)|held|hold|stock|have|has only|allerg(?:y|ic|ies)|reaction|react(?:s|ed)|intoleran(?:t|ce)|received|had|administered|injected|loaded|considering|consider|between|or|versus|vs|about|no|without|if|whether|is there|contraindicated|rash (?:after|from|to|with)|before|after|than|with the)",
        r")(?-u:\b)"
    ))
    .ok()
});

/// Right before a medicine: `her metformin`, `her daily amlodipine`.
static OWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:her|his|their|the patient['’]s)(?: (?:daily|usual|regular|home|morning|evening|old|current))? \z").ok()
});

/// How often, behind a dose.
static FREQUENCY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\A[ ,]{0,2}(?:(?:tablets?|tabs?|capsules?|orally|oral|po|by mouth|sc|s/c|modified release|mr) ){0,2}",
        r"(?:(?:once|twice|(?:one|two|three|four|1|2|3|4) times) (?:daily|a day|per day|a week|weekly)",
        r"|(?:once|twice) (?:every )?(?:day|week|month)",
        r"|every (?:morning|evening|night|day|other day|\d+ hours|six hours|eight hours|twelve hours)",
        r"|daily|a day|per day|nightly|weekly|monthly|at night|at bedtime|in the (?:morning|evening)|each morning",
        r"|bd|bid|b\.d\.|od|o\.d\.|tds|tid|qds|qid|on|nocte|mane|om|prn|as needed|q\d+h)(?-u:\b)"
    ))
    .ok()
});

/// That the patient takes no medicine at all.
static NONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?-u:\b)(?:",
        r"(?:takes|on|uses|taking|has) no (?:regular |current |long-term |home |daily |chronic )?(?:medicines?|medications?|meds|drugs|tablets)",
        r"|no (?:regular |current |long-term |home |daily |chronic )(?:medicines?|medications?|meds|drugs|tablets)",
        r"|(?:\A|[.,;:] ?)no (?:medicines?|medications?|meds)",
        r"|not on (?:any )?(?:regular |current |long-term )?(?:medicines?|medications?|meds|drugs|tablets)",
        r"|(?:does(?: not|n['’]t)|do(?: not|n['’]t)) (?:take|use) (?:any )?(?:regular )?(?:medicines?|medications?|meds|drugs|tablets)",
        r"|takes nothing|(?:medications?|medicines?|meds|drug history|DH|home meds|regular meds)(?: ?[:=-] ?| )(?:none|nil)",
        r")(?-u:\b)(?P<left> left| in stock| available| here| at (?:the|our)| for | today| yet| with (?:her|him)",
        r"| beyond| except| besides| but| other than| apart from| aside from| more than| by mouth| orally)?"
    ))
    .ok()
});

/// The medicines that a text says the patient takes or does not take.
pub(super) fn mentions(view: &View<'_>) -> Vec<Mention> {
    let names = crate::dose::medicine_words(&view.lower, Language::English);
    let mut all: Vec<Mention> = Vec::new();
    for name in names {
        if all.last().is_some_and(|last| last.span.end > name.start) {
            continue;
        }
        all.extend(mention(view, name));
    }
    all
}

fn mention(view: &View<'_>, name: Range<usize>) -> Option<Mention> {
    let sentence = view.sentence(name.start);
    let head = view.between(sentence.start, name.start);
    let own = OWN.as_ref()?.is_match(head);
    let cue = CUES.as_ref()?.captures_iter(head).filter(|cue| {
        // `on` stands right before what it is about.
        let near =
            |group: &str, most: usize| cue.name(group).is_none_or(|m| head.len() - m.end() <= most);
        near("no", 12) && near("on", 90) && near("habit", 130) && near("stop", 40)
    });
    let cue = cue.last();
    let group = |g: &str| cue.as_ref().is_some_and(|cue| cue.name(g).is_some());
    let (taken, habit) = match () {
        () if own => (true, true),
        () if group("no") => (false, true),
        () if group("habit") => (true, true),
        () if group("on") => (true, false),
        () => return None,
    };
    if view.is_of_other(&sentence, name.start) {
        return None;
    }
    let clause = view.clause_start(&sentence, name.start);
    if view.within(clause..name.start).any(|hit| hit.class == Class::Limit)
        || view.between(sentence.start, sentence.end).trim_end().ends_with('?')
    {
        return None;
    }
    let dose = dose_behind(view, &name).or_else(|| dose_before(view, &name));
    let mut span = name.clone();
    let mut daily = false;
    if let Some((place, _)) = &dose {
        span = span.start.min(place.start)..span.end.max(place.end);
        let rest = view.between(span.end, sentence.end);
        if let Some(often) = FREQUENCY.as_ref()?.find(rest) {
            let words = often.as_str().trim_start_matches([' ', ',']);
            daily = ["daily", "a day", "per day"].contains(&words);
            span.end += often.end();
        }
    }
    // Long taken, whatever the verb.
    let rest = view.between(span.end, sentence.end);
    let habit = habit
        || [
            "for years",
            "for many years",
            "since last year",
            "for months",
            "at night",
            "every morning",
        ]
        .iter()
        .any(|word| rest.contains(word) || view.between(name.start, span.end).contains(word))
        || view.between(sentence.start, name.start).contains("is on ");
    Some(Mention { name, dose: dose.map(|(_, dose)| dose), span, taken, habit, daily })
}

fn unit(ucum: Option<&str>) -> Option<Unit> {
    Some(match ucum? {
        "mg" => Unit::Milligram,
        "ug" => Unit::Microgram,
        "g" => Unit::Gram,
        "mL" => Unit::Millilitre,
        "[IU]" => Unit::International,
        _ => return None,
    })
}

/// The dose that stands behind a name, with its place.
pub(super) fn dose_behind(
    view: &View<'_>,
    name: &Range<usize>,
) -> Option<(Range<usize>, (f64, Unit))> {
    let number = view.numbers.iter().find(|n| n.span.start >= name.end)?;
    let gap = view.between(name.end, number.span.start);
    if gap.chars().count() > 28 || gap.contains([',', ';', '.', '\n', '(']) && !gap.ends_with('(') {
        return None;
    }
    // `metformin at 500 mg`, but not `metformin has been too much since 500 mg`.
    let apart = ["since", "than", "from", "titration", "level", "instead"];
    let mut words = gap.split_whitespace();
    if words.clone().count() > 3 || words.any(|word| apart.contains(&word)) {
        return None;
    }
    let per = view.lower.get(number.end..).is_some_and(|rest| rest.starts_with('/'));
    let unit = unit(number.unit).filter(|_| !per)?;
    Some((number.span.start..number.end, (number.value, unit)))
}

/// The dose that stands right before a name, with its place.
pub(super) fn dose_before(
    view: &View<'_>,
    name: &Range<usize>,
) -> Option<(Range<usize>, (f64, Unit))> {
    let number = view.numbers.iter().rev().find(|n| n.end <= name.start)?;
    let gap = view.between(number.end, name.start).trim();
    let unit = unit(number.unit).filter(|_| gap.is_empty() || gap == "of")?;
    Some((number.span.start..number.end, (number.value, unit)))
}

/// Where a text says that the patient takes no medicine at all.
pub(super) fn none(view: &View<'_>) -> Option<Range<usize>> {
    NONE.as_ref()?
        .captures_iter(view.text)
        .filter(|hit| hit.name("left").is_none())
        .filter_map(|hit| hit.get(0))
        .map(|hit| hit.range())
        .find(|place| {
            let sentence = view.sentence(place.start);
            !view.is_of_other(&sentence, place.start)
                && !view.between(sentence.start, sentence.end).trim_end().ends_with('?')
        })
}

/// Whether a word names the medicine `drug`: languages differ in the last letters.
pub(super) fn is_named(word: &str, drug: &str) -> bool {
    let drug = drug.to_lowercase();
    let stem = |s: &str| -> String { s.chars().filter(|c| c.is_alphabetic()).take(6).collect() };
    let own = stem(word);
    !own.is_empty()
        && own.chars().count() >= 4
        && (stem(&drug) == own
            || drug.split(|c: char| !c.is_alphabetic()).any(|part| stem(part) == own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_reads() {
        assert!([&CUES, &OWN, &FREQUENCY, &NONE].iter().all(|p| p.is_some()));
    }

    fn read(text: &str) -> Vec<(String, bool)> {
        let view = View::new(text);
        mentions(&view).into_iter().map(|m| (text[m.span].to_owned(), m.taken)).collect()
    }

    #[test]
    fn a_medicine_is_known_by_its_first_letters() {
        assert!(is_named("folic acid", "folic acid"));
        assert!(is_named("metformina", "metformin"));
        assert!(is_named("valproate", "sodium valproate"));
        assert!(!is_named("folic acid", "tranexamic acid"));
    }

    #[test]
    fn nothing_with_an_exception_is_something() {
        for text in ["She takes nothing.", "No regular medicines.", "Meds: none, allergies: none."]
        {
            assert!(none(&View::new(text)).is_some(), "{text}");
        }
        for text in [
            "She takes nothing beyond what I put in.",
            "He takes nothing except his inhaler.",
            "No regular medicines apart from the drops.",
            "She takes nothing by mouth until the morning.",
            "No medicines left at home.",
        ] {
            assert!(none(&View::new(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_taken_is_told_from_what_is_given() {
        assert_eq!(
            read("Medication: metformin 500 mg BD, amlodipine 5 mg OD."),
            [("metformin 500 mg BD".into(), true), ("amlodipine 5 mg OD".into(), true)]
        );
        assert_eq!(read("She is not taking amlodipine."), [("amlodipine".into(), false)]);
        assert!(read("I gave ceftriaxone 1 g. Should I add furosemide 40 mg?").is_empty());
        assert!(read("Her mother takes warfarin 5 mg daily.").is_empty());
    }
}
