//! The help of every command in snapshots: the diff shows a change as users read it.

use std::fmt::Write as _;
use std::path::Path;

use crate::{clinstruct, pinned};

fn help(dir: &Path, command: &[&str]) -> String {
    let output = clinstruct(dir).args(command).arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect()
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
    pinned::compare("help.txt", &text);
}
