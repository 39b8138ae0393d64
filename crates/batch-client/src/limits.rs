use serde::{Deserialize, Serialize};

/// How much a backend takes. Plain data, with the source of each number where it is set.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Most rows of one job.
    pub rows_per_job: usize,
    /// Most bytes of one job's requests in the provider's format.
    pub bytes_per_job: u64,
    /// Most jobs under way at once.
    pub jobs_at_once: usize,
    /// Most prompt tokens enqueued at once, where the provider limits them.
    pub queued_tokens: Option<u64>,
    /// What a batch costs compared to single calls: 0.5 is half.
    pub price_factor: f64,
}

impl Limits {
    /// Limits of jobs, without one on enqueued tokens and without a discount.
    ///
    /// ```
    /// let mut limits = clinstruct_batch_client::Limits::new(50_000, 200_000_000, 100);
    /// limits.price_factor = 0.5;
    /// ```
    pub const fn new(rows_per_job: usize, bytes_per_job: u64, jobs_at_once: usize) -> Self {
        Self { rows_per_job, bytes_per_job, jobs_at_once, queued_tokens: None, price_factor: 1.0 }
    }
}

/// What it takes to have an answer made once more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// Nothing worth mentioning: it is there at once.
    Nothing,
    /// Time of this machine or of one like it.
    Compute,
    /// Money.
    #[default]
    Money,
}

/// What a backend can do, and what its answers are. Plain data.
///
/// The default claims nothing: jobs end with this process, and answers are a model's and cost money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Capabilities {
    /// Whether jobs go on after this process has ended. Their rows can then be fetched by another one, and more than
    /// once.
    pub survives_process: bool,
    /// Whether [`BatchBackend::find`](crate::BatchBackend::find) sees jobs that another process sent.
    pub finds_jobs: bool,
    /// Whether an answer can be bound to a JSON schema.
    pub structured_output: bool,
    /// What it takes to have an answer made once more.
    pub cost: Cost,
    /// Whether what it writes is no model's text, but a stand-in's.
    pub synthetic: bool,
}

impl Capabilities {
    /// A provider's batch API: jobs outlive this process and are found by their tag, and answers cost money.
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

    /// The same, with or without answers that are bound to a JSON schema.
    #[must_use]
    pub const fn with_structured_output(mut self, structured_output: bool) -> Self {
        self.structured_output = structured_output;
        self
    }

    /// Whether an answer that was lost is as good as never made.
    pub fn is_free(self) -> bool {
        self.cost == Cost::Nothing
    }
}
