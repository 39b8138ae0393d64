//! What no text may have, whoever wrote it.

use std::ops::Range;

use unicode_normalization::is_nfc;

use crate::Violation;

/// A role tag at the start of a line.
pub const ROLE_TAG: &str = "role_tag";
/// A token that steers a model, such as `<|im_end|>` or `[INST]`, anywhere.
pub const CONTROL_TOKEN: &str = "control_token";
/// Three or more number signs at the start of a line.
pub const HASH_HEADING: &str = "hash_heading";
/// One pair of quotation marks around the whole text.
pub const WRAPPING_QUOTES: &str = "wrapping_quotes";
/// A control character or U+FFFD.
pub const CONTROL: &str = "control_character";
/// Text that is not in Unicode normalisation form C.
pub const NOT_NFC: &str = "not_nfc";

const TAGS: [&str; 14] = [
    "(user)",
    "(chatbot)",
    "(assistant)",
    "user:",
    "assistant:",
    "chatbot:",
    "human:",
    "ai:",
    "system:",
    "<|user|>",
    "<|assistant|>",
    "<|im_start|>",
    "[user]",
    "[assistant]",
];

/// What stands in angle brackets in the templates of models, without a stroke before `/`, lower case.
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

/// The same in square brackets. Others, such as `[PAD]` and `[EOS]`, are abbreviations of medicine too.
const SQUARED: [&str; 7] = [
    "inst",
    "tool_calls",
    "tool_results",
    "available_tools",
    "system_prompt",
    "think",
    "tool_content",
];

/// Longest token that is looked for.
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

/// Bytes of a token such as `<|im_end|>` at the beginning; half of one is one too.
fn piped_token(text: &str) -> Option<usize> {
    let name = text.strip_prefix('<')?.strip_prefix(['|', '｜'])?;
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '|' | '｜' | '_' | '▁' | '-');
    let behind = name.trim_start_matches(part);
    Some(text.len() - behind.strip_prefix('>').unwrap_or(behind).len())
}

/// Bytes of a token such as `</s>`, `[INST]` or `<<SYS>>` at the beginning.
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

const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('«', '»'), ('„', '“'), ('「', '」')];

pub(crate) fn check(text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut at = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let start = whole.trim_start();
        let from = at + (whole.len() - start.len());
        at += whole.len();
        let lower: String = start.chars().take(16).flat_map(char::to_lowercase).collect();
        if let Some(tag) = TAGS.iter().find(|t| lower.starts_with(**t)) {
            let detail = format!("line {} starts with {tag}", number + 1);
            let span = Some(from..from + tag.len().min(start.len()));
            found.push(Violation { check: ROLE_TAG, detail, span });
        }
        if start.starts_with("###") {
            let detail = format!("line {} starts with ###", number + 1);
            found.push(Violation { check: HASH_HEADING, detail, span: Some(from..from + 3) });
        }
    }
    if let Some(span) = control_token(text) {
        let detail = format!("it has {}", &text[span.clone()]);
        found.push(Violation { check: CONTROL_TOKEN, detail, span: Some(span) });
    }
    let trimmed = text.trim();
    for (open, close) in QUOTES {
        let inner = trimmed.strip_prefix(open).and_then(|t| t.strip_suffix(close));
        if inner.is_some_and(|t| !t.contains(open) && !t.contains(close)) {
            let detail = format!("{open}…{close} around the text");
            found.push(Violation { check: WRAPPING_QUOTES, detail, span: None });
        }
    }
    let control =
        |c: &char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || *c == '\u{fffd}';
    if let Some((at, c)) = text.char_indices().find(|(_, c)| control(c)) {
        let detail = format!("U+{:04X}", u32::from(c));
        found.push(Violation { check: CONTROL, detail, span: Some(at..at + c.len_utf8()) });
    }
    if !is_nfc(text) {
        let detail = "text is not in form C".into();
        found.push(Violation { check: NOT_NFC, detail, span: None });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        check(text).into_iter().map(|v| v.check).collect()
    }

    #[test]
    fn finds_what_it_names_and_nothing_else() {
        assert_eq!(
            names("Give fluids.\n- one\n- two\n\n## Next\nC:\\temp and \\frac{1}{2}"),
            [""; 0]
        );
        assert_eq!(names("User: give fluids."), [ROLE_TAG]);
        assert_eq!(names("Fluids.\n(chatbot) more"), [ROLE_TAG]);
        assert_eq!(names("### Plan\nGive fluids."), [HASH_HEADING]);
        assert_eq!(names("\"Give fluids.\""), [WRAPPING_QUOTES]);
        assert_eq!(names("\"Give\" and \"take\""), [""; 0]);
        assert_eq!(names("«Donnez des liquides.»"), [WRAPPING_QUOTES]);
        assert_eq!(names("Give\u{7} fluids\u{fffd}."), [CONTROL]);
        assert_eq!(names("cafe\u{301}"), [NOT_NFC]);
        assert_eq!(names("The user: a nurse of the ward."), [""; 0]);
    }

    #[test]
    fn control_tokens_are_found_anywhere() {
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
            let found = check(text);
            let found = found.iter().find(|v| v.check == CONTROL_TOKEN).map(|v| v.span.clone());
            assert_eq!(found.flatten().map(|span| &text[span]), Some(token), "{text}");
        }
        for text in [
            "A saturation <90 % and a pulse > 120/min",
            "pH <7.2 or [K+] >6",
            "peripheral arterial disease [PAD] and eosinophils [EOS]",
            "Write to <name of the ward> or [name]",
            "a|b <| and |> are operators",
            "x <s and y> 5",
            "HTML such as <b>bold</b> and <br>",
            "[1] and [think about it]",
        ] {
            assert!(!names(text).contains(&CONTROL_TOKEN), "{text}");
        }
    }
}
