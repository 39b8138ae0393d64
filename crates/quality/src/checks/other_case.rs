//! A fact that contradicts the case of the conversation.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clinstruct_schema::{
    AgeYears, Case, CaseMedicine, CasePatient, CaseVitals, Origin, RecordSource, Sex, Slug,
};

use crate::Turn;
use crate::case::{Contradiction, ContradictionKind, Reader, contradictions_in};
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::checks::other_patient;

/// The check.
pub const CHECK: Check = Check {
    id: "other_case",
    former_ids: &[],
    repair_name: None,
    summary: "A fact that contradicts the patient's case: size, pregnancy, first findings, medicines, country.",
    group: Group::Facts,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Measures),
        user: Some(Strictness::Blocks),
    },
    run: Run::Facts { find, example },
    good: &[
        "She weighs 62 kg.",
        "Her temperature is 37.2 now, after paracetamol.",
        "She came with 39.4 °C, as I said.",
        "Her mother weighs 80 kg.",
        "Should I give more if the weight is over 80 kg?",
        "I raised the metformin to 1 g twice daily.",
        "She takes metformin 500 mg twice daily.",
        "The biopsy showed Gleason 3+3=6 in 2 of 12 samples, and 4+3 in one.",
        "One more thing, weight: she's 62 and you said 0.5 kg a week?",
        "She's 62 and should lose 5 kg.",
        "The family has no car. Should he bring her tonight?",
        "The family has no midazolam at home. What should he do at five minutes?",
    ],
    bad: &[
        "She weighs 81 kg.",
        "She came with 36.8 °C, as I said.",
        "She is 20 weeks pregnant.",
        "She takes metformin 850 mg twice daily.",
        "She takes no medicines.",
        "She is 54 years old.",
        "She's 54 and coughs.",
        "She is now at 34+2 and bleeds.",
    ],
};

static EXAMPLE: LazyLock<Option<Case>> = LazyLock::new(|| {
    let patient = CasePatient {
        age_band: Slug::new("adult").ok()?,
        age: AgeYears { years: 45, months: None },
        sex: Sex::Female,
        gender: None,
        pregnancy_weeks: None,
    };
    let metformin = CaseMedicine {
        drug: "metformin".to_owned(),
        dose: "500 mg".to_owned(),
        frequency: "twice daily".to_owned(),
        atc: String::new(),
        origin: Origin::Stated,
    };
    let vitals =
        CaseVitals { weight: Some(62.0), temperature: Some(39.4), ..CaseVitals::default() };
    Some(Case {
        patient,
        vitals,
        complaint: Vec::new(),
        findings: Vec::new(),
        measurements: Vec::new(),
        conditions: Vec::new(),
        medicines: vec![metformin],
        allergies: Vec::new(),
        history: Vec::new(),
        family: Vec::new(),
        social: Vec::new(),
        origins: BTreeMap::new(),
        source: RecordSource::Code,
    })
});

fn example(text: &'static str) -> Turn<'static> {
    Turn { case: EXAMPLE.as_ref(), ..Turn::follow_up(text) }
}

fn find(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Finding> {
    let Some(case) = turn.case else { return Vec::new() };
    let found = contradictions_in(reader, case, turn.place.map(|place| place.country));
    // What `other_patient` reports is not repeated.
    let told = turn.patient.is_some_and(|p| other_patient::other_patient(reader, p).is_some());
    let person = |what| matches!(what, ContradictionKind::Age | ContradictionKind::Sex);
    let new = found.into_iter().filter(|c| !(told && person(c.what)));
    // The words that were found say to their writer what is meant.
    let quoted = |c: Contradiction| {
        let said = turn.text.get(c.span.clone()).unwrap_or_default().trim();
        let detail =
            if c.detail.contains(said) { c.detail } else { format!("\"{said}\": {}", c.detail) };
        Finding::at(c.span, detail)
    };
    new.map(quoted).collect()
}
