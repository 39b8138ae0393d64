//! The environment and the clock; nothing else in this crate reads them.

use std::time::UNIX_EPOCH;

/// The value of an environment variable, if set and not blank.
#[expect(clippy::disallowed_methods, reason = "this is the shell, which reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.trim().is_empty())
}

/// Seconds since 1970.
pub fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the shell, which reads the clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}
