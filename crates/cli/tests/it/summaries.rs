//! What commands print of a plan and a run, for a small rehearsal with a fixed seed, pinned in `summaries.txt`.

use std::fs;
use std::process::Stdio;

use crate::pinned::{self, Transcript};
use crate::{STEMS, clinstruct, rows};

/// An item that is in no row, and one that is too short.
const ITEMS: &str = "{\"question\": \"which of these seven rivers flows through the old town of Basel\"}\n\
                     {\"question\": \"too short\"}\n";

/// Faults in what is written; those of a delivery would make the number of requests depend on the jobs.
const FAULTS: &str = "--misbehave none --misbehave text_refusal=0.2 --misbehave hash_heading=0.3 --misbehave violation=0.3";

#[test]
fn every_summary_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("items.jsonl"), ITEMS).unwrap();
    let mut all = Transcript::new(dir);
    let mut add = |words: &str| {
        let mut command = clinstruct(dir);
        command.args(shlex::split(words).unwrap()).stdin(Stdio::null());
        all.add(command.env("CLINSTRUCT_MODELS", dir.join("models")));
    };
    add("plan");
    add("plan --limit 3 --json");
    add("estimate --model gpt-4o");
    add("estimate --limit 3");
    add(&format!("build run -v --limit 5 --seed 7 --jobs 2 {FAULTS}"));
    add("build plain --limit 3 --seed 7 --jobs 2 --misbehave none --eval items.jsonl");
    add("build plain --limit 3 --seed 7 --jobs 2 --misbehave none --eval items.jsonl");
    add("status plain");
    add("reparse plain -v");
    add("conversations plain --split 0.2,0.2");
    add("report plain");
    add("compare run plain --to compared.html");
    add("export plain --format messages");
    add("export plain");
    add(&format!("check run/conversations/{}.jsonl --eval items.jsonl", STEMS[2]));
    add(&format!("check plain/conversations/{}.jsonl --gate", STEMS[0]));
    add("try --prompt-only --misbehave none");
    add("try --seed 7 --misbehave none --misbehave hash_heading=1");
    let first = rows(&dir.join("plain"), "conversations", STEMS[0]);
    let id = first[0]["id"].as_str().unwrap();
    add(&format!("show plain {id}"));
    let rejected = STEMS.iter().flat_map(|stem| rows(&dir.join("run"), "rejected", stem)).next();
    if let Some(rejected) = rejected {
        add(&format!("show run {} --kind rejected", rejected["id"].as_str().unwrap()));
    }
    add("cancel plain");
    add("retry plain --failed");
    add("model list");
    pinned::compare("summaries.txt", &all.text);
}
