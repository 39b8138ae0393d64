//! Estimated cost and spending limit of a run.

use clinstruct_pipeline::{AnswerTokens, Estimate, Routes, RunContext, estimate};
use clinstruct_schema::{MicroUsd, Shard};
use clinstruct_store::Store;

use crate::settings::{self, Given, Settings};
use crate::tokens::count;
use crate::{Setup, usage};

/// Factor by which answers may be longer or shorter than assumed.
const SPREAD: f64 = 1.6;
/// The same factor if the user gives the lengths.
const SPREAD_GIVEN: f64 = 1.05;
/// Seed rows per part that are sampled for the estimate of a run.
const SAMPLE: usize = 120;
/// Sample size before a run starts: accurate to one or two per cent, and fast.
const FEW: usize = 24;

/// Tokens of answers from settings such as `assistant=400`; the usual ones where none are given.
fn answer_tokens(settings: &[String]) -> crate::Result<AnswerTokens> {
    let mut tokens = AnswerTokens::USUAL;
    for setting in settings {
        let hint = "write --answer-tokens ROLE=N; the roles are prompt-writer, record, request, \
                    assistant and user";
        let (role, n) = setting
            .split_once('=')
            .ok_or_else(|| usage(format!("--answer-tokens {setting} has no `=`"), hint))?;
        let n: f64 = n
            .parse()
            .ok()
            .filter(|n| (0.0..1e6).contains(n))
            .ok_or_else(|| usage(format!("{n} is no number of tokens"), hint))?;
        match role {
            "prompt-writer" => tokens.prompt_writer = n,
            "record" => tokens.record = n,
            "request" => tokens.request = n,
            "assistant" => tokens.assistant = n,
            "user" => tokens.user = n,
            other => return Err(usage(format!("there is no role \"{other}\""), hint)),
        }
    }
    Ok(tokens)
}

/// What the run of a context would cost, with the tokens of answers where the user knows them.
pub fn estimate_run(context: &RunContext<'_>, answers: &[String]) -> crate::Result<Estimate> {
    let spread = if answers.is_empty() { SPREAD } else { SPREAD_GIVEN };
    Ok(estimate(context, &count, answer_tokens(answers)?, spread, SAMPLE)?)
}

/// What a run will ask for, requests only: no text is counted.
pub fn expected(context: &RunContext<'_>) -> crate::Result<Estimate> {
    Ok(estimate(context, &|_| 0, AnswerTokens::USUAL, SPREAD, SAMPLE)?)
}

/// The settings to estimate with: those of the run that is named, and otherwise a provider that has the model.
pub fn to_estimate(given: &Given) -> crate::Result<Settings> {
    let known = settings::of_named_run(given)?;
    let named = given.out().is_some_and(|out| settings::has_run(&out));
    let backends = &given.host.backends;
    let says_who = given.names("backend") || known.backend_name() != backends.default_name();
    if says_who || (named && !given.names("model")) {
        return Ok(known);
    }
    let Some(provider) = backends.serving(known.model.as_deref()) else { return Ok(known) };
    let mut given = given.clone();
    given.flags.insert("backend".into(), provider.name.into());
    settings::of_named_run(&given)
}

/// Whether anything here costs money.
pub fn is_paid(routes: &Routes) -> bool {
    routes.all().iter().any(|r| r.price.is_some())
}

/// Least default of the limit: a job reserves the most that its answers can cost, which of a few requests is more than the
/// high end of their estimate.
const LEAST_CAP: MicroUsd = 50_000;

/// The budget of a run, in US dollars.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Spent so far.
    pub spent: MicroUsd,
    /// Limit for the whole run.
    pub most: MicroUsd,
    /// If the run is a shard, and that is its share of a limit that the user gave for all of them: the shard, and that limit.
    pub share_of: Option<(Shard, MicroUsd)>,
    /// Whether the run is a shard.
    pub is_shard: bool,
    /// Estimate for the whole run; `None` if the user has agreed to a limit and nobody waits for the estimate.
    pub estimate: Option<Estimate>,
    /// Whether the user has confirmed it.
    pub is_agreed: bool,
}

/// The budget of a run; `None` if it costs nothing.
pub fn budget(
    setup: &Setup,
    context: &RunContext<'_>,
    store: &Store,
) -> crate::Result<Option<Budget>> {
    if !is_paid(&context.routes) {
        return Ok(None);
    }
    let spent = store.money()?.spent;
    let whole = setup.settings.max_cost.map(|usd| (usd * 1e6) as MicroUsd);
    let is_shard = setup.settings.shard.is_some();
    let share_of = setup.settings.shard.zip(whole);
    let given = match share_of {
        Some((shard, whole)) => Some(whole / MicroUsd::from(shard.of())),
        None => whole,
    };
    let is_agreed = setup.settings.yes;
    if let (Some(most), true) = (given, is_agreed) {
        return Ok(Some(Budget { spent, most, share_of, is_shard, estimate: None, is_agreed }));
    }
    let e = estimate(context, &count, AnswerTokens::USUAL, SPREAD, FEW)?;
    let most = given.unwrap_or_else(|| e.high_micro_usd.max(spent).max(LEAST_CAP));
    Ok(Some(Budget { spent, most, share_of, is_shard, estimate: Some(e), is_agreed }))
}
