//! Arguments of the commands on datasets: export, publish, serve, reviews, check.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::number::whole;
use super::run::RunArgs;

/// Arguments of `export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// Folder of the run, or its address in object storage [default: data/BACKEND, such as data/rehearsal]
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

/// Arguments of `merge`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MergeArgs {
    /// Folders of the shards, or their addresses in object storage, in any order
    #[arg(value_name = "DIR", required = true)]
    pub(crate) shards: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Arguments of `serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Folder of a run, or a file of its conversations [default: data/BACKEND, such as data/rehearsal]
    #[arg(value_name = "DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Port on this machine; 0 picks a free one
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8765,
        value_parser = whole::<u16>
    )]
    pub(crate) port: u16,
}

/// Arguments of `reviews`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReviewsArgs {
    /// Folder of a run, or a file of its conversations [default: data/BACKEND, such as data/rehearsal]
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
    /// Folder of the run [default: data/BACKEND, such as data/rehearsal]
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
    /// response}`, as .jsonl, .json, .csv or .parquet; or the folder of a run, for the rows of its dataset. Either may be an address
    /// such as `s3://BUCKET/RUN`
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
