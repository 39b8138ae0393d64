use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_schema::Instruction;

use crate::openai::Dialect;
use crate::{BatchBackend, Capabilities, Error, ErrorKind, Limits, Secret};

/// What a command line needs to know about a backend: its name, price, address, and how to open it.
///
/// A backend crate exports one as a constant, and the program registers it. Nothing else names the backend, so that
/// another crate with a `DESCRIPTOR` can replace it.
///
/// ```
/// use clinstruct_batch_client::{
///     BackendSettings, Capabilities, Cost, Descriptor, Limits, OpenError, Opened, PriceRule,
/// };
///
/// pub const DESCRIPTOR: Descriptor = Descriptor {
///     about: "Answers that lie in a folder",
///     price: PriceRule::Free,
///     capabilities: |_| Capabilities::in_process(Cost::Compute),
///     ..Descriptor::new("folder", open)
/// };
///
/// fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
///     # let limits = Limits::new(100, 1 << 20, 1);
///     # let capabilities = Capabilities::in_process(Cost::Compute);
///     # let answers_in = |folder: &str| {
///     #     clinstruct_batch_client::Unopened { name: folder.into(), limits, capabilities }
///     # };
///     Ok(Opened::new(answers_in(settings.option("folder")?)))
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// Name on the command line, in settings and in rows; equal to [`BatchBackend::id`].
    pub name: &'static str,
    /// Description for `--help`, one line.
    pub about: &'static str,
    /// How the model is chosen.
    pub model: ModelRule,
    /// Whether this provider serves a model of this name: `estimate --model M` then needs no `--backend`.
    pub serves: fn(model: &str) -> bool,
    /// Address and key, for backends with an address. The argument is the user's `--profile`.
    pub endpoint: Option<EndpointOf>,
    /// Source of prices.
    pub price: PriceRule,
    /// Default numbers of requests and jobs in flight.
    pub pacing: Pacing,
    /// Limits under these settings, for estimates. An opened backend's own limits take precedence.
    pub limits: fn(&BackendSettings) -> Limits,
    /// Capabilities under these settings, for estimates. An opened backend's own capabilities take precedence.
    pub capabilities: fn(&BackendSettings) -> Capabilities,
    /// Why this build of the program cannot open it.
    pub unavailable: Option<Unavailable>,
    /// Opens the backend. Sends nothing, so that it cannot fail for remote reasons.
    pub open: fn(&BackendSettings) -> Result<Opened, OpenError>,
}

/// How a backend is reached, for the user's `--profile`.
pub type EndpointOf = fn(profile: Option<&str>) -> Result<Endpoint, OpenError>;

impl Descriptor {
    /// The descriptor of a batch API where the user names the model and prices come from the price list. For
    /// `..Descriptor::new(name, open)`, so that new fields need no change.
    pub const fn new(
        name: &'static str,
        open: fn(&BackendSettings) -> Result<Opened, OpenError>,
    ) -> Self {
        Self {
            name,
            about: "",
            model: ModelRule::Required,
            serves: |_| false,
            endpoint: None,
            price: PriceRule::Listed,
            pacing: Pacing::BATCHES,
            limits: |_| Limits::new(10_000, 100_000_000, 100),
            capabilities: |_| Capabilities::batch_api(),
            unavailable: None,
            open,
        }
    }
}

/// Why a backend cannot be opened, whatever its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable {
    /// What is missing.
    pub message: &'static str,
    /// Hint.
    pub hint: &'static str,
}

/// How the model of a backend is chosen.
#[derive(Debug, Clone, Copy)]
pub enum ModelRule {
    /// This one by default.
    Default(&'static str),
    /// By default, the one that its settings lead to.
    Of(fn(&BackendSettings) -> String),
    /// The user names it, as the server or program knows it.
    Required,
    /// The user names a weights file, or a model listed by `clinstruct model list`. The backend receives the file; the
    /// model is named after it.
    Weights,
}

/// Source of a model's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceRule {
    /// Always free.
    Free,
    /// `--price`, or the price list. A model without a price is an error, since no limit could be enforced.
    Listed,
    /// `--price`, or the price list; free if neither has the model, which is then the user's own.
    ListedOrFree,
}

/// Default numbers of requests and jobs in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Jobs in flight; two per thread if `None`, so that rows are available while earlier ones are processed.
    pub jobs: Option<usize>,
    /// Rows per job; the pipeline's default if `None`.
    pub rows_per_job: Option<usize>,
    /// Requests in flight; the pipeline's default if `None`.
    pub window: Option<usize>,
}

impl Pacing {
    /// A batch may take a day, so everything that is due is sent.
    pub const BATCHES: Self =
        Self { jobs: Some(100), rows_per_job: Some(10_000), window: Some(1_000_000) };
    /// Small jobs, two per thread.
    pub const PER_THREAD: Self = Self { jobs: None, rows_per_job: None, window: None };

    /// This many jobs in flight, of this many rows.
    pub const fn jobs(jobs: usize, rows_per_job: usize) -> Self {
        Self { jobs: Some(jobs), rows_per_job: Some(rows_per_job), window: None }
    }
}

/// Address and key of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Environment variable of the address.
    pub address_variable: String,
    /// The address if neither the user nor the environment gives one.
    pub address: Address,
    /// Environment variable of the key.
    pub key_variable: String,
    /// Whether a key is required, except by a server on this machine.
    pub needs_key: bool,
}

/// Default address of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The provider's, version included.
    Known(String),
    /// Every user has a different one.
    Missing {
        /// The error if the user gave none.
        message: String,
        /// Hint.
        hint: String,
    },
}

/// Resolved settings of one backend: flags, environment, project file and saved settings are merged, addresses are
/// complete, the key is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BackendSettings {
    /// Model; empty if the backend chooses.
    pub model: String,
    /// Weights file ([`ModelRule::Weights`]).
    pub weights: Option<PathBuf>,
    /// Addresses, at least one for a backend with an [`Endpoint`].
    pub base_urls: Vec<String>,
    /// Key, if any.
    pub key: Option<Secret>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--tier`.
    pub tier: Option<usize>,
    /// `--queued-tokens`.
    pub queued_tokens: Option<u64>,
    /// `--command`.
    pub command: Option<String>,
    /// `--concurrency`.
    pub concurrency: Option<usize>,
    /// `--context`.
    pub context: Option<usize>,
    /// `--stop`.
    pub stop: Vec<String>,
    /// `--requests-per-minute`.
    pub requests_per_minute: Option<u64>,
    /// `--tokens-per-minute`.
    pub tokens_per_minute: Option<u64>,
    /// Longest silence within a response.
    pub timeout: Option<Duration>,
    /// First pause before a retry.
    pub pause: Option<Duration>,
    /// Whether the server does not support JSON schemas.
    pub no_schema: bool,
    /// Whether the server does not support sampling seeds.
    pub no_seed: bool,
    /// Whether the token limit is called `max_completion_tokens`; the backend's choice if `None`.
    pub max_completion_tokens: Option<bool>,
    /// `--misbehave`.
    pub misbehave: Vec<String>,
    /// `--backend-option NAME=VALUE`, for settings that only this backend knows.
    pub options: BTreeMap<String, String>,
    /// Folder of the run. The backend may keep jobs that outlive this process in a folder of its own below it.
    pub folder: PathBuf,
    /// Whether the command ends before its jobs do, so that jobs should outlive this process if possible.
    pub detached: bool,
    /// Threads.
    pub threads: usize,
    /// Bytes of memory reserved by backends that were opened before.
    pub reserved_memory: u64,
    /// The instructions that requests may contain, for backends that simulate a model.
    pub instructions: Vec<Instruction>,
}

impl BackendSettings {
    /// The first address.
    pub fn base_url(&self) -> &str {
        self.base_urls.first().map_or("", String::as_str)
    }

    /// Request dialect from the settings.
    pub fn adapt(&self, dialect: &mut Dialect) {
        dialect.seed &= !self.no_seed;
        if let Some(newer) = self.max_completion_tokens {
            dialect.max_completion_tokens = newer;
        }
    }

    /// A required `--backend-option`.
    pub fn option(&self, name: &str) -> Result<&str, OpenError> {
        self.options.get(name).map(String::as_str).ok_or_else(|| {
            OpenError::setting(
                format!("the backend needs the option {name}"),
                format!("give it with --backend-option {name}=VALUE"),
            )
        })
    }
}

/// An opened backend.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The backend.
    pub backend: Arc<dyn BatchBackend>,
    /// Messages for the user, one line each.
    pub notes: Vec<String>,
    /// Bytes of memory that it has reserved.
    pub memory: u64,
    /// An environment variable that the process must be started with.
    pub restart: Option<Restart>,
}

impl Opened {
    /// A backend without messages or requirements.
    pub fn new(backend: impl BatchBackend + 'static) -> Self {
        Self { backend: Arc::new(backend), notes: Vec::new(), memory: 0, restart: None }
    }
}

/// An environment variable that is read at process start. The program restarts itself with it before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Name.
    pub variable: &'static str,
    /// Value.
    pub value: String,
    /// If one of these is set already, the program does not restart.
    pub unless_set: &'static [&'static str],
}

/// Why a backend could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is missing or wrong.
    #[error("{message}")]
    Setting {
        /// What is wrong.
        message: String,
        /// Hint.
        hint: String,
    },
    /// Any other error.
    #[error(transparent)]
    Backend(Error),
}

impl OpenError {
    /// A setting that is missing or wrong.
    pub fn setting(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Setting { message: message.into(), hint: hint.into() }
    }
}

impl From<Error> for OpenError {
    /// A constructor's error is a wrong setting.
    fn from(e: Error) -> Self {
        match e.kind {
            ErrorKind::Refused => Self::setting(e.with_causes(), "see `clinstruct build --help`"),
            _ => Self::Backend(e),
        }
    }
}
