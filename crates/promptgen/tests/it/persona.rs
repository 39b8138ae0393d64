//! Those who write for themselves, over the full plan of their part.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_catalog::{AboutPatient, Axis, PersonaFacts};
use clinstruct_schema::{ConversationMode, Frame, PersonaTrait};

use super::*;

fn layperson() -> Plan<'static> {
    plan("layperson")
}

/// Each row's frames.
fn frames() -> Vec<(BaseRow, usize)> {
    let rows = layperson();
    rows.rows().flat_map(|row| (0..row.frames.len()).map(move |k| (row.clone(), k))).collect()
}

fn named(row: &BaseRow) -> Vec<(Axis, &str)> {
    let subtopic = &row.subjects[0];
    vec![
        (Axis::Subtopic, subtopic.slugs.last().unwrap().as_str()),
        (Axis::Domain, subtopic.slugs.first().unwrap().as_str()),
    ]
}

#[test]
fn personas_are_drawn_by_their_weights() {
    let mut counts: BTreeMap<(ConversationMode, PersonaTrait), BTreeMap<String, [f64; 2]>> =
        BTreeMap::new();
    let all = frames();
    for (row, k) in &all {
        let frame = &row.frames[*k];
        let patient = frame.patient.as_ref().unwrap();
        let persona = frame.persona.as_ref().unwrap();
        let band = CATALOG.ages.iter().position(|b| b.id == patient.age_band).unwrap();
        let subjects = named(row);
        let facts = PersonaFacts { mode: frame.mode, band, sex: patient.sex, subjects: &subjects };
        let mut drawn = Vec::new();
        for of in PersonaTrait::ALL {
            let possible = CATALOG.personas_beside(of, &facts, &drawn);
            drawn.push(format!("{}:{}", of.as_str(), persona.of(of)));
            let sum: f64 = possible.iter().map(|(_, weight)| weight).sum();
            assert!(possible.iter().any(|(entry, _)| entry.id == *persona.of(of)), "{persona:?}");
            // Modes with few rows are looked at together with the others.
            let counts = counts.entry((ConversationMode::Normal, of)).or_default();
            for (entry, weight) in possible {
                counts.entry(entry.id.to_string()).or_default()[0] += weight / sum;
            }
            counts.entry(persona.of(of).to_string()).or_default()[1] += 1.0;
        }
    }
    for ((_, of), counts) in &counts {
        let total: f64 = counts.values().map(|n| n[1]).sum();
        let apart: f64 = counts.values().map(|n| (n[0] - n[1]).abs()).sum::<f64>() / 2.0 / total;
        assert!(apart <= 0.02, "{of:?}: {apart:.3} of {total}: {counts:?}");
        assert!(counts.values().all(|n| n[1] > 50.0), "{of:?}: {counts:?}");
    }
}

#[test]
fn whoever_writes_fits_the_patient_and_every_message_is_about_one() {
    let mut relations = BTreeSet::new();
    for (row, k) in frames() {
        let frame: &Frame = &row.frames[k];
        let years = frame.patient.as_ref().unwrap().age.years;
        let relation = frame.persona.as_ref().unwrap().relation.as_str();
        let fits = match relation {
            "self" => years >= 13,
            "parent" => years <= 18,
            "grown-up-child" => years >= 61,
            "partner" => years >= 19,
            _ => false,
        };
        assert!(fits, "{relation} of a patient of {years}");
        assert!(!frame.withholds && !frame.emergency_instruction);
        let voices = &CATALOG.personas.voices;
        let form = &frame.voice.as_ref().unwrap().form;
        let forms = voices.of(clinstruct_schema::VoiceTrait::Form);
        assert!(forms.iter().any(|entry| entry.id == *form), "{form}");
        relations.insert(relation.to_owned());
        assert_eq!(row.profession, "Patient or relative");
        assert_eq!(row.specialty, None);
    }
    assert_eq!(relations.len(), 4);
}

#[test]
fn values_without_a_patient_and_professionals_work_are_left_out() {
    let plan = layperson();
    let mut domains = BTreeSet::new();
    for i in 0..plan.len() {
        assert_eq!(plan.scope(i).unwrap().patient, AboutPatient::Patient);
        let row = plan.row(i).unwrap();
        domains.insert(row.subjects[0].slugs[0].to_string());
        assert_ne!(row.subjects[0].slugs[1].as_str(), "renal-dose-adjustment");
    }
    for left_out in ["anesthesiology", "transfusion-medicine", "biostatistics", "radiology"] {
        assert!(!domains.contains(left_out), "{left_out}");
    }
    for kept in ["pediatrics", "cardiology", "dermatology", "geriatrics"] {
        assert!(domains.contains(kept), "{kept}");
    }
    assert_eq!(plan.len(), 635);
    assert!(plan.id(plan.len()).is_none() && plan.row(plan.len()).is_none());
}

#[test]
fn a_request_describes_each_writer_and_no_health_worker() {
    let part = CATALOG.part("layperson").unwrap();
    for row in layperson().rows().step_by(37) {
        let request = request(&CATALOG, part, &row);
        let (system, user) = (&request.messages[0].content, &request.messages[1].content);
        assert!(!system.contains("health worker sends") && !user.contains("Profession"), "{user}");
        let told: Vec<&str> =
            user.lines().filter_map(|line| line.strip_prefix("- writer: ")).collect();
        assert_eq!(told.len(), row.frames.len(), "{user}");
        for (frame, told) in row.frames.iter().zip(told) {
            let persona = frame.persona.as_ref().unwrap();
            for of in PersonaTrait::ALL {
                let entry = CATALOG.personas.entry(of, persona.of(of)).unwrap();
                let found = entry.writer.iter().filter(|text| told.contains(text.as_str()));
                assert_eq!(found.count(), 1, "{told}");
            }
        }
        assert_eq!(user.matches("- voice: ").count(), row.frames.len());
    }
}

#[test]
fn parts_of_health_workers_have_no_persona() {
    for (_, row) in some_rows(503) {
        assert!(row.frames.iter().all(|frame| frame.persona.is_none()), "{}", row.id);
    }
}
