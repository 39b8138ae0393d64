//! The budget of memory makes no difference to what is found.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::metrics::Facts;
use clinstruct_curate::splits::Shares;
use clinstruct_curate::{Error, Settings, Spill, curate_run};
use clinstruct_draw::Draw;
use clinstruct_schema::{Hint as _, PartSummary, Summary};
use clinstruct_testkit::conversation;
use serde_json::json;

use crate::run::summary;

const STEMS: [&str; 3] = ["one", "two", "none"];
const ROWS: usize = 1500;
const ITEM: &str = "Which vitamin is given to a child with measles to prevent blindness and death?";

fn words(draw: &mut Draw, count: usize) -> String {
    (0..count).map(|_| format!("w{}", draw.below(900))).collect::<Vec<_>>().join(" ")
}

/// A row: variants share a prompt and a patient, copies an answer; some repeat themselves, an id, or an evaluation item.
fn line(stem: &str, row: usize) -> String {
    let base = row - row % 3;
    let prompt = words(&mut Draw::from_u64(base as u64), 20);
    let answer = |of: usize| words(&mut Draw::from_u64(10_000 + of as u64), 40);
    let first = match row % 10 {
        4 => answer(row / 2),
        5 => format!("{} at last", answer(7)),
        _ => answer(row),
    };
    let second = if row % 97 == 5 { first.clone() } else { answer(20_000 + row) };
    let prompt = if row % 211 == 3 { format!("{prompt} {ITEM}") } else { prompt };
    let id = if row % 301 == 300 { row - 1 } else { row };
    let texts = [prompt.as_str(), &first, "And what comes after that?", &second];
    let mut value = conversation(&format!("{stem}.{id}"), &texts, &[]);
    value["part"] = json!(stem);
    value["attributes"]["base"] = json!(format!("{stem}.{base}"));
    value["attributes"]["card"]["social"] = json!(format!("Lives in house {}.", base % 400));
    let slug = if base.is_multiple_of(2) { "referral" } else { "dosing" };
    value["attributes"]["subjects"][0]["slugs"] = json!([slug]);
    value.to_string()
}

/// A run of more rows than are read together, two parts of which have rows. Of the second, the plan has another order.
fn write(dir: &Path) -> Summary {
    let mut parts = Vec::new();
    for (part, stem) in STEMS.into_iter().enumerate() {
        let rows = if stem == "none" { 0 } else { ROWS };
        let planned: Vec<String> = (0..rows).map(|row| line(stem, row)).collect();
        let accepted = planned.iter().enumerate().filter(|(i, _)| i % 7 != 3);
        let mut accepted: Vec<String> = accepted.map(|(_, line)| line.clone()).collect();
        if part == 1 {
            accepted.reverse();
        }
        for (kind, lines) in [("situations", &planned), ("conversations", &accepted)] {
            fs::create_dir_all(dir.join(kind)).unwrap();
            let mut file = fs::File::create(dir.join(kind).join(format!("{stem}.jsonl"))).unwrap();
            for line in lines {
                writeln!(file, "{line}").unwrap();
            }
        }
        parts.push(PartSummary {
            part: stem.to_owned(),
            stem: stem.to_owned(),
            planned: planned.len() as u64,
            in_dataset: accepted.len() as u64,
            ..PartSummary::default()
        });
    }
    summary(parts)
}

fn curated(dir: &Path, summary: &Summary, spill: &Spill) -> Result<Vec<String>, Error> {
    let mut items = EvalItems::new();
    let set = items.add_set("exam");
    items.add(set, ITEM);
    let (facts, shares) = (Facts::default(), Shares::default());
    let settings = Settings { eval_items: &items, facts: &facts, shares, seed: 5, spill };
    let mut summary = summary.clone();
    curate_run(dir, &mut summary, &settings)?;
    let read =
        |stem: &&str| fs::read_to_string(dir.join(format!("annotations/{stem}.jsonl"))).unwrap();
    let mut all: Vec<String> = STEMS.iter().map(read).collect();
    all.push(serde_json::to_string(&summary).unwrap());
    Ok(all)
}

#[test]
fn any_budget_and_any_number_of_threads_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let summary = write(dir.path());
    let expected = curated(dir.path(), &summary, &Spill::in_memory()).unwrap();
    for reason in ["near_duplicate", "contaminated"] {
        assert!(expected.concat().matches(reason).count() > 10, "{reason}");
    }
    assert!(expected[0].contains("\"split\":\"test\""));
    for (threads, budget) in [(1, 0), (3, 3_000), (2, 300_000), (4, 1 << 20), (1, 1 << 30)] {
        let spill = Spill::to(dir.path()).with_budget(budget);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| curated(dir.path(), &summary, &spill)).unwrap();
        assert!(found == expected, "{threads} threads, {budget} bytes");
        assert_eq!(spill.written() > 0, budget < 1 << 30, "{budget} bytes");
    }
    // Nothing else is left.
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["annotations", "conversations", "situations"]);
}

#[test]
fn a_folder_that_takes_no_files_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let summary = write(dir.path());
    let folder = dir.path().join("situations/one.jsonl");
    let spill = Spill::to(&folder).with_budget(10_000);
    let error = curated(dir.path(), &summary, &spill).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot use a temporary file in {}", folder.display()));
    assert!(error.hint().is_some());
    assert!(!dir.path().join("annotations").exists());
}
