//! Runs other programs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::features;

/// Arguments of cargo for the `clinstruct` binary, before its own.
pub(crate) const BINARY: [&str; 4] = ["--package", "clinstruct-cli", "--bin", "clinstruct"];

/// Becomes `clinstruct build FLAGS`, so that its signals and exit code are this program's. Compiles what a rehearsal needs, and
/// what the flags need beyond that. Cargo shows the compilation: a bar on a terminal, a line for each crate elsewhere.
pub(crate) fn build_dataset(environment: &Environment, flags: &[OsString]) -> Result<()> {
    let features = features::of(environment, flags);
    let mut command = Command::new(&environment.cargo);
    command.args(["run", "--release", "--manifest-path"]);
    command.arg(environment.root.join("Cargo.toml")).args(BINARY).arg("--no-default-features");
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    if features.contains(&"llama") {
        needs_of_llama()?;
        command.envs(of_this_processor());
    }
    command.args(["--", "build"]).args(flags);
    become_it(command)
}

/// Becomes the audit of drawn cases, which is an example of the crate that draws them.
pub(crate) fn audit(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let mut command = Command::new(&environment.cargo);
    command.args(["run", "--quiet", "--manifest-path"]).arg(environment.root.join("Cargo.toml"));
    command.args(["--package", "clinstruct-promptgen", "--example", "audit", "--"]).args(arguments);
    become_it(command)
}

/// CPU features beyond llama.cpp's default build, as build settings: a third faster with AVX-512. The program is meant
/// for this machine only, and checks that they are available.
pub(crate) fn of_this_processor() -> Vec<(&'static str, &'static str)> {
    #[cfg(target_arch = "x86_64")]
    let there = [
        (
            "GGML_AVX512",
            std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512cd")
                && std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512dq")
                && std::arch::is_x86_feature_detected!("avx512vl"),
        ),
        ("GGML_AVX512_VBMI", std::arch::is_x86_feature_detected!("avx512vbmi")),
        ("GGML_AVX512_VNNI", std::arch::is_x86_feature_detected!("avx512vnni")),
        ("GGML_AVX512_BF16", std::arch::is_x86_feature_detected!("avx512bf16")),
        ("GGML_AVX_VNNI", std::arch::is_x86_feature_detected!("avxvnni")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let there: [(&str, bool); 0] = [];
    there.into_iter().filter(|(_, there)| *there).map(|(name, _)| (name, "ON")).collect()
}

/// llama.cpp's build tools.
pub(crate) fn needs_of_llama() -> Result<()> {
    let there = |program: &str| works(Command::new(program).arg("--version"));
    let missing: Vec<&str> =
        ["cmake", "clang", "c++"].into_iter().filter(|program| !there(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Missing {
        what: format!(
            "the llama backend is compiled from C++, and {} is not available",
            missing.join(" and ")
        ),
        hint: "install cmake, clang and a C++ compiler (Debian, Ubuntu: apt install cmake clang g++; macOS: brew \
               install cmake llvm), or use --backend chat with the address of a server"
            .to_owned(),
    })
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let operation = format!("start {}", command.get_program().to_string_lossy());
    Err(Failure::Io { operation, source: command.exec() })
}

#[cfg(not(unix))]
fn become_it(command: Command) -> Result<()> {
    run(command)
}

/// Runs a program to its end; its failure is ours.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let name = name(&command);
    let status = command.status().map_err(Failure::io(format!("start `{name}`")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Child { command: name, code: status.code() })
    }
}

/// Whether a program can be started and succeeds. Prints nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program and its arguments, as typed in a shell.
pub(crate) fn name(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut name =
        program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        name.push(' ');
        name.push_str(&argument.to_string_lossy());
    }
    name
}

/// A program of a profile. Its folder is next to the folder of this program, whatever the target folder is.
pub(crate) fn built(profile: &str, name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().map_err(Failure::io("find this program"))?;
    let target = here.parent().and_then(Path::parent).unwrap_or(&here);
    Ok(target.join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Cargo in the root of the repository.
pub(crate) fn cargo(environment: &Environment, arguments: &[&str]) -> Command {
    let mut command = Command::new(&environment.cargo);
    command.args(arguments).current_dir(&environment.root);
    command
}
