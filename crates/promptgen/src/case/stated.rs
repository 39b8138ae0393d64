//! Takes over what the frame fixes and the message states.

use std::collections::BTreeMap;

use clinstruct_schema::{
    Case, CaseCondition, CaseMedicine, CasePatient, CaseText, CaseVitals, FactKind, FactName,
    Measurement, Origin, Stated, StatedFact,
};

use super::number::{number, pressure_pair, vital};
use super::{
    Completion, atc, known, local_names, medicine, planned, relatives, same, shape, sorted, untaken,
};

/// Weeks in which a stated pregnancy can be.
const PREGNANT_WEEKS: std::ops::RangeInclusive<u32> = 1..=43;

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
    // That one medicine is not taken leaves the others open.
    let other = |f: &StatedFact| name == FactName::Medicine && untaken::is_one(&f.value);
    facts(stated, name).any(|f| !is_vague(&f.value) && !other(f))
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
    let stated_weeks = facts(stated, FactName::PregnancyWeeks)
        .find_map(|f| number(&f.value))
        .map(|weeks| weeks.floor() as u32)
        .filter(|weeks| p.can_be_pregnant() && PREGNANT_WEEKS.contains(weeks));
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
    let texts = |name| facts(stated, name).filter(names_something).map(text).collect::<Vec<_>>();
    let sentences = |name| {
        let each = |t: CaseText| {
            let origin = t.origin;
            let all = shape::sentences(&t.text).map(|s| s.trim_end_matches('.').to_owned());
            all.map(move |text| CaseText { text, origin }).collect::<Vec<_>>()
        };
        texts(name).into_iter().flat_map(each)
    };
    // Each is filed by what it says: who lives with the patient is no disease of a relative, and a sister's disease is.
    let (mut family, household): (Vec<CaseText>, Vec<CaseText>) = sentences(FactName::Family)
        .partition(|t| {
            relatives::is_family_history(ctx.catalog, ctx.band, &t.text)
                && !relatives::is_living(&t.text)
                && !relatives::is_only_people(&t.text)
        });
    let (diseases, social): (Vec<CaseText>, Vec<CaseText>) = sentences(FactName::Social)
        .partition(|t| relatives::is_of_relative(ctx.catalog, ctx.band, &t.text));
    for disease in diseases {
        if !family.iter().any(|known| known.text.eq_ignore_ascii_case(&disease.text)) {
            family.push(disease);
        }
    }
    let social: Vec<CaseText> = social
        .into_iter()
        .chain(household)
        .filter(|t| !shape::is_fragment(&t.text))
        .chain(stated.facts.iter().filter(|f| is_social(f)).map(text))
        .filter(|t| !shape::is_gender(&t.text) && !relatives::is_only_people(&t.text))
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
    let mut beside: Vec<CaseText> = Vec::new();
    for fact in facts(stated, FactName::Condition).filter(names_something) {
        let name = fact.value.trim();
        let push = |name: &str, conditions: &mut Vec<CaseCondition>| {
            let same = conditions.iter().any(|c| same::is_same(ctx, c, name));
            if !same {
                conditions.push(CaseCondition {
                    name: name.to_owned(),
                    icd10: same::code(ctx, name),
                    origin: Origin::Stated,
                });
            }
            same
        };
        if !push(name, &mut conditions) {
            continue;
        }
        // Of `diabetes, gout` beside a diabetes of the frame, the gout is left.
        for said in local_names::further(name) {
            if known::conditions_in(ctx.catalog, ctx.band, &said).is_empty() {
                beside.push(CaseText { text: said, origin: Origin::Stated });
            } else {
                push(&said, &mut conditions);
            }
        }
    }
    let reactions = texts(FactName::Allergy);
    let reactions = reactions.into_iter().filter(|t| sorted::is_vaccine_reaction(&t.text));
    // What was found, or looked for and not found, is not why the patient is seen.
    let presented = stated
        .facts
        .iter()
        .filter(|f| matches!(f.name, FactName::Complaint | FactName::Finding))
        .filter(|f| !f.value.trim().is_empty())
        .filter(|f| !shape::is_medicine_free(ctx.catalog, &f.value))
        .filter(|f| !sorted::is_only_time(&f.value) && !planned::is_request(&f.value))
        .filter(|f| !is_social(f));
    let (complaint, findings): (Vec<&StatedFact>, Vec<&StatedFact>) =
        presented.partition(|f| f.name == FactName::Complaint && !sorted::is_finding(&f.value));
    let [complaint, findings] =
        [complaint, findings].map(|facts| facts.into_iter().map(text).collect::<Vec<_>>());
    Case {
        patient: CasePatient {
            age_band: p.age_band.clone(),
            age: p.age,
            sex: p.sex,
            gender: p.gender.clone(),
            pregnancy_weeks,
        },
        vitals,
        complaint,
        findings,
        measurements: stated
            .facts
            .iter()
            .filter(|f| f.name.kind() == FactKind::Measurement && !f.value.trim().is_empty())
            .filter(|f| !is_plan(f))
            .map(measurement)
            .collect(),
        medicines: facts(stated, FactName::Medicine)
            .filter(names_something)
            .filter(|f| sorted::is_taken(&f.value))
            .map(|f| {
                let medicine = medicine::parse(&f.value);
                // `hydrocortisone 1% cream`: the form stands behind the strength.
                let form = medicine.frequency.split(' ').next().filter(|word| atc::is_form(word));
                let name = format!("{} {}", medicine.drug, form.unwrap_or_default());
                let atc = atc::code(ctx.catalog, name.trim());
                CaseMedicine { atc, ..medicine }
            })
            .collect(),
        allergies: texts(FactName::Allergy)
            .into_iter()
            .filter(|t| !sorted::is_tolerated(&t.text) && !sorted::is_vaccine_reaction(&t.text))
            .collect(),
        // A medicine that is not taken any more is an event, and so is blood that was given, or an ordinary reaction to a
        // vaccine. What is listed as a condition is not said again. What is planned has no result yet.
        history: texts(FactName::History)
            .into_iter()
            .filter(|t| !sorted::is_only_time(&t.text))
            .filter(|t| !conditions.iter().any(|c| same::is_repeated(ctx, c, &t.text)))
            .chain(beside)
            .chain(reactions)
            .chain(stated.facts.iter().filter(|f| is_plan(f)).map(text))
            .chain(texts(FactName::Medicine).into_iter().filter(|t| sorted::is_event(&t.text)))
            .collect(),
        conditions,
        family,
        social,
        origins,
        source: stated.source,
    }
}

/// Whether a fact that is listed as a measurement is only planned, or what was done.
fn is_plan(fact: &StatedFact) -> bool {
    fact.name == FactName::Other
        && (planned::is_to_come(&fact.value) || planned::is_done(&fact.value))
}

/// Whether a fact that is listed as a complaint or a finding is a habit, a belief or a wish.
fn is_social(fact: &StatedFact) -> bool {
    matches!(fact.name, FactName::Complaint | FactName::Finding)
        && (planned::is_habit(&fact.value) || planned::is_belief(&fact.value))
}

/// A measurement as it is stated. One under a name of its own has name and value together, and the unit only once: `UO 0.8`
/// and `mL/kg/h` of `UO 0.8 mL/kg/h`, whatever unit was listed for it.
fn measurement(fact: &StatedFact) -> Measurement {
    let (value, unit) = (fact.value.trim(), fact.unit.trim());
    let (value, unit) = if fact.name == FactName::Other {
        let (value, unit) = value_and_unit(value, if unit == "1" { "" } else { unit });
        (without_verb(value), unit)
    } else {
        (value.to_owned(), unit)
    };
    Measurement { name: fact.name, value, unit: unit.to_owned(), origin: Origin::Stated }
}

/// A result without the verb before its number: `LDL cholesterol is 268`.
fn without_verb(value: &str) -> String {
    let verbs = [" is ", " of ", " ist ", " est de ", " es de ", " é de ", " è di "];
    let found = verbs.iter().find_map(|verb| {
        let (name, number) = value.split_once(verb)?;
        number.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("{name} {number}"))
    });
    found.unwrap_or_else(|| value.to_owned())
}

/// Splits a unit off the end of a result: what follows its number and has a slash, a sign, or the letters of the unit that is
/// listed. A result in words has none.
fn value_and_unit<'a>(value: &'a str, listed: &'a str) -> (&'a str, &'a str) {
    let number = |c: char| c.is_ascii_digit();
    // Of several numbers, the unit would be that of the last: `SpO2 96% on 0.5 L/min`.
    let figures = value.split_whitespace().filter(|word| word.starts_with(number));
    if figures.filter(|word| !word.contains(char::is_alphabetic)).count() > 1 {
        return (value, "");
    }
    // `32 mL/min/1.73m2`, else `62%`.
    let word = value
        .rsplit_once(char::is_whitespace)
        .filter(|(before, unit)| before.ends_with(number) && unit.starts_with(char::is_alphabetic));
    let attached = value.rfind(number).map(|digit| value.split_at(digit + 1));
    let Some((before, behind)) = word.or(attached) else { return (value, listed) };
    let behind = behind.trim();
    if behind.is_empty() {
        return (value, listed);
    }
    let is_unit = behind == listed
        || (behind.contains('/') && !["/", "x10"].iter().any(|power| behind.starts_with(power)))
        || ["°", "%", "ms", "mmHg", "cm", "mm", "kg"].contains(&behind);
    match behind {
        "°" => (before, "deg"),
        // Of a result in words the unit would be that of something else.
        _ if !is_unit => (value, ""),
        unit => (before, unit),
    }
}

/// Whether the message states a blood pressure, or half of one.
pub(super) fn has_pressure(ctx: &Completion<'_>) -> bool {
    [FactName::Systolic, FactName::Diastolic]
        .into_iter()
        .any(|name| facts(ctx.stated, name).next().is_some())
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
    fn the_unit_of_a_result_is_there_once() {
        for (value, listed, is) in [
            ("UO 0.8 mL/kg/h", "mL", ("UO 0.8", "mL/kg/h")),
            ("BUN 46 mg/dL", "mg/dL", ("BUN 46", "mg/dL")),
            ("QTc 510 ms", "ms", ("QTc 510", "ms")),
            ("QT 515", "ms", ("QT 515", "ms")),
            ("hip abduction, right 25 °", "deg", ("hip abduction, right 25", "deg")),
            ("lipase 95 U/L", "", ("lipase 95", "U/L")),
            ("eGFR 32 mL/min/1.73m2", "mL/min", ("eGFR 32", "mL/min/1.73m2")),
            ("PLT 82 x10^9/L", "10*9/L", ("PLT 82 x10^9/L", "")),
            ("CD4 210 cells/mm3", "", ("CD4 210", "cells/mm3")),
            ("FiO2 0.6", "", ("FiO2 0.6", "")),
            ("SpO2 96% on NP O2 0.5 L/min", "%", ("SpO2 96% on NP O2 0.5 L/min", "")),
            ("FEV1 62%", "%", ("FEV1 62", "%")),
            ("malaria rapid test negative", "", ("malaria rapid test negative", "")),
            ("urine dipstick protein 2+", "", ("urine dipstick protein 2+", "")),
            ("Ashworth 3 right, 2 left", "{score}", ("Ashworth 3 right, 2 left", "")),
            ("FEV1 improved", "L", ("FEV1 improved", "")),
        ] {
            assert_eq!(value_and_unit(value, listed), is, "{value}");
        }
    }

    #[test]
    fn a_result_has_no_verb() {
        assert_eq!(without_verb("LDL cholesterol is 268"), "LDL cholesterol 268");
        assert_eq!(without_verb("ejection fraction of 30 %"), "ejection fraction 30 %");
        assert_eq!(without_verb("range of movement is painful"), "range of movement is painful");
    }

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
}
