//! The frame of a row of another plan.

use clinstruct_schema::{Attributes, Frame, FramePatient};

/// What is fixed about the prompt of a conversation, as far as its attributes say.
pub(super) fn frame(attributes: &Attributes) -> Option<Frame> {
    let patient = attributes.who().map(|who| FramePatient {
        age_band: who.age_band.clone(),
        age: who.age,
        sex: who.sex,
        gender: who.gender.map(str::to_owned),
        pregnancy_weeks: attributes.case.as_ref().and_then(|case| case.patient.pregnancy_weeks),
        condition: None,
    });
    let situation = &attributes.situation;
    Some(Frame {
        emergency_instruction: situation.emergency_instruction,
        language: situation.language,
        voice: attributes.voice.clone(),
        withholds: situation.withholds,
        persona: situation.persona.clone(),
        ..Frame::new(attributes.place()?.into_owned(), patient, situation.mode)
    })
}
