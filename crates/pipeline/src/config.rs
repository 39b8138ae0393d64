use std::path::PathBuf;
use std::time::Duration;

use clinstruct_catalog::{Catalog, Part};
use clinstruct_multiturn::{RequestOptions, Retries};
use clinstruct_parser::PromptFormat;
use clinstruct_promptgen::{Plan, PromptOptions};
use clinstruct_quality::card::Bound;
use clinstruct_schema::{BackendId, MicroUsd, Speaker};

use crate::{Error, Result, Routes};

/// Raised when the reading of responses changes, so that journals are played again from the raw rows.
const READING_VERSION: u32 = 3;

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
    /// Requests that wait for an answer at once.
    pub window: usize,
    /// Conversations under way that are held in memory; of those beyond, the journal knows.
    pub in_memory: usize,
    /// Most bytes of requests that are held in memory.
    pub request_bytes: u64,
    /// Folder for jobs that are too large for the memory; without one they are held in memory all the same.
    pub outbox: Option<PathBuf>,
    /// Most that the whole run may cost; nothing is sent that could pass it.
    pub max_cost: Option<MicroUsd>,
    /// First pause after trouble; the longest is sixty times as long. Looks at a job begin at a twentieth.
    pub pause: Duration,
    /// Whether another model or account than the run was begun with is what the user wants.
    pub accept_change: bool,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            limit: None,
            seed: 0,
            temperature: None,
            tries: 4,
            deliveries: 20,
            jobs: 2,
            rows_per_job: 1000,
            window: 4000,
            in_memory: 4000,
            request_bytes: 64 << 20,
            outbox: None,
            max_cost: None,
            pause: Duration::from_secs(1),
            accept_change: false,
        }
    }
}

/// A run's config with the catalog and backend facts that it is for.
#[derive(Debug)]
pub struct RunContext<'c> {
    /// Resources.
    pub catalog: &'c Catalog,
    /// Terms of its countries, made ready.
    pub bound: Bound,
    /// Config.
    pub config: RunConfig,
    /// Ways to the models.
    pub routes: Routes,
    /// The assistant's backend.
    pub backend: BackendId,
    /// The assistant's model.
    pub model: String,
    /// Whether a grammar writes any of it, and no model.
    pub rehearsal: bool,
    /// Whether the prompt writer's answers can be bound to a schema.
    pub structured: bool,
    /// Plans of the parts, each with the part's index in the catalog.
    pub plans: Vec<(u8, Plan<'c>)>,
}

impl<'c> RunContext<'c> {
    /// Checks the config against the catalog, and the templates by filling each in once.
    pub fn new(catalog: &'c Catalog, config: RunConfig, routes: Routes) -> Result<Self> {
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
            bound: Bound::new(catalog.bound.clone()),
            config,
            backend: routes.of(Speaker::Assistant).backend.id(),
            model: routes.of(Speaker::Assistant).model.clone(),
            rehearsal: routes.all().iter().any(|r| r.backend.limits().rehearsal),
            structured: routes.of(Speaker::PromptWriter).backend.limits().structured_output,
            routes,
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
            "reading {READING_VERSION}; catalog {}; parts {}; limit {:?}; seed {}; {}; temperature {:?}; \
             tries {}; structured {}",
            self.catalog.fingerprint(),
            parts.join(","),
            c.limit,
            c.seed,
            self.models(),
            c.temperature,
            c.tries,
            self.structured,
        )
    }

    /// The backends and models, by speaker.
    pub fn models(&self) -> String {
        let one = |speaker: Speaker| {
            let route = self.routes.of(speaker);
            format!("{} by {} of {}", speaker.as_str(), route.model, route.backend.id())
        };
        [Speaker::PromptWriter, Speaker::Assistant, Speaker::User].map(one).join(", ")
    }

    pub(crate) fn prompt_format(&self) -> PromptFormat {
        if self.structured { PromptFormat::Json } else { PromptFormat::Delimited }
    }

    pub(crate) fn prompt_options(&self, tries: u32) -> PromptOptions<'_> {
        PromptOptions {
            model: &self.routes.of(Speaker::PromptWriter).model,
            seed: self.config.seed,
            structured: self.structured,
            tries,
            temperature: self.config.temperature,
        }
    }

    pub(crate) fn request_options(&self, speaker: Speaker) -> RequestOptions<'_> {
        RequestOptions {
            model: &self.routes.of(speaker).model,
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
