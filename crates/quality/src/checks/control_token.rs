//! A control token of a model, such as `<|im_end|>` or `[INST]`, anywhere.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "control_token",
    former_ids: &[],
    repair_name: None,
    summary: "A control token of a model, such as `<|im_end|>` or `[INST]`, anywhere.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "A saturation <90 % and a pulse > 120/min",
        "peripheral arterial disease [PAD] and eosinophils [EOS]",
        "a|b <| and |> are operators",
        "HTML such as <b>bold</b> and <br>",
        "pH <7.2> and <5% of cases",
        "[INSTI] resistance after [ART] was begun",
        "where a < s > b, and [|x|] is a norm",
        "Write <name of the ward> on the sheet, &lt;5% of them",
    ],
    bad: &[
        "Rest.<|im_end|>",
        "Rest.<|eot_id|> More",
        "Rest.<｜end▁of▁sentence｜>",
        "Rest.<|im_end",
        "Rest.</s>",
        "<s>Question",
        "[INST] Rest [/INST]",
        "Rest [/INST]",
        "<<SYS>>Be brief<</SYS>>",
        "Be brief<</SYS>>",
        "Rest.<end_of_turn>",
        "They ask.</think>Rest.",
        "<Thinking>They ask.",
        "Is it so? <bot>: It is.",
        "Dear <user>",
        "<|channel|>final<|message|>Rest.",
        "Rest.<extra_id_0>",
        "Rest.<0x0A>",
        "[TOOL_CALLS] []",
        "Rest.<eos>",
        "Rest. <| im_end |>",
        "Rest.&lt;|im_end|&gt;",
        "Rest.[|endofturn|]",
        "Rest.<SPECIAL_12>",
        "Rest.<EOS_TOKEN>",
        "Rest.<|END_OF_TURN_TOKEN|>",
        "Rest.<｜tool▁calls▁begin｜>",
        "<function=search>{}</function>",
        "Rest.[e~[",
        "[gMASK]<sop>Rest.",
        "analysisWe should be brief.assistantfinalRest.",
    ],
};

/// What stands in angle brackets in the templates of models, without a stroke before `/`, lower case.
const ANGLED: [&str; 62] = [
    "s",
    "pad",
    "unk",
    "bos",
    "eos",
    "eot",
    "eod",
    "eom",
    "eop",
    "sop",
    "eoh",
    "eoa",
    "eosys",
    "cls",
    "sep",
    "mask",
    "bos_token",
    "eos_token",
    "pad_token",
    "unk_token",
    "mask_token",
    "eop_token",
    "seed:bos",
    "seed:eos",
    "seed:pad",
    "seed:think",
    "start_of_turn",
    "end_of_turn",
    "start_of_image",
    "end_of_image",
    "start_of_audio",
    "end_of_audio",
    "image_soft_token",
    "fake_token_around_image",
    "end_of_utterance",
    "endofutterance",
    "user",
    "human",
    "assistant",
    "bot",
    "chatbot",
    "system",
    "model",
    "think",
    "thinking",
    "thought",
    "reasoning",
    "reflection",
    "scratchpad",
    "scratch_pad",
    "answer",
    "tools",
    "tool_call",
    "tool_calls",
    "tool_response",
    "tool_result",
    "function",
    "function_call",
    "start_function_call",
    "end_function_call",
    "start_function_response",
    "end_function_response",
];

/// The same between strokes, where spaces stand inside.
const SPACED: [&str; 6] = ["end", "start", "eot", "endoftext", "channel", "message"];

/// The same in square brackets. Others, such as `[PAD]` and `[EOS]`, are abbreviations of medicine too.
const SQUARED: [&str; 13] = [
    "inst",
    "tool_calls",
    "tool_results",
    "tool_content",
    "available_tools",
    "system_prompt",
    "model_settings",
    "call_id",
    "args",
    "think",
    "gmask",
    "img_break",
    "img_end",
];

/// Beginnings of tokens that end with a number, in either kind of brackets.
const NUMBERED: [&str; 8] = [
    "extra_id_",
    "reserved_",
    "reserved_special_token_",
    "special_",
    "unused",
    "unused_token_",
    "control_",
    "0x",
];

/// Maximum length of a token.
const LONGEST_TOKEN: usize = 48;

/// What is left of the channels of an answer where a decoder has dropped the tokens between them.
const DROPPED: [&str; 2] = ["assistantfinal", "assistantanalysis"];

static DROPPED_SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(DROPPED).ok());

/// The first control token.
fn control_token(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    // The first byte of `＜` is the last of these.
    let may = |byte: &u8| matches!(byte, b'<' | b'[' | b']' | b'&' | 0xef);
    let mut places = std::iter::from_fn(|| {
        let at = from + text.as_bytes().get(from..)?.iter().position(may)?;
        from = at + 1;
        Some(at)
    });
    let found = places.find_map(|at| {
        let rest = text.get(at..)?;
        let open = rest.chars().next().filter(|c| c.is_ascii() || *c == '＜')?;
        let length = match open {
            '<' | '＜' => piped_token(rest).or_else(|| named_token(rest, '>')),
            '[' => squared_token(rest),
            ']' => ["]~b]", "]~!b["].iter().find(|t| rest.starts_with(**t)).map(|t| t.len()),
            _ => escaped_token(rest),
        };
        length.map(|length| at..at + length)
    });
    if found.is_none() && DROPPED_SEARCH.as_ref().is_some_and(|search| !search.is_match(text)) {
        return None;
    }
    found.or_else(|| DROPPED.iter().find_map(|word| text.find(word).map(|at| at..at + word.len())))
}

/// Length in bytes of a token such as `<|im_end|>` at the start; a partial one counts too.
fn piped_token(text: &str) -> Option<usize> {
    let inner = text.strip_prefix(['<', '＜'])?.strip_prefix(['|', '｜'])?;
    let name = inner.strip_prefix(' ').unwrap_or(inner);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '|' | '｜' | '_' | '▁' | '-');
    let mut behind = name.trim_start_matches(part);
    if name.len() < inner.len() {
        // With spaces inside, operators of a formula look alike: only a known name is a token.
        let bare = name[..name.len() - behind.len()].to_ascii_lowercase();
        if !bare.contains('_')
            && !ANGLED.contains(&bare.as_str())
            && !SPACED.contains(&bare.as_str())
        {
            return None;
        }
        behind = behind.trim_start().strip_prefix(['|', '｜'])?.strip_prefix(['>', '＞'])?;
    }
    Some(text.len() - behind.strip_prefix(['>', '＞']).unwrap_or(behind).len())
}

/// Bytes of a token such as `[INST]` or `[|endofturn|]` at the beginning.
fn squared_token(text: &str) -> Option<usize> {
    if text.starts_with("[e~[") {
        return Some(4);
    }
    if let Some(name) = text.strip_prefix("[|") {
        let behind = name.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_');
        let whole = name.len() > behind.len() + 2 && behind.starts_with("|]");
        return whole.then(|| text.len() - behind.len() + 2);
    }
    named_token(text, ']')
}

/// Bytes of a token whose brackets were escaped for HTML, such as `&lt;/s&gt;`.
fn escaped_token(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("&lt;")?;
    let (name, _) = rest.split_once("&gt;").filter(|(name, _)| name.len() <= LONGEST_TOKEN)?;
    let token = format!("<{name}>");
    let whole = piped_token(&token).or_else(|| named_token(&token, '>'));
    whole.filter(|length| *length == token.len()).map(|_| name.len() + 8)
}

/// Length in bytes of a token such as `</s>`, `[INST]` or `<<SYS>>` at the start.
fn named_token(text: &str, close: char) -> Option<usize> {
    let open = text.chars().next()?.len_utf8();
    let inner = text.get(open..)?;
    let inner = inner.char_indices().nth(LONGEST_TOKEN + 4).map_or(inner, |(end, _)| &inner[..end]);
    let doubled = close == '>' && inner.starts_with('<');
    let (name, _) = inner.get(usize::from(doubled)..)?.split_once(close)?;
    let length = open + usize::from(doubled) + name.len() + 1;
    let bare = name.strip_prefix('/').unwrap_or(name).trim().to_ascii_lowercase();
    if doubled {
        return (bare == "sys" && text[length..].starts_with('>')).then_some(length + 1);
    }
    // `a < s > b` compares numbers; a longer name with a space before it compares nothing.
    if name.starts_with(' ') && bare.len() < 4 {
        return None;
    }
    let numbered = |prefix: &&str| {
        let number = bare.strip_prefix(*prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let known = if close == '>' {
        // A call names its function behind the token: `<function=search>`.
        let called = bare.split_once(['=', ' ']).map_or("", |(head, _)| head);
        ANGLED.contains(&bare.as_str())
            || ["function", "tool_call", "tool_response", "tool_result"].contains(&called)
    } else {
        SQUARED.contains(&bare.as_str())
    };
    (known || NUMBERED.iter().any(numbered)).then_some(length)
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let token = control_token(turn.text);
    token
        .map(|span| Finding::at(span.clone(), format!("it has {}", &turn.text[span])))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_token_is_named() {
        for (text, token) in [
            ("Rest.<|im_end|>", "<|im_end|>"),
            ("Rest.<|eot_id|> More", "<|eot_id|>"),
            ("Rest.<｜end▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
            ("Rest.<|im_end", "<|im_end"),
            ("Rest.</s>", "</s>"),
            ("<s>Question", "<s>"),
            ("[INST] Rest [/INST]", "[INST]"),
            ("Rest [/INST]", "[/INST]"),
            ("<<SYS>>Be brief<</SYS>>", "<<SYS>>"),
            ("Be brief<</SYS>>", "<</SYS>>"),
            ("Rest.<end_of_turn>", "<end_of_turn>"),
            ("They ask.</think>Rest.", "</think>"),
            ("<Thinking>They ask.", "<Thinking>"),
            ("Is it so? <bot>: It is.", "<bot>"),
            ("Dear <user>", "<user>"),
            ("<|channel|>final<|message|>Rest.", "<|channel|>"),
            ("Rest.<extra_id_0>", "<extra_id_0>"),
            ("Rest.<0x0A>", "<0x0A>"),
            ("[TOOL_CALLS] []", "[TOOL_CALLS]"),
            ("Rest.&lt;/s&gt; More", "&lt;/s&gt;"),
            ("Rest. <| im_end |> More", "<| im_end |>"),
            ("Rest.[|endofturn|]", "[|endofturn|]"),
            ("Rest.<|start_header_id|>user", "<|start_header_id|>"),
        ] {
            assert_eq!(control_token(text).map(|span| &text[span]), Some(token), "{text}");
        }
    }
}
