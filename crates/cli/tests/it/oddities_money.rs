//! The spending limit holds, whatever a provider reports.

use std::time::Duration;

use clinstruct_testkit::{Oddity, Place, Reply, Twist, When};
use serde_json::json;

use crate::oddities::{Trial, Way, pollution};
use crate::provider::config;

/// Prompts of each run: several times what the limit allows.
const LIMIT: usize = 60;
/// US dollars.
const CAP: f64 = 0.05;

/// Parts of a provider's bill that the ledger misses if only `usage` is read.
fn leaks(way: Way) -> Vec<(&'static str, Oddity)> {
    let (place, body, tokens, answer) = match way {
        Way::Anthropic => (Place::AnthropicRow, "/result/message", "output_tokens", "content"),
        Way::Chat => (Place::ChatBody, "", "completion_tokens", "choices"),
        _ => (Place::OpenAiRow, "/response/body", "completion_tokens", "choices"),
    };
    let usage = format!("{body}/usage");
    let odd = |when, twist| Oddity::new(place, when, twist);
    let mut all = vec![
        ("usage is missing", odd(When::Always, Twist::Remove(usage.clone())).harmless()),
        ("usage is null", odd(When::Always, Twist::Set(usage.clone(), json!(null))).harmless()),
        (
            "tokens below zero",
            odd(When::Always, Twist::Set(format!("{usage}/{tokens}"), json!(-9_000_000)))
                .harmless(),
        ),
        (
            "no answer in every second row",
            odd(When::EveryThing(2), Twist::Set(format!("{body}/{answer}"), json!(null))),
        ),
        (
            "no answer at first, and no usage",
            odd(
                When::First(1),
                Twist::Edit(std::sync::Arc::new(move |reply| {
                    if let Some(body) = reply.pointer_mut(body) {
                        *body = json!({"id": "odd"});
                    }
                })),
            ),
        ),
    ];
    if way != Way::Chat {
        let id = Twist::Set("/custom_id".into(), json!(null));
        all.push(("no id in every second row", odd(When::EveryThing(2), id)));
        let missing = Twist::Instead(Reply::json(404, &json!({"error": {"message": "not found"}})));
        all.push((
            "no batch is found at first",
            Oddity::new(Place::Batch, When::First(2), missing),
        ));
    }
    all
}

/// During a run, neither the spent and in-flight amount nor the provider's charge ever exceeds the limit.
fn capped(way: Way) {
    for (name, oddity) in leaks(way) {
        let limit = LIMIT.to_string();
        let options = ["--limit", &limit, "--rows-per-job", "6"];
        let mut trial = Trial::of(way, vec![oddity], config(), &options);
        trial.cap = CAP;
        let (ended, most_booked) = std::thread::scope(|scope| {
            let run = scope.spawn(|| trial.build());
            let mut most = 0.0_f64;
            while !run.is_finished() {
                most = most.max(trial.booked().1);
                std::thread::sleep(Duration::from_millis(50));
            }
            (run.join().unwrap(), most.max(trial.booked().1))
        });
        let what = format!("{way:?}, {name}: {:?} {}", ended.code, ended.text);
        assert!(matches!(ended.code, Some(1 | 3)), "{what}");
        assert!(most_booked <= CAP + 1e-6, "{what}\n${most_booked} booked");
        let billed = trial.billed();
        assert!(billed <= CAP, "{what}\n${billed} billed");
        // Otherwise this proves nothing. Unusable answers may stop it before.
        assert!(ended.code == Some(3) || billed > CAP * 0.05, "{what}\nonly ${billed} billed");
        assert!(trial.booked().1 >= billed * 0.5, "{what}\n{:?} booked", trial.booked());

        trial.end_oddities();
        trial.cap = 5.0;
        let ended = trial.build();
        assert!(matches!(ended.code, Some(0 | 1)), "{way:?}, {name}: {}", ended.text);
        let rows = trial.rows();
        assert_eq!((rows.len(), pollution(&rows)), (LIMIT, None), "{way:?}, {name}");
        assert!(trial.most_paid() <= 2, "{way:?}, {name}: {} times", trial.most_paid());
        assert!(trial.contents().iter().all(|c| c.usable <= 1), "{way:?}, {name}");
        assert!(trial.booked().0 >= trial.billed() * 0.5, "{way:?}, {name}");
    }
}

#[test]
fn the_cap_of_openai_batches_holds() {
    capped(Way::OpenAi);
}

#[test]
fn the_cap_of_anthropic_batches_holds() {
    capped(Way::Anthropic);
}

#[test]
fn the_cap_of_chats_holds() {
    capped(Way::Chat);
}

/// The same without an oddity, as a baseline for the numbers above.
#[test]
fn the_cap_holds_without_an_oddity() {
    for way in [Way::OpenAi, Way::Anthropic, Way::Chat] {
        let limit = LIMIT.to_string();
        let options = ["--limit", &limit, "--rows-per-job", "6"];
        let mut trial = Trial::of(way, Vec::new(), config(), &options);
        trial.cap = CAP;
        let ended = trial.build();
        ended.assert_code(1);
        ended.assert_contains("--max-cost");
        let billed = trial.billed();
        assert!(billed <= CAP && billed > CAP * 0.2, "{way:?}: ${billed}");
        trial.cap = 5.0;
        trial.build().assert_code(0);
        assert_eq!((trial.rows().len(), trial.most_paid()), (LIMIT, 1));
    }
}
