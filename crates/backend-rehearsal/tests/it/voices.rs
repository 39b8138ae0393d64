//! First messages in the voice that their request asks for.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::request_id;
use clinstruct_schema::{ChatRequest, Meaning, Message, Role, Slug, Speaker, VoiceTrait};

use crate::instruction;

const WRITER: &str = "You write first messages.";
const FORMS: [&str; 7] =
    ["sentences", "shorthand", "handover", "phone", "dictated", "pasted-result", "notes"];
const OPENINGS: [&str; 8] =
    ["question", "request", "scene", "result", "course", "quote", "plan", "doubt"];
const LENGTHS: [(&str, u32, u32); 7] = [
    ("one-line", 15, 35),
    ("short", 35, 60),
    ("medium", 60, 100),
    ("long", 100, 150),
    ("very-long", 150, 220),
    ("urgent-short", 15, 30),
    ("urgent", 25, 45),
];

fn text(of: VoiceTrait, id: &str) -> String {
    format!("The {} is <{id}>.", of.as_str())
}

fn engine() -> Rehearsal {
    let write = |of: VoiceTrait, id: &str, words| {
        let means = Meaning::Write { of, id: Slug::new(id).unwrap(), words };
        instruction(id, &text(of, id), means)
    };
    let mut known =
        vec![instruction("role", WRITER, Meaning::Role { speaker: Speaker::PromptWriter })];
    known.extend(FORMS.map(|id| write(VoiceTrait::Form, id, None)));
    let openings = OPENINGS.into_iter().chain(["person", "occasion"]);
    known.extend(openings.map(|id| write(VoiceTrait::Opening, id, None)));
    known.extend(LENGTHS.map(|(id, from, to)| write(VoiceTrait::Length, id, Some((from, to)))));
    known.extend(["one", "two"].map(|id| write(VoiceTrait::Questions, id, None)));
    known.extend(["unsaid", "stated"].map(|id| write(VoiceTrait::Place, id, None)));
    Rehearsal::new(known, Rates::none(), None)
}

struct Wanted {
    form: &'static str,
    opening: &'static str,
    length: &'static str,
    questions: &'static str,
    patient: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        let (form, opening, length, questions) = ("sentences", "course", "medium", "one");
        Self { form, opening, length, questions, patient: true }
    }
}

/// The message that the engine writes.
fn message(engine: &Rehearsal, wanted: &Wanted, seed: u64) -> String {
    let voice = [
        text(VoiceTrait::Form, wanted.form),
        text(VoiceTrait::Opening, wanted.opening),
        text(VoiceTrait::Length, wanted.length),
        text(VoiceTrait::Questions, wanted.questions),
        text(VoiceTrait::Place, "unsaid"),
    ];
    let about = if wanted.patient {
        format!("Patient 1\n- country: Kenya\n- age: {} years\n- sex: female", 20 + seed % 60)
    } else {
        "Question 1\n- country: Kenya\n- patient: none, a general question".to_owned()
    };
    let user = format!(
        "Task: Diagnosing Symptoms\nTopic: topic {seed}\n{about}\n- voice: {}\n",
        voice.join(" ")
    );
    let say = |role, content: String| Message { role, content };
    let request = ChatRequest {
        model: "rehearsal".into(),
        messages: vec![say(Role::System, WRITER.into()), say(Role::User, user)],
        max_tokens: 2000,
        temperature: None,
        seed,
        json_schema: None,
    };
    let answer = engine.answer(&request, request_id(&request));
    let message = answer.strip_prefix("=== 1 ===\n").unwrap_or(&answer);
    message.split("\n=== 1 facts ===").next().unwrap_or_default().to_owned()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[test]
fn lengths_are_kept() {
    let engine = engine();
    for (length, from, to) in LENGTHS {
        let (mut all, mut inside) = (0, 0);
        for (seed, form) in (0..140).zip(FORMS.into_iter().cycle()) {
            let opening = if length.starts_with("urgent") { "request" } else { "course" };
            let form = if to <= 45 { "sentences" } else { form };
            let wanted = Wanted { form, opening, length, ..Wanted::default() };
            let text = message(&engine, &wanted, seed);
            let count = words(&text) as u32;
            all += 1;
            // Speech adds words to join sentences with.
            let slack = if form == "dictated" { to / 3 } else { 0 };
            inside += usize::from((from..=to + slack).contains(&count));
            assert!(count <= 2 * to && count >= 8, "{length}: {count} words\n{text}");
        }
        assert!(inside * 100 >= all * 90, "{length}: {inside} of {all}");
    }
}

#[test]
fn forms_and_openings_show() {
    let engine = engine();
    for seed in 0..60 {
        let form = |form| {
            let opening = if form == "pasted-result" { "result" } else { "course" };
            message(&engine, &Wanted { form, opening, ..Wanted::default() }, seed)
        };
        assert!(!form("sentences").contains('\n'));
        let phone = form("phone");
        assert!(phone.lines().count() > 2 && !phone.contains(','), "{phone}");
        let lower = phone.lines().filter(|l| !l.starts_with(|c: char| c.is_uppercase())).count();
        assert!(lower * 3 >= phone.lines().count() * 2, "{phone}");
        let pasted = form("pasted-result");
        let values = pasted.lines().filter(|l| l.contains(|c: char| c.is_ascii_digit())).count();
        assert!(pasted.contains("\n\n") && values >= 3, "{pasted}");
        let dictated = form("dictated");
        assert!(dictated.matches(['.', '?']).count() <= 3, "{dictated}");
        assert!(form("notes").lines().count() > 2);
        let handover = Wanted { form: "handover", opening: "person", ..Wanted::default() };
        let handover = message(&engine, &handover, seed);
        let first: Vec<&str> = handover.split_whitespace().take(5).collect();
        assert!(first.join(" ").contains("-year-old"), "{handover}");

        let opening = |opening| message(&engine, &Wanted { opening, ..Wanted::default() }, seed);
        assert!(opening("quote").starts_with('"'));
        let question = opening("question");
        let end = question.find(['.', '?', '!']).unwrap();
        assert_eq!(question.as_bytes()[end], b'?', "{question}");
        assert!(opening("request").ends_with('?'));
    }
}

#[test]
fn as_many_questions_are_asked_as_were_asked_for() {
    let engine = engine();
    for seed in 0..60 {
        for (questions, n) in [("one", 1), ("two", 2)] {
            for (opening, patient) in [("request", true), ("question", true), ("occasion", false)] {
                let wanted = Wanted { opening, questions, patient, ..Wanted::default() };
                let text = message(&engine, &wanted, seed);
                assert_eq!(text.matches('?').count(), n, "{opening} {questions}\n{text}");
            }
        }
    }
}

#[test]
fn beginnings_differ() {
    let engine = engine();
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let (mut all, mut ages, mut kinds) = (0, 0, BTreeSet::new());
    for seed in 0..1600 {
        let opening = OPENINGS[(seed % 8) as usize];
        let text =
            message(&engine, &Wanted { opening, length: "short", ..Wanted::default() }, seed);
        let plain = |w: &str| w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let first: Vec<String> = text.split_whitespace().take(4).map(plain).collect();
        all += 1;
        ages += usize::from(text.split_whitespace().take(5).any(|w| w.contains("-year-old")));
        kinds.insert(first[0].clone());
        *seen.entry(first).or_default() += 1;
    }
    let mut common: Vec<(&usize, &Vec<String>)> = seen.iter().map(|(o, n)| (n, o)).collect();
    common.sort_unstable_by(|a, b| b.cmp(a));
    common.truncate(10);
    let ten: usize = common.iter().map(|(n, _)| **n).sum();
    assert!(*common[0].0 * 100 <= all && ten * 20 <= all, "of {all}: {common:?}");
    assert!(ages * 100 <= all * 2, "{ages} begin with an age");
    assert!(kinds.len() > 80, "{}", kinds.len());
}
