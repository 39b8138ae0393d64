//! `clinstruct check` on other people's data, and on exports.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{json as run_json, run};

fn write(dir: &Path, name: &str, rows: &[Value]) {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    fs::write(dir.join(name), lines.join("\n")).unwrap();
}

/// All metrics by id, and by subject if they have one: count and value.
fn metrics(report: &Value) -> BTreeMap<String, (u64, f64)> {
    let name = |m: &Value| {
        let (id, subject) = (m["id"].as_str().unwrap(), m["subject"].as_str());
        subject.map_or_else(|| id.to_owned(), |subject| format!("{id} {subject}"))
    };
    let value = |m: &Value| (m["of"].as_u64().unwrap(), m["value"].as_f64().unwrap());
    report["metrics"]["values"].as_array().unwrap().iter().map(|m| (name(m), value(m))).collect()
}

/// Texts of a share.
fn count(report: &Value, name: &str) -> u64 {
    let (of, share) = metrics(report)[name];
    (of as f64 * share).round() as u64
}

#[test]
fn every_export_has_the_metrics_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    run_json(dir.path(), &["build", "--limit", "12", "--out", "run", "--json"]);
    for system in ["styles", "none"] {
        let mut first: Option<Value> = None;
        for format in ["messages", "sharegpt", "alpaca", "openai-finetune", "seed"] {
            for encoding in ["jsonl", "parquet"] {
                let to = format!("{system}-{format}-{encoding}");
                let args =
                    ["export", "--out", "run", "--format", format, "--as", encoding, "--json"];
                let written =
                    run_json(dir.path(), &[&args[..], &["--to", &to, "--system", system]].concat());
                let files = written["files"].as_array().unwrap();
                let files: Vec<&str> = files.iter().map(|f| f["path"].as_str().unwrap()).collect();
                let mut report = run_json(dir.path(), &[&["check", "--json"][..], &files].concat());
                // Which of two equal rows is kept depends on their ids, which one format lacks.
                let gone = report["duplicates"]["duplicates"].as_array().unwrap().len();
                report["duplicates"]["duplicates"] = gone.into();
                for key in ["files", "bad_rows"] {
                    report[key] = Value::Null;
                }
                for metric in report["metrics"]["values"].as_array_mut().unwrap() {
                    metric["rows"] = Value::Null;
                }
                let first = first.get_or_insert_with(|| report.clone());
                assert!(report["metrics"]["conversations"].as_u64().unwrap() > 40);
                assert_eq!(metrics(&report), metrics(first), "{to}");
                assert_eq!(&report, first, "{to}");
            }
        }
    }
}

#[test]
fn what_alpaca_is_asked_about_belongs_to_the_question() {
    let dir = tempfile::tempdir().unwrap();
    let asked = "If you are a pharmacist, answer the customer's question in a few sentences.";
    let items = [
        "My son of four swallowed two of my iron tablets an hour ago, and he looks fine.",
        "Can I crush the coated tablets against my heartburn, since I cannot swallow them?",
        "The new inhaler makes my hands shake for half an hour each time that I use it.",
    ];
    let answers = [
        "Take him to a hospital now, for iron is dangerous to children.",
        "No, the coat protects them; ask for granules that dissolve.",
        "That is common in the first weeks and mostly goes away.",
    ];
    let rows: Vec<Value> = items
        .iter()
        .zip(answers)
        .map(|(item, answer)| json!({"instruction": asked, "input": item, "output": answer}))
        .collect();
    fs::write(dir.path().join("d.json"), serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    write(dir.path(), "exam.jsonl", &[json!({"question": items[1]})]);
    let report =
        run_json(dir.path(), &["check", "d.json", "--eval", "exam.jsonl:question", "--json"]);
    assert_eq!(report["metrics"]["conversations"], 3);
    for none in ["near_duplicates", "exact_duplicates prompts"] {
        assert!(metrics(&report)[none].1 < 0.5, "{none}");
    }
    assert_eq!(report["contamination"][0]["rows"], 1);
    assert_eq!(report["contamination"][0]["hits"][0]["id"], "d.json:2");
    // Found in earlier turns, in a system prompt and in a tool's result too.
    let item = items[1];
    let row = |mut row: Value| {
        row["instruction"] = "And the other one?".into();
        row["output"] = "The same holds for it.".into();
        row
    };
    let tool = json!({"messages": [
        {"role": "user", "content": "What do they ask most?"},
        {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "search"}}]},
        {"role": "tool", "content": format!("1. {item}")},
        {"role": "assistant", "content": "Whether tablets may be crushed."},
    ]});
    for row in [row(json!({"history": [[item, "No."]]})), row(json!({"system": item})), tool] {
        write(dir.path(), "d.jsonl", std::slice::from_ref(&row));
        let report = run_json(dir.path(), &["check", "d.jsonl", "--eval", "exam.jsonl", "--json"]);
        assert_eq!(report["contamination"][0]["rows"], 1, "{row}");
        assert_eq!(report["unread_columns"], json!({}), "{row}");
    }
}

#[test]
fn blank_texts_miss_a_target() {
    let dir = tempfile::tempdir().unwrap();
    let row = |question: &str, answer: &str| json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]});
    let rows = [
        row("How long may a thermometer stay in place?", ""),
        row("", "Until it beeps, which takes a minute."),
        row(" \n ", "\t"),
        row("May I shower with a plaster cast?", "\u{200b}"),
    ];
    write(dir.path(), "d.jsonl", &rows);
    let report = run_json(dir.path(), &["check", "d.jsonl", "--json"]);
    assert_eq!(count(&report, "blank_texts"), 5);
    let out = run(dir.path(), &["check", "d.jsonl", "--gate"]);
    assert_eq!(out.status.code(), Some(1));
    let table = String::from_utf8_lossy(&out.stdout);
    let line = table.lines().find(|l| l.contains("empty or blank texts")).unwrap();
    assert!(line.contains(" 5 of 8 (62.5%, 30.6% to 86.3%) "), "{line}");
    assert!(line.contains("at most 0 ") && line.ends_with("MISSED"), "{line}");
}

#[test]
fn control_tokens_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let answers = [
        "Keep it dry.<|im_end|>",
        "Keep it dry.</s>",
        "[INST] Keep [/INST] it dry.",
        "Keep it dry.<end_of_turn>\n<start_of_turn>model\nYes.",
        "<think>They ask about a cast.</think>Keep it dry.",
        "They ask about a cast.</think>Keep it dry.",
        "Keep it dry. <user>: And then?",
        "<|start|>assistant<|channel|>final<|message|>Keep it dry.",
        "<<SYS>>Be brief.<</SYS>>Keep it dry.",
        "Assistant: Keep it dry.",
    ];
    let rows: Vec<Value> = answers
        .iter()
        .map(|answer| json!({"prompt": "May I shower with a plaster cast?", "response": answer}))
        .collect();
    write(dir.path(), "d.jsonl", &rows);
    let report = run_json(dir.path(), &["check", "d.jsonl", "--json"]);
    assert_eq!(count(&report, "control_tokens"), answers.len() as u64);
}

#[test]
fn columns_that_are_not_read_are_named_once() {
    let dir = tempfile::tempdir().unwrap();
    let row = json!({
        "question": "May I shower with a cast?", "answer": "With a bag around it.",
        "context": "A cast of plaster softens when it becomes wet, one of fibre does not.",
        "lang": "en",
    });
    write(dir.path(), "d.jsonl", &[row.clone(), row]);
    let out = run(dir.path(), &["check", "d.jsonl"]);
    assert_eq!(out.status.code(), Some(0));
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(err.matches("d.jsonl: column `context` is not read").count(), 1, "{err}");
    let report = run_json(dir.path(), &["check", "d.jsonl", "--json"]);
    assert_eq!(report["unread_columns"], json!({"d.jsonl": ["context"]}));
}

/// A Parquet file that is damaged, truncated or not Parquet is wrong input, for `check` and for `build --eval`.
#[test]
fn damaged_parquet_is_wrong_input() {
    let dir = tempfile::tempdir().unwrap();
    run_json(dir.path(), &["build", "--limit", "2", "--out", "run", "--json"]);
    let args = ["export", "--out", "run", "--format", "alpaca", "--as", "parquet", "--json"];
    let written = run_json(dir.path(), &args);
    let path = written["files"][0]["path"].as_str().unwrap();
    let whole = fs::read(dir.path().join(path)).unwrap();
    let mut flipped = whole.clone();
    flipped[4] ^= 0xff;
    let files: [(&str, &[u8], &str); 5] = [
        (
            "flipped.parquet",
            &flipped,
            "is damaged in row group 1 of 1, after 0 rows: column \"id\"",
        ),
        ("cut.parquet", &whole[..whole.len() / 2], "it does not end with a footer"),
        ("empty.parquet", b"", "0 bytes are not a Parquet file"),
        ("text.parquet", b"prompt,response\nnone,of this\n", "it does not start with PAR1"),
        ("pointer.parquet", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ];
    for (name, bytes, told) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
        write(dir.path(), "d.jsonl", &[json!({"prompt": "One question here?"})]);
        for args in [
            &["check", name][..],
            &["check", "d.jsonl", "--eval", name],
            &["build", "--limit", "1", "--out", "other", "--eval", name],
        ] {
            let out = run(dir.path(), args);
            let err = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
            assert!(err.contains(name) && err.contains(told) && err.contains("hint: "), "{err}");
        }
    }
}
