//! Exit codes, and how an error is shown.

use std::borrow::Cow;
use std::process::ExitCode;

pub(crate) use clinstruct_app::usage;
use clinstruct_app::{Error, ErrorKind};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::terminal::{self, Label, labelled, printable};

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Everything that was asked is done.
    Done = 0,
    /// The run has failed rows, or its counts do not add up.
    Failures = 1,
    /// Wrong use or wrong input.
    Usage = 2,
    /// The provider or the environment is in the way.
    Environment = 3,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Shows an error with its causes and a hint on stderr, and says which code it means.
pub(crate) fn report(error: &Error) -> Code {
    let code = match &error.kind {
        // Whoever read the output has seen enough: that is no error.
        ErrorKind::Unread => return Code::Done,
        ErrorKind::Resources(mistakes) => {
            for mistake in mistakes.iter().filter(|_| !terminal::look().json) {
                show_mistake(mistake);
            }
            Code::Usage
        }
        ErrorKind::Usage => Code::Usage,
        ErrorKind::Environment => Code::Environment,
    };
    let mut causes = Vec::new();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        causes.push(cause.to_string());
        below = cause.source();
    }
    if terminal::look().json {
        let mistakes: Vec<String> = match &error.kind {
            ErrorKind::Resources(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        terminal::event(&serde_json::json!({
            "event": "error", "text": error.to_string(), "causes": causes, "mistakes": mistakes,
            "hint": error.hint, "exit_code": code as u8,
        }));
        return code;
    }
    terminal::made(&labelled(Label::Error, "error: ", &error.to_string()));
    for cause in causes {
        terminal::problem(&format!("  caused by: {cause}"));
    }
    if let Some(hint) = &error.hint {
        terminal::made(&labelled(Label::Hint, "hint: ", hint));
    }
    code
}

/// Shows a mistake with its place; in colours only where the colours are all that a terminal would obey.
fn show_mistake(mistake: &dyn miette::Diagnostic) {
    let render = |handler: GraphicalReportHandler| {
        let mut text = String::new();
        handler.render_report(&mut text, mistake).is_ok().then_some(text)
    };
    let plain = render(GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()));
    let plain = plain.unwrap_or_else(|| mistake.to_string());
    if is_changed(&plain) || !terminal::look().colors {
        return terminal::problem(plain.trim_end());
    }
    match render(GraphicalReportHandler::new_themed(GraphicalTheme::unicode())) {
        Some(coloured) => terminal::coloured(&coloured),
        None => terminal::problem(plain.trim_end()),
    }
}

/// Shows what is wrong with the arguments, or the help that they ask for.
///
/// It repeats what was typed, which a shell may have filled in with names of files, and on a terminal with colours
/// around it: so there are colours only where nothing typed has sequences of its own.
pub(crate) fn report_arguments(wrong: &clap::Error) -> ExitCode {
    let typed = std::env::args_os().any(|a| is_changed(&a.to_string_lossy()));
    let text = wrong.to_string();
    if typed || is_changed(&text) {
        terminal::problem(text.trim_end());
    } else {
        // Help that nobody reads is no error.
        let _ = wrong.print();
    }
    ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(Code::Usage as u8))
}

fn is_changed(text: &str) -> bool {
    matches!(printable(text), Cow::Owned(_))
}
