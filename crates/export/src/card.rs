//! The dataset card: a YAML head for hubs, and a page for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clinstruct_schema::summary::Verdict;
use clinstruct_schema::{Split, counted};
use serde_json::{Value, json};

use crate::about::About;
use crate::layout::{Folder, columns_of};

/// The hub's size categories, by the lower bound of the next one.
const SIZES: [(u64, &str); 5] = [
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
];

/// Names of configurations with the files of each split: all parts together first.
pub(crate) fn configs(folder: &Folder) -> Vec<(String, BTreeMap<Split, Vec<String>>)> {
    let mut stems: Vec<&str> = folder.shards.iter().map(|s| s.stem.as_str()).collect();
    stems.dedup();
    let splits: BTreeSet<Split> = folder.shards.iter().map(|s| s.split).collect();
    let files = |of: &[&str]| {
        let mut files: BTreeMap<Split, Vec<String>> = BTreeMap::new();
        for split in &splits {
            for stem in of {
                let some = folder.shards.iter().any(|s| s.stem == *stem && s.split == *split);
                if some {
                    let glob = format!("data/{stem}/{}-*.parquet", split.as_str());
                    files.entry(*split).or_default().push(glob);
                }
            }
        }
        files
    };
    let mut all = vec![("default".to_owned(), files(&stems))];
    all.extend(stems.iter().map(|s| ((*s).to_owned(), files(&[s]))));
    all
}

/// JSON is valid YAML: each value of the head is written as JSON, which avoids YAML's quoting rules.
fn head(about: &About, folder: &Folder) -> String {
    let rows: u64 = folder.shards.iter().map(|s| s.rows).sum();
    let size = SIZES.iter().find(|(below, _)| rows < *below).map_or("10M<n<100M", |(_, n)| n);
    let configs: Vec<Value> = configs(folder)
        .into_iter()
        .enumerate()
        .map(|(i, (name, files))| {
            let files: Vec<Value> = files
                .into_iter()
                .map(|(split, paths)| json!({ "split": split.as_str(), "path": paths }))
                .collect();
            let mut config = json!({ "config_name": name, "data_files": files });
            if i == 0 {
                config["default"] = json!(true);
            }
            config
        })
        .collect();
    let mut tags = vec!["medical", "synthetic", "multi-turn", "instruction-tuning", "clinstruct"];
    if about.summary.rehearsal {
        tags.push("rehearsal");
    }
    let several = folder.languages.len() > 1;
    let fields = [
        ("pretty_name", json!(about.title)),
        ("license", json!(about.license)),
        ("language", json!(folder.languages)),
        ("multilinguality", json!([if several { "multilingual" } else { "monolingual" }])),
        ("size_categories", json!([size])),
        ("task_categories", json!(["text-generation", "question-answering"])),
        ("annotations_creators", json!(["machine-generated"])),
        ("language_creators", json!(["machine-generated"])),
        ("source_datasets", json!(["original"])),
        ("tags", json!(tags)),
        ("configs", json!(configs)),
    ];
    let mut head = String::from("---\n");
    for (name, value) in fields {
        let _ = writeln!(head, "{name}: {value}");
    }
    head + "---\n"
}

/// A table cell without characters that would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The whole card.
pub(crate) fn card(about: &About, folder: &Folder) -> String {
    let mut text = head(about, folder);
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    say("");
    say(&format!("# {}", about.title));
    say("");
    if about.summary.rehearsal {
        say(
            "> **A rehearsal.** A grammar wrote all text of this dataset, not a model: it shows the output of a run.",
        );
        say("> Do not train on it.");
        say("");
    }
    if let Some(shard) = about.summary.shard {
        say(&format!(
            "> **Shard {} of {}.** These rows are a part of a dataset: near duplicates and splits across its shards are \
             decided when they are merged.",
            shard.number(),
            shard.of()
        ));
        say("");
    }
    let rows: u64 = folder.shards.iter().map(|s| s.rows).sum();
    say(&format!(
        "{rows} synthetic conversations between simulated health workers and an assistant, made with clinstruct {} on {}. \
         Each row is a question of a health worker about a simulated patient, played on over one or more turns. \
         **No text of a real patient is in it, and it is not for clinical use.**",
        about.program, about.date
    ));
    say("");
    say("## Load it");
    say("");
    say("```python");
    say("from datasets import load_dataset");
    say("");
    say("everything = load_dataset(\"THIS_FOLDER_OR_REPOSITORY\")");
    if let Some(part) = about.summary.parts.first() {
        say(&format!("one_part = load_dataset(\"THIS_FOLDER_OR_REPOSITORY\", \"{}\")", part.stem));
    }
    say("```");
    say("");
    say(
        "`train_trl.py` and `axolotl.yaml` are starting points for TRL and axolotl; `SHA256SUMS` has the checksums.",
    );
    say("");
    say("## Parts and splits");
    say("");
    say("| configuration | train | validation | test |");
    say("| --- | ---: | ---: | ---: |");
    let counts = folder.rows();
    let mut sums = [0; 3];
    for part in &about.summary.parts {
        let of = Split::ALL.map(|s| counts.get(&(part.stem.as_str(), s)).copied().unwrap_or(0));
        for (sum, n) in sums.iter_mut().zip(of) {
            *sum += n;
        }
        say(&format!(
            "| `{}` ({}) | {} | {} | {} |",
            part.stem,
            cell(&part.part.replace('-', " ")),
            of[0],
            of[1],
            of[2]
        ));
    }
    say(&format!("| `default`: all of them | {} | {} | {} |", sums[0], sums[1], sums[2]));
    say("");
    say("Variants of one prompt, and rows about one patient, are in one split.");
    say("");
    say("## Columns");
    say("");
    say("| column | content |");
    say("| --- | --- |");
    for (name, _, holds) in columns_of(about.reasoning) {
        say(&format!("| `{name}` | {holds} |"));
    }
    say("");
    say("## How it was made");
    say("");
    say(
        "A seeded plan lays out the rows over clinical axes. A model writes the question that a health worker would",
    );
    say(
        "ask about a patient drawn for the row; a simulated assistant answers, and a simulated health worker asks follow-up questions.",
    );
    say(
        "Every turn is checked against its instructions. A turn that fails a check is retried with the findings appended,",
    );
    say(
        "at most twice; if it still fails, the row is rejected. At the end, near duplicates and rows with items of the",
    );
    say("named evaluation sets are dropped.");
    say("");
    for model in &about.models {
        say(&format!("- {model}"));
    }
    say(&format!("- seed {}, resources {}", about.summary.seed, about.summary.resources));
    let used = folder.used;
    say(&format!(
        "- its texts are the answers to {} requests, with {} prompt and {} completion tokens",
        used.requests, used.prompt_tokens, used.completion_tokens
    ));
    say("");
    say("| part | planned | in the run's dataset | excluded, by reason |");
    say("| --- | ---: | ---: | --- |");
    for part in &about.summary.parts {
        let why: Vec<String> = part.reasons().map(|(r, n)| format!("{r} {n}")).collect();
        let why = if why.is_empty() { "none".to_owned() } else { why.join(", ") };
        say(&format!(
            "| `{}` | {} | {} | {} |",
            part.stem,
            part.planned,
            part.in_dataset,
            cell(&why)
        ));
    }
    say("");
    say("## Quality");
    say("");
    if let Some(quality) = &about.summary.quality {
        let metrics = &quality.metrics;
        let all = counted(metrics.values.len() as u64, "metric");
        say(&format!("{all}: {}.", metrics.verdicts()));
        say("");
        say("| metric | result (share, 95% interval) | target | verdict |");
        say("| --- | ---: | --- | --- |");
        for m in metrics.values.iter().filter(|m| m.verdict != Verdict::NotMeasured) {
            let (name, result) = (cell(&m.to_string()), cell(&m.result(|n| n.to_string())));
            let verdict = match m.verdict {
                Verdict::Missed => "**missed**".to_owned(),
                _ => m.verdict_text(),
            };
            say(&format!("| {name} | {result} | {} | {verdict} |", m.target_text()));
        }
        let unmeasured = metrics.not_measured();
        if !unmeasured.is_empty() {
            say("");
            say(&format!("Not measured: {}.", unmeasured.join("; ")));
        }
    } else {
        say("The dataset was not measured.");
    }
    if !about.summary.repairs.is_empty() {
        say("");
        say("Turns and prompt requests that failed a check:");
        say("");
        say("| check | failed | repaired | rejected |");
        say("| --- | ---: | ---: | ---: |");
        for (name, r) in &about.summary.repairs {
            let failed = r.repaired + r.rejected;
            say(&format!("| {} | {failed} | {} | {} |", cell(name), r.repaired, r.rejected));
        }
    }
    let contaminated = about.summary.quality.as_ref().map(|q| &q.contaminated);
    for (i, (name, count)) in contaminated.into_iter().flatten().enumerate() {
        if i == 0 {
            say("");
        }
        say(&format!("- Rows dropped for items of {name}: {count}."));
    }
    say("");
    say("## Limits");
    say("");
    say(
        "- A model wrote the answers. Nobody has verified that they are right; doses and advice may be wrong.",
    );
    say(
        "- Automatic checks cover form, language, agreement with the patient's case, duplicates and the like. They do not",
    );
    say("  judge whether an answer is good medicine.");
    say(
        "- Patients are drawn from tables. They are not a sample of any population, and rare conditions are as common as the",
    );
    say("  plan makes them.");
    say("- Answers in languages other than English come from the same model and may be weaker.");
    say("");
    say("## Use");
    say("");
    say(
        "For research on, and fine-tuning of, medical language models, which need their own evaluation. Not for",
    );
    say("clinical use, not as a source of medical knowledge, not for advice to patients.");
    say("");
    say(
        "The terms of the model's provider may restrict training on its answers; the licence above covers",
    );
    say("what the makers of this dataset can license.");
    text
}
