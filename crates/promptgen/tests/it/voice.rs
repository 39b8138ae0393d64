//! The voices of the full plan.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_catalog::{CatalogError, VoiceFacts, VoiceValue};
use clinstruct_schema::{ConversationMode, Frame, Register, VoiceTrait};

use super::*;

fn facts<'r>(row: &'r BaseRow, frame: &Frame) -> VoiceFacts<'r> {
    let task = row.subjects.iter().find(|s| s.axis == "task");
    let urgent = frame.emergency_instruction;
    VoiceFacts {
        mode: if urgent { ConversationMode::Emergency } else { frame.mode },
        patient: frame.patient.is_some(),
        task: task.and_then(|s| s.slugs.last()).map(clinstruct_schema::Slug::as_str),
    }
}

/// The values of a voice, in the order in which they are drawn.
fn drawn(frame: &Frame) -> Vec<VoiceValue> {
    let voice = frame.voice.as_ref().unwrap();
    let questions = CATALOG.voices.of(VoiceTrait::Questions);
    let questions = questions.iter().find(|e| e.n == Some(voice.questions)).unwrap();
    let register = clinstruct_schema::Slug::new(voice.register.as_str()).unwrap();
    vec![
        (VoiceTrait::Register, register),
        (VoiceTrait::Form, voice.form.clone()),
        (VoiceTrait::Opening, voice.opening.clone()),
        (VoiceTrait::Length, voice.length.clone()),
        (VoiceTrait::Questions, questions.id.clone()),
        (VoiceTrait::Place, voice.place.clone()),
    ]
}

#[test]
fn voices_are_drawn_by_their_weights() {
    // What is due of each value is the sum of its shares among what is possible for each message.
    let mut due: BTreeMap<(ConversationMode, VoiceTrait), BTreeMap<String, [f64; 2]>> =
        BTreeMap::new();
    let mut all = 0;
    for (_, row) in some_rows(1) {
        for frame in &row.frames {
            all += 1;
            let facts = facts(&row, frame);
            let values = drawn(frame);
            for (at, (of, id)) in values.iter().enumerate() {
                let possible = CATALOG.voices.possible(*of, &facts, &values[..at]);
                let sum: f64 = possible.iter().map(|(_, weight)| weight).sum();
                let counts = due.entry((facts.mode, *of)).or_default();
                for (entry, weight) in possible {
                    counts.entry(entry.id.to_string()).or_default()[0] += weight / sum;
                }
                counts.entry(id.to_string()).or_default()[1] += 1.0;
                assert!(
                    values[..at].iter().all(|v| CATALOG.voices.clash(v, &values[at]).is_none()),
                    "{} {values:?}",
                    row.id
                );
            }
        }
    }
    assert_eq!(all, 6321 + 12_688 + 4 * 2587);
    for ((mode, of), counts) in &due {
        let total: f64 = counts.values().map(|n| n[1]).sum();
        let apart: f64 = counts.values().map(|n| (n[0] - n[1]).abs()).sum::<f64>() / 2.0 / total;
        assert!(apart <= 0.02, "{mode:?} {of:?}: {apart:.3} of {total}: {counts:?}");
    }
    let of = |of: VoiceTrait, id: &str| -> f64 {
        let of = due.iter().filter(|((_, known), _)| *known == of);
        of.filter_map(|(_, counts)| counts.get(id)).map(|n| n[1]).sum::<f64>() / f64::from(all)
    };
    // Only a handover begins with age and sex.
    let person = of(VoiceTrait::Opening, "person");
    assert!(person > 0.005 && person < 0.08, "{person}");
    assert!((of(VoiceTrait::Form, "handover") - person).abs() < 1e-9);
    for list in CATALOG.voices.lists.iter().filter(|(of, _)| **of != VoiceTrait::Questions) {
        for entry in list.1 {
            assert!(of(*list.0, entry.id.as_str()) > 0.004, "{} is hardly ever drawn", entry.id);
        }
    }
}

#[test]
fn an_emergency_is_short_and_urgent() {
    let mut seen = 0;
    for (_, row) in some_rows(7) {
        for frame in row.frames.iter().filter(|frame| {
            frame.emergency_instruction || frame.mode == ConversationMode::Emergency
        }) {
            let voice = frame.voice.as_ref().unwrap();
            seen += 1;
            assert!(voice.words.0 >= 15 && voice.words.1 <= 45 && voice.questions == 1);
            assert!(["phone", "sentences"].contains(&voice.form.as_str()), "{voice:?}");
            assert!(["scene", "request"].contains(&voice.opening.as_str()), "{voice:?}");
            assert_ne!(voice.register, Register::Scientific);
        }
    }
    assert!(seen > 50);
}

#[test]
fn a_request_tells_the_writer_the_voice_of_each_message() {
    let voices = &CATALOG.voices;
    let mut wordings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (part, row) in some_rows(311) {
        let request = request(&CATALOG, part, &row);
        let user = &request.messages[1].content;
        let told: Vec<&str> = user.lines().filter_map(|l| l.strip_prefix("- voice: ")).collect();
        assert_eq!(told.len(), row.frames.len(), "{user}");
        for (frame, told) in row.frames.iter().zip(told) {
            let mut found = 0;
            for (of, id) in drawn(frame) {
                for entry in voices.of(of) {
                    let texts: Vec<&String> =
                        entry.writer.iter().filter(|t| told.contains(t.as_str())).collect();
                    assert_eq!(texts.len(), usize::from(entry.id == id), "{told}: {}", entry.id);
                    found += texts.len();
                    let key = format!("{} {}", of.as_str(), entry.id);
                    wordings.entry(key).or_default().extend(texts.into_iter().cloned());
                }
            }
            assert_eq!(found, VoiceTrait::ALL.len());
            let (from, to) = frame.voice.as_ref().unwrap().words;
            assert!(told.contains(&format!("{from} to {to} words")), "{told}");
        }
        assert!(!user.contains("a clear question"));
    }
    assert!(wordings["questions one"].len() == 7, "{wordings:?}");
}

/// The mistakes of the catalog with a changed file of voices.
fn mistakes(old: &str, new: &str) -> String {
    let mut files = Catalog::embedded_files();
    change(&mut files, "voices.toml", old, new);
    let CatalogError { mistakes } = Catalog::read(files).unwrap_err();
    let all = mistakes.iter().map(|m| match &m.help {
        Some(help) => format!("{} ({help})", m.message),
        None => m.message.clone(),
    });
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn mistakes_in_voices_are_named() {
    let unknown = mistakes("one = [\"form:handover\"]", "one = [\"form:hand-over\"]");
    assert!(unknown.contains("unknown value of a voice \"form:hand-over\""), "{unknown}");
    assert!(unknown.contains("did you mean \"form:handover\"?"), "{unknown}");
    let sum =
        mistakes("weight = { normal = 0.42, chat = 0.30", "weight = { normal = 0.52, chat = 0.30");
    assert_eq!(sum, "the weights sum to 1.1, not to 1");
    let task = mistakes("\"clinical-documentation\", ", "\"clinical-documentations\", ");
    assert!(task.contains("unknown task \"clinical-documentations\""), "{task}");
    let words = mistakes("words = [35, 60]", "words = [60, 35]");
    assert!(words.contains("60 to 35 is no range of words"), "{words}");
    let same = mistakes("\"It asks two things.\"", "\"Ask one question.\"");
    assert!(same.contains("is also in a text of questions"), "{same}");
    let odd = mistakes("n = 2\n", "n = 2\nwords = [1, 2]\n");
    assert!(odd.contains("`words` has no meaning in a questions"), "{odd}");
}

#[test]
fn a_new_form_needs_no_code() {
    let mut files = Catalog::embedded_files();
    let new = "[[form]]\nid = \"rhyme\"\nweight = { normal = 0.02, chat = 0.02 }\nwriter = [\"In rhymes.\"]\n\n[[form]]\nid = \"notes\"";
    change(&mut files, "voices.toml", "[[form]]\nid = \"notes\"", new);
    let old = "weight = { normal = 0.42, chat = 0.30, emergency = 0.45 }";
    let less = "weight = { normal = 0.40, chat = 0.28, emergency = 0.45 }";
    change(&mut files, "voices.toml", old, less);
    let catalog = Catalog::read(files).unwrap();
    let forms = |catalog: &Catalog| -> Vec<String> {
        let plan = Plan::new(catalog, catalog.part("specialty-domain").unwrap(), SEED, Some(2000));
        plan.rows().map(|row| row.frames[0].voice.as_ref().unwrap().form.to_string()).collect()
    };
    let (before, after) = (forms(&CATALOG), forms(&catalog));
    assert!(after.iter().any(|form| form == "rhyme"));
    // Nothing but what the new form won, or the lower weight lost, is drawn otherwise.
    let moved = before.iter().zip(&after).filter(|(a, b)| a != b);
    let moved: Vec<_> = moved.collect();
    assert!(moved.iter().all(|(a, b)| *b == "rhyme" || *a == "sentences"), "{moved:?}");
}
