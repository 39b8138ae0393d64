//! What a command says of a run at its end: what came of it, what it took, and what to do next.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clinstruct_schema::{MicroUsd, PartSummary, Summary, Usage, counted, dollars, dollars_each};
use serde_json::json;

use crate::progress::{duration, seconds};
use crate::reason;
use crate::table::{GRAMMAR_REPEATS, number};
use crate::terminal::{self, Label, Level, labelled, look};

/// The end of a run.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) out: &'a Path,
    /// What the whole command took.
    pub(crate) elapsed: Duration,
    /// Whether the run was finished before, so that nothing was sent or received.
    pub(crate) was_finished: bool,
    /// Tokens of the run.
    pub(crate) usage: Usage,
    /// Cost of the run.
    pub(crate) spent: MicroUsd,
    /// The most that it may cost as a shard, if there is a limit for all shards.
    pub(crate) share: Option<MicroUsd>,
    /// What is wrong, if something is.
    pub(crate) problems: &'a [String],
}

impl Verdict<'_> {
    /// Prints it to stderr; with `--quiet`, only what is wrong.
    pub(crate) fn print(&self) {
        if look().json {
            terminal::event(&self.as_json());
            return;
        }
        if look().level > Level::Quiet {
            for (label, name, text) in self.lines() {
                terminal::made(&labelled(label, name, &text));
            }
        }
        for problem in self.problems {
            terminal::problem(problem);
        }
        if look().level > Level::Quiet {
            terminal::made(&labelled(Label::Fact, "next:   ", &self.next()));
        }
    }

    fn lines(&self) -> Vec<(Label, &'static str, String)> {
        let s = self.summary;
        let (label, name) = match (self.problems.is_empty(), s.in_progress(), self.was_finished) {
            (false, ..) => (Label::Bad, "finished with problems: "),
            (true, 1.., _) => (Label::Bad, "not finished: "),
            (true, 0, true) => (Label::Good, "already finished: "),
            (true, 0, false) => (Label::Good, "finished: "),
        };
        let rows = format!(
            "{} of {} in the dataset",
            number(s.in_dataset()),
            counted(s.planned(), "conversation")
        );
        let mut all = vec![(label, name, rows)];
        let out = self.left_out();
        if !out.is_empty() {
            let mut text = out.join(", ");
            if let Some(kind) = self.kind_left_out() {
                let run = quoted(&self.out.display().to_string());
                text = format!("{text}; see clinstruct show {run} --kind {kind}");
            }
            all.push((Label::Fact, "left out: ", text));
        }
        let mut missed: Vec<_> = s.quality.iter().flat_map(|q| q.metrics.missed()).collect();
        if !missed.is_empty() {
            missed.sort_by_key(|m| m.id.is_repetition());
            let mut names: Vec<String> = missed.iter().map(ToString::to_string).collect();
            if let Some(last) = names.last_mut().filter(|_| s.rehearsal)
                && missed.last().is_some_and(|m| m.id.is_repetition())
            {
                *last = format!("{last} ({GRAMMAR_REPEATS})");
            }
            all.push((Label::Bad, "missed targets: ", names.join(", ")));
        }
        let tokens = number(self.usage.prompt_tokens + self.usage.completion_tokens);
        let of_share = self.share.map(|most| format!(" of its share of {}", dollars(most)));
        let each = dollars_each(self.spent, s.in_dataset())
            .map(|each| format!(", {each} for each conversation in the dataset"));
        let took = format!(
            "{}; the run: {}, {tokens} tokens, {}{}{}",
            duration(self.elapsed),
            counted(s.requests_answered, "request"),
            dollars(self.spent),
            of_share.unwrap_or_default(),
            each.unwrap_or_default()
        );
        all.push((Label::Fact, "took:   ", took));
        if let Some(shard) = s.shard {
            let text = format!(
                "{} of {}; `clinstruct merge` makes the dataset of all: duplicates across shards, and splits, are decided there",
                shard.number(),
                shard.of()
            );
            all.push((Label::Fact, "shard:  ", text));
        }
        if s.rehearsal {
            let text = "a grammar wrote all text, not a model; never train on it".to_owned();
            all.push((Label::Bad, "rehearsal: ", text));
        }
        let report = self.out.join("report.html");
        if s.in_progress() == 0 {
            all.push((Label::Fact, "report: ", report.display().to_string()));
        }
        all
    }

    /// Rows that are not in the dataset, by what came of them, with the most common reasons.
    fn left_out(&self) -> Vec<String> {
        let s = self.summary;
        let of = |f: fn(&PartSummary) -> &BTreeMap<String, u64>, what: &str| {
            let mut all = BTreeMap::<&str, u64>::new();
            for (reason, count) in s.parts.iter().flat_map(f) {
                *all.entry(reason).or_default() += count;
            }
            let total: u64 = all.values().sum();
            (total > 0).then(|| format!("{} {what} ({})", number(total), reason::most_common(&all)))
        };
        let in_progress = match s.in_progress() {
            0 => None,
            n => Some(format!("{} in progress", number(n))),
        };
        [
            of(|p| &p.dropped, "dropped"),
            of(|p| &p.rejected, "rejected"),
            of(|p| &p.failed, "failed"),
            in_progress,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The kind of records that say why rows are left out.
    fn kind_left_out(&self) -> Option<&'static str> {
        match (self.summary.left_out(), self.summary.dropped()) {
            (1.., _) => Some("rejected"),
            (0, 1..) => Some("dropped"),
            (0, 0) => None,
        }
    }

    /// The command that a user wants next.
    fn next(&self) -> String {
        let out = quoted(&self.out.display().to_string());
        match self.summary {
            s if s.failed() > 0 => format!("clinstruct retry {out} --failed"),
            s if s.in_progress() > 0 => format!("clinstruct resume {out}"),
            s if s.in_dataset() == 0 => format!("clinstruct show {out} --kind rejected"),
            _ => format!("clinstruct serve {out}"),
        }
    }

    fn as_json(&self) -> serde_json::Value {
        let s = self.summary;
        json!({
            "event": "finished", "was_finished": self.was_finished,
            "seconds": seconds(self.elapsed), "planned": s.planned(),
            "in_dataset": s.in_dataset(), "dropped": s.dropped(), "rejected_or_failed": s.left_out(),
            "failed": s.failed(), "in_progress": s.in_progress(),
            "requests_answered": s.requests_answered, "usage": self.usage,
            "usd": self.spent as f64 / 1e6,
            "usd_per_conversation": (s.in_dataset() > 0).then(|| self.spent as f64 / 1e6 / s.in_dataset() as f64),
            "shard": s.shard,
            "usd_share": self.share.map(|most| most as f64 / 1e6), "rehearsal": s.rehearsal, "problems": self.problems,
            "report": self.out.join("report.html"), "next": self.next(),
        })
    }
}

/// A word as a shell reads it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,".contains(c));
    if is_plain && !word.is_empty() {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
