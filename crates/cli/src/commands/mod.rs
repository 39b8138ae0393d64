//! One function a command.

mod build;
mod check;
mod jobs;
mod look;
mod manual;
mod model;
mod money;
mod picture;
mod publish;
mod serve;
mod ship;
mod show;
mod trial;

use crate::args::{Cli, Command};
use crate::exit::Code;
use crate::terminal;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Code> {
    match cli.command {
        Command::Build(args) => build::build(args),
        Command::Submit(args) => build::stage(args, clinstruct_pipeline::Drive::SubmitOnly),
        Command::Collect(args) => build::stage(args, clinstruct_pipeline::Drive::CollectOnly),
        Command::Plan { run, rows } => look::plan(run, rows),
        Command::Requests { run, row } => look::requests(run, row.as_deref()),
        Command::Estimate { run, answer_tokens } => money::estimate_command(run, &answer_tokens),
        Command::Status { run, watch } => look::status(run, watch),
        Command::Jobs(args) => jobs::list(args),
        Command::Cancel { run, tag } => jobs::cancel(run, tag.as_deref()),
        Command::Resume(args) => build::resume(args),
        Command::Retry { run, .. } => build::retry(run),
        Command::Rehearse { run, input, output } => trial::rehearse(run, &input, &output),
        Command::Check(args) => check::check(&args),
        Command::Serve(args) => serve::serve(args),
        Command::Publish(args) => publish::publish(args),
        Command::Report(args) => picture::report(args),
        Command::Model { command, resources } => model::model(command, resources.as_deref()),
        Command::Compare { first, second, to } => picture::compare(&first, &second, &to),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { to } => manual::pages(&to),
        Command::Export(args) => ship::export(args),
        Command::Reparse(args) => build::reparse(args),
        Command::Turns(args) => look::turns(args),
        Command::Parse(args) => build::rewrite(args, build::Rewrite::Prompts),
        Command::Situations(args) => build::rewrite(args, build::Rewrite::Situations),
        Command::Conversations(args) => build::rewrite(args, build::Rewrite::Conversations),
        Command::Show { run, id, random, kind } => show::show(run, id.as_deref(), random, kind),
        Command::Try { run, row, prompt_only } => trial::trial(run, row.as_deref(), prompt_only),
    }
}

/// Writes to stdout.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    terminal::out(text)
}

/// Writes a value as one line of JSON to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", terminal::json(value)?))
}

/// Writes a line to stderr.
pub(crate) fn say(text: &str) {
    terminal::line(text);
}
