//! Drives a run and writes its outputs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;

use clinstruct_app::Context as _;
use clinstruct_app::budget::expected;
use clinstruct_app::{Inputs, Run, Settings, Shards, run_stages};
use clinstruct_curate::Annotations;
use clinstruct_pipeline::{Drive, Outcome, StopSignal, Tally, conversations};
use clinstruct_schema::{
    Dropped, Json, MicroUsd, Rejected, SCHEMA_VERSION, Summary, counted, dollars,
};

use super::{print, print_err, print_json};
use crate::args::RunArgs;
use crate::exit::Code;
use crate::progress::{PLAN, Size, Terminal};
use crate::terminal::{Level, look};
use crate::verdict::{Verdict, quoted};
use crate::{plan, reason, remote, settings, table};
use clinstruct_app::Setup;

/// Stages that write rows.
const ROWS: [&str; 3] = ["prompts", "situations", "conversations"];
/// Most distinct details that are counted per reason.
const DETAILS: usize = 10_000;

/// The whole job.
pub(crate) fn build(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::own(args)?, Purpose::Rows(Drive::ToTheEnd))
}

/// Sends what is due, of a run that is there or of a new one.
pub(crate) fn submit(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run_or_own(args)?, Purpose::Rows(Drive::SubmitOnly))
}

/// Takes in what has come.
pub(crate) fn collect(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run(args)?, Purpose::Rows(Drive::CollectOnly))
}

/// Continues with the settings that the run was built with.
pub(crate) fn resume(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run(args)?, Purpose::Rows(Drive::ToTheEnd))
}

/// Asks once more for what failed.
pub(crate) fn retry(args: RunArgs) -> clinstruct_app::Result<Code> {
    drive(settings::of_run(args)?, Purpose::Retry)
}

/// Reads the raw responses again.
pub(crate) fn reparse(mut args: RunArgs) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    drive(settings::of_run(args)?, Purpose::Rows(Drive::Replay))
}

/// Replays the whole plan of a run that has the answers of all its shards.
pub(crate) fn merged(setup: &Setup) -> clinstruct_app::Result<Code> {
    drive_setup(setup, Purpose::Merge, Instant::now())
}

/// What a run is driven for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// What its settings say.
    Rows(Drive),
    /// To retry what failed.
    Retry,
    /// To write what was merged into it.
    Merge,
}

impl Purpose {
    fn drive(self) -> Drive {
        match self {
            Self::Rows(how) => how,
            Self::Retry => Drive::ToTheEnd,
            Self::Merge => Drive::Replay,
        }
    }
}

fn drive(args: Settings, how: Purpose) -> clinstruct_app::Result<Code> {
    let began = Instant::now();
    drive_setup(&Setup::new(args)?, how, began)
}

fn drive_setup(setup: &Setup, purpose: Purpose, began: Instant) -> clinstruct_app::Result<Code> {
    let how = purpose.drive();
    remote::ensure_reachable(&setup.settings)?;
    // If the pool already exists, the first call has set its size.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(setup.jobs).build_global();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One thread serves connections and timers, this one drives the run, and rayon's threads compute: a second one
        // for connections costs more in wake-ups than it takes over.
        .worker_threads(1)
        .enable_time()
        .enable_io()
        .build()
        .context("cannot start the runtime")?;
    // Unreadable inputs are reported before anything is requested.
    let eval_items = super::check::eval_items(&setup.settings.eval)?;
    setup.shares()?;
    if let Some(shard) = setup.settings.shard {
        print_err(&table::of_shard(shard));
    }
    let mut run = Run::open(setup, how)?;
    let budget = run.budget()?;
    let share = budget.as_ref().and_then(|budget| budget.share_of.map(|_| budget.most));
    let max_cost = super::estimate::confirm_budget(budget)?;
    match run.begin(max_cost, purpose == Purpose::Retry)? {
        None => {}
        Some(0) => print_err(&format!(
            "nothing failed that could be retried; see what was rejected with `clinstruct show {} --kind rejected`",
            setup.out.display()
        )),
        Some(1) => print_err("1 prompt or conversation is retried"),
        Some(again) => print_err(&format!("{again} prompts or conversations are retried")),
    }
    let stop = StopSignal::default();
    let mut progress = Terminal::start(PLAN, began);
    let size = Size {
        conversations: run.context.plans.iter().map(|(_, p)| conversations(p) as u64).sum(),
        requests: expected(&run.context)?.requests,
    };
    let is_rehearsal =
        run.context.routes.all().iter().all(|route| route.backend.capabilities().synthetic);
    progress.size(size, is_rehearsal);
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
    let (outcome, tally) = driven?;
    if purpose == Purpose::Merge && !stop.is_stopped() {
        Shards::ensure_complete(&run.store)?;
    }
    let answered = answered(&tally);
    let Run { context, store, .. } = run;
    let is_whole =
        outcome == Outcome::Finished && matches!(how, Drive::ToTheEnd) || how == Drive::Replay;
    progress.phase(is_whole.then_some("write"), &answered);
    if !is_whole {
        progress.finish();
    }
    if outcome == Outcome::Stopped && stop.is_stopped() {
        print_err(&format!(
            "stopped: {} of {} done, {} answered; all rows received are saved in {}",
            table::number(tally.done as u64),
            counted(size.conversations, "conversation"),
            counted(tally.answered as u64, "request"),
            setup.out.display()
        ));
        print_err(&format!("to resume, run: {}", same_command()));
        return Ok(Code::Interrupted);
    }
    if outcome == Outcome::CostReached {
        print_err(&format!(
            "stopped before more than {} is spent: {} spent, {} done; all rows received are saved in {}",
            dollars(context.config.max_cost.unwrap_or(0)),
            dollars(tally.spent),
            counted(tally.done as u64, "conversation"),
            setup.out.display()
        ));
        print_err("to resume, rerun the same command with a higher --max-cost");
        return Ok(Code::Failures);
    }
    if !matches!(how, Drive::ToTheEnd | Drive::Replay) {
        let what = if how == Drive::SubmitOnly { "sent" } else { "ingested" };
        print_err(&format!(
            "{what}: {} sent, {} received; {} done, {} rejected",
            counted(tally.requested as u64, "request"),
            counted(tally.rows as u64, "row"),
            counted(tally.done as u64, "conversation"),
            table::number(tally.rejected as u64)
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
    let inputs = Inputs { setup, context: &context, store: &store, eval_items: &eval_items };
    let summary = write(&inputs, None, &mut progress)?;
    if setup.settings.json {
        print_json(&table::Built { summary: &summary, call: table::Call::of(&tally) })?;
    } else {
        if look().level == Level::Verbose {
            print(&format!("{}{}", table::summary(&summary), table::Call::of(&tally)))?;
        }
        if let Some(pilot) = &summary.pilot {
            let jobs = store.jobs()?.into_iter().map(|job| (job.created, job.updated));
            let time = crate::pilot::open_time(jobs.collect());
            print(&crate::pilot::text(pilot, summary.requests_answered, time))?;
        }
    }
    let was_finished = how == Drive::ToTheEnd
        && (tally.requested, tally.rows, tally.found) == (0, 0, 0)
        && tally.answered > 0;
    let code = end(&inputs, &summary, &progress, Ending { was_finished, share })?;
    // It says something else of Ctrl-C.
    drop(runtime);
    Ok(remote::upload(&inputs, &summary)?.unwrap_or(code))
}

/// What came of asking: all answers of the run, and how many of them are new if some were there.
fn answered(tally: &Tally) -> String {
    let number = |n: usize| table::number(n as u64);
    let all = format!("{} answered", counted(tally.answered as u64, "request"));
    if tally.answered_before == 0 {
        return all;
    }
    let new = tally.answered.saturating_sub(tally.answered_before);
    format!("{all}: {} before, {} new", number(tally.answered_before), number(new))
}

/// Runs the stages, each as a phase of its own.
fn write(
    inputs: &Inputs<'_>,
    first: Option<&str>,
    progress: &mut Terminal,
) -> clinstruct_app::Result<Summary> {
    let mut names = Vec::new();
    let summary = run_stages(inputs, first, &mut |stages| {
        // The stages that write rows are one phase, which has begun.
        if stages.iter().any(|stage| ROWS.contains(stage)) || stages.is_empty() {
            names = stages.iter().map(ToString::to_string).collect();
            return;
        }
        progress.phase(stages.first().copied(), &names.split_off(0).join(", "));
        names.extend(stages.iter().skip(1).map(|stage| format!("and {stage}")));
    })?;
    progress.phase(None, &names.join(", "));
    progress.finish();
    Ok(summary)
}

/// What a verdict says beside the summary.
#[derive(Debug, Clone, Copy, Default)]
struct Ending {
    /// Whether the run was finished before.
    was_finished: bool,
    /// The share of `--max-cost` that the run has as a shard.
    share: Option<MicroUsd>,
}

/// Prints the verdict of a run; returns the exit code.
fn end(
    inputs: &Inputs<'_>,
    summary: &Summary,
    progress: &Terminal,
    Ending { was_finished, share }: Ending,
) -> clinstruct_app::Result<Code> {
    let problems = problems(summary, &inputs.setup.out, inputs.setup.settings.gate)?;
    let money = inputs.store.money()?;
    let verdict = Verdict {
        summary,
        out: &inputs.setup.out,
        elapsed: progress.elapsed(),
        was_finished,
        usage: money.usage,
        spent: money.spent,
        share,
        problems: &problems,
    };
    verdict.print();
    Ok(if problems.is_empty() { Code::Done } else { Code::Failures })
}

/// Exits at once: a second Ctrl-C does not wait for data that is being saved.
#[expect(clippy::exit, reason = "the journal is sound at every instant")]
fn leave() -> ! {
    std::process::exit(Code::Interrupted as i32)
}

/// What is wrong with a run, so that its exit code is 1.
fn problems(summary: &Summary, out: &Path, gate: bool) -> clinstruct_app::Result<Vec<String>> {
    let mut all = Vec::new();
    if !summary.counts_add_up {
        all.push("the counts do not add up: a planned row is lost or counted twice".to_owned());
    }
    match nothing_reached(summary, out)? {
        Some(why) => all.push(why),
        None if summary.failed() > 0 => {
            all.push("some rows failed: see rejected/ for the reasons".to_owned());
        }
        None => {}
    }
    let missed = summary.quality.as_ref().map_or(0, |q| q.metrics.missed().count());
    if gate && missed > 0 {
        all.push(format!("{}: see summary.json", table::missed_targets(missed)));
    }
    Ok(all)
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
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            let row = Rejected::of_json(&line).context("cannot read a rejected row")?;
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
        "no row reached the dataset: {} rejected, failed or dropped, {} of them for \"{}\" ({detail})",
        counted(missing, "row"),
        table::number(count),
        reason::name(reason),
    )))
}

/// A text without terminal control characters.
fn plain(text: &str) -> Vec<char> {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The command line as typed.
fn same_command() -> String {
    std::env::args().map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// Runs one stage again from the raw responses, and those that depend on it; sends nothing.
pub(crate) fn rerun(mut args: RunArgs, stage: &'static str) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    let began = Instant::now();
    let setup = Setup::new(settings::of_run(args)?)?;
    remote::ensure_reachable(&setup.settings)?;
    let context = setup.context(false)?;
    let store = setup.store_to_read()?;
    plan::ensure_same_plan(&context, &store)?;
    let eval_items = super::check::eval_items(&setup.settings.eval)?;
    let inputs =
        Inputs { setup: &setup, context: &context, store: &store, eval_items: &eval_items };
    let mut progress = Terminal::start("write", began);
    let summary = write(&inputs, Some(stage), &mut progress)?;
    if setup.settings.json {
        print_json(&summary)?;
    } else if look().level == Level::Verbose {
        print(&table::summary(&summary))?;
    }
    end(&inputs, &summary, &progress, Ending::default())?;
    Ok(remote::upload(&inputs, &summary)?.unwrap_or(Code::Done))
}
