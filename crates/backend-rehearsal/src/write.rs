//! Turns a request into its raw response: what a model would write, and how it would get it wrong.

use clinstruct_draw::Draw;
use clinstruct_schema::{
    ChatRequest, Constraint, FinishReason, Language, Message, REHEARSAL_MARK, RequestId, Role,
    Speaker,
};
use serde::Serialize;

use crate::assistant;
use crate::extract;
use crate::foreign;
use crate::rates::{InjectedFault, Rates};
use crate::read::{ParsedRequest, Reader, Voice};
use crate::schema;
use crate::worker::{self, Written};

/// Approximate bytes per token of a provider's tokenizer for English.
const BYTES_PER_TOKEN: u64 = 4;

/// Content of the row's message.
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

/// The text for a request before faults are injected.
fn plain(
    parsed: &ParsedRequest,
    messages: &[Message],
    structured: bool,
    draw: &mut Draw,
) -> String {
    match parsed.speaker {
        Some(Speaker::PromptWriter) if parsed.extracts => {
            let message = messages.iter().rfind(|m| m.role == Role::User);
            extract::list(message.map_or("", |m| m.content.as_str()), structured)
        }
        Some(Speaker::PromptWriter) => prompts(parsed, structured, 0, draw),
        Some(Speaker::User) => {
            let last = messages.iter().rfind(|m| m.role == Role::User);
            let last = last.map(|m| m.content.as_str()).unwrap_or_default();
            let earlier: String =
                messages.iter().skip(1).map(|m| m.content.as_str()).collect::<Vec<_>>().join("\n");
            match foreign::wanted(&parsed.facts) {
                Some(language) => foreign::follow_up(language, parsed, (last, &earlier), draw),
                None => worker::follow_up(parsed, last, &earlier, draw),
            }
        }
        Some(Speaker::Assistant) | None => {
            let before: Vec<&str> = messages
                .iter()
                .filter(|m| m.role == Role::Assistant)
                .map(|m| m.content.as_str())
                .collect();
            let first = messages.iter().find(|m| m.role == Role::User);
            let first = first.map_or("", |m| m.content.as_str());
            assistant::answer(parsed, first, &before.join("\n"), draw)
        }
    }
}

/// A first message in the language that is wanted of it.
fn first(
    parsed: &ParsedRequest,
    patient: &[(String, String)],
    voice: &Voice,
    draw: &mut Draw,
) -> Written {
    match foreign::wanted(patient) {
        Some(language) => foreign::prompt(language, parsed, patient, draw),
        None => worker::prompt(parsed, patient, voice, draw),
    }
}

/// A prompt of an answer: its number, its text and facts, what it asks of the answers.
type Numbered<'p> = (usize, Written, &'p [String]);

/// The prompts for all patients; `off` more or fewer than requested. What they ask of the answers is in the sample words.
fn prompts(parsed: &ParsedRequest, structured: bool, off: i32, draw: &mut Draw) -> String {
    let requests = |i: usize| parsed.requests.get(i).map_or(&[][..], Vec::as_slice);
    let mut texts: Vec<Numbered<'_>> = parsed
        .patients
        .iter()
        .zip(&parsed.numbers)
        .zip(&parsed.voices)
        .enumerate()
        .map(|(i, ((patient, number), voice))| {
            (*number, first(parsed, patient, voice, draw), requests(i))
        })
        .collect();
    if off < 0 {
        texts.pop();
    }
    if off > 0
        && let (Some(patient), Some(voice)) = (parsed.patients.first(), parsed.voices.first())
    {
        let last = texts.last().map_or(0, |(number, ..)| *number);
        texts.push((last + 1, first(parsed, patient, voice, draw), requests(0)));
    }
    if structured {
        let patients = texts.iter().any(|(_, written, _)| !written.facts.is_empty());
        let asks = texts.iter().any(|(_, _, requests)| !requests.is_empty());
        let entries: Vec<serde_json::Value> = texts
            .into_iter()
            .map(|(patient, Written { text, facts }, requests)| {
                let fact = |(name, value, unit): (&str, String, &str)| {
                    serde_json::json!({ "name": name, "value": value, "unit": unit })
                };
                let complaint = facts.iter().find(|(name, ..)| *name == "complaint");
                let complaint = complaint.map(|(_, value, _)| value.clone()).unwrap_or_default();
                let facts: Vec<serde_json::Value> = facts.into_iter().map(fact).collect();
                let mut entry =
                    serde_json::json!({ "patient": patient, "prompt": text, "facts": facts });
                if let Some(entry) = entry.as_object_mut() {
                    if asks {
                        entry.insert("requests".to_owned(), requests.into());
                    }
                    if patients {
                        entry.insert("complaint".to_owned(), complaint.into());
                    }
                }
                entry
            })
            .collect();
        serde_json::json!({ "prompts": entries }).to_string()
    } else {
        let each: Vec<String> = texts.iter().map(delimited).collect();
        each.join("\n\n")
    }
}

/// A prompt with its requests and facts between delimiters.
fn delimited((patient, Written { text, facts }, requests): &Numbered<'_>) -> String {
    let mut out = format!("=== {patient} ===\n{text}");
    if !requests.is_empty() {
        out = format!("{out}\n=== {patient} requests ===\n{}", requests.join("\n"));
    }
    if !facts.is_empty() {
        let fact = |(name, value, unit): &(&str, String, &str)| format!("{name}: {value} {unit}");
        let facts: Vec<String> = facts.iter().map(fact).collect();
        out = format!("{out}\n=== {patient} facts ===\n{}", facts.join("\n"));
    }
    out
}

/// Breaks one instruction that code can check; returns the text unchanged if none can be broken.
fn violate(parsed: &ParsedRequest, text: &str) -> String {
    let stripped = || -> String {
        let bare = |l: &str| l.trim_start_matches(['-', '#', '*', '.', ')', ' ', '|']).to_owned();
        let unnumbered = |l: &str| bare(l.trim_start_matches(|c: char| c.is_ascii_digit()));
        text.replace("**", "").lines().map(|l| unnumbered(&bare(l))).collect::<Vec<_>>().join("\n")
    };
    let without_last_line = || text.rfind('\n').map(|at| text[..at].trim_end().to_owned());
    let first_sentence = || {
        let end = text.char_indices().find(|(_, c)| matches!(c, '.' | '।' | '?' | '\n'));
        end.map_or_else(|| text.to_owned(), |(at, c)| text[..at + c.len_utf8()].to_owned())
    };
    for constraint in &parsed.constraints {
        return match constraint {
            Constraint::ExactSentences { n } if *n > 1 => first_sentence(),
            Constraint::ExactBullets { .. }
            | Constraint::ExactNumbered { .. }
            | Constraint::ExactLines { .. } => match without_last_line() {
                Some(shorter) => shorter,
                None => continue,
            },
            Constraint::Bullets
            | Constraint::Steps
            | Constraint::ExactHeadings { .. }
            | Constraint::TableColumns { .. }
            | Constraint::StartsWithTitle => stripped(),
            Constraint::ExactParagraphs { .. } => text.replace("\n\n", " "),
            Constraint::NoMarkdown => format!("**Note.** {text}"),
            Constraint::MaxWords { n } => {
                let times = *n as usize / text.split_whitespace().count().max(1) + 2;
                vec![text; times].join(" ")
            }
            Constraint::MaxCharacters { n } => {
                let times = *n as usize / text.chars().count().max(1) + 2;
                vec![text; times].join(" ")
            }
            Constraint::MinWords { .. } => first_sentence(),
            Constraint::EndsWith { marker } => {
                text.trim_end_matches(marker.as_str()).trim_end().to_owned()
            }
            Constraint::ClarifyingQuestions { .. }
            | Constraint::OneStep
            | Constraint::AsksFirst => text.replace('?', "."),
            _ => continue,
        };
    }
    text.to_owned()
}

/// The content, with the faults that the request's own draw injects.
fn said(reader: &Reader, rates: &Rates, request: &ChatRequest, id: RequestId) -> Said {
    let parsed = reader.read(request);
    let messages = reader.without_repair(request);
    // A repair is the text that the first attempt would have been without its faults, as a model keeps what it wrote. Where
    // it was that text which failed, the request's own draw writes another one.
    let said_before: Vec<&str> = messages.iter().map(|m| m.content.as_str()).collect();
    let mut draw = Draw::new(0, &said_before.join("\n"), "text");
    if let [.., quoted, _] = request.messages.as_slice()
        && messages.len() < request.messages.len()
    {
        let structured = request.json_schema.is_some();
        let same = plain(&parsed, messages, structured, &mut draw.clone());
        if same.trim() == quoted.content.trim() {
            draw = Draw::from_u64(bits(id, 1));
        }
    } else if request.json_schema.is_some() {
        draw = Draw::from_u64(bits(id, 1));
    }
    let mut faults = Draw::from_u64(bits(id, 2));
    let mut happens = |kind: InjectedFault| faults.chance(rates.of(kind));
    // Every kind is drawn regardless of earlier ones, so that the rates are independent.
    let refusal = happens(InjectedFault::Refusal);
    let text_refusal = happens(InjectedFault::TextRefusal);
    let filter = happens(InjectedFault::ContentFilter);
    let cut = happens(InjectedFault::Cut);
    let empty = happens(InjectedFault::Empty);
    let malformed = happens(InjectedFault::MalformedJson);
    let wrong_count = happens(InjectedFault::WrongCount);
    let quotes = happens(InjectedFault::WrappingQuotes);
    let tag = happens(InjectedFault::RoleTag);
    let heading = happens(InjectedFault::HashHeading);
    let fence = happens(InjectedFault::CodeFence);
    let control = happens(InjectedFault::ControlCharacter);
    let wrong_language = happens(InjectedFault::WrongLanguage);
    let violation = happens(InjectedFault::Violation);

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
    let writes_prompts = parsed.speaker == Some(Speaker::PromptWriter) && !parsed.extracts;
    let structured = request.json_schema.is_some();
    let unknown = request.json_schema.as_ref().filter(|_| parsed.speaker.is_none());
    let mut text = if let Some(schema) = unknown {
        let schema = serde_json::from_str(&schema.schema).unwrap_or_default();
        schema::value(&schema, &mut draw).to_string()
    } else if writes_prompts && wrong_count {
        let off = if draw.chance(0.5) { 1 } else { -1 };
        prompts(&parsed, structured, off, &mut draw)
    } else if wrong_language && parsed.language() != Language::English {
        let mut other = parsed.clone();
        other.constraints.retain(|c| !matches!(c, Constraint::Language { .. }));
        plain(&other, messages, structured, &mut draw)
    } else {
        plain(&parsed, messages, structured, &mut draw)
    };
    if violation && parsed.speaker == Some(Speaker::Assistant) {
        text = violate(&parsed, &text);
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
                if parsed.speaker == Some(Speaker::User) { "User: " } else { "(chatbot) " }
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

/// The text of a request's answer, injected faults included; blank if there is none.
pub(crate) fn text(reader: &Reader, rates: &Rates, request: &ChatRequest, id: RequestId) -> String {
    said(reader, rates, request, id).text.unwrap_or_default()
}

/// The raw response of a request: a line of an OpenAI batch output file.
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
    let name = format!("rehearsal-{id}");
    let message = RowMessage {
        content: said.text.as_deref(),
        refusal: said.refusal.as_deref(),
        role: "assistant",
    };
    let body = RowBody {
        choices: [RowChoice { finish_reason: finish, index: 0, message }],
        created: 0,
        id: &name,
        model: &request.model,
        object: "chat.completion",
        system_fingerprint: REHEARSAL_MARK,
        usage: RowUsage {
            completion_tokens: tokens(completion),
            prompt_tokens: tokens(prompt),
            total_tokens: tokens(prompt) + tokens(completion),
        },
    };
    let row = Row {
        custom_id: id.to_string(),
        error: None,
        id: format!("batch_req_{id}"),
        response: RowResponse { body, request_id: &name, status_code: 200 },
    };
    // It has no maps, and writing to memory cannot fail.
    serde_json::to_vec(&row).unwrap_or_default()
}

/// A line of an OpenAI batch output file, with the keys of each object in the order of the alphabet.
#[derive(Serialize)]
struct Row<'a> {
    custom_id: String,
    error: Option<()>,
    id: String,
    response: RowResponse<'a>,
}

#[derive(Serialize)]
struct RowResponse<'a> {
    body: RowBody<'a>,
    request_id: &'a str,
    status_code: u16,
}

#[derive(Serialize)]
struct RowBody<'a> {
    choices: [RowChoice<'a>; 1],
    created: u64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    system_fingerprint: &'static str,
    usage: RowUsage,
}

#[derive(Serialize)]
struct RowChoice<'a> {
    finish_reason: &'static str,
    index: u32,
    message: RowMessage<'a>,
}

#[derive(Serialize)]
struct RowMessage<'a> {
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    role: &'static str,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the provider's API")]
struct RowUsage {
    completion_tokens: u64,
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The raw response of a request that failed with a server error.
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
