//! Uploads the dataset folder of a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clinstruct_app::Context as _;
use clinstruct_app::variable;
use clinstruct_batch_client::{Error, ErrorKind};
use clinstruct_provider_http::{Auth, Client, Secret};
use clinstruct_publish::{Target, entries, publish as upload};
use clinstruct_schema::counted;

use super::{print_err, print_json};
use crate::args::PublishArgs;
use crate::exit::{Code, usage};
use crate::hub::{HUB, HUB_ENDPOINT as ENDPOINT, HUB_KEY as KEY, hub};
use crate::settings;

/// First pause before a retry.
const PAUSE: Duration = Duration::from_secs(2);

/// Uploads the dataset folder in one commit.
pub(crate) fn publish(args: PublishArgs) -> clinstruct_app::Result<Code> {
    let json = args.run.json;
    let pause = args.run.pause.map_or(PAUSE, Duration::from_millis);
    let out = settings::of_run_or_own(args.run)?.out.unwrap_or_default();
    if !names_repository(&args.repository) {
        return Err(usage(
            format!("\"{}\" names no repository", args.repository),
            "give owner/name, of letters, digits, `-`, `_` and `.`: clinstruct publish my-lab/clinical-chats",
        ));
    }
    let folder: PathBuf = args.folder.unwrap_or_else(|| out.join("dataset"));
    let card = folder.join("README.md");
    if !card.exists() {
        return Err(usage(
            format!("{} is no dataset folder", folder.display()),
            "make one with `clinstruct build` or `clinstruct export`, or name it with --folder",
        ));
    }
    let head = std::fs::read_to_string(&card)
        .with_context(|| format!("cannot read {}", card.display()))?;
    let tags = head.lines().find(|l| l.starts_with("tags: ")).unwrap_or_default();
    if tags.contains("\"rehearsal\"") && !args.rehearsal {
        return Err(usage(
            "this is a rehearsal: a grammar wrote its text, and nobody should train on it",
            "publish a run of a model, or add --rehearsal to upload it all the same",
        ));
    }
    let base = hub();
    let Some(key) = variable(KEY) else {
        return Err(usage(
            format!("{KEY} is not set"),
            format!("make a token that may write at {base}, and put it there: export {KEY}=.."),
        ));
    };
    let hinted = |error: Error| {
        let hint = hint(&error, &base, &args.repository, &args.branch, &out);
        clinstruct_app::Error::from(error).with_hint(hint)
    };
    let client = Client::new(&base, Some(Secret::new(&key)), Auth::Bearer, &[]).map_err(hinted)?;
    let entries = entries(&folder).map_err(hinted)?;
    let target = Target {
        repository: args.repository.clone(),
        revision: args.branch.clone(),
        private: !args.public,
        message: args.message.clone(),
        pause,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let done = runtime.block_on(upload(&client, &target, &entries, print_err)).map_err(hinted)?;
    if json {
        print_json(&serde_json::json!({
            "repository": target.repository, "files": done.files, "sent": done.sent,
            "there": done.there, "removed": done.removed, "commit": done.commit,
        }))?;
    } else {
        print_err(&format!(
            "published {} to {}/datasets/{}: large ones sent {}, already there {}, removed from an earlier commit {}",
            counted(done.files as u64, "file"),
            base,
            target.repository,
            done.sent,
            done.there,
            done.removed
        ));
    }
    Ok(Code::Done)
}

/// Whether this is a valid owner and name. Source: `validate_repo_id` of `huggingface_hub`; the hub reports other
/// mistakes.
fn names_repository(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let good = |name: &str| !name.is_empty() && name.chars().all(allowed);
    text.split_once('/').is_some_and(|(owner, name)| good(owner) && good(name) && name.len() <= 96)
}

/// The hint for an error of the hub or the folder.
fn hint(e: &Error, base: &str, repository: &str, branch: &str, out: &Path) -> String {
    let owner = repository.split('/').next().unwrap_or_default();
    let again = "then type the same command again: large files that arrived are not sent again";
    match e.kind {
        // 401 is an invalid token, 403 one without permission.
        ErrorKind::Unauthorised if e.message.starts_with("403") => format!(
            "the token may not write to {owner}: make one that may at {base}, then export {KEY}=.., or publish \
             below a name of your own"
        ),
        ErrorKind::Unauthorised => {
            format!("the hub does not take the token: make one at {base}, then export {KEY}=..")
        }
        ErrorKind::NotFound if e.operation == "create the repository" => format!(
            "check the owner \"{owner}\", and that {base} is the hub's address; {ENDPOINT} names another"
        ),
        ErrorKind::NotFound => {
            format!(
                "make the branch \"{branch}\" at the hub, or name one that is there with --branch"
            )
        }
        ErrorKind::Unavailable | ErrorKind::Server | ErrorKind::Truncated => {
            format!("check the network, and that {base} is the hub's address, {again}")
        }
        ErrorKind::RateLimited => format!("wait some minutes, {again}"),
        ErrorKind::QuotaExhausted => format!("make room for {owner} at the hub, {again}"),
        ErrorKind::Refused if e.operation == "check the dataset folder" => {
            format!("type clinstruct export --out {}, then the same command again", out.display())
        }
        ErrorKind::Refused if e.operation == "make a client" => {
            format!("check {ENDPOINT}, an address such as {HUB}, and {KEY}, a token without blanks")
        }
        ErrorKind::Refused | ErrorKind::Filtered => format!("fix what the hub reports, {again}"),
        ErrorKind::Io => {
            format!("type clinstruct export --out {}, or see who may read it", out.display())
        }
        ErrorKind::Protocol | ErrorKind::UnknownModel => {
            format!("check that {base} is the hub's address; {ENDPOINT} names another")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_an_owner_and_a_name() {
        for good in ["my-lab/chats", "a/b", "A_1/b.c-2"] {
            assert!(names_repository(good), "{good}");
        }
        for bad in ["chats", "/chats", "lab/", "a/b/c", "a//b", "my lab/chats", "lab/chäts", ""] {
            assert!(!names_repository(bad), "{bad}");
        }
    }

    #[test]
    fn each_trouble_says_what_to_type() {
        let making = "create the repository";
        for (kind, operation, seen, has) in [
            (ErrorKind::Unauthorised, making, "401: no", "export HF_TOKEN=.."),
            (ErrorKind::Unauthorised, making, "403: no", "may not write to lab"),
            (ErrorKind::NotFound, making, "404: no", "the owner \"lab\""),
            (ErrorKind::NotFound, "commit", "404, no code: no", "--branch"),
            (ErrorKind::Unavailable, making, "it does not answer", "check the network"),
            (
                ErrorKind::Refused,
                "check the dataset folder",
                "changed",
                "clinstruct export --out DIR",
            ),
            (ErrorKind::Refused, "make a client", "none", "HF_ENDPOINT"),
        ] {
            let e = Error::new(kind, operation, seen);
            let told = hint(&e, "http://hub", "lab/chats", "main", Path::new("DIR"));
            assert!(told.contains(has), "{operation}, {seen}: {told}");
        }
    }
}
