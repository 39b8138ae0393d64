//! Drives a run, and writes its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use clinstruct_app::budget::expected;
use clinstruct_app::{Run, Settings};
use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::{Annotations, clear_annotations, curate_run};
use clinstruct_pipeline::{Drive, Outcome, OutputFiles, RunContext, StopSignal, write_outputs};
use clinstruct_schema::{Dropped, Rejected, SCHEMA_VERSION, Summary, dollars};
use clinstruct_store::Store;

use super::{print, print_json, say};
use crate::args::RunArgs;
use crate::exit::Code;
use crate::facts::facts;
use crate::progress::Terminal;
use crate::setup::Setup;
use crate::{settings, table};

/// Different details of one reason that are counted.
const DETAILS: usize = 10_000;

/// The whole job.
pub(crate) fn build(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings::own(args)?, Drive::ToTheEnd, false)
}

/// Sends what is due, of a run that is there or of a new one.
pub(crate) fn submit(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings::of_run_or_own(args)?, Drive::SubmitOnly, false)
}

/// Takes in what has come.
pub(crate) fn collect(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings::of_run(args)?, Drive::CollectOnly, false)
}

/// Continues with the settings that the run was built with.
pub(crate) fn resume(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings::of_run(args)?, Drive::ToTheEnd, false)
}

/// Asks once more for what failed.
pub(crate) fn retry(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings::of_run(args)?, Drive::ToTheEnd, true)
}

/// Reads the raw responses anew.
pub(crate) fn reparse(mut args: RunArgs) -> anyhow::Result<Code> {
    args.keyless = true;
    drive(settings::of_run(args)?, Drive::Replay, false)
}

/// The settings that a run was built with, under those that are given.
pub(crate) fn settings_of(args: RunArgs) -> anyhow::Result<Settings> {
    settings::of_run(args)
}

fn drive(args: Settings, how: Drive, retry: bool) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    // Where the pool exists already, its size was set by the first call.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(setup.jobs).build_global();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Connections and timers are served by one thread, the run by this one, and what computes by rayon's: a
        // second one for connections costs more in wake-ups than it takes over.
        .worker_threads(1)
        .enable_time()
        .enable_io()
        .build()
        .context("start the runtime")?;
    // What cannot be read is known before anything is asked for.
    let eval_items = super::check::eval_items(&setup.args.eval)?;
    setup.shares()?;
    let mut run = Run::open(&setup, how)?;
    let max_cost = super::money::confirm_budget(run.budget()?)?;
    if let Some(again) = run.begin(max_cost, retry)? {
        say(&format!("{again} prompts or conversations are retried"));
    }
    let stop = StopSignal::default();
    let mut progress = Terminal::new(expected(&run.context)?.requests);
    let driven = runtime.block_on(async {
        let signal = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                say("stopping: answers that are under way are still received; Ctrl-C again stops at once");
                signal.stop();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                leave();
            }
        });
        run.drive(&mut progress, &stop).await
    });
    progress.finish();
    let (outcome, tally) = driven?;
    let Run { context, store, .. } = run;
    if outcome == Outcome::Stopped && stop.is_stopped() {
        say(&format!(
            "stopped: {} conversations done; all rows received are saved in {}",
            tally.done,
            setup.out.display()
        ));
        say(&format!("to go on, type: {}", same_command()));
        return Ok(Code::Interrupted);
    }
    if outcome == Outcome::CostReached {
        say(&format!(
            "stopped before more than {} is spent: {} spent, {} conversations done; all rows received are \
             saved in {}",
            dollars(context.config.max_cost.unwrap_or(0)),
            dollars(tally.spent),
            tally.done,
            setup.out.display()
        ));
        say("to go on, type the same command with a higher --max-cost");
        return Ok(Code::Failures);
    }
    if !matches!(how, Drive::ToTheEnd | Drive::Replay) {
        let what = if how == Drive::SubmitOnly { "sent" } else { "taken in" };
        say(&format!(
            "{what}: {} requests asked for, {} rows received; {} conversations done, {} rejected",
            tally.asked, tally.rows, tally.done, tally.rejected
        ));
        if setup.args.json {
            print_json(&serde_json::json!({
                "schema_version": SCHEMA_VERSION,
                "asked": tally.asked, "rows": tally.rows, "done": tally.done,
                "rejected": tally.rejected,
            }))?;
        }
        return Ok(Code::Done);
    }
    let before = super::ship::summary_of(&setup.out).ok();
    let mut summary = write_rows(&setup, &context, &store, OutputFiles::ALL)?;
    curate(&setup, &mut summary, &eval_items)?;
    write_summary(&setup.out, &summary)?;
    remove_left_out(&setup.out, before.as_ref(), &summary)?;
    let (shipped, reported) = rayon::join(
        || super::ship::dataset(&setup.args, &setup.out, &summary),
        || super::picture::write(&setup.out),
    );
    shipped?;
    reported?;
    if setup.args.json {
        print_json(&table::Built { summary: &summary, call: table::Call::of(&tally) })?;
    } else {
        print(&format!("{}{}", table::summary(&summary), table::Call::of(&tally)))?;
        say(&format!("written to {}", setup.out.display()));
    }
    verdict(&summary, &setup.out, setup.args.gate)
}

/// Writes the rows of a run. Annotations of earlier rows go first: they must never stand beside other texts.
fn write_rows(
    setup: &Setup,
    context: &RunContext<'_>,
    store: &Store,
    files: OutputFiles,
) -> anyhow::Result<Summary> {
    if files.conversations {
        clear_annotations(&setup.out)?;
    }
    Ok(write_outputs(context, store, &setup.out, files)?)
}

/// Runs the passes over the rows of a run: writes `annotations/`, completes the summary.
fn curate(setup: &Setup, summary: &mut Summary, eval_items: &EvalItems) -> anyhow::Result<()> {
    let facts = facts(&setup.catalog);
    let (shares, seed) = (setup.shares()?, summary.seed);
    let passes = clinstruct_curate::Settings { eval_items, facts: &facts, shares, seed };
    curate_run(&setup.out, summary, &passes)?;
    Ok(())
}

/// Removes the files of parts that the run had and that were left out of it, as somebody has accepted.
fn remove_left_out(out: &Path, before: Option<&Summary>, now: &Summary) -> anyhow::Result<()> {
    let parts = before.into_iter().flat_map(|summary| &summary.parts);
    for part in parts.filter(|old| now.parts.iter().all(|new| new.stem != old.stem)) {
        for kind in ["prompts", "situations", "conversations", "rejected"] {
            let path = out.join(kind).join(format!("{}.jsonl", part.stem));
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(e).with_context(|| format!("remove {}", path.display()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Ends the process at once: a second Ctrl-C does not wait for what is being saved.
#[expect(clippy::exit, reason = "the journal is sound at every instant")]
fn leave() -> ! {
    std::process::exit(Code::Interrupted as i32)
}

fn verdict(summary: &Summary, out: &Path, gate: bool) -> anyhow::Result<Code> {
    if !summary.counts_add_up {
        say("error: the counts do not add up: some planned row is lost or counted twice");
        return Ok(Code::Failures);
    }
    if let Some(why) = nothing_reached(summary, out)? {
        say(&why);
        return Ok(Code::Failures);
    }
    if summary.failed() > 0 {
        say("some rows failed: rejected/ says which and why");
        return Ok(Code::Failures);
    }
    let missed = summary.quality.as_ref().map_or(0, |q| q.metrics.missed().count());
    if gate && missed > 0 {
        say(&format!("{missed} metrics miss their target: see summary.json"));
        return Ok(Code::Failures);
    }
    Ok(Code::Done)
}

/// Of a run that has ended without a row in the dataset: that, and why most rows are not in it, in the words of
/// `rejected/` or `annotations/`.
fn nothing_reached(summary: &Summary, out: &Path) -> anyhow::Result<Option<String>> {
    let missing = summary.left_out() + summary.dropped();
    if summary.in_dataset() > 0 || summary.under_way() > 0 || missing == 0 {
        return Ok(None);
    }
    let most = summary.reasons().into_iter().max_by_key(|(_, count)| *count);
    let Some((reason, count)) = most else { return Ok(None) };
    let mut details: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |of: &str, detail: String| {
        // Enough to know the most frequent one, and no more than fits into memory.
        if of == reason && (details.len() < DETAILS || details.contains_key(&detail)) {
            *details.entry(detail).or_default() += 1;
        }
    };
    for part in &summary.parts {
        let path = out.join("rejected").join(format!("{}.jsonl", part.stem));
        let file = File::open(&path).with_context(|| format!("read {}", path.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("read {}", path.display()))?;
            let row: Rejected = serde_json::from_str(&line).context("read a rejected row")?;
            add(&row.reason, row.detail);
        }
        for annotation in Annotations::open(out, &part.stem)? {
            if let Some(Dropped { reason, detail, .. }) = annotation?.dropped {
                add(&reason, detail);
            }
        }
    }
    let frequent = details.into_iter().max_by_key(|(_, count)| *count);
    // A detail may hold what a model wrote.
    let detail: String = frequent.into_iter().flat_map(|(detail, _)| plain(&detail)).collect();
    Ok(Some(format!(
        "no row reached the dataset: {} were rejected, failed or dropped, {} of them for {reason} ({detail})",
        table::number(missing),
        table::number(count)
    )))
}

/// A text without what a terminal would obey.
fn plain(text: &str) -> Vec<char> {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn write_summary(out: &Path, summary: &Summary) -> anyhow::Result<()> {
    let path = out.join("summary.json");
    let partial = out.join(".summary.json.partial");
    let text = format!("{}\n", serde_json::to_string_pretty(summary)?);
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, &path))
        .with_context(|| format!("write {}", path.display()))
}

/// The command line as it was typed.
fn same_command() -> String {
    let quote = |arg: String| {
        let plain = arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,".contains(c));
        if plain && !arg.is_empty() { arg } else { format!("'{}'", arg.replace('\'', r"'\''")) }
    };
    std::env::args().map(quote).collect::<Vec<_>>().join(" ")
}

/// Which files to write anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// `prompts/`
    Prompts,
    /// `situations/`
    Situations,
    /// `conversations/`, `rejected/` and `annotations/`
    Conversations,
}

/// Writes files anew from the raw responses; asks for nothing.
pub(crate) fn rewrite(mut args: RunArgs, what: Rewrite) -> anyhow::Result<Code> {
    args.keyless = true;
    let setup = Setup::new(settings::of_run(args)?)?;
    let context = setup.context(false)?;
    let store = setup.store_to_read()?;
    super::look::same_plan(&context, &store)?;
    let files = OutputFiles {
        prompts: what == Rewrite::Prompts,
        // What is known of the dataset as a whole needs both.
        situations: what != Rewrite::Prompts,
        conversations: what == Rewrite::Conversations,
    };
    let mut summary = write_rows(&setup, &context, &store, files)?;
    if what == Rewrite::Conversations {
        let eval_items = super::check::eval_items(&setup.args.eval)?;
        curate(&setup, &mut summary, &eval_items)?;
    }
    if setup.args.json {
        print_json(&summary)?;
    } else {
        print(&table::summary(&summary))?;
    }
    Ok(Code::Done)
}
