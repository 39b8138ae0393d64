//! The summary of a run as tables.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use clinstruct_pipeline::Tally;
use clinstruct_schema::{PartSummary, RepairCounts, Shard, Summary, Usage, counted, dollars};
use serde::Serialize;

pub(crate) use clinstruct_schema::number;

fn reasons(reasons: &BTreeMap<String, u64>) -> String {
    let total: u64 = reasons.values().sum();
    if total == 0 {
        return "0".into();
    }
    let each: Vec<String> = reasons.iter().map(|(r, n)| format!("{r} {}", number(*n))).collect();
    format!("{} ({})", number(total), each.join(", "))
}

fn part(out: &mut String, p: &PartSummary) {
    let _ = writeln!(out, "{}", p.stem);
    let _ = writeln!(out, "  prompt requests  {:>8}", number(p.seed_rows));
    let _ = writeln!(out, "  planned          {:>8}", number(p.planned));
    let _ = writeln!(out, "  in dataset       {:>8}", number(p.in_dataset));
    let _ = writeln!(out, "  dropped          {:>8}", reasons(&p.dropped));
    let _ = writeln!(out, "  rejected         {:>8}", reasons(&p.rejected));
    let _ = writeln!(out, "  failed           {:>8}", reasons(&p.failed));
    if p.in_progress > 0 {
        let _ = writeln!(out, "  in progress      {:>8}", number(p.in_progress));
    }
    if p.emergencies > 0 {
        let _ = writeln!(
            out,
            "  emergencies (E)  {:>8}  prompts that gave one conversation each",
            number(p.emergencies)
        );
    }
    let verdict = if p.adds_up() { "adds up" } else { "DOES NOT ADD UP" };
    let way =
        if p.in_progress > 0 { format!(" + {}", number(p.in_progress)) } else { String::new() };
    let _ = writeln!(
        out,
        "  counts           {} + {} + {} + {}{way} = {}: {verdict}",
        number(p.in_dataset),
        number(p.dropped()),
        number(p.rejected.values().sum()),
        number(p.failed.values().sum()),
        number(p.planned),
    );
}

/// Failed answers by role: `prompt writer 2, assistant 1`.
fn speakers(counts: &RepairCounts) -> String {
    let each: Vec<String> = counts
        .speakers
        .iter()
        .map(|(s, n)| format!("{} {}", s.as_str().replace('_', " "), number(*n)))
        .collect();
    each.join(", ")
}

/// Most checks that the summary lists.
const REPAIRS: usize = 12;

/// Metrics that miss their target, as a sentence: `1 metric misses its target`.
pub(crate) fn missed_targets(missed: usize) -> String {
    match missed {
        1 => "1 metric misses its target".to_owned(),
        many => format!("{} metrics miss their target", number(many as u64)),
    }
}

/// What to say of a missed target of repetition.
pub(crate) const GRAMMAR_REPEATS: &str = "expected in a rehearsal: its grammar repeats itself";

/// The turns and prompt requests that failed a check, so that each line adds up.
fn repairs(all: &BTreeMap<String, RepairCounts>) -> String {
    let failed = |c: &RepairCounts| c.repaired + c.rejected;
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by_key(|(_, c)| std::cmp::Reverse(failed(c)));
    let mut out = String::new();
    if !all.is_empty() {
        out.push_str("turns and prompt requests that failed a check; those that failed several count for each\n");
    }
    for (name, c) in all.iter().take(REPAIRS) {
        let _ = writeln!(
            out,
            "  {name:<22} {:>7} = {:>7} repaired + {:>5} rejected; first attempts: {}; {}, {}",
            number(failed(c)),
            number(c.repaired),
            number(c.rejected),
            speakers(c),
            counted(c.requests, "failed request"),
            dollars(c.micro_usd),
        );
    }
    let rest = all.iter().skip(REPAIRS);
    let (checks, texts) = rest.fold((0, 0), |(n, sum), (_, c)| (n + 1, sum + failed(c)));
    if checks > 0 {
        let _ = writeln!(out, "  {:<22} {:>7}", counted(checks, "other check"), number(texts));
    }
    out
}

/// Which shard a plan or a run is: `shard 3 of 8`.
pub(crate) fn of_shard(shard: Shard) -> String {
    format!("shard {} of {}", shard.number(), shard.of())
}

/// The summary as text.
pub(crate) fn summary(s: &Summary) -> String {
    let mut out = String::new();
    if s.rehearsal {
        out.push_str("REHEARSAL: a grammar wrote all text, not a model. Never train on it.\n\n");
    }
    if let Some(shard) = s.shard {
        let _ = writeln!(out, "{}\n", of_shard(shard));
    }
    for p in &s.parts {
        part(&mut out, p);
    }
    let sum = |f: fn(&PartSummary) -> u64| number(s.parts.iter().map(f).sum());
    let _ = writeln!(
        out,
        "\nall parts: {} planned = {} in dataset + {} dropped + {} rejected or failed{}",
        sum(|p| p.planned),
        sum(|p| p.in_dataset),
        sum(PartSummary::dropped),
        sum(PartSummary::left_out),
        if s.in_progress() > 0 {
            format!(" + {} in progress", number(s.in_progress()))
        } else {
            String::new()
        },
    );
    out.push_str(&repairs(&s.repairs));
    if let Some(q) = &s.quality {
        let _ = writeln!(
            out,
            "{}: {}; {} dropped",
            counted(q.metrics.values.len() as u64, "metric"),
            q.metrics.verdicts(),
            counted(q.duplicates.rows, "near duplicate")
        );
        for m in q.metrics.missed() {
            let rows = match m.rows.as_slice() {
                [] => String::new(),
                rows => format!(" (first rows: {})", rows.join(", ")),
            };
            let is_expected = s.rehearsal && m.id.is_repetition();
            let why = if is_expected { format!("; {GRAMMAR_REPEATS}") } else { String::new() };
            let _ = writeln!(out, "  MISSED {m}: {}{rows}{why}", m.result(number));
        }
        let unmeasured = q.metrics.not_measured();
        if !unmeasured.is_empty() {
            let _ = writeln!(out, "  not measured: {}", unmeasured.join("; "));
        }
    }
    out
}

/// What one call did. Not part of the summary, which is the same for equal runs.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Call {
    /// Responses that already existed.
    found: usize,
    /// Requests sent, including those sent again.
    requested: usize,
    /// Raw responses received.
    rows: usize,
    /// Jobs that ended.
    jobs: usize,
    /// Responses that were not there before.
    answered: usize,
    /// Tokens of the rows received.
    usage: Usage,
    #[serde(skip)]
    before: usize,
}

impl Call {
    pub(crate) fn of(tally: &Tally) -> Self {
        let Tally { found, requested, rows, jobs, usage, answered_before: before, .. } = *tally;
        let answered = tally.answered.saturating_sub(before);
        Self { found, requested, rows, jobs, answered, usage, before }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = |n: usize, what| counted(n as u64, what);
        writeln!(
            f,
            "this command: {} sent in {}, {} received, {}",
            n(self.requested, "request"),
            n(self.jobs, "job"),
            n(self.rows, "row"),
            n(self.answered, "new answer"),
        )?;
        let (all, before) = (self.before + self.answered, self.before);
        let [all, before, new] = [all, before, self.answered].map(|n| number(n as u64));
        writeln!(f, "answered requests of the run: {all} = {before} before + {new} new")
    }
}

/// A finished build as JSON: the summary, and what this call did.
#[derive(Debug, Serialize)]
pub(crate) struct Built<'a> {
    #[serde(flatten)]
    pub(crate) summary: &'a Summary,
    pub(crate) call: Call,
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Speaker;

    use super::*;

    #[test]
    fn the_lines_of_failed_checks_add_up() {
        let counts = |repaired, rejected, first| RepairCounts {
            repaired,
            rejected,
            first,
            speakers: [(Speaker::Assistant, first)].into(),
            requests: repaired + rejected,
            ..RepairCounts::default()
        };
        let mut all: BTreeMap<String, RepairCounts> =
            (0..REPAIRS).map(|n| (format!("check_{n:02}"), counts(9, 1, 8))).collect();
        all.insert("max_words".into(), counts(63, 5, 61));
        all.insert("cut".into(), counts(1, 0, 1));
        let text = repairs(&all);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "  max_words                   68 =      63 repaired +     5 rejected; first attempts: assistant 61; \
             68 failed requests, $0.00"
        );
        assert_eq!(lines[REPAIRS + 1], "  2 other checks              11");
        assert_eq!(repairs(&BTreeMap::new()), "");
    }

    #[test]
    fn one_missed_target_is_named_in_the_singular() {
        assert_eq!(missed_targets(1), "1 metric misses its target");
        assert_eq!(missed_targets(2), "2 metrics miss their target");
    }
}
