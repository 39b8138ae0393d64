//! Two runs side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clinstruct_schema::dollars;

use crate::Report;
use crate::html::{figure, number, page as whole, section, table, text, value};
use crate::page::target;
use crate::picture;

const SECTIONS: [(&str, &str); 4] = [
    ("result", "Result"),
    ("figures", "Figures"),
    ("plan", "Distributions"),
    ("checks", "Left out"),
];

/// A page that shows two runs side by side, what differs first.
pub fn compare(runs: &[Report; 2]) -> String {
    let [a, b] = runs;
    let title = format!("{} and {}", a.name, b.name);
    let body = [result(a, b), figures(a, b), distributions(a, b), left_out(a, b)];
    whole(&title, &SECTIONS, &body.concat())
}

fn head<'a>(first: &'a str, a: &'a Report, b: &'a Report) -> [&'a str; 4] {
    [first, &a.name, &b.name, "difference"]
}

/// What the second has more than the first, with its sign.
fn more(a: u64, b: u64) -> String {
    if b >= a { format!("+{}", number(b - a)) } else { format!("−{}", number(a - b)) }
}

/// A number of a run.
type Number = fn(&Report) -> u64;

fn result(a: &Report, b: &Report) -> String {
    let mut body = String::new();
    for run in [a, b].iter().filter(|r| r.sums.rehearsal) {
        let _ = writeln!(
            body,
            "<p class=\"banner\">{} is a rehearsal: a grammar wrote its text.</p>",
            text(&run.name)
        );
    }
    let counts: [(&str, Number); 6] = [
        ("rows planned", |r| r.sums.planned()),
        ("rows in the dataset", |r| r.sums.in_dataset()),
        ("rows rejected or failed", |r| r.sums.left_out().values().sum()),
        ("figures that miss their target", |r| {
            r.sums.metrics().iter().filter(|m| !m.met).count() as u64
        }),
        ("requests answered", |r| r.sums.requests.answered_in_all),
        ("tokens", |r| r.jobs.iter().map(|j| j.tokens).sum()),
    ];
    let mut rows: Vec<Vec<String>> = counts
        .iter()
        .map(|(name, of)| {
            let (x, y) = (of(a), of(b));
            vec![text(name), number(x), number(y), more(x, y)]
        })
        .collect();
    let spent = |r: &Report| dollars(r.jobs.iter().map(|j| j.micro_usd).sum());
    let model = |r: &Report| text(&r.sums.model_told());
    let seed = |r: &Report| r.sums.seed.to_string();
    let resources = |r: &Report| text(&r.sums.resources.chars().take(12).collect::<String>());
    for (name, x, y) in [
        ("spent", spent(a), spent(b)),
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

fn figures(a: &Report, b: &Report) -> String {
    let mut all: BTreeMap<(u32, &str), [Option<&crate::sums::Metric>; 2]> = BTreeMap::new();
    for (i, run) in [a, b].into_iter().enumerate() {
        for m in run.sums.metrics() {
            all.entry((m.row, m.name.as_str())).or_default()[i] = Some(m);
        }
    }
    let shown = |m: Option<&crate::sums::Metric>| match m {
        None => "–".to_owned(),
        Some(m) if m.met => value(m.value),
        Some(m) => format!("<span class=\"missed\">{}</span>", value(m.value)),
    };
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .map(|((_, name), [x, y])| {
            let difference = match (x, y) {
                (Some(x), Some(y)) => {
                    let by = y.value - x.value;
                    if by.abs() < 5e-5 { "0".to_owned() } else { format!("{by:+.4}") }
                }
                _ => "–".to_owned(),
            };
            vec![
                text(name),
                shown(x),
                shown(y),
                difference,
                x.or(y).map_or_else(String::new, target),
            ]
        })
        .collect();
    let [first, x, y, difference] = head("figure", a, b);
    section("figures", "Figures", &table(&[first, x, y, difference, "target"], &rows, true))
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
    let (here, there) = (first.sums.left_out(), second.sums.left_out());
    let names: BTreeSet<&&str> = here.keys().chain(there.keys()).collect();
    let rows: Vec<Vec<String>> = names
        .into_iter()
        .map(|name| {
            let of = |all: &BTreeMap<&str, u64>| all.get(*name).copied().unwrap_or(0);
            let (n, m) = (of(&here), of(&there));
            vec![text(name), number(n), number(m), more(n, m)]
        })
        .collect();
    section("checks", "Left out", &table(&head("reason", first, second), &rows, true))
}
