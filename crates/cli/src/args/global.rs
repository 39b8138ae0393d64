//! The options of every command.

use clap::{ArgAction, Args, ValueEnum};

/// Heading of these options in the help.
pub(super) const HEADING: &str = "Global options";

/// When output has colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// Format of what is printed to stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArgs {
    /// Print only errors to stderr
    #[arg(long, short, global = true, help_heading = HEADING, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more: every job, and the whole table of the summary
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub(crate) verbose: bool,
    /// When to use colours; auto is on a terminal, where `NO_COLOR` is not set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true, help_heading = HEADING)]
    pub(crate) color: ColorChoice,
    /// Format of messages and progress on stderr; json is one object per line for each event
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        global = true,
        hide_short_help = true,
        help_heading = HEADING
    )]
    pub(crate) log_format: LogFormat,
    /// Print help; -h prints less of it
    #[arg(long, short, global = true, action = ArgAction::Help, help_heading = HEADING)]
    help: Option<bool>,
    /// Print the version
    #[arg(long, short = 'V', global = true, action = ArgAction::Version, help_heading = HEADING)]
    version: Option<bool>,
}
