//! Exit codes, and how an error is shown.

use std::borrow::Cow;
use std::process::ExitCode;

pub(crate) use clinstruct_app::{UsageError, usage};
use clinstruct_batch_client::ErrorKind as BackendKind;
use clinstruct_catalog::CatalogError;
use clinstruct_schema::Fault;
use clinstruct_store::ErrorKind as StoreKind;
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::terminal::{self, Unread, printable};

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Everything that was asked is done.
    Done = 0,
    /// The run has failed rows, or its counts do not add up.
    Failures = 1,
    /// Wrong use or wrong input.
    Usage = 2,
    /// The provider or the environment is in the way.
    Environment = 3,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Trouble with what is not this program, with what to do where the kind of the error alone does not say it.
#[derive(Debug)]
pub(crate) struct Hinted {
    pub(crate) error: clinstruct_batch_client::Error,
    pub(crate) hint: String,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Shows an error with its causes and a hint on stderr, and says which code it means.
pub(crate) fn report(error: &anyhow::Error) -> Code {
    // Whoever read the output has seen enough: that is no error.
    if error.is::<Unread>() {
        return Code::Done;
    }
    if let Some(catalog) = error.downcast_ref::<CatalogError>() {
        for mistake in &catalog.mistakes {
            show_mistake(mistake);
        }
        terminal::line(&format!("error: {catalog}"));
        terminal::line("hint: fix them all, then rerun the command");
        return Code::Usage;
    }
    terminal::line(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        terminal::line(&format!("  caused by: {cause}"));
    }
    let (code, hint) = judge(error);
    if let Some(hint) = hint {
        terminal::line(&format!("hint: {hint}"));
    }
    code
}

/// What to do about a provider's error; `None` where what it answers cannot be read.
fn hint_for(fault: Option<Fault>, words: &str) -> String {
    const RESUME: &str =
        "then rerun the same command: nothing that was answered is requested again";
    let words = words.to_lowercase();
    let names = |all: &[&str]| all.iter().any(|word| words.contains(word));
    match fault {
        Some(Fault::Account) => {
            format!("check the key of the provider and what it may do, {RESUME}")
        }
        Some(Fault::Quota) => format!("add quota or credit, {RESUME}"),
        Some(Fault::Model) => {
            format!("check --model against the provider's list and what the key may use, {RESUME}")
        }
        Some(Fault::NotFound) => {
            "check --base-url: it includes the version, as in http://127.0.0.1:8000/v1".into()
        }
        Some(Fault::Request) if names(&["max_completion_tokens"]) => {
            format!("add --token-parameter max_completion_tokens, {RESUME}")
        }
        Some(Fault::Request) if names(&["context length", "model length", "context window"]) => {
            format!("use a model with a longer context, or serve it with one, {RESUME}")
        }
        Some(Fault::Request) if names(&["response_format", "json_schema", "guided", "grammar"]) => {
            format!("add --no-schema, {RESUME}")
        }
        Some(Fault::Request) if names(&["413", "too large"]) => format!(
            "the provider or a gateway limits the size of requests: raise its limit, or lower --rows-per-job, {RESUME}"
        ),
        Some(Fault::Request) if names(&["seed"]) => format!("add --no-seed, {RESUME}"),
        Some(Fault::Request) if names(&["param", "temperature", "unsupported", "max_tokens"]) => {
            format!(
                "change what the provider names (--token-parameter, --no-seed, --no-schema, --temperature), {RESUME}"
            )
        }
        Some(Fault::Request) => format!("fix what the provider names, {RESUME}"),
        Some(Fault::Content) => "use another model or provider for these texts".into(),
        Some(Fault::Server | Fault::Busy | Fault::Expired) => {
            format!("wait until the provider has recovered, {RESUME}")
        }
        None => format!(
            "check --base-url and --backend; the answers are kept in raw/ as they came; once that is fixed, {}",
            &RESUME[5..]
        ),
    }
}

/// Shows a mistake with its place; in colours only where the colours are all that a terminal would obey.
fn show_mistake(mistake: &dyn miette::Diagnostic) {
    let render = |handler: GraphicalReportHandler| {
        let mut text = String::new();
        handler.render_report(&mut text, mistake).is_ok().then_some(text)
    };
    let plain = render(GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()));
    let plain = plain.unwrap_or_else(|| mistake.to_string());
    if is_changed(&plain) {
        return terminal::line(plain.trim_end());
    }
    match render(GraphicalReportHandler::new()) {
        Some(coloured) => terminal::coloured(&coloured),
        None => terminal::line(plain.trim_end()),
    }
}

/// Shows what is wrong with the arguments, or the help that they ask for.
///
/// It repeats what was typed, which a shell may have filled in with names of files, and on a terminal with colours
/// around it: so there are colours only where nothing typed has sequences of its own.
pub(crate) fn report_arguments(wrong: &clap::Error) -> ExitCode {
    let typed = std::env::args_os().any(|a| is_changed(&a.to_string_lossy()));
    let text = wrong.to_string();
    if typed || is_changed(&text) {
        terminal::line(text.trim_end());
    } else {
        // Help that nobody reads is no error.
        let _ = wrong.print();
    }
    ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(Code::Usage as u8))
}

fn is_changed(text: &str) -> bool {
    matches!(printable(text), Cow::Owned(_))
}

fn judge(error: &anyhow::Error) -> (Code, Option<String>) {
    for cause in error.chain() {
        if let Some(e) = cause.downcast_ref::<UsageError>() {
            return (Code::Usage, Some(e.hint.clone()));
        }
        if let Some(e) = cause.downcast_ref::<Hinted>() {
            return (Code::Environment, Some(e.hint.clone()));
        }
        if let Some(e) = cause.downcast_ref::<clinstruct_store::Error>() {
            let code = match e.kind {
                StoreKind::NewerJournal { .. } | StoreKind::NotAJournal => Code::Usage,
                _ => Code::Environment,
            };
            return (code, Some(e.hint()));
        }
        if let Some(e) = cause.downcast_ref::<clinstruct_pipeline::Error>() {
            use clinstruct_pipeline::Error as E;
            let (code, hint) = match e {
                E::UnknownPart(_) => (Code::Usage, "type `clinstruct plan` to see the parts"),
                E::OtherModel { .. } => (
                    Code::Usage,
                    "name another folder, or continue this run as it is with `clinstruct resume DIR`, or add \
                     --accept-change: what other models answered is kept, and the rows are asked, and paid, \
                     again",
                ),
                E::PlanChange(_) => (
                    Code::Usage,
                    "name another folder, or continue this run as it is with `clinstruct resume DIR`, or add \
                     --accept-change to replace these rows: answers that still fit are used again, the others \
                     are asked, and paid, again",
                ),
                E::OtherAccount { .. } => (
                    Code::Usage,
                    "use the old key and address until they have ended, or add --accept-change to ask, \
                     and pay, for their rows again",
                ),
                E::NoAnswers { fault, words, .. } => {
                    return (Code::Environment, Some(hint_for(*fault, words)));
                }
                E::EmptyJobs { fault: fault @ Some(_), last, .. } => {
                    return (Code::Environment, Some(hint_for(*fault, last)));
                }
                E::EmptyJobs { .. } => (
                    Code::Environment,
                    "fix what the provider reports, then rerun the same command to resume",
                ),
                _ => continue,
            };
            return (code, Some(hint.into()));
        }
        if let Some(e) = cause.downcast_ref::<clinstruct_catalog::TemplateError>() {
            let hint = format!("fix templates/{} in the folder of --resources", e.name);
            return (Code::Usage, Some(hint));
        }
        if let Some(e) = cause.downcast_ref::<clinstruct_models::Error>() {
            use clinstruct_models::Error as E;
            let (code, hint) = match e {
                E::Checksum { .. } => (
                    Code::Environment,
                    "nothing of it is used; remove the file if it was there before, and type the same command \
                     again; if it comes out the same, somebody has changed the file or the sum",
                ),
                E::Unfit(_) => {
                    (Code::Usage, "`clinstruct model list` shows models that can be fetched")
                }
                E::Remote(e) if e.kind == BackendKind::Unauthorised => (
                    Code::Environment,
                    "agree to the model's terms at the hub, make a token that may read, and export HF_TOKEN=..",
                ),
                E::Remote(_) => (
                    Code::Environment,
                    "rerun the same command: it resumes where it stopped. HF_ENDPOINT and PIP_INDEX_URL name \
                     other places to fetch from",
                ),
                E::Io { .. } => continue,
            };
            return (code, Some(hint.into()));
        }
        if let Some(e) = cause.downcast_ref::<clinstruct_viewer::Error>() {
            use clinstruct_viewer::Error as E;
            let (code, hint) = match e {
                E::NewerReviews { .. } => (
                    Code::Usage,
                    "use the newer clinstruct that saved these reviews; the file was not changed",
                ),
                E::NotReviews(_) => (Code::Usage, "move the file away, or name another run"),
                E::Nothing(_) => {
                    (Code::Usage, "make some with `clinstruct build`, or name another folder")
                }
                _ => continue,
            };
            return (code, Some(hint.into()));
        }
        if let Some(e) = cause.downcast_ref::<clinstruct_batch_client::Error>() {
            let fault = match e.kind {
                BackendKind::Unauthorised => Fault::Account,
                BackendKind::UnknownModel => Fault::Model,
                BackendKind::NotFound => Fault::NotFound,
                BackendKind::QuotaExhausted => Fault::Quota,
                BackendKind::Refused => Fault::Request,
                BackendKind::Filtered => Fault::Content,
                BackendKind::Server => Fault::Server,
                BackendKind::Protocol => {
                    return (Code::Environment, Some(hint_for(None, &e.message)));
                }
                _ => Fault::Busy,
            };
            return (Code::Environment, Some(hint_for(Some(fault), &e.message)));
        }
        if let Some(e) = cause.downcast_ref::<std::io::Error>() {
            let hint = match e.kind() {
                std::io::ErrorKind::StorageFull => {
                    "free some disk space, then rerun the same command to resume"
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    "name a folder that you can write to with --out"
                }
                std::io::ErrorKind::NotFound => "check the path",
                _ => "fix it, then rerun the same command to resume",
            };
            return (Code::Environment, Some(hint.into()));
        }
    }
    (Code::Environment, None)
}
