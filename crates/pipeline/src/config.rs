use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use clinstruct_catalog::{Catalog, Part, nearest};
use clinstruct_multiturn::{RequestOptions, RetryPolicy};
use clinstruct_parser::PromptFormat;
use clinstruct_promptgen::{ExtractionOptions, Plan, PromptOptions};
use clinstruct_quality::card::CountryTerms;
use clinstruct_schema::{BackendId, MicroUsd, Shard, Speaker};
use rayon::prelude::*;

use crate::task::Memo;
use crate::{Annotator, Error, Extraction, Result, Routes};

/// Raised when the reading of responses changes, so that journals are played again from the raw responses.
const READING_VERSION: u32 = 16;

/// What stands before the shard at the end of a plan's fingerprint.
pub(crate) const SHARD: &str = "; shard ";

/// The side of a conversation that a request is for.
pub use clinstruct_schema::Speaker as Role;

/// Configuration of a run.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// Parts by id or stem; if empty, all that are made by default.
    pub parts: Vec<String>,
    /// Only the first N seed rows of each part.
    pub limit: Option<usize>,
    /// Only a sample of N seed rows of each part, spread evenly over its axes; instead of `limit`.
    pub sample: Option<usize>,
    /// Only this shard of these rows.
    pub shard: Option<Shard>,
    /// Seed of all draws.
    pub seed: u64,
    /// Sampling temperature; the provider's default if `None`.
    pub temperature: Option<f32>,
    /// Attempts of one prompt request or turn, each with another sampling seed.
    pub attempts: u32,
    /// Resends of a request after failed deliveries.
    pub deliveries: u32,
    /// Jobs in flight.
    pub jobs: usize,
    /// Rows per job.
    pub rows_per_job: usize,
    /// Conversations in flight, with those that requested prompts will become.
    pub window: usize,
    /// Conversations in memory; the others are only in the journal.
    pub in_memory: usize,
    /// Most bytes of requests in memory.
    pub request_bytes: u64,
    /// Folder for jobs that are too large for memory; without one they stay in memory.
    pub outbox: Option<PathBuf>,
    /// Spending limit of the run; nothing is sent that could exceed it.
    pub max_cost: Option<MicroUsd>,
    /// First pause after an error; the longest is sixty times as long. Polling intervals start at a twentieth.
    pub pause: Duration,
    /// Whether to accept another model or account than the run was built with, and a plan that changes or drops rows
    /// that have answers.
    pub accept_change: bool,
    /// Which prompts a model is asked about once more, for the facts that they state.
    pub extraction: Extraction,
    /// Whether rows keep the model's reasoning.
    pub keep_reasoning: bool,
    /// What a model is asked about each finished conversation.
    pub annotators: Vec<&'static dyn Annotator>,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            limit: None,
            sample: None,
            shard: None,
            seed: 0,
            temperature: None,
            attempts: 4,
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
            extraction: Extraction::default(),
            keep_reasoning: false,
            annotators: Vec::new(),
        }
    }
}

/// A run's config with its catalog and backend facts.
#[derive(Debug)]
pub struct RunContext<'c> {
    /// Resources.
    pub catalog: &'c Catalog,
    /// Country-specific terms, indexed.
    pub country_terms: CountryTerms,
    /// Config.
    pub config: RunConfig,
    /// Routes to the models.
    pub routes: Routes,
    /// The assistant's backend.
    pub backend: BackendId,
    /// The assistant's model.
    pub model: String,
    /// Whether any of the text comes from a grammar instead of a model.
    pub rehearsal: bool,
    /// Whether every answer can be requested again for free.
    pub free: bool,
    /// Whether a schema can constrain the prompt writer's answers.
    pub structured: bool,
    /// Plans of the parts, each with the part's index in the catalog.
    pub plans: Vec<(u8, Plan<'c>)>,
    /// The journal's plan that this one was compared with, if it keeps every answered row.
    pub(crate) checked: OnceLock<String>,
    /// The journal's plan, where its rows are written as they are instead of this plan's.
    pub(crate) kept: OnceLock<PlanFacts>,
    /// What was computed of its seed rows.
    pub(crate) memo: Memo,
}

impl<'c> RunContext<'c> {
    /// Checks the config against the catalog, and renders each template once.
    pub fn new(catalog: &'c Catalog, config: RunConfig, routes: Routes) -> Result<Self> {
        for name in &config.parts {
            if catalog.part(name).is_none() {
                let known = catalog.parts.iter().flat_map(|p| [p.id.as_str(), p.stem.as_str()]);
                let nearest = nearest(name, known);
                return Err(Error::UnknownPart { name: name.clone(), nearest });
            }
        }
        let wanted = |part: &Part| {
            (config.parts.is_empty() && part.default)
                || config.parts.iter().any(|p| p == part.id.as_str() || *p == part.stem)
        };
        let plan = |part| {
            let all = match config.sample {
                Some(rows) => Plan::sample(catalog, part, config.seed, rows),
                None => Plan::new(catalog, part, config.seed, config.limit),
            };
            match config.shard {
                Some(shard) => all.shard(shard),
                None => all,
            }
        };
        let plans = (0_u8..=u8::MAX)
            .zip(&catalog.parts)
            .filter(|(_, part)| wanted(part))
            .map(|(i, part)| (i, plan(part)))
            .collect();
        let context = Self {
            catalog,
            country_terms: CountryTerms::new(catalog.country_terms.clone()),
            config,
            backend: routes.of(Speaker::Assistant).backend.id(),
            model: routes.of(Speaker::Assistant).model.clone(),
            rehearsal: routes.all().iter().any(|r| r.backend.capabilities().synthetic),
            free: routes.all().iter().all(|r| r.backend.capabilities().is_free()),
            structured: routes.of(Speaker::PromptWriter).backend.capabilities().structured_output,
            routes,
            plans,
            checked: OnceLock::new(),
            kept: OnceLock::new(),
            memo: Memo::default(),
        };
        crate::task::check_names(&context.config.annotators)?;
        crate::task::try_templates(&context)?;
        Ok(context)
    }

    /// The plan of the part with this index.
    pub fn plan(&self, part: u8) -> Option<&Plan<'c>> {
        self.plans.iter().find(|(i, _)| *i == part).map(|(_, plan)| plan)
    }

    /// What the tasks in the journal depend on: if it changes, they are replayed.
    pub fn fingerprint(&self) -> String {
        let f = self.facts();
        let mut stages = String::new();
        // Plans of earlier versions have none either.
        if self.config.extraction != Extraction::Never {
            let _ = write!(stages, "; extraction {}", f.extraction);
        }
        for one in &self.config.annotators {
            let _ = write!(stages, "; annotator {}", one.name());
        }
        if self.config.sample.is_some() {
            let _ = write!(stages, "; sample {}", f.sample);
        }
        if let Some(shard) = self.config.shard {
            let _ = write!(stages, "{SHARD}{shard}");
        }
        format!(
            "reading {}; catalog {}; parts {}; limit {}; seed {}; {}; temperature {}; tries {}; structured {}{stages}",
            f.reading,
            f.catalog,
            f.parts.join(","),
            f.limit,
            f.seed,
            self.models(),
            f.temperature,
            f.attempts,
            f.structured,
        )
    }

    /// What a plan depends on besides its models.
    pub(crate) fn facts(&self) -> PlanFacts {
        let c = &self.config;
        PlanFacts {
            reading: READING_VERSION.to_string(),
            catalog: self.catalog.fingerprint(),
            parts: self.plans.iter().map(|(_, p)| p.part().id.to_string()).collect(),
            limit: format!("{:?}", c.limit),
            sample: format!("{:?}", c.sample),
            shard: c.shard.map_or_else(|| "None".to_owned(), |shard| shard.to_string()),
            seed: c.seed.to_string(),
            temperature: format!("{:?}", c.temperature),
            attempts: c.attempts.to_string(),
            structured: self.structured.to_string(),
            extraction: c.extraction.as_str().to_owned(),
        }
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

    pub(crate) fn prompt_options(&self, attempt: u32) -> PromptOptions<'_> {
        PromptOptions {
            model: &self.routes.of(Speaker::PromptWriter).model,
            seed: self.config.seed,
            structured: self.structured,
            patients: &[],
            findings: &[],
            openings: &[],
            asked: &[],
            attempt,
            temperature: self.config.temperature,
        }
    }

    pub(crate) fn extraction_options<'a>(
        &'a self,
        id: &'a str,
        attempt: u32,
        max_tokens: u32,
    ) -> ExtractionOptions<'a> {
        ExtractionOptions {
            model: &self.routes.of(Speaker::PromptWriter).model,
            seed: self.config.seed,
            id,
            structured: self.structured,
            attempt,
            max_tokens,
            temperature: self.config.temperature,
        }
    }

    pub(crate) fn request_options(&self) -> RequestOptions<'_> {
        RequestOptions {
            catalog: self.catalog,
            assistant_model: &self.routes.of(Speaker::Assistant).model,
            user_model: &self.routes.of(Speaker::User).model,
            seed: self.config.seed,
            temperature: self.config.temperature,
        }
    }

    /// How often a request is retried. A rehearsal's responses cost nothing.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        let policy = RetryPolicy {
            attempts: self.config.attempts,
            deliveries: self.config.deliveries,
            ..RetryPolicy::default()
        };
        RetryPolicy { paid_deliveries: policy.paid_deliveries.filter(|_| !self.free), ..policy }
    }
}

/// What a plan depends on besides its models, in the format of the journal's fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlanFacts {
    /// Version of the reading of answers.
    pub(crate) reading: String,
    /// Fingerprint of the resources.
    pub(crate) catalog: String,
    /// Ids of the parts.
    pub(crate) parts: Vec<String>,
    limit: String,
    sample: String,
    shard: String,
    seed: String,
    temperature: String,
    attempts: String,
    structured: String,
    extraction: String,
}

impl PlanFacts {
    /// Parses a journal's fingerprint; missing fields are empty.
    pub(crate) fn parse(fingerprint: &str) -> Self {
        // Model names, which may contain anything, are between the seed and the temperature.
        let behind = |name: &str, from_end: bool| {
            let name = format!("{name} ");
            let mut fields = fingerprint.split("; ").filter_map(|f| f.strip_prefix(name.as_str()));
            let field = if from_end { fields.last() } else { fields.next() };
            field.unwrap_or_default().to_owned()
        };
        // Plans without them, and those of earlier versions, do not name them.
        let or =
            |text: String, absent: &str| if text.is_empty() { absent.to_owned() } else { text };
        Self {
            reading: behind("reading", false),
            catalog: behind("catalog", false),
            parts: behind("parts", false).split(',').map(str::to_owned).collect(),
            limit: behind("limit", false),
            seed: behind("seed", false),
            temperature: behind("temperature", true),
            attempts: behind("tries", true),
            structured: behind("structured", true),
            sample: or(behind("sample", true), "None"),
            shard: or(behind("shard", true), "None"),
            extraction: or(behind("extraction", true), Extraction::Never.as_str()),
        }
    }

    /// Whether a row of both plans is the same in both: its draws are keyed by the row, so parts, limits, samples and
    /// shards do not matter.
    pub(crate) fn has_rows_of(&self, other: &Self) -> bool {
        let of = |f: &Self| {
            let texts = [&f.catalog, &f.seed, &f.temperature, &f.structured, &f.extraction];
            texts.map(String::clone)
        };
        of(self) == of(other)
    }

    /// Whether the settings that a person gives are the same: then other rows are due to other resources, or to another
    /// version of this program.
    pub(crate) fn has_settings_of(&self, other: &Self) -> bool {
        let of =
            |f: &Self| [&f.seed, &f.limit, &f.sample, &f.shard, &f.temperature].map(String::clone);
        of(self) == of(other) && self.parts == other.parts
    }

    /// The shard of the plan, if it is only one.
    pub(crate) fn shard(&self) -> Option<Shard> {
        self.shard.parse().ok()
    }

    /// The format of the answers to prompt requests.
    pub(crate) fn prompt_format(&self) -> PromptFormat {
        if self.structured == "true" { PromptFormat::Json } else { PromptFormat::Delimited }
    }

    /// The differences, for display; not those in resources and reading, which the rows show in more detail.
    pub(crate) fn differences(&self, new: &Self) -> Vec<String> {
        let plain = |text: &str| {
            let inner = text.strip_prefix("Some(").and_then(|t| t.strip_suffix(')'));
            inner.unwrap_or(if text == "None" { "none" } else { text }).to_owned()
        };
        let mut all: Vec<String> = [
            ("seed", &self.seed, &new.seed),
            ("limit", &self.limit, &new.limit),
            ("sample", &self.sample, &new.sample),
            ("shard", &self.shard, &new.shard),
            ("temperature", &self.temperature, &new.temperature),
            ("attempts", &self.attempts, &new.attempts),
            ("prompts as JSON", &self.structured, &new.structured),
            ("extraction", &self.extraction, &new.extraction),
        ]
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| format!("{name} {} -> {}", plain(old), plain(new)))
        .collect();
        let left_out = self.parts.iter().filter(|p| !p.is_empty() && !new.parts.contains(p));
        all.extend(left_out.map(|part| format!("part {part} left out")));
        all
    }
}

/// Number of conversations if no prompt is treated as an emergency.
pub fn planned_rows(plan: &Plan<'_>) -> usize {
    plan.len() * plan.part().prompts_per_request * plan.part().variants()
}

/// Number of conversations of a plan: one of a prompt that gets the emergency instruction, one per variant of any other.
pub fn conversations(plan: &Plan<'_>) -> usize {
    let part = plan.part();
    if part.emergency.is_none() {
        return planned_rows(plan);
    }
    let of_frame = |is_emergency: bool| if is_emergency { 1 } else { part.variants() };
    let of_row = |i| {
        let frames = plan.row(i).map(|row| row.frames).unwrap_or_default();
        frames.iter().map(|frame| of_frame(frame.emergency_instruction)).sum::<usize>()
    };
    (0..plan.len()).into_par_iter().map(of_row).sum()
}
