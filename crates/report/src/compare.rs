//! Two runs side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clinstruct_schema::summary::{Metric, MetricId, Verdict};
use clinstruct_schema::{dollars, dollars_each};

use crate::Report;
use crate::html::{figure, number, page as whole, section, table, text};
use crate::page::verdict;
use crate::picture;

const SECTIONS: [(&str, &str); 4] = [
    ("result", "Result"),
    ("metrics", "Metrics"),
    ("plan", "Distributions"),
    ("checks", "Not in the dataset"),
];

/// A page that compares two runs, differences first.
pub fn compare(runs: &[Report; 2]) -> String {
    let [a, b] = runs;
    let title = format!("{} and {}", a.name, b.name);
    let body = [result(a, b), metrics(a, b), distributions(a, b), left_out(a, b)];
    whole(&title, &SECTIONS, &body.concat())
}

fn head<'a>(first: &'a str, a: &'a Report, b: &'a Report) -> [&'a str; 4] {
    [first, &a.name, &b.name, "difference"]
}

/// The increase from the first to the second, with its sign.
fn more(a: u64, b: u64) -> String {
    if b >= a { format!("+{}", number(b - a)) } else { format!("−{}", number(a - b)) }
}

/// A number of a run.
type Number = fn(&Report) -> u64;

fn result(a: &Report, b: &Report) -> String {
    let mut body = String::new();
    for run in [a, b].iter().filter(|r| r.summary.rehearsal) {
        let _ = writeln!(
            body,
            "<p class=\"banner\">{} is a rehearsal: a grammar wrote its text.</p>",
            text(&run.name)
        );
    }
    let counts: [(&str, Number); 7] = [
        ("rows planned", |r| r.summary.planned()),
        ("rows in the dataset", |r| r.summary.in_dataset()),
        ("rows dropped", |r| r.summary.dropped()),
        ("rows rejected or failed", |r| r.summary.left_out()),
        ("metrics that miss their target", |r| {
            r.summary.metrics().iter().filter(|m| m.verdict == Verdict::Missed).count() as u64
        }),
        ("requests answered", |r| r.summary.requests_answered),
        ("tokens", |r| r.jobs.iter().map(|j| j.tokens).sum()),
    ];
    let mut rows: Vec<Vec<String>> = counts
        .iter()
        .map(|(name, of)| {
            let (x, y) = (of(a), of(b));
            vec![text(name), number(x), number(y), more(x, y)]
        })
        .collect();
    let cost = |r: &Report| r.jobs.iter().map(|j| j.micro_usd).sum();
    let spent = |r: &Report| dollars(cost(r));
    let each =
        |r: &Report| dollars_each(cost(r), r.summary.in_dataset()).unwrap_or_else(|| dollars(0));
    let model = |r: &Report| text(&r.summary.model_and_backend());
    let seed = |r: &Report| r.summary.seed.to_string();
    let resources = |r: &Report| text(&r.summary.resources.chars().take(12).collect::<String>());
    for (name, x, y) in [
        ("spent", spent(a), spent(b)),
        ("for each row of the dataset", each(a), each(b)),
        ("model", model(a), model(b)),
        ("seed", seed(a), seed(b)),
        ("resources", resources(a), resources(b)),
    ] {
        let differs = if x == y { "same" } else { "differs" };
        rows.push(vec![name.into(), x, y, differs.into()]);
    }
    body += &table(&head("", a, b), &rows, true);
    section("result", "Result", &body)
}

fn metrics(a: &Report, b: &Report) -> String {
    let mut all: BTreeMap<(MetricId, Option<&str>), [Option<&Metric>; 2]> = BTreeMap::new();
    for (i, run) in [a, b].into_iter().enumerate() {
        for m in run.summary.metrics() {
            all.entry((m.id, m.subject.as_deref())).or_default()[i] = Some(m);
        }
    }
    let shown = |m: Option<&Metric>| match m {
        None => "–".to_owned(),
        Some(m) if m.verdict == Verdict::NotMeasured => "–".to_owned(),
        Some(m) => verdict(m, &m.result(number)),
    };
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .map(|(_, [x, y])| {
            let difference = match (x, y) {
                (Some(x), Some(y)) => {
                    let by = y.value - x.value;
                    if by.abs() < 5e-5 { "0".to_owned() } else { format!("{by:+.4}") }
                }
                _ => "–".to_owned(),
            };
            vec![
                text(&x.or(y).map(ToString::to_string).unwrap_or_default()),
                shown(x),
                shown(y),
                difference,
                x.or(y).map_or_else(String::new, |m| text(&m.target_text())),
            ]
        })
        .collect();
    let [first, x, y, difference] = head("metric", a, b);
    section("metrics", "Metrics", &table(&[first, x, y, difference, "target"], &rows, true))
}

fn distributions(a: &Report, b: &Report) -> String {
    let mut body = format!(
        "<p class=\"key\">Shares of the rows: <i class=\"b\"></i>{} <i class=\"a\"></i>{}</p>\n<div class=\"pair\">",
        text(&a.name),
        text(&b.name)
    );
    let names: BTreeSet<&&str> = a.counts.shares.keys().chain(b.counts.shares.keys()).collect();
    for name in names {
        let mut both: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for (i, run) in [a, b].into_iter().enumerate() {
            for (of, n) in run.counts.shares.get(*name).into_iter().flatten() {
                both.entry(of.clone()).or_default()[i] += n[1];
            }
        }
        let both = a.counts.in_order(&b.counts, name, &both);
        let rows: Vec<Vec<String>> =
            both.iter().map(|(v, n)| vec![text(v), number(n[0]), number(n[1])]).collect();
        let drawn = picture::pairs(&format!("Shares of both runs: {name}"), &both);
        body += &figure(&drawn, name, &table(&["value", &a.name, &b.name], &rows, true));
    }
    section("plan", "Distributions", &(body + "</div>\n"))
}

fn left_out(first: &Report, second: &Report) -> String {
    let (here, there) = (first.summary.reasons(), second.summary.reasons());
    let names: BTreeSet<&&str> = here.keys().chain(there.keys()).collect();
    let rows: Vec<Vec<String>> = names
        .into_iter()
        .map(|name| {
            let of = |all: &BTreeMap<&str, u64>| all.get(*name).copied().unwrap_or(0);
            let (n, m) = (of(&here), of(&there));
            vec![text(name), number(n), number(m), more(n, m)]
        })
        .collect();
    section("checks", "Not in the dataset", &table(&head("reason", first, second), &rows, true))
}
