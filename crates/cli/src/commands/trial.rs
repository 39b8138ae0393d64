//! Plays one conversation straight through, to see what a template or a model does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clinstruct_backend_rehearsal::Rehearsal;
use clinstruct_batch_client::openai::read_line;
use clinstruct_batch_client::{BatchBackend, BatchRequest, JobState, Shard, ShardTag, request_id};
use clinstruct_multiturn::{
    Attempt, Machine, Next, Repair, RequestOptions, Retries, Scripts, Setting, TurnOutcome,
    conversation_id, first_message, situation, variants,
};
use clinstruct_parser::{PromptFormat, decode};
use clinstruct_pipeline::{Reading, about, read_prompts, read_turn};
use clinstruct_promptgen::{PromptOptions, prompt_request};
use clinstruct_schema::{ChatRequest, RequestId, RowOutcome, Speaker};
use futures::StreamExt as _;

use super::{print, say};
use crate::args::RunArgs;
use crate::exit::{Code, usage};
use crate::settings;
use crate::setup::{Setup, run_name};

/// Deliveries of one request before the trial gives up.
const DELIVERIES: usize = 10;

/// Plays one conversation of a base row.
pub(crate) fn trial(args: RunArgs, row: Option<&str>, prompt_only: bool) -> anyhow::Result<Code> {
    let setup = Setup::new(settings::of_named_run(args)?)?;
    let context = setup.context(false)?;
    if crate::backends::is_paid(&context.routes) && !setup.args.yes {
        return Err(usage("this asks a model that costs money", "add --yes to agree"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let found = context.plans.iter().find_map(|(_, plan)| match row {
        Some(id) => plan.find(id).map(|i| (plan, i)),
        None => (!plan.is_empty()).then_some((plan, 0)),
    });
    let Some((plan, index)) = found else {
        return Err(super::look::no_row(row.unwrap_or_default()));
    };
    let base = plan.row(index).context("make the row")?;
    let (part, seed, retries) =
        (plan.part(), context.config.seed, Retries { tries: context.config.tries });
    let format = if context.structured { PromptFormat::Json } else { PromptFormat::Delimited };
    let name = run_name(&setup);
    let mut sent = 0_usize;
    let mut ask = |speaker: Speaker, request: ChatRequest| -> anyhow::Result<RowOutcome> {
        sent += 1;
        let backend = Arc::clone(&context.routes.of(speaker).backend);
        runtime.block_on(ask_one(&*backend, &format!("{name}-try-{sent}"), request))
    };

    print(&format!("== {}\n", base.id))?;
    let mut prompts = None;
    for tries in 0..retries.tries {
        let options = PromptOptions {
            model: &context.routes.of(Speaker::PromptWriter).model,
            seed,
            structured: context.structured,
            tries,
            temperature: context.config.temperature,
        };
        let outcome =
            ask(Speaker::PromptWriter, prompt_request(context.catalog, part, &base, &options)?)?;
        match read_prompts(&outcome, format, &base.cards) {
            Reading::Good(good) => {
                prompts = Some(good);
                break;
            }
            bad => say(&format!("try {}: {}", tries + 1, why(&bad))),
        }
    }
    let Some(prompts) = prompts else { bail!("no try gave usable prompts") };
    if prompt_only {
        for prompt in prompts.iter().flatten() {
            print(&format!("\n{}\n", prompt.text))?;
        }
        return Ok(Code::Done);
    }
    let Some((Some(prompt), card)) = prompts.first().map(|p| p.as_ref()).zip(base.cards.first())
    else {
        bail!("the row has no patient");
    };
    let variant = *variants(part, seed, &base.id, 0, Some(&prompt.text))
        .first()
        .context("the part gives no conversation")?;
    let id = conversation_id(part, &base.id, 0, variant);
    let situation = situation(context.catalog, part, seed, &base, 0, variant);
    let scripts = Scripts::default();
    let setting =
        Setting { catalog: context.catalog, part, row: &base, card, situation: &situation };
    let first = first_message(&prompt.text, &situation);
    print(&format!("\n[user]\n{first}\n"))?;
    let mut machine = Machine::new(first, situation.turns);
    let mut repair: Option<Repair> = None;
    loop {
        match machine.next() {
            Next::Done => return Ok(Code::Done),
            Next::Ended { reason, detail, .. } => {
                return Err(usage(
                    format!("it ended: {reason}: {detail}"),
                    "try another row or seed",
                ));
            }
            Next::Ask { speaker, tries } => {
                let options = RequestOptions {
                    model: &context.routes.of(speaker).model,
                    seed,
                    temperature: context.config.temperature,
                };
                let outcome = ask(speaker, {
                    let attempt = Attempt { tries, repair: repair.as_ref() };
                    let messages = &machine.messages;
                    scripts.request(&setting, &id, messages, speaker, attempt, &options)?
                })?;
                let told = match read_turn(
                    &outcome,
                    speaker,
                    &situation,
                    &about(context.catalog, &context.bound, card),
                ) {
                    Reading::Good(cleaned) => {
                        let role =
                            if machine.messages.len() % 2 == 1 { "assistant" } else { "user" };
                        print(&format!("\n[{role}]\n{}\n", cleaned.text))?;
                        repair = None;
                        TurnOutcome::Said(cleaned.text)
                    }
                    bad => {
                        let why = why(&bad);
                        repair = match bad {
                            Reading::Unusable { repair, .. } => repair,
                            _ => None,
                        };
                        say(&format!("try {}: {why}", tries + 1));
                        TurnOutcome::Unusable { reason: why, detail: String::new() }
                    }
                };
                if let Next::Ended { reason, .. } = machine.advance(told, retries) {
                    bail!("no try gave a usable turn: {reason}");
                }
            }
        }
    }
}

fn why<T>(reading: &Reading<T>) -> String {
    match reading {
        Reading::Good(_) => String::new(),
        Reading::Unusable { reason, detail, .. }
        | Reading::Undelivered { reason, detail, .. }
        | Reading::Never { reason, detail } => format!("{reason}: {detail}"),
    }
}

/// Has one request answered: a job of one row, sent again where its row does not come.
async fn ask_one(
    backend: &dyn BatchBackend,
    tag: &str,
    request: ChatRequest,
) -> anyhow::Result<RowOutcome> {
    let id = request_id(&request);
    for delivery in 0..DELIVERIES {
        let tag = ShardTag(format!("{tag}-{delivery}"));
        let one = BatchRequest { id, request: request.clone() };
        let job = backend.submit(&Shard::in_memory(tag, vec![one])).await?;
        while let JobState::Running { .. } = backend.poll(&job).await? {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut rows = backend.rows(&job);
        while let Some(row) = rows.next().await {
            let decoded = decode(backend.row_format(), &row?);
            let delivered = !matches!(
                decoded.outcome,
                RowOutcome::Unreadable { .. } | RowOutcome::Failed { .. }
            );
            if decoded.id == Some(id) && delivered {
                return Ok(decoded.outcome);
            }
        }
    }
    bail!("no row came in {DELIVERIES} deliveries")
}

/// Answers a batch file, line by line.
pub(crate) fn rehearse(args: RunArgs, input: &Path, output: &Path) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let rates = crate::backends::rates(&setup.args.misbehave)?;
    let engine = Rehearsal::new(setup.catalog.instructions(), rates, None);
    let from = File::open(input).map_err(|e| {
        usage(
            format!("cannot read {}: {e}", input.display()),
            "give a batch input file, then the output file",
        )
    })?;
    let to = File::create(output).with_context(|| format!("write {}", output.display()))?;
    let mut to = BufWriter::new(to);
    for (number, line) in BufReader::new(from).lines().enumerate() {
        let line = line.with_context(|| format!("read {}", input.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let (name, request) = read_line(line.as_bytes())
            .with_context(|| format!("line {} of {}", number + 1, input.display()))?;
        // Other programs name their rows as they like; each name draws for itself.
        let id = RequestId::parse(&name).unwrap_or_else(|_| id_of(&name));
        for row in engine.rows_of(&name, &BatchRequest { id, request }) {
            to.write_all(&named(row, id, &name)?)?;
            to.write_all(b"\n")?;
        }
    }
    to.flush().with_context(|| format!("write {}", output.display()))?;
    Ok(Code::Done)
}

/// An id for a row that another program has named.
fn id_of(name: &str) -> RequestId {
    let mut id = [0; 16];
    for (half, purpose) in id.chunks_exact_mut(8).zip(["first half", "second half"]) {
        half.copy_from_slice(&clinstruct_draw::number(0, name, purpose).to_le_bytes());
    }
    RequestId(id)
}

/// A row under the name that it was asked for with.
fn named(row: Vec<u8>, id: RequestId, name: &str) -> anyhow::Result<Vec<u8>> {
    let id = id.to_string();
    if id == name {
        return Ok(row);
    }
    // A row may be broken on purpose, so it is a text here, in which the id stands once.
    let row = String::from_utf8(row)?;
    Ok(row.replacen(&format!("\"{id}\""), &serde_json::to_string(name)?, 1).into_bytes())
}
