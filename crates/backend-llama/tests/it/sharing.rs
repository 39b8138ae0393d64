//! Prefixes that several texts share.

use std::collections::BTreeMap;
use std::sync::Arc;

use clinstruct_backend_llama::{Ask, Counts, Sampling, Scheduler, Token};
use clinstruct_schema::RequestId;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::engine::Counting;

struct Wanted {
    prompt: Vec<Token>,
    seed: u32,
    max_tokens: usize,
    /// Step before which it arrives.
    at: usize,
}

/// Runs all, and returns each text and the counters.
fn run(wanted: &[Wanted], sequences: usize, share: bool) -> (Vec<String>, Counts) {
    let mut scheduler =
        Scheduler::new(Counting::new(sequences, 2000), Vec::new(), share, String::new());
    let (reply, mut rows) = mpsc::unbounded_channel();
    let mut step = 0;
    let mut left = wanted.iter().enumerate().collect::<Vec<_>>();
    while !left.is_empty() || !scheduler.is_idle() {
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, w)| w.at <= step);
        left = later;
        for (i, w) in now {
            let mut id = [0; 16];
            id[0] = i as u8;
            scheduler.take(Ask {
                id: RequestId(id),
                model: "m".into(),
                prompt: w.prompt.clone(),
                max_tokens: w.max_tokens,
                sampling: Sampling { temperature: 0.8, seed: w.seed, json_schema: None },
                reply: reply.clone(),
                cancelled: Arc::default(),
            });
        }
        scheduler.advance().unwrap();
        step += 1;
        assert!(step < 100_000, "it ends");
    }
    drop(reply);
    let mut texts = BTreeMap::new();
    while let Ok(row) = rows.try_recv() {
        let row: Value = serde_json::from_slice(&row.unwrap()).unwrap();
        let body = &row["response"]["body"];
        let text = body["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        let before = texts.insert(row["custom_id"].as_str().unwrap().to_owned(), text);
        assert!(before.is_none(), "each comes once");
    }
    (texts.into_values().collect(), scheduler.counts())
}

fn prompt(parts: &[&str]) -> Vec<Token> {
    parts.concat().bytes().map(Token::from).collect()
}

proptest! {
    /// Whatever runs concurrently, whenever it arrives and whatever is shared, a text is that of its prompt alone.
    #[test]
    fn a_text_does_not_depend_on_what_runs_beside_it(
        picked in vec((0_usize..4, 0_usize..4, 0_u32..5, 1_usize..40, 0_usize..60), 1..24),
        sequences in 1_usize..9,
        share in any::<bool>(),
    ) {
        let system = ["You write the first message of a health worker to an assistant. ".repeat(2),
            "You are a medical assistant, and you answer in a list of five. ".repeat(3),
            "You write the first message of a health worker, in French. ".repeat(2),
            String::new()];
        let said = ["Fever?", "Fever and a rash since Monday?", "How much paracetamol does a child need?", "x"];
        let wanted: Vec<Wanted> = picked
            .into_iter()
            .map(|(a, b, seed, max_tokens, at)| Wanted {
                prompt: prompt(&[&system[a], said[b]]), seed, max_tokens, at,
            })
            .collect();
        let (texts, counts) = run(&wanted, sequences, share);
        let alone: Vec<String> =
            wanted.iter().map(|w| Counting::alone(&w.prompt, w.seed, w.max_tokens)).collect();
        prop_assert_eq!(texts, alone);
        let all: u64 = wanted.iter().map(|w| w.prompt.len() as u64).sum();
        prop_assert_eq!(counts.fed + counts.reused, all);
        prop_assert!(share || counts.reused == 0);
    }
}

#[test]
fn a_system_prompt_is_fed_once_for_rows_that_come_together() {
    let system = "You are a medical assistant. ".repeat(10);
    let wanted: Vec<Wanted> = (0..32)
        .map(|i| Wanted {
            prompt: prompt(&[&system, &format!("{i:02} is the number of the question")]),
            seed: i,
            max_tokens: 20,
            at: 0,
        })
        .collect();
    let (_, shared) = run(&wanted, 32, true);
    let (_, whole) = run(&wanted, 32, false);
    assert_eq!(whole.fed, 32 * wanted[0].prompt.len() as u64);
    let own = (wanted[0].prompt.len() - system.len()) as u64;
    assert!(shared.fed <= system.len() as u64 + 32 * own, "{shared:?}");
}

#[test]
fn the_next_turn_of_a_conversation_finds_the_one_before_it() {
    let system = "You are a medical assistant. ".repeat(4);
    let first = prompt(&[&system, "<user>Fever?<assistant>"]);
    let answer = Counting::alone(&first, 3, 30);
    let second =
        prompt(&[&system, "<user>Fever?<assistant>", &answer, "<user>And then?<assistant>"]);
    let long = second.len();
    let wanted = [
        Wanted { prompt: first.clone(), seed: 3, max_tokens: 30, at: 0 },
        Wanted { prompt: second, seed: 4, max_tokens: 5, at: 60 },
    ];
    let (_, counts) = run(&wanted, 2, true);
    let begun = first.len() + answer.len().saturating_sub(1);
    assert!(counts.fed as usize <= first.len() + long - begun, "{counts:?}");
}
