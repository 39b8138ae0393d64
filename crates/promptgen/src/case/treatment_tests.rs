//! Who has a condition that is nearly always treated takes medicines for it, at every age.

use clinstruct_schema::{FactName, Origin, Sex};

use super::lists_tests::{CATALOG, complete, frame, patient, with_condition};

/// Cases by age and condition.
const CASES: usize = 40;

#[test]
fn what_is_nearly_always_treated_is_treated_at_every_age() {
    let mut untreated = Vec::new();
    for condition in CATALOG.conditions.iter().filter(|c| c.treated >= 0.9) {
        for (at, band) in CATALOG.ages.iter().enumerate() {
            if !(condition.who.ages.0..=condition.who.ages.1).contains(&at) {
                continue;
            }
            let woman = condition.who.includes(at, Sex::Female);
            let sex = if woman { Sex::Female } else { Sex::Male };
            let age = u32::midpoint(band.from, band.to.min(90));
            let patient = with_condition(patient(age, sex), condition.id.as_str());
            let frame = frame("de", "high-resource", patient);
            let takes = |i: &usize| !complete(&i.to_string(), &frame, &[]).medicines.is_empty();
            let treated = (0..CASES).filter(takes).count();
            if treated < CASES * 3 / 4 {
                untreated.push(format!("{} at {age}: {treated} of {CASES}", condition.id));
            }
        }
    }
    assert!(untreated.is_empty(), "{untreated:#?}");
}

#[test]
fn what_nobody_lives_without_is_taken_beside_what_a_message_is_about() {
    let child = with_condition(patient(6, Sex::Female), "congenital-adrenal-hyperplasia");
    let child = frame("de", "high-resource", child);
    let of = |value| complete("left out", &child, &[(FactName::Medicine, value)]).medicines;
    let amoxicillin = of("amoxicillin 250 mg three times daily");
    assert!(amoxicillin.iter().any(|m| m.atc.starts_with("H02AB")), "{amoxicillin:?}");
    for all in ["her steroid", "only amoxicillin", "none"] {
        assert!(of(all).iter().all(|m| m.origin == Origin::Stated), "{all}");
    }
}
