//! Texts that are not answers: reasoning, control tokens, halves, and malformed rows.

use clinstruct_testkit::{Oddity, Place, Twist, When};
use serde_json::{Value, json};

use crate::oddities::{
    Ended, Trial, Way, answer_place, assert_clean, body, edit, has_history, texts, without_oddities,
};

mod reasoning {
    use super::*;

    fn thoughts(change: impl Fn(&str) -> String + Send + Sync + Clone + 'static) {
        for way in [Way::Chat, Way::OpenAi, Way::Anthropic, Way::Command] {
            let trial = Trial::new(way, vec![texts(way, change.clone())]);
            let ended = trial.build();
            assert_eq!(ended.code, Some(0), "{way:?}: {}", ended.text);
            assert_clean(&trial.rows());
            trial.assert_as_without();
        }
    }

    #[test]
    fn thoughts_before_the_answer_are_kept_apart() {
        thoughts(|text| {
            format!("<think>\nThe user wants a short reply. I keep the form.\n</think>\n\n{text}")
        });
    }

    /// Reasoning is counted in every run, stored if the run keeps it, and never part of a message.
    #[test]
    fn reasoning_is_exported_where_the_run_keeps_it() {
        const THOUGHT: &str = "The user wants a short reply.";
        let fields = [
            texts(Way::Chat, |text| format!("<think>{THOUGHT}</think>{text}")),
            Oddity::new(
                Place::ChatBody,
                When::Always,
                edit(|reply| reply["choices"][0]["message"]["reasoning_content"] = json!(THOUGHT)),
            )
            .harmless(),
        ];
        for oddity in fields {
            let trial = Trial::new(Way::Chat, vec![oddity]);
            trial.build().assert_code(0);
            let turns = |rows: &crate::oddities::Rows| -> Vec<Value> {
                let turns = rows.conversations.values().map(|row| &row["provenance"]["turns"]);
                turns.flat_map(|turns| turns.as_array().unwrap().clone()).collect()
            };
            for turn in turns(&trial.rows()) {
                assert!(turn["usage"]["reasoning_tokens"].as_u64() > Some(0), "{turn}");
                assert!(turn.get("reasoning").is_none(), "{turn}");
            }
            // The reasoning is in the saved responses: keeping it needs no request.
            let asked = trial.contents().iter().map(|content| content.asked).sum::<u32>();
            trial.run(&["build"], &["--keep-reasoning"]).assert_code(0);
            trial.assert_as_without();
            assert_eq!(trial.contents().iter().map(|content| content.asked).sum::<u32>(), asked);
            for turn in turns(&trial.rows()) {
                let kept = turn.get("reasoning").and_then(Value::as_str);
                assert_eq!(kept, (turn["speaker"] == "assistant").then_some(THOUGHT), "{turn}");
            }
            for (format, list) in [("messages", "messages"), ("sharegpt", "conversations")] {
                let mut export = crate::clinstruct(trial.folder().parent().unwrap());
                export.args(["export", "--out", "o", "--format", format]);
                assert!(export.output().unwrap().status.success());
                let folder = trial.folder().join("export").join(format);
                let file = folder.join("multiturn_specialty_x_domain/train.jsonl");
                let text = std::fs::read_to_string(file).unwrap();
                for line in text.lines() {
                    let row: Value = serde_json::from_str(line).unwrap();
                    for message in row[list].as_array().unwrap() {
                        let who = message.get("role").or(message.get("from")).unwrap();
                        let answers = *who == "assistant" || *who == "gpt";
                        let kept = message.get("reasoning_content").and_then(Value::as_str);
                        assert_eq!(kept, answers.then_some(THOUGHT), "{message}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_closing_tag_alone_ends_thoughts() {
        thoughts(|text| {
            format!("Okay, the user wants a short reply. I keep the form.\n</think>\n\n{text}")
        });
    }

    #[test]
    fn empty_thoughts_are_none() {
        thoughts(|text| format!("<think>\n\n</think>\n\n{text}"));
    }

    #[test]
    fn of_channels_the_final_one_is_the_answer() {
        thoughts(|text| {
            format!(
                "<|channel|>analysis<|message|>We need to answer briefly in the form asked for.<|end|>\
                 <|start|>assistant<|channel|>final<|message|>{text}<|return|>"
            )
        });
    }

    #[test]
    fn tokens_that_end_a_turn_are_cut_off() {
        for token in
            ["<|im_end|>", "<|eot_id|>", "</s>", "<|endoftext|>", "<end_of_turn>", "<|return|>"]
        {
            for way in [Way::Chat, Way::Command] {
                let trial = Trial::new(way, vec![texts(way, move |text| format!("{text}{token}"))]);
                let ended = trial.build();
                assert_eq!(ended.code, Some(0), "{way:?} {token}: {}", ended.text);
                assert_clean(&trial.rows());
                trial.assert_as_without();
            }
        }
    }

    /// Inseparable reasoning is no answer: the row is rejected, with that reason.
    #[test]
    fn control_tokens_within_a_text_are_not_in_any_conversation() {
        for token in [
            "<|im_start|>user\n",
            "<|eot_id|><|start_header_id|>user<|end_header_id|>",
            "[INST] more [/INST]",
            "<think>",
            "<|channel|>commentary<|message|>",
            "<start_of_turn>user\n",
            "</s><s>",
        ] {
            let mut oddity = texts(Way::Chat, move |text| {
                let middle =
                    (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
                format!("{}{token}{}", &text[..middle], &text[middle..])
            });
            oddity.usable = false;
            let trial = Trial::new(Way::Chat, vec![oddity.only(|m| has_history(m.request))]);
            let ended = trial.build();
            assert!(matches!(ended.code, Some(0 | 1 | 3)), "{token}: {}", ended.text);
            assert_clean(&trial.rows());
            assert!(trial.most_asked() <= 4, "{token}: {:#?}", trial.contents());
            trial.end_oddities();
            assert!(matches!(trial.build().code, Some(0 | 1)), "{token}");
            assert_eq!(trial.rows().len(), 3, "{token}");
            assert_clean(&trial.rows());
        }
    }

    #[test]
    fn a_draft_in_the_thoughts_is_not_the_answer() {
        for way in [Way::Chat, Way::OpenAi, Way::Anthropic] {
            let oddity = texts(way, |text| {
                let Ok(Value::Object(mut draft)) = serde_json::from_str(text) else {
                    return text.into();
                };
                for prompt in draft["prompts"].as_array_mut().unwrap() {
                    prompt["prompt"] = "DRAFT that is thrown away, hello?".into();
                }
                let draft = Value::Object(draft);
                format!("<think>\nFirst idea: {draft}\nNo, that is too short.\n</think>\n{text}")
            });
            let trial = Trial::new(way, vec![oddity]);
            let ended = trial.build();
            assert_eq!(ended.code, Some(0), "{way:?}: {}", ended.text);
            assert!(trial.rows().texts().all(|text| !text.contains("DRAFT")));
            trial.assert_as_without();
        }
    }

    /// Of two whole objects without any tags, the last one counts.
    #[test]
    fn of_two_objects_the_last_one_is_the_answer() {
        let oddity = texts(Way::Chat, |text| {
            if text.starts_with('{') {
                let draft = text.replace(r#""prompt":""#, r#""prompt":"DRAFT "#);
                format!("First idea:\n```json\n{draft}\n```\nBetter:\n```json\n{text}\n```")
            } else {
                text.into()
            }
        });
        let trial = Trial::new(Way::Chat, vec![oddity]);
        trial.build().assert_code(0);
        assert!(trial.rows().texts().all(|text| !text.contains("DRAFT")));
        trial.assert_as_without();
    }

    /// A server with a reasoning parser: the answer is already separate.
    #[test]
    fn reasoning_in_a_field_of_its_own_is_no_part_of_the_answer() {
        for field in ["reasoning_content", "reasoning"] {
            let twist = edit(move |reply| {
                reply["choices"][0]["message"][field] = json!("The user wants a short reply.");
            });
            let trial = Trial::new(
                Way::Chat,
                vec![Oddity::new(Place::ChatBody, When::Always, twist).harmless()],
            );
            trial.build().assert_code(0);
            trial.assert_as_without();
        }
    }
}

mod finish_reasons {
    use super::*;

    /// The text up to the end of a sentence.
    fn half(text: &str) -> String {
        let until = text.get(..text.len() * 2 / 3).unwrap_or(text);
        until.rfind(['.', '!', '?']).map_or(text, |at| &text[..=at]).to_owned()
    }

    fn lost_upstream(way: Way, when: When, reason: &'static str, with_error: bool) -> Oddity {
        let at = body(answer_place(way));
        let twist = edit(move |reply| {
            let body = reply.pointer_mut(at).unwrap();
            if way == Way::Anthropic {
                body["content"][0]["text"] =
                    half(body["content"][0]["text"].as_str().unwrap()).into();
                body["stop_reason"] = reason.into();
                return;
            }
            let choice = &mut body["choices"][0];
            choice["message"]["content"] =
                half(choice["message"]["content"].as_str().unwrap()).into();
            choice["finish_reason"] = reason.into();
            if with_error {
                choice["error"] = json!({"code": 502, "message": "Upstream connection was lost"});
            }
        });
        Oddity::new(answer_place(way), when, twist).only(|moment| has_history(moment.request))
    }

    #[test]
    fn an_error_as_the_reason_is_a_failed_delivery() {
        for way in [Way::Chat, Way::OpenAi, Way::Command] {
            for with_error in [true, false] {
                let trial =
                    Trial::new(way, vec![lost_upstream(way, When::First(1), "error", with_error)]);
                let ended = trial.build();
                assert_eq!(ended.code, Some(0), "{way:?}: {}", ended.text);
                assert_eq!(trial.rows().result(), without_oddities(way).result());
                assert!(trial.most_paid() <= 2, "{:#?}", trial.contents());
            }
        }
    }

    /// Half a text is in no conversation, whatever the reason is called.
    #[test]
    fn a_reason_that_is_not_known_is_not_complete() {
        for (way, reason) in [
            (Way::Chat, "error"),
            (Way::Chat, "model_length"),
            (Way::OpenAi, "abort"),
            (Way::Command, "model_length"),
            (Way::Anthropic, "model_context_window_exceeded"),
            (Way::Anthropic, "pause_turn"),
        ] {
            let trial = Trial::new(way, vec![lost_upstream(way, When::Always, reason, false)]);
            let ended = trial.build();
            assert!(matches!(ended.code, Some(0 | 1 | 3)), "{way:?} {reason}: {}", ended.text);
            let calm: Vec<&str> = without_oddities(way).texts().collect();
            let rows = trial.rows();
            for text in rows.texts() {
                assert!(calm.contains(&text), "{way:?} {reason}: half a text: {text:?}");
            }
            trial.end_oddities();
            assert!(matches!(trial.build().code, Some(0 | 1)), "{way:?} {reason}");
            assert_eq!(trial.rows().len(), 3);
        }
    }
}

mod programs {
    use super::*;

    const TOO_LONG: &str =
        "The decoder prompt (length 4410) is longer than the maximum model length of 4096.";

    fn starts(trial: &Trial) -> u64 {
        trial.served.provider.counts().jobs
    }

    /// The rows of one conversation are hit at any turn; the others are unchanged.
    fn hit(twist: Twist) -> (Trial, Ended) {
        let oddity = Oddity::new(Place::CommandRow, When::Always, twist)
            .only(|moment| has_history(moment.request));
        let trial = Trial::new(Way::Command, vec![oddity]);
        let ended = trial.build();
        (trial, ended)
    }

    #[test]
    fn the_words_of_an_exception_are_the_reason() {
        let failed = |error: Value| {
            edit(move |row| {
                row["response"] = json!({"status_code": 400, "request_id": "r", "body": null});
                row["error"] = error.clone();
            })
        };
        for error in [
            json!(TOO_LONG),
            json!({"error": {"message": TOO_LONG, "type": "BadRequestError", "param": null, "code": 400}}),
            json!({"message": TOO_LONG, "code": 400}),
            json!([{"message": TOO_LONG}]),
        ] {
            let (trial, ended) = hit(failed(error.clone()));
            assert!(matches!(ended.code, Some(0 | 1)), "{error}: {}", ended.text);
            assert!(starts(&trial) <= 8, "{error}: {} starts", starts(&trial));
            let rows = trial.rows();
            assert_eq!(rows.len(), 3, "{error}");
            let failures = rows.failures();
            assert!(!failures.is_empty(), "{error}");
            for row in failures {
                assert!(
                    row["detail"].as_str().unwrap().contains("longer than the maximum"),
                    "{row}"
                );
            }
            trial.end_oddities();
            trial.run(&["retry", "--failed"], &[]).assert_code(0);
            assert_eq!(trial.rows().result(), without_oddities(Way::Command).result());
        }
    }

    #[test]
    fn a_row_with_a_broken_byte_is_a_row() {
        for mark in [&b"\xe2\x82"[..], b"\xff", b"\\ud83d", b"\\udc00", b"\\x", b"\n", b"\0"] {
            let twist =
                Twist::Splice("/response/body/choices/0/message/content".into(), mark.into());
            let (trial, ended) = hit(twist);
            let what = mark.escape_ascii();
            assert!(matches!(ended.code, Some(0 | 1)), "{what}: {}", ended.text);
            assert!(trial.most_asked() <= 2, "{what}: {:#?}", trial.contents());
            let rows = trial.rows();
            assert_eq!(rows.len(), 3, "{what}");
            assert_clean(&rows);
            for row in rows.failures() {
                let detail = row["detail"].as_str().unwrap();
                assert!(!detail.is_empty() && !detail.contains("no row came"), "{what}: {row}");
            }
        }
    }
}
