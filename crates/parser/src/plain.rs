//! Fast path for the usual row of OpenAI's format, which is most of the input: typed, without a tree of values. Any
//! unusual row goes to the lenient reader, which gives the same for a usual one; a test compares them.

use std::borrow::Cow;

use clinstruct_schema::{Completion, FinishReason, REHEARSAL_MARK, RowOutcome};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::decoded::{DecodedRow, is_page, request_id};
use crate::repair::BROKEN;
use crate::usage;

#[derive(Deserialize)]
struct PlainRow<'a> {
    #[serde(borrow)]
    custom_id: Cow<'a, str>,
    #[serde(borrow)]
    response: PlainResponse<'a>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct PlainResponse<'a> {
    status_code: u16,
    #[serde(borrow)]
    body: PlainBody<'a>,
}

#[derive(Deserialize)]
struct PlainBody<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    choices: Vec<PlainChoice<'a>>,
    usage: PlainUsage,
    #[serde(default)]
    error: Option<IgnoredAny>,
    #[serde(borrow, default)]
    system_fingerprint: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct PlainChoice<'a> {
    #[serde(borrow)]
    message: PlainMessage<'a>,
    #[serde(borrow)]
    finish_reason: Cow<'a, str>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct PlainMessage<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(default)]
    refusal: Option<IgnoredAny>,
    #[serde(default)]
    reasoning_content: Option<IgnoredAny>,
    #[serde(default)]
    reasoning: Option<IgnoredAny>,
    #[serde(default)]
    reasoning_text: Option<IgnoredAny>,
    #[serde(default)]
    reasoning_details: Option<IgnoredAny>,
    #[serde(default)]
    thinking: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct PlainUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_cache_hit_tokens: Option<IgnoredAny>,
    #[serde(default)]
    cached_tokens: Option<IgnoredAny>,
    #[serde(default)]
    reasoning_tokens: Option<IgnoredAny>,
    #[serde(default)]
    prompt_tokens_details: Option<PlainPromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<PlainCompletionDetails>,
}

#[derive(Deserialize)]
struct PlainPromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct PlainCompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

/// The row if it is a usual answer, `None` if anything about it is unusual.
pub(crate) fn plain_answer(raw: &[u8]) -> Option<DecodedRow> {
    let row: PlainRow<'_> = serde_json::from_slice(raw).ok()?;
    let id = request_id(&row.custom_id)?;
    let body = row.response.body;
    let choice = body.choices.into_iter().next()?;
    let message = choice.message;
    let beside = [row.error, body.error, choice.error, message.refusal, message.reasoning_content]
        .into_iter()
        .chain([
            message.reasoning,
            message.reasoning_text,
            message.reasoning_details,
            message.thinking,
            body.usage.prompt_cache_hit_tokens,
            body.usage.cached_tokens,
            body.usage.reasoning_tokens,
        ]);
    let usual = row.response.status_code == 200
        && matches!(&*choice.finish_reason, "stop" | "length")
        && beside.into_iter().all(|field| field.is_none())
        && !message.content.trim().is_empty()
        && !message.content.contains(BROKEN)
        && !is_page(&message.content);
    if !usual {
        return None;
    }
    let usage = usage::checked(
        body.usage.prompt_tokens,
        body.usage.completion_tokens,
        body.usage.total_tokens,
        body.usage.prompt_tokens_details.and_then(|d| d.cached_tokens),
        body.usage.completion_tokens_details.and_then(|d| d.reasoning_tokens),
    );
    let length = choice.finish_reason == "length";
    let completion = Completion {
        text: message.content.into_owned(),
        reasoning: None,
        finish: if length { FinishReason::Length } else { FinishReason::Stop },
        model: body.model.into_owned(),
        usage: usage.filter(|u| u.prompt_tokens > 0 && u.completion_tokens > 0),
        rehearsal: body.system_fingerprint.as_deref() == Some(REHEARSAL_MARK),
    };
    let outcome = if length { RowOutcome::Cut(completion) } else { RowOutcome::Answer(completion) };
    Some(DecodedRow { id: Some(id), outcome })
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::RowFormat;

    use super::*;
    use crate::row::lenient;

    #[test]
    fn both_readers_agree_on_the_usual_row() {
        for finish in ["stop", "length"] {
            for details in [
                r#""total_tokens":12"#,
                r#""total_tokens":19,"completion_tokens_details":{"reasoning_tokens":7}"#,
                r#""total_tokens":null,"prompt_tokens_details":{"cached_tokens":3}"#,
                r#""total_tokens":12,"completion_tokens_details":{"reasoning_tokens":4}"#,
                r#""total_tokens":12},"system_fingerprint":"clinstruct-rehearsal","metadata":{"#,
                r#""total_tokens":12},"system_fingerprint":"fp_1","metadata":{"#,
            ] {
                let raw = format!(
                    r#"{{"id":"b","custom_id":"00112233445566778899aabbccddeeff","response":{{"status_code":200,"body":{{"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Ruhe \"jetzt\"\n","refusal":null}},"finish_reason":"{finish}"}}],"usage":{{"prompt_tokens":5,"completion_tokens":7,{details}}}}}}},"error":null}}"#
                );
                let plain = plain_answer(raw.as_bytes()).unwrap();
                assert_eq!(plain, lenient(RowFormat::OpenaiBatch, raw.as_bytes()), "{raw}");
            }
        }
    }
}
