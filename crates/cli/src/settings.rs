//! Resolves the arguments of a command to its settings; [`clinstruct_app::settings`] documents the precedence.

use std::path::{Path, PathBuf};

use clinstruct_app::settings::has_run;
use clinstruct_app::{Call, Given, Settings, usage};

use crate::args::RunArgs;
use crate::remote;

impl RunArgs {
    /// What they say, flags and environment apart.
    pub(crate) fn given(&self) -> clinstruct_app::Result<Given> {
        let given = Given::new(self, &self.from_environment)?;
        let call = Call {
            yes: self.yes,
            json: self.json,
            accept_change: self.accept_change,
            keyless: self.keyless,
            estimate_only: self.estimate_only,
        };
        let given = Given { named: self.named, call, host: self.host.clone(), ..given };
        if let Some(address) = given.remote() {
            remote::ensure_known(address)?;
        }
        Ok(given)
    }
}

/// The settings of a command that begins a run, or uses none.
#[expect(clippy::needless_pass_by_value, reason = "settings take the place of arguments")]
pub(crate) fn own(args: RunArgs) -> clinstruct_app::Result<Settings> {
    clinstruct_app::settings::own(&args.given()?)
}

/// The settings of a command on a run: flags over the settings that the run was built with.
#[expect(clippy::needless_pass_by_value, reason = "settings take the place of arguments")]
pub(crate) fn of_run(args: RunArgs) -> clinstruct_app::Result<Settings> {
    clinstruct_app::settings::of_run(&args.given()?)
}

/// The settings of the run in the folder that the command names; the command's own if it names none, or if `--out`
/// names a folder without a run.
#[expect(clippy::needless_pass_by_value, reason = "settings take the place of arguments")]
pub(crate) fn of_named_run(args: RunArgs) -> clinstruct_app::Result<Settings> {
    clinstruct_app::settings::of_named_run(&args.given()?)
}

/// The settings of the run in the command's folder; the command's own if there is no run yet.
#[expect(clippy::needless_pass_by_value, reason = "settings take the place of arguments")]
pub(crate) fn of_run_or_own(args: RunArgs) -> clinstruct_app::Result<Settings> {
    clinstruct_app::settings::of_run_or_own(&args.given()?)
}

/// The folder that a command's positional argument names is that of its settings.
pub(crate) fn in_folder(run: &mut RunArgs, dir: Option<PathBuf>) -> clinstruct_app::Result<()> {
    let Some(dir) = dir else { return Ok(()) };
    let by_flag = !run.from_environment.iter().any(|name| name == "out");
    if let Some(out) = run.out.as_ref().filter(|out| by_flag && **out != dir) {
        return Err(usage(
            format!("two folders are named: {} and --out {}", dir.display(), out.display()),
            "name one",
        ));
    }
    run.out = Some(dir);
    run.named = true;
    run.from_environment.retain(|name| name != "out");
    Ok(())
}

/// Whether a word is a folder that exists, or the address of a run.
fn is_place(word: &str) -> bool {
    let path = Path::new(word);
    path.is_dir() || clinstruct_app::remote::is_address(path)
}

/// Distinguishes the two positional arguments of a command: the run's folder, and the name of something in it.
///
/// A single argument is a folder if one exists with that name; otherwise it names something in the folder of `--out`.
pub(crate) fn folder_and_name(
    run: &mut RunArgs,
    first: Option<String>,
    second: Option<String>,
) -> clinstruct_app::Result<Option<String>> {
    let by_flag = run.out.is_some() && !run.from_environment.iter().any(|name| name == "out");
    match first {
        Some(word) if second.is_none() && (by_flag || !is_place(&word)) => {
            if !by_flag && !has_run(&own(run.clone())?.out.unwrap_or_default()) {
                return Err(usage(
                    format!("there is no folder {word}"),
                    "name the folder of a run, and behind it what you look for",
                ));
            }
            Ok(Some(word))
        }
        dir => {
            in_folder(run, dir.map(PathBuf::from))?;
            Ok(second)
        }
    }
}
