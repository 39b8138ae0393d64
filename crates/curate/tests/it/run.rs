//! A run folder: dropped rows remain, are annotated and are not in the mix.

use std::fs;
use std::path::Path;

use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::metrics::Facts;
use clinstruct_curate::splits::Shares;
use clinstruct_curate::{Annotations, Error, Mix, Settings, Spill, clear_annotations, curate_run};
use clinstruct_schema::{BackendId, PartSummary, SCHEMA_VERSION, Split, Summary};
use clinstruct_testkit::conversation;
use serde_json::{Value, json};

const STEMS: [&str; 2] = ["first", "second"];
const ITEM: &str = "Which vitamin is given to a child with measles to prevent blindness and death?";

/// A row of a part, about a patient of its own.
fn row(part: &str, id: &str, question: &str, answer: &str) -> Value {
    let mut row = conversation(id, &[question, answer], &[]);
    row["part"] = json!(part);
    row["attributes"]["card"]["social"] = json!(id);
    row
}

/// Two parts of two rows: the second row of the first part contains an evaluation item, the last row of the second part
/// repeats the very first row.
fn run(dir: &Path) -> Summary {
    let same = "Start with oral rehydration, and see the child again within two days, or earlier.";
    let rows = [
        row("first", "a", "How is diarrhoea of a small child treated at home?", same),
        row("first", "b", &format!("A colleague asks me: {ITEM}"), "It is vitamin A."),
        row("second", "c", "When is a cough of three weeks a reason to test?", "It always is."),
        row("second", "d", "What do I tell a mother whose child has loose stools?", same),
    ];
    let mut parts = Vec::new();
    for (stem, rows) in STEMS.iter().zip(rows.chunks(2)) {
        let lines = rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n";
        for kind in ["conversations", "situations"] {
            fs::create_dir_all(dir.join(kind)).unwrap();
            fs::write(dir.join(kind).join(format!("{stem}.jsonl")), &lines).unwrap();
        }
        parts.push(PartSummary {
            part: (*stem).to_owned(),
            stem: (*stem).to_owned(),
            planned: 2,
            in_dataset: 2,
            ..PartSummary::default()
        });
    }
    summary(parts)
}

pub(crate) fn summary(parts: Vec<PartSummary>) -> Summary {
    Summary {
        schema_version: SCHEMA_VERSION,
        backend: BackendId("rehearsal".into()),
        model: "rehearsal".into(),
        rehearsal: true,
        seed: 1,
        shard: None,
        resources: String::new(),
        parts,
        requests_answered: 0,
        counts_add_up: true,
        repairs: [].into(),
        pilot: None,
        quality: None,
    }
}

fn curated(dir: &Path, items: &EvalItems) -> Summary {
    let mut summary = run(dir);
    let facts = Facts::default();
    let (shares, spill) = (Shares::default(), Spill::to(dir));
    let settings = Settings { eval_items: items, facts: &facts, shares, seed: 3, spill: &spill };
    curate_run(dir, &mut summary, &settings).unwrap();
    summary
}

fn items() -> EvalItems {
    let mut items = EvalItems::new();
    let set = items.add_set("exam");
    assert!(items.add(set, ITEM));
    items
}

fn annotations(dir: &Path) -> Vec<Value> {
    let text = |stem| fs::read_to_string(dir.join(format!("annotations/{stem}.jsonl"))).unwrap();
    STEMS.map(text).concat().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_dropped_row_stays_and_is_annotated() {
    let dir = tempfile::tempdir().unwrap();
    let summary = curated(dir.path(), &items());
    let v = SCHEMA_VERSION;
    let all = annotations(dir.path());
    assert_eq!(
        all[0],
        json!({ "id": "a", "split": "train", "dropped": null, "schema_version": v })
    );
    assert_eq!(
        all[1],
        json!({ "id": "b", "dropped": {
            "pass": "contamination", "reason": "contaminated",
            "detail": "message 1: 14 of 14 words of an item of exam",
        }, "schema_version": v })
    );
    assert_eq!(
        all[3],
        json!({ "id": "d", "dropped": {
            "pass": "near_duplicates", "reason": "near_duplicate", "detail": "repeats a",
        }, "schema_version": v })
    );
    // The rows are unchanged, and the mix has those that were not dropped.
    let mut kept = Vec::new();
    for stem in STEMS {
        let path = dir.path().join(format!("conversations/{stem}.jsonl"));
        assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 2);
        let mut mix = Mix::open(dir.path(), stem).unwrap();
        while let Some((annotation, line)) = mix.advance().unwrap() {
            assert!(line.contains(&format!("\"id\":\"{}\"", annotation.id)), "{line}");
            if annotation.dropped.is_none() {
                kept.push(annotation.id);
            }
        }
    }
    assert_eq!(kept, ["a", "c"]);
    for part in &summary.parts {
        assert_eq!((part.in_dataset, part.dropped()), (1, 1));
        assert!(part.adds_up());
    }
    let quality = summary.quality.unwrap();
    assert_eq!(quality.metrics.conversations, 2);
    assert_eq!(quality.contaminated["exam"], 1);
    assert_eq!(quality.duplicates.rows, 1);
    let split: u64 = quality.splits.values().flat_map(|s| s.values()).sum();
    assert_eq!(split, 2);
}

#[test]
fn equal_input_gives_equal_bytes_on_any_number_of_threads() {
    let written = |threads| {
        let dir = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let summary = pool.install(|| curated(dir.path(), &items()));
        // A second run changes nothing and leaves no other file.
        let before = annotations(dir.path());
        assert_eq!(pool.install(|| curated(dir.path(), &items())), summary);
        assert_eq!(annotations(dir.path()), before);
        let files = fs::read_dir(dir.path().join("annotations")).unwrap().count();
        assert_eq!(files, STEMS.len());
        (before, serde_json::to_string(&summary).unwrap())
    };
    assert_eq!(written(1), written(3));
}

#[test]
fn annotations_of_other_rows_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    curated(dir.path(), &items());
    let path = dir.path().join("annotations/first.jsonl");
    let read = || {
        let mut mix = Mix::open(dir.path(), "first")?;
        while mix.advance()?.is_some() {}
        Ok::<(), Error>(())
    };
    let text = fs::read_to_string(&path).unwrap();
    read().unwrap();
    fs::write(&path, text.replace("\"b\"", "\"x\"")).unwrap();
    let error = read().unwrap_err().to_string();
    assert!(error.contains("line 2: it is of x, the conversation is \"b\""), "{error}");
    fs::write(&path, text.lines().next().unwrap()).unwrap();
    assert!(read().unwrap_err().to_string().contains("has no annotation"));
    fs::write(&path, text.repeat(2)).unwrap();
    assert!(read().unwrap_err().to_string().contains("has no conversation"));
    clear_annotations(dir.path()).unwrap();
    assert!(matches!(read(), Err(Error::NotCurated { .. })));
}

#[test]
fn splits_of_version_1_are_annotations_that_drop_nothing() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path());
    fs::create_dir(dir.path().join("splits")).unwrap();
    let lines = "{\"id\":\"a\",\"split\":\"test\"}\n{\"id\":\"b\",\"split\":\"train\"}\n";
    fs::write(dir.path().join("splits/first.jsonl"), lines).unwrap();
    let read: Vec<_> =
        Annotations::open(dir.path(), "first").unwrap().map(Result::unwrap).collect();
    assert_eq!(
        read.iter().map(|a| a.split).collect::<Vec<_>>(),
        [Some(Split::Test), Some(Split::Train)]
    );
    assert!(read.iter().all(|a| a.dropped.is_none() && a.schema_version == 1));
    clear_annotations(dir.path()).unwrap();
    assert!(!dir.path().join("splits").exists());
}
