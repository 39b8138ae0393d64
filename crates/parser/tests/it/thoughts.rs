//! Reasoning and control tokens: reasoning is stored separately, and is in neither a prompt nor a turn.

use clinstruct_parser::{Problem, PromptFormat, prompts, turn};
use proptest::prelude::*;
use serde_json::json;

fn json_of(texts: &[&str]) -> String {
    let entries: Vec<_> =
        (1..).zip(texts).map(|(n, text)| json!({ "patient": n, "prompt": text })).collect();
    json!({ "prompts": entries }).to_string()
}

fn shown(text: &str, format: PromptFormat, expected: usize) -> String {
    let reading = prompts(text, format, expected);
    let texts: Vec<String> = reading
        .prompts
        .iter()
        .map(|p| {
            p.as_ref().map_or("-".into(), |p| {
                format!("{} {:?}", p.text.text, p.text.cleanup.names().collect::<Vec<_>>())
            })
        })
        .collect();
    let problems: Vec<&str> = reading.problems.iter().map(Problem::code).collect();
    format!("{} | {}", texts.join(", "), problems.join(" "))
}

#[test]
fn a_draft_in_the_thoughts_is_no_answer() {
    let draft = json_of(&["draft a", "draft b"]);
    let last = json_of(&["a", "b"]);
    let all = [
        format!("<think>Maybe {draft}?</think>\n{last}"),
        format!("Maybe {draft}?\n</think>\n{last}"),
        format!("<think>Maybe {draft}?</think>\n```json\n{last}\n```"),
        format!(
            "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{last}<|return|>"
        ),
        format!("analysis{draft}assistantfinal{last}"),
        // Several objects outside of reasoning: the last that fits.
        format!("First: {draft}\nBetter: {last}"),
        format!("{{\"note\": 1}} {last} {{\"done\": true}}"),
        format!("{last}\n{}", json_of(&["only one"])),
        format!("Use {{braces}} so: {{ {last}"),
        format!("{{\"result\": {last}}}"),
        // Nothing usable.
        format!("<think>Maybe {draft}"),
        format!("<think>Maybe {draft}</think>"),
        format!("<|channel|>analysis<|message|>{draft}"),
        // A complete entry counts, beside one without a message.
        r#"{"prompts": [{"patient": 1, "prompt": "a"}, {"patient": 2}]}"#.to_owned(),
        r#"{"patient": 2, "prompt": "b"}"#.to_owned(),
        // Markers within a prompt.
        json_of(&["<think>hm</think>a", "b<|im_end|>"]),
        json_of(&["a", "<think>hm"]),
        json_of(&["a", "b<|im_end|>\n<|im_start|>user\nmore"]),
        "I'm sorry, but I can't help with that.".to_owned(),
        "<think>no</think>I'm sorry, but I can't help with that.".to_owned(),
    ];
    let seen: Vec<String> = all.iter().map(|text| shown(text, PromptFormat::Json, 2)).collect();
    insta::assert_snapshot!(seen.join("\n"), @r##"
    a ["reasoning"], b ["reasoning"] | 
    a ["reasoning"], b ["reasoning"] | 
    a ["text_around", "reasoning"], b ["text_around", "reasoning"] | 
    a ["reasoning"], b ["reasoning"] | 
    a ["reasoning"], b ["reasoning"] | 
    a ["text_around"], b ["text_around"] | 
    a ["text_around"], b ["text_around"] | 
    a ["text_around"], b ["text_around"] | 
    a ["text_around"], b ["text_around"] | 
    a ["text_around"], b ["text_around"] | 
    -, - | unclosed_reasoning
    -, - | only_reasoning
    -, - | only_reasoning
    a [], - | prompt_count
    -, b [] | prompt_count
    a ["reasoning"], b ["control_token"] | 
    a [], - | unclosed_reasoning
    a [], - | control_token
    -, - | refused
    -, - | refused
    "##);
    let delimited = [
        "<think>=== 1 ===\ndraft a\n=== 2 ===\ndraft b</think>\n=== 1 ===\na\n=== 2 ===\nb",
        "=== 1 ===\n<think>hm</think>a\n=== 2 ===\nb</s>",
        "<think>=== 1 ===\ndraft a",
    ];
    let seen: Vec<String> =
        delimited.iter().map(|text| shown(text, PromptFormat::Delimited, 2)).collect();
    insta::assert_snapshot!(seen.join("\n"), @r##"
    a ["reasoning"], b ["reasoning"] | 
    a ["reasoning"], b ["reasoning", "control_token"] | 
    -, - | unclosed_reasoning
    "##);
}

#[test]
fn turns_are_free_of_thoughts_and_tokens() {
    let all = [
        "<think>Is it safe?</think>\n\nRest.",
        "Is it safe?</think>Rest.",
        "Rest.<|im_end|>",
        "<|im_start|>assistant\nRest.<|im_end|>\n",
        "Rest.<|im_end|>\n<|im_start|>user\nThanks",
        "Rest.</s>[INST] And then? [/INST] Drink.",
        "<think>Is it safe?",
        "<think>Is it safe?</think>",
        "Give <5 mg if BMI < 18.5; known peripheral artery disease [PAD].",
        "<think>no</think>I'm sorry, but I can't help with that.",
        "</s>",
    ];
    let seen: Vec<String> = all
        .iter()
        .map(|text| match turn(text) {
            Ok(c) => {
                format!(
                    "{:?} {:?} {:?}",
                    c.text,
                    c.reasoning,
                    c.cleanup.names().collect::<Vec<_>>()
                )
            }
            Err(problem) => format!("{}: {problem}", problem.code()),
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r##"
    "Rest." Some("Is it safe?") ["reasoning"]
    "Rest." Some("Is it safe?") ["reasoning"]
    "Rest." None ["control_token"]
    "Rest." None ["control_token"]
    control_token: the control token <|im_end|> in the text
    control_token: the control token </s> in the text
    unclosed_reasoning: reasoning is opened and not closed: Is it safe?
    only_reasoning: reasoning without an answer: Is it safe?
    "Give <5 mg if BMI < 18.5; known peripheral artery disease [PAD]." None []
    refused: declined: I'm sorry, but I can't help with that.
    empty: no text
    "##);
}

/// Text before reasoning, and between reasoning and answer.
const MARKS: [(&str, &str); 12] = [
    ("<think>", "</think>"),
    ("", "</think>"),
    ("<thinking>\n", "\n</thinking>\n"),
    ("<Thought effort=\"high\">", "</Thought>"),
    ("<seed:think>", "</seed:think>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis", "assistantfinal"),
];
const TOKENS: [&str; 8] = [
    "<|im_end|>",
    "<|eot_id|>",
    "</s>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<eos>",
    "<0x0A>",
];

proptest! {
    #[test]
    fn thoughts_never_reach_an_answer(
        thought in "[A-Za-z0-9 .,;:(){}\"'\n<>/=-]{1,80}",
        answer in "[A-Z][a-z0-9 .,;]{1,60}[a-z]\\.",
        mark in prop::sample::select(&MARKS[..]),
    ) {
        prop_assume!(!thought.trim().is_empty());
        let plain = turn(&answer);
        let text = format!("{}{thought}{}{answer}", mark.0, mark.1);
        let read = turn(&text).map(|c| c.text);
        prop_assert_eq!(read, plain.map(|c| c.text), "{}", text);
    }

    #[test]
    fn thoughts_without_an_end_are_never_an_answer(
        thought in "[A-Za-z0-9 .,;:(){}\"'\n-]{1,80}",
        mark in prop::sample::select(&MARKS[..]),
    ) {
        prop_assume!(!mark.0.is_empty() && mark.0 != "analysis");
        let text = format!("{}{thought}", mark.0);
        prop_assert!(turn(&text).is_err(), "{}", text);
    }

    #[test]
    fn a_token_never_reaches_an_answer(
        answer in "[A-Z][a-z0-9 .,;]{1,60}[a-z]\\.",
        token in prop::sample::select(&TOKENS[..]),
        at in 0_usize..100,
    ) {
        let at = at % (answer.len() + 1);
        let (before, after) = answer.split_at(at);
        if let Ok(read) = turn(&format!("{before}{token}{after}")) {
            prop_assert!(!read.text.contains(token));
            prop_assert!(before.trim().is_empty() || after.trim().is_empty());
        }
    }

    #[test]
    fn no_text_panics(text in "([<>\\[\\]|/◁▷&;:{}\" \n]|think|analysis|final|message|channel|end|s|prompt|INST|0x0A){0,40}", expected in 1_usize..4) {
        let _ = turn(&text);
        for format in [PromptFormat::Json, PromptFormat::Delimited] {
            prop_assert_eq!(prompts(&text, format, expected).prompts.len(), expected);
        }
    }
}
