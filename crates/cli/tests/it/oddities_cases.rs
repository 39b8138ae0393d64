//! Reported deviations of real providers, one by one, with the right behaviour for each.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clinstruct_testkit::{Oddity, Place, Reply, Twist, When};
use serde_json::{Value, json};

use crate::oddities::{
    Trial, Way, answer_place, anthropic_error, assert_one_error, body, edit, openai_error, refused,
    set,
};

mod usage {
    use super::*;

    /// All non-zero values with `estimate` in their key, at any depth.
    fn estimates(value: &Value) -> usize {
        match value {
            Value::Array(all) => all.iter().map(estimates).sum(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| {
                    let says = match value {
                        Value::Bool(says) => *says,
                        Value::Number(n) => n.as_f64() != Some(0.0),
                        _ => false,
                    };
                    usize::from(key.contains("estimat") && says) + estimates(value)
                })
                .sum(),
            _ => 0,
        }
    }

    fn usage_is(way: Way, twist: Twist) {
        let said = format!("{way:?} {twist:?}");
        let oddity = Oddity::new(answer_place(way), When::Always, twist).harmless();
        let trial = Trial::new(way, vec![oddity]);
        trial.build().assert_code(0);
        trial.assert_as_without();
        let (spent, billed) = (trial.booked().0, trial.billed());
        assert!(spent > billed * 0.5, "{said}: {spent} booked, {billed} billed");
        let jobs = trial.show("jobs");
        assert!(estimates(&jobs) > 0, "{said}: nothing is marked as estimated: {jobs:#}");
    }

    #[test]
    fn tokens_below_zero_are_estimated() {
        for way in [Way::Chat, Way::OpenAi, Way::Anthropic] {
            let tokens = if way == Way::Anthropic { "output_tokens" } else { "completion_tokens" };
            let at = format!("{}/usage/{tokens}", body(answer_place(way)));
            usage_is(way, set(&at, json!(-35)));
        }
    }

    #[test]
    fn usage_that_is_missing_is_estimated() {
        for way in [Way::Chat, Way::OpenAi, Way::Anthropic] {
            let at = format!("{}/usage", body(answer_place(way)));
            usage_is(way, Twist::Remove(at.clone()));
            usage_is(way, set(&at, Value::Null));
        }
    }
}

mod errors_inside_200 {
    use super::*;

    fn limited(code: &Value) -> Reply {
        Reply::json(
            200,
            &json!({
                "id": null, "choices": null, "created": null, "model": null, "object": null,
                "usage": null,
                "error": {"message": "Provider returned error", "code": code,
                          "metadata": {"raw": "Too Many Requests at the upstream"}},
            }),
        )
    }

    #[test]
    fn a_rate_limit_is_waited_out_and_shown_once() {
        for code in [json!(429), json!("429"), json!(503)] {
            let twist = Twist::Instead(limited(&code));
            let trial =
                Trial::new(Way::Chat, vec![Oddity::new(Place::ChatBody, When::Calls(4), twist)]);
            let ended = trial.build();
            ended.assert_code(0);
            assert_eq!(ended.count("Provider returned error"), 1, "{}", ended.text);
            trial.assert_as_without();
        }
    }

    #[test]
    fn a_batch_that_is_looked_at_may_be_limited_too() {
        let twist = || Twist::Instead(limited(&json!(429)));
        for (way, place) in [
            (Way::OpenAi, Place::Batch),
            (Way::OpenAi, Place::Create),
            (Way::OpenAi, Place::Upload),
            (Way::Anthropic, Place::Batch),
            (Way::Anthropic, Place::Create),
        ] {
            let trial = Trial::new(way, vec![Oddity::new(place, When::Calls(2), twist())]);
            let ended = trial.build();
            assert_eq!(ended.code, Some(0), "{way:?} {place:?}: {}", ended.text);
            trial.assert_as_without();
        }
    }

    #[test]
    fn a_text_as_the_error_stops_the_run_with_it() {
        let message = "Unexpected endpoint or method. (POST /chat/completions)";
        let twist = Twist::Instead(Reply::json(200, &json!({"error": message})));
        let trial = Trial::new(Way::Chat, vec![Oddity::new(Place::ChatBody, When::Always, twist)]);
        let ended = trial.build();
        ended.assert_code(3);
        assert_one_error(&ended, message);
        ended.assert_contains("--base-url");
        assert!(trial.served.provider.counts().calls <= 12, "{:?}", trial.served.provider.counts());
        trial.end_oddities();
        trial.build().assert_code(0);
        trial.assert_as_without();
    }

    /// The error page of a gateway without such a path, or without an upstream.
    #[test]
    fn a_page_instead_of_json_stops_the_run_with_its_words() {
        for (way, place) in [
            (Way::Chat, Place::ChatBody),
            (Way::OpenAi, Place::Upload),
            (Way::OpenAi, Place::Create),
            (Way::Anthropic, Place::Create),
        ] {
            let page = Twist::Instead(Reply::html(200, "Welcome to the gateway"));
            let trial = Trial::new(way, vec![Oddity::new(place, When::Always, page)]);
            let ended = trial.build();
            assert_eq!(ended.code, Some(3), "{way:?} {place:?}: {}", ended.text);
            assert_one_error(&ended, "Welcome to the gateway");
            assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
            trial.end_oddities();
            trial.build().assert_code(0);
            trial.assert_as_without();
        }
    }
}

mod refusals {
    use super::*;

    const PARAMETER: &str = "Unsupported parameter: 'max_tokens' is not supported with this model. \
                             Use 'max_completion_tokens' instead.";

    /// Failures caused by the account, the request format or a gateway are retried once that is fixed.
    #[test]
    fn an_error_of_the_provider_is_not_the_last_word() {
        let form = "invalid_request_error";
        for (way, status, kind, message) in [
            (Way::Chat, 400, "unsupported_parameter", PARAMETER),
            (Way::Chat, 400, form, "This gateway is not set up for the project."),
            (Way::Chat, 413, "request_too_large", "Request Entity Too Large"),
            (Way::Chat, 400, form, "Your credit balance is too low to access the API."),
            (Way::OpenAi, 400, "unsupported_parameter", PARAMETER),
            (Way::OpenAi, 403, "permission_denied", "The project may not use this model."),
            (Way::Anthropic, 400, form, "Your credit balance is too low to access the API."),
            (Way::Command, 400, "BadRequestError", "This engine is not set up for chats."),
        ] {
            for again in [&["build"][..], &["retry", "--failed"]] {
                let twist = refused(way, status, kind, message);
                let oddity = Oddity::new(answer_place(way), When::Always, twist).free();
                let trial = Trial::new(way, vec![oddity]);
                let ended = trial.build();
                assert!(matches!(ended.code, Some(1 | 3)), "{way:?} {message}: {ended:?}");
                ended.assert_contains(message.get(..40).unwrap_or(message));
                assert_eq!(trial.rows().conversations.len(), 0);
                trial.end_oddities();
                let ended = trial.run(again, &[]);
                assert_eq!(ended.code, Some(0), "{way:?} {message} {again:?}: {}", ended.text);
                trial.assert_as_without();
            }
        }
    }

    #[test]
    fn rows_that_are_all_refused_alike_stop_the_run_soon() {
        let twist = refused(Way::Chat, 400, "unsupported_parameter", PARAMETER);
        let oddity = || {
            Oddity::new(Place::ChatBody, When::Always, twist.clone())
                .free()
                .only(|moment| moment.request.contains(r#""max_tokens""#))
        };
        let many = ["--limit", "200"];
        let mut trial = Trial::of(Way::Chat, vec![oddity()], crate::provider::config(), &many);
        trial.cap = 50.0;
        let ended = trial.build();
        ended.assert_code(3);
        assert_one_error(&ended, "Unsupported parameter: 'max_tokens'");
        let calls = trial.served.provider.counts().calls;
        assert!(calls <= 60, "{calls} calls for 200 rows that are all refused");

        let trial = Trial::new(Way::Chat, vec![oddity()]);
        trial.build().assert_code(3);
        let named = trial.run(&["build"], &["--token-parameter", "max_completion_tokens"]);
        named.assert_code(0);
        trial.assert_as_without();
    }

    /// The filter stops one text; the others are answered.
    #[test]
    fn one_text_that_is_refused_is_one_row() {
        let words = "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO";
        let bio = json!({"code": "The caller does not have permission to execute the operation",
                         "error": words});
        for (way, twist) in [
            (Way::Chat, Twist::Instead(Reply::json(403, &bio))),
            (Way::OpenAi, set("/response", json!({"status_code": 403, "body": bio}))),
            (Way::Chat, refused(Way::Chat, 400, "content_filter", words)),
            (Way::Anthropic, refused(Way::Anthropic, 403, "permission_error", words)),
        ] {
            let what = format!("{way:?} {twist:?}");
            let chosen = Mutex::new(None::<String>);
            let oddity =
                Oddity::new(answer_place(way), When::Always, twist).free().only(move |moment| {
                    let request: Value = serde_json::from_str(moment.request).unwrap();
                    let inner = request.get("body").or(request.get("params")).unwrap_or(&request);
                    let messages = inner["messages"].to_string();
                    let mut chosen = chosen.lock().unwrap();
                    let turns = messages.contains(r#""assistant""#);
                    turns && *chosen.get_or_insert_with(|| messages.clone()) == messages
                });
            let trial = Trial::new(way, vec![oddity]);
            let ended = trial.build();
            assert!(matches!(ended.code, Some(0 | 1)), "{what}: {}", ended.text);
            let rows = trial.rows();
            assert_eq!(rows.len(), 3, "{what}");
            let failures = rows.failures();
            assert_eq!(failures.len(), 1, "{what}: {failures:?}");
            assert!(
                failures[0]["detail"].as_str().unwrap().contains("SAFETY_CHECK"),
                "{failures:?}"
            );
            assert_eq!(trial.most_paid(), 1, "{what}");
            let asked = trial.served.provider.counts().calls;
            assert!(matches!(trial.build().code, Some(0 | 1)), "{what}");
            let more = trial.contents().iter().filter(|c| c.paid > 1).count();
            assert_eq!(more, 0, "{what}: {asked} calls before");
        }
    }
}

mod not_there {
    use super::*;

    fn not_found(way: Way, message: &str) -> Twist {
        Twist::Instead(Reply::json(
            404,
            &match way {
                Way::Anthropic => anthropic_error("not_found_error", message),
                _ => openai_error(message, "invalid_request_error", None),
            },
        ))
    }

    /// Replicas of a provider that do not know yet what another one created.
    #[test]
    fn what_is_not_found_for_a_moment_is_looked_for_again() {
        for (way, place) in [
            (Way::Anthropic, Place::Batch),
            (Way::Anthropic, Place::Results),
            (Way::OpenAi, Place::Batch),
            (Way::OpenAi, Place::FileObject),
            (Way::OpenAi, Place::FileContent),
            (Way::OpenAi, Place::Create),
        ] {
            for times in [1, 3] {
                let when =
                    if place == Place::Create { When::Calls(times) } else { When::First(times) };
                let oddity = Oddity::new(place, when, not_found(way, "Not found"));
                let trial = Trial::new(way, vec![oddity]);
                let ended = trial.build();
                assert_eq!(ended.code, Some(0), "{way:?} {place:?} {times}: {}", ended.text);
                trial.assert_as_without();
                assert!(trial.booked().0 >= trial.billed() * 0.9, "{:?}", trial.booked());
            }
        }
    }

    #[test]
    fn one_malformed_look_is_waited_out() {
        let odd =
            |text: &str| Twist::Instead(Reply { status: 200, headers: vec![], body: text.into() });
        for way in [Way::OpenAi, Way::Anthropic] {
            for text in ["", "{}", "null", "[]", "<html>One moment</html>", r#"{"id": "#, r#""ok""#]
            {
                let trial =
                    Trial::new(way, vec![Oddity::new(Place::Batch, When::First(1), odd(text))]);
                let ended = trial.build();
                assert_eq!(ended.code, Some(0), "{way:?} {text:?}: {}", ended.text);
                trial.assert_as_without();
            }
        }
    }

    #[test]
    fn an_error_that_stays_is_an_error() {
        for way in [Way::OpenAi, Way::Anthropic] {
            let error = json!({"error": "the control plane is being moved"});
            let twist = Twist::Instead(Reply::json(200, &error));
            let trial = Trial::new(way, vec![Oddity::new(Place::Batch, When::Always, twist)]);
            let ended = trial.build();
            assert_eq!(ended.code, Some(3), "{way:?}: {}", ended.text);
            assert_one_error(&ended, "the control plane is being moved");
            trial.end_oddities();
            let ended = trial.build();
            assert_eq!(ended.code, Some(0), "{way:?}: {}", ended.text);
            trial.assert_as_without();
        }
    }
}

mod files {
    use super::*;

    fn ended_batch(at: &str, value: Value) -> Oddity {
        Oddity::new(Place::Batch, When::Always, set(at, value))
            .only(|moment| moment.reply["status"] == "completed")
    }

    #[test]
    fn an_empty_id_is_no_file() {
        for id in [json!(""), json!(" "), json!(null), json!({}), json!([]), json!(false), json!(0)]
        {
            let trial = Trial::new(Way::OpenAi, vec![ended_batch("/error_file_id", id.clone())]);
            let ended = trial.build();
            assert_eq!(ended.code, Some(0), "{id}: {}", ended.text);
            trial.assert_as_without();
        }
        let trial = Trial::new(
            Way::OpenAi,
            vec![
                Oddity::new(Place::Batch, When::Always, Twist::Remove("/error_file_id".into()))
                    .only(|moment| moment.reply["status"] == "completed"),
            ],
        );
        trial.build().assert_code(0);
        trial.assert_as_without();
    }

    /// All rows in the error file, and an empty id for the output file.
    #[test]
    fn answers_in_the_other_file_are_answers() {
        let swap = edit(|batch| {
            if let Value::Object(batch) = batch {
                let output = batch.insert("output_file_id".into(), json!(""));
                batch.insert("error_file_id".into(), output.unwrap_or_default());
            }
        });
        let oddity = Oddity::new(Place::Batch, When::Always, swap)
            .only(|moment| moment.reply["status"] == "completed");
        let trial = Trial::new(Way::OpenAi, vec![oddity]);
        trial.build().assert_code(0);
        trial.assert_as_without();
    }

    #[test]
    fn the_bytes_of_a_file_are_not_believed() {
        let more =
            |by: i64| edit(move |file| file["bytes"] = json!(file["bytes"].as_i64().unwrap() + by));
        let value = |value: Value| set("/bytes", value);
        for twist in [
            more(7),
            more(-7),
            more(1 << 40),
            value(json!(0)),
            value(json!(1)),
            value(json!(-1)),
            value(json!(null)),
            value(json!("2036")),
            value(json!(1e300)),
            value(json!({})),
            Twist::Remove("/bytes".into()),
        ] {
            let what = format!("{twist:?}");
            let trial =
                Trial::new(Way::OpenAi, vec![Oddity::new(Place::FileObject, When::Always, twist)]);
            let ended = trial.run_at_most(Duration::from_secs(20), &["build"], &[]);
            assert_eq!(ended.code, Some(0), "{what}: {}", ended.text);
            trial.assert_as_without();
        }
    }

    /// Three downloads confirm the length of a file.
    #[test]
    fn a_file_with_wrong_bytes_is_not_downloaded_for_ever() {
        let downloads = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&downloads);
        let twist = edit(|file| file["bytes"] = json!(file["bytes"].as_u64().unwrap() + 7));
        let count = Oddity::new(Place::FileContent, When::Always, Twist::Remove("/none".into()))
            .only(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                false
            });
        let trial = Trial::new(
            Way::OpenAi,
            vec![Oddity::new(Place::FileObject, When::Always, twist), count],
        );
        trial.build().assert_code(0);
        let jobs = trial.served.provider.counts().jobs as u32;
        let downloads = downloads.load(Ordering::Relaxed);
        assert!(downloads <= 3 * jobs, "{downloads} downloads of {jobs} files");
    }
}

mod overload {
    use super::*;

    /// The creation of the second batch is refused while the first one runs, and the first runs until a third creation:
    /// whoever waits for it waits forever.
    #[test]
    fn a_refused_creation_does_not_wait_for_the_own_batch() {
        for (way, status, kind) in [
            (Way::Anthropic, 529, "overloaded_error"),
            (Way::Anthropic, 429, "rate_limit_error"),
            (Way::Anthropic, 503, "api_error"),
            (Way::OpenAi, 529, "overloaded_error"),
            (Way::OpenAi, 429, "rate_limit_exceeded"),
        ] {
            let creations = Arc::new(AtomicU32::new(0));
            let seen = {
                let creations = Arc::clone(&creations);
                move || creations.load(Ordering::SeqCst)
            };
            let error = match way {
                Way::Anthropic => anthropic_error(kind, "Overloaded"),
                _ => openai_error("Overloaded", kind, None),
            };
            let refuse = Twist::Instead(Reply::json(status, &error));
            let second = Oddity::new(Place::Create, When::Always, refuse)
                .only(move |_| creations.fetch_add(1, Ordering::SeqCst) == 1);
            let runs = |batch: &mut Value| {
                if batch.get("processing_status").is_some() {
                    batch["processing_status"] = "in_progress".into();
                    batch["results_url"] = Value::Null;
                } else {
                    batch["status"] = "in_progress".into();
                }
            };
            let count = seen.clone();
            let first = Oddity::new(Place::Batch, When::EveryThing(u32::MAX), edit(runs))
                .only(move |_| count() < 3);
            let list =
                edit(move |page| page["data"].as_array_mut().unwrap().iter_mut().for_each(runs));
            let count = seen.clone();
            let listed = Oddity::new(Place::List, When::Always, list).only(move |_| count() < 3);
            let trial = Trial::of(
                way,
                vec![second, first, listed],
                crate::provider::config(),
                &["--limit", "3", "--rows-per-job", "1"],
            );
            let ended = trial.run_at_most(Duration::from_secs(20), &["build"], &[]);
            assert_eq!(ended.code, Some(0), "{way:?} {status}: {}", ended.text);
            trial.assert_as_without();
        }
    }
}
