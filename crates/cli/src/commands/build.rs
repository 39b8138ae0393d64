//! Drives a run, and writes its files.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clinstruct_pipeline::{
    Drive, Outcome, OutputFiles, Reopen, StopSignal, Summary, Tally, assess, write_outputs,
};

use clinstruct_schema::dollars;

use super::{print, print_json, say};
use crate::args::{BackendName, RunArgs};
use crate::exit::{Code, usage};
use crate::progress::Terminal;
use crate::setup::{Setup, now, run_name};
use crate::table;

/// Name of the note that keeps a run's settings.
const SETTINGS: &str = "settings";

/// The whole job.
pub(crate) fn build(args: RunArgs) -> anyhow::Result<Code> {
    drive(args, Drive::ToTheEnd, false)
}

/// One stage of the job: only sending, or only taking in.
pub(crate) fn stage(args: RunArgs, drive_as: Drive) -> anyhow::Result<Code> {
    if let Some(BackendName::Chat | BackendName::Llama) = args.backend {
        return Err(usage(
            "the jobs of the chat and llama backends end with this process",
            "use `clinstruct build`; stop it with Ctrl-C and type it again at any time",
        ));
    }
    drive(args, drive_as, false)
}

/// Goes on with the settings that the run was begun with.
pub(crate) fn resume(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings_of(args)?, Drive::ToTheEnd, false)
}

/// Asks once more for what failed.
pub(crate) fn retry(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings_of(args)?, Drive::ToTheEnd, true)
}

/// Reads the raw responses anew.
pub(crate) fn reparse(args: RunArgs) -> anyhow::Result<Code> {
    drive(settings_of(args)?, Drive::Replay, false)
}

/// The settings that a run was begun with, with what may be said anew.
pub(crate) fn settings_of(args: RunArgs) -> anyhow::Result<RunArgs> {
    let setup = Setup::new(args.clone())?;
    let store = setup.store_to_read()?;
    let Some(text) = store.meta(SETTINGS)? else { return Ok(args) };
    let mut saved: RunArgs = serde_json::from_str(&text).context("read the run's settings")?;
    saved.out = Some(setup.out);
    saved.max_cost = args.max_cost.or(saved.max_cost);
    if !args.base_url.is_empty() {
        saved.base_url = args.base_url;
    }
    saved.title = args.title.or(saved.title);
    saved.license = args.license.or(saved.license);
    (saved.yes, saved.json, saved.accept_change) = (args.yes, args.json, args.accept_change);
    saved.gate |= args.gate;
    saved.keep_reasoning |= args.keep_reasoning;
    Ok(saved)
}

fn drive(args: RunArgs, how: Drive, retry: bool) -> anyhow::Result<Code> {
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
    let forbidden = super::check::forbidden(&setup.args.eval)?;
    setup.shares()?;
    let mut context = setup.context(matches!(how, Drive::SubmitOnly | Drive::CollectOnly))?;
    let mut store = setup.store(context.rehearsal)?;
    if matches!(how, Drive::ToTheEnd | Drive::SubmitOnly) {
        context.config.max_cost = super::money::leave_to_spend(&setup, &context, &store)?;
    }
    let begun_with = store.meta(SETTINGS)?;
    store.set_meta(SETTINGS, &serde_json::to_string(&setup.args)?)?;
    if retry {
        let again = clinstruct_pipeline::reopen(&mut store, Reopen::Failed)?;
        say(&format!("{again} prompts or conversations are retried"));
    }
    let stop = StopSignal::default();
    let mut progress = Terminal::new(super::money::expected_requests(&context)?);
    let name = run_name(&setup);
    let driven = runtime.block_on(async {
        let signal = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                signal.stop();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                leave();
            }
        });
        let store = &mut store;
        clinstruct_pipeline::run(&context, store, &mut progress, &stop, now, &name, how).await
    });
    progress.finish();
    let refused = matches!(
        driven,
        Err(clinstruct_pipeline::Error::OtherModel { .. }
            | clinstruct_pipeline::Error::OtherAccount { .. })
    );
    if let (true, Some(before)) = (refused, begun_with) {
        // `resume` has to find the settings that the run was begun with, not those that it refused.
        store.set_meta(SETTINGS, &before)?;
    }
    let (outcome, tally) = driven?;
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
                "schema_version": clinstruct_schema::SCHEMA_VERSION,
                "asked": tally.asked, "rows": tally.rows, "done": tally.done,
                "rejected": tally.rejected,
            }))?;
        }
        return Ok(Code::Done);
    }
    let mut summary = write_outputs(&context, &store, &setup.out, OutputFiles::ALL, &tally)?;
    summary.quality =
        Some(assess(&context, &setup.out, &mut summary, &forbidden, setup.shares()?)?);
    write_summary(&setup.out, &summary)?;
    let (shipped, reported) = rayon::join(
        || super::ship::dataset(&setup.args, &setup.out, &summary),
        || super::picture::write(&setup.out),
    );
    shipped?;
    reported?;
    if setup.args.json {
        print_json(&summary)?;
    } else {
        print(&table::summary(&summary))?;
        say(&format!("written to {}", setup.out.display()));
    }
    Ok(verdict(&summary, setup.args.gate))
}

/// Ends the process at once: a second Ctrl-C does not wait for what is being saved.
#[expect(clippy::exit, reason = "the journal is sound at every instant")]
fn leave() -> ! {
    std::process::exit(Code::Interrupted as i32)
}

fn verdict(summary: &Summary, gate: bool) -> Code {
    if !summary.sums_close {
        say("error: the sums do not close: some planned row is lost or counted twice");
        return Code::Failures;
    }
    if summary.failed() > 0 {
        say("some rows failed: rejected/ says which and why");
        return Code::Failures;
    }
    let missed = summary.quality.as_ref().map_or(0, |q| q.figures.missed().count());
    if gate && missed > 0 {
        say(&format!("{missed} figures miss their target: summary.json says which"));
        return Code::Failures;
    }
    Code::Done
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
    /// `conversations/` and `rejected/`
    Conversations,
}

/// Writes files anew from the raw responses; asks for nothing.
pub(crate) fn rewrite(args: RunArgs, what: Rewrite) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let context = setup.context(false)?;
    let store = setup.store_to_read()?;
    super::look::same_plan(&context, &store)?;
    let files = OutputFiles {
        prompts: what == Rewrite::Prompts,
        // What is known of the dataset as a whole needs both.
        situations: what != Rewrite::Prompts,
        conversations: what == Rewrite::Conversations,
    };
    let mut summary = write_outputs(&context, &store, &setup.out, files, &Tally::default())?;
    if what == Rewrite::Conversations {
        let forbidden = super::check::forbidden(&setup.args.eval)?;
        summary.quality =
            Some(assess(&context, &setup.out, &mut summary, &forbidden, setup.shares()?)?);
    }
    if setup.args.json {
        print_json(&summary)?;
    } else {
        print(&table::summary(&summary))?;
    }
    Ok(Code::Done)
}
