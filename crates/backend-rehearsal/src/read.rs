//! Reads a request as a model would: instructions are recognized by their texts.

use clinstruct_schema::{
    ChatRequest, Constraint, ConversationMode, Instruction, Language, Meaning, Message,
    PersonaTrait, Register, Role, Speaker, VoiceTrait,
};

use crate::heads::Heads;

/// A patient or relative to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Persona {
    values: Vec<(PersonaTrait, String)>,
}

impl Persona {
    /// The value of a trait; `None` where the request leaves it open.
    pub(crate) fn of(&self, of: PersonaTrait) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == of).map(|(_, id)| id.as_str())
    }
}

/// How a first message is to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voice {
    values: Vec<(VoiceTrait, String)>,
    /// Who writes, if not a health worker.
    pub(crate) persona: Option<Persona>,
    /// The fewest and the most words.
    pub(crate) words: Option<(u32, u32)>,
}

impl Voice {
    /// The value of a trait; `None` where the request leaves it open.
    pub(crate) fn of(&self, of: VoiceTrait) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == of).map(|(_, id)| id.as_str())
    }
}

/// The content of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParsedRequest {
    pub(crate) speaker: Option<Speaker>,
    /// Whether the facts of a message are requested, and no message.
    pub(crate) extracts: bool,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) register: Option<Register>,
    pub(crate) mode: Option<ConversationMode>,
    /// Whether a patient or relative writes rather than a health worker.
    pub(crate) lay: bool,
    /// The patient or relative to play.
    pub(crate) persona: Persona,
    /// What the health worker is to do in its next message.
    pub(crate) planned: Option<String>,
    /// `label: value` lines outside patients.
    pub(crate) facts: Vec<(String, String)>,
    /// The same for each patient, in order.
    pub(crate) patients: Vec<Vec<(String, String)>>,
    /// How their messages are to be written, in the same order.
    pub(crate) voices: Vec<Voice>,
    /// What each of them asks of the answers, in sample words.
    pub(crate) requests: Vec<Vec<String>>,
    /// The numbers that the request gives them.
    pub(crate) numbers: Vec<usize>,
}

impl ParsedRequest {
    pub(crate) fn fact(&self, label: &str) -> Option<&str> {
        self.facts.iter().find(|(l, _)| l == label).map(|(_, v)| v.as_str())
    }

    pub(crate) fn language(&self) -> Language {
        self.constraints
            .iter()
            .find_map(|c| match c {
                Constraint::Language { language } => Some(*language),
                _ => None,
            })
            .unwrap_or(Language::English)
    }
}

/// The patient's age in years, as the first message gives it; blank if it does not.
pub(crate) fn age_in(message: &str) -> String {
    let digits = |text: &str| -> String { text.chars().take_while(char::is_ascii_digit).collect() };
    if let Some((before, _)) = message.split_once("-year-old") {
        let number: String = before.chars().rev().take_while(char::is_ascii_digit).collect();
        return number.chars().rev().collect();
    }
    let after = [" of ", " aged ", " ("].iter().flat_map(|lead| message.split(lead).skip(1));
    after.map(digits).find(|number| !number.is_empty()).unwrap_or_default()
}

/// Whether a first message is not about a patient.
pub(crate) fn without_patient(patient: &[(String, String)]) -> bool {
    value(patient, "patient").is_some_and(|value| value.starts_with("none"))
}

/// What a case says where it has nothing to say.
const UNKNOWN: [&str; 5] = [
    "none known",
    "none beyond your messages",
    "nothing beyond your messages",
    "nothing known beyond your messages",
    "as in your first message",
];

/// A known value of a patient.
pub(crate) fn known<'a>(patient: &'a [(String, String)], label: &str) -> Option<&'a str> {
    value(patient, label).filter(|value| !UNKNOWN.contains(value))
}

/// A value of a patient.
pub(crate) fn value<'a>(patient: &'a [(String, String)], label: &str) -> Option<&'a str> {
    patient.iter().find(|(l, _)| l == label).map(|(_, v)| v.as_str())
}

/// Recognizes the catalog's instructions by their texts.
#[derive(Debug)]
pub(crate) struct Reader {
    heads: Heads,
    /// Starts of messages that request a repair, in all languages.
    repairs: Vec<String>,
    instructions: Vec<(Instruction, Option<String>)>,
}

impl Reader {
    pub(crate) fn new(instructions: Vec<Instruction>) -> Self {
        let repairs = instructions.iter().filter(|i| i.id == "repair-head");
        let repairs = repairs.map(|i| i.text.0.clone()).collect();
        let split: Vec<(Instruction, String, Option<String>)> = instructions
            .into_iter()
            .filter(|i| !i.text.0.is_empty())
            .map(|i| match i.text.0.split_once("{n}") {
                Some((head, tail)) => {
                    let (head, tail) = (head.to_owned(), tail.to_owned());
                    (i, head, Some(tail))
                }
                None => {
                    let head = i.text.0.clone();
                    (i, head, None)
                }
            })
            .collect();
        let (heads, instructions) =
            split.into_iter().map(|(i, head, tail)| (head, (i, tail))).unzip();
        Self { heads: Heads::new(heads), repairs, instructions }
    }

    /// The messages of a request without the failed attempt and the repair message at the end, if any.
    pub(crate) fn without_repair<'r>(&self, request: &'r ChatRequest) -> &'r [Message] {
        let all = &request.messages;
        let asked = all.last().filter(|m| m.role == Role::User);
        let heads = |text: &str| self.repairs.iter().any(|head| text.starts_with(head.as_str()));
        if asked.is_some_and(|m| heads(&m.content)) {
            return all.get(..all.len().saturating_sub(2)).unwrap_or_default();
        }
        all
    }

    pub(crate) fn read(&self, request: &ChatRequest) -> ParsedRequest {
        let mut parsed = ParsedRequest::default();
        let messages = self.without_repair(request);
        let last = messages.iter().rposition(|m| m.role == Role::User);
        for (place, message) in messages.iter().enumerate() {
            if message.role != Role::Assistant {
                // What an earlier message asked for once is done.
                let earlier = message.role == Role::User && Some(place) != last;
                self.instructions_in(&message.content, earlier, &mut parsed);
            }
        }
        if parsed.speaker == Some(Speaker::PromptWriter) {
            // Samples of what other messages ask for.
            parsed.constraints.clear();
        }
        let in_templates = if parsed.speaker == Some(Speaker::PromptWriter) { 2 } else { 1 };
        for message in messages.iter().take(in_templates) {
            facts_in(&message.content, &mut parsed);
        }
        let voice = |patient: &Vec<(String, String)>| {
            let voice = value(patient, "voice").map(|told| self.voice(told)).unwrap_or_default();
            Voice { persona: value(patient, "writer").map(|told| self.persona(told)), ..voice }
        };
        parsed.voices = parsed.patients.iter().map(voice).collect();
        parsed
    }

    /// The voice that these sentences ask for.
    fn voice(&self, told: &str) -> Voice {
        let mut voice = Voice::default();
        for (at, _) in self.heads.all(told) {
            let known = self.instructions.get(at);
            for meaning in known.iter().flat_map(|(instruction, _)| &instruction.means) {
                if let Meaning::Write { of, id, words } = meaning {
                    voice.values.push((*of, id.to_string()));
                    voice.words = voice.words.or(*words);
                }
            }
        }
        voice
    }

    /// The person that these sentences describe.
    fn persona(&self, told: &str) -> Persona {
        let mut persona = Persona::default();
        for (at, _) in self.heads.all(told) {
            let known = self.instructions.get(at);
            for meaning in known.iter().flat_map(|(instruction, _)| &instruction.means) {
                if let Meaning::Be { of, id } = meaning {
                    persona.values.push((*of, id.to_string()));
                }
            }
        }
        persona
    }

    fn instructions_in(&self, text: &str, earlier: bool, parsed: &mut ParsedRequest) {
        for (at, end) in self.heads.all(text) {
            let Some((instruction, tail)) = self.instructions.get(at) else { continue };
            if earlier && instruction.once {
                continue;
            }
            let mut count = None;
            if let Some(tail) = tail {
                let after = text.get(end..).unwrap_or_default();
                let digits =
                    after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                count = after.get(..digits).and_then(|d| d.parse::<u32>().ok());
                let rest = after.get(digits..).unwrap_or_default();
                if count.is_none() || !rest.starts_with(tail.as_str()) {
                    continue;
                }
            }
            parsed.extracts |= instruction.id == "role-extraction";
            parsed.lay |= instruction.id.starts_with("lay-role-");
            for meaning in &instruction.means {
                match meaning {
                    Meaning::Role { speaker } => parsed.speaker = Some(*speaker),
                    Meaning::Keep { constraint } => {
                        let constraint = match count {
                            Some(n) => instruction.text.constraint(constraint, n),
                            None => constraint.clone(),
                        };
                        if !parsed.constraints.contains(&constraint) {
                            parsed.constraints.push(constraint);
                        }
                    }
                    Meaning::Speak { register } => parsed.register = Some(*register),
                    Meaning::Mode { mode } => parsed.mode = Some(*mode),
                    Meaning::Move { id } => parsed.planned = Some(id.to_string()),
                    // Each message has its own, which is read with its facts.
                    Meaning::Write { .. } | Meaning::Tell => {}
                    Meaning::Be { of, id } => parsed.persona.values.push((*of, id.to_string())),
                }
            }
        }
    }
}

/// Labels of lines that state facts.
const LABELS: [&str; 27] = [
    "language",
    "profession",
    "specialty",
    "domain",
    "task",
    "topic",
    "country",
    "care setting",
    "age",
    "sex",
    "gender",
    "background",
    "medicines",
    "allergies",
    "size",
    "vital signs",
    "pregnant",
    "complaint",
    "measurements",
    "presenting",
    "history",
    "family",
    "social",
    "patient",
    "voice",
    "writer",
    "temperature",
];

/// The sample words of a line that gives the writer of a prompt a request to put into words.
fn sample(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("- ")?;
    let is_label = rest.starts_with("request ") || rest.starts_with("version ");
    is_label.then(|| rest.split_once("): ").map(|(_, sample)| sample)).flatten()
}

/// A line in two at its first `: `. Looking for one byte needs no preparation, and most lines have none.
fn labelled(line: &str) -> Option<(&str, &str)> {
    line.match_indices(':')
        .find_map(|(at, _)| Some((line.get(..at)?, line.get(at..)?.strip_prefix(": ")?)))
}

fn facts_in(text: &str, parsed: &mut ParsedRequest) {
    for line in text.lines() {
        let number = line.strip_prefix("Patient ").or(line.strip_prefix("Question "));
        if let Some(number) = number.and_then(|number| number.trim().parse().ok()) {
            parsed.patients.push(Vec::new());
            parsed.requests.push(Vec::new());
            parsed.numbers.push(number);
            continue;
        }
        if let (Some(sample), Some(all)) = (sample(line), parsed.requests.last_mut()) {
            all.push(sample.to_owned());
            continue;
        }
        let of_patient = line.starts_with("- ");
        let line = line.trim_start_matches("- ");
        let Some((label, value)) = labelled(line) else { continue };
        let Some(label) = LABELS.iter().find(|known| known.eq_ignore_ascii_case(label)) else {
            continue;
        };
        let label = (*label).to_owned();
        let value = value.trim().to_owned();
        match parsed.patients.last_mut() {
            Some(patient) if of_patient => patient.push((label, value)),
            _ => parsed.facts.push((label, value)),
        }
    }
}
