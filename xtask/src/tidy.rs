//! `cargo xtask tidy`: conventions that neither the compiler nor clippy checks.

mod documents;
mod edges;
mod manifest;
mod modules;
mod sources;
mod vocabulary;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use manifest::Manifest;

/// Documents outside `docs/` whose links are checked.
const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "BENCHMARKS.md", "CONTRIBUTING.md"];

/// Collects all findings; each says where and what.
pub(crate) fn run(environment: &Environment) -> Result<()> {
    let findings = findings(&environment.root)?;
    if findings.is_empty() { Ok(()) } else { Err(Failure::Findings(findings)) }
}

fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut manifests = BTreeMap::new();
    for folder in crate_folders(root)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = relative(root, &folder.join("Cargo.toml"));
        if !folder.join("Cargo.toml").is_file() {
            findings.push(format!("{place}: missing, so the folder is not a crate"));
            continue;
        }
        let manifest = match Manifest::parse(&read(&folder.join("Cargo.toml"))?) {
            Ok(manifest) => manifest,
            Err(message) => {
                findings.push(format!("{place}: {message}"));
                continue;
            }
        };
        findings.extend(manifest.check(&name).into_iter().map(|f| format!("{place}: {f}")));
        manifests.insert(name.clone(), manifest);

        let mut files = Vec::new();
        files_below(&folder.join("src"), "rs", &mut files)?;
        if files.is_empty() {
            findings.push(format!("{}: no source", relative(root, &folder)));
        }
        let mut sources = Vec::new();
        for file in files {
            let text = read(&file)?;
            findings.extend(sources::check(&relative(root, &file), &text));
            findings.extend(vocabulary::check(&relative(root, &file), &text));
            sources.push((relative(&folder.join("src"), &file), text));
        }
        for other in ["tests", "benches", "examples"] {
            let mut files = Vec::new();
            files_below(&folder.join(other), "rs", &mut files)?;
            for file in files {
                findings.extend(vocabulary::check(&relative(root, &file), &read(&file)?));
            }
        }
        // The test provider serves two APIs from one state.
        if name != "testkit" {
            findings.extend(modules::circles(&relative(root, &folder), &sources));
        }
    }

    let page = read(&root.join("ARCHITECTURE.md"))?;
    match edges::table(&page) {
        Ok(table) => findings.extend(edges::compare(&table, &manifests)),
        Err(finding) => findings.push(finding),
    }
    findings.extend(sources::check_readme(&read(&root.join("README.md"))?));
    let exists = |path: &str| root.join(path).exists();
    let pages = pages(root)?;
    findings.extend(pages.iter().flat_map(|(path, text)| vocabulary::check(path, text)));
    findings.extend(documents::check(&pages, exists));
    Ok(findings)
}

/// The documents whose links are checked, by path relative to the root.
fn pages(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files: Vec<PathBuf> = PAGES.iter().map(|name| root.join(name)).collect();
    files_below(&root.join("docs"), "md", &mut files)?;
    files.into_iter().map(|file| Ok((relative(root, &file), read(&file)?))).collect()
}

/// Folders of all crates, sorted: those in `crates/`, and `xtask`.
fn crate_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> =
        entries(&root.join("crates"))?.into_iter().filter(|p| p.is_dir()).collect();
    folders.push(root.join("xtask"));
    Ok(folders)
}

/// All files in `folder` with this extension, recursively, sorted.
fn files_below(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for path in entries(folder)? {
        if path.is_dir() {
            files_below(&path, extension, files)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || Failure::io(format!("read {}", folder.display()));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        paths.push(entry.map_err(failed())?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Failure::io(format!("read {}", path.display())))
}

/// A path relative to the root, with `/` on every system.
fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
