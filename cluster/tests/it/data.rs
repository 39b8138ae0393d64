//! A run with all that the passes look for, and what a build makes of it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::conversation::conversation;
use clinstruct_cluster::{Evaluation, Inputs};
use clinstruct_curate::{Settings, Spill, curate_run};
use clinstruct_draw::Draw;
use clinstruct_schema::{BackendId, PartSummary, SCHEMA_VERSION, Summary};
use serde_json::{Value, json};

/// Parts; the second one has no rows.
const STEMS: [&str; 3] = ["first", "none", "second"];
const ITEM: &str = "Which vitamin is given to a child with measles to prevent blindness and death?";
const FOREIGN: [&str; 3] = [
    "ให้น้ำเกลือแร่ทางปากทันทีและกลับมาพบแพทย์ภายในสองวันหากอาการไม่ดีขึ้นหรือมีไข้สูง",
    "बच्चे को तुरंत ओआरएस का घोल दें और दो दिन के भीतर फिर से दिखाने के लिए लाएँ अगर सुधार न हो",
    "Geben Sie dem Kind sofort eine orale Rehydratationslösung und sehen Sie es in zwei Tagen wieder an.",
];

fn words(seed: u64, count: usize) -> Vec<String> {
    let mut draw = Draw::from_u64(seed);
    (0..count).map(|_| format!("w{}", draw.below(4000))).collect()
}

/// The texts of a row.
fn texts(row: u64) -> Vec<String> {
    let of = |seed: u64, count| words(seed, count).join(" ");
    // A variant shares the prompt of the row before it.
    let base = base(row);
    let mut all =
        vec![of(base * 8, 30), of(row * 8 + 1, 60), of(row * 8 + 2, 20), of(row * 8 + 3, 40)];
    match row % 50 {
        // A chain: each answer shares most words with the one before it, and few with the first.
        3..=7 => {
            let at = (row % 50 - 3) as usize * 7;
            all[1] = words(row / 50 * 8 + 5, 100)[at..at + 60].join(" ");
        }
        10 => all[1] = of((row / 2) * 8 + 1, 60) + " and one more",
        11 => all[3] = all[1].clone() + " once again",
        13 => all[0] = format!("{} {ITEM}", all[0]),
        // A contaminated row is no duplicate, and the next row is a variant of it.
        14 => all[1] = format!("{ITEM} It is vitamin A."),
        17 => all[1] = String::new(),
        18 => all = vec!["Yes?".to_owned(), "Yes.".to_owned()],
        20..=22 => all[1] = format!("{} {}", FOREIGN[(row % 3) as usize], row % 4),
        // More texts in a bucket than are compared with each other.
        25 | 26 | 30 | 31 => all[3] = of(1, 50),
        28 => all[2] = "- 1.\n\t\"quoted\" \\ \u{1f600} ".repeat(9),
        _ => {}
    }
    all
}

fn base(row: u64) -> u64 {
    if row % 3 == 2 { row - 1 } else { row }
}

fn line(row: u64) -> Value {
    let texts = texts(row);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    // Ids in another order than the rows, and some of them twice.
    let id = if row % 501 == 500 { row - 1 } else { row };
    let mut value = conversation(&format!("row.{:06}", id * 7919 % 1_000_000), &texts, &[]);
    value["attributes"]["base"] = json!(format!("base.{}", base(row)));
    value["attributes"]["card"]["social"] = json!(format!("Lives in house {}.", row % 700));
    value
}

/// Writes a run of this many rows.
pub(crate) fn write(dir: &Path, rows: u64) {
    for kind in ["conversations", "situations"] {
        fs::create_dir_all(dir.join(kind)).unwrap();
    }
    let mut parts = Vec::new();
    for (stem, rows) in STEMS.into_iter().zip([0..rows / 3, 0..0, rows / 3..rows]) {
        let mut lines = String::new();
        let planned = rows.end - rows.start;
        for row in rows {
            let mut line = line(row);
            line["part"] = json!(stem);
            writeln!(lines, "{line}").unwrap();
        }
        for kind in ["conversations", "situations"] {
            fs::write(dir.join(kind).join(format!("{stem}.jsonl")), &lines).unwrap();
        }
        let (part, stem) = (stem.to_owned(), stem.to_owned());
        parts.push(PartSummary {
            part,
            stem,
            planned,
            in_dataset: planned,
            ..PartSummary::default()
        });
    }
    let summary = Summary {
        schema_version: SCHEMA_VERSION,
        backend: BackendId("rehearsal".into()),
        model: "rehearsal".into(),
        rehearsal: true,
        seed: 5,
        shard: None,
        resources: String::new(),
        parts,
        requests_answered: 0,
        counts_add_up: true,
        repairs: [].into(),
        pilot: None,
        quality: None,
    };
    fs::write(dir.join("summary.json"), summary.to_json().unwrap()).unwrap();
}

pub(crate) fn inputs() -> Inputs {
    let evaluation =
        Evaluation { sets: vec!["exam".to_owned()], items: vec![(0, ITEM.to_owned())] };
    Inputs { evaluation, ..Inputs::default() }
}

/// The annotations of each part, and the summary.
#[derive(Debug, PartialEq)]
pub(crate) struct Written(Vec<String>, Value);

impl Written {
    pub(crate) fn of(dir: &Path) -> Self {
        let text =
            |stem| fs::read_to_string(dir.join(format!("annotations/{stem}.jsonl"))).unwrap();
        let summary = fs::read_to_string(dir.join("summary.json")).unwrap();
        Self(STEMS.map(text).into(), serde_json::from_str(&summary).unwrap())
    }

    /// Removes them, so that a test cannot find those of another one.
    pub(crate) fn taken(dir: &Path) -> Self {
        let written = Self::of(dir);
        fs::remove_dir_all(dir.join("annotations")).unwrap();
        written
    }

    /// Rows that were dropped for this reason.
    pub(crate) fn dropped(&self, reason: &str) -> usize {
        self.0.iter().flat_map(|part| part.lines()).filter(|line| line.contains(reason)).count()
    }
}

/// What a build makes of the run in `dir`.
pub(crate) fn built(dir: &Path) -> Written {
    let Inputs { evaluation, facts, shares } = inputs();
    let path = dir.join("summary.json");
    let before = fs::read_to_string(&path).unwrap();
    let mut summary = Summary::read(&before).unwrap();
    let (eval_items, spill) = (evaluation.items(), Spill::in_memory());
    let settings = Settings {
        eval_items: &eval_items,
        facts: &facts,
        shares,
        seed: summary.seed,
        spill: &spill,
    };
    curate_run(dir, &mut summary, &settings).unwrap();
    fs::write(&path, summary.to_json().unwrap()).unwrap();
    let written = Written::taken(dir);
    fs::write(&path, before).unwrap();
    // Otherwise the rows do not show what they are there to show.
    let lines: usize = written.0.iter().map(|part| part.lines().count()).sum();
    assert!(written.dropped("near_duplicate") * 9 > lines, "{}", written.dropped("near_duplicate"));
    assert!(written.dropped("contaminated") * 30 > lines, "{}", written.dropped("contaminated"));
    assert!(["train", "validation", "test"].iter().all(|split| written.dropped(split) > 5));
    written
}
