//! Separates a model's reasoning from its answer, if a server left both in one text.
//!
//! All known reasoning markers are listed by name; marked reasoning that cannot be separated from the answer makes the
//! text unusable, since reasoning in an answer is worse than no answer.

use std::borrow::Cow;

use crate::problem::Problem;

/// A text without its reasoning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Separated<'t> {
    /// The answer.
    pub(crate) text: Cow<'t, str>,
    /// The reasoning; blank if none was marked.
    pub(crate) reasoning: String,
    /// Whether anything was removed, even empty markers.
    pub(crate) changed: bool,
}

/// Longest excerpt in a problem, in characters.
const EXCERPT: usize = 120;

/// The reasoning in a text; `None` if none can be separated from it.
pub fn reasoning(text: &str) -> Option<String> {
    separate(text).ok().map(|s| s.reasoning).filter(|r| !r.is_empty())
}

/// Separates reasoning from answer.
pub(crate) fn separate(text: &str) -> Result<Separated<'_>, Problem> {
    let untouched =
        Separated { text: Cow::Borrowed(text), reasoning: String::new(), changed: false };
    if !may_hold_marks(text) {
        return Ok(untouched);
    }
    let mut all = match harmony(text)? {
        Some(found) => found,
        None => phrases(text).unwrap_or(untouched),
    };
    if let Some(found) = tags(&all.text)? {
        let reasoning = joined([all.reasoning.as_str(), found.reasoning.as_str()]);
        all = Separated { text: Cow::Owned(found.text.into_owned()), reasoning, changed: true };
    }
    while let Some(inner) = answer_tag(&all.text) {
        all = Separated { text: Cow::Owned(inner.to_owned()), changed: true, ..all };
    }
    if all.changed && all.text.trim().is_empty() {
        return Err(Problem::OnlyReasoning { text: excerpt(&all.reasoning) });
    }
    Ok(all)
}

fn excerpt(text: &str) -> String {
    text.trim().chars().take(EXCERPT).collect()
}

/// Parts that are not blank, one per paragraph.
fn joined<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let parts: Vec<&str> = parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect();
    parts.join("\n\n")
}

/// Fast path: a text without any marker.
fn may_hold_marks(text: &str) -> bool {
    // Bytes are compared faster than characters; the first one of the triangle is also that of dashes and quotes.
    let marks = |byte: &u8| matches!(byte, b'<' | b'[' | b'&');
    text.as_bytes().iter().any(marks)
        || !text.is_ascii() && text.contains('◁')
        || text.contains(STRIPPED_FINAL)
        || HEADINGS.iter().any(|(open, _)| starts_with_ignoring_case(text, open))
        || channel_start(text).is_some()
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    let text = text.trim_start().as_bytes();
    text.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start.as_bytes()))
}

// Channels: gpt-oss. https://cookbook.openai.com/articles/openai-harmony

/// Remains of the markers before the final channel, if a server drops special tokens.
const STRIPPED_FINAL: &str = "assistantfinal";
/// Channels whose text is no answer.
const THINKING_CHANNELS: [&str; 2] = ["analysis", "commentary"];

/// The rest of a text that starts with a channel's name directly followed by a sentence: what remains of
/// `<|channel|>analysis<|message|>The user ..` if a server drops special tokens.
///
/// Gemma's channel name is on a line of its own.
fn channel_start(text: &str) -> Option<&str> {
    if let Some(rest) = text.trim_start().strip_prefix("thought\n") {
        return Some(rest);
    }
    THINKING_CHANNELS.iter().find_map(|name| {
        let rest = text.trim_start().strip_prefix(name)?;
        rest.starts_with(|c: char| c.is_uppercase() || c == '{').then_some(rest)
    })
}

fn harmony(text: &str) -> Result<Option<Separated<'_>>, Problem> {
    if text.contains("<|channel|>") || (text.contains("<|start|>") && text.contains("<|message|>"))
    {
        return channels(text).map(Some);
    }
    if let Some(at) = text.rfind(STRIPPED_FINAL) {
        let (before, after) = text.split_at(at);
        let after = after.get(STRIPPED_FINAL.len()..).unwrap_or_default();
        let before = channel_start(before).unwrap_or(before);
        return Ok(Some(Separated {
            text: Cow::Borrowed(after),
            reasoning: joined(before.split("assistantanalysis")),
            changed: true,
        }));
    }
    match channel_start(text) {
        Some(rest) => Err(Problem::OnlyReasoning { text: excerpt(rest) }),
        None => Ok(None),
    }
}

/// End of a channel's message.
const MESSAGE_ENDS: [&str; 5] = ["<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"];

/// Splits a text into the messages of its channels. The final channel is the answer; if there are several, the last
/// one, since a model that starts over means the later text.
fn channels(text: &str) -> Result<Separated<'_>, Problem> {
    let mut reasoning: Vec<&str> = Vec::new();
    let mut answer: Option<&str> = None;
    let mut rest = text;
    while let Some(at) = rest.find("<|message|>") {
        let (header, body) = rest.split_at(at);
        let body = body.get("<|message|>".len()..).unwrap_or_default();
        // Text before the header is the end of a message that started in the prompt.
        let begins = ["<|start|>", "<|channel|>"].iter().filter_map(|m| header.find(m)).min();
        let (before, header) = header.split_at(begins.unwrap_or(0));
        reasoning.push(without_ends(before));
        let channel = header.split("<|channel|>").nth(1).map(str::trim_start);
        let end = MESSAGE_ENDS.iter().filter_map(|m| body.find(m)).min().unwrap_or(body.len());
        let (message, after) = body.split_at(end);
        let thinks =
            channel.is_some_and(|c| THINKING_CHANNELS.iter().any(|name| c.starts_with(name)));
        match channel {
            _ if thinks => reasoning.push(message),
            Some(c) if !c.starts_with("final") => {
                return Err(Problem::ControlToken { token: format!("<|channel|>{}", excerpt(c)) });
            }
            _ => {
                reasoning.extend(answer.replace(message));
            }
        }
        rest = after;
    }
    let left = without_ends(rest);
    if left.contains("<|channel|>") || (answer.is_none() && !left.trim().is_empty()) {
        // A header without its message: the channels cannot be told apart.
        return Err(Problem::ControlToken { token: "<|channel|>".into() });
    }
    let reasoning = joined(reasoning);
    match answer {
        Some(answer) if left.trim().is_empty() => {
            Ok(Separated { text: Cow::Borrowed(answer), reasoning, changed: true })
        }
        Some(_) => Err(Problem::ControlToken { token: "<|end|>".into() }),
        None => Err(Problem::OnlyReasoning { text: excerpt(&reasoning) }),
    }
}

/// A text without the markers that end and start messages, if it has no other ones.
fn without_ends(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let cut = MESSAGE_ENDS
            .iter()
            .take(4)
            .find_map(|end| text.strip_prefix(end).or_else(|| text.strip_suffix(end)))
            .or_else(|| (text == "assistant").then_some(""));
        match cut {
            Some(cut) => text = cut.trim(),
            None => return text,
        }
    }
}

// Phrases: Granite 3.2, Apriel. https://github.com/vllm-project/vllm/tree/main/vllm/reasoning

/// Starts of a text that announces its reasoning, and the phrase before the answer; lower case.
const HEADINGS: [(&str, &str); 6] = [
    ("here is my thought process:", "here is my response:"),
    ("here's my thought process:", "here's my response:"),
    ("here is my thought process:", "here's my response:"),
    ("here's my thought process:", "here is my response:"),
    ("here are my reasoning steps:", "[begin final response]"),
    ("thinking process:", "final response:"),
];

fn phrases(text: &str) -> Option<Separated<'_>> {
    let lower = text.to_ascii_lowercase();
    HEADINGS.iter().find_map(|(open, close)| {
        let start = lower.len() - lower.trim_start().len();
        let from = start + lower.get(start..)?.starts_with(open).then_some(open.len())?;
        let at = from + lower.get(from..)?.find(close)?;
        let answer = text.get(at + close.len()..)?.trim();
        let answer = answer.strip_suffix("[END FINAL RESPONSE]").unwrap_or(answer).trim();
        Some(Separated {
            text: Cow::Borrowed(answer),
            reasoning: joined([text.get(from..at)?]),
            changed: true,
        })
    })
}

// Tags.

/// Names of reasoning tags, without the prefix of some models (`seed:think`). Lower case.
const NAMES: [&str; 19] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "thought_process",
    "reasoning",
    "reflection",
    "analysis",
    "scratchpad",
    "chain_of_thought",
    "cot",
    "monologue",
    "inner_monologue",
    "internal_monologue",
    "inner_thoughts",
    "internal_thoughts",
    "antthinking",
    "longcat_think",
    "think_off",
];
/// Reasoning markers that are not tags: Kimi, Magistral, Reka, Gemma 3 and its medical variants, Gemma 4.
const MARKS: [(&str, bool); 11] = [
    ("◁think▷", true),
    ("◁/think▷", false),
    ("[THINK]", true),
    ("[/THINK]", false),
    ("[REASONING]", true),
    ("[/REASONING]", false),
    ("<unused94>thought", true),
    ("<unused94>", true),
    ("<unused95>", false),
    ("<|channel>thought", true),
    ("<channel|>", false),
];
/// Names between `<|` and `|>`, lower case: Command A, Sky-T1, others.
const OPEN_TOKENS: [&str; 7] = [
    "start_thinking",
    "begin_of_thought",
    "think",
    "thinking",
    "think_start",
    "thought_start",
    "thinking_start",
];
const CLOSE_TOKENS: [&str; 7] = [
    "end_thinking",
    "end_of_thought",
    "/think",
    "/thinking",
    "think_end",
    "thought_end",
    "thinking_end",
];

/// The HTML tag with which `open-webui` hides reasoning: it ends with `</details>`.
const DETAILS: &str = "<details type=\"reasoning\"";

/// Maximum length of a tag with its attributes, in bytes.
const LONGEST_TAG: usize = 130;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Close,
}

/// The marker at the start of a text, and its length in bytes.
fn mark(text: &str) -> Option<(Mark, usize)> {
    let kind = |opens: bool| if opens { Mark::Open } else { Mark::Close };
    if let Some((mark, opens)) = MARKS.iter().find(|(mark, _)| text.starts_with(mark)) {
        return Some((kind(*opens), mark.len()));
    }
    if let Some(rest) = text.strip_prefix("<|") {
        let end = rest.bytes().take(32).position(|b| b == b'|')?;
        let name = rest.get(..end)?.to_ascii_lowercase();
        let whole = rest.get(end..)?.starts_with("|>");
        let opens = OPEN_TOKENS.contains(&name.as_str());
        let closes = CLOSE_TOKENS.contains(&name.as_str());
        return (whole && (opens || closes)).then(|| (kind(opens), end + 4));
    }
    // A tag, possibly with escaped brackets.
    let (open, close) = if text.starts_with('<') { ("<", ">") } else { ("&lt;", "&gt;") };
    let rest = text.strip_prefix(open)?;
    // A tag is short; in a text with many brackets the search for its end is bounded.
    let near = rest.get(..rest.floor_char_boundary(LONGEST_TAG))?;
    let inner = near.get(..near.find(close)?)?;
    if inner.contains(['<', '\n']) {
        return None;
    }
    let length = open.len() + inner.len() + close.len();
    let inner = inner.trim();
    let (opens, inner) = match inner.strip_prefix('/') {
        Some(name) => (false, name.trim_start()),
        None => (true, inner),
    };
    let name = inner.split(|c: char| c.is_whitespace() || c == '/').next()?.to_ascii_lowercase();
    let name = name.rsplit(':').next()?;
    NAMES.contains(&name).then(|| (kind(opens), length))
}

/// Removes marked reasoning from a text; `None` if nothing is marked.
///
/// A closing marker ends all open reasoning; if none is open, everything before it is reasoning, since many servers put
/// the opening marker in the prompt. That is right for nested markers too: the text between the inner and the outer
/// closing marker comes before a closing marker.
fn tags(text: &str) -> Result<Option<Separated<'_>>, Problem> {
    let mut answer: Vec<&str> = Vec::new();
    let mut reasoning: Vec<&str> = Vec::new();
    let mut open: Option<bool> = None;
    let mut changed = false;
    let mut from = 0;
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|t| t.find(['<', '◁', '[', '&'])) {
        at += next;
        let here = text.get(at..).unwrap_or_default();
        let details = starts_with_ignoring_case(here, DETAILS);
        let found = match (details, open) {
            (true, _) => here.find('>').map(|end| (Mark::Open, end + 1)),
            (false, Some(true)) if starts_with_ignoring_case(here, "</details>") => {
                Some((Mark::Close, "</details>".len()))
            }
            _ => mark(here),
        };
        let Some((mark, length)) = found else {
            at += here.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let piece = text.get(from..at).unwrap_or_default();
        changed = true;
        at += length;
        match (mark, open) {
            (Mark::Open, None) => {
                answer.push(piece);
                // `<think/>` opens and closes at once.
                let empty = here.get(..length).is_some_and(|tag| tag.ends_with("/>"));
                open = (!empty).then_some(details);
                from = at;
            }
            // Nested reasoning.
            (Mark::Open, Some(_)) => {
                reasoning.push(piece);
                from = at;
            }
            (Mark::Close, Some(_)) => {
                reasoning.push(piece);
                open = None;
                from = at;
            }
            (Mark::Close, None) => {
                reasoning.append(&mut answer);
                reasoning.push(piece);
                from = at;
            }
        }
    }
    if !changed {
        return Ok(None);
    }
    let last = text.get(from..).unwrap_or_default();
    if open.is_some() {
        return Err(Problem::UnclosedReasoning { text: excerpt(last) });
    }
    answer.push(last);
    Ok(Some(Separated {
        text: Cow::Owned(joined(answer)),
        reasoning: joined(reasoning),
        changed: true,
    }))
}

/// Tags around a whole answer, lower case.
const ANSWER_TAGS: [&str; 6] =
    ["answer", "response", "output", "final", "final_answer", "final_response"];
/// Tokens around a whole answer.
const ANSWER_TOKENS: [(&str, &str); 3] = [
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"),
];

/// The content of the tag around the whole text.
fn answer_tag(text: &str) -> Option<&str> {
    let text = text.trim();
    for (open, close) in ANSWER_TOKENS {
        let inner = text.strip_prefix(open).map(|t| t.strip_suffix(close).unwrap_or(t));
        if let Some(inner) = inner.or_else(|| text.strip_suffix(close)) {
            return Some(inner.trim());
        }
    }
    let tag = text.strip_prefix('<')?;
    let name = tag.get(..tag.find('>')?)?;
    if !ANSWER_TAGS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return None;
    }
    let inner = tag.get(name.len() + 1..)?;
    let end = inner.len().checked_sub(name.len() + 3)?;
    let closes = inner.get(end..).is_some_and(|close| {
        close.starts_with("</")
            && close.ends_with('>')
            && close.get(2..close.len() - 1) == Some(name)
    });
    let body = inner.get(..end).filter(|_| closes)?;
    // Several of them are not one answer.
    (!body.contains(&format!("<{name}>"))).then(|| body.trim())
}

#[cfg(test)]
mod tests;
