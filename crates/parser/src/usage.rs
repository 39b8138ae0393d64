//! Token counts from providers. An implausible count makes all of them unknown: an estimate is better.

use clinstruct_schema::Usage;
use serde_json::Value;

/// Upper bound of a plausible count: no context is as long.
const MOST: u64 = 10_000_000;

/// A non-negative integer, also as a string or with a zero fraction.
fn count(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(n) => match n.as_u64() {
            Some(whole) => return (whole <= MOST).then_some(whole),
            None => n.as_f64()?,
        },
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    ((0.0..=MOST as f64).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

fn any<'a>(usage: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| usage.get(*name).filter(|v| !v.is_null()))
}

/// Counts in OpenAI's format, or in Anthropic's if a gateway reports those.
pub(crate) fn openai(usage: &Value) -> Option<Usage> {
    let caches = ["cache_read_input_tokens", "cache_creation_input_tokens"];
    if usage.get("prompt_tokens").is_none() && caches.iter().any(|name| usage.get(*name).is_some())
    {
        return anthropic(usage);
    }
    let prompt = count(any(usage, &["prompt_tokens", "input_tokens"])?)?;
    let total = any(usage, &["total_tokens"]).and_then(count);
    let completion = match any(usage, &["completion_tokens", "output_tokens"]) {
        Some(value) => count(value)?,
        None => total?.checked_sub(prompt)?,
    };
    let detail = |groups: &[&str], name: &str| {
        groups.iter().find_map(|group| count(usage.get(*group)?.get(name)?))
    };
    let cached = detail(&["prompt_tokens_details", "input_tokens_details"], "cached_tokens")
        .or_else(|| count(any(usage, &["prompt_cache_hit_tokens", "cached_tokens"])?));
    let reasoning =
        detail(&["completion_tokens_details", "output_tokens_details"], "reasoning_tokens")
            .or_else(|| count(any(usage, &["reasoning_tokens"])?));
    checked(prompt, completion, total, cached, reasoning)
}

/// Plausible counts of OpenAI's format.
pub(crate) fn checked(
    prompt: u64,
    completion: u64,
    total: Option<u64>,
    cached: Option<u64>,
    reasoning: Option<u64>,
) -> Option<Usage> {
    if prompt > MOST || completion > MOST {
        return None;
    }
    // Some report and bill reasoning separately: it is only in the total. https://docs.x.ai/docs/guides/reasoning,
    // https://ai.google.dev/gemini-api/docs/openai
    let beside = total
        .filter(|total| *total <= MOST)
        .and_then(|total| total.checked_sub(prompt + completion))
        .unwrap_or(0);
    let completion_tokens = completion + beside;
    Some(Usage {
        prompt_tokens: prompt,
        completion_tokens,
        cached_tokens: cached.unwrap_or(0).min(prompt),
        reasoning_tokens: reasoning.unwrap_or(beside).min(completion_tokens),
    })
    .filter(|u| u.prompt_tokens + u.completion_tokens > 0)
}

/// Counts in Anthropic's format. Tokens written to or read from the cache are not in `input_tokens`:
/// <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>.
pub(crate) fn anthropic(usage: &Value) -> Option<Usage> {
    if usage.get("input_tokens").is_none() && usage.get("prompt_tokens").is_some() {
        return openai(usage);
    }
    let input = count(usage.get("input_tokens")?)?;
    let completion = count(usage.get("output_tokens")?)?;
    let cache = |name: &str| match usage.get(name) {
        None | Some(Value::Null) => Some(0),
        Some(value) => count(value),
    };
    let cached = cache("cache_read_input_tokens")?;
    let created = cache("cache_creation_input_tokens")?;
    checked(input + cached + created, completion, None, Some(cached), None)
}
