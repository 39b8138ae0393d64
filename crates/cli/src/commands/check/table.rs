//! What `check` found, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_schema::counted;
use clinstruct_schema::summary::{Metrics, TextKind, Verdict};

use super::{NAMED, Report};
use crate::table::{GRAMMAR_REPEATS, number};

/// The metrics as a table; those without a text are listed below it.
fn metrics(metrics: &Metrics, is_rehearsal: bool) -> String {
    let mut out = String::new();
    for m in metrics.values.iter().filter(|m| m.verdict != Verdict::NotMeasured) {
        let verdict = match m.verdict {
            Verdict::Missed if is_rehearsal && m.id.is_repetition() => {
                format!("MISSED; {GRAMMAR_REPEATS}")
            }
            Verdict::Missed => "MISSED".to_owned(),
            _ => m.verdict_text(),
        };
        let line = format!(
            "  {:<51} {:<34}  {:<13}  {verdict}",
            m.to_string(),
            m.result(number),
            m.target_text()
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// The report; `is_rehearsal` says that a grammar wrote the texts.
pub(super) fn table(report: &Report, is_rehearsal: bool) -> String {
    let mut out = String::new();
    let m = &report.metrics;
    let _ = writeln!(
        out,
        "{}: {}, {}, {}",
        counted(m.conversations, "conversation"),
        counted(m.texts[0], "prompt"),
        counted(m.texts[1], "answer"),
        counted(m.texts[2], "follow-up")
    );
    out.push_str(&metrics(m, is_rehearsal));
    let _ = writeln!(out, "{}: {}", counted(m.values.len() as u64, "metric"), m.verdicts());
    let unmeasured = m.not_measured();
    if !unmeasured.is_empty() {
        let _ = writeln!(out, "not measured: {}", unmeasured.join("; "));
    }
    for (kind, openings) in TextKind::ALL.into_iter().zip(&m.openings) {
        if !openings.is_empty() {
            let _ = writeln!(out, "openings of {}", kind.plural());
        }
        for (opening, count) in openings.iter().take(5) {
            let _ = writeln!(out, "  {:>9}  {opening}", number(*count));
        }
    }
    if !m.instructions.is_empty() {
        let _ = writeln!(out, "instructions followed");
        let mut sorted: BTreeMap<&str, _> =
            m.instructions.iter().map(|(n, c)| (n.as_str(), c)).collect();
        while let Some((name, c)) = sorted.pop_first() {
            let share = |n: u64| 100.0 * n as f64 / c.checked.max(1) as f64;
            let _ = writeln!(
                out,
                "  {name:<22} {:>9}  strictly {:>6.2} %  loosely {:>6.2} %",
                number(c.checked),
                share(c.strict),
                share(c.loose)
            );
        }
    }
    let d = &report.duplicates;
    if !d.duplicates.is_empty() {
        let _ = writeln!(
            out,
            "near duplicates: {} of {}; pairs of prompts {}, answers {}, follow-ups {}",
            counted(d.duplicates.len() as u64, "repetition"),
            counted(d.clusters, "conversation"),
            number(d.pairs[0]),
            number(d.pairs[1]),
            number(d.pairs[2])
        );
        for duplicate in d.duplicates.iter().take(NAMED) {
            let _ = writeln!(out, "  {} repeats {}", duplicate.id, duplicate.repeats);
        }
    }
    for b in &report.contamination {
        let _ = writeln!(
            out,
            "{}: {}, {} left out; found in {}",
            b.name,
            counted(b.items, "item"),
            number(b.left_out),
            counted(b.rows, "row")
        );
        for hit in b.hits.iter().take(NAMED) {
            let _ = writeln!(
                out,
                "  {}, message {}: {} of {} words",
                hit.id,
                hit.message + 1,
                hit.matched,
                hit.words
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::summary::{Measured, MetricId, Target};

    use super::*;

    #[test]
    fn a_missed_target_of_repetition_is_expected_in_a_rehearsal() {
        let mut all = Metrics::default();
        let few = Measured::Value { value: 0.4, of: 950 };
        all.push(MetricId::DistinctPairs, None, few, Target::AtLeast(0.5));
        let faults = Measured::Counted { count: 1, of: 9 };
        all.push(MetricId::Mojibake, None, faults, Target::AtMost(0.0));
        assert!(!metrics(&all, false).contains("expected"), "{}", metrics(&all, false));
        let text = metrics(&all, true);
        let expected: Vec<&str> = text.lines().filter(|l| l.contains("expected")).collect();
        assert_eq!(expected.len(), 1, "{text}");
        assert!(
            expected[0].contains("distinct-2") && text.matches("MISSED").count() == 2,
            "{text}"
        );
    }
}
