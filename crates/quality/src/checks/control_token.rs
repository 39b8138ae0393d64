//! A control token of a model, such as `<|im_end|>` or `[INST]`, anywhere.

use std::ops::Range;

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
    ],
};

/// Names in angle brackets in chat templates, without a leading `/`, lower case.
const ANGLED: [&str; 30] = [
    "s",
    "pad",
    "unk",
    "bos",
    "eos",
    "eot",
    "eod",
    "eom",
    "start_of_turn",
    "end_of_turn",
    "end_of_utterance",
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
    "scratchpad",
    "tool_call",
    "tool_calls",
    "tool_response",
    "tool_result",
    "function_call",
    "start_function_call",
    "end_function_call",
];

/// The same in square brackets. Others, such as `[PAD]` and `[EOS]`, are medical abbreviations too.
const SQUARED: [&str; 7] = [
    "inst",
    "tool_calls",
    "tool_results",
    "available_tools",
    "system_prompt",
    "think",
    "tool_content",
];

/// Maximum length of a token.
const LONGEST_TOKEN: usize = 48;

/// The first control token.
fn control_token(text: &str) -> Option<Range<usize>> {
    text.char_indices().find_map(|(at, open)| {
        let rest = &text[at..];
        let length = match open {
            '<' => piped_token(rest).or_else(|| named_token(rest, '>')),
            '[' => named_token(rest, ']'),
            _ => None,
        };
        length.map(|length| at..at + length)
    })
}

/// Length in bytes of a token such as `<|im_end|>` at the start; a partial one counts too.
fn piped_token(text: &str) -> Option<usize> {
    let name = text.strip_prefix('<')?.strip_prefix(['|', '｜'])?;
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '|' | '｜' | '_' | '▁' | '-');
    let behind = name.trim_start_matches(part);
    Some(text.len() - behind.strip_prefix('>').unwrap_or(behind).len())
}

/// Length in bytes of a token such as `</s>`, `[INST]` or `<<SYS>>` at the start.
fn named_token(text: &str, close: char) -> Option<usize> {
    let inner = text.get(1..)?;
    let inner = inner.char_indices().nth(LONGEST_TOKEN + 4).map_or(inner, |(end, _)| &inner[..end]);
    let doubled = close == '>' && inner.starts_with('<');
    let (name, _) = inner.get(usize::from(doubled)..)?.split_once(close)?;
    let length = 1 + usize::from(doubled) + name.len() + 1;
    let bare = name.strip_prefix('/').unwrap_or(name);
    let bare = bare.to_ascii_lowercase();
    if doubled {
        return (bare == "sys" && text[length..].starts_with('>')).then_some(length + 1);
    }
    let numbered = |prefix: &&str| {
        let number = bare.strip_prefix(*prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let known = if close == '>' {
        ANGLED.contains(&bare.as_str())
            || ["extra_id_", "reserved_", "unused", "0x"].iter().any(numbered)
    } else {
        SQUARED.contains(&bare.as_str())
    };
    known.then_some(length)
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
        ] {
            assert_eq!(control_token(text).map(|span| &text[span]), Some(token), "{text}");
        }
    }
}
