//! Agreement of what is said with what is known: the patient's card and the country of care.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use clinstruct_schema::{CountryBound, PatientCard, Sex};
use regex::Regex;

static AGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)([0-9]{1,3})[- ](year|month|week|day)s?[- ]old(?-u:\b)").ok()
});

static EMERGENCY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // Only a number that is called: `call 911`, `dial 112`, `appelez le 15`, `rufen Sie die 112`.
    // Borders of ASCII words: those of Unicode would cost a slower engine on every answer.
    let pattern = r"(?i)(?:(?-u:\b)call|(?-u:\b)dial|(?-u:\b)phone|(?-u:\b)ring|(?-u:\b)appele[zr]|(?-u:\b)composez|(?-u:\b)ruf(?:en)?(?: Sie)?|(?-u:\b)wähl(?:en)?(?: Sie)?|(?-u:\b)chiam[ai][a-z]*|(?-u:\b)llam[ae][a-z]*|(?-u:\b)marque|(?-u:\b)ligue|(?-u:\b)lig(?:ar|ue)|(?-u:\b)chame)\s+(?:for an ambulance on |an ambulance on |emergency services on |emergency services at |the |le |la |die |den |il |al |el |o |para o |para |now on |on |at )*([0-9]{2,4})(?-u:\b)";
    Regex::new(pattern).ok()
});

/// Terms that belong to some countries only, made ready to be found in one pass.
#[derive(Debug, Clone, Default)]
pub struct Bound {
    terms: Vec<CountryBound>,
    /// `None` without terms.
    finder: Option<AhoCorasick>,
}

impl Bound {
    /// Makes terms ready.
    pub fn new(terms: Vec<CountryBound>) -> Self {
        let finder = (!terms.is_empty())
            .then(|| AhoCorasick::new(terms.iter().map(|b| b.term.as_bytes())).ok())
            .flatten();
        Self { terms, finder }
    }
}

/// What is known about the patient and the place of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The hidden patient card.
    pub card: &'a PatientCard,
    /// What people dial for an ambulance; empty where that is not known.
    pub emergency: &'a str,
    /// Terms that belong to some countries only.
    pub bound: &'a Bound,
}

/// Age and sex of a text about the patient that are not the card's: by more than a year, or the other one.
///
/// Ages of weeks and days, and of people who are named besides the patient (a mother, a cohort), cannot be
/// told apart by code: only the first age of the text, and the sex that stands with it, are held against
/// the card.
pub fn patient(text: &str, card: &PatientCard) -> Option<(String, Range<usize>)> {
    let hit = AGE.as_ref()?.captures(text)?;
    let number: u32 = hit.get(1)?.as_str().parse().ok()?;
    let whole = hit.get(0)?;
    let unit = hit.get(2)?.as_str().to_lowercase();
    let known = card.patient.age;
    let agrees = match (unit.as_str(), known.months) {
        ("year", None) => number.abs_diff(known.years) <= 1,
        ("year", Some(_)) => number <= 1,
        ("month", Some(months)) => number.abs_diff(months) <= 1,
        ("month", None) => number / 12 == known.years || number <= 24 && known.years <= 2,
        _ => true,
    };
    if !agrees {
        let seen = format!("{} where the patient's age is {}", whole.as_str(), known.measure());
        return Some((seen, whole.range()));
    }
    let behind = text.get(whole.end()..)?;
    let words = behind.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).take(2);
    let said = words.into_iter().find_map(|w| match w.to_lowercase().as_str() {
        "male" | "man" | "boy" | "gentleman" => Some(Sex::Male),
        "female" | "woman" | "girl" | "lady" => Some(Sex::Female),
        _ => None,
    })?;
    let other = card.patient.sex != Sex::Intersex && said != card.patient.sex;
    other.then(|| {
        let seen = format!("{} where the patient is {}", said.as_str(), card.patient.sex.as_str());
        (seen, whole.range())
    })
}

/// A law, an authority or a brand name of another country.
pub fn foreign(text: &str, about: &About<'_>) -> Option<(String, Range<usize>)> {
    let here = &about.card.patient.country_code;
    let finder = about.bound.finder.as_ref()?;
    finder.find_overlapping_iter(text).find_map(|hit| {
        let bound = about.bound.terms.get(hit.pattern().as_usize())?;
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let whole = edge(text.get(..hit.start())?.chars().next_back())
            && edge(text.get(hit.end()..)?.chars().next());
        (whole && !bound.countries.contains(here)).then(|| {
            let seen = format!("{} does not belong to the patient's country", bound.term);
            (seen, hit.range())
        })
    })
}

/// An emergency number that is called and is not among those of the country.
///
/// `known` is the country's number, such as `15`; where it is not known nothing is held wrong.
/// 112 works from mobile telephones nearly everywhere (GSM) and is held right in every country.
pub fn emergency_number(text: &str, known: &str) -> Option<(String, Range<usize>)> {
    if known.is_empty() {
        return None;
    }
    for hit in EMERGENCY.as_ref()?.captures_iter(text) {
        let number = hit.get(1)?;
        if number.as_str() != "112" && number.as_str() != known {
            let seen = format!("{} where the country's number is {}", number.as_str(), known);
            return Some((seen, number.range()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{AgeYears, IncomeGroup, Patient, Slug, Vitals};

    use super::*;

    fn card() -> PatientCard {
        let slug = |s: &str| Slug::new(s).unwrap();
        PatientCard {
            patient: Patient {
                age_band: slug("adults"),
                age: AgeYears { years: 45, months: None },
                sex: Sex::Female,
                gender: None,
                country_code: "ke".into(),
                country: "Kenya".into(),
                income: IncomeGroup::LowerMiddle,
                region: "AFR".into(),
                setting: slug("low-resource"),
            },
            conditions: Vec::new(),
            medicines: Vec::new(),
            allergies: String::new(),
            vitals: Vitals {
                heart_rate: 80,
                respiratory_rate: 16,
                systolic: 120,
                diastolic: 80,
                temperature: 37.0,
                saturation: 98,
                weight: 60.0,
                height: 165,
            },
            past: Vec::new(),
            family: String::new(),
            social: String::new(),
            presenting: String::new(),
        }
    }

    #[test]
    fn age_and_sex_are_held_against_the_card() {
        let card = card();
        let wrong = |text: &str| patient(text, &card).map(|(seen, _)| seen);
        for right in [
            "A 45-year-old woman coughs.",
            "A 44-year-old coughs.",
            "She is 45 and her son 3.",
            "A 45 year old tired lady.",
        ] {
            assert_eq!(wrong(right), None, "{right}");
        }
        assert_eq!(
            wrong("A 54-year-old woman coughs.").unwrap(),
            "54-year-old where the patient's age is 45 years"
        );
        assert_eq!(
            wrong("A 45-year-old male patient coughs.").unwrap(),
            "male where the patient is female"
        );
        assert!(wrong("A 7-month-old girl coughs.").is_some());
    }

    #[test]
    fn what_belongs_to_another_country_is_found() {
        let bound =
            Bound::new(vec![CountryBound { term: "HIPAA".into(), countries: vec!["us".into()] }]);
        let card = card();
        let about = About { card: &card, emergency: "999", bound: &bound };
        assert!(foreign("HIPAA asks for consent.", &about).is_some());
        assert!(foreign("Ask for consent; HIPAAX is nothing.", &about).is_none());
        assert!(emergency_number("Call 911 now.", about.emergency).is_some());
        assert!(
            emergency_number("Call 999 or dial 112 now; 911 cases were seen.", about.emergency)
                .is_none()
        );
        assert!(emergency_number("Call 911 now.", "").is_none());
    }
}
