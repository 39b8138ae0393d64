//! The sections of the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_schema::summary::{Metric, TextKind, Verdict};
use clinstruct_schema::{
    Attributes, Conversation, PartSummary, Role, Speaker, dollars, dollars_each,
};

use crate::Report;
use crate::counts::BIN;
use crate::html::{figure, number, page as whole, percent, section, table, text, value};
use crate::picture;

/// Number of reasons with their own node in the flow of rows.
const REASONS: usize = 6;

const SECTIONS: [(&str, &str); 10] = [
    ("result", "Result"),
    ("flow", "Flow of rows"),
    ("metrics", "Metrics"),
    ("coverage", "Coverage"),
    ("plan", "Plan and result"),
    ("patients", "Patients"),
    ("texts", "Texts"),
    ("checks", "Checks and repairs"),
    ("cost", "Cost"),
    ("examples", "Examples"),
];

/// The whole page.
pub fn page(report: &Report) -> String {
    let body = [
        result(report),
        flow(report),
        section("metrics", "Metrics", &metrics(report)),
        coverage(report),
        plan(report),
        patients(report),
        texts(report),
        checks(report),
        cost(report),
        examples(report),
    ];
    whole(&format!("{}: report of a run", report.name), &SECTIONS, &body.concat())
}

/// A number with its label.
fn card(value: &str, what: &str) -> String {
    format!("<div><b>{}</b><span>{}</span></div>", text(value), text(what))
}

fn result(report: &Report) -> String {
    let summary = &report.summary;
    let mut body = String::new();
    if summary.rehearsal {
        body.push_str("<p class=\"banner\"><strong>A rehearsal.</strong> A grammar wrote all text, not a model: do not train on it.</p>\n");
    }
    if let Some(shard) = summary.shard {
        let _ = writeln!(
            body,
            "<p class=\"banner\"><strong>Shard {} of {}.</strong> Near duplicates were looked for, and splits assigned, among \
             the rows of this shard alone; <code>clinstruct merge</code> does both for the rows of all.</p>",
            shard.number(),
            shard.of()
        );
    }
    if !summary.counts_add_up {
        body.push_str("<p class=\"banner bad\"><strong>The counts do not add up:</strong> a planned row is lost or counted twice.</p>\n");
    }
    if report.counts.rows != summary.in_dataset() {
        let _ = writeln!(
            body,
            "<p class=\"banner bad\"><strong>The files and summary.json disagree:</strong> {} rows of the dataset were read, summary.json counts {}.</p>",
            number(report.counts.rows),
            number(summary.in_dataset())
        );
    }
    let missed = summary.metrics().iter().filter(|m| m.verdict == Verdict::Missed).count();
    let tokens: u64 = report.jobs.iter().map(|j| j.tokens).sum();
    let cost: u64 = report.jobs.iter().map(|j| j.micro_usd).sum();
    let each = dollars_each(cost, summary.in_dataset()).unwrap_or_else(|| dollars(0));
    let cards = [
        card(&number(summary.planned()), "rows planned"),
        card(&number(summary.in_dataset()), "rows in the dataset"),
        card(&number(summary.dropped()), "rows dropped"),
        card(&number(summary.left_out()), "rows rejected or failed"),
        card(&format!("{missed} of {}", summary.metrics().len()), "metrics miss their target"),
        card(&number(summary.requests_answered), "requests answered"),
        card(&number(tokens), "tokens"),
        card(&dollars(cost), "spent"),
        card(&each, "for each row of the dataset"),
        card(&summary.model_and_backend(), "model"),
        card(&summary.seed.to_string(), "seed"),
    ];
    let _ = writeln!(body, "<div class=\"cards\">{}</div>", cards.concat());
    let rows: Vec<Vec<String>> = summary
        .parts
        .iter()
        .map(|p| {
            vec![
                text(&p.stem),
                number(p.planned),
                number(p.in_dataset),
                number(p.dropped()),
                number(p.left_out()),
                percent(p.in_dataset, p.planned),
            ]
        })
        .collect();
    body += &table(
        &["part", "planned", "in the dataset", "dropped", "rejected or failed", "share"],
        &rows,
        true,
    );
    section("result", "Result", &body)
}

fn flow(report: &Report) -> String {
    let summary = &report.summary;
    let all = summary.reasons();
    let mut common: Vec<(&str, u64)> = all.iter().map(|(r, n)| (*r, *n)).collect();
    common.sort_by_key(|(r, n)| (std::cmp::Reverse(*n), *r));
    let own: Vec<&str> = common.iter().take(REASONS).map(|c| c.0).collect();
    let mut flows = Vec::new();
    for part in &summary.parts {
        flows.push((part.part.as_str(), "in the dataset", part.in_dataset));
    }
    for part in &summary.parts {
        let mut others = 0;
        for (reason, n) in PartSummary::reasons(part) {
            if own.contains(&reason) {
                flows.push((part.part.as_str(), reason, n));
            } else {
                others += n;
            }
        }
        flows.push((part.part.as_str(), "other reasons", others));
        flows.push((part.part.as_str(), "in progress", part.in_progress));
    }
    flows.retain(|f| f.2 > 0);
    let rows: Vec<Vec<String>> =
        flows.iter().map(|(a, b, n)| vec![text(a), text(b), number(*n)]).collect();
    let drawn = picture::sankey("Rows by part and final state", &flows);
    let caption = "From the planned rows to their final states.";
    let mut body = figure(&drawn, caption, &table(&["part", "end", "rows"], &rows, false));
    let rows: Vec<Vec<String>> = common
        .iter()
        .map(|(r, n)| vec![text(r), number(*n), percent(*n, summary.planned())])
        .collect();
    if !rows.is_empty() {
        body += &table(&["reason", "rows", "of all planned"], &rows, true);
    }
    section("flow", "Flow of rows", &body)
}

/// A verdict as HTML; blank if there is no target.
pub(crate) fn verdict(m: &Metric, shown: &str) -> String {
    let shown = text(shown);
    if m.verdict == Verdict::Missed {
        format!("<span class=\"missed\">{shown}</span>")
    } else {
        shown
    }
}

fn metrics(report: &Report) -> String {
    let Some(quality) = &report.summary.quality else {
        return "<p>The dataset was not measured.</p>\n".to_owned();
    };
    let metrics = &quality.metrics;
    let rows: Vec<Vec<String>> = metrics
        .values
        .iter()
        .filter(|m| m.verdict != Verdict::NotMeasured)
        .map(|m| {
            let shown = verdict(m, &m.verdict_text());
            vec![text(&m.to_string()), text(&m.result(number)), text(&m.target_text()), shown]
        })
        .collect();
    let mut body =
        table(&["metric", "result (share, 95% interval)", "target", "verdict"], &rows, true);
    let faulty: Vec<Vec<String>> = metrics
        .missed()
        .filter(|m| !m.rows.is_empty())
        .map(|m| vec![text(&m.to_string()), text(&m.rows.join(", "))])
        .collect();
    if !faulty.is_empty() {
        body += "<h3>First rows that miss a target</h3>\n";
        body += &table(&["metric", "rows"], &faulty, false);
    }
    let unmeasured = metrics.not_measured();
    if !unmeasured.is_empty() {
        let _ = writeln!(body, "<p>Not measured: {}.</p>", text(&unmeasured.join("; ")));
    }
    body
}

fn coverage(report: &Report) -> String {
    let mut body = String::new();
    for (part, grid) in &report.counts.grids {
        let [down, right] = &grid.axes;
        let drawn = picture::heat(&format!("Rows of {part} by {down} and {right}"), grid);
        let pairs = grid.cells.len();
        let empty = grid.cells.values().filter(|c| c[1] == 0).count();
        let mut least: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for ((first, _), n) in &grid.cells {
            let sum = least.entry(first).or_default();
            *sum = [sum[0] + n[0], sum[1] + n[1]];
        }
        let mut rows: Vec<(&str, [u64; 2])> = least.into_iter().collect();
        rows.sort_by_key(|(name, n)| (n[1].saturating_mul(1000) / n[0].max(1), *name));
        let numbers: Vec<Vec<String>> = rows
            .iter()
            .take(40)
            .map(|(name, n)| vec![text(name), number(n[0]), number(n[1]), percent(n[1], n[0])])
            .collect();
        let numbers = table(&[down, "planned", "in the dataset", "share"], &numbers, true);
        let caption = format!(
            "{part}: each row is one value of {down}, each column one of {right}; stronger blues mean more rows. {} pairs are planned, {empty} have no row (orange).",
            number(pairs as u64)
        );
        body += &figure(&drawn, &caption, &numbers);
    }
    section("coverage", "Coverage", &body)
}

fn plan(report: &Report) -> String {
    let mut body = "<p class=\"key\">Shares of the rows: <i class=\"b\"></i>planned <i class=\"a\"></i>in the dataset</p>\n<div class=\"pair\">".to_owned();
    for (name, values) in &report.counts.shares {
        let values = report.counts.in_order(&report.counts, name, values);
        let rows: Vec<Vec<String>> =
            values.iter().map(|(v, n)| vec![text(v), number(n[0]), number(n[1])]).collect();
        let drawn = picture::pairs(&format!("Planned and realised shares: {name}"), &values);
        let far = report.summary.quality.as_ref().and_then(|q| q.distances.get(*name));
        let caption = match far {
            Some(far) => format!("{name}; distance from the plan {}", value(*far)),
            None => (*name).to_owned(),
        };
        body +=
            &figure(&drawn, &caption, &table(&["value", "planned", "in the dataset"], &rows, true));
    }
    section("plan", "Plan and result", &(body + "</div>\n"))
}

fn patients(report: &Report) -> String {
    let counts = &report.counts;
    let rows: Vec<Vec<String>> = counts
        .ages
        .iter()
        .map(|(band, n)| {
            let from = band * crate::counts::BAND;
            let years = format!("{from}–{}", from + crate::counts::BAND - 1);
            vec![years, number(n[0]), number(n[1]), number(n[2])]
        })
        .collect();
    let other: u64 = counts.ages.values().map(|n| n[2]).sum();
    let drawn = picture::pyramid("Patients by age and sex", &counts.ages);
    let caption = format!(
        "Ages in years, of rows of the dataset. {other} intersex patients are only in the table."
    );
    let mut body =
        figure(&drawn, &caption, &table(&["years", "male", "female", "intersex"], &rows, true));
    let (map, without) = picture::map("Rows by country of care", &counts.countries);
    let mut all: Vec<&(String, u64)> = counts.countries.values().collect();
    all.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), name.clone()));
    let rows: Vec<Vec<String>> = all.iter().map(|(name, n)| vec![text(name), number(*n)]).collect();
    let mut caption =
        format!("{} countries; one tile each, at its approximate location.", all.len());
    if !without.is_empty() {
        let _ = write!(caption, " Without a tile: {}.", without.join(", "));
    }
    body += &figure(&map, &caption, &table(&["country", "rows"], &rows, true));
    section("patients", "Patients", &body)
}

fn texts(report: &Report) -> String {
    let mut body = "<div class=\"pair\">".to_owned();
    for (mode, bins) in &report.counts.lengths {
        let last = bins.iter().rposition(|n| *n > 0).map_or(0, |i| i + 1);
        let label = |i: usize| {
            if i + 1 == bins.len() { format!("{}+", i * BIN) } else { (i * BIN).to_string() }
        };
        let values: Vec<(String, u64)> =
            bins.iter().take(last).enumerate().map(|(i, n)| (label(i), *n)).collect();
        let rows: Vec<Vec<String>> =
            values.iter().map(|(from, n)| vec![from.clone(), number(*n)]).collect();
        let drawn = picture::columns(&format!("Words of answers, mode {mode}"), &values);
        let caption = format!(
            "Answers in mode {mode}, by number of words (separated by spaces, which Thai rarely has). {} answers.",
            number(bins.iter().sum())
        );
        body += &figure(&drawn, &caption, &table(&["words from", "answers"], &rows, true));
    }
    body += "</div>\n";
    if let Some(quality) = &report.summary.quality {
        let metrics = &quality.metrics;
        let openings = metrics.openings.iter().zip(metrics.texts);
        for (kind, (openings, of)) in TextKind::ALL.into_iter().zip(openings) {
            let kind = kind.plural();
            let rows: Vec<Vec<String>> =
                openings.iter().map(|(o, n)| vec![text(o), number(*n), percent(*n, of)]).collect();
            if !rows.is_empty() {
                let _ = write!(body, "<details><summary>Most common openings of {kind}</summary>");
                body += &table(&["opening", "texts", "share"], &rows, true);
                body += "</details>\n";
            }
        }
    }
    section("texts", "Texts", &body)
}

fn checks(report: &Report) -> String {
    let summary = &report.summary;
    let mut body = String::new();
    if let Some(quality) = &summary.quality {
        let d = &quality.duplicates;
        let _ = writeln!(
            body,
            "<p>Near duplicates dropped: {}; clusters: {} (pairs of prompts: {}, of answers: {}, of follow-ups: {}). \
             Prompts that are variants of another one on purpose: {}.</p>",
            number(d.rows),
            number(d.clusters),
            number(d.pairs[0]),
            number(d.pairs[1]),
            number(d.pairs[2]),
            number(d.variants)
        );
        if quality.contaminated.is_empty() {
            body += "<p>The rows were not compared with an evaluation set.</p>\n";
        }
        for (set, n) in &quality.contaminated {
            let _ =
                writeln!(body, "<p>Rows dropped for items of {}: {}.</p>", text(set), number(*n));
        }
        let rows: Vec<Vec<String>> = quality
            .splits
            .iter()
            .map(|(stem, n)| {
                let of = |s: &str| number(n.get(s).copied().unwrap_or(0));
                vec![text(stem), of("train"), of("validation"), of("test")]
            })
            .collect();
        body += &table(&["part", "train", "validation", "test"], &rows, true);
        let rows: Vec<Vec<String>> = quality
            .metrics
            .instructions
            .iter()
            .map(|(name, c)| {
                vec![
                    text(name),
                    number(c.checked),
                    percent(c.strict, c.checked),
                    percent(c.loose, c.checked),
                ]
            })
            .collect();
        body += "<h3>Instructions followed, in the dataset</h3>\n";
        body += &table(&["instruction", "answers", "strictly", "loosely"], &rows, true);
    }
    if !summary.repairs.is_empty() {
        let rows: Vec<Vec<String>> = summary
            .repairs
            .iter()
            .map(|(name, r)| {
                vec![
                    text(name),
                    number(r.repaired + r.rejected),
                    number(r.repaired),
                    number(r.rejected),
                    speakers(&r.speakers),
                    number(r.requests),
                    dollars(r.micro_usd),
                ]
            })
            .collect();
        let mut flows = Vec::new();
        for (name, r) in &summary.repairs {
            flows.push((name.as_str(), "repaired", r.repaired));
            flows.push((name.as_str(), "rejected", r.rejected));
        }
        flows.retain(|f| f.2 > 0);
        flows.sort_by_key(|f| (f.1 != "repaired", std::cmp::Reverse(f.2)));
        body += "<h3>Turns and prompt requests that failed a check</h3>\n";
        body += &figure(
            &picture::sankey("Failed turns by check and result", &flows),
            "From the failed check to the result.",
            &table(
                &[
                    "check",
                    "failed",
                    "repaired",
                    "rejected",
                    "first attempts by role",
                    "failed requests",
                    "cost",
                ],
                &rows,
                true,
            ),
        );
    }
    section("checks", "Checks and repairs", &body)
}

/// Requests by role.
fn speakers(counts: &BTreeMap<Speaker, u64>) -> String {
    let each: Vec<String> = counts
        .iter()
        .map(|(s, n)| format!("{} {}", s.as_str().replace('_', " "), number(*n)))
        .collect();
    each.join(", ")
}

/// A time in UTC, for display.
fn when(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(
        |_| seconds.to_string(),
        |t| format!("{} {:02}:{:02} UTC", t.date(), t.hour(), t.minute()),
    )
}

fn cost(report: &Report) -> String {
    let money = report.jobs.iter().any(|j| j.micro_usd > 0);
    let mut sum = 0.0;
    let points: Vec<(i64, f64)> = report
        .jobs
        .iter()
        .map(|j| {
            sum += if money { j.micro_usd as f64 } else { j.tokens as f64 };
            (j.ended, sum)
        })
        .collect();
    let top = if money { dollars(sum as u64) } else { format!("{} tokens", number(sum as u64)) };
    let (first, last) = (points.first().map_or(0, |p| p.0), points.last().map_or(0, |p| p.0));
    let title = if money { "Money spent over time" } else { "Tokens over time" };
    let drawn = picture::steps(title, &points, &when(first), &when(last), &top);
    let tokens: u64 = report.jobs.iter().map(|j| j.tokens).sum();
    let cost: u64 = report.jobs.iter().map(|j| j.micro_usd).sum();
    let rows = report.summary.in_dataset().max(1);
    let numbers = table(
        &["", ""],
        &[
            vec!["jobs".into(), number(report.jobs.len() as u64)],
            vec!["tokens".into(), number(tokens)],
            vec!["spent".into(), dollars(cost)],
            vec!["tokens per row of the dataset".into(), number(tokens / rows)],
        ],
        true,
    );
    let caption = format!("{title}, by end time of {} jobs.", number(report.jobs.len() as u64));
    section("cost", "Cost", &figure(&drawn, &caption, &numbers))
}

fn chat(row: &Conversation) -> String {
    let situation = &row.attributes.situation;
    let patient = row.attributes.who().map_or_else(
        || Attributes::NO_PATIENT.to_owned(),
        |who| format!("{}, {}", who.sex.as_str(), who.age.measure()),
    );
    let country = row.attributes.place().map(|place| place.country.clone()).unwrap_or_default();
    let styles: Vec<&str> = situation
        .asked_styles
        .iter()
        .chain(&situation.system_styles)
        .map(|s| s.id.as_str())
        .collect();
    let mut chat = format!(
        "<div class=\"chat\"><small>{} · {} · {}, {} · {}</small>",
        text(row.id.as_str()),
        text(&situation.profession),
        text(&patient),
        text(&country),
        if styles.is_empty() { "no style".to_owned() } else { text(&styles.join(", ")) }
    );
    for message in &row.messages {
        let class = if message.role == Role::Assistant { "assistant" } else { "user" };
        let _ = write!(chat, "<p class=\"{class}\" dir=\"auto\">{}</p>", text(&message.content));
    }
    chat + "</div>\n"
}

fn examples(report: &Report) -> String {
    let body: String = report.counts.examples().map(chat).collect();
    section("examples", "Examples", &body)
}
