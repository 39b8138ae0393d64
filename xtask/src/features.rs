//! Which features of the command a build needs.
//!
//! The program itself is complete by default. Here only what a run needs is compiled.

use std::ffi::OsString;
use std::path::Path;

use crate::environment::Environment;

/// Backends that need nothing beyond the smallest build.
const SMALL: [&str; 2] = ["rehearsal", "command"];
/// File in the current folder whose settings apply where no flag does.
const PROJECT_FILE: &str = "clinstruct.toml";

/// The features that these flags, the environment and the project file need.
pub(crate) fn of(environment: &Environment, flags: &[OsString]) -> Vec<&'static str> {
    let project = std::fs::read_to_string(Path::new(PROJECT_FILE)).unwrap_or_default();
    let flags: Vec<String> = flags.iter().map(|f| f.to_string_lossy().into_owned()).collect();
    needed(environment.backend.as_deref(), &project, &flags)
}

fn needed(variable: Option<&str>, project: &str, flags: &[String]) -> Vec<&'static str> {
    // The program itself reports a mistake in the file.
    let project: toml::Table = project.parse().unwrap_or_default();
    let of_project = |name: &str| match project.get(name) {
        Some(toml::Value::String(text)) => vec![text.clone()],
        Some(toml::Value::Array(list)) => {
            list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    let backend = values(flags, "--backend")
        .pop()
        .or_else(|| variable.map(str::to_owned))
        .or_else(|| of_project("backend").pop());
    let roles = [values(flags, "--role"), of_project("role")].concat();
    // ROLE=[BACKEND:]MODEL; a model's name may have colons too, and the most that a wrong guess costs is time.
    let of_roles = roles
        .iter()
        .filter_map(|role| role.split_once('=')?.1.split_once(':'))
        .map(|(backend, _)| backend);
    let backends: Vec<&str> = backend.as_deref().into_iter().chain(of_roles).collect();

    let mut features = Vec::new();
    if backends.contains(&"llama") {
        // With HTTP, so that the program can fetch the weights that it asks for.
        features.extend(["llama", "http"]);
    }
    // An unknown backend is a mistake that the program reports; it may also be a shipped one that is not listed here.
    if backends.iter().any(|backend| *backend != "llama" && !SMALL.contains(backend)) {
        features.extend(["http", "tokens"]);
    }
    features.sort_unstable();
    features.dedup();
    let evaluation = [values(flags, "--eval"), of_project("eval")].concat();
    if evaluation.iter().any(|file| file.contains(".parquet")) {
        features.push("brotli");
    }
    if of_project("out").iter().any(|out| is_address(out)) || names_address(flags) {
        features.push("object-storage");
    }
    features
}

/// Whether flags name an address in object storage, by `--out` or as a word of its own. Another flag has URLs of something else.
fn names_address(flags: &[String]) -> bool {
    let before = std::iter::once("").chain(flags.iter().map(String::as_str));
    flags.iter().zip(before).any(|(word, before)| {
        before != "--base-url" && is_address(word.strip_prefix("--out=").unwrap_or(word))
    })
}

fn is_address(word: &str) -> bool {
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric();
    word.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(is_of_scheme))
}

/// Values of a flag, as `FLAG VALUE` or `FLAG=VALUE`.
fn values(flags: &[String], flag: &str) -> Vec<String> {
    let value = |(at, word): (usize, &String)| match word.strip_prefix(flag)? {
        "" => flags.get(at + 1).cloned(),
        rest => rest.strip_prefix('=').map(str::to_owned),
    };
    flags.iter().enumerate().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_compiled_in_where_it_is_asked_for() {
        let of = |variable: Option<&str>, project: &str, flags: &str| {
            let flags: Vec<String> = flags.split(' ').map(str::to_owned).collect();
            needed(variable, project, &flags).join(" ")
        };
        assert_eq!(of(None, "", "--limit 3"), "");
        assert_eq!(of(None, "", "--backend command --command cat"), "");
        assert_eq!(of(None, "", "--backend llama --model m"), "http llama");
        assert_eq!(of(None, "", "--limit 3 --backend=llama"), "http llama");
        assert_eq!(of(Some("llama"), "", "--limit 3"), "http llama");
        assert_eq!(of(Some("llama"), "", "--backend rehearsal"), "");
        assert_eq!(of(None, "", "--backend"), "");
        for backend in ["openai", "anthropic", "chat"] {
            assert_eq!(of(Some(backend), "", "--limit 3"), "http tokens");
            assert_eq!(of(None, "", &format!("--backend {backend}")), "http tokens");
            let role = format!("--role user={backend}:m");
            assert_eq!(of(None, "", &role), "http tokens");
        }
        assert_eq!(of(None, "", "--backend chat --role user=llama:m"), "http llama tokens");
        assert_eq!(of(None, "", "--model llama --role user=gpt-4o"), "");
        assert_eq!(of(None, "backend = \"openai\"", "--limit 3"), "http tokens");
        assert_eq!(of(None, "backend = \"openai\"", "--backend rehearsal"), "");
        assert_eq!(of(None, "role = [\"user=chat:m\"]", "--limit 3"), "http tokens");
        assert_eq!(of(None, "not a setting", "--limit 3"), "");
        assert_eq!(of(None, "", "--eval held-out.parquet:question"), "brotli");
        assert_eq!(of(None, "", "--eval held-out.jsonl"), "");
        for flags in
            ["--out s3://b/run", "--out=az://c/run --limit 3", "s3://b/run", "--yes gs://b/run"]
        {
            assert_eq!(of(None, "", flags), "object-storage", "{flags}");
        }
        assert_eq!(of(None, "out = \"s3://b/run\"", "--limit 3"), "object-storage");
        assert_eq!(of(None, "", "--base-url http://127.0.0.1:8000/v1 --out run"), "");
        assert_eq!(of(None, "", "--base-url=http://127.0.0.1:8000/v1"), "");
    }
}
