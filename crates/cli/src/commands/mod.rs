//! One function per command.

mod build;
mod check;
mod estimate;
mod export;
mod inspect;
mod jobs;
mod manual;
mod merge;
mod model;
#[cfg(feature = "http")]
mod publish;
mod report;
mod reviews;
mod serve;
mod show;
mod try_run;

use clinstruct_app::Registry;

use crate::args::{Cli, Command, OnRun, RunArgs};
use crate::exit::Code;
use crate::settings::{folder_and_name, in_folder};
use crate::terminal;

/// Runs the command.
pub(crate) fn run(cli: Cli, backends: &Registry) -> clinstruct_app::Result<Code> {
    match cli.command {
        Command::Build(on) => build::build(args(on)?),
        Command::Merge(args) => merge::merge(args),
        Command::Submit(on) => build::submit(args(on)?),
        Command::Collect(on) => build::collect(args(on)?),
        Command::Plan { on, contradictions: true, .. } => inspect::contradictions(args(on)?),
        Command::Plan { on, rows, .. } => inspect::plan(args(on)?, rows),
        Command::Requests { on, row } => inspect::requests(args(on)?, row.as_deref()),
        Command::Estimate { on, answer_tokens } => {
            estimate::estimate_command(args(on)?, &answer_tokens)
        }
        Command::Status { on, watch } => inspect::status(args(on)?, watch),
        Command::Jobs(on) => jobs::list(args(on)?),
        Command::Cancel { dir, tag, mut run } => {
            let tag = folder_and_name(&mut run, dir, tag)?;
            jobs::cancel(run, tag.as_deref())
        }
        Command::Resume(on) => build::resume(args(on)?),
        Command::Retry { on, .. } => build::retry(args(on)?),
        Command::Rehearse { run, input, output } => try_run::rehearse(run, &input, &output),
        Command::Check(args) => check::check(&args),
        Command::Serve(args) => serve::serve(args),
        Command::Reviews(args) => reviews::reviews(args),
        #[cfg(feature = "http")]
        Command::Publish(mut args) => {
            in_folder(&mut args.run, args.dir.take())?;
            publish::publish(args)
        }
        #[cfg(not(feature = "http"))]
        Command::Publish(_) => Err(without_http()),
        Command::Report(on) => report::report(args(on)?),
        Command::Model { command, resources } => model::model(command, resources.as_deref()),
        Command::Compare { first, second, to } => report::compare(&first, &second, &to),
        Command::Completions { shell } => manual::completions(shell, backends),
        Command::Man { to } => manual::pages(&to, backends),
        Command::Export(mut args) => {
            in_folder(&mut args.run, args.dir.take())?;
            export::export(args)
        }
        Command::Reparse(on) => build::reparse(args(on)?),
        Command::Turns(on) => inspect::turns(args(on)?),
        Command::Parse(on) => build::rerun(args(on)?, "prompts"),
        Command::Situations(on) => build::rerun(args(on)?, "situations"),
        Command::Conversations(on) => build::rerun(args(on)?, "conversations"),
        Command::Show { dir, id, mut run, random, kind } => {
            let id = folder_and_name(&mut run, dir, id)?;
            show::show(run, id.as_deref(), random, kind)
        }
        Command::Try { on, row, prompt_only } => {
            try_run::try_run(args(on)?, row.as_deref(), prompt_only)
        }
    }
}

/// The error of a command that needs a network, where the program was built without.
#[cfg(not(feature = "http"))]
fn without_http() -> clinstruct_app::Error {
    let why = clinstruct_provider_http::LEFT_OUT;
    crate::exit::usage(why.message, why.hint)
}

/// The settings of a command, with the folder that its argument names.
fn args(on: OnRun) -> clinstruct_app::Result<RunArgs> {
    let OnRun { dir, mut run } = on;
    in_folder(&mut run, dir)?;
    Ok(run)
}

/// Writes to stdout.
pub(crate) fn print(text: &str) -> clinstruct_app::Result<()> {
    terminal::out(text)
}

/// Writes a value as one line of JSON to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> clinstruct_app::Result<()> {
    print(&format!("{}\n", terminal::json(value)?))
}

/// Writes a line to stderr.
pub(crate) fn print_err(text: &str) {
    terminal::line(text);
}
