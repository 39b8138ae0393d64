//! Backends and their descriptors on the command line, including unknown backends.

use std::path::Path;
use std::process::Output;

use clinstruct_store::{Durability, Store};
use serde_json::Value;

use crate::{STEMS, files, json, rows, run};

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// Makes a run look as if another program had built it, with a backend that this one does not have.
fn built_elsewhere(out: &Path) {
    let mut store = Store::open(out, Durability::Fast).unwrap();
    for name in ["plan", "models"] {
        let known = store.meta(name).unwrap().unwrap();
        store.set_meta(name, &known.replace("of rehearsal", "of elsewhere")).unwrap();
    }
    let settings = store.meta("settings").unwrap().unwrap();
    let mut settings: Value = serde_json::from_str(&settings).unwrap();
    let facts = settings["facts"].as_object_mut().unwrap();
    let known = facts.remove("rehearsal").unwrap();
    facts.insert("elsewhere".into(), known);
    settings["backend"] = "elsewhere".into();
    settings["model"] = "rehearsal".into();
    store.set_meta("settings", &settings.to_string()).unwrap();
}

#[test]
fn a_run_of_an_unknown_backend_can_be_read_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path(), &["build", "o", "--limit", "2", "--json"]);
    let out = dir.path().join("o");
    let before = files(&out, "conversations");
    built_elsewhere(&out);
    for command in
        ["status", "jobs", "plan", "turns", "show", "parse", "conversations", "report", "export"]
    {
        let done = run(dir.path(), &[command, "o"]);
        assert_eq!(done.status.code(), Some(0), "{command}: {}", text(&done));
    }
    let summary = json(dir.path(), &["reparse", "o", "--json"]);
    assert_eq!(summary["backend"], "elsewhere", "{summary}");
    assert_eq!(summary["rehearsal"], true, "{summary}");
    let after = files(&out, "conversations");
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let said = |all: &std::collections::BTreeMap<String, Vec<u8>>| -> Vec<String> {
        let texts = all.values().map(|file| String::from_utf8(file.clone()).unwrap());
        texts.map(|text| text.replace("\"elsewhere\"", "\"rehearsal\"")).collect()
    };
    assert_eq!(said(&before), said(&after));

    // Commands that would send something fail, and list the available backends.
    for command in ["resume", "submit", "collect"] {
        let refused = run(dir.path(), &[command, "o"]);
        assert_eq!(refused.status.code(), Some(2), "{command}: {}", text(&refused));
        assert!(text(&refused).contains("there is no backend \"elsewhere\""), "{}", text(&refused));
        assert!(text(&refused).contains("openai, anthropic, chat"), "{}", text(&refused));
    }
}

#[test]
fn what_rehearse_writes_is_marked_through_a_program() {
    let dir = tempfile::tempdir().unwrap();
    let program = format!(
        "{} rehearse {{input}} {{output}} --misbehave none",
        env!("CARGO_BIN_EXE_clinstruct")
    );
    let args = ["build", "o", "--backend", "command", "--model", "M", "--limit", "1", "--json"];
    let summary = json(
        dir.path(),
        &[&args[..], &["--part", STEMS[0], "--pause", "20", "--command", &program]].concat(),
    );
    assert_eq!(summary["rehearsal"], true, "{summary}");
    assert_eq!(summary["backend"], "command");
    for kind in ["prompts", "conversations"] {
        let rows = rows(&dir.path().join("o"), kind, STEMS[0]);
        assert!(!rows.is_empty());
        assert!(rows.iter().all(|row| row["provenance"]["rehearsal"] == true), "{kind}: {rows:?}");
    }
    let refused = run(dir.path(), &["publish", "somebody/something", "o"]);
    assert!(text(&refused).contains("this is a rehearsal"), "{}", text(&refused));
}

#[test]
fn an_estimate_names_the_backend_and_needs_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    for (backend, model) in
        [("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"), ("chat", "qwen3-8b")]
    {
        let args = ["estimate", "--backend", backend, "--model", model, "--limit", "1", "--json"];
        let told = json(dir.path(), &args);
        let models = told["models"].as_str().unwrap();
        assert!(models.contains(&format!("{model} of {backend}")), "{models}");
    }
    for backend in ["command", "llama"] {
        let args = ["estimate", "--backend", backend, "--model", "M", "--limit", "1", "--json"];
        let models = json(dir.path(), &args)["models"].as_str().unwrap().to_owned();
        assert!(models.contains(&format!("M of {backend}")), "{models}");
    }
    // If only the model is named, its provider is used.
    for (model, backend) in [("gpt-4o", "openai"), ("claude-haiku-4-5", "anthropic")] {
        let told = json(dir.path(), &["estimate", "--model", model, "--limit", "1", "--json"]);
        let models = told["models"].as_str().unwrap();
        assert!(models.contains(&format!("{model} of {backend}")), "{models}");
    }
}

#[test]
fn wrong_settings_of_backends_are_wrong_use() {
    let dir = tempfile::tempdir().unwrap();
    for (args, told) in [
        (&["--backend", "nowhere"][..], "invalid value 'nowhere'"),
        (&["--backend", "chat"], "--backend chat needs --model"),
        (&["--backend", "chat", "--model", "m"], "--backend chat needs an address"),
        (&["--backend", "command", "--model", "m"], "--backend command needs --command"),
        (&["--backend", "openai", "--profile", "x"], "there is no profile \"x\""),
        (&["--backend", "openai", "--profile", "azure"], "needs a base URL"),
        (&["--backend", "openai"], "there is no key for https://api.openai.com/v1"),
        (&["--misbehave", "badly"], "--misbehave badly has no `=`"),
        (&["--misbehave", "badly=1"], "unknown injected fault \"badly\""),
        (&["--backend-option", "folder"], "--backend-option folder has no `=`"),
    ] {
        let out = run(dir.path(), &[&["build", "o", "--limit", "1"], args].concat());
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out));
        assert!(text(&out).contains(told), "{args:?}: {}", text(&out));
    }
    #[cfg(not(feature = "llama"))]
    {
        let out = run(dir.path(), &["build", "o", "--limit", "1", "--backend", "llama"]);
        assert!(text(&out).contains("built without the llama backend"), "{}", text(&out));
    }
}
