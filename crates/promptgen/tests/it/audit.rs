//! The audit of drawn cases, and that it can fail.

use clinstruct_catalog::Catalog;
use clinstruct_schema::{CaseText, FactName, Origin, Sex};

#[path = "../../examples/audit/audit.rs"]
mod shared;

use shared::cases::Drawn;
use shared::{Audit, Data, SEED, cases, rules};

#[test]
fn drawn_cases_violate_no_rule_and_meet_their_references() {
    let catalog = Catalog::embedded().unwrap();
    let audit = Audit::of(&catalog, &Data::read().unwrap(), SEED, 2000);
    assert_eq!(audit.violations, Vec::<String>::new());
    assert_eq!(audit.misses, Vec::<String>::new());
    assert!(audit.report().contains("2000 cases"), "{}", audit.report());
    assert!(audit.failures().is_empty());
}

#[test]
fn the_audit_finds_planted_mistakes() {
    type Plant = fn(&mut Drawn<'_>);
    let plants: [(&str, Plant); 13] = [
        ("blood pressure", |d| d.case.vitals.diastolic = d.case.vitals.systolic),
        ("half a blood pressure", |d| d.case.vitals.diastolic = None),
        ("heart_rate", |d| d.case.vitals.heart_rate = Some(250.0)),
        ("temperature", |d| d.case.vitals.temperature = Some(45.0)),
        ("height", |d| d.case.vitals.height = Some(230.0)),
        ("body mass index", |d| d.case.vitals.weight = Some(20.0)),
        ("no size", |d| d.case.vitals.weight = None),
        ("origin", |d| {
            d.case.origins.remove("vitals.temperature");
        }),
        ("too calm for 40.3 degrees", |d| {
            d.case.vitals.temperature = Some(40.3);
            d.case.vitals.heart_rate = Some(84.0);
        }),
        ("too calm for a saturation of 84", |d| {
            d.case.vitals.saturation = Some(84.0);
            d.case.vitals.respiratory_rate = Some(13.0);
            d.case.origins.insert("vitals.saturation".into(), Origin::Stated);
        }),
        ("is pregnant", |d| d.case.patient.pregnancy_weeks = Some(20)),
        ("a complaint was drawn", |d| {
            d.case.complaint.push(CaseText { text: "a cough".into(), origin: Origin::Drawn });
        }),
        ("female organs", |d| {
            d.case
                .history
                .push(CaseText { text: "hysterectomy in 2019".into(), origin: Origin::Stated });
        }),
    ];
    let catalog = Catalog::embedded().unwrap();
    let data = Data::read().unwrap();
    let man = |d: &Drawn<'_>| {
        d.case.patient.sex == Sex::Male
            && d.years() >= 19
            && d.scenario.id == "none"
            && d.case.origin(FactName::Weight) == Some(Origin::Drawn)
            && d.case.medicines.is_empty()
            && d.case.conditions.is_empty()
    };
    for (finding, plant) in plants {
        let mut drawn = cases::draw(&catalog, &data, SEED, 400).find(man).unwrap();
        assert_eq!(rules::violations(&data, &drawn), Vec::<String>::new());
        plant(&mut drawn);
        let found = rules::violations(&data, &drawn);
        assert!(found.iter().any(|f| f.contains(finding)), "{finding} is not in {found:?}");
    }
}
