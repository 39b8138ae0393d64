//! The settings of a run as flags.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use clinstruct_app::Host;
use clinstruct_schema::Shard;
use serde::Serialize;

use super::number::{positive, whole};

/// The settings of a command that works on a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct OnRun {
    /// Folder of the run [default: data/BACKEND, such as data/rehearsal]
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Name of the parameter that limits the tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenParameter {
    /// The older name, which most servers accept
    #[value(name = "max_tokens")]
    MaxTokens,
    /// The name that newer models of OpenAI require
    #[value(name = "max_completion_tokens")]
    MaxCompletionTokens,
}

/// When a model is asked once more for the facts that a first message states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Extraction {
    /// Never: code alone reads a message whose list is missing or cannot be read
    Never,
    /// For messages whose list is missing or cannot be read
    Missing,
    /// For all messages about a patient
    Always,
}

/// Settings of a run. [`clinstruct_app::settings`] documents the precedence.
///
/// [`layout`](super::layout) lists the commands that each has an effect on.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub(crate) struct RunArgs {
    /// Part to build, by id or file stem; can be repeated [default: those on by default]
    #[arg(long = "part", value_name = "P")]
    pub(crate) part: Vec<String>,
    /// Only the first N seed rows of each part
    #[arg(long, value_name = "N", env = "CLINSTRUCT_LIMIT", value_parser = positive::<usize>)]
    pub(crate) limit: Option<usize>,
    /// A pilot: a sample of N seed rows of each part, spread evenly over its axes
    #[arg(
        long,
        value_name = "N",
        env = "CLINSTRUCT_SAMPLE",
        value_parser = positive::<usize>,
        conflicts_with = "limit"
    )]
    pub(crate) sample: Option<usize>,
    /// Only shard K of N of these rows, such as 3/8, to be joined with the others by `clinstruct merge`
    #[arg(long, value_name = "K/N", env = "CLINSTRUCT_SHARD")]
    pub(crate) shard: Option<Shard>,
    /// Languages of the conversations, by code, or `all`: drawn evenly, in countries that speak them [default: what
    /// each part says]
    #[arg(long, value_name = "L", value_delimiter = ',')]
    pub(crate) languages: Vec<String>,
    /// Seed of all draws [default: 1]
    #[arg(long, value_name = "S", env = "CLINSTRUCT_SEED", value_parser = whole::<u64>)]
    pub(crate) seed: Option<u64>,
    /// Folder of the run, as with DIR; or an address such as `s3://BUCKET/FOLDER`, to which the finished run is
    /// uploaded
    #[arg(long, value_name = "DIR", env = "CLINSTRUCT_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Local folder of a run whose --out is an address [default: data/remote/s3/BUCKET/FOLDER]
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// Backend that reaches the model [default: rehearsal]
    #[arg(long, env = "CLINSTRUCT_BACKEND")]
    pub(crate) backend: Option<String>,
    /// Model to use [default: the backend's]
    #[arg(long, value_name = "M", env = "CLINSTRUCT_MODEL")]
    pub(crate) model: Option<String>,
    /// Resources folder, instead of the embedded resources
    #[arg(long, value_name = "DIR", env = "CLINSTRUCT_RESOURCES")]
    pub(crate) resources: Option<PathBuf>,
    /// Threads; twice as many jobs are in flight [default: number of processors]
    #[arg(long, value_name = "N", env = "CLINSTRUCT_JOBS", value_parser = positive::<usize>)]
    pub(crate) jobs: Option<usize>,
    /// Most US dollars to spend, for all shards together; the rehearsal backend costs nothing
    #[arg(long, value_name = "USD")]
    pub(crate) max_cost: Option<f64>,
    /// Spend without asking for confirmation
    #[arg(long)]
    #[serde(skip)]
    pub(crate) yes: bool,
    /// Print JSON on stdout
    #[arg(long)]
    #[serde(skip)]
    pub(crate) json: bool,
    /// Base URL of the provider or server; repeat it for several chat servers
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Vec<String>,
    /// Provider with OpenAI's batch API: openai, azure, groq [default: openai]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Usage tier at OpenAI, 1 to 5; limits the tokens enqueued in batches
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub(crate) tier: Option<usize>,
    /// Most prompt tokens to enqueue in batches at once
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) queued_tokens: Option<u64>,
    /// Program of the command backend, with {input} and {output} in its arguments
    #[arg(long, value_name = "PROGRAM ARGS")]
    pub(crate) command: Option<String>,
    /// Another model for a role (prompt-writer, assistant, user), also of another backend; can be repeated
    #[arg(long, value_name = "ROLE=[BACKEND:]MODEL")]
    pub(crate) role: Vec<String>,
    /// Price of the model, in US dollars per million tokens
    #[arg(long, value_name = "INPUT:OUTPUT")]
    pub(crate) price: Option<String>,
    /// Most requests in flight at each chat server [default: 256], or conversations at once in the llama
    /// backend [default: 32, fewer where memory is short]
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    pub(crate) concurrency: Option<usize>,
    /// Context of the llama backend, in tokens per conversation [default: 8192, or the model's]
    #[arg(long, value_name = "TOKENS", value_parser = whole::<usize>)]
    pub(crate) context: Option<usize>,
    /// Stop sequence of the llama backend; can be repeated
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,
    /// Most requests per minute to chat servers
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) requests_per_minute: Option<u64>,
    /// Most tokens per minute to chat servers
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) tokens_per_minute: Option<u64>,
    /// Send no JSON schema, for chat servers that do not support it
    #[arg(long)]
    pub(crate) no_schema: bool,
    /// Seconds to wait for a response or the rest of it [default: 300]
    #[arg(long, value_name = "SECONDS", env = "CLINSTRUCT_TIMEOUT", value_parser = positive::<u64>)]
    pub(crate) timeout: Option<u64>,
    /// Send no sampling seed, for providers and servers that do not support it
    #[arg(long, env = "CLINSTRUCT_NO_SEED", value_parser = FalseyValueParser::new())]
    pub(crate) no_seed: bool,
    /// Parameter that limits the tokens of an answer [default: the newer name for openai, else the older]
    #[arg(long, value_enum, value_name = "NAME", env = "CLINSTRUCT_TOKEN_PARAMETER")]
    pub(crate) token_parameter: Option<TokenParameter>,
    /// Allow another model or account, and settings or resources that change or drop
    /// rows that have answers
    #[arg(long)]
    #[serde(skip)]
    pub(crate) accept_change: bool,
    /// First pause before a retry, in milliseconds; later pauses double
    #[arg(long, value_name = "MS", hide = true, overrides_with = "pause", value_parser = whole::<u64>)]
    pub(crate) pause: Option<u64>,
    /// Evaluation set whose items must not reach the dataset (.jsonl, .json, .csv or .parquet); can be repeated
    #[arg(long, value_name = "FILE[:COLUMN]")]
    pub(crate) eval: Vec<String>,
    /// Exit with 1 if a metric misses its target; too few texts to tell do not fail the gate
    #[arg(long)]
    pub(crate) gate: bool,
    /// Keep the reasoning of assistant turns in the rows, for export as `reasoning_content`
    #[arg(long)]
    pub(crate) keep_reasoning: bool,
    /// When to ask the prompt writer's model once more for the facts that a first message states [default: never]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) extraction: Option<Extraction>,
    /// Shares of the rows for validation and test [default: 0.05,0.05]
    #[arg(long, value_name = "VALIDATION,TEST", value_delimiter = ',')]
    pub(crate) split: Vec<f64>,
    /// Title of the dataset, for its card
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Licence of the dataset by its hub id, such as cc-by-4.0 [default: other]
    #[arg(long, value_name = "ID")]
    pub(crate) license: Option<String>,
    /// Whether the folder is a positional argument, so that it must contain a run.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) named: bool,
    /// Fields set by the environment.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) from_environment: Vec<String>,
    /// The program.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) host: Host,
    /// Set if nothing is sent and only costs matter.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) estimate_only: bool,
    /// Set if nothing is sent, so that no key is needed.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) keyless: bool,
    /// Rows of one job
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    pub(crate) rows_per_job: Option<usize>,
    /// Conversations in flight; bounds memory
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    pub(crate) window: Option<usize>,
    /// Faults that the rehearsal injects: `none`, or KIND=RATE; can be repeated
    #[arg(long, value_name = "KIND=RATE")]
    pub(crate) misbehave: Vec<String>,
    /// Setting of a backend that another program registers, as NAME=VALUE; can be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) backend_option: Vec<String>,
}
