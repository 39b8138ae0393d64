use std::time::Duration;

/// Most time between two attempts.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait for a server that does not answer.
///
/// This is the only place where requests are retried: `object_store` could do that too, but says nothing while it waits, and
/// signs a request only once, so that it expires
/// ([apache/arrow-rs-object-store#849](https://github.com/apache/arrow-rs-object-store/pull/849)).
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// First pause; later ones double, up to half a minute.
    pub pause: Duration,
    /// Number of attempts.
    pub attempts: u32,
}

impl Default for Patience {
    /// About a minute and a half.
    fn default() -> Self {
        Self { pause: Duration::from_millis(500), attempts: 9 }
    }
}

impl Patience {
    /// The pause after so many failed attempts; `None` after the last.
    pub(crate) fn after(&self, failed: u32) -> Option<Duration> {
        let pause = self.pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
        (failed < self.attempts).then(|| pause.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let patience = Patience::default();
        let pauses: Vec<u64> = (1..)
            .map_while(|failed| patience.after(failed))
            .map(|p| p.as_millis() as u64)
            .collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    }
}
