//! `cargo xtask dist`: what a release consists of, each by one step.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::compile;
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::notices;
use crate::process;
use crate::tools::{TOOLS, Tool, find};

/// Where wheels, archives and checksums go.
const OUT: &str = "target/dist";
/// The licences of the crates in the program, in the root while a wheel is made.
const NOTICES: &str = "THIRD-PARTY.txt";
/// The platform of the wheels and archives that are made without `--target`.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
/// Oldest glibc that they run on, as the wheel's tag names it; the linker has its symbols.
const COMPATIBILITY: &str = "manylinux_2_28";
/// Version of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What makes a wheel, and installs it as `uvx` does.
pub(crate) const MATURIN: Tool = Tool {
    name: "maturin",
    install: &[
        &["python3", "-m", "venv", TOOLS],
        &[
            "target/tools/bin/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "maturin==1.16.0",
            "ziglang==0.17.1",
            "uv==0.13.9",
        ],
    ],
    hint: "pip install maturin ziglang",
};

/// Runs one step.
pub(crate) fn run(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().filter_map(|a| a.to_str()).collect();
    match words.as_slice() {
        ["wheel"] => wheel(environment, None),
        ["wheel", "--target", target] => wheel(environment, Some(target)),
        ["try"] => try_wheel(environment),
        ["archive"] => archive(environment),
        ["checksums"] => checksums(environment),
        ["container"] => container(environment),
        [] => Err(Failure::Usage("a step is missing".into())),
        _ => Err(Failure::Usage(format!("unknown step \"{}\"", words.join(" ")))),
    }
}

/// The wheel: the program with all features that need nothing but Rust, and the Python module.
fn wheel(environment: &Environment, target: Option<&str>) -> Result<()> {
    let program = find(environment, &MATURIN)?;
    notices::write(environment, &environment.root.join(NOTICES))?;
    let mut build = in_root(environment, &program);
    build.args(["build", "--release", "--locked", "--out", OUT]);
    build.args(["--target-dir", compile::FOLDER, "--compatibility"]);
    match target {
        // zig compiles the C code for that platform too.
        Some(target) => {
            build.args(if target.contains("linux-gnu") {
                [COMPATIBILITY, "--zig"].as_slice()
            } else {
                ["pypi"].as_slice()
            });
            build.args(["--target", target]);
        }
        // For this platform linking is enough, so that everything else is shared with other builds.
        None => {
            let linker = environment.root.join("xtask/dist/zig-cc");
            build.args([COMPATIBILITY, "--", "-C"]);
            build.arg(format!("linker={}", linker.display()));
        }
    }
    let cost = compile::measured(environment, build)?;
    crate::print(&format!("wheel: {cost}\n"));
    Ok(())
}

/// The newest wheel for this platform.
fn newest_wheel(environment: &Environment) -> Result<PathBuf> {
    let begin = format!("clinstruct-{VERSION}-");
    let of_here = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with(&begin) && name.contains("linux") && name.ends_with("_x86_64.whl")
    };
    let wheels = files(&environment.root.join(OUT))?.into_iter().filter(of_here);
    wheels.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok()).ok_or_else(|| {
        Failure::Missing {
            what: format!("{OUT} has no wheel of version {VERSION}"),
            hint: "cargo xtask dist wheel".into(),
        }
    })
}

/// Installs the wheel as a user would, runs it, and tests the module. Prints the seconds until there is a dataset.
fn try_wheel(environment: &Environment) -> Result<()> {
    let wheel = newest_wheel(environment)?;
    let folder = environment.root.join(OUT).join("try");
    let _ = fs::remove_dir_all(&folder);
    let python = folder.join("bin/python");
    let mut venv = in_root(environment, OsStr::new("python3"));
    venv.args(["-m", "venv"]).arg(&folder);
    process::run(venv)?;

    let start = Instant::now();
    let mut install = in_root(environment, python.as_os_str());
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]);
    process::run({
        install.arg(&wheel);
        install
    })?;
    let installed = start.elapsed().as_secs_f64();
    let mut build = in_root(environment, folder.join("bin/clinstruct").as_os_str());
    build.args(["build", "--limit", "20", "--out"]).arg(folder.join("first"));
    process::run(build)?;
    let all = start.elapsed().as_secs_f64();
    crate::print(&format!(
        "wheel: installed in {installed:.1} s, {all:.1} s until `clinstruct build --limit 20` was done\n"
    ));

    let mut tests = in_root(environment, python.as_os_str());
    tests.args(["-m", "unittest", "discover", "python/tests"]);
    // No compiled files in the repository.
    process::run({
        tests.env("PYTHONDONTWRITEBYTECODE", "1");
        tests
    })?;
    let uvx = in_root(environment, OsStr::new("uvx"));
    if !process::works(in_root(environment, OsStr::new("uvx")).arg("--version")) {
        eprintln!("skipped without uv: uvx --from {}", wheel.display());
        return Ok(());
    }
    process::run({
        let mut uvx = uvx;
        uvx.args(["--offline", "--from"]).arg(&wheel).args(["clinstruct", "--version"]);
        uvx
    })
}

/// The wheel's program with what a system package has.
fn archive(environment: &Environment) -> Result<()> {
    wheel(environment, None)?;
    let name = format!("clinstruct-{VERSION}-{PLATFORM}");
    let out = environment.root.join(OUT);
    let folder = out.join(&name);
    let _ = fs::remove_dir_all(&folder);
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)
        .map_err(Failure::io(format!("make {}", completions.display())))?;
    let program = environment.root.join(compile::FOLDER).join("release/clinstruct");
    for (from, to) in [
        (program.clone(), "clinstruct"),
        (environment.root.join("README.md"), "README.md"),
        (environment.root.join("LICENSE"), "LICENSE"),
        (environment.root.join(NOTICES), NOTICES),
    ] {
        fs::copy(&from, folder.join(to))
            .map_err(Failure::io(format!("copy {}", from.display())))?;
    }
    let mut manual = in_root(environment, program.as_os_str());
    manual.args(["man", "--to"]).arg(folder.join("man"));
    process::run(manual)?;
    for shell in ["bash", "zsh", "fish"] {
        let mut command = in_root(environment, program.as_os_str());
        command.args(["completions", shell]);
        let file = completions.join(format!("clinstruct.{shell}"));
        let to =
            fs::File::create(&file).map_err(Failure::io(format!("write {}", file.display())))?;
        process::run({
            command.stdout(to);
            command
        })?;
    }
    // The same files give the same archive.
    let mut tar = in_root(environment, OsStr::new("tar"));
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
    tar.arg("-czf").arg(out.join(format!("{name}.tar.gz"))).arg("-C").arg(&out).arg(&name);
    process::run(tar)
}

/// `SHA256SUMS`, which `sha256sum --check` reads.
fn checksums(environment: &Environment) -> Result<()> {
    let out = environment.root.join(OUT);
    let is_release =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending == "whl" || ending == "gz");
    let names: Vec<OsString> = files(&out)?
        .into_iter()
        .filter(is_release)
        .filter_map(|path| path.file_name().map(OsStr::to_owned))
        .collect();
    if names.is_empty() {
        return Err(Failure::Missing {
            what: format!("{OUT} has no wheel and no archive"),
            hint: "cargo xtask dist wheel, cargo xtask dist archive".into(),
        });
    }
    let to = out.join("SHA256SUMS");
    let file = fs::File::create(&to).map_err(Failure::io(format!("write {}", to.display())))?;
    let mut sums = Command::new("sha256sum");
    sums.arg("--").args(names).current_dir(&out).stdout(file);
    process::run(sums)
}

/// An image of the archive's folder, by whichever program there is.
fn container(environment: &Environment) -> Result<()> {
    archive(environment)?;
    let there = |name: &&str| process::works(Command::new(name).arg("--version"));
    let builder = ["docker", "podman"].into_iter().find(there).ok_or_else(|| Failure::Missing {
        what: "neither docker nor podman is installed".into(),
        hint: "install one of them".into(),
    })?;
    let mut build = in_root(environment, OsStr::new(builder));
    build.args(["build", "--file", "xtask/dist/Containerfile", "--tag"]);
    build.arg(format!("clinstruct:{VERSION}"));
    build.arg(Path::new(OUT).join(format!("clinstruct-{VERSION}-{PLATFORM}")));
    process::run(build)
}

/// A program in the root, which finds those of `target/tools` first.
fn in_root(environment: &Environment, program: &OsStr) -> Command {
    let tools = environment.root.join(TOOLS).join("bin");
    let others = std::env::split_paths(&environment.path);
    let path = std::env::join_paths(std::iter::once(tools).chain(others))
        .unwrap_or_else(|_| environment.path.clone());
    let mut command = Command::new(program);
    command.current_dir(&environment.root).env("PATH", path);
    command
}

/// The files of a folder, sorted; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        fs::read_dir(folder).map_err(Failure::io(format!("read {}", folder.display())))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_not_exist_is_a_mistake() {
        let environment = Environment::of_test(std::env::temp_dir().join("nowhere"), false);
        let step = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            run(&environment, &words).unwrap_err()
        };
        assert_eq!(step(&["wheels"]).to_string(), "unknown step \"wheels\"");
        assert_eq!(step(&[]).exit_code(), 2);
    }

    #[test]
    fn a_step_says_which_one_comes_before_it() {
        let environment = Environment::of_test(std::env::temp_dir().join("nowhere"), false);
        let Failure::Missing { hint, .. } = newest_wheel(&environment).unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!(hint, "cargo xtask dist wheel");
        assert!(matches!(checksums(&environment), Err(Failure::Missing { .. })));
    }
}
