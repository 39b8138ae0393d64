//! Projects outside of the workspace, tested with what is built already.
//!
//! Cargo tells crates apart by their place below the root of their workspace, and compiles all of them again for another
//! root. So each project is tested below a second root in `target`, whose folders are links to those of the first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process;
use crate::temporary::TemporaryFolder;

/// Those that bring a backend or a stage of their own: folders below `examples`, and names of their packages.
const PROJECTS: [(&str, &str); 2] =
    [("foreign-backend", "folder-backend"), ("urgency-stage", "urgency-stage")];

/// The tests of the projects that bring a backend or a stage.
pub(crate) fn foreign(environment: &Environment, features: &[&str]) -> Result<()> {
    let manifest = read(&environment.root.join("Cargo.toml"))?;
    let manifest = with_members(&manifest)
        .ok_or_else(|| Failure::Findings(vec!["Cargo.toml: no line for members".to_owned()]))?;
    let root = linked_root(environment, "outside", &manifest)?;
    for (name, _) in PROJECTS {
        let (from, to) =
            (environment.root.join("examples").join(name), root.join("examples").join(name));
        alone(environment, &from)?;
        fs::create_dir_all(&to).map_err(failed(&to))?;
        let manifest = to.join("Cargo.toml");
        fs::write(&manifest, without_workspace(&read(&from.join("Cargo.toml"))?))
            .map_err(failed(&manifest))?;
        for folder in ["src", "tests"] {
            link(&from.join(folder), &to.join(folder))?;
        }
    }
    let mut tests = Command::new(&environment.cargo);
    tests.args(["test", "--offline", "--quiet", "--manifest-path"]).arg(root.join("Cargo.toml"));
    tests.arg("--target-dir").arg(environment.root.join("target")).args(features);
    tests.args(PROJECTS.iter().flat_map(|(_, package)| ["--package", package]));
    process::run(tests)
}

/// Whether a project can be read where it is, as somebody else would have it.
fn alone(environment: &Environment, folder: &Path) -> Result<()> {
    // The versions of the workspace, so that nothing has to be fetched that was not before.
    let lock = folder.join("Cargo.lock");
    fs::copy(environment.root.join("Cargo.lock"), &lock).map_err(failed(&lock))?;
    let mut tree = Command::new(&environment.cargo);
    tree.args(["tree", "--offline", "--quiet", "--depth", "1", "--manifest-path"]);
    tree.arg(folder.join("Cargo.toml")).stdout(Stdio::null());
    process::run(tree)
}

/// The root manifest with the projects among its members.
fn with_members(manifest: &str) -> Option<String> {
    let old = manifest.lines().find(|line| line.starts_with("members = ["))?;
    let projects = PROJECTS.map(|(name, _)| format!("\"examples/{name}\"")).join(", ");
    let new = old.replacen('[', &format!("[{projects}, "), 1);
    let excluded = manifest.lines().find(|line| line.starts_with("exclude = "))?;
    Some(manifest.replacen(old, &new, 1).replacen(excluded, "", 1))
}

/// A manifest without what makes it a workspace of its own, which stands at its end.
fn without_workspace(manifest: &str) -> &str {
    manifest.split("\n[workspace]").next().unwrap_or_default()
}

/// A root below `target` with this manifest, without examples.
fn linked_root(environment: &Environment, name: &str, manifest: &str) -> Result<PathBuf> {
    let root = environment.root.join("target").join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).map_err(failed(&root))?;
    for folder in ["crates", "resources", "xtask"] {
        link(&environment.root.join(folder), &root.join(folder))?;
    }
    fs::write(root.join("Cargo.toml"), manifest).map_err(failed(&root))?;
    fs::copy(environment.root.join("Cargo.lock"), root.join("Cargo.lock"))
        .map_err(failed(&root))?;
    Ok(root)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Failure::io(format!("read {}", path.display())))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    Failure::io(format!("write {}", path.display()))
}

fn link(folder: &Path, link: &Path) -> Result<()> {
    link_folder(folder, link).map_err(failed(link))
}

/// Another backend in the place of a shipped one, by the line that the guide has for the root manifest.
pub(crate) fn swapped(environment: &Environment, features: &[&str]) -> Result<()> {
    const GUIDE: &str = "docs/guide/src/swap.md";
    let of_root = |path: &str| read(&environment.root.join(path));
    let manifest = with_line_of(&of_root(GUIDE)?, &of_root("Cargo.toml")?)
        .ok_or_else(|| Failure::Findings(vec![format!("{GUIDE}: no line for the manifest")]))?;
    let root = linked_root(environment, "swapped", &manifest)?;
    link(&environment.root.join("examples"), &root.join("examples"))?;

    let folder = TemporaryFolder::new("swapped")?;
    let mut build = Command::new(&environment.cargo);
    let target = environment.root.join("target");
    build.args(["build", "--offline", "--quiet", "--manifest-path"]).arg(root.join("Cargo.toml"));
    // With an example, so that the features are those of the tests.
    build.arg("--target-dir").arg(&target).args(["--workspace", "--bins", "--example", "view"]);
    build.args(features);
    process::run(build)?;
    let program = format!("debug/clinstruct{}", std::env::consts::EXE_SUFFIX);
    let mut build = Command::new(target.join(program));
    build.args(["build", "--backend", "openai", "--limit", "2", "--out"]).arg(folder.path());
    process::run(build)?;
    let path = folder.path().join("summary.json");
    let summary = read(&path)?;
    let packed: String = summary.split_whitespace().collect();
    let swapped = ["\"backend\":\"openai\"", "\"rehearsal\":true"];
    if counts_add_up(&summary) && swapped.iter().all(|field| packed.contains(field)) {
        return Ok(());
    }
    Err(Failure::Findings(vec!["the swapped backend did not build the dataset".to_owned()]))
}

/// The manifest with the line of the guide in the place of its own line of the same name.
fn with_line_of(guide: &str, manifest: &str) -> Option<String> {
    let name = "clinstruct-backend-openai = ";
    let new = guide.lines().find(|line| line.starts_with(name))?;
    let old = manifest.lines().find(|line| line.starts_with(name))?;
    Some(manifest.replacen(old, new, 1))
}

#[cfg(unix)]
fn link_folder(folder: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(folder, link)
}

#[cfg(windows)]
fn link_folder(folder: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(folder, link)
}

/// Whether a `summary.json` says that every planned row is accounted for, however it is laid out.
pub(crate) fn counts_add_up(summary: &str) -> bool {
    let packed: String = summary.split_whitespace().collect();
    packed.contains("\"counts_add_up\":true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_guide_takes_the_place_of_one_line() {
        let manifest = "a = 1\nclinstruct-backend-openai = { path = \"x\" }\nb = 2\n";
        let guide = "text\nclinstruct-backend-openai = { path = \"y\" }\n";
        let swapped = with_line_of(guide, manifest).unwrap();
        assert_eq!(swapped, "a = 1\nclinstruct-backend-openai = { path = \"y\" }\nb = 2\n");
        assert_eq!(with_line_of("no line", manifest), None);
        assert_eq!(with_line_of(guide, "a = 1\n"), None);
    }

    #[test]
    fn a_project_becomes_a_member_of_the_second_root() {
        let root = "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"examples/x\"]\n";
        let members = with_members(root).unwrap();
        let all =
            "members = [\"examples/foreign-backend\", \"examples/urgency-stage\", \"crates/*\"]";
        assert_eq!(members, format!("[workspace]\n{all}\n\n"));
        assert_eq!(with_members("[package]\n"), None);
        let project = "[package]\nname = \"a\"\n\n[workspace]\n\n[profile.dev]\n";
        assert_eq!(without_workspace(project), "[package]\nname = \"a\"\n");
    }

    #[test]
    fn reads_the_counts_in_any_layout() {
        assert!(counts_add_up("{\n  \"counts_add_up\": true\n}\n"));
        assert!(counts_add_up("{\"a\":1,\"counts_add_up\":true}"));
        assert!(!counts_add_up("{\"counts_add_up\":false}"));
        assert!(!counts_add_up(""));
    }
}
