//! The summary of a run as tables.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use clinstruct_pipeline::Tally;
use clinstruct_schema::{PartSummary, RepairCounts, Summary, Usage, dollars};
use serde::Serialize;

/// A number with thousands separators.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

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

/// Most reasons that the summary lists.
const REPAIRS: usize = 12;

/// The summary as text.
pub(crate) fn summary(s: &Summary) -> String {
    let mut out = String::new();
    if s.rehearsal {
        out.push_str("REHEARSAL: a grammar wrote all text, not a model. Never train on it.\n\n");
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
    let mut repairs: Vec<_> = s.repairs.iter().collect();
    repairs.sort_by_key(|(_, c)| std::cmp::Reverse(c.first));
    if !repairs.is_empty() {
        let _ =
            writeln!(out, "turns and prompt requests that failed on the first attempt, by check");
    }
    for (name, c) in repairs.iter().take(REPAIRS) {
        let _ = writeln!(
            out,
            "  {name:<22} {:>7}  repaired {:>7}  rejected {:>5}  {} requests, {}  ({})",
            number(c.first),
            number(c.repaired),
            number(c.rejected),
            number(c.requests),
            dollars(c.micro_usd),
            speakers(c)
        );
    }
    if let Some(q) = &s.quality {
        let _ = writeln!(
            out,
            "{} metrics: {}; {} near duplicates dropped",
            q.metrics.values.len(),
            q.metrics.verdicts(),
            number(q.duplicates.rows)
        );
        for m in q.metrics.missed() {
            let rows = match m.rows.as_slice() {
                [] => String::new(),
                rows => format!(" (first rows: {})", rows.join(", ")),
            };
            let _ = writeln!(out, "  MISSED {m}: {}{rows}", m.result(number));
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
    /// Tokens of the rows received.
    usage: Usage,
}

impl Call {
    pub(crate) fn of(tally: &Tally) -> Self {
        let Tally { found, requested, rows, jobs, usage, .. } = *tally;
        Self { found, requested, rows, jobs, usage }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = |n: usize| number(n as u64);
        let (found, requested, jobs, rows) =
            (n(self.found), n(self.requested), n(self.jobs), n(self.rows));
        writeln!(
            f,
            "responses: {found} found, {requested} requested in {jobs} jobs, {rows} rows received"
        )
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
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let all = [0, 7, 999, 1000, 39_705, 1_234_567].map(number);
        assert_eq!(all.join(" "), "0 7 999 1,000 39,705 1,234,567");
    }
}
