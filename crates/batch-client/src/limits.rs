use serde::{Deserialize, Serialize};

/// Limits of a backend. Plain data; the source of each number is given where it is set.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Most rows per job.
    pub rows_per_job: usize,
    /// Most bytes of a job's requests in the provider's format.
    pub bytes_per_job: u64,
    /// Most jobs in flight.
    pub jobs_at_once: usize,
    /// Most prompt tokens enqueued at once, if limited.
    pub queued_tokens: Option<u64>,
    /// Batch price relative to single calls: 0.5 is half.
    pub price_factor: f64,
}

impl Limits {
    /// Limits of jobs, without a token limit and without a discount.
    ///
    /// ```
    /// let mut limits = clinstruct_batch_client::Limits::new(50_000, 200_000_000, 100);
    /// limits.price_factor = 0.5;
    /// ```
    pub const fn new(rows_per_job: usize, bytes_per_job: u64, jobs_at_once: usize) -> Self {
        Self { rows_per_job, bytes_per_job, jobs_at_once, queued_tokens: None, price_factor: 1.0 }
    }
}

/// Cost of producing an answer again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// Nothing worth mentioning: it is available at once.
    Nothing,
    /// Compute time of this machine or a similar one.
    Compute,
    /// Money.
    #[default]
    Money,
}

/// Capabilities of a backend, and the nature of its answers. Plain data.
///
/// The default is conservative: jobs end with this process; answers come from a model and cost money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Capabilities {
    /// Whether jobs outlive this process. Another process can then fetch their rows, and more than once.
    pub survives_process: bool,
    /// Whether [`BatchBackend::find`](crate::BatchBackend::find) sees jobs that another process sent.
    pub finds_jobs: bool,
    /// Whether a JSON schema can constrain an answer.
    pub structured_output: bool,
    /// Cost of producing an answer again.
    pub cost: Cost,
    /// Whether its text comes from a substitute instead of a model.
    pub synthetic: bool,
}

impl Capabilities {
    /// A provider's batch API: jobs outlive this process and are found by tag, and answers cost money.
    pub const fn batch_api() -> Self {
        Self {
            survives_process: true,
            finds_jobs: true,
            structured_output: true,
            cost: Cost::Money,
            synthetic: false,
        }
    }

    /// Jobs that live in this process and end with it.
    pub const fn in_process(cost: Cost) -> Self {
        Self {
            survives_process: false,
            finds_jobs: false,
            structured_output: true,
            cost,
            synthetic: false,
        }
    }

    /// Sets whether a JSON schema can constrain an answer.
    #[must_use]
    pub const fn with_structured_output(mut self, structured_output: bool) -> Self {
        self.structured_output = structured_output;
        self
    }

    /// Whether losing an answer costs nothing.
    pub fn is_free(self) -> bool {
        self.cost == Cost::Nothing
    }
}
