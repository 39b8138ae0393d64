//! All output to stdout and stderr.
//!
//! Text from models, providers, file names and datasets is printed without terminal control sequences, which could move
//! the cursor, change the title, fill the clipboard or hide text. A reader that closes stdout early, such as `head`, is
//! not an error.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use clap::builder::styling::{AnsiColor, Style};
use clinstruct_app::{Error, now, variable};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{ColorChoice, GlobalArgs, LogFormat};

/// How much is printed to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors, and what needs an answer.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// Everything.
    Verbose,
}

/// How stderr looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// How much is printed.
    pub(crate) level: Level,
    /// Whether there are colours.
    pub(crate) colors: bool,
    /// Whether each line is a JSON object.
    pub(crate) json: bool,
}

static LOOK: OnceLock<Look> = OnceLock::new();
/// The progress bar that is shown now: lines are printed above it.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Sets how stderr looks; the first call counts.
pub(crate) fn set(args: &GlobalArgs) {
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::Quiet,
        (false, false) => Level::Normal,
        (false, true) => Level::Verbose,
    };
    let json = args.log_format == LogFormat::Json;
    let colors = !json
        && match args.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => has_colors(),
        };
    let _ = LOOK.set(Look { level, colors, json });
}

/// How stderr looks.
pub(crate) fn look() -> Look {
    *LOOK.get_or_init(|| Look { level: Level::Normal, colors: has_colors(), json: false })
}

/// Whether stderr has colours without `--color`: <https://no-color.org>, <https://bixense.com/clicolors>.
fn has_colors() -> bool {
    if variable("NO_COLOR").is_some() {
        return false;
    }
    let is_forced = variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
    is_forced || (std::io::stderr().is_terminal() && !is_dumb)
}

/// The time, as in `2026-06-01T14:02:11Z`.
pub(crate) fn stamp() -> String {
    moment(now())
}

/// A time in seconds since 1970, as in `2026-06-01T14:02:11Z`.
pub(crate) fn moment(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// Whether a terminal would interpret the character instead of showing it.
///
/// Control characters of both sets, and those that change the text direction
/// (<https://unicode.org/reports/tr9/#Explicit_Directional_Embeddings>).
fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text for display: control characters are escaped as in Rust, such as `\u{1b}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A Windows line end.
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_obeyed(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON with terminal control characters escaped; `serde_json` leaves some unescaped.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string(value)?;
    if !plain.contains(is_obeyed) {
        return Ok(plain);
    }
    // One-line JSON has such characters only inside strings, where this escape is valid.
    let mut out = String::with_capacity(plain.len() + 16);
    for c in plain.chars() {
        if is_obeyed(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Ok(out)
}

/// Prints to stdout.
///
/// The first time that nobody reads it is let pass, so that a command that prints at its end still says by its exit
/// code what became of it. One that prints on is stopped by [`Error::unread`].
pub(crate) fn out(text: &str) -> clinstruct_app::Result<()> {
    static CLOSED: AtomicBool = AtomicBool::new(false);
    let mut out = std::io::stdout().lock();
    match out.write_all(printable(text).as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => {
            if CLOSED.swap(true, Ordering::Relaxed) {
                Err(Error::unread())
            } else {
                Ok(())
            }
        }
        other => Ok(other?),
    }
}

/// Sets the progress bar that lines are printed above.
pub(crate) fn show(bar: Option<ProgressBar>) {
    if let Ok(mut shown) = BAR.lock() {
        *shown = bar;
    }
}

/// Writes to stderr, above the progress bar. If nobody reads it, the error is ignored.
fn write(text: &str) {
    let bar = BAR.lock().ok().and_then(|bar| bar.clone());
    let print = || {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    };
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// The first word of a line, with its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Of an error.
    Error,
    /// Of what to do.
    Hint,
    /// Of a run that ended well.
    Good,
    /// Of a run that did not.
    Bad,
    /// Of a fact.
    Fact,
}

impl Label {
    fn style(self) -> Style {
        let color = match self {
            Self::Error => AnsiColor::Red,
            Self::Hint => AnsiColor::Cyan,
            Self::Good => AnsiColor::Green,
            Self::Bad => AnsiColor::Yellow,
            Self::Fact => return Style::new().bold(),
        };
        color.on_default().bold()
    }
}

/// A label and a text, as they are printed.
pub(crate) fn labelled(label: Label, name: &str, text: &str) -> String {
    let text = printable(text);
    if look().colors {
        let style = label.style();
        return format!("{style}{name}{style:#}{text}");
    }
    format!("{name}{text}")
}

/// Prints a line that a person wants to know to stderr.
pub(crate) fn line(text: &str) {
    if look().level > Level::Quiet {
        message("info", text);
    }
}

/// Prints a line to stderr, even with `--quiet`.
pub(crate) fn problem(text: &str) {
    message("warning", text);
}

fn message(level: &str, text: &str) {
    if look().json {
        event(&json!({ "event": "message", "level": level, "text": text }));
    } else {
        write(&format!("{}\n", printable(text)));
    }
}

/// Prints a line that [`labelled`] made.
pub(crate) fn made(line: &str) {
    write(&format!("{line}\n"));
}

/// Prints an event as a line of JSON: an object with the time, and the name in `event`.
pub(crate) fn event(what: &Value) {
    let mut all = serde_json::Map::new();
    all.insert("time".into(), stamp().into());
    all.extend(what.as_object().cloned().unwrap_or_default());
    if let Ok(text) = json(&Value::Object(all)) {
        write(&format!("{text}\n"));
    }
}

/// Prints text with our own colours to stderr; the rest of it must be [`printable`].
pub(crate) fn coloured(text: &str) {
    write(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        for (text, shown) in [
            ("plain, été, 痛い, सूजन, 👩‍⚕️\n\tindented", "plain, été, 痛い, सूजन, 👩‍⚕️\n\tindented"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            (
                "\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
                "\\u{1b}]8;;http://x\\u{1b}\\link\\u{1b}]8;;\\u{1b}\\",
            ),
            ("\u{9b}2J\u{9d}52;c;AA\u{9c}", "\\u{9b}2J\\u{9d}52;c;AA\\u{9c}"),
            ("a\u{8}b\u{7f}\u{0}", "a\\u{8}b\\u{7f}\\u{0}"),
            ("safe\rEVIL", "safe\\rEVIL"),
            ("one\r\ntwo\r\r\n", "one\ntwo\\r\n"),
            (
                "\u{202e}gpj.exe\u{202c}\u{2066}x\u{2069}",
                "\\u{202e}gpj.exe\\u{202c}\\u{2066}x\\u{2069}",
            ),
            ("\u{b}\u{c}\u{85}", "\\u{b}\\u{c}\\u{85}"),
        ] {
            assert_eq!(printable(text), shown);
        }
        for c in (0..0x300).chain(0x2000..0x2100).filter_map(char::from_u32) {
            let shown = printable(c.encode_utf8(&mut [0; 4])).into_owned();
            assert!(!shown.contains(is_obeyed), "{c:?}");
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ "a\u{9b}": "\u{1b}[1m\u{7f}\u{85}\u{202e}\r\n\t\"\\" });
        let text = json(&value).unwrap();
        assert!(!text.contains(is_obeyed), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
