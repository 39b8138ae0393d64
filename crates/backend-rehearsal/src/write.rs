//! From a request to its raw row: what a model would write, and how it would get it wrong.

use clinstruct_draw::Draw;
use clinstruct_schema::{
    ChatRequest, Constraint, FinishReason, Language, RequestId, Role, Speaker,
};

use crate::assistant;
use crate::rates::{Misbehaviour, Rates};
use crate::read::{Reader, Understood};
use crate::worker;

/// Bytes a token, about: what a provider's tokenizer would count in English.
const BYTES_PER_TOKEN: u64 = 4;

/// What the row's message holds.
#[derive(Debug, Default)]
struct Said {
    text: Option<String>,
    refusal: Option<String>,
    finish: Option<FinishReason>,
}

fn bits(id: RequestId, purpose: u64) -> u64 {
    let mut half = [0; 8];
    half.copy_from_slice(&id.0[..8]);
    u64::from_le_bytes(half) ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The text for a request, before any misbehaviour.
fn plain(understood: &Understood, request: &ChatRequest, draw: &mut Draw) -> String {
    match understood.speaker {
        Some(Speaker::PromptWriter) => prompts(understood, request.json_schema.is_some(), 0, draw),
        Some(Speaker::User) => {
            let last = request.messages.iter().rfind(|m| m.role == Role::User);
            let last = last.map(|m| m.content.as_str()).unwrap_or_default();
            let earlier: String = request
                .messages
                .iter()
                .skip(1)
                .map(|m| m.content.as_str())
                .collect::<Vec<_>>()
                .join("\n");
            worker::follow_up(understood, last, &earlier, draw)
        }
        Some(Speaker::Assistant) | None => {
            let before: Vec<&str> = request
                .messages
                .iter()
                .filter(|m| m.role == Role::Assistant)
                .map(|m| m.content.as_str())
                .collect();
            assistant::answer(understood, &before.join("\n"), draw)
        }
    }
}

/// The prompts for all patients; `off` more or fewer than asked for.
fn prompts(understood: &Understood, structured: bool, off: i32, draw: &mut Draw) -> String {
    let mut texts: Vec<(usize, String)> = understood
        .patients
        .iter()
        .enumerate()
        .map(|(i, patient)| (i + 1, worker::prompt(understood, patient, draw)))
        .collect();
    if off < 0 {
        texts.pop();
    }
    if off > 0
        && let Some(patient) = understood.patients.first()
    {
        texts.push((texts.len() + 1, worker::prompt(understood, patient, draw)));
    }
    if structured {
        let entries: Vec<serde_json::Value> = texts
            .into_iter()
            .map(|(patient, prompt)| serde_json::json!({ "patient": patient, "prompt": prompt }))
            .collect();
        serde_json::json!({ "prompts": entries }).to_string()
    } else {
        let each: Vec<String> =
            texts.into_iter().map(|(patient, text)| format!("=== {patient} ===\n{text}")).collect();
        each.join("\n\n")
    }
}

/// Breaks one instruction that code can check.
fn violate(understood: &Understood, text: &str) -> String {
    for constraint in &understood.constraints {
        match constraint {
            Constraint::ExactSentences { .. }
            | Constraint::ExactBullets { .. }
            | Constraint::ExactNumbered { .. }
            | Constraint::ExactLines { .. } => {
                // One item or sentence fewer.
                if let Some(at) = text.rfind('\n') {
                    return text.get(..at).unwrap_or(text).trim_end().to_owned();
                }
                let cut = text.trim_end_matches(['.', '।', '?']).rfind(['.', '।']);
                if let Some(at) = cut {
                    let end = at
                        + text.get(at..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8);
                    return text.get(..end).unwrap_or(text).to_owned();
                }
            }
            Constraint::NoMarkdown => return format!("**Note.** {text}"),
            Constraint::MaxWords { .. } | Constraint::MaxCharacters { .. } => {
                return format!("{text} {text}");
            }
            _ => {}
        }
    }
    text.to_owned()
}

/// What is said, with the misbehaviour that the request's own draw gives.
fn said(reader: &Reader, rates: &Rates, request: &ChatRequest, id: RequestId) -> Said {
    let understood = reader.read(request);
    let mut draw = Draw::from_u64(bits(id, 1));
    let mut faults = Draw::from_u64(bits(id, 2));
    let mut happens = |kind: Misbehaviour| faults.chance(rates.of(kind));
    // Every kind is drawn whatever came before, so that one rate does not move another.
    let refusal = happens(Misbehaviour::Refusal);
    let text_refusal = happens(Misbehaviour::TextRefusal);
    let filter = happens(Misbehaviour::ContentFilter);
    let cut = happens(Misbehaviour::Cut);
    let empty = happens(Misbehaviour::Empty);
    let malformed = happens(Misbehaviour::MalformedJson);
    let wrong_count = happens(Misbehaviour::WrongCount);
    let quotes = happens(Misbehaviour::WrappingQuotes);
    let tag = happens(Misbehaviour::RoleTag);
    let heading = happens(Misbehaviour::HashHeading);
    let fence = happens(Misbehaviour::CodeFence);
    let control = happens(Misbehaviour::ControlCharacter);
    let wrong_language = happens(Misbehaviour::WrongLanguage);
    let violation = happens(Misbehaviour::Violation);

    if refusal {
        let refusal = Some("I can't help with this request.".to_owned());
        return Said { refusal, finish: Some(FinishReason::Stop), ..Said::default() };
    }
    if filter {
        return Said { finish: Some(FinishReason::ContentFilter), ..Said::default() };
    }
    if empty {
        return Said { finish: Some(FinishReason::Stop), ..Said::default() };
    }
    if text_refusal {
        let text = Some("I'm sorry, but I can't help with that.".to_owned());
        return Said { text, finish: Some(FinishReason::Stop), ..Said::default() };
    }
    let writes_prompts = understood.speaker == Some(Speaker::PromptWriter);
    let structured = request.json_schema.is_some();
    let mut text = if writes_prompts && wrong_count {
        let off = if draw.chance(0.5) { 1 } else { -1 };
        prompts(&understood, structured, off, &mut draw)
    } else if wrong_language && understood.language() != Language::English {
        let mut other = understood.clone();
        other.constraints.retain(|c| !matches!(c, Constraint::Language { .. }));
        plain(&other, request, &mut draw)
    } else {
        plain(&understood, request, &mut draw)
    };
    if violation && understood.speaker == Some(Speaker::Assistant) {
        text = violate(&understood, &text);
    }
    if structured && malformed {
        text.truncate(text.char_indices().nth(text.chars().count() * 3 / 4).map_or(0, |(i, _)| i));
    } else if !structured {
        if quotes {
            text = format!("\"{text}\"");
        }
        if tag {
            text = format!(
                "{}{text}",
                if understood.speaker == Some(Speaker::User) { "User: " } else { "(chatbot) " }
            );
        }
        if heading {
            text = format!("### Advice\n\n{text}");
        }
        if fence {
            text = format!("```\n{text}\n```");
        }
        if control {
            let at = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(i, _)| i);
            text.insert(at, '\u{0008}');
        }
    }
    let limit = u64::from(request.max_tokens) * BYTES_PER_TOKEN;
    if cut || text.len() as u64 > limit {
        let share = if cut {
            text.chars().count() * 2 / 3
        } else {
            usize::try_from(limit / 4).unwrap_or(0)
        };
        text.truncate(text.char_indices().nth(share).map_or(text.len(), |(i, _)| i));
        return Said { text: Some(text), finish: Some(FinishReason::Length), ..Said::default() };
    }
    Said { text: Some(text), finish: Some(FinishReason::Stop), ..Said::default() }
}

/// The text that a request gets, misbehaviour included; blank where it gets none.
pub(crate) fn text(reader: &Reader, rates: &Rates, request: &ChatRequest, id: RequestId) -> String {
    said(reader, rates, request, id).text.unwrap_or_default()
}

/// The raw row of a request: a line of an OpenAI batch output file.
pub(crate) fn row(reader: &Reader, rates: &Rates, request: &ChatRequest, id: RequestId) -> Vec<u8> {
    let said = said(reader, rates, request, id);
    let prompt: usize = request.messages.iter().map(|m| m.content.len()).sum();
    let completion = said.text.as_deref().or(said.refusal.as_deref()).map_or(0, str::len);
    let tokens = |bytes: usize| (bytes as u64).div_ceil(BYTES_PER_TOKEN);
    let finish = match said.finish {
        Some(FinishReason::Length) => "length",
        Some(FinishReason::ContentFilter) => "content_filter",
        _ => "stop",
    };
    serde_json::json!({
        "id": format!("batch_req_{id}"),
        "custom_id": id.to_string(),
        "response": {
            "status_code": 200,
            "request_id": format!("rehearsal-{id}"),
            "body": {
                "id": format!("rehearsal-{id}"),
                "object": "chat.completion",
                "created": 0,
                "model": request.model,
                "choices": [{
                    "index": 0,
                    "message": {
                        "role": "assistant", "content": said.text, "refusal": said.refusal,
                    },
                    "finish_reason": finish,
                }],
                "usage": {
                    "prompt_tokens": tokens(prompt),
                    "completion_tokens": tokens(completion),
                    "total_tokens": tokens(prompt) + tokens(completion),
                },
            },
        },
        "error": null,
    })
    .to_string()
    .into_bytes()
}

/// The raw row of a request that met a server error.
pub(crate) fn error_row(id: RequestId) -> Vec<u8> {
    serde_json::json!({
        "id": format!("batch_req_{id}"),
        "custom_id": id.to_string(),
        "response": {
            "status_code": 500,
            "request_id": format!("rehearsal-{id}"),
            "body": { "error": { "type": "server_error", "message": "rehearsed server error" } },
        },
        "error": null,
    })
    .to_string()
    .into_bytes()
}
