//! A first message that contradicts what was planned for it.

use std::sync::LazyLock;

use clinstruct_schema::{
    AgeYears, ConversationMode, Frame, FramePatient, IncomeGroup, Place, Sex, Slug,
};

use crate::Turn;
use crate::case::{Reader, beyond, is_of_patient};
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::checks::other_patient;

/// The check.
pub const CHECK: Check = Check {
    id: "other_frame",
    former_ids: &[],
    repair_name: None,
    summary: "Age, sex, pregnancy or country that contradicts the frame of the prompt.",
    group: Group::Facts,
    strictness: PerSpeaker { prompt: Some(Strictness::Blocks), assistant: None, user: None },
    run: Run::Facts { find, example },
    good: &[
        "A 45-year-old woman coughs. Which test first?",
        "Her sister is 20 weeks pregnant.",
        "We work in Nepal; she came back from India last week.",
        "She weighs 62 kg and takes metformin 500 mg twice daily.",
        "What should he eat?\nWelder at the port, 30 years, cloth over the mouth\n45, BP 158/96, wheeze",
        "Brick burner x 15 yrs, 8 cig/d since age 19, known asthma.",
        "Born 36/40, she has had asthma since school. Which inhaler first?",
    ],
    bad: &[
        "She is 54, with a cough.",
        "A 45-year-old woman, 20 weeks pregnant, coughs.",
        "Our clinic in Kenya has no scanner.",
        "Pt 45M, cough.",
    ],
};

static EXAMPLE: LazyLock<Option<Frame>> = LazyLock::new(|| {
    let place = Place {
        country_code: "np".to_owned(),
        country: "Nepal".to_owned(),
        income: IncomeGroup::LowerMiddle,
        region: "SEAR".to_owned(),
        setting: Slug::new("low-resource").ok()?,
    };
    let patient = FramePatient {
        age_band: Slug::new("adult").ok()?,
        age: AgeYears { years: 45, months: None },
        sex: Sex::Female,
        gender: None,
        pregnancy_weeks: None,
        condition: None,
    };
    let mode = ConversationMode::Normal;
    Some(Frame::new(place, Some(patient), mode))
});

fn example(text: &'static str) -> Turn<'static> {
    Turn { frame: EXAMPLE.as_ref(), ..Turn::prompt(text) }
}

fn find(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Finding> {
    let Some(frame) = turn.frame else { return Vec::new() };
    let told = turn.patient.is_some_and(|p| other_patient::other_patient(reader, p).is_some());
    let mut found = beyond(reader, frame, told);
    found.retain(|f| f.span.as_ref().is_none_or(|at| is_of_patient(reader, turn.frame, at)));
    found
}
