//! Takes over what the frame fixes and the message states.

use std::collections::BTreeMap;

use clinstruct_schema::{
    Case, CaseCondition, CaseMedicine, CasePatient, CaseText, CaseVitals, FactKind, FactName,
    Measurement, Origin, Sex, Stated, StatedFact,
};

use super::number::{number, pressure_pair, vital};
use super::{Completion, known, medicine, shape};

/// Weeks and ages in years at which a stated pregnancy can be.
const PREGNANT_WEEKS: std::ops::RangeInclusive<u32> = 1..=43;
const PREGNANT_AGES: std::ops::RangeInclusive<u32> = 10..=58;

/// Whole values that say that there is nothing.
const NONE: &[&str] = &[
    "none",
    "no",
    "nil",
    "nothing",
    "negative",
    "nkda",
    "nka",
    "none known",
    "not any",
    "unremarkable",
    "nil of note",
    "non-contributory",
    "aucun",
    "aucune",
    "ninguno",
    "ninguna",
    "nenhum",
    "nenhuma",
    "keine",
    "nessuno",
    "nessuna",
    "hakuna",
    "なし",
    "无",
    "無",
    "ไม่มี",
    "कोई नहीं",
    "لا يوجد",
    "нет",
];
/// How values begin that say that there is nothing.
const NONE_STARTS: &[&str] = &[
    "no known",
    "no regular",
    "no past",
    "no medic",
    "no allerg",
    "no chronic",
    "no long",
    "no significant",
    "no previous",
    "no other",
    "no current",
    "no drug",
    "no family",
    "no relevant",
    "no comorbid",
    "no prior",
    "not on any",
    "not taking any",
    "nil ",
    "denies ",
    "without any",
    "takes no",
    "takes nothing",
    "none ",
    "previously healthy",
    "previously well",
    "otherwise healthy",
    "otherwise well",
];
/// Values that say that nobody knows.
const UNKNOWN: &[&str] =
    &["unknown", "not known", "unspecified", "unclear", "not available", "not stated", "n/a"];
/// Words of values that name nothing: `his usual tablets`, `several chronic conditions`.
const VAGUE: &[&str] = &[
    "regular",
    "usual",
    "other",
    "some",
    "several",
    "multiple",
    "many",
    "various",
    "a",
    "few",
    "her",
    "his",
    "their",
    "the",
    "home",
    "daily",
    "current",
    "long-term",
    "chronic",
    "tablet",
    "tablets",
    "pill",
    "pills",
    "medicine",
    "medicines",
    "medication",
    "medications",
    "drug",
    "drugs",
    "meds",
    "treatment",
    "treatments",
    "therapy",
    "and",
    "of",
    "polypharmacy",
    "comorbidities",
    "comorbidity",
    "condition",
    "conditions",
    "illness",
    "illnesses",
    "disease",
    "diseases",
    "long-standing",
    "medical",
    "problems",
    "yes",
];

fn lower(value: &str) -> String {
    value.trim().trim_end_matches('.').to_lowercase()
}

/// Whether the value says that there is nothing of its kind.
fn rules_out(value: &str) -> bool {
    let value = lower(value);
    NONE.contains(&value.as_str()) || NONE_STARTS.iter().any(|start| value.starts_with(start))
}

fn is_unknown(value: &str) -> bool {
    let value = lower(value);
    UNKNOWN.iter().any(|u| value.starts_with(u))
}

fn is_vague(value: &str) -> bool {
    lower(value)
        .split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .filter(|w| !w.is_empty())
        .all(|w| VAGUE.contains(&w))
}

/// The facts of this name that have a value.
fn facts(stated: &Stated, name: FactName) -> impl Iterator<Item = &StatedFact> {
    stated.facts.iter().filter(move |f| f.name == name && !f.value.trim().is_empty())
}

/// Whether a stated fact of this name says that there is nothing of its kind.
pub(super) fn rules_out_any(stated: &Stated, name: FactName) -> bool {
    facts(stated, name).any(|f| rules_out(&f.value))
}

/// Whether the message states everything of this kind, so that nothing is drawn. It does not where it names nothing:
/// "takes her usual tablets".
pub(super) fn is_complete(stated: &Stated, name: FactName) -> bool {
    facts(stated, name).any(|f| !is_vague(&f.value))
}

/// The case with all that the frame fixes and the message states.
pub(super) fn take_over(ctx: &Completion<'_>) -> Case {
    let stated = ctx.stated;
    let mut origins = BTreeMap::new();
    let mut fixed = |path: &str, origin| origins.insert(path.to_owned(), origin);
    let p = ctx.patient;
    for path in ["patient.age_band", "patient.age", "patient.sex"] {
        fixed(path, Origin::Frame);
    }
    if p.gender.is_some() {
        fixed("patient.gender", Origin::Frame);
    }
    let can_be_pregnant = p.sex != Sex::Male && PREGNANT_AGES.contains(&p.age.years);
    let stated_weeks = facts(stated, FactName::PregnancyWeeks)
        .find_map(|f| number(&f.value))
        .map(|weeks| weeks.floor() as u32)
        .filter(|weeks| can_be_pregnant && PREGNANT_WEEKS.contains(weeks));
    let pregnancy_weeks = match (p.pregnancy_weeks, stated_weeks) {
        (Some(weeks), _) => {
            fixed("patient.pregnancy_weeks", Origin::Frame);
            Some(weeks)
        }
        (None, Some(weeks)) => {
            fixed("patient.pregnancy_weeks", Origin::Stated);
            Some(weeks)
        }
        (None, None) => None,
    };

    let mut vitals = CaseVitals::default();
    for name in FactName::ALL.iter().filter(|n| n.kind() == FactKind::Vital) {
        let value = facts(stated, *name)
            .find_map(vital)
            .or_else(|| pressure_pair(stated.facts.iter(), *name));
        if let Some(value) = value
            && vitals.set(*name, value)
        {
            fixed(&format!("vitals.{}", name.as_str()), Origin::Stated);
        }
    }

    let text =
        |f: &StatedFact| CaseText { text: f.value.trim().to_owned(), origin: Origin::Stated };
    let names_something =
        |f: &&StatedFact| !rules_out(&f.value) && !is_unknown(&f.value) && !is_vague(&f.value);
    let taken = |f: &&StatedFact| {
        let value = lower(&f.value);
        let not =
            ["no ", "not ", "without ", "never ", "off "].iter().any(|w| value.starts_with(w));
        let ended =
            ["on hold", "withheld", "stopped", "paused", "until ", "discontinued", "ran out"];
        !not && !ended.iter().any(|w| value.contains(w))
    };
    let texts = |name| facts(stated, name).filter(names_something).map(text).collect::<Vec<_>>();
    // Who lives with the patient is no disease of a relative.
    let (family, household): (Vec<CaseText>, Vec<CaseText>) = texts(FactName::Family)
        .into_iter()
        .partition(|t| shape::is_family(ctx.catalog, ctx.band, &t.text));
    let social: Vec<CaseText> = texts(FactName::Social)
        .into_iter()
        .chain(household)
        .filter(|t| !shape::is_gender(&t.text))
        .filter_map(|t| Some(CaseText { text: shape::phrase(&t.text)?, origin: t.origin }))
        .collect();
    let mut conditions: Vec<CaseCondition> = p
        .condition
        .iter()
        .map(|c| CaseCondition {
            name: c.name.clone(),
            icd10: c.code.clone(),
            origin: Origin::Frame,
        })
        .collect();
    for fact in facts(stated, FactName::Condition).filter(names_something) {
        let name = fact.value.trim();
        if !conditions.iter().any(|c| same_condition(&c.name, name)) {
            conditions.push(CaseCondition {
                name: name.to_owned(),
                icd10: match known::conditions_in(ctx.catalog, ctx.band, name).as_slice() {
                    [condition] => condition.icd10.clone(),
                    _ => String::new(),
                },
                origin: Origin::Stated,
            });
        }
    }
    Case {
        patient: CasePatient {
            age_band: p.age_band.clone(),
            age: p.age,
            sex: p.sex,
            gender: p.gender.clone(),
            pregnancy_weeks,
        },
        vitals,
        complaint: stated
            .facts
            .iter()
            .filter(|f| matches!(f.name, FactName::Complaint | FactName::Finding))
            .filter(|f| !f.value.trim().is_empty())
            .filter(|f| !shape::is_medicine_free(ctx.catalog, &f.value))
            .map(text)
            .collect(),
        measurements: stated
            .facts
            .iter()
            .filter(|f| f.name.kind() == FactKind::Measurement && !f.value.trim().is_empty())
            .filter(|f| f.name != FactName::Other || f.value.contains(char::is_numeric))
            .map(|f| Measurement {
                name: f.name,
                value: f.value.trim().to_owned(),
                unit: f.unit.clone(),
                origin: Origin::Stated,
            })
            .collect(),
        conditions,
        medicines: facts(stated, FactName::Medicine)
            .filter(names_something)
            .filter(taken)
            .map(|f| {
                let medicine = medicine::parse(&f.value);
                let atc = match known::drugs(ctx.catalog, &medicine.drug).as_slice() {
                    [drug] => drug.atc.clone(),
                    _ => String::new(),
                };
                CaseMedicine { atc, ..medicine }
            })
            .collect(),
        allergies: texts(FactName::Allergy),
        history: texts(FactName::History),
        family,
        social,
        origins,
        source: stated.source,
    }
}

/// Words that make no other condition of one.
const QUALIFIERS: &[&str] = &[
    "mellitus",
    "disease",
    "disorder",
    "syndrome",
    "chronic",
    "essential",
    "primary",
    "known",
    "stage",
    "grade",
    "well",
    "poorly",
    "controlled",
    "uncontrolled",
    "stable",
    "mild",
    "moderate",
    "severe",
    "longstanding",
    "long-standing",
    "diagnosed",
    "newly",
    "treated",
    "on",
    "treatment",
    "the",
    "of",
    "and",
    "a",
    "in",
];

/// Long words that many conditions share.
const COMMON: &[&str] = &[
    "disorder",
    "syndrome",
    "infection",
    "deficiency",
    "insufficiency",
    "congenital",
    "hereditary",
    "recurrent",
    "inflammatory",
    "respiratory",
    "cardiovascular",
    "childhood",
    "pulmonary",
    "cerebral",
    "abdominal",
    "intestinal",
    "bacterial",
    "idiopathic",
    "secondary",
    "malignant",
    "transplant",
    "carcinoma",
    "moderate",
    "controlled",
    "long-standing",
    "generalised",
    "peripheral",
    "obstructive",
    "treatment",
    "diagnosed",
    "metastatic",
    "intellectual",
    "myocardial",
    "hypertension",
    "haemorrhage",
    "thrombosis",
    "polyneuropathy",
    "osteoarthritis",
    "depression",
    "epilepsy",
    "pneumonia",
    "psoriasis",
    "migraine",
    "headache",
    "leukaemia",
    "lymphoma",
    "cardiomyopathy",
    "neuropathy",
    "nephropathy",
    "vascular",
    "autoimmune",
    "arthritis",
    "diabetes",
    "mellitus",
    "hepatitis",
    "failure",
];

/// Whether two names mean one condition: `type 2 diabetes`, `Type 2 diabetes mellitus with kidney disease`. Pulmonary
/// hypertension is not hypertension.
fn same_condition(a: &str, b: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        let name = lower(name);
        let name = name.split(" with ").next().unwrap_or_default();
        name.split(|c: char| !(c.is_alphanumeric() || c == '-'))
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (a, b) = (words(a), words(b));
    // A rare word names the condition: `Duchenne`, `haemangioma on the left buttock`.
    let names = |w: &&String| w.chars().count() >= 8 && !COMMON.contains(&w.as_str());
    if a.iter().filter(names).any(|w| b.contains(w)) {
        return true;
    }
    let adds_nothing = |a: &[String], b: &[String]| {
        a.iter().all(|w| {
            b.contains(w)
                || QUALIFIERS.contains(&w.as_str())
                || w.parse::<u32>().is_ok_and(|_| !has_type(a))
        })
    };
    !a.is_empty() && !b.is_empty() && adds_nothing(&a, &b) && adds_nothing(&b, &a)
}

/// Whether a number in the name tells types apart, rather than stages.
fn has_type(words: &[String]) -> bool {
    words.iter().any(|w| w == "type")
}

/// Whether the message says of a sign how it dipped or what it was, so that no value is drawn beside that.
pub(super) fn is_told(ctx: &Completion<'_>, name: FactName) -> bool {
    let texts = [FactName::Complaint, FactName::Finding, FactName::History];
    texts.into_iter().flat_map(|kind| facts(ctx.stated, kind)).any(|fact| {
        let value = lower(&fact.value);
        value.contains(|c: char| c.is_ascii_digit())
            && !value.contains("birth weight")
            && shape::sign_words(name).iter().any(|word| value.contains(word))
    })
}

/// Whether the message states something that code could not read as a number: the sign is left open.
pub(super) fn is_unreadable(ctx: &Completion<'_>, case: &Case, name: FactName) -> bool {
    case.vitals.get(name).is_none() && facts(ctx.stated, name).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_say_nothing_are_told_apart() {
        for none in
            ["none", "None known.", "No regular medicines", "nil", "NKDA", "ninguna", "denies any"]
        {
            assert!(rules_out(none), "{none}");
        }
        for some in ["nortriptyline", "nonsteroidal anti-inflammatory drugs", "Noonan syndrome"] {
            assert!(!rules_out(some), "{some}");
        }
        assert!(is_vague("his usual medicines") && is_vague("several chronic conditions"));
        assert!(!is_vague("usual metformin") && !is_vague("chronic kidney disease stage 3"));
    }

    #[test]
    fn conditions_with_other_words_are_others() {
        for (a, b) in [
            ("type 2 diabetes", "Type 2 diabetes mellitus"),
            ("hypertension", "poorly controlled hypertension"),
            ("chronic kidney disease stage 3", "chronic kidney disease"),
            ("type 2 diabetes", "type 2 diabetes with retinopathy"),
        ] {
            assert!(same_condition(a, b) && same_condition(b, a), "{a} and {b}");
        }
        for (a, b) in [
            ("hypertension", "pulmonary hypertension"),
            ("type 1 diabetes", "type 2 diabetes"),
            ("asthma", "COPD"),
            ("asthma", ""),
        ] {
            assert!(!same_condition(a, b) && !same_condition(b, a), "{a} and {b}");
        }
    }
}
