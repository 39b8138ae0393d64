//! The stages that write a run's outputs, in their order.
//!
//! Every command that writes outputs runs this list: all of it, or one stage and those that read what it writes. So no command
//! leaves a file behind that the others have outdated. A stage is added as a row of [`STAGES`].

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use anyhow::Context as _;
use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::{clear_annotations, curate_run};
use clinstruct_pipeline::{OutputFiles, RunContext, write_outputs};
use clinstruct_schema::Summary;
use clinstruct_store::Store;
use rayon::prelude::*;

use crate::commands::{dataset, write_report};
use crate::facts::facts;
use crate::summary::{summary_of, write_summary};
use clinstruct_app::Setup;

/// What stages read and write beside the files.
pub(crate) struct Outputs<'a> {
    /// Settings and resources.
    pub(crate) setup: &'a Setup,
    /// The plan.
    pub(crate) context: &'a RunContext<'a>,
    /// Journal and raw responses.
    pub(crate) store: &'a Store,
    /// Items of evaluation sets that must not be in the dataset.
    pub(crate) eval_items: &'a EvalItems,
}

/// A step that writes some outputs from others.
pub(crate) struct Stage {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it reads: outputs of earlier stages, or `raw/`.
    reads: &'static [&'static str],
    /// What it writes.
    writes: &'static [&'static str],
    /// Whether it runs only for a run that has come to its end.
    at_end: bool,
    run: Run,
}

/// How a stage works.
enum Run {
    /// It writes rows: all such stages that are due share one pass over the plan.
    Rows(fn(&mut OutputFiles)),
    /// It reads whole files, and completes the summary.
    Curates(fn(&Outputs<'_>, &mut Summary) -> anyhow::Result<()>),
    /// It reads whole files and the summary. Neighbours of this kind run side by side.
    Writes(fn(&Setup, &Summary) -> anyhow::Result<()>),
}

/// All stages, each after those that it reads from.
pub(crate) const STAGES: &[Stage] = &[
    Stage {
        name: "prompts",
        reads: &["raw/"],
        writes: &["prompts/"],
        at_end: false,
        run: Run::Rows(|files| files.prompts = true),
    },
    Stage {
        name: "situations",
        reads: &["raw/"],
        writes: &["situations/"],
        at_end: false,
        run: Run::Rows(|files| files.situations = true),
    },
    Stage {
        name: "conversations",
        reads: &["raw/"],
        writes: &["conversations/", "rejected/"],
        at_end: false,
        run: Run::Rows(|files| files.conversations = true),
    },
    Stage {
        name: "curate",
        reads: &["conversations/", "situations/"],
        writes: &["annotations/"],
        at_end: false,
        run: Run::Curates(curate),
    },
    Stage {
        name: "summary",
        reads: &["conversations/", "rejected/", "annotations/"],
        writes: &["summary.json"],
        at_end: true,
        run: Run::Curates(summary),
    },
    Stage {
        name: "dataset",
        reads: &["conversations/", "annotations/", "summary.json"],
        writes: &["dataset/"],
        at_end: true,
        run: Run::Writes(|setup, summary| dataset(&setup.args, &setup.out, summary)),
    },
    Stage {
        name: "report",
        reads: &["conversations/", "rejected/", "situations/", "annotations/", "summary.json"],
        writes: &["report.html"],
        at_end: true,
        run: Run::Writes(|setup, _| write_report(&setup.out).map(|_| ())),
    },
];

/// The stage `first` and all that read what it writes, directly or not; all stages where it is `None`.
fn due(first: Option<&str>) -> Vec<&'static Stage> {
    let mut changed: BTreeSet<&str> = BTreeSet::new();
    let mut due = Vec::new();
    for stage in STAGES {
        let is_due = match first {
            None => true,
            Some(first) => stage.name == first || stage.reads.iter().any(|r| changed.contains(r)),
        };
        if is_due {
            changed.extend(stage.writes);
            due.push(stage);
        }
    }
    due
}

/// Runs the stage `first` and those that depend on it, or all.
pub(crate) fn run(outputs: &Outputs<'_>, first: Option<&str>) -> anyhow::Result<Summary> {
    let mut due = due(first);
    let mut files = OutputFiles { prompts: false, situations: false, conversations: false };
    for stage in &due {
        if let Run::Rows(choose) = stage.run {
            choose(&mut files);
        }
    }
    if due.iter().any(|stage| matches!(stage.run, Run::Curates(_))) {
        // The passes read both, and count with them.
        (files.situations, files.conversations) = (true, true);
    }
    let out = &outputs.setup.out;
    if files.conversations {
        // Annotations of earlier rows must never stand beside other texts.
        clear_annotations(out)?;
    }
    let mut all = write_outputs(outputs.context, outputs.store, out, files)?;
    due.retain(|stage| !stage.at_end || all.under_way() == 0);
    let setup = outputs.setup;
    let mut left = due.as_slice();
    while let [stage, rest @ ..] = left {
        match stage.run {
            Run::Rows(_) => {}
            Run::Curates(curates) => curates(outputs, &mut all)?,
            Run::Writes(_) => {
                let many = left.iter().take_while(|s| matches!(s.run, Run::Writes(_))).count();
                left[..many].par_iter().try_for_each(|stage| match stage.run {
                    Run::Writes(writes) => writes(setup, &all),
                    _ => Ok(()),
                })?;
                left = &left[many..];
                continue;
            }
        }
        left = rest;
    }
    Ok(all)
}

/// Runs the passes over the rows: writes `annotations/`, completes the summary.
fn curate(outputs: &Outputs<'_>, summary: &mut Summary) -> anyhow::Result<()> {
    let facts = facts(&outputs.setup.catalog);
    let (shares, seed) = (outputs.setup.shares()?, summary.seed);
    let eval_items = outputs.eval_items;
    let passes = clinstruct_curate::Settings { eval_items, facts: &facts, shares, seed };
    curate_run(&outputs.setup.out, summary, &passes)?;
    Ok(())
}

/// Writes `summary.json`, and removes what belongs to parts that the run no longer has.
fn summary(outputs: &Outputs<'_>, summary: &mut Summary) -> anyhow::Result<()> {
    let before = summary_of(&outputs.setup.out).ok();
    write_summary(&outputs.setup.out, summary)?;
    remove_left_out(&outputs.setup.out, before.as_ref(), summary)
}

/// Removes the files of parts that the run had and that were left out of it, as somebody has accepted.
fn remove_left_out(out: &Path, before: Option<&Summary>, now: &Summary) -> anyhow::Result<()> {
    let parts = before.into_iter().flat_map(|summary| &summary.parts);
    for part in parts.filter(|old| now.parts.iter().all(|new| new.stem != old.stem)) {
        for kind in ["prompts", "situations", "conversations", "rejected"] {
            let path = out.join(kind).join(format!("{}.jsonl", part.stem));
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(e).with_context(|| format!("remove {}", path.display()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(first: Option<&str>) -> Vec<&'static str> {
        due(first).iter().map(|stage| stage.name).collect()
    }

    #[test]
    fn a_stage_runs_with_all_that_depend_on_it() {
        assert_eq!(names(None).len(), STAGES.len());
        assert_eq!(names(Some("prompts")), ["prompts"]);
        let rest = ["curate", "summary", "dataset", "report"];
        assert_eq!(names(Some("situations"))[1..], rest);
        assert_eq!(names(Some("conversations"))[1..], rest);
        assert_eq!(names(Some("dataset")), ["dataset"]);
    }

    #[test]
    fn each_stage_stands_behind_those_that_it_reads_from() {
        let mut written = BTreeSet::from(["raw/"]);
        for stage in STAGES {
            for read in stage.reads {
                assert!(written.contains(read), "{} reads {read} before it is written", stage.name);
            }
            for file in stage.writes {
                assert!(written.insert(file), "{file} is written twice");
            }
        }
    }
}
