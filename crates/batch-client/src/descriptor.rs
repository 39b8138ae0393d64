use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_schema::Instruction;

use crate::openai::Dialect;
use crate::{BatchBackend, Capabilities, Error, ErrorKind, Limits, Secret};

/// All that a command line has to know of a backend: how it is named, priced, reached and opened.
///
/// A backend crate exports one as a constant, and whoever assembles a program registers it. Nothing else names the
/// backend, so that another crate with a `DESCRIPTOR` can stand in its place.
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
    /// Name on the command line, in settings and in rows: what [`BatchBackend::id`] gives.
    pub name: &'static str,
    /// What it is, in one line of `--help`.
    pub about: &'static str,
    /// Which model is asked.
    pub model: ModelRule,
    /// Whether a model of this name is this provider's: `estimate --model M` then needs no `--backend`.
    pub serves: fn(model: &str) -> bool,
    /// Where it is, for backends with an address. The argument is the user's `--profile`.
    pub endpoint: Option<EndpointOf>,
    /// Where prices come from.
    pub price: PriceRule,
    /// How many requests and jobs are under way, unless the user says so.
    pub pacing: Pacing,
    /// How much it takes with these settings. An opened backend's own limits count; these are for estimates.
    pub limits: fn(&BackendSettings) -> Limits,
    /// What it can do with these settings. An opened backend's own capabilities count; these are for estimates.
    pub capabilities: fn(&BackendSettings) -> Capabilities,
    /// Why this build of the program cannot open it.
    pub unavailable: Option<Unavailable>,
    /// Makes the backend. Nothing is sent yet, so that it cannot fail for what is elsewhere.
    pub open: fn(&BackendSettings) -> Result<Opened, OpenError>,
}

/// How a backend is reached, for the user's `--profile`.
pub type EndpointOf = fn(profile: Option<&str>) -> Result<Endpoint, OpenError>;

impl Descriptor {
    /// A descriptor of a batch API whose user names a model and whose prices are in the price list. For
    /// `..Descriptor::new(name, open)`, so that fields that are added later need no change.
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
    /// What to do.
    pub hint: &'static str,
}

/// Which model a backend asks.
#[derive(Debug, Clone, Copy)]
pub enum ModelRule {
    /// This one, where the user names none.
    Default(&'static str),
    /// The one that its settings lead to, where the user names none.
    Of(fn(&BackendSettings) -> String),
    /// The user names one, as the server or program knows it.
    Required,
    /// The user names a file of weights, or a model that `clinstruct model list` shows. The backend is given the file,
    /// and the model is called as the file is.
    Weights,
}

/// Where the price of a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceRule {
    /// It costs nothing, whatever the user says.
    Free,
    /// `--price`, or the price list. A model without a price is refused: no cap could hold.
    Listed,
    /// `--price`, or the price list; nothing where neither knows the model: it is one of the user's own.
    ListedOrFree,
}

/// How many requests and jobs are under way, unless the user says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Jobs at once; two for each thread where `None`, so that rows are at hand while those before are processed.
    pub jobs: Option<usize>,
    /// Rows of one job; the pipeline's own default where `None`.
    pub rows_per_job: Option<usize>,
    /// Requests that wait for an answer at once; the pipeline's own default where `None`.
    pub window: Option<usize>,
}

impl Pacing {
    /// A batch may take a day, so whatever can be sent is sent.
    pub const BATCHES: Self =
        Self { jobs: Some(100), rows_per_job: Some(10_000), window: Some(1_000_000) };
    /// Small jobs, two for each thread.
    pub const PER_THREAD: Self = Self { jobs: None, rows_per_job: None, window: None };

    /// So many jobs at once, of so many rows.
    pub const fn jobs(jobs: usize, rows_per_job: usize) -> Self {
        Self { jobs: Some(jobs), rows_per_job: Some(rows_per_job), window: None }
    }
}

/// How a backend with an address is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Environment variable of the address.
    pub address_variable: String,
    /// The address where neither the user nor the environment gives one.
    pub address: Address,
    /// Environment variable of the key.
    pub key_variable: String,
    /// Whether a key is needed, except by a server on this machine.
    pub needs_key: bool,
}

/// A backend's own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The provider's, its version included.
    Known(String),
    /// Every user has another one.
    Missing {
        /// What to report where the user gave none.
        message: String,
        /// What to do.
        hint: String,
    },
}

/// Settings of one backend, resolved: flags, environment, project file and saved settings are combined, addresses are
/// whole, the key is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BackendSettings {
    /// Model; empty where the backend chooses.
    pub model: String,
    /// File of the model's weights ([`ModelRule::Weights`]).
    pub weights: Option<PathBuf>,
    /// Addresses, at least one for a backend with an [`Endpoint`].
    pub base_urls: Vec<String>,
    /// Key, where there is one.
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
    /// First pause after trouble.
    pub pause: Option<Duration>,
    /// Whether the server does not know JSON schemas.
    pub no_schema: bool,
    /// Whether the server does not know sampling seeds.
    pub no_seed: bool,
    /// Whether the limit on an answer's tokens is called `max_completion_tokens`; the backend's choice where `None`.
    pub max_completion_tokens: Option<bool>,
    /// `--misbehave`.
    pub misbehave: Vec<String>,
    /// `--backend-option NAME=VALUE`, for what only this backend knows.
    pub options: BTreeMap<String, String>,
    /// Folder of the run. Jobs that outlive this process may be kept in a folder of the backend's own below it.
    pub folder: PathBuf,
    /// Whether the command ends before its jobs do, so that jobs have to outlive this process if they can.
    pub detached: bool,
    /// Threads.
    pub threads: usize,
    /// Bytes of memory that backends opened before have reserved.
    pub reserved_memory: u64,
    /// The instructions that requests may have, for backends that stand in for a model.
    pub instructions: Vec<Instruction>,
}

impl BackendSettings {
    /// The first address.
    pub fn base_url(&self) -> &str {
        self.base_urls.first().map_or("", String::as_str)
    }

    /// Writes requests as the settings ask.
    pub fn adapt(&self, dialect: &mut Dialect) {
        dialect.seed &= !self.no_seed;
        if let Some(newer) = self.max_completion_tokens {
            dialect.max_completion_tokens = newer;
        }
    }

    /// An option of the backend's own that has to be given.
    pub fn option(&self, name: &str) -> Result<&str, OpenError> {
        self.options.get(name).map(String::as_str).ok_or_else(|| {
            OpenError::setting(
                format!("the backend needs the option {name}"),
                format!("give it with --backend-option {name}=VALUE"),
            )
        })
    }
}

/// A backend, made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The backend.
    pub backend: Arc<dyn BatchBackend>,
    /// What the user should know, one line each.
    pub notes: Vec<String>,
    /// Bytes of memory that it has reserved.
    pub memory: u64,
    /// A variable that this process has to be started with.
    pub restart: Option<Restart>,
}

impl Opened {
    /// A backend about which nothing is to be said.
    pub fn new(backend: impl BatchBackend + 'static) -> Self {
        Self { backend: Arc::new(backend), notes: Vec::new(), memory: 0, restart: None }
    }
}

/// A variable that is read when a process starts. The program starts itself again with it, before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Name.
    pub variable: &'static str,
    /// Value.
    pub value: String,
    /// Where one of these is set already, the program goes on as it is.
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
        /// What to do.
        hint: String,
    },
    /// Something else is in the way.
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
    /// What a constructor refuses is a wrong setting.
    fn from(e: Error) -> Self {
        match e.kind {
            ErrorKind::Refused => Self::setting(e.with_causes(), "see `clinstruct build --help`"),
            _ => Self::Backend(e),
        }
    }
}
