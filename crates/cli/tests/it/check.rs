//! `clinstruct check`, and the metrics of a run.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{json, run};

fn check(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let out = run(dir, args);
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

/// A rehearsal run meets every target that code can measure, and `check` measures the same.
#[test]
fn a_rehearsal_run_meets_its_targets() {
    let dir = tempfile::tempdir().unwrap();
    let summary = json(dir.path(), &["build", "--limit", "520", "--out", "o", "--json"]);
    let metrics = summary["quality"]["metrics"]["values"].as_array().unwrap();
    // The first rows of each part have few tasks, with less varied prompts.
    let missed: Vec<&Value> = metrics
        .iter()
        .filter(|m| {
            // The grammar answers the variants of a message alike where both are asked the same.
            let alike = m["id"] == "exact_duplicates"
                && m["subject"] == "follow-ups"
                && m["count"].as_u64().is_some_and(|count| count <= 2);
            let varied = m["id"] != "distinct_pairs" && m["id"] != "zlib_ratio";
            m["verdict"] == "missed" && varied && !alike
        })
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(metrics.len() > 35, "{}", metrics.len());
    let repairs = summary["repairs"].as_object().unwrap();
    let sum = |key: &str| repairs.values().filter_map(|c| c[key].as_u64()).sum::<u64>();
    assert!(sum("first") > 20, "{repairs:#?}");
    assert!(sum("first") <= sum("repaired") + sum("rejected"));
    let splits = summary["quality"]["splits"].as_object().unwrap();
    let rows: u64 = splits
        .values()
        .flat_map(|s| s.as_object().unwrap().values())
        .filter_map(Value::as_u64)
        .sum();
    let kept = |p: &Value| p["in_dataset"].as_u64().unwrap();
    assert_eq!(rows, summary["parts"].as_array().unwrap().iter().map(kept).sum::<u64>());
    assert_eq!(summary["counts_add_up"], true);

    // Of a run's folder, the rows of the dataset: those that no pass dropped.
    let (run_dir, stem) = (dir.path().join("o"), crate::STEMS[2]);
    let annotations = crate::rows(&run_dir, "annotations", stem);
    let dropped = annotations.iter().filter(|a| !a["dropped"].is_null()).count();
    assert!(dropped > 0, "so many rows have a near duplicate");
    let (code, out, err) = check(dir.path(), &["check", "o"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(err.contains(&format!("{stem}.jsonl: measured without {dropped} dropped row")));
    let missed = out.lines().filter(|l| {
        l.contains("MISSED")
            && !l.contains("of prompts")
            && !l.contains("exact duplicates, follow-ups")
    });
    let missed = missed.count();
    assert!(out.contains("instructions followed") && missed == 0, "{out}");
    let of_run = json(dir.path(), &["check", "o", "--json"]);
    assert_eq!(of_run["metrics"]["conversations"], rows);
    // Of a file, all rows, with a line on those that the dataset leaves out.
    let file = format!("o/conversations/{stem}.jsonl");
    let (_, out, err) = check(dir.path(), &["check", &file]);
    let note = format!("{file}: measured with {dropped} dropped row");
    assert!(err.contains(&note), "{err}");
    assert!(out.contains(" repeats "), "{out}");
    let of_file = json(dir.path(), &["check", &file, "--json"]);
    assert_eq!(of_file["metrics"]["conversations"], annotations.len());
    assert_eq!(of_file["dropped_rows"], serde_json::json!({ &file: dropped }));
    // Other parts may have dropped rows, too.
    assert_eq!(of_run["dropped_rows"][&file], dropped);
}

#[test]
fn a_missed_target_is_an_error_where_the_gate_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let row = r#"{"id": "a", "conversation": [{"role": "user", "value": "\"How much?\""}, {"role": "chatbot", "value": "Certainly! Give 500 mg at once."}]}"#;
    fs::write(dir.path().join("d.jsonl"), row).unwrap();
    let (code, out, _) = check(dir.path(), &["check", "d.jsonl"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("wrapping quotes, prompts") && out.contains("MISSED"), "{out}");
    let (code, _, err) = check(dir.path(), &["check", "d.jsonl", "--gate"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("miss their target"), "{err}");
    let (_, out, _) = check(dir.path(), &["check", "d.jsonl", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["metrics"]["conversations"], 1);
}

#[test]
fn a_metric_is_counted_and_names_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let answers = ["Give 400 mg of ibuprofen.", "Give 200 mg of ibuprofen with food."];
    let row = |i: usize, answer: &str| {
        let id = format!("row-{i}");
        serde_json::json!({ "id": id, "prompt": format!("What against pain, in case {i}?"), "completion": answer })
            .to_string()
    };
    let rows: Vec<String> = (0..4).map(|i| row(i, answers[i % 2])).collect();
    fs::write(dir.path().join("d.jsonl"), rows.join("\n")).unwrap();
    let (code, out, _) = check(dir.path(), &["check", "d.jsonl"]);
    assert_eq!(code, Some(0));
    let line = |name: &str| out.lines().find(|l| l.trim_start().starts_with(name)).unwrap();
    let doses = line("doses without a warning");
    assert!(doses.contains(" 4 of 4 ") && doses.ends_with("MISSED"), "{doses}");
    // No fault in four answers is no proof.
    let openers = line("filler openers");
    assert!(openers.contains(" 0 of 4 ") && openers.ends_with("too few to tell (least 300)"));
    assert!(!out.lines().any(|l| l.ends_with(" met")), "{out}");
    let unmeasured = line("not measured:");
    for name in ["texts in another language", "missed red flags and contraindications (4)"] {
        assert!(unmeasured.contains(name), "{unmeasured}");
    }

    let show = ["check", "d.jsonl", "--show", "doses-without-warning"];
    let (_, out, _) = check(dir.path(), &show);
    assert_eq!(out.lines().count(), 4);
    assert!(out.starts_with("row-0, message 2, bytes 5..11: Give 400 mg of ibuprofen.\n"), "{out}");
    let (_, out, _) = check(dir.path(), &[&show[..], &["--json"]].concat());
    let fault: Value = serde_json::from_str(out.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&fault["id"], &fault["turn"]), (&"row-1".into(), &1.into()));
    assert_eq!((&fault["message"], &fault["span"]), (&1.into(), &serde_json::json!([5, 11])));
    let (_, out, _) = check(dir.path(), &["check", "d.jsonl", "--show", "exact_duplicates"]);
    assert_eq!(out.lines().count(), 0, "too short to count: {out}");
    let (code, _, err) = check(dir.path(), &["check", "d.jsonl", "--show", "zlib_ratio"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("the metrics with rows are"), "{err}");
}

/// A dataset without a fault that is too small to say so passes the gate.
#[test]
fn too_few_texts_do_not_fail_the_gate() {
    let dir = tempfile::tempdir().unwrap();
    let row =
        r#"{"prompt": "How long does a sprain take to heal?", "completion": "About six weeks."}"#;
    fs::write(dir.path().join("d.jsonl"), row).unwrap();
    let (code, out, err) = check(dir.path(), &["check", "d.jsonl", "--gate"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("metrics: 0 met, 0 missed, "), "{out}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("d.jsonl"),
        b"{\"prompt\": \"One question here?\"}\nnot json\n{\"prompt\": \"\xff\"}\n",
    )
    .unwrap();
    let (code, out, err) = check(dir.path(), &["check", "d.jsonl"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(
        err.contains("d.jsonl, row 2: not JSON") && err.contains("row 3: invalid UTF-8"),
        "{err}"
    );
    assert!(out.contains("1 conversation: 1 prompt, 0 answers"), "{out}");

    fs::write(dir.path().join("e.csv"), "question\n").unwrap();
    for (args, part) in [
        (vec!["check", "none.jsonl"], "cannot read none.jsonl"),
        (vec!["check", "e.csv"], "no row that can be read"),
        (vec!["check", "d.jsonl", "--eval", "e.csv"], "e.csv has no rows"),
        (vec!["check", "d.jsonl", "--eval", "d.jsonl:stem"], "no column \"stem\""),
        (vec!["check", "d.jsonl", "--similar", "7"], "--similar 7 is no share"),
    ] {
        let (code, _, err) = check(dir.path(), &args);
        assert_eq!(code, Some(2), "{args:?}: {err}");
        assert!(err.contains(part) && err.contains("hint: "), "{args:?}: {err}");
    }
}

#[test]
fn evaluation_items_in_the_data_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let item = "Which vitamin is given to a child with measles to prevent blindness and death?";
    fs::write(
        dir.path().join("eval.csv"),
        format!("stem\n{item}\nAnother question of seven words or so?\n"),
    )
    .unwrap();
    let rows = format!(
        "{{\"prompt\": \"Colleague asks: {item}\"}}\n{{\"prompt\": \"How is measles spread among children?\"}}\n"
    );
    fs::write(dir.path().join("d.jsonl"), rows).unwrap();
    let report = json(dir.path(), &["check", "d.jsonl", "--eval", "eval.csv:stem", "--json"]);
    let found = &report["contamination"][0];
    assert_eq!((&found["items"], &found["rows"]), (&2.into(), &1.into()), "{found}");
    assert_eq!(found["hits"][0]["matched"], 14, "{found}");
}

/// Rows with an evaluation item are dropped from the dataset, and stay in `conversations/`.
#[test]
fn a_dataset_has_no_evaluation_item() {
    let dir = tempfile::tempdir().unwrap();
    let build = ["build", "--limit", "3", "--out", "o", "--json"];
    let before = json(dir.path(), &build);
    let stem = crate::STEMS[0];
    let before_rows = crate::rows(&dir.path().join("o"), "conversations", stem);
    let row = &before_rows[0];
    let item = serde_json::json!({ "stem": row["messages"][1]["content"] });
    fs::write(dir.path().join("medexam.jsonl"), item.to_string()).unwrap();
    let eval = ["--eval", "medexam.jsonl:stem", "--gate"];
    let after = json(dir.path(), &[&build[..], &eval].concat());
    assert_eq!(after["quality"]["contaminated"]["medexam"], 1, "{after:#}");
    assert_eq!(after["counts_add_up"], true);
    assert_eq!(after["call"]["requested"], 0);
    let kept = |s: &Value| s["parts"][0]["in_dataset"].as_u64().unwrap();
    assert_eq!(kept(&after) + 1, kept(&before));
    assert_eq!(after["parts"][0]["dropped"]["contaminated"], 1);
    let run_dir = dir.path().join("o");
    let (rows, annotations) =
        (crate::rows(&run_dir, "conversations", stem), crate::rows(&run_dir, "annotations", stem));
    assert_eq!(rows, before_rows, "no row is moved or changed");
    assert!(rows.iter().zip(&annotations).all(|(row, a)| row["id"] == a["id"]));
    assert_eq!(annotations[0]["id"], row["id"]);
    let dropped = &annotations[0]["dropped"];
    assert_eq!(
        (&dropped["pass"], &dropped["reason"]),
        (&"contamination".into(), &"contaminated".into())
    );
    assert!(dropped["detail"].as_str().unwrap().contains("of an item of medexam"), "{dropped}");
    assert!(annotations[0].get("split").is_none());
    // It is in no training file, and the report and the card agree.
    let export = ["export", "o", "--format", "messages", "--to", "out"];
    assert!(run(dir.path(), &export).status.success());
    let id = row["id"].as_str().unwrap();
    for split in ["train", "validation", "test"] {
        let path = dir.path().join("out").join(stem).join(format!("{split}.jsonl"));
        let text = fs::read_to_string(path).unwrap_or_default();
        assert!(!text.contains(&format!("\"{id}\"")), "{split}");
    }
    let page = fs::read_to_string(run_dir.join("report.html")).unwrap();
    assert!(page.contains("<b>1</b><span>rows dropped</span>") && !page.contains("banner bad"));
    let card = fs::read_to_string(run_dir.join("dataset/README.md")).unwrap();
    assert!(
        card.contains("contaminated 1") && card.contains("Rows dropped for items of medexam"),
        "{card}"
    );
    let status = json(dir.path(), &["status", "o", "--json"]);
    assert_eq!(status["dataset"]["dropped"], 1);
    // Without the evaluation set it is in the dataset again.
    let again = json(dir.path(), &build);
    assert_eq!(kept(&again), kept(&before));
    for wrong in [["--eval", "none.csv"], ["--split", "0.9"], ["--split", "0.6,0.6"]] {
        let (code, _, err) = check(dir.path(), &[&build[..], &wrong].concat());
        assert_eq!(code, Some(2), "{wrong:?}: {err}");
    }
    let halves = json(dir.path(), &[&build[..], &["--split", "0.25,0.25"]].concat());
    let splits = &halves["quality"]["splits"][stem];
    let of = |name: &str| splits[name].as_u64().unwrap();
    assert!(of("validation") + of("test") >= 1 && of("train") >= 1, "{splits}");
}
