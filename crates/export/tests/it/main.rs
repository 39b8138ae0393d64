//! Training files and dataset folders of a small run, read back.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use clinstruct_export::{About, Encoding, Error, Format, Part, Selection, System, dataset, export};
use clinstruct_records::{Record, chats};
use clinstruct_schema::summary::{Measured, MetricId, Quality, Target};
use clinstruct_schema::{BackendId, Hint as _, PartSummary, Role, SCHEMA_VERSION, Split, Summary};
use clinstruct_testkit::conversation as row;
use serde_json::{Value, json};

const STEM: &str = "small";

fn format(name: &str) -> Format {
    Format::by_name(name).unwrap()
}

const TEXTS: [&str; 4] =
    ["How is \"he\"?\n- <b>now</b>", "Besser. 38 °C, सूजन।", "And then?", "Rest."];

fn file(dir: &Path, kind: &str) -> PathBuf {
    dir.join(kind).join(format!("{STEM}.jsonl"))
}

fn write(path: &Path, lines: &[Value]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// A run of four rows: two for training, one for testing, and one that a pass dropped.
fn run(dir: &Path) -> Part {
    let rows = [
        row("a", &TEXTS, &["Answers are given as bullet points.", "Stay short."]),
        row("b", &["What?", "That."], &[]),
        row("d", &["What?", "That again."], &[]),
        row("c", &["Who?", "You."], &["Be kind."]),
    ];
    write(&file(dir, "conversations"), &rows);
    let kept =
        |id, split| json!({ "id": id, "split": split, "dropped": null, "schema_version": 2 });
    let dropped = json!({
        "id": "d", "schema_version": 2,
        "dropped": { "pass": "near_duplicates", "reason": "near_duplicate", "detail": "repeats b" },
    });
    let annotations = [kept("a", "train"), kept("b", "train"), dropped, kept("c", "test")];
    write(&file(dir, "annotations"), &annotations);
    Part::of(dir, STEM)
}

fn about() -> About {
    let part = PartSummary {
        part: "small | part".into(),
        stem: STEM.into(),
        planned: 4,
        in_dataset: 3,
        dropped: [("near_duplicate".to_owned(), 1)].into(),
        ..PartSummary::default()
    };
    About {
        title: "Three rows".into(),
        url: String::new(),
        license: "cc-by-4.0".into(),
        program: "0.1.0".into(),
        date: "2026-11-23".into(),
        models: Vec::new(),
        reasoning: false,
        summary: Summary {
            schema_version: SCHEMA_VERSION,
            backend: BackendId("rehearsal".into()),
            model: "rehearsal".into(),
            rehearsal: true,
            seed: 1,
            shard: None,
            resources: "abc".into(),
            parts: vec![part],
            requests_answered: 9,
            counts_add_up: true,
            repairs: [].into(),
            pilot: None,
            quality: None,
        },
    }
}

fn read(path: &Path) -> Vec<Record> {
    let mut all = Vec::new();
    chats(path, |r| all.push(r.unwrap())).unwrap();
    all
}

fn first_line(path: &Path) -> Value {
    serde_json::from_str(fs::read_to_string(path).unwrap().lines().next().unwrap()).unwrap()
}

#[test]
fn every_format_has_the_keys_that_its_readers_look_for() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    let line = |format, system| {
        let to = dir.path().join("out");
        export(&parts, &Selection::default(), format, system, Encoding::Jsonl, false, &to).unwrap();
        first_line(&to.join(STEM).join("train.jsonl"))
    };
    let style = "Answers are given as bullet points.\nStay short.";
    let messages = json!([
        { "role": "system", "content": style },
        { "role": "user", "content": TEXTS[0] }, { "role": "assistant", "content": TEXTS[1] },
        { "role": "user", "content": TEXTS[2] }, { "role": "assistant", "content": TEXTS[3] },
    ]);
    assert_eq!(
        line(format("messages"), System::Styles),
        json!({ "id": "a", "part": "task-topic", "messages": messages })
    );
    assert_eq!(line(format("openai-finetune"), System::Styles), json!({ "messages": messages }));
    assert_eq!(
        line(format("sharegpt"), System::No),
        json!({ "id": "a", "conversations": [
            { "from": "human", "value": TEXTS[0] }, { "from": "gpt", "value": TEXTS[1] },
            { "from": "human", "value": TEXTS[2] }, { "from": "gpt", "value": TEXTS[3] },
        ] })
    );
    assert_eq!(
        line(format("seed"), System::No)["conversation"][1],
        json!({ "role": "chatbot", "value": TEXTS[1] })
    );
    assert_eq!(
        line(format("alpaca"), System::Styles),
        json!({
            "id": "a", "instruction": TEXTS[2], "input": "", "output": TEXTS[3], "system": style,
            "history": [[TEXTS[0], TEXTS[1]]],
        })
    );
    let context = line(format("alpaca"), System::Context)["system"].as_str().unwrap().to_owned();
    assert!(context.starts_with("Profession: Nurse\nCountry: Burkina Faso\n"), "{context}");
    assert!(context.ends_with(style), "{context}");
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    for &format in Format::ALL {
        for encoding in [Encoding::Jsonl, Encoding::Parquet] {
            let to = dir.path().join("out");
            let written =
                export(&parts, &Selection::default(), format, System::No, encoding, false, &to)
                    .unwrap();
            let counts: Vec<u64> = written.iter().map(|(_, rows)| *rows).collect();
            assert_eq!(counts, [2, 1], "{format:?} {encoding:?}");
            let rows = read(&written[0].0);
            let said: Vec<(Role, &str)> =
                rows[0].messages.iter().map(|m| (m.role, m.content.as_str())).collect();
            let roles = [Role::User, Role::Assistant, Role::User, Role::Assistant];
            assert_eq!(said, roles.into_iter().zip(TEXTS).collect::<Vec<_>>(), "{format:?}");
            assert_eq!(read(&written[1].0)[0].messages[1].content, "You.");
        }
    }
}

#[test]
fn reasoning_that_a_run_kept_stands_beside_the_text() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    // The second answer of the first row has reasoning.
    let path = &file(dir.path(), "conversations");
    let lines = fs::read_to_string(path).unwrap();
    let mut rows: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    rows[0]["provenance"]["turns"][3]["reasoning"] = json!("Is it safe?");
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
    let to = dir.path().join("out");
    let write = |format, encoding, system, kept| {
        let written =
            export(&parts, &Selection::default(), format, system, encoding, kept, &to).unwrap();
        written[0].0.clone()
    };
    for (format, list) in [(format("messages"), "messages"), (format("sharegpt"), "conversations")]
    {
        // The system message shifts everything by one.
        for (system, at) in [(System::No, 3), (System::Styles, 4)] {
            let row = first_line(&write(format, Encoding::Jsonl, system, true));
            let said = row[list].as_array().unwrap();
            let with: Vec<usize> =
                (0..said.len()).filter(|i| said[*i].get("reasoning_content").is_some()).collect();
            assert_eq!(with, [at], "{format:?}");
            assert_eq!(said[at]["reasoning_content"], "Is it safe?");
            assert_eq!(said[at].get("content").or(said[at].get("value")).unwrap(), TEXTS[3]);
        }
        let table = write(format, Encoding::Parquet, System::No, true);
        assert_eq!(
            parquet_texts(&table, "reasoning_content"),
            [None, None, None, Some("Is it safe?".into()), None, None]
        );
        assert_eq!(read(&table)[0].messages[3].content, TEXTS[3]);
        // A run that keeps no reasoning has no such field.
        assert!(
            parquet_texts(
                &write(format, Encoding::Parquet, System::No, false),
                "reasoning_content"
            )
            .is_empty()
        );
    }
    let strict = first_line(&write(format("openai-finetune"), Encoding::Jsonl, System::No, true));
    assert!(!strict.to_string().contains("reasoning"), "OpenAI takes no further members");
    let about = About { reasoning: true, ..about() };
    let folder = dataset(&parts, &Selection::default(), System::No, &about, &to).unwrap();
    let table = to.join(&folder.shards[0].path);
    assert_eq!(parquet_texts(&table, "reasoning_content")[3].as_deref(), Some("Is it safe?"));
    let card = fs::read_to_string(to.join("README.md")).unwrap();
    assert!(card.contains("`reasoning_content`"), "{card}");
}

/// The values of a message field in a Parquet file; empty if there is no such field.
fn parquet_texts(path: &Path, field: &str) -> Vec<Option<String>> {
    use parquet::record::Field;
    let file = parquet::file::reader::SerializedFileReader::try_from(path).unwrap();
    let mut texts = Vec::new();
    for row in parquet::record::reader::RowIter::from_file_into(Box::new(file)) {
        let row = row.unwrap();
        for (_, column) in row.get_column_iter() {
            let Field::ListInternal(list) = column else { continue };
            for element in list.elements() {
                let Field::Group(message) = element else { continue };
                texts.extend(message.get_column_iter().filter(|(name, _)| *name == field).map(
                    |(_, value)| match value {
                        Field::Str(text) => Some(text.clone()),
                        _ => None,
                    },
                ));
            }
        }
    }
    texts
}

#[test]
fn a_selection_is_kept_to() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    let to = dir.path().join("out");
    let only = |ids: &[&str], splits: &[Split]| {
        let only = (!ids.is_empty()).then(|| ids.iter().map(|i| (*i).to_owned()).collect());
        let selection = Selection { only, splits: splits.to_vec() };
        let (format, system) = (format("messages"), System::No);
        export(&parts, &selection, format, system, Encoding::Jsonl, false, &to)
    };
    let written = only(&["b", "c"], &[Split::Train]).unwrap();
    assert_eq!(written.len(), 1);
    assert_eq!(read(&written[0].0)[0].id, "b");
    assert!(matches!(only(&["nobody"], &[]), Err(Error::Empty(_))));
    assert!(matches!(only(&[], &[Split::Validation]), Err(Error::Empty(_))));
}

#[test]
fn the_folder_has_all_that_a_hub_wants() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    let to = dir.path().join("dataset");
    // A shard of an earlier call must not be loaded with the new ones.
    let old = to.join("data").join(STEM).join("train-00000-of-00009.parquet");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, "old").unwrap();
    let folder = dataset(&parts, &Selection::default(), System::Styles, &about(), &to).unwrap();
    assert!(!old.exists());
    assert_eq!(folder.rows().into_values().collect::<Vec<_>>(), [2, 1]);
    for shard in &folder.shards {
        let rows = read(&to.join(&shard.path));
        assert_eq!(rows.len() as u64, shard.rows);
        assert_eq!(fs::metadata(to.join(&shard.path)).unwrap().len(), shard.bytes);
    }
    let sums = fs::read_to_string(to.join("SHA256SUMS")).unwrap();
    for name in ["README.md", "croissant.json", "train_trl.py", "axolotl.yaml"] {
        assert!(sums.lines().any(|l| l.ends_with(name)), "{name}");
    }
    let card = fs::read_to_string(to.join("README.md")).unwrap();
    assert!(card.contains("license: \"cc-by-4.0\"\n"));
    assert!(card.contains("(small \\| part) | 2 | 0 | 1 |"));
    assert!(card.contains("A rehearsal."));
    // Of the dataset's rows alone, and the request for prompts once: its answer has the questions of all three.
    assert!(
        card.contains("answers to 6 requests, with 60 prompt and 30 completion tokens"),
        "{card}"
    );
    assert!(card.contains("| `small` | 4 | 3 | near_duplicate 1 |"), "{card}");
    let croissant: Value =
        serde_json::from_str(&fs::read_to_string(to.join("croissant.json")).unwrap()).unwrap();
    assert_eq!(croissant["distribution"][0]["sha256"], folder.shards[0].sha256.as_str());
    // The same run gives the same bytes.
    let before = fs::read(to.join("SHA256SUMS")).unwrap();
    dataset(&parts, &Selection::default(), System::Styles, &about(), &to).unwrap();
    assert_eq!(fs::read(to.join("SHA256SUMS")).unwrap(), before);
}

#[test]
fn the_card_names_the_sentence_that_most_patients_share() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    let to = dir.path().join("out");
    let mut quality = Quality::default();
    let counted = "lives alone | \"near\" the market".to_owned();
    let measured = Measured::Counted { count: 21, of: 2_000 };
    let target = Target::AtMost(0.01);
    quality.metrics.push_counted(MetricId::RepeatedStatement, counted, measured, target);
    let mut about = about();
    about.summary.quality = Some(quality);
    dataset(&parts, &Selection::default(), System::Styles, &about, &to).unwrap();
    let card = fs::read_to_string(to.join("README.md")).unwrap();
    let row = "| patients with the most frequent drawn sentence | 21 of 2000 (1.1%, 0.7% to 1.6%): \
               \"lives alone \\| \"near\" the market\" | at most 1% | **missed** |";
    assert!(card.contains(row), "{card}");
}

#[test]
fn a_dropped_row_is_in_no_training_file() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    let to = dir.path().join("out");
    let dropped = |path: &Path| read(path).iter().any(|r| r.messages[1].content == "That again.");
    for encoding in [Encoding::Jsonl, Encoding::Parquet] {
        let (format, system) = (format("messages"), System::No);
        let all = Selection::default();
        let written = export(&parts, &all, format, system, encoding, false, &to).unwrap();
        assert!(written.iter().all(|(path, _)| !dropped(path)), "{encoding:?}");
    }
    let folder = dataset(&parts, &Selection::default(), System::No, &about(), &to).unwrap();
    assert!(folder.shards.iter().all(|shard| !dropped(&to.join(&shard.path))));
    // Also if it is requested by id.
    let only = Selection { only: Some(["d".to_owned()].into()), ..Selection::default() };
    let asked = export(&parts, &only, format("messages"), System::No, Encoding::Jsonl, false, &to);
    assert!(matches!(asked, Err(Error::Empty(_))));
}

#[test]
fn a_run_of_version_1_is_exported_by_its_splits() {
    let dir = tempfile::tempdir().unwrap();
    let parts = [run(dir.path())];
    fs::remove_dir_all(dir.path().join("annotations")).unwrap();
    let splits = ["train", "train", "validation", "test"];
    let line = |(id, split): (&str, &str)| json!({ "id": id, "split": split });
    let lines: Vec<Value> = ["a", "b", "d", "c"].into_iter().zip(splits).map(line).collect();
    write(&file(dir.path(), "splits"), &lines);
    let to = dir.path().join("dataset");
    let folder = dataset(&parts, &Selection::default(), System::No, &about(), &to).unwrap();
    let rows: Vec<(Split, u64)> =
        folder.rows().into_iter().map(|((_, split), n)| (split, n)).collect();
    assert_eq!(rows, [(Split::Train, 2), (Split::Validation, 1), (Split::Test, 1)]);
}

#[test]
fn annotations_of_another_run_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let part = run(dir.path());
    let fails = || {
        let (to, parts) = (dir.path().join("dataset"), std::slice::from_ref(&part));
        dataset(parts, &Selection::default(), System::No, &about(), &to).unwrap_err()
    };
    let path = file(dir.path(), "annotations");
    let annotations = fs::read_to_string(&path).unwrap();
    fs::write(&path, annotations.replace("\"b\"", "\"x\"")).unwrap();
    let error = fails().to_string();
    assert!(error.contains("line 2: it is of x, the conversation is \"b\""), "{error}");
    fs::write(&path, annotations.lines().next().unwrap()).unwrap();
    assert!(fails().to_string().contains("has no annotation"));
    fs::write(&path, annotations).unwrap();
    fs::write(file(dir.path(), "conversations"), "{}\n").unwrap();
    assert!(fails().to_string().contains("line 1: not a row of clinstruct"));
    fs::remove_file(&path).unwrap();
    assert!(fails().hint().unwrap().starts_with("rerun the command"));
}
