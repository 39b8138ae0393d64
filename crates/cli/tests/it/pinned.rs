//! Texts that are pinned in files: a change shows in the diff, where it can be read as a user reads it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Compares a text with the file of this name beside the tests; with `CLINSTRUCT_PIN` in the environment, writes it.
pub(crate) fn compare(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(name);
    if std::env::var_os("CLINSTRUCT_PIN").is_some() {
        fs::write(file, text).unwrap();
        return;
    }
    let pinned = fs::read_to_string(file).unwrap_or_default();
    let how = format!("of {name}; if that is meant, run this test with CLINSTRUCT_PIN=1");
    for (number, (pinned, now)) in (1..).zip(pinned.lines().zip(text.lines())) {
        assert_eq!(pinned, now, "line {number} {how}");
    }
    assert_eq!(pinned.lines().count(), text.lines().count(), "the length {how}");
}

/// What a command printed, without what differs between two runs of the test.
pub(crate) struct Transcript<'a> {
    dir: &'a Path,
    pub(crate) text: String,
}

impl<'a> Transcript<'a> {
    /// Of commands in a folder.
    pub(crate) fn new(dir: &'a Path) -> Self {
        Self { dir, text: String::new() }
    }

    /// A heading.
    pub(crate) fn about(&mut self, what: &str) {
        let _ = writeln!(self.text, "# {what}\n");
    }

    /// Runs a command, and adds its line, its output and its exit code. What it prints before an error is progress, and
    /// left out; mistakes in resources are not.
    pub(crate) fn add(&mut self, command: &mut Command) {
        let words: Vec<String> =
            command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let stderr = match stderr.find("\nerror: ") {
            Some(at) if !stderr.contains("the resources have") => &stderr[at + 1..],
            _ => &stderr,
        };
        let stdout = String::from_utf8(output.stdout).unwrap();
        let line = shlex::try_join(words.iter().map(String::as_str)).unwrap();
        let code = output.status.code().unwrap();
        let text = format!("$ clinstruct {line}\n{stdout}{stderr}[exit code {code}]\n\n");
        self.text.push_str(&redacted(&text, self.dir));
    }
}

/// A text without folders, ports, tags of jobs, and what depends on the time that something took.
fn redacted(text: &str, dir: &Path) -> String {
    let mut out = text.replace(&dir.display().to_string(), "DIR");
    if let Ok(whole) = dir.canonicalize() {
        out = out.replace(&whole.display().to_string(), "DIR");
    }
    for (before, is_part, name) in [
        ("127.0.0.1:", (|c: char| c.is_ascii_digit()) as fn(char) -> bool, "PORT"),
        ("clinstruct-", |c: char| c.is_ascii_hexdigit(), "RUN"),
        ("(os error ", |c: char| c.is_ascii_digit(), "N"),
        ("requests sent in ", |c: char| c.is_ascii_digit() || c == ',', "N"),
        (" requests answered, in ", |c: char| c.is_ascii_digit() || c == ',', "N"),
        ("took:   ", |c: char| c != ';', "TIME"),
    ] {
        out = replaced(&out, before, is_part, name);
    }
    // Lines of progress have a time stamp.
    let is_stamped = |l: &&str| l.get(19..21) == Some("Z ") && l.get(10..11) == Some("T");
    let lines = out.lines().filter(|l| !is_stamped(l));
    lines.flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// The text with a name instead of what stands behind each `before`; names of files and packages go on with a letter.
fn replaced(text: &str, before: &str, is_part: fn(char) -> bool, name: &str) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(is_part);
        let whole = rest.len() < part.len() && !rest.starts_with(|c: char| c.is_alphabetic());
        out.push_str(before);
        out.push_str(if whole { name } else { "" });
        out.push_str(if whole { rest } else { part });
    }
    out
}
