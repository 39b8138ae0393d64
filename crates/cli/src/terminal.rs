//! All output to stdout and stderr.
//!
//! Text from models, providers, file names and datasets is printed without terminal control sequences, which could move
//! the cursor, change the title, fill the clipboard or hide text. A reader that closes stdout early, such as `head`, is
//! not an error.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use clinstruct_app::Error;

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

/// Prints a line to stderr. If nobody reads it, the error is ignored.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// Prints text with our own colours to stderr; the rest of it must be [`printable`].
pub(crate) fn coloured(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
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
