//! Draws how a first message is written, and tells the writer.

use clinstruct_catalog::{Axis, Catalog, VoiceEntry, VoiceFacts, VoiceValue};
use clinstruct_draw as draw;
use clinstruct_schema::{ConversationMode, Frame, Register, Subject, Voice, VoiceTrait};

/// The mode in which a first message is written. What starts with the emergency instruction is written as an emergency, in
/// any mode.
fn written_mode(frame: &Frame) -> ConversationMode {
    if frame.emergency_instruction { ConversationMode::Emergency } else { frame.mode }
}

/// The voice of the prompt with this key; `None` only if the catalog has a trait without values.
pub(crate) fn draw_voice(
    catalog: &Catalog,
    seed: u64,
    key: &str,
    subjects: &[Subject],
    frame: &Frame,
) -> Option<Voice> {
    let task = subjects.iter().find(|s| s.axis == Axis::Task.as_str());
    let facts = VoiceFacts {
        mode: written_mode(frame),
        patient: frame.patient.is_some(),
        task: task.and_then(|s| s.slugs.last()).map(clinstruct_schema::Slug::as_str),
    };
    let mut drawn: Vec<VoiceValue> = Vec::with_capacity(VoiceTrait::ALL.len());
    let mut of = |of: VoiceTrait| -> Option<&VoiceEntry> {
        let possible = catalog.voices_beside(of, &facts, &drawn, frame.persona.as_ref());
        let possible = possible.into_iter().map(|(e, weight)| (e.id.as_str(), weight, e));
        let entry = draw::choose(seed, key, &format!("voice {}", of.as_str()), possible)?;
        drawn.push((of, entry.id.clone()));
        Some(entry)
    };
    let register = of(VoiceTrait::Register)?;
    let registers = [Register::Popular, Register::Standard, Register::Scientific];
    let register = registers.into_iter().find(|known| known.as_str() == register.id.as_str())?;
    let form = of(VoiceTrait::Form)?.id.clone();
    let opening = of(VoiceTrait::Opening)?.id.clone();
    let length = of(VoiceTrait::Length)?;
    let questions = of(VoiceTrait::Questions)?.n?;
    let place = of(VoiceTrait::Place)?.id.clone();
    let (length, words) = (length.id.clone(), length.words?);
    Some(Voice { register, form, opening, length, words, questions, place })
}

/// What the writer is told of the voice of a message: a sentence for its mode, if there is one, and one for each trait;
/// `None` where no voice is drawn.
pub(crate) fn told(catalog: &Catalog, seed: u64, key: &str, frame: &Frame) -> Option<String> {
    let voice = frame.voice.as_ref()?;
    let voices = catalog.voices_of(frame.persona.is_some());
    let one = |name: &str, texts: &[String]| -> Option<String> {
        let texts = texts.iter().map(|text| (text.as_str(), 1.0, text));
        draw::choose(seed, key, &format!("wording of {name}"), texts).cloned()
    };
    let mode = voices.modes.get(&written_mode(frame)).and_then(|texts| one("mode", texts));
    let sentences = VoiceTrait::ALL.into_iter().filter_map(|of| {
        let entry = voices.of(of).iter().find(|entry| match of {
            VoiceTrait::Register => entry.id.as_str() == voice.register.as_str(),
            VoiceTrait::Form => entry.id == voice.form,
            VoiceTrait::Opening => entry.id == voice.opening,
            VoiceTrait::Length => entry.id == voice.length,
            VoiceTrait::Questions => entry.n == Some(voice.questions),
            VoiceTrait::Place => entry.id == voice.place,
        })?;
        one(of.as_str(), &entry.writer)
    });
    let all: Vec<String> = mode.into_iter().chain(sentences).collect();
    Some(all.join(" "))
}
