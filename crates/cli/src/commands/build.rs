//! Drives a run and writes its outputs.

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

use super::{print, print_err, print_json};
use crate::args::RunArgs;
use crate::exit::Code;
use crate::progress::Terminal;
use crate::{plan, settings, table};
use clinstruct_app::Setup;

/// Most distinct details that are counted per reason.
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

/// Reads the raw responses again.
pub(crate) fn reparse(mut args: RunArgs) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    drive(settings::of_run(args)?, Drive::Replay, false)
}

fn drive(args: Settings, how: Drive, retry: bool) -> clinstruct_app::Result<Code> {
    let setup = Setup::new(args)?;
    // If the pool already exists, the first call has set its size.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(setup.jobs).build_global();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One thread serves connections and timers, this one drives the run, and rayon's threads compute: a second one
        // for connections costs more in wake-ups than it takes over.
        .worker_threads(1)
        .enable_time()
        .enable_io()
        .build()
        .context("start the runtime")?;
    // Unreadable inputs are reported before anything is requested.
    let eval_items = super::check::eval_items(&setup.settings.eval)?;
    setup.shares()?;
    let mut run = Run::open(&setup, how)?;
    let max_cost = super::estimate::confirm_budget(run.budget()?)?;
    match run.begin(max_cost, retry)? {
        None => {}
        Some(0) => print_err(&format!(
            "nothing failed that could be retried; see what was rejected with `clinstruct show {} --kind rejected`",
            setup.out.display()
        )),
        Some(1) => print_err("1 prompt or conversation is retried"),
        Some(again) => print_err(&format!("{again} prompts or conversations are retried")),
    }
    let stop = StopSignal::default();
    let mut progress = Terminal::new(expected(&run.context)?.requests);
    let driven = runtime.block_on(async {
        let signal = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                print_err(
                    "stopping: answers in flight are still received; Ctrl-C again stops at once",
                );
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
        print_err(&format!(
            "stopped: {} conversations done; all rows received are saved in {}",
            tally.done,
            setup.out.display()
        ));
        print_err(&format!("to resume, run: {}", same_command()));
        return Ok(Code::Interrupted);
    }
    if outcome == Outcome::CostReached {
        print_err(&format!(
            "stopped before more than {} is spent: {} spent, {} conversations done; all rows received are \
             saved in {}",
            dollars(context.config.max_cost.unwrap_or(0)),
            dollars(tally.spent),
            tally.done,
            setup.out.display()
        ));
        print_err("to resume, rerun the same command with a higher --max-cost");
        return Ok(Code::Failures);
    }
    if !matches!(how, Drive::ToTheEnd | Drive::Replay) {
        let what = if how == Drive::SubmitOnly { "sent" } else { "ingested" };
        print_err(&format!(
            "{what}: {} requests sent, {} rows received; {} conversations done, {} rejected",
            tally.requested, tally.rows, tally.done, tally.rejected
        ));
        if setup.settings.json {
            print_json(&serde_json::json!({
                "schema_version": SCHEMA_VERSION,
                "requested": tally.requested, "rows": tally.rows, "done": tally.done,
                "rejected": tally.rejected,
            }))?;
        }
        return Ok(Code::Done);
    }
    let inputs =
        Inputs { setup: &setup, context: &context, store: &store, eval_items: &eval_items };
    let summary = run_stages(&inputs, None)?;
    if setup.settings.json {
        print_json(&table::Built { summary: &summary, call: table::Call::of(&tally) })?;
    } else {
        print(&format!("{}{}", table::summary(&summary), table::Call::of(&tally)))?;
        if let Some(pilot) = &summary.pilot {
            let time = crate::pilot::open_time(&store.jobs()?);
            print(&crate::pilot::text(pilot, summary.requests_answered, time))?;
        }
        print_err(&format!("written to {}", setup.out.display()));
    }
    verdict(&summary, &setup.out, setup.settings.gate)
}

/// Exits at once: a second Ctrl-C does not wait for data that is being saved.
#[expect(clippy::exit, reason = "the journal is sound at every instant")]
fn leave() -> ! {
    std::process::exit(Code::Interrupted as i32)
}

fn verdict(summary: &Summary, out: &Path, gate: bool) -> clinstruct_app::Result<Code> {
    if !summary.counts_add_up {
        print_err("error: the counts do not add up: a planned row is lost or counted twice");
        return Ok(Code::Failures);
    }
    if let Some(why) = nothing_reached(summary, out)? {
        print_err(&why);
        return Ok(Code::Failures);
    }
    if summary.failed() > 0 {
        print_err("some rows failed: see rejected/ for the reasons");
        return Ok(Code::Failures);
    }
    let missed = summary.quality.as_ref().map_or(0, |q| q.metrics.missed().count());
    if gate && missed > 0 {
        print_err(&format!("{missed} metrics miss their target: see summary.json"));
        return Ok(Code::Failures);
    }
    Ok(Code::Done)
}

/// Of a run that has ended without a row in the dataset: that, and why most rows are not in it, in the words of
/// `rejected/` or `annotations/`.
fn nothing_reached(summary: &Summary, out: &Path) -> clinstruct_app::Result<Option<String>> {
    let missing = summary.left_out() + summary.dropped();
    if summary.in_dataset() > 0 || summary.in_progress() > 0 || missing == 0 {
        return Ok(None);
    }
    let most = summary.reasons().into_iter().max_by_key(|(_, count)| *count);
    let Some((reason, count)) = most else { return Ok(None) };
    let mut details: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |of: &str, detail: String| {
        // Enough to find the most common one, within bounded memory.
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
    // A detail may contain model output.
    let detail: String = frequent.into_iter().flat_map(|(detail, _)| plain(&detail)).collect();
    Ok(Some(format!(
        "no row reached the dataset: {} were rejected, failed or dropped, {} of them for {reason} ({detail})",
        table::number(missing),
        table::number(count)
    )))
}

/// A text without terminal control characters.
fn plain(text: &str) -> Vec<char> {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The command line as typed.
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
    let eval_items = super::check::eval_items(&setup.settings.eval)?;
    let inputs =
        Inputs { setup: &setup, context: &context, store: &store, eval_items: &eval_items };
    let summary = run_stages(&inputs, Some(stage))?;
    if setup.settings.json {
        print_json(&summary)?;
    } else {
        print(&table::summary(&summary))?;
    }
    Ok(Code::Done)
}
