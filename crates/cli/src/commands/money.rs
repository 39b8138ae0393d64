//! What a run costs, and leave to spend it.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};

use clinstruct_pipeline::{AnswerTokens, Estimate, RunContext, estimate};
use clinstruct_schema::{MicroUsd, SCHEMA_VERSION, dollars};
use clinstruct_store::Store;

use super::{print, print_json, say};
use crate::args::{BackendName, RunArgs};
use crate::backends::is_paid;
use crate::exit::{Code, usage};
use crate::settings;
use crate::setup::Setup;
use crate::table::number;

/// How many times as long or as short answers may be as they are thought to be.
const SPREAD: f64 = 1.6;
/// Base rows of each part that are laid out to estimate a run.
const SAMPLE: usize = 120;
/// The same before a run is begun: within a per cent or two, and there at once.
const FEW: usize = 24;

fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// The settings of `estimate` that say how long answers are.
fn answer_tokens(settings: &[String]) -> anyhow::Result<(AnswerTokens, bool)> {
    let mut tokens = AnswerTokens::USUAL;
    for setting in settings {
        let hint = "write --answer-tokens ROLE=N; the roles are prompt-writer, assistant and user";
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
            "assistant" => tokens.assistant = n,
            "user" => tokens.user = n,
            other => return Err(usage(format!("there is no role \"{other}\""), hint)),
        }
    }
    Ok((tokens, !settings.is_empty()))
}

/// What the run of these settings would cost.
fn of_context(
    context: &RunContext<'_>,
    settings: &[String],
    sample: usize,
) -> anyhow::Result<Estimate> {
    let (tokens, given) = answer_tokens(settings)?;
    Ok(estimate(context, &count, tokens, if given { 1.05 } else { SPREAD }, sample)?)
}

/// What a run will ask for, requests only: no text is counted.
pub(crate) fn expected(context: &RunContext<'_>) -> anyhow::Result<Estimate> {
    Ok(estimate(context, &|_| 0, AnswerTokens::USUAL, SPREAD, SAMPLE)?)
}

/// How many requests a run will ask, all in all.
pub(crate) fn expected_requests(context: &RunContext<'_>) -> anyhow::Result<u64> {
    Ok(expected(context)?.requests)
}

/// The settings to estimate with: those of the run that is named, and otherwise a provider that has the model.
fn to_estimate(mut args: RunArgs) -> anyhow::Result<RunArgs> {
    let known = settings::of_named_run(args.clone())?;
    let named = args.out.as_deref().is_some_and(settings::has_run);
    let says_who = args.backend.is_some() || known.backend != Some(BackendName::Rehearsal);
    if says_who || (named && args.model.is_none()) {
        return Ok(known);
    }
    let anthropic = known.model.as_deref().is_some_and(|m| m.starts_with("claude"));
    args.backend = Some(if anthropic { BackendName::Anthropic } else { BackendName::Openai });
    settings::of_named_run(args)
}

/// Prints what a run would ask for and cost; sends nothing and needs no key.
pub(crate) fn estimate_command(args: RunArgs, settings: &[String]) -> anyhow::Result<Code> {
    let mut args = to_estimate(args)?;
    args.estimate_only = true;
    let setup = Setup::new(args)?;
    let context = setup.context(false)?;
    let e = of_context(&context, settings, SAMPLE)?;
    if setup.args.json {
        print_json(&serde_json::json!({
            "schema_version": SCHEMA_VERSION, "models": context.models(), "usd": usd(e.micro_usd),
            "usd_low": usd(e.low_micro_usd), "usd_high": usd(e.high_micro_usd),
            "requests": e.requests, "usage": e.usage, "answer_tokens": e.answer_tokens,
            "lines": e.lines,
        }))?;
    } else {
        print(&table(&e, &context))?;
    }
    Ok(Code::Done)
}

fn usd(cost: MicroUsd) -> f64 {
    cost as f64 / 1e6
}

fn table(e: &Estimate, context: &RunContext<'_>) -> String {
    let mut out = String::new();
    let mut part = "";
    for l in &e.lines {
        if l.part != part {
            let _ = writeln!(out, "{}", l.part);
            part = &l.part;
        }
        let turn = if l.turn == 0 { String::new() } else { format!(" {}", l.turn) };
        let _ = writeln!(
            out,
            "  {:<16} {:>9} requests  {:>13} tokens in  {:>12} out  {:>10}",
            format!("{}{turn}", l.speaker.as_str().replace('_', " ")),
            number(l.requests),
            number(l.usage.prompt_tokens),
            number(l.usage.completion_tokens),
            dollars(l.micro_usd)
        );
    }
    for route in context.routes.all() {
        match &route.price {
            Some(p) => {
                let factor = route.backend.limits().price_factor;
                let _ = writeln!(
                    out,
                    "{}: ${} in, ${} out for a million tokens, times {factor} by {}; {} {}",
                    route.model,
                    p.input,
                    p.output,
                    route.backend.id(),
                    p.date,
                    p.source
                );
            }
            None => {
                let _ = writeln!(out, "{}: costs nothing", route.name);
            }
        }
    }
    let _ = writeln!(
        out,
        "answers thought to have {:.0}, {:.0} and {:.0} tokens (prompt, assistant, user); nothing counted \
         as cached",
        e.answer_tokens.prompt_writer, e.answer_tokens.assistant, e.answer_tokens.user
    );
    let _ = writeln!(
        out,
        "{} requests: {}, between {} and {}",
        number(e.requests),
        dollars(e.micro_usd),
        dollars(e.low_micro_usd),
        dollars(e.high_micro_usd)
    );
    out
}

/// The most that a run may cost, after it was said what it will; `None` where it costs nothing.
///
/// Refuses where nobody agreed to spend.
pub(crate) fn leave_to_spend(
    setup: &Setup,
    context: &RunContext<'_>,
    store: &Store,
) -> anyhow::Result<Option<MicroUsd>> {
    if !is_paid(&context.routes) {
        return Ok(None);
    }
    let spent = store.money()?.spent;
    let given = setup.args.max_cost.map(|usd| (usd * 1e6) as MicroUsd);
    if let (Some(most), true) = (given, setup.args.yes) {
        say(&format!(
            "{} spent so far; it stops before {} is passed",
            dollars(spent),
            dollars(most)
        ));
        return Ok(Some(most));
    }
    let e = of_context(context, &[], FEW)?;
    let most = given.unwrap_or_else(|| e.high_micro_usd.max(spent));
    say(&format!(
        "the whole run: about {}, between {} and {}; {} spent so far; it stops before {} is passed",
        dollars(e.micro_usd),
        dollars(e.low_micro_usd),
        dollars(e.high_micro_usd),
        dollars(spent),
        dollars(most)
    ));
    if setup.args.yes {
        return Ok(Some(most));
    }
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        say(&format!("spend up to {}? type yes:", dollars(most)));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "yes" | "y") {
            return Ok(Some(most));
        }
    }
    Err(usage(
        "nothing was sent: nobody agreed to spend money",
        "add --yes to agree, and --max-cost USD to set another limit",
    ))
}
