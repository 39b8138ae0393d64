//! The stages that write a run's outputs, in order.
//!
//! Every command that writes outputs runs this list: the whole list, or one stage and those that read what it writes. So no
//! command leaves an outdated file behind. A stage is a row of [`shipped`]; one that sends requests is an [`Annotator`] that
//! a program registers in its [`Host`].

mod curate;
mod dataset;
mod files;
mod report;
mod stale;
mod summary;

use std::borrow::Cow;
use std::collections::BTreeSet;

use clinstruct_curate::clear_annotations;
use clinstruct_curate::contamination::EvalItems;
use clinstruct_pipeline::{
    Annotator, KeptRows, OutputFiles, RunContext, Written, check_outputs, write_annotations,
    write_outputs,
};
use clinstruct_schema::{Summary, counted};
use clinstruct_store::Store;
use rayon::prelude::*;

use crate::{Host, Setup};

pub use self::curate::facts;
pub use self::dataset::{Card, DATASET, about, parts};
pub use self::files::{finished_files, raw_files};
pub use self::report::{read_report, write_report};
pub use self::summary::{summary_of, write_whole};

/// What stages read besides files.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Settings and resources.
    pub setup: &'a Setup,
    /// The plan.
    pub context: &'a RunContext<'a>,
    /// Journal and raw responses.
    pub store: &'a Store,
    /// Items of evaluation sets that must not be in the dataset.
    pub eval_items: &'a EvalItems,
}

/// A step that writes some outputs from others.
#[derive(Debug)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// What it reads: outputs of earlier stages, or `raw/`.
    pub reads: &'static [&'static str],
    /// What it writes.
    pub writes: Cow<'static, [&'static str]>,
    /// Whether it sends requests to a model while the run is driven.
    pub sends_requests: bool,
    /// Whether it only runs for a finished run.
    at_end: bool,
    run: Run,
}

/// How a stage works.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// It writes rows: all such stages that are due share one pass over the plan.
    Rows(fn(&mut OutputFiles)),
    /// It writes the annotations that a model was asked for.
    Annotates(&'static dyn Annotator),
    /// It reads whole files, and completes the summary.
    Curates(fn(&Inputs<'_>, &mut Summary) -> crate::Result<()>),
    /// It reads whole files and the summary. Neighbours of this kind run side by side.
    Writes(fn(&Setup, &Summary) -> crate::Result<()>),
}

impl Stage {
    /// The stage of an annotator: it sends its requests while the run is driven, and writes `annotations/NAME/`.
    pub fn annotating(annotator: &'static dyn Annotator) -> Self {
        Self {
            name: annotator.name(),
            reads: &["conversations/"],
            // No other stage reads it, so its name is enough to tell it from the others.
            writes: vec![annotator.name()].into(),
            sends_requests: true,
            at_end: false,
            run: Run::Annotates(annotator),
        }
    }
}

/// The stages of this repository, each after those that it reads from.
pub fn shipped() -> Vec<Stage> {
    vec![
        Stage {
            name: "prompts",
            reads: &["raw/"],
            writes: Cow::Borrowed(&["prompts/"]),
            sends_requests: true,
            at_end: false,
            run: Run::Rows(|files| files.prompts = true),
        },
        Stage {
            name: "situations",
            reads: &["raw/"],
            writes: Cow::Borrowed(&["situations/"]),
            sends_requests: false,
            at_end: false,
            run: Run::Rows(|files| files.situations = true),
        },
        Stage {
            name: "conversations",
            reads: &["raw/"],
            writes: Cow::Borrowed(&["conversations/", "rejected/"]),
            sends_requests: true,
            at_end: false,
            run: Run::Rows(|files| files.conversations = true),
        },
        Stage {
            name: "curate",
            reads: &["conversations/", "situations/"],
            writes: Cow::Borrowed(&["annotations/"]),
            sends_requests: false,
            at_end: false,
            run: Run::Curates(curate::curate),
        },
        Stage {
            name: "summary",
            reads: &["conversations/", "rejected/", "annotations/"],
            writes: Cow::Borrowed(&["summary.json"]),
            sends_requests: false,
            at_end: true,
            run: Run::Curates(summary::summary),
        },
        Stage {
            name: "dataset",
            reads: &["conversations/", "annotations/", "summary.json"],
            writes: Cow::Borrowed(&["dataset/"]),
            sends_requests: false,
            at_end: true,
            run: Run::Writes(|setup, summary| {
                dataset::dataset(&setup.settings, &setup.out, summary)
            }),
        },
        Stage {
            name: "report",
            reads: &["conversations/", "rejected/", "situations/", "annotations/", "summary.json"],
            writes: Cow::Borrowed(&["report.html"]),
            sends_requests: false,
            at_end: true,
            run: Run::Writes(|setup, _| write_report(&setup.out).map(|_| ())),
        },
    ]
}

/// The stages of a program: those of this repository and the annotators that it registers.
pub fn stages(host: &Host) -> Vec<Stage> {
    let mut all = shipped();
    let at = all.iter().position(|stage| stage.name == "curate").unwrap_or(all.len());
    all.splice(at..at, host.annotators.iter().map(|one| Stage::annotating(*one)));
    all
}

/// The stage `first` and all that read what it writes, directly or not; all stages where it is `None`.
fn due(all: Vec<Stage>, first: Option<&str>) -> Vec<Stage> {
    let mut changed: BTreeSet<&str> = BTreeSet::new();
    let mut due = Vec::new();
    for stage in all {
        let is_due = match first {
            None => true,
            Some(first) => stage.name == first || stage.reads.iter().any(|r| changed.contains(r)),
        };
        if is_due {
            changed.extend(stage.writes.iter());
            due.push(stage);
        }
    }
    due
}

/// Runs the stage `first` and those that depend on it, or all.
///
/// `started` is called with the names of the stages that start: those that write rows share one pass, and the last ones run
/// side by side.
///
/// # Errors
/// A file that cannot be read or written, and a journal that does not match the plan.
pub fn run_stages(
    inputs: &Inputs<'_>,
    first: Option<&str>,
    started: &mut dyn FnMut(&[&'static str]),
) -> crate::Result<Summary> {
    let mut due = due(stages(&inputs.setup.settings.host), first);
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
    let is_rows = |stage: &&Stage| matches!(stage.run, Run::Rows(_));
    let rows: Vec<&str> = due.iter().filter(is_rows).map(|stage| stage.name).collect();
    started(&rows);
    let out = &inputs.setup.out;
    // Before anything is removed.
    check_outputs(inputs.context, inputs.store, out)?;
    if files.conversations {
        // Annotations of earlier rows must never be beside other texts.
        clear_annotations(out)?;
    }
    let Written { summary: mut all, kept } =
        write_outputs(inputs.context, inputs.store, out, files)?;
    let kept_plan = kept.is_some();
    if let Some(kept) = kept {
        for line in of_kept_rows(&kept) {
            (inputs.setup.settings.host.notify)(&line);
        }
    }
    if all.in_progress() > 0 && files.conversations {
        // What an earlier, finished run of this folder wrote from other rows. A run that keeps another plan needs its summary.
        let at_end = due.iter().filter(|stage| stage.at_end);
        let names = at_end.flat_map(|stage| stage.writes.iter()).map(|name| (*name).to_owned());
        let names: Vec<String> =
            names.filter(|name| name != "summary.json" || !kept_plan).collect();
        let why = "not of the rows that are there now, since the run is not finished";
        stale::set_aside(out, &names, why, &inputs.setup.settings.host)?;
    }
    due.retain(|stage| !stage.at_end || all.in_progress() == 0);
    let setup = inputs.setup;
    let mut left = due.as_slice();
    while let [stage, rest @ ..] = left {
        match stage.run {
            Run::Rows(_) => {}
            Run::Annotates(one) => {
                started(&[stage.name]);
                write_annotations(inputs.context, inputs.store, out, one)?;
            }
            Run::Curates(curates) => {
                started(&[stage.name]);
                curates(inputs, &mut all)?;
            }
            Run::Writes(_) => {
                let many = left.iter().take_while(|s| matches!(s.run, Run::Writes(_))).count();
                let names: Vec<&str> = left[..many].iter().map(|stage| stage.name).collect();
                started(&names);
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

/// What a person should know about rows that another plan made.
fn of_kept_rows(kept: &KeptRows) -> Vec<String> {
    let rows = |n: u64| counted(n, "conversation");
    let mut lines = vec![format!(
        "planned by another version of clinstruct, or with other resources, and written from stored answers: {} of this \
         run",
        rows(kept.conversations)
    )];
    if kept.unreadable > 0 {
        lines.push(format!(
            "{} cannot be read any more, and went to rejected/",
            rows(kept.unreadable)
        ));
    }
    if !kept.findings.is_empty() {
        let each: Vec<String> =
            kept.findings.iter().map(|(check, n)| format!("{check} {n}")).collect();
        lines.push(format!(
            "checks of this version that accepted conversations do not pass, with their number: {}; they stay accepted",
            each.join(", ")
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(first: Option<&str>) -> Vec<&'static str> {
        due(shipped(), first).iter().map(|stage| stage.name).collect()
    }

    #[test]
    fn a_stage_runs_with_all_that_depend_on_it() {
        assert_eq!(names(None).len(), shipped().len());
        assert_eq!(names(Some("prompts")), ["prompts"]);
        let rest = ["curate", "summary", "dataset", "report"];
        assert_eq!(names(Some("situations"))[1..], rest);
        assert_eq!(names(Some("conversations"))[1..], rest);
        assert_eq!(names(Some("dataset")), ["dataset"]);
    }

    #[test]
    fn each_stage_comes_after_those_that_it_reads_from() {
        let mut written = BTreeSet::from(["raw/"]);
        for stage in shipped() {
            for read in stage.reads {
                assert!(written.contains(read), "{} reads {read} before it is written", stage.name);
            }
            for file in stage.writes.iter() {
                assert!(written.insert(*file), "{file} is written twice");
            }
        }
    }
}
