//! What is known about a run that is being driven.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clinstruct_pipeline::{Event, Tally};
use clinstruct_schema::counted;

use super::line::{Facts, duration, left};
use crate::reason;
use crate::terminal::moment;

/// Silence after which the line says what is waited for.
const SILENCE: Duration = Duration::from_secs(10);

/// How much a run is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    /// Conversations planned.
    pub(crate) conversations: u64,
    /// Approximate number of requests.
    pub(crate) requests: u64,
}

/// A job without all of its rows.
#[derive(Debug, Clone, Copy)]
struct OpenJob {
    rows: usize,
    /// In seconds since 1970.
    since: i64,
}

/// What is known about the run.
#[derive(Debug)]
pub(super) struct State {
    began: Instant,
    size: Size,
    tally: Tally,
    /// Rejected conversations by reason.
    reasons: BTreeMap<String, u64>,
    open: BTreeMap<String, OpenJob>,
    /// Kinds of faults of rows that were shown.
    faults: BTreeSet<String>,
    /// When rows were last received, or a job was sent.
    last_sign: Instant,
    /// Whether all answers are those of a rehearsal.
    pub(super) is_rehearsal: bool,
    /// The phase that runs now, and when it began.
    pub(super) phase: Option<(String, Instant)>,
}

impl State {
    pub(super) fn new(began: Instant, now: Instant) -> Self {
        Self {
            began,
            size: Size::default(),
            tally: Tally::default(),
            reasons: BTreeMap::new(),
            open: BTreeMap::new(),
            faults: BTreeSet::new(),
            last_sign: now,
            is_rehearsal: false,
            phase: None,
        }
    }

    pub(super) fn size(&mut self, size: Size) {
        self.size = size;
    }

    /// Conversations planned.
    pub(super) fn planned(&self) -> u64 {
        self.size.conversations
    }

    pub(super) fn tally(&mut self, tally: &Tally, now: Instant) {
        if tally.rows != self.tally.rows {
            self.last_sign = now;
        }
        self.tally = *tally;
    }

    /// Notes what an event says about jobs and rejections. `seconds` is the time since 1970.
    pub(super) fn event(&mut self, event: &Event, now: Instant, seconds: i64) {
        match event {
            Event::Rejected { reason } => *self.reasons.entry(reason.clone()).or_default() += 1,
            Event::Sent { tag, rows } => {
                self.last_sign = now;
                self.open.insert(tag.clone(), OpenJob { rows: *rows, since: seconds });
            }
            Event::Open { tag, rows, since } => {
                self.open.insert(tag.clone(), OpenJob { rows: *rows, since: *since });
            }
            Event::Ended { tag, .. } => {
                self.last_sign = now;
                self.open.remove(tag);
            }
            _ => {}
        }
    }

    /// Whether a fault is the first of its kind: those that quote different rows begin with the same words.
    pub(super) fn is_new_fault(&mut self, words: &str) -> bool {
        let kind = words.split(": ").next().unwrap_or(words);
        self.faults.insert(kind.to_owned())
    }

    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Whether the provider has been silent with jobs open for this long.
    pub(super) fn is_silent(&self, now: Instant, time: Duration) -> bool {
        !self.open.is_empty() && now.saturating_duration_since(self.last_sign) >= time
    }

    /// The job that is waited for longest, with the number of all that are.
    fn oldest(&self) -> Option<(&str, OpenJob, usize)> {
        let (tag, job) = self.open.iter().min_by_key(|(_, job)| job.since)?;
        Some((tag, *job, self.open.len()))
    }

    /// The heartbeat: which job is waited for, and since when.
    pub(super) fn heartbeat(&self, seconds: i64) -> Option<String> {
        let (tag, job, jobs) = self.oldest()?;
        let others = match jobs - 1 {
            0 => String::new(),
            1 => " and another job".to_owned(),
            n => format!(" and {n} other jobs"),
        };
        let ago = Duration::from_secs(u64::try_from(seconds - job.since).unwrap_or(0));
        Some(format!(
            "waiting for {tag} ({}){others}, sent {} ago, at {} UTC",
            counted(job.rows as u64, "request"),
            duration(ago),
            clock(job.since)
        ))
    }

    /// What the line says.
    pub(super) fn facts(&self, now: Instant, seconds: i64) -> Facts {
        let t = &self.tally;
        let answered = t.answered as u64;
        let by_us = answered.saturating_sub(t.answered_before as u64);
        let rest = self.size.requests.saturating_sub(answered);
        let waiting =
            self.oldest().filter(|_| self.is_silent(now, SILENCE)).map(|(tag, job, _)| {
                let long = self.heartbeat(seconds).unwrap_or_default();
                let since = clock(job.since);
                [long, format!("waiting since {since} for {tag}"), format!("{tag} since {since}")]
            });
        let most = self.reasons.iter().max_by_key(|(_, count)| **count);
        Facts {
            elapsed: self.elapsed(now),
            done: t.done as u64,
            planned: self.size.conversations,
            answered,
            expected: self.size.requests,
            repairs: t.repairs as u64,
            rejected: t.rejected as u64,
            reason: most.map(|(reason, _)| reason::name(reason)),
            tokens: t.usage.prompt_tokens + t.usage.completion_tokens,
            spent: t.spent,
            is_estimated: t.estimated > 0,
            reserved: t.reserved,
            left: left(by_us, rest, self.elapsed(now)),
            waiting,
        }
    }

    /// The totals.
    pub(super) fn totals(&self) -> &Tally {
        &self.tally
    }
}

/// Hours and minutes of a time.
fn clock(seconds: i64) -> String {
    moment(seconds).get(11..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: i64 = 1_780_322_520; // 2026-06-01T14:02:00Z

    #[test]
    fn a_silent_provider_is_waited_for_by_name() {
        let start = Instant::now();
        let mut state = State::new(start, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        state.event(&Event::Sent { tag: "run-7".into(), rows: 500 }, start, SENT);
        assert!(state.facts(after(5), SENT + 5).waiting.is_none());
        let waiting = state.facts(after(725), SENT + 725).waiting.unwrap();
        assert_eq!(
            waiting[0],
            "waiting for run-7 (500 requests), sent 12 min 5 s ago, at 14:02 UTC"
        );
        assert_eq!(waiting[1], "waiting since 14:02 for run-7");
        assert_eq!(waiting[2], "run-7 since 14:02");
        let earlier = Event::Open { tag: "run-3".into(), rows: 1500, since: SENT - 3600 };
        state.event(&earlier, after(725), SENT + 725);
        let beat = state.heartbeat(SENT).unwrap();
        assert_eq!(
            beat,
            "waiting for run-3 (1,500 requests) and another job, sent 1 h 0 min ago, at 13:02 UTC"
        );
        // A row is a sign of life.
        state.tally(&Tally { rows: 1, ..Tally::default() }, after(730));
        assert!(!state.is_silent(after(735), SILENCE));
        for tag in ["run-3", "run-7"] {
            let ended = Event::Ended { tag: tag.into(), how: "completed".into(), missing: 0 };
            state.event(&ended, after(740), SENT + 740);
        }
        assert!(!state.is_silent(after(10_000), SILENCE));
        assert_eq!(state.heartbeat(SENT + 10_000), None);
    }

    #[test]
    fn a_fault_that_quotes_a_row_is_new_once() {
        let start = Instant::now();
        let mut state = State::new(start, start);
        let all = ["not JSON: {\"a", "not JSON: {\"b", "500, server_error: busy", "not JSON: x"];
        assert_eq!(all.map(|words| state.is_new_fault(words)), [true, false, true, false]);
    }

    #[test]
    fn the_commonest_reason_is_that_of_most_rejections() {
        let start = Instant::now();
        let mut state = State::new(start, start);
        for reason in ["refused", "min_words", "refused"] {
            state.event(&Event::Rejected { reason: reason.into() }, start, SENT);
        }
        assert_eq!(state.facts(start, SENT).reason.as_deref(), Some("refused"));
    }

    #[test]
    fn the_time_left_counts_what_this_call_has_received() {
        let start = Instant::now();
        let mut state = State::new(start, start);
        state.size(Size { conversations: 9, requests: 3_000 });
        let tally = Tally { answered: 2_000, answered_before: 1_000, ..Tally::default() };
        state.tally(&tally, start);
        let facts = state.facts(start + Duration::from_mins(2), SENT);
        assert_eq!(facts.left.as_deref(), Some("about 2 min"));
    }
}
