//! The settings of a command as one record, and as layers by name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{BackendFacts, Host};

/// The name under which a server takes the most tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenParameter {
    /// The older name, which most servers know.
    MaxTokens,
    /// The name that newer models of OpenAI require.
    MaxCompletionTokens,
}

/// What is about one call and is never kept with a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call {
    /// Whether the user agrees to spend.
    pub yes: bool,
    /// Whether stdout takes JSON.
    pub json: bool,
    /// Whether the run may be replaced by another.
    pub accept_change: bool,
    /// Set where nothing is sent, so that neither keys nor addresses are needed.
    pub keyless: bool,
    /// Set where nothing is sent, and only costs matter.
    pub estimate_only: bool,
}

/// What a command line and the environment give.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Flags.
    pub flags: Layer,
    /// Variables of the environment.
    pub environment: Layer,
    /// Whether the folder is a command's argument, so that it has to have a run.
    pub named: bool,
    /// What is about this call.
    pub call: Call,
    /// The program.
    pub host: Host,
}

impl Given {
    /// Flags and environment apart, from the values of all arguments and the names of those that the environment set.
    pub fn new(all: &impl Serialize, from_environment: &[String]) -> crate::Result<Self> {
        let mut flags = layer(all)?;
        let environment = from_environment.iter().filter_map(|name| flags.remove_entry(name));
        let environment = environment.collect();
        Ok(Self { flags, environment, ..Self::default() })
    }

    /// Whether flags or environment have a setting.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.flags.contains_key(name) || self.environment.contains_key(name)
    }

    /// The folder, where flags or environment name one.
    pub(crate) fn out(&self) -> Option<PathBuf> {
        let out = self.flags.get("out").or_else(|| self.environment.get("out"))?;
        out.as_str().map(PathBuf::from)
    }
}

/// The settings of a run, combined.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Part to make, by id or file stem; can be repeated [default: all]
    pub part: Vec<String>,
    /// Only the first N seed rows of each part
    pub limit: Option<usize>,
    /// Seed of all draws [default: 1]
    pub seed: Option<u64>,
    /// Folder of the run [default: data/BACKEND]
    pub out: Option<PathBuf>,
    /// Way to reach a model [default: rehearsal]
    pub backend: Option<String>,
    /// Model to ask [default: the backend's]
    pub model: Option<String>,
    /// Resources folder instead of the embedded ones
    pub resources: Option<PathBuf>,
    /// Threads; twice as many jobs are under way at once [default: number of processors]
    pub jobs: Option<usize>,
    /// Most US dollars to spend; the rehearsal backend costs nothing
    pub max_cost: Option<f64>,
    /// Address of the provider or server; for chat it can be repeated for several servers
    pub base_url: Vec<String>,
    /// Provider with OpenAI's batch API: openai, azure, groq [default: openai]
    pub profile: Option<String>,
    /// Usage tier at OpenAI, 1 to 5: says how many tokens may wait in batches at once
    pub tier: Option<usize>,
    /// Most prompt tokens that may wait in batches at once
    pub queued_tokens: Option<u64>,
    /// Program of the command backend, with {input} and {output} in its arguments
    pub command: Option<String>,
    /// Another model for a role (prompt-writer, assistant, user), maybe of another backend; can be repeated
    pub role: Vec<String>,
    /// Price of the model, in US dollars for a million tokens; a rehearsal and the command backend cost nothing
    pub price: Option<String>,
    /// Most requests under way at each chat server [default: 256], or conversations at once in the llama
    /// backend [default: 32, fewer where memory is short]
    pub concurrency: Option<usize>,
    /// Tokens of the longest conversation of the llama backend [default: 4096, or what the model knows]
    pub context: Option<usize>,
    /// Text that ends an answer of the llama backend, and does not belong to it; can be repeated
    pub stop: Vec<String>,
    /// Most requests a minute to chat servers
    pub requests_per_minute: Option<u64>,
    /// Most tokens a minute to chat servers
    pub tokens_per_minute: Option<u64>,
    /// The chat server does not know JSON schemas
    pub no_schema: bool,
    /// Longest time to wait for more of a response from a provider or server [default: 300]
    pub timeout: Option<u64>,
    /// Send no sampling seed, for providers and servers that do not know it
    pub no_seed: bool,
    /// Name of the limit on an answer's tokens [default: the newer one for openai, else the older]
    pub token_parameter: Option<TokenParameter>,
    /// First pause after trouble, in milliseconds; all others follow from it
    pub pause: Option<u64>,
    /// Evaluation set whose items must not be in the dataset (.jsonl, .json, .csv or .parquet); can be repeated
    pub eval: Vec<String>,
    /// Exit with 1 where a figure misses its target
    pub gate: bool,
    /// Keep the reasoning of assistant turns in the rows, for export as `reasoning_content`
    pub keep_reasoning: bool,
    /// Shares of the rows that are set aside for validation and for the test [default: 0.05,0.05]
    pub split: Vec<f64>,
    /// Title of the dataset, for its card
    pub title: Option<String>,
    /// Licence of the dataset, as hubs name it, such as cc-by-4.0 [default: other]
    pub license: Option<String>,
    /// Rows of one job
    pub rows_per_job: Option<usize>,
    /// Conversations under way at once; bounds the memory
    pub window: Option<usize>,
    /// Faults that the rehearsal injects: `none`, or KIND=RATE; can be repeated
    pub misbehave: Vec<String>,
    /// Setting that only the backend knows, as NAME=VALUE; can be repeated
    pub backend_option: Vec<String>,
    /// Addresses of further backends, by the variable that gave them; kept with the run.
    pub addresses: BTreeMap<String, String>,
    /// Whether a saved address was saved without its secret part.
    pub partial_address: bool,
    /// What the run knows of its backends, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, BackendFacts>,
    /// Whether the user agrees to spend.
    #[serde(skip)]
    pub yes: bool,
    /// Whether stdout takes JSON.
    #[serde(skip)]
    pub json: bool,
    /// Whether the run may be replaced by another.
    #[serde(skip)]
    pub accept_change: bool,
    /// Set where nothing is sent, so that neither keys nor addresses are needed.
    #[serde(skip)]
    pub keyless: bool,
    /// Set where nothing is sent, and only costs matter.
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

/// Settings by name, without those that are not set.
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
