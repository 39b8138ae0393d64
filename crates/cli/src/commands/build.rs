//! Drives a run, and writes its files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use clinstruct_app::Context as _;
use clinstruct_app::budget::expected;
use clinstruct_app::{Inputs, Run, Settings, run_stages};
use clinstruct_curate::Annotations;
use clinstruct_pipeline::{Drive, Outcome, StopSignal};
use clinstruct_schema::{Dropped, Rejected, SCHEMA_VERSION, Summary, dollars};

use super::{print, print_json, say};
use crate::args::RunArgs;
use crate::exit::Code;
use crate::progress::Terminal;
use crate::{plan, settings, table};
use clinstruct_app::Setup;

/// Different details of one reason that are counted.
const DETAILS: usize = 10_000;

/// The whole job.
pub(crate) fn build(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::own(args)?, Drive::ToTheEnd, false)
}

/// Sends what is due, of a run that is there or of a new one.
pub(crate) fn submit(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run_or_own(args)?, Drive::SubmitOnly, false)
}

/// Takes in what has come.
pub(crate) fn collect(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run(args)?, Drive::CollectOnly, false)
}

/// Continues with the settings that the run was built with.
pub(crate) fn resume(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run(args)?, Drive::ToTheEnd, false)
}

/// Asks once more for what failed.
pub(crate) fn retry(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run(args)?, Drive::ToTheEnd, true)
}

/// Reads the raw responses anew.
pub(crate) fn reparse(mut args: RunArgs) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    drive(settings::of_run(args)?, Drive::Replay, false)
}

fn drive(args: Settings, how: Drive, retry: bool) -> clinstruct_app::Result<Code> {
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
    let max_cost = super::estimate::confirm_budget(run.budget()?)?;
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
        say(&format!("to resume, run: {}", same_command()));
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
        say("to resume, rerun the same command with a higher --max-cost");
        return Ok(Code::Failures);
    }
    if !matches!(how, Drive::ToTheEnd | Drive::Replay) {
        let what = if how == Drive::SubmitOnly { "sent" } else { "ingested" };
        say(&format!(
            "{what}: {} requests sent, {} rows received; {} conversations done, {} rejected",
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
    let inputs =
        Inputs { setup: &setup, context: &context, store: &store, eval_items: &eval_items };
    let summary = run_stages(&inputs, None)?;
    if setup.args.json {
        print_json(&table::Built { summary: &summary, call: table::Call::of(&tally) })?;
    } else {
        print(&format!("{}{}", table::summary(&summary), table::Call::of(&tally)))?;
        say(&format!("written to {}", setup.out.display()));
    }
    verdict(&summary, &setup.out, setup.args.gate)
}

/// Ends the process at once: a second Ctrl-C does not wait for what is being saved.
#[expect(clippy::exit, reason = "the journal is sound at every instant")]
fn leave() -> ! {
    std::process::exit(Code::Interrupted as i32)
}

fn verdict(summary: &Summary, out: &Path, gate: bool) -> clinstruct_app::Result<Code> {
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
fn nothing_reached(summary: &Summary, out: &Path) -> clinstruct_app::Result<Option<String>> {
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

/// The command line as it was typed.
fn same_command() -> String {
    let quote = |arg: String| {
        let plain = arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,".contains(c));
        if plain && !arg.is_empty() { arg } else { format!("'{}'", arg.replace('\'', r"'\''")) }
    };
    std::env::args().map(quote).collect::<Vec<_>>().join(" ")
}

/// Runs one stage again from the raw responses, and those that depend on it; sends nothing.
pub(crate) fn rerun(mut args: RunArgs, stage: &'static str) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    let setup = Setup::new(settings::of_run(args)?)?;
    let context = setup.context(false)?;
    let store = setup.store_to_read()?;
    plan::ensure_same_plan(&context, &store)?;
    let eval_items = super::check::eval_items(&setup.args.eval)?;
    let inputs =
        Inputs { setup: &setup, context: &context, store: &store, eval_items: &eval_items };
    let summary = run_stages(&inputs, Some(stage))?;
    if setup.args.json {
        print_json(&summary)?;
    } else {
        print(&table::summary(&summary))?;
    }
    Ok(Code::Done)
}
