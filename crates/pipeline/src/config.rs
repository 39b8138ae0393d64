use clinstruct_batch_client::Limits;
use clinstruct_catalog::{Catalog, Part};
use clinstruct_multiturn::{RequestOptions, Retries};
use clinstruct_parser::PromptFormat;
use clinstruct_promptgen::{Plan, PromptOptions};
use clinstruct_schema::{BackendId, RowFormat};

use crate::{Error, Result};

/// Raised when the reading of responses changes, so that journals are played again from the raw rows.
const READING_VERSION: u32 = 1;

/// Which side of a conversation a request is for.
pub use clinstruct_schema::Speaker as Role;

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// Parts by id or stem; all where empty.
    pub parts: Vec<String>,
    /// First so many base rows of each part.
    pub limit: Option<usize>,
    /// Seed of all draws.
    pub seed: u64,
    /// Model to ask.
    pub model: String,
    /// Sampling temperature; the provider's default where `None`.
    pub temperature: Option<f32>,
    /// Tries of one prompt request or turn with different sampling seeds.
    pub tries: u32,
    /// Times that the same request is sent again after a delivery failed.
    pub deliveries: u32,
    /// Jobs under way at once.
    pub jobs: usize,
    /// Rows of one job.
    pub rows_per_job: usize,
    /// Conversations under way at once; bounds the memory.
    pub window: usize,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            limit: None,
            seed: 0,
            model: "rehearsal".into(),
            temperature: None,
            tries: 4,
            deliveries: 20,
            jobs: 2,
            rows_per_job: 1000,
            window: 4000,
        }
    }
}

/// A run's config with the catalog and backend facts that it is for.
#[derive(Debug)]
pub struct RunContext<'c> {
    /// Resources.
    pub catalog: &'c Catalog,
    /// Config.
    pub config: RunConfig,
    /// Backend's name.
    pub backend: BackendId,
    /// Whether a grammar writes, and no model.
    pub rehearsal: bool,
    /// Whether answers can be bound to a schema.
    pub structured: bool,
    /// How raw rows are read.
    pub row_format: RowFormat,
    /// Plans of the parts, each with the part's index in the catalog.
    pub plans: Vec<(u8, Plan<'c>)>,
}

impl<'c> RunContext<'c> {
    /// Checks the config against the catalog, and the templates by filling each in once.
    pub fn new(
        catalog: &'c Catalog,
        config: RunConfig,
        backend: BackendId,
        limits: &Limits,
        row_format: RowFormat,
    ) -> Result<Self> {
        for name in &config.parts {
            if catalog.part(name).is_none() {
                return Err(Error::UnknownPart(name.clone()));
            }
        }
        let wanted = |part: &Part| {
            config.parts.is_empty()
                || config.parts.iter().any(|p| p == part.id.as_str() || *p == part.stem)
        };
        let plans = (0_u8..=u8::MAX)
            .zip(&catalog.parts)
            .filter(|(_, part)| wanted(part))
            .map(|(i, part)| (i, Plan::new(catalog, part, config.seed, config.limit)))
            .collect();
        let context = Self {
            catalog,
            config,
            backend,
            rehearsal: limits.rehearsal,
            structured: limits.structured_output,
            row_format,
            plans,
        };
        crate::active::try_templates(&context)?;
        Ok(context)
    }

    /// The plan of the part with this index.
    pub fn plan(&self, part: u8) -> Option<&Plan<'c>> {
        self.plans.iter().find(|(i, _)| *i == part).map(|(_, plan)| plan)
    }

    /// What the units in the journal depend on: another value, and they are played again.
    pub fn fingerprint(&self) -> String {
        let c = &self.config;
        let parts: Vec<&str> = self.plans.iter().map(|(_, p)| p.part().id.as_str()).collect();
        format!(
            "reading {READING_VERSION}; catalog {}; parts {}; limit {:?}; seed {}; backend {}; model \
             {}; temperature {:?}; tries {}; structured {}",
            self.catalog.fingerprint(),
            parts.join(","),
            c.limit,
            c.seed,
            self.backend,
            c.model,
            c.temperature,
            c.tries,
            self.structured,
        )
    }

    pub(crate) fn prompt_format(&self) -> PromptFormat {
        if self.structured { PromptFormat::Json } else { PromptFormat::Delimited }
    }

    pub(crate) fn prompt_options(&self, tries: u32) -> PromptOptions<'_> {
        PromptOptions {
            model: &self.config.model,
            seed: self.config.seed,
            structured: self.structured,
            tries,
            temperature: self.config.temperature,
        }
    }

    pub(crate) fn request_options(&self) -> RequestOptions<'_> {
        RequestOptions {
            model: &self.config.model,
            seed: self.config.seed,
            temperature: self.config.temperature,
        }
    }

    pub(crate) fn retries(&self) -> Retries {
        Retries { tries: self.config.tries }
    }
}

/// Conversations that a plan gives if no prompt is treated as an emergency.
pub fn planned_rows(plan: &Plan<'_>) -> usize {
    plan.len() * plan.part().prompts_per_request * plan.part().variants()
}
