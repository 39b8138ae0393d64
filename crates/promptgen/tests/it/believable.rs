//! What strict readers of cases found: each kind, with its siblings.

use clinstruct_promptgen::complete;
use clinstruct_schema::{Coded, FactName, Sex, Stated};

use crate::case::{case, frame, stated};
use crate::{CATALOG, SEED};

fn texts(all: &[clinstruct_schema::CaseText]) -> Vec<&str> {
    all.iter().map(|t| t.text.as_str()).collect()
}

#[test]
fn a_result_in_words_has_no_unit() {
    let mut stated: Stated = stated(&[]);
    for (name, value, unit) in [
        (FactName::Other, "malaria rapid test negative", "1"),
        (FactName::Other, "HIV rapid test positive", "1"),
        (FactName::Other, "pregnancy test negative", "1"),
        (FactName::Other, "capillary refill 3 s", "s"),
        (FactName::Inr, "2.4", "1"),
    ] {
        let value = value.to_owned();
        stated.facts.push(clinstruct_schema::StatedFact { name, value, unit: unit.to_owned() });
    }
    let case = complete(&CATALOG, SEED, "words", &frame(30, Sex::Female), &stated).unwrap();
    let units: Vec<&str> = case.measurements.iter().map(|m| m.unit.as_str()).collect();
    assert_eq!(units, ["", "", "", "s", "1"]);
}

#[test]
fn a_condition_is_not_said_again_in_the_history() {
    let of = |history: &str| {
        let facts = [
            (FactName::Condition, "type 2 diabetes"),
            (FactName::Condition, "asthma"),
            (FactName::History, history),
        ];
        let case = case("again", &frame(60, Sex::Male), &facts);
        texts(&case.history).contains(&history)
    };
    for again in ["type 2 diabetes since 2015", "known asthma", "asthma since childhood", "T2DM"] {
        assert!(!of(again), "{again}");
    }
    for event in ["admitted with asthma last year", "appendix removed in 2010", "foot ulcer healed"]
    {
        assert!(of(event), "{event}");
    }
}

#[test]
fn an_ordinary_reaction_to_a_vaccine_is_history() {
    let reaction = "sore arm and mild fever after the tetanus vaccine";
    let facts = [(FactName::Allergy, reaction)];
    let case = case("vaccine", &frame(30, Sex::Male), &facts);
    assert!(case.allergies.is_empty() && texts(&case.history).contains(&reaction), "{case:?}");
    let hives = [(FactName::Allergy, "hives after an influenza vaccine")];
    let case = crate::case::case("vaccine", &frame(30, Sex::Male), &hives);
    assert_eq!(case.allergies.len(), 1);
}

#[test]
fn whoever_is_well_again_has_no_fever() {
    let frame = frame(25, Sex::Male);
    for well in [
        "well again since Monday",
        "fully recovered",
        "back to normal",
        "symptom-free for a week",
        "fever gone, eating well",
    ] {
        let facts =
            [(FactName::Complaint, "fever and cough for three days"), (FactName::Finding, well)];
        for i in 0..60 {
            let case = case(&format!("well.{i}"), &frame, &facts);
            assert!(case.vitals.temperature.unwrap() < 37.8, "{well}: {:?}", case.vitals);
        }
    }
    let ill = [(FactName::Complaint, "fever and cough, not fully recovered")];
    let hot = (0..60).filter(|i| {
        let case = case(&format!("ill.{i}"), &frame, &ill);
        case.vitals.temperature.unwrap() > 37.8
    });
    assert!(hot.count() > 30);
}

#[test]
fn a_pulse_follows_a_high_fever() {
    for (years, least) in [(30, 98.0), (70, 96.0), (6, 115.0), (2, 128.0)] {
        let frame = frame(years, Sex::Female);
        for i in 0..150 {
            let facts = [(FactName::Temperature, "39.6")];
            let case = case(&format!("pulse.{years}.{i}"), &frame, &facts);
            // Medicines and heart block slow the heart.
            if case.medicines.is_empty() && case.conditions.is_empty() {
                assert!(case.vitals.heart_rate.unwrap() >= least, "{years}: {:?}", case.vitals);
            }
        }
    }
}

#[test]
fn what_is_drunk_is_what_there_is_at_the_place() {
    let said = |country: &str, region: &str| -> Vec<String> {
        let mut frame = frame(45, Sex::Male);
        frame.place.country_code = country.to_owned();
        frame.place.country = country.to_owned();
        frame.place.region = region.to_owned();
        let of =
            |i: i32| complete(&CATALOG, SEED, &format!("{country}.{i}"), &frame, &Stated::NONE);
        let all = (0..800).filter_map(of).flat_map(|c| c.social);
        let alcohol = ["wine", "beer", "spirit", "vodka", "alcohol"];
        let all = all.map(|t| t.text);
        all.filter(|t| alcohol.iter().any(|word| t.contains(word)) && !t.contains("vinegar"))
            .collect()
    };
    let grape =
        |t: &&String| t.contains("wine") && !t.contains("rice wine") && !t.contains("palm wine");
    for (country, region) in [
        ("sa", "EMR"),
        ("so", "EMR"),
        ("ir", "EMR"),
        ("kw", "EMR"),
        ("bd", "SEAR"),
        ("mr", "AFR"),
        ("bn", "WPR"),
    ] {
        let all = said(country, region);
        assert!(all.is_empty(), "{country}: {all:?}");
    }
    for (country, region) in
        [("kp", "SEAR"), ("np", "SEAR"), ("ug", "AFR"), ("mn", "WPR"), ("cd", "AFR")]
    {
        let all = said(country, region);
        assert!(!all.is_empty(), "{country}");
        assert_eq!(all.iter().find(grape), None, "{country}");
    }
    for (country, region) in [("fr", "EUR"), ("ar", "AMR"), ("au", "WPR")] {
        assert!(said(country, region).iter().find(grape).is_some(), "{country}");
    }
}

#[test]
fn nobody_was_treated_before_screening_begins() {
    let condition =
        CATALOG.conditions.iter().find(|c| c.id.as_str() == "cervical-precancer").unwrap();
    let youngest = &CATALOG.ages[condition.who.ages.0];
    assert!(youngest.from >= 26, "{}", youngest.id);
    for entry in CATALOG.histories.past.iter().filter(|e| e.id.as_str() == "vaccines-hpv") {
        assert!(entry.at.unwrap()[0] >= 9 * 12);
    }
}

#[test]
fn tablets_of_a_combination_follow_the_weight() {
    // WHO operational handbook on tuberculosis, module 4, 2022: 30 to 39 kg 2, 40 to 54 kg 3, 55 to 70 kg 4, above 5.
    let due = |kg: f64| match kg {
        kg if kg < 40.0 => "2 tablets",
        kg if kg < 55.0 => "3 tablets",
        kg if kg <= 70.0 => "4 tablets",
        _ => "5 tablets",
    };
    let mut seen = 0;
    for id in ["tuberculosis", "tuberculosis-continuation"] {
        let condition = CATALOG.conditions.iter().find(|c| c.id.as_str() == id).unwrap();
        let mut framed = frame(40, Sex::Male);
        let patient = framed.patient.as_mut().unwrap();
        patient.condition =
            Some(Coded { name: condition.name.clone(), code: condition.icd10.clone() });
        for kg in ["31", "39.9", "40", "54.5", "55", "70", "70.5", "88"] {
            for i in 0..20 {
                let case = case(&format!("{id}.{kg}.{i}"), &framed, &[(FactName::Weight, kg)]);
                let fixed = case.medicines.iter().filter(|m| m.drug.starts_with("rifampicin 150"));
                for medicine in fixed {
                    seen += 1;
                    assert_eq!(medicine.dose, due(kg.parse().unwrap()), "{kg}: {medicine:?}");
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}
