//! The layout of the help: commands in groups, the flags that have an effect on each, and examples.
//!
//! All commands on a run accept all of its settings, so that a script may pass the flags of its `build` to each of them.
//! The help shows those that have an effect.

mod table;

use std::fmt::Write as _;

use clap::Command;
use clap::builder::StyledStr;
use clap::builder::styling::Styles;

use super::global;
use table::{Entry, GROUPS, Group, Help, SETS, SINGLE};

/// Heading of the options of every command.
#[cfg(test)]
pub(crate) const GLOBAL: &str = global::HEADING;

/// The groups of commands, each with its title and the names of its commands.
#[cfg(test)]
pub(crate) fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
    GROUPS.iter().map(|g| (g.title, g.commands.iter().map(|c| c.name).collect())).collect()
}

/// The examples of a command: the command line, and what it does.
#[cfg(test)]
pub(crate) fn examples_of(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    entry_of(name).map(|entry| entry.examples)
}

/// The entry of a command.
fn entry_of(name: &str) -> Option<&'static Entry> {
    GROUPS.iter().flat_map(|group| group.commands).find(|entry| entry.name == name)
}

/// Arranges the help of the command line.
pub(super) fn arrange(command: Command) -> Command {
    let template = template(&command);
    command.help_template(template).mut_subcommands(|command| {
        let command = command.mut_args(|a| {
            // So that `--limit -3` is a wrong number, and no unknown flag.
            let takes_value = a.get_long().is_some() && a.get_action().takes_values();
            a.allow_negative_numbers(takes_value).hide_env_values(true)
        });
        let Some(entry) = entry_of(command.get_name()) else { return command };
        let command = command.after_help(examples(entry));
        if !takes_settings(&command) {
            return command;
        }
        let command = SETS.iter().fold(command, |command, (set, heading, flags)| {
            flags.iter().fold(command, |command, (flag, help)| {
                let shown = entry.sets.contains(set) || entry.flags.contains(flag);
                arrange_flag(command, flag, *help, shown, Some(heading))
            })
        });
        SINGLE.iter().fold(command, |command, (flag, help)| {
            arrange_flag(command, flag, *help, entry.flags.contains(flag), None)
        })
    })
}

/// Whether a command takes all settings of a run, also those that have no effect on it. Others have only flags of their own.
fn takes_settings(command: &Command) -> bool {
    command.get_arguments().any(|a| a.get_id() == "misbehave")
}

fn arrange_flag(
    command: Command,
    flag: &str,
    help: Help,
    shown: bool,
    heading: Option<&'static str>,
) -> Command {
    if command.get_arguments().all(|a| a.get_id() != flag) {
        return command;
    }
    command.mut_arg(flag, |a| {
        let a = match heading {
            Some(heading) => a.help_heading(heading),
            None => a,
        };
        a.hide(!shown).hide_short_help(help == Help::Long)
    })
}

/// The help of the program: commands in groups, and the options of all commands.
fn template(command: &Command) -> StyledStr {
    let styles = Styles::styled();
    let (header, literal) = (*styles.get_header(), *styles.get_literal());
    let wide = GROUPS.iter().flat_map(|g| g.commands).map(|c| c.name.len()).max().unwrap_or(0);
    let mut out = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for Group { title, commands } in GROUPS {
        let _ = writeln!(out, "\n{header}{title}:{header:#}");
        for Entry { name, .. } in *commands {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let gap = " ".repeat(wide - name.len());
            let _ = writeln!(out, "  {literal}{name}{literal:#}{gap}  {about}");
        }
    }
    let _ = write!(out, "\n{header}{}:{header:#}\n{{options}}{{after-help}}", global::HEADING);
    out.into()
}

/// `Examples:` with the command lines, each below what it does.
fn examples(entry: &Entry) -> StyledStr {
    let styles = Styles::styled();
    let (header, literal) = (*styles.get_header(), *styles.get_literal());
    let mut out = format!("{header}Examples:{header:#}");
    for (line, what) in entry.examples {
        let _ = write!(out, "\n  {literal}{line}{literal:#}");
        if !what.is_empty() {
            let _ = write!(out, "\n      {what}");
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Args as _, CommandFactory as _};

    use super::*;
    use crate::args::{Cli, RunArgs};

    #[test]
    fn a_command_hides_none_of_its_own_flags() {
        let program = arrange(Cli::command());
        for command in program.get_subcommands().filter(|c| !takes_settings(c)) {
            let hidden: Vec<_> = command
                .get_arguments()
                .filter(|a| a.is_hide_set() && a.get_id() != "pause")
                .map(|a| a.get_id().to_string())
                .collect();
            assert!(hidden.is_empty(), "{}: {hidden:?}", command.get_name());
        }
    }

    #[test]
    fn every_command_is_in_one_group() {
        let listed: Vec<&str> = GROUPS.iter().flat_map(|g| g.commands).map(|c| c.name).collect();
        let unique: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(listed.len(), unique.len(), "a command is in two groups");
        let command = Cli::command();
        let known: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        assert_eq!(unique, known);
    }

    #[test]
    fn every_flag_of_a_run_is_in_one_set() {
        let listed: Vec<&str> = SETS
            .iter()
            .flat_map(|(_, _, flags)| flags.iter())
            .chain(&SINGLE)
            .map(|(flag, _)| *flag)
            .collect();
        let unique: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(listed.len(), unique.len(), "a flag is in two sets");
        let command = RunArgs::augment_args(Command::new("run"));
        let known: BTreeSet<&str> = command
            .get_arguments()
            .filter(|a| a.get_id() != "pause")
            .map(|a| a.get_id().as_str())
            .collect();
        assert_eq!(unique, known);
        for entry in GROUPS.iter().flat_map(|g| g.commands) {
            for flag in entry.flags {
                assert!(known.contains(flag), "{}: {flag}", entry.name);
            }
        }
    }

    #[test]
    fn the_list_of_commands_fits_80_columns() {
        let text = template(&Cli::command()).to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn every_example_is_a_command() {
        for entry in GROUPS.iter().flat_map(|g| g.commands) {
            assert!(!entry.examples.is_empty(), "{} has no example", entry.name);
            for (line, _) in entry.examples {
                let words = shlex::split(line).unwrap();
                assert_eq!(words[1], entry.name, "{line}");
                let parsed = Cli::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }
}
