//! The licences of the crates that the program contains, as one text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, cargo};

/// Beginnings of the names of licence files, in lower case.
const FILES: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];
/// Files in parts of a crate that come from elsewhere, such as SQLite or zstd, are at most this many folders deep.
const DEPTH: usize = 3;

/// Writes the notices of all crates that are compiled into the command with its default features.
pub(crate) fn write(environment: &Environment, to: &Path) -> Result<()> {
    let mut tree = cargo(environment, &["tree", "--quiet", "--package", "clinstruct-cli"]);
    tree.args(["--edges", "normal", "--prefix", "none", "--format", "{p}|{l}"]);
    let output = tree.output().map_err(Failure::io(format!("start `{}`", process::name(&tree))))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(Failure::Child { command: process::name(&tree), code: output.status.code() });
    }
    let crates = crates(&String::from_utf8_lossy(&output.stdout));
    let mut files = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, version, _) in &crates {
        match folder(environment, name, version) {
            Some(folder) => {
                let mut found = Vec::new();
                licences(&folder, DEPTH, &mut found);
                files.insert(name.as_str(), found);
            }
            None => missing
                .push(format!("{name} {version}: its source is not in the registry's folder")),
        }
    }
    if !missing.is_empty() {
        return Err(Failure::Findings(missing));
    }
    fs::write(to, text(&crates, &files)).map_err(Failure::io(format!("write {}", to.display())))
}

/// Name, version and licence of each crate of others in the output of `cargo tree`.
fn crates(tree: &str) -> Vec<(String, String, String)> {
    let one = |line: &str| {
        // Our own have a path, and procedural macros a mark, behind the version.
        let (package, licence) = line.split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let is_ours = package.contains(" (/") || name.starts_with("clinstruct-");
        let licence = licence.trim_end_matches(" (*)");
        (!is_ours).then(|| (name.to_owned(), version.to_owned(), licence.to_owned()))
    };
    let found: BTreeSet<_> = tree.lines().filter_map(one).collect();
    found.into_iter().collect()
}

/// The folder of a crate's source, below the registries that cargo has unpacked.
fn folder(environment: &Environment, name: &str, version: &str) -> Option<PathBuf> {
    let registries = fs::read_dir(environment.cargo_home.join("registry/src")).ok()?;
    let mut folders =
        registries.flatten().map(|registry| registry.path().join(format!("{name}-{version}")));
    folders.find(|folder| folder.is_dir())
}

fn licences(folder: &Path, depth: usize, found: &mut Vec<String>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_source = [".rs", ".c", ".h"].iter().any(|ending| name.ends_with(ending));
        if path.is_dir() && depth > 1 && name != "tests" {
            licences(&path, depth - 1, found);
        } else if path.is_file() && !is_source && FILES.iter().any(|f| name.starts_with(f)) {
            found.extend(fs::read_to_string(&path).ok());
        }
    }
}

/// A list of all crates, then each text once with the crates that have it.
fn text(crates: &[(String, String, String)], files: &BTreeMap<&str, Vec<String>>) -> String {
    let mut out = String::from("clinstruct contains these crates:\n\n");
    let mut users: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, version, licence) in crates {
        let _ = writeln!(out, "{name} {version}: {licence}");
        for file in files.get(name.as_str()).into_iter().flatten() {
            let plain: Vec<&str> = file.lines().map(str::trim_end).collect();
            let users = users.entry(plain.join("\n").trim_matches('\n').to_owned()).or_default();
            if users.last() != Some(&name.as_str()) {
                users.push(name);
            }
        }
    }
    let mut texts: Vec<_> = users.into_iter().collect();
    texts.sort_by(|(_, a), (_, b)| a.cmp(b));
    for (text, users) in texts {
        let _ = write!(out, "\n{}\n{}\n\n{text}\n", "-".repeat(80), users.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_of_others_are_listed_once() {
        let tree = "clinstruct-cli v0.1.0 (/x/crates/cli)|Apache-2.0\nclap v4.6.9|MIT OR Apache-2.0\n\
                    serde_derive v1.0.1 (proc-macro)|MIT\nclap v4.6.9|MIT OR Apache-2.0 (*)\n";
        let found = crates(tree);
        let names: Vec<String> = found.iter().map(|(n, v, l)| format!("{n} {v} {l}")).collect();
        assert_eq!(names, ["clap 4.6.9 MIT OR Apache-2.0", "serde_derive 1.0.1 MIT"]);
    }

    #[test]
    fn a_text_that_crates_share_is_there_once() {
        let of = |name: &str| (name.to_owned(), "1.0.0".to_owned(), "MIT".to_owned());
        let same = || vec!["Permission is granted \n".to_owned()];
        let files = BTreeMap::from([("a", same()), ("b", same()), ("c", vec!["Other".to_owned()])]);
        let text = text(&[of("a"), of("b"), of("c")], &files);
        assert_eq!(text.matches("Permission is granted").count(), 1);
        assert!(text.contains("\na, b\n\nPermission is granted\n"), "{text}");
        assert!(text.contains("\nc\n\nOther\n"), "{text}");
        assert!(text.starts_with("clinstruct contains these crates:\n\na 1.0.0: MIT\n"), "{text}");
    }
}
