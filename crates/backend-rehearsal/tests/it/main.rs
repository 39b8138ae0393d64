//! The engine from outside: it does what it reads, and nothing else.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod delivery;
mod obedience;
mod voices;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::{BatchRequest, request_id};
use clinstruct_schema::{
    ChatRequest, Constraint, Instruction, Language, Meaning, Message, Pattern, Role, Speaker,
};

pub(crate) const ASSISTANT: &str = "You are the assistant.";
pub(crate) const RULE: &str = "Keep rule {n}.";

pub(crate) fn instruction(id: &str, text: &str, means: Meaning) -> Instruction {
    Instruction { id: id.into(), text: Pattern(text.into()), means: vec![means], once: false }
}

pub(crate) fn language_text(language: Language) -> String {
    format!("Answer in <{}>.", language.code())
}

/// An engine that knows the role, the languages and one rule.
pub(crate) fn engine(rule: Constraint, rates: Rates) -> Rehearsal {
    let mut known = vec![
        instruction("role", ASSISTANT, Meaning::Role { speaker: Speaker::Assistant }),
        instruction("rule", RULE, Meaning::Keep { constraint: rule }),
    ];
    known.extend(Language::ALL.map(|language| {
        let keep = Meaning::Keep { constraint: Constraint::Language { language } };
        instruction(language.code(), &language_text(language), keep)
    }));
    Rehearsal::new(known, rates, None)
}

/// A request for an answer, under these instructions.
pub(crate) fn request(instructions: &[&str], seed: u64) -> BatchRequest {
    let system = format!("{ASSISTANT}\n{}", instructions.join("\n"));
    let prompt = "Country: Kenya\nAge: 34 years\nWhat would you do for this patient?";
    let say = |role, content: &str| Message { role, content: content.into() };
    let request = ChatRequest {
        model: "rehearsal".into(),
        messages: vec![say(Role::System, &system), say(Role::User, prompt)],
        max_tokens: 2000,
        temperature: None,
        seed,
        json_schema: None,
    };
    BatchRequest { id: request_id(&request), request }
}

/// What the engine writes for a request of this kind.
pub(crate) fn answer(engine: &Rehearsal, instructions: &[&str], seed: u64) -> String {
    let request = request(instructions, seed);
    engine.answer(&request.request, request.id)
}
