//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clinstruct_pipeline::{Event, Progress, Tally};
use clinstruct_schema::dollars;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows how a run goes.
pub(crate) struct Terminal {
    bar: Option<ProgressBar>,
    last: Instant,
    retried: usize,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(8));
            if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {bar:30} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, last: Instant::now(), retried: 0 }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }
}

fn words(t: &Tally) -> String {
    let money = if t.spent + t.reserved > 0 {
        format!(", {} spent, up to {} under way", dollars(t.spent), dollars(t.reserved))
    } else {
        String::new()
    };
    format!(
        "{} of {} prompt requests begun, {} conversations done, {} under way, {} rejected; {} rows, {} tokens{money}",
        t.base_started,
        t.base_planned,
        t.done,
        t.under_way,
        t.rejected,
        t.rows,
        t.usage.prompt_tokens + t.usage.completion_tokens
    )
}

impl Progress for Terminal {
    fn tally(&mut self, t: &Tally) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(t.base_planned as u64);
                bar.set_position(t.base_started as u64);
                bar.set_message(words(t));
            }
            None if self.last.elapsed() >= PAUSE => {
                self.last = Instant::now();
                self.line(&words(t));
            }
            None => {}
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Replaying => self.line(
                "the plan has changed since the last call: playing it again from the responses that are there",
            ),
            Event::Orphan { tag, adopted: true } => {
                self.line(&format!("found the job {tag} at the provider again"));
            }
            Event::Orphan { tag, adopted: false } => {
                self.line(&format!("the job {tag} never reached the provider: its rows are asked for again"));
            }
            Event::Recovered { rows } => {
                self.line(&format!("took in {rows} rows that were saved but not yet noted"));
            }
            Event::Waiting { why, seconds } => {
                self.line(&format!("{why}; trying again in {seconds} s"));
            }
            Event::Sent { .. } => {}
            Event::Ended { missing, .. } => self.retried += missing,
        }
    }
}
