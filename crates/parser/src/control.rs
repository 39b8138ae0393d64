//! Control tokens of models: chat template markers, which belong to no text.

/// Literal tokens. `<|name|>`, `<｜name｜>` and `[|name|]` with any name are tokens too.
const TOKENS: [&str; 32] = [
    "</s>",
    "<s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<mask>",
    "<sop>",
    "<eop>",
    "<eod>",
    "<BOS_TOKEN>",
    "<EOS_TOKEN>",
    "<end_of_text>",
    "<end_of_utterance>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|turn>",
    "<turn|>",
    "<|channel>",
    "<channel|>",
    "<tool_call>",
    "</tool_call>",
    "<function_calls>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[gMASK]",
];
/// Tokens that are also abbreviations (`[PAD]`: peripheral artery disease). They count at the edge of a text and
/// directly after each other.
const AMBIGUOUS: [&str; 7] = ["[PAD]", "[EOS]", "[BOS]", "[UNK]", "[SEP]", "[CLS]", "[MASK]"];
/// Prefixes of numbered tokens: `<0x0A>`, `<unused12>`, `<extra_id_0>`.
const NUMBERED: [&str; 6] = ["<0x", "<unused", "<extra_id_", "<extra_", "<reserved_", "<special_"];
/// Tokens that a template follows with the speaker.
const HEADERS: [&str; 8] = [
    "<|im_start|>",
    "<|start_header_id|>",
    "<start_of_turn>",
    "<|start_of_role|>",
    "<|header_start|>",
    "<|turn>",
    "<|start|>",
    "<|role|>",
];
/// Names of the author of an answer in templates.
const WRITERS: [&str; 6] = ["assistant", "model", "chatbot", "gpt", "bot", "ai"];
/// Tokens that begin a prompt or a call instead of an answer.
const PROMPTS: [&str; 7] = [
    "[INST]",
    "<<SYS>>",
    "[SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "<tool_call>",
    "<function_calls>",
];
/// Maximum length of a token name, in bytes.
const LONGEST: usize = 48;

/// The length of the control token at the start of a text.
fn token(text: &str) -> Option<usize> {
    if let Some(token) = TOKENS.iter().find(|t| text.starts_with(**t)) {
        return Some(token.len());
    }
    for (open, close) in [("<|", "|>"), ("<｜", "｜>"), ("[|", "|]")] {
        let Some(rest) = text.strip_prefix(open) else { continue };
        let near = rest.get(..rest.floor_char_boundary(LONGEST + close.len()))?;
        let name = near.get(..near.find(close)?)?;
        // `[|x|]` is a formula.
        let fine = (3..=LONGEST).contains(&name.len())
            && name.chars().any(char::is_alphabetic)
            && !name.starts_with(' ')
            && !name.ends_with(' ')
            && name.chars().all(|c| c.is_alphanumeric() || "_-./ ▁:".contains(c));
        return fine.then(|| open.len() + name.len() + close.len());
    }
    NUMBERED.iter().find_map(|start| {
        let rest = text.strip_prefix(start)?;
        let near = rest.get(..rest.floor_char_boundary(8))?;
        let number = near.get(..near.find('>')?)?;
        let digit =
            |b: u8| if *start == "<0x" { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
        let fine = !number.is_empty() && number.len() <= 4 && number.bytes().all(digit);
        fine.then(|| start.len() + number.len() + 1)
    })
}

fn ambiguous(text: &str) -> Option<usize> {
    AMBIGUOUS.iter().find(|t| text.starts_with(**t)).map(|t| t.len())
}

/// The length of the token at the end of a text.
fn last_token(text: &str) -> Option<usize> {
    // A token is short: only the last brackets can start it.
    let tail = text.len().saturating_sub(LONGEST + 12);
    text.char_indices().rev().take_while(|(at, _)| *at >= tail).find_map(|(at, c)| {
        if !matches!(c, '<' | '[') {
            return None;
        }
        let here = text.get(at..)?;
        let length = token(here).or_else(|| ambiguous(here))?;
        (length == here.len()).then_some(length)
    })
}

/// Whether a text has a character that tokens begin with. Bytes are compared faster than characters.
fn may_hold(text: &str) -> bool {
    text.as_bytes().iter().any(|byte| matches!(byte, b'<' | b'['))
}

/// The text without control tokens before and after it; `None` if there are none.
pub(crate) fn edges(text: &str) -> Option<String> {
    if !may_hold(text) {
        return None;
    }
    let mut rest = text.trim();
    let mut changed = false;
    while let Some(length) = token(rest).or_else(|| ambiguous(rest)) {
        let (token, after) = rest.split_at(length);
        // Text after the start of a prompt, or of another speaker's turn, is no answer.
        let lower = token.to_ascii_lowercase();
        if PROMPTS.contains(&token)
            || ["user", "system", "human"].iter().any(|who| lower.contains(who))
        {
            break;
        }
        let after = if HEADERS.contains(&token) { header(after)? } else { after };
        rest = after.trim_start();
        changed = true;
    }
    while let Some(before) = without_last(rest) {
        rest = before.trim_end();
        changed = true;
    }
    changed.then(|| rest.to_owned())
}

/// The text after the name of the answer's author; `None` if another speaker is named, whose text it is.
fn header(text: &str) -> Option<&str> {
    let name = text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (name, rest) = text.split_at(name);
    let ends = rest.is_empty() || rest.starts_with(['\n', '\r', '<', ' ']);
    match name {
        "" => Some(text),
        _ if ends && WRITERS.iter().any(|w| name.eq_ignore_ascii_case(w)) => Some(rest),
        _ => None,
    }
}

/// The text without the token at its end, or without a header that nothing follows.
fn without_last(text: &str) -> Option<&str> {
    if let Some(length) = last_token(text) {
        return text.get(..text.len() - length);
    }
    let bare = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let length = last_token(bare).filter(|_| bare.len() < text.len())?;
    let start = bare.get(bare.len() - length..)?;
    HEADERS.contains(&start).then(|| bare.get(..bare.len() - length))?
}

/// The first control token within a text.
pub(crate) fn within(text: &str) -> Option<&str> {
    if !may_hold(text) {
        return None;
    }
    text.match_indices(['<', '[']).find_map(|(at, _)| {
        let here = text.get(at..)?;
        let twice = || {
            let length = ambiguous(here)?;
            here.get(length..).and_then(|rest| ambiguous(rest.trim_start())).map(|_| length)
        };
        let length = token(here).or_else(twice)?;
        here.get(..length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_around_a_text_are_taken_off() {
        for text in [
            "Rest.<|im_end|>",
            "Rest.<|eot_id|>",
            "Rest.</s>",
            "Rest. </s></s>",
            "<s> Rest.</s>",
            "<bos>Rest.<eos>",
            "Rest.<|end_of_text|>",
            "Rest.<|endoftext|>\n",
            "Rest.<｜end▁of▁sentence｜>",
            "<｜Assistant｜>Rest.",
            "<|im_start|>assistant\nRest.<|im_end|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\nRest.<|eot_id|>",
            "<start_of_turn>model\nRest.<end_of_turn>",
            "Rest.<|im_end|>\n<|im_start|>assistant\n",
            "Rest.<|eot_id|><|start_header_id|>user",
            "[/INST] Rest.",
            "Rest.[INST]",
            "Rest.<|return|>",
            "Rest.<pad><pad><pad>",
            "Rest.[PAD][PAD]",
            "Rest.<0x0A>",
            "[|assistant|]Rest.[|endofturn|]",
            "<|turn>model\nRest.<turn|>",
            "<|CHATBOT_TOKEN|>Rest.<|END_OF_TURN_TOKEN|>",
        ] {
            let cut = edges(text);
            assert_eq!(cut.as_deref(), Some("Rest."), "{text}");
            assert_eq!(within("Rest."), None);
        }
    }

    #[test]
    fn tokens_within_a_text_are_found() {
        for (text, token) in [
            ("Rest.<|im_end|>\n<|im_start|>user\nThanks", "<|im_end|>"),
            ("Rest.<|im_end|> Drink.<|im_end|>", "<|im_end|>"),
            ("<|im_start|>user\nThanks", "<|im_start|>"),
            ("Rest.</s> Drink.", "</s>"),
            ("Rest. [INST] And? [/INST] Drink.", "[INST]"),
            ("<<SYS>> You are <</SYS>> Rest.", "<<SYS>>"),
            ("Rest.<end_of_turn>\n<start_of_turn>user\nThanks", "<end_of_turn>"),
            ("Rest.<｜User｜>Thanks", "<｜User｜>"),
            ("Rest<0x0A>Drink", "<0x0A>"),
            ("a <unk> b", "<unk>"),
            ("a [PAD] [PAD] b", "[PAD]"),
            ("Rest <|tool_calls_begin|> x", "<|tool_calls_begin|>"),
            ("a <unused12> b", "<unused12>"),
            ("<|user|>Thanks", "<|user|>"),
            ("<|system|>You are", "<|system|>"),
            ("[INST] And?", "[INST]"),
            ("<tool_call>{}</tool_call>", "<tool_call>"),
        ] {
            let edged = edges(text);
            assert_eq!(within(edged.as_deref().unwrap_or(text)), Some(token), "{text}");
        }
    }

    #[test]
    fn medical_text_holds_none() {
        for text in [
            "Give <5 mg if weight < 10 kg; BMI <18.5 | >25.",
            "Known peripheral artery disease [PAD] and smoking.",
            "Eosinophils [EOS] 0.4, [see note], [1] [2]",
            "| a | b |\n|---|---|\n| <3 | >4 |",
            "<b>bold</b> <svg> <span>",
            "x <| y |> z and [|x|] > 3 or <|x| < 2>",
            "f(x) = <x|y>",
        ] {
            assert_eq!((edges(text), within(text)), (None, None), "{text}");
        }
    }
}
