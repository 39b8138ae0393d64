use super::*;

fn split(text: &str) -> String {
    match separate(text) {
        Ok(s) if !s.changed => "untouched".to_owned(),
        Ok(s) => format!("{:?} after {:?}", s.text, s.reasoning),
        Err(problem) => format!("{problem:?}"),
    }
}

#[test]
fn thoughts_are_taken_out_however_they_are_marked() {
    let answers = [
        "<think>\nHm, 5 mg?\n</think>\n\nRest.",
        "<think time=\"3s\">Hm, 5 mg?</think>Rest.",
        "< Think >Hm, 5 mg?</ THINK >Rest.",
        "<thinking>Hm, 5 mg?</thinking>\nRest.",
        "<thought>Hm, 5 mg?</thought> Rest.",
        "<reasoning>Hm, 5 mg?</reasoning>Rest.",
        "<reflection>Hm, 5 mg?</reflection>Rest.",
        "<seed:think>Hm, 5 mg?</seed:think>Rest.",
        "Hm, 5 mg?\n</think>\nRest.",
        "Hm, 5 mg?</thinking>Rest.",
        "◁think▷Hm, 5 mg?◁/think▷Rest.",
        "Hm, 5 mg?◁/think▷Rest.",
        "[THINK]Hm, 5 mg?[/THINK]Rest.",
        "<unused94>thought\nHm, 5 mg?<unused95>Rest.",
        "<|channel>thought\nHm, 5 mg?<channel|>Rest.",
        "<|START_THINKING|>Hm, 5 mg?<|END_THINKING|><|START_RESPONSE|>Rest.<|END_RESPONSE|>",
        "<|begin_of_thought|>Hm, 5 mg?<|end_of_thought|>\n<|begin_of_solution|>Rest.<|end_of_solution|>",
        "<think>Hm, 5 mg?</think><response>Rest.</response>",
        "<think>Hm, 5 mg?</think><answer>Rest.</answer>",
        "&lt;think&gt;Hm, 5 mg?&lt;/think&gt;Rest.",
        "<details type=\"reasoning\" done=\"true\" duration=\"3\">Hm, 5 mg?</details>\nRest.",
        "Here is my thought process: Hm, 5 mg?\nHere is my response: Rest.",
        "Here's my thought process:\nHm, 5 mg?\n\nHere's my response:\nRest.",
        "Here are my reasoning steps:\nHm, 5 mg?\n[BEGIN FINAL RESPONSE]\nRest.\n[END FINAL RESPONSE]",
        "<|channel|>analysis<|message|>Hm, 5 mg?<|end|><|start|>assistant<|channel|>final<|message|>Rest.<|return|>",
        "<|start|>assistant<|channel|>analysis<|message|>Hm, 5 mg?<|end|>\n<|start|>assistant<|channel|>final <|constrain|>JSON<|message|>Rest.",
        "Hm, 5 mg?<|end|><|start|>assistant<|channel|>final<|message|>Rest.<|end|>",
        "<|channel|>analysis<|message|>Hm, 5 mg?<|start|>assistant<|channel|>final<|message|>Rest.",
        "<|channel|>commentary<|message|>Hm, 5 mg?<|end|><|start|>assistant<|channel|>final<|message|>Rest.<|return|>",
        "analysisHm, 5 mg?assistantfinalRest.",
        "Hm, 5 mg?assistantfinalRest.",
    ];
    for text in answers {
        assert_eq!(split(text), "\"Rest.\" after \"Hm, 5 mg?\"", "{text}");
    }
}

#[test]
fn several_nested_and_empty_thoughts() {
    let all = [
        "<think>a</think>Rest.<think>b</think>Drink.",
        "<think>a <think>b</think> c</think>Rest.",
        "<think>a <reflection>b</reflection> c</think>Rest.",
        "<think>I use <think> tags.</think>Rest.",
        "<think>\n\n</think>\n\nRest.",
        "<think/>Rest.",
        "<think>a</think>Rest.</think>Drink.",
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Rest.<|end|><|start|>assistant<|channel|>final<|message|>Drink.<|return|>",
        "<|start|>assistant<|message|>Rest.<|return|>",
    ];
    let seen: Vec<String> = all.iter().map(|text| split(text)).collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    "Rest.\n\nDrink." after "a\n\nb"
    "Rest." after "a\n\nb\n\nc"
    "Rest." after "a\n\nb\n\nc"
    "Rest." after "I use\n\ntags."
    "Rest." after ""
    "Rest." after ""
    "Drink." after "a\n\nRest."
    "Drink." after "a\n\nRest."
    "Rest." after ""
    "#);
}

#[test]
fn what_cannot_be_separated_is_named() {
    let all = [
        "<think>Hm, 5 mg? Or 10",
        "Rest.\n<think>Hm, 5 mg?",
        "<think>Hm, 5 mg?</think>",
        "<think>Hm, 5 mg?</think>\n \n",
        "Hm, 5 mg?</think>",
        "[THINK]Hm, 5 mg?",
        "◁think▷Hm, 5 mg?",
        "<|channel|>analysis<|message|>Hm, 5 mg?<|end|>",
        "<|channel|>analysis<|message|>Hm, 5 mg?",
        "<|channel|>commentary to=functions.x<|message|>{}<|call|>",
        "<|channel|>final Rest.",
        "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Rest.<|end|>more",
        "<|channel|>secret<|message|>Hm<|end|>",
        "analysisWe need to answer.",
        "thought\nWe need to answer.\nRest.",
        "<|channel>thought\nHm",
    ];
    let seen: Vec<String> = all.iter().map(|text| split(text)).collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    UnclosedReasoning { text: "Hm, 5 mg? Or 10" }
    UnclosedReasoning { text: "Hm, 5 mg?" }
    OnlyReasoning { text: "Hm, 5 mg?" }
    OnlyReasoning { text: "Hm, 5 mg?" }
    OnlyReasoning { text: "Hm, 5 mg?" }
    UnclosedReasoning { text: "Hm, 5 mg?" }
    UnclosedReasoning { text: "Hm, 5 mg?" }
    OnlyReasoning { text: "Hm, 5 mg?" }
    OnlyReasoning { text: "Hm, 5 mg?" }
    OnlyReasoning { text: "{}" }
    ControlToken { token: "<|channel|>" }
    ControlToken { token: "<|end|>" }
    ControlToken { token: "<|channel|>secret" }
    OnlyReasoning { text: "We need to answer." }
    OnlyReasoning { text: "We need to answer.\nRest." }
    UnclosedReasoning { text: "Hm" }
    "#);
}

#[test]
fn medical_text_is_left_alone() {
    for text in [
        "SpO2 < 90 % and > 5 mg; <5 mg or >10 mmol/l.",
        "If x<y & y>z, then [see note] <b>bold</b> a &lt; b &gt; c.",
        "analysis of the blood shows anaemia",
        "analysis\n1. Blood",
        "[INST] is a token, ◁ a triangle",
        "<details><summary>More</summary>Rest.</details>",
        "Thinking about it, rest. The thought process: none.",
        "My final assistant, finally.",
        "I think <thin> lines & so on <thi",
        "<answer>one</answer> and <answer>two</answer>",
    ] {
        assert_eq!(split(text), "untouched", "{text}");
    }
}
