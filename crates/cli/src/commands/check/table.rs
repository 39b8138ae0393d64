//! What `check` found, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_schema::summary::{Metrics, TextKind, Verdict};

use super::{NAMED, Report};
use crate::table::number;

/// The metrics as a table; those without a text are listed below it.
fn metrics(metrics: &Metrics) -> String {
    let mut out = String::new();
    for m in metrics.values.iter().filter(|m| m.verdict != Verdict::NotMeasured) {
        let verdict = match m.verdict {
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

pub(super) fn table(report: &Report) -> String {
    let mut out = String::new();
    let m = &report.metrics;
    let _ = writeln!(
        out,
        "{} conversations: {} prompts, {} answers, {} follow-ups",
        number(m.conversations),
        number(m.texts[0]),
        number(m.texts[1]),
        number(m.texts[2])
    );
    out.push_str(&metrics(m));
    let _ = writeln!(out, "{} metrics: {}", m.values.len(), m.verdicts());
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
            "near duplicates: {} conversations repeat {} others; pairs of prompts {}, answers {}, follow-ups {}",
            number(d.duplicates.len() as u64),
            number(d.clusters),
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
            "{}: {} items, {} left out; found in {} rows",
            b.name,
            number(b.items),
            number(b.left_out),
            number(b.rows)
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
