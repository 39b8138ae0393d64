//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use clinstruct_pipeline::{Event, Progress, Tally};
use clinstruct_schema::dollars;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{self, printable};

/// Interval between plain progress lines.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows the progress of a run.
pub(crate) struct Terminal {
    bar: Option<ProgressBar>,
    began: Instant,
    last: Instant,
    retried: usize,
    /// Approximate number of requests of the whole run.
    expected: u64,
    /// Answers from before this call.
    before: Option<u64>,
}

impl Terminal {
    /// `expected` is the approximate number of requests of the whole run.
    pub(crate) fn new(expected: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(8));
            if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {bar:30} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self { bar, began: now, last: now, retried: 0, expected, before: None }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The remaining time at the pace of this call; blank while it is unknown.
    fn left(&mut self, t: &Tally) -> String {
        let answered = t.answered as u64;
        let before = *self.before.get_or_insert(answered);
        left(
            answered.saturating_sub(before),
            self.expected.saturating_sub(answered),
            self.began.elapsed(),
        )
        .map(|left| format!(", {left} left"))
        .unwrap_or_default()
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(printable(text)),
            None => terminal::line(text),
        }
    }
}

/// How long `rest` answers take if `done` took `time`, for display.
pub(crate) fn left(done: u64, rest: u64, time: Duration) -> Option<String> {
    if done < 20 || rest == 0 {
        return None;
    }
    let minutes = time.as_secs_f64() / done as f64 * rest as f64 / 60.0;
    Some(if minutes < 1.0 {
        "less than a minute".to_owned()
    } else if minutes < 90.0 {
        format!("about {minutes:.0} min")
    } else if minutes < 48.0 * 60.0 {
        format!("about {:.0} h", minutes / 60.0)
    } else {
        format!("about {:.0} days", minutes / 1440.0)
    })
}

/// A pause, for display.
fn pause(seconds: u64) -> String {
    match seconds {
        0 => "less than a second".into(),
        1..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

fn words(t: &Tally) -> String {
    let money = if t.spent + t.reserved > 0 {
        let spent = if t.estimated > 0 {
            format!("{} spent (~{} of it estimated)", dollars(t.spent), dollars(t.estimated))
        } else {
            format!("{} spent", dollars(t.spent))
        };
        format!(", {spent}, up to {} reserved", dollars(t.reserved))
    } else {
        String::new()
    };
    format!(
        "{} of {} prompt requests started, {} conversations done, {} requests in flight, {} rejected; {} rows, {} tokens{money}",
        t.seed_rows_started,
        t.seed_rows_planned,
        t.done,
        t.in_flight,
        t.rejected,
        t.rows,
        t.usage.prompt_tokens + t.usage.completion_tokens
    )
}

impl Progress for Terminal {
    fn tally(&mut self, t: &Tally) {
        let left = self.left(t);
        match &self.bar {
            Some(bar) => {
                bar.set_length(self.expected.max(t.answered as u64));
                bar.set_position(t.answered as u64);
                bar.set_message(words(t) + &left);
            }
            None if self.last.elapsed() >= PAUSE => {
                self.last = Instant::now();
                self.line(&(words(t) + &left));
            }
            None => {}
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Replaying => self.line(
                "the plan has changed since the last call: replaying the stored responses",
            ),
            Event::Orphan { tag, adopted: true } => {
                self.line(&format!("found the job {tag} at the provider"));
            }
            Event::Orphan { tag, adopted: false } => {
                self.line(&format!("the job {tag} never reached the provider: its rows are requested again"));
            }
            Event::Recovered { rows } => {
                self.line(&format!("ingested {rows} rows that were saved but not yet processed"));
            }
            Event::Waiting { why, seconds: Some(seconds) } => {
                self.line(&format!("{why}; trying again in {}", pause(seconds)));
            }
            Event::Waiting { why, seconds: None } => self.line(&why),
            Event::RowFault { words } => {
                self.line(&format!("the provider reports for a row: {words}"));
            }
            Event::Reopened { tasks } => self.line(&format!(
                "{tasks} prompts or conversations that the provider refused earlier are retried"
            )),
            Event::Stalled { route } => self.line(&format!(
                "no response from {route} yet, still waiting; Ctrl-C stops it, and the same command resumes"
            )),
            Event::Sent { .. } => {}
            Event::Ended { missing, .. } => self.retried += missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_pace_so_far() {
        let minute = Duration::from_mins(1);
        assert_eq!(left(5, 100, minute), None);
        assert_eq!(left(100, 0, minute), None);
        assert_eq!(left(1000, 500, minute).unwrap(), "less than a minute");
        assert_eq!(left(100, 3000, minute).unwrap(), "about 30 min");
        assert_eq!(left(100, 18_000, minute).unwrap(), "about 3 h");
        assert_eq!(left(100, 432_000, minute).unwrap(), "about 3 days");
    }
}
