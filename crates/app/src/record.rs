//! The settings of a command as one record, and as layers by name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clinstruct_pipeline::Extraction;
use clinstruct_schema::Shard;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{BackendFacts, Host, remote};

/// Name of the parameter that limits the tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenParameter {
    /// The older name, which most servers accept
    MaxTokens,
    /// The name that newer models of OpenAI require
    MaxCompletionTokens,
}

/// When a model is asked once more for the facts that a first message states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtractionSetting {
    /// Never: code alone reads a message whose list is missing or cannot be read
    Never,
    /// For messages whose list is missing or cannot be read
    Missing,
    /// For all messages about a patient
    Always,
}

impl From<ExtractionSetting> for Extraction {
    fn from(setting: ExtractionSetting) -> Self {
        match setting {
            ExtractionSetting::Never => Self::Never,
            ExtractionSetting::Missing => Self::Missing,
            ExtractionSetting::Always => Self::Always,
        }
    }
}

/// Options of a single call, never saved with a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call {
    /// Whether the user agrees to spend.
    pub yes: bool,
    /// Whether stdout is JSON.
    pub json: bool,
    /// Whether rows with answers may be replaced.
    pub accept_change: bool,
    /// Set if nothing is sent, so that neither keys nor addresses are needed.
    pub keyless: bool,
    /// Set if nothing is sent and only costs matter.
    pub estimate_only: bool,
}

/// Settings from the command line and the environment.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Flags.
    pub flags: Layer,
    /// From environment variables.
    pub environment: Layer,
    /// Whether the folder is a positional argument, so that it must contain a run.
    pub named: bool,
    /// Options of this call.
    pub call: Call,
    /// The program.
    pub host: Host,
}

impl Given {
    /// Flags and environment apart, from the values of all arguments and the names of those that the environment set.
    pub fn new(all: &impl Serialize, from_environment: &[String]) -> crate::Result<Self> {
        let mut flags = layer(all)?;
        remote::divide(&mut flags)?;
        // Whatever names the folder says where it is uploaded.
        let is_out = |name: &String| name == "out";
        let with_out = from_environment.iter().any(is_out).then(|| "remote".to_owned());
        let names = from_environment.iter().chain(&with_out);
        let environment = names.filter_map(|name| flags.remove_entry(name)).collect();
        Ok(Self { flags, environment, ..Self::default() })
    }

    /// Whether flags or environment set this.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.flags.contains_key(name) || self.environment.contains_key(name)
    }

    /// The address that the run is uploaded to, if flags or environment name one.
    pub fn remote(&self) -> Option<&str> {
        let of = if self.flags.contains_key("out") { &self.flags } else { &self.environment };
        of.get("remote")?.as_str()
    }

    /// The folder, if flags or environment name one.
    pub(crate) fn out(&self) -> Option<PathBuf> {
        let out = self.flags.get("out").or_else(|| self.environment.get("out"))?;
        out.as_str().map(PathBuf::from)
    }
}

/// The settings of a run, combined.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Part to build, by id or file stem; can be repeated [default: those on by default]
    pub part: Vec<String>,
    /// Only the first N seed rows of each part
    pub limit: Option<usize>,
    /// Only a sample of N seed rows of each part, spread evenly over its axes: a pilot of the whole
    pub sample: Option<usize>,
    /// Only shard K of N of these rows, such as 3/8, to be merged with the others
    pub shard: Option<Shard>,
    /// Languages of the conversations, by code, or `all`; drawn evenly [default: what each part says]
    pub languages: Vec<String>,
    /// Seed of all draws [default: 1]
    pub seed: Option<u64>,
    /// Folder of the run [default: data/BACKEND]
    pub out: Option<PathBuf>,
    /// Address in object storage that the finished run is uploaded to
    pub remote: Option<String>,
    /// Backend that reaches the model [default: rehearsal]
    pub backend: Option<String>,
    /// Model to use [default: the backend's]
    pub model: Option<String>,
    /// Resources folder, instead of the embedded resources
    pub resources: Option<PathBuf>,
    /// Threads; twice as many jobs are in flight [default: number of processors]
    pub jobs: Option<usize>,
    /// Most US dollars to spend; the rehearsal backend costs nothing
    pub max_cost: Option<f64>,
    /// Base URL of the provider or server; repeat it for several chat servers
    pub base_url: Vec<String>,
    /// Provider with OpenAI's batch API: openai, azure, groq [default: openai]
    pub profile: Option<String>,
    /// Usage tier at OpenAI, 1 to 5; limits the tokens enqueued in batches
    pub tier: Option<usize>,
    /// Most prompt tokens to enqueue in batches at once
    pub queued_tokens: Option<u64>,
    /// Program of the command backend, with {input} and {output} in its arguments
    pub command: Option<String>,
    /// Another model for a role (prompt-writer, assistant, user), also of another backend; can be repeated
    pub role: Vec<String>,
    /// Price of the model, in US dollars per million tokens
    pub price: Option<String>,
    /// Most requests in flight at each chat server [default: 256], or conversations at once in the llama backend
    /// [default: 32, fewer where memory is short]
    pub concurrency: Option<usize>,
    /// Context of the llama backend, in tokens per conversation [default: 8192, or the model's]
    pub context: Option<usize>,
    /// Stop sequence of the llama backend; can be repeated
    pub stop: Vec<String>,
    /// Most requests per minute to chat servers
    pub requests_per_minute: Option<u64>,
    /// Most tokens per minute to chat servers
    pub tokens_per_minute: Option<u64>,
    /// Send no JSON schema, for chat servers that do not support it
    pub no_schema: bool,
    /// Seconds to wait for a response or the rest of it [default: 300]
    pub timeout: Option<u64>,
    /// Send no sampling seed, for providers and servers that do not support it
    pub no_seed: bool,
    /// Parameter that limits the tokens of an answer [default: the newer name for openai, else the older]
    pub token_parameter: Option<TokenParameter>,
    /// First pause before a retry, in milliseconds; later pauses double
    pub pause: Option<u64>,
    /// Evaluation set whose items must not reach the dataset (.jsonl, .json, .csv or .parquet); can be repeated
    pub eval: Vec<String>,
    /// Exit with 1 if a metric misses its target
    pub gate: bool,
    /// Keep the reasoning of assistant turns in the rows, for export as `reasoning_content`
    pub keep_reasoning: bool,
    /// When to ask a model once more for the facts that a first message states [default: never]
    pub extraction: Option<ExtractionSetting>,
    /// Shares of the rows for validation and test [default: 0.05,0.05]
    pub split: Vec<f64>,
    /// Title of the dataset, for its card
    pub title: Option<String>,
    /// Licence of the dataset by its hub id, such as cc-by-4.0 [default: other]
    pub license: Option<String>,
    /// Rows of one job
    pub rows_per_job: Option<usize>,
    /// Conversations in flight; bounds memory
    pub window: Option<usize>,
    /// Faults that the rehearsal injects: `none`, or KIND=RATE; can be repeated
    pub misbehave: Vec<String>,
    /// Setting of a backend that another program registers, as NAME=VALUE; can be repeated
    pub backend_option: Vec<String>,
    /// Addresses of further backends by environment variable; saved with the run.
    pub addresses: BTreeMap<String, String>,
    /// Whether a secret part was removed from an address before it was saved.
    pub partial_address: bool,
    /// Saved facts about the run's backends, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, BackendFacts>,
    /// Whether the user agrees to spend.
    #[serde(skip)]
    pub yes: bool,
    /// Whether stdout is JSON.
    #[serde(skip)]
    pub json: bool,
    /// Whether rows with answers may be replaced.
    #[serde(skip)]
    pub accept_change: bool,
    /// Set if nothing is sent, so that neither keys nor addresses are needed.
    #[serde(skip)]
    pub keyless: bool,
    /// Set if nothing is sent and only costs matter.
    #[serde(skip)]
    pub estimate_only: bool,
    /// The program.
    #[serde(skip)]
    pub host: Host,
}

impl Settings {
    /// Name of the main backend.
    pub fn backend_name(&self) -> &str {
        self.backend.as_deref().unwrap_or_else(|| self.host.backends.default_name())
    }
}

/// Settings by name, without those that are unset.
pub type Layer = Map<String, Value>;

/// A record's fields that are set.
pub(crate) fn layer(of: &impl Serialize) -> crate::Result<Layer> {
    let Value::Object(mut all) = serde_json::to_value(of)? else { return Ok(Layer::new()) };
    all.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        _ => true,
    });
    Ok(all)
}
