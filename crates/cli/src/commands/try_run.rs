//! Plays one conversation at once, to show what a template or a model does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_app::{Context as _, Error};
use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::openai::read_line;
use clinstruct_batch_client::{BatchBackend, BatchRequest, Ended, JobState, Shard, ShardTag};
use clinstruct_parser::decode;
use clinstruct_pipeline::{Delivery, Extent, PlayEvent, play};
use clinstruct_schema::{RequestId, Role, Speaker};
use futures::StreamExt as _;

use super::{print, print_err};
use crate::args::RunArgs;
use crate::exit::{Code, usage};
use crate::plan;
use crate::settings;
use clinstruct_app::{Setup, run_name};

/// Plays one conversation of a seed row, as a run would.
pub(crate) fn try_run(
    args: RunArgs,
    row: Option<&str>,
    prompt_only: bool,
) -> clinstruct_app::Result<Code> {
    let setup = Setup::new(settings::of_named_run(args)?)?;
    let context = setup.context(false)?;
    if clinstruct_app::budget::is_paid(&context.routes) && !setup.settings.yes {
        return Err(usage("this asks a model that costs money", "add --yes to agree"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let found = context.plans.iter().find_map(|(part, plan)| match row {
        Some(id) => plan.find(id).map(|i| (*part, plan, i)),
        None => (!plan.is_empty()).then_some((*part, plan, 0)),
    });
    let Some((part, plan, index)) = found else {
        return Err(plan::no_row(row.unwrap_or_default()));
    };
    let id = plan.id(index).ok_or_else(|| plan::no_row(row.unwrap_or_default()))?;
    print(&format!("== {id}\n"))?;
    let name = run_name(&setup);
    let mut sent = 0_usize;
    let mut ask = |speaker: Speaker, request: &BatchRequest| {
        sent += 1;
        let backend = Arc::clone(&context.routes.of(speaker).backend);
        runtime.block_on(ask_one(&*backend, &format!("{name}-try-{sent}"), request))
    };
    let mut show = |event: PlayEvent<'_>| match event {
        PlayEvent::Prompt(text) if prompt_only => print(&format!("\n{text}\n")),
        PlayEvent::Prompt(_) => Ok(()),
        PlayEvent::Annotation { name, value } => print(&format!("\n{name}: {value}\n")),
        PlayEvent::Message(message) => {
            let role = if message.role == Role::User { "user" } else { "assistant" };
            print(&format!("\n[{role}]\n{}\n", message.content))
        }
        PlayEvent::Failed { attempt, failure } => {
            print_err(&format!("attempt {attempt}: {}", told(&failure.reason, &failure.detail)));
            Ok(())
        }
    };
    let extent = if prompt_only { Extent::Prompts } else { Extent::FirstConversation };
    let played = play(&context, part, index, extent, &mut ask, &mut show)?;
    let ended = played.rejection.as_ref();
    let ended = ended.or_else(|| played.conversations.iter().find_map(|c| c.rejection.as_ref()));
    match ended {
        None => Ok(Code::Done),
        Some(why) if why.failed => Err(Error::environment(
            format!("no response: {}", told(&why.reason, &why.detail)),
            "check the provider or server and its settings, then rerun the same command",
        )),
        Some(why) => {
            print_err(&format!("rejected: {}", told(&why.reason, &why.detail)));
            Ok(Code::Failures)
        }
    }
}

/// A reason with its detail, which may name the check that failed itself.
fn told(reason: &str, detail: &str) -> String {
    if detail.contains(&format!("{reason}: ")) {
        detail.to_owned()
    } else {
        format!("{reason}: {detail}")
    }
}

/// Sends one request as a job of one row; gives its response, or why there is none.
async fn ask_one(
    backend: &dyn BatchBackend,
    tag: &str,
    request: &BatchRequest,
) -> clinstruct_app::Result<Delivery> {
    let shard = Shard::in_memory(ShardTag(tag.to_owned()), vec![request.clone()]);
    let job = backend.submit(&shard).await?;
    let ended = loop {
        match backend.poll(&job).await? {
            JobState::Running { .. } => tokio::time::sleep(Duration::from_millis(200)).await,
            JobState::Ended(how) => break how,
        }
    };
    let mut rows = backend.rows(&job);
    while let Some(row) = rows.next().await {
        let decoded = decode(backend.row_format(), &row?);
        if decoded.id == Some(request.id) {
            return Ok(Ok(decoded.outcome));
        }
    }
    let how = match ended {
        Ended::Completed => "completed".to_owned(),
        Ended::Expired => "expired".to_owned(),
        Ended::Cancelled => "cancelled".to_owned(),
        Ended::Failed(fault) => format!("failed: {fault}"),
        Ended::Lost => "lost".to_owned(),
    };
    Ok(Err(format!("no row came in job {tag}, {how}")))
}

/// Answers a batch file, line by line.
pub(crate) fn rehearse(args: RunArgs, input: &Path, output: &Path) -> clinstruct_app::Result<Code> {
    let setup = Setup::new(settings::own(args)?)?;
    let rates = Rates::parse(&setup.settings.misbehave)?;
    let engine = Rehearsal::new(setup.catalog.instructions(), rates, None);
    let from = File::open(input).map_err(|e| {
        usage(
            format!("cannot read {}: {e}", input.display()),
            "give a batch input file, then the output file",
        )
    })?;
    let to = File::create(output).with_context(|| format!("cannot write {}", output.display()))?;
    let mut to = BufWriter::new(to);
    for (number, line) in BufReader::new(from).lines().enumerate() {
        let line = line.with_context(|| format!("cannot read {}", input.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let (name, request) = read_line(line.as_bytes()).map_err(|e| {
            usage(
                format!("{}, line {}: {e}", input.display(), number + 1),
                "give a batch input file: each line has a `custom_id` and a `body` with the request",
            )
        })?;
        // Other programs name their rows as they like; each name draws for itself.
        let id = RequestId::parse(&name).unwrap_or_else(|_| id_of(&name));
        for row in engine.rows_of(&name, &BatchRequest { id, request }) {
            to.write_all(&named(row, id, &name)?)?;
            to.write_all(b"\n")?;
        }
    }
    to.flush().with_context(|| format!("cannot write {}", output.display()))?;
    Ok(Code::Done)
}

/// An id for a row from another program.
fn id_of(name: &str) -> RequestId {
    let mut id = [0; 16];
    for (half, purpose) in id.chunks_exact_mut(8).zip(["first half", "second half"]) {
        half.copy_from_slice(&clinstruct_draw::number(0, name, purpose).to_le_bytes());
    }
    RequestId(id)
}

/// A row under the name that it was asked for with.
fn named(row: Vec<u8>, id: RequestId, name: &str) -> clinstruct_app::Result<Vec<u8>> {
    let id = id.to_string();
    if id == name {
        return Ok(row);
    }
    // A row may be broken on purpose, so it is a text here, in which the id stands once.
    let row = String::from_utf8_lossy(&row);
    Ok(row.replacen(&format!("\"{id}\""), &serde_json::to_string(name)?, 1).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_check_is_shown_once() {
        assert_eq!(
            told("max_words", "max_words: 120 of at most 80 words"),
            "max_words: 120 of at most 80 words"
        );
        assert_eq!(told("cut", "assistant of turn 1: cut: x"), "assistant of turn 1: cut: x");
        assert_eq!(told("refused", "I cannot help"), "refused: I cannot help");
    }
}
