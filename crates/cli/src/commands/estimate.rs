//! Estimates the cost of a run, and asks for confirmation.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};

use clinstruct_app::budget::{Budget, estimate_run, to_estimate};
use clinstruct_app::tokens;
use clinstruct_pipeline::{Estimate, RunContext};
use clinstruct_schema::{MicroUsd, SCHEMA_VERSION, Shard, counted, dollars};

use super::{print, print_err, print_json};
use crate::args::RunArgs;
use crate::exit::{Code, usage};
use crate::table::{self, number};
use crate::terminal;
use clinstruct_app::Setup;

/// Prints what a run would ask for and cost; sends nothing and needs no key.
pub(crate) fn estimate_command(
    mut args: RunArgs,
    answers: &[String],
) -> clinstruct_app::Result<Code> {
    args.estimate_only = true;
    let setup = Setup::new(to_estimate(&args.given()?)?)?;
    let context = setup.context(false)?;
    if !tokens::IS_EXACT {
        print_err(
            "tokens are estimated from the text, within about 5%: this clinstruct was built without the feature `tokens`",
        );
    }
    let e = estimate_run(&context, answers)?;
    let shard = setup.settings.shard;
    if setup.settings.json {
        print_json(&of_shard(
            shard,
            serde_json::json!({
                "schema_version": SCHEMA_VERSION, "models": context.models(), "usd": usd(e.micro_usd),
                "usd_low": usd(e.low_micro_usd), "usd_high": usd(e.high_micro_usd),
                "requests": e.requests, "usage": e.usage, "answer_tokens": e.answer_tokens,
                "lines": e.lines,
            }),
        ))?;
    } else {
        let of_shard = shard.map(|shard| format!("{}\n", table::of_shard(shard)));
        print(&format!("{}{}", of_shard.unwrap_or_default(), lines(&e, &context)))?;
    }
    Ok(Code::Done)
}

fn usd(cost: MicroUsd) -> f64 {
    cost as f64 / 1e6
}

/// A record with the shard that it is about, if it is about one.
pub(super) fn of_shard(shard: Option<Shard>, mut record: serde_json::Value) -> serde_json::Value {
    if let (Some(shard), Some(fields)) = (shard, record.as_object_mut()) {
        fields.insert("shard".to_owned(), serde_json::json!(shard));
    }
    record
}

fn lines(e: &Estimate, context: &RunContext<'_>) -> String {
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
            "  {:<16} {:>9} {:<8}  {:>13} tokens in  {:>12} out  {:>10}",
            match l.annotator {
                Some(name) => name.to_owned(),
                None => format!("{}{turn}", l.speaker.as_str().replace('_', " ")),
            },
            number(l.requests),
            if l.requests == 1 { "request" } else { "requests" },
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
        "assumed tokens of an answer: prompt {:.0}, its list of facts {:.0}, each of its requests {:.0}, assistant \
         {:.0}, user {:.0}",
        e.answer_tokens.prompt_writer,
        e.answer_tokens.record,
        e.answer_tokens.request,
        e.answer_tokens.assistant,
        e.answer_tokens.user
    );
    out.push_str(&cached(e, context));
    let _ = writeln!(
        out,
        "{}: {}, between {} and {}",
        counted(e.requests, "request"),
        dollars(e.micro_usd),
        dollars(e.low_micro_usd),
        dollars(e.high_micro_usd)
    );
    out
}

/// Why nothing is counted as cached, for each model whose provider is known to cache.
fn cached(e: &Estimate, context: &RunContext<'_>) -> String {
    let mut out = String::new();
    let mut models: Vec<(&str, u64)> = Vec::new();
    for route in context.routes.all() {
        let from = route.price.as_ref().and_then(|price| price.cached_from);
        if let Some(from) = from.filter(|_| !models.iter().any(|(m, _)| *m == route.model)) {
            models.push((&route.model, from));
        }
    }
    for (model, from) in models {
        let of_model = e.lines.iter().filter(|line| line.model == model);
        let Some(most) = of_model.max_by_key(|line| line.shared_tokens) else { continue };
        let why = if most.shared_tokens < from {
            "no request has as many in common with others"
        } else {
            "the requests of a batch run side by side, so that no cache is sure to have them"
        };
        let _ = writeln!(
            out,
            "nothing counted as cached: {model} caches {} tokens or more, and {why} ({} of {}: {})",
            number(from),
            most.speaker.as_str().replace('_', " "),
            most.part,
            number(most.shared_tokens),
        );
    }
    out
}

/// Asks the user to confirm the budget of a run, and returns it; `None` if it costs nothing.
///
/// Refuses where nobody agreed to spend.
pub(crate) fn confirm_budget(budget: Option<Budget>) -> clinstruct_app::Result<Option<MicroUsd>> {
    let Some(budget) = budget else { return Ok(None) };
    let most = budget.most;
    let (so_far, limit) = (dollars(budget.spent), dollars(most));
    if let Some((shard, whole)) = budget.share_of {
        print_err(&format!(
            "of --max-cost {}, which is for all {} shards, this one may spend {limit}",
            dollars(whole),
            shard.of()
        ));
    }
    match &budget.estimate {
        None => print_err(&format!("{so_far} spent so far; it stops before {limit} is passed")),
        Some(e) => print_err(&format!(
            "the whole {}: about {}, between {} and {}; {so_far} spent so far; it stops before {limit} is passed",
            if budget.is_shard { "shard" } else { "run" },
            dollars(e.micro_usd),
            dollars(e.low_micro_usd),
            dollars(e.high_micro_usd),
        )),
    }
    if budget.is_agreed {
        return Ok(Some(most));
    }
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        terminal::problem(&format!("spend up to {limit}? type yes:"));
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
