//! The guide's page of commands and flags, generated from the command line; with `CLINSTRUCT_PIN` in the environment, the
//! test writes it.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command};

use crate::Backends;
use crate::args::{Cli, layout};

const HEAD: &str = "\
# Commands and flags

This page is generated from the help of the program: `clinstruct COMMAND --help` prints the same, and `clinstruct COMMAND -h` the flags
that are used most. Run folders are positional, and `--out` names them too; without either, the folder is `data/BACKEND`, so
`data/rehearsal` for a rehearsal. Commands on a run accept all flags of `build`, so that a script can pass the same ones to all; listed
are those that have an effect. [Settings](settings.md) says where a setting comes from if you do not pass its flag, and
[Terminal](terminal.md) what is printed where.
";

/// Text for a cell of a table or a paragraph: what looks like a tag stands in code.
fn text(words: &str) -> String {
    let words = words.replace('|', "\\|");
    let each = words.split(' ').map(|word| {
        let is_code = (word.starts_with("--") || word.contains(['<', '{', '_']))
            && !word.contains('`')
            && word.len() > 2;
        if !is_code {
            return word.to_owned();
        }
        let code = word.trim_end_matches([',', ';', ':', '.', ')']);
        let (before, code) = match code.strip_prefix('(') {
            Some(code) => ("(", code),
            None => ("", code),
        };
        format!("{before}`{code}`{}", &word[before.len() + code.len()..])
    });
    each.collect::<Vec<_>>().join(" ")
}

/// How a flag or argument is written: `-q`, `--quiet`, `--limit N`.
fn form(a: &Arg) -> String {
    let names = a.get_value_names().unwrap_or_default();
    let takes_value = a.get_action().takes_values();
    let value = names.iter().filter(|_| takes_value).map(ToString::to_string).collect::<Vec<_>>();
    let value = value.join(" ");
    let Some(long) = a.get_long() else { return format!("`{value}`") };
    let short = a.get_short().map(|c| format!("`-{c}`, ")).unwrap_or_default();
    match value.as_str() {
        "" => format!("{short}`--{long}`"),
        value => format!("{short}`--{long} {value}`").replace('|', "\\|"),
    }
}

/// What a flag does, with its values, its default and its variable.
fn meaning(a: &Arg) -> String {
    let help = a.get_long_help().or_else(|| a.get_help()).map(ToString::to_string);
    let mut out = text(&help.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "));
    let values = a.get_possible_values();
    let values: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).collect();
    if a.get_action().takes_values() && !values.is_empty() {
        let each = values.iter().map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), text(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        });
        let _ = write!(out, ": {}", each.collect::<Vec<_>>().join(", "));
    }
    let defaults: Vec<_> = a.get_default_values().iter().map(|d| d.to_string_lossy()).collect();
    if a.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(out, " [default: {}]", defaults.join(","));
    }
    if let Some(variable) = a.get_env() {
        let _ = write!(out, " (`{}`)", variable.to_string_lossy());
    }
    out
}

fn table<'a>(out: &mut String, heading: &str, args: impl Iterator<Item = &'a Arg>) {
    let args: Vec<&Arg> = args.filter(|a| !a.is_hide_set()).collect();
    if args.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| {heading} | |\n|---|---|");
    for a in args {
        let _ = writeln!(out, "| {} | {} |", form(a), meaning(a));
    }
}

/// The tables of a command: its arguments, its own options, and its other options by heading.
fn tables(out: &mut String, command: &Command, with_global: bool) {
    table(out, "arguments", command.get_positionals());
    let flags = || command.get_arguments().filter(|a| !a.is_positional());
    table(out, "options", flags().filter(|a| a.get_help_heading().is_none()));
    let mut headings: Vec<&str> = Vec::new();
    for heading in flags().filter_map(Arg::get_help_heading) {
        if !headings.contains(&heading) && (with_global || heading != layout::GLOBAL) {
            headings.push(heading);
        }
    }
    for heading in headings {
        let of_heading = flags().filter(|a| a.get_help_heading() == Some(heading));
        table(out, &heading.to_lowercase(), of_heading);
    }
}

fn section(out: &mut String, command: &mut Command, name: &str, level: &str) {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(out, "\n{level} clinstruct {name}\n");
    for (i, paragraph) in about.split("\n\n").enumerate() {
        let gap = if i > 0 { "\n" } else { "" };
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        let stop = if paragraph.ends_with('.') { "" } else { "." };
        let _ = writeln!(out, "{gap}{}{stop}", text(&words.join(" ")));
    }
    let usage = command.render_usage().to_string();
    let _ = writeln!(out, "\n`{}`", usage.trim_start_matches("Usage: ").trim());
    if let Some(examples) = layout::examples_of(name) {
        out.push_str("\n```sh\n");
        for (line, what) in examples {
            let comment = if what.is_empty() { String::new() } else { format!("   # {what}") };
            let _ = writeln!(out, "{line}{comment}");
        }
        out.push_str("```\n");
    }
    tables(out, command, false);
}

fn page() -> String {
    let mut all = Cli::with(Backends::shipped().registry());
    all.build();
    let mut out = HEAD.to_owned();
    tables(&mut out, &all, true);
    for (title, commands) in layout::groups() {
        let _ = writeln!(out, "\n## {title}");
        for name in commands {
            let command = all.find_subcommand_mut(name).unwrap();
            section(&mut out, command, name, "###");
            let below: Vec<String> = command
                .get_subcommands()
                .map(|c| c.get_name().to_owned())
                .filter(|c| c != "help")
                .collect();
            for inner in below {
                let inner_command = command.find_subcommand_mut(&inner).unwrap();
                section(&mut out, inner_command, &format!("{name} {inner}"), "####");
            }
        }
    }
    out
}

#[test]
fn the_page_of_commands_and_flags_is_that_of_the_program() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src/reference.md");
    let page = page();
    if std::env::var_os("CLINSTRUCT_PIN").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap();
    for (number, (there, now)) in (1..).zip(there.lines().zip(page.lines())) {
        assert_eq!(there, now, "line {number} of reference.md; CLINSTRUCT_PIN=1 writes it again");
    }
    assert_eq!(there.lines().count(), page.lines().count());
}
