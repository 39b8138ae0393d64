//! Uploads the dataset folder of a run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clinstruct_provider_http::{Auth, Client, Secret};
use clinstruct_publish::{Target, entries, publish as upload};

use super::{print_json, say};
use crate::args::PublishArgs;
use crate::backends::{HUB_KEY as KEY, hub, variable};
use crate::exit::{Code, usage};
use crate::setup::Setup;

/// First pause after trouble.
const PAUSE: Duration = Duration::from_secs(2);

/// Uploads the dataset folder in one commit.
pub(crate) fn publish(args: PublishArgs) -> anyhow::Result<Code> {
    let json = args.run.json;
    let pause = args.run.pause.map_or(PAUSE, Duration::from_millis);
    let setup = Setup::new(args.run)?;
    let folder: PathBuf = args.folder.unwrap_or_else(|| setup.out.join("dataset"));
    let card = folder.join("README.md");
    if !card.exists() {
        return Err(usage(
            format!("{} is no dataset folder", folder.display()),
            "make one with `clinstruct build` or `clinstruct export`, or name it with --folder",
        ));
    }
    if args.repository.split('/').filter(|p| !p.is_empty()).count() != 2 {
        return Err(usage(
            format!("\"{}\" names no repository", args.repository),
            "give owner/name: clinstruct publish my-lab/clinical-chats",
        ));
    }
    let head =
        std::fs::read_to_string(&card).with_context(|| format!("read {}", card.display()))?;
    let tags = head.lines().find(|l| l.starts_with("tags: ")).unwrap_or_default();
    if tags.contains("\"rehearsal\"") && !args.rehearsal {
        return Err(usage(
            "this is a rehearsal: a grammar wrote its text, and nobody should train on it",
            "publish a run of a model, or add --rehearsal to upload it all the same",
        ));
    }
    let Some(key) = variable(KEY) else {
        return Err(usage(
            format!("{KEY} is not set"),
            format!("make a token that may write, and put it there: export {KEY}=.."),
        ));
    };
    let base = hub();
    let client = Client::new(&base, Some(Secret::new(&key)), Auth::Bearer, &[])?;
    let entries = entries(&folder)?;
    let target = Target {
        repository: args.repository.clone(),
        revision: args.branch,
        private: !args.public,
        message: args.message,
        pause,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let done = runtime.block_on(upload(&client, &target, &entries, say))?;
    if json {
        print_json(&serde_json::json!({
            "repository": target.repository, "files": done.files, "sent": done.sent,
            "there": done.there, "removed": done.removed, "commit": done.commit,
        }))?;
    } else {
        say(&format!(
            "published {} files to {}/datasets/{}: {} large ones sent, {} were there, {} of an earlier commit removed",
            done.files, base, target.repository, done.sent, done.there, done.removed
        ));
    }
    Ok(Code::Done)
}
