//! The help of every command in snapshots: the diff shows a change as users read it.

use std::fmt::Write as _;
use std::path::Path;

use crate::{clinstruct, pinned};

/// Headings of lists of commands.
const GROUPS: [&str; 7] = ["Make", "Monitor", "Inspect", "Export", "Models", "Other", "Commands"];

fn help(dir: &Path, command: &[&str]) -> String {
    let output = clinstruct(dir).args(command).arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let mut is_list = false;
    let mut all = Vec::new();
    for line in help.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            is_list = GROUPS.contains(&heading);
        }
        let entry = line.strip_prefix("  ").filter(|entry| is_list && !entry.starts_with(' '));
        all.extend(entry.and_then(|entry| entry.split_whitespace().next()).map(str::to_owned));
    }
    all.retain(|name| name != "help");
    all
}

fn all(dir: &Path, command: &[&str], text: &mut String) {
    let help = help(dir, command);
    let _ = writeln!(text, "$ {} --help\n{help}", [&["clinstruct"], command].concat().join(" "));
    for name in commands(&help) {
        all(dir, &[command, &[name.as_str()]].concat(), text);
    }
}

#[test]
fn the_help_of_every_command_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    all(dir.path(), &[], &mut text);
    assert!(text.matches("$ clinstruct").count() > 25, "commands are missing");
    let mut short = String::new();
    for command in ["build", "status", "export"] {
        let output = clinstruct(dir.path()).args([command, "-h"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let _ = writeln!(short, "$ clinstruct {command} -h\n{help}");
    }
    text.push_str(&short);
    pinned::compare("help.txt", &text);
}
