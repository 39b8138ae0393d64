//! The sections of the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_schema::{Conversation, Role, dollars};

use crate::Report;
use crate::counts::BIN;
use crate::html::{figure, number, page as whole, percent, section, table, text, value};
use crate::picture;
use crate::sums::Metric;

/// Reasons that have a node of their own in the flow of rows.
const REASONS: usize = 6;

const SECTIONS: [(&str, &str); 10] = [
    ("result", "Result"),
    ("flow", "Flow of rows"),
    ("figures", "Figures"),
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
        section("figures", "Figures", &figures(report)),
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

/// One number with what it is.
fn card(value: &str, what: &str) -> String {
    format!("<div><b>{}</b><span>{}</span></div>", text(value), text(what))
}

fn result(report: &Report) -> String {
    let sums = &report.sums;
    let mut body = String::new();
    if sums.rehearsal {
        body.push_str("<p class=\"banner\"><strong>A rehearsal.</strong> A grammar wrote all text, and no model: nothing to train on.</p>\n");
    }
    if !sums.close {
        body.push_str("<p class=\"banner bad\"><strong>The sums do not close:</strong> some planned row is lost or counted twice.</p>\n");
    }
    if report.counts.rows != sums.in_dataset() {
        let _ = writeln!(
            body,
            "<p class=\"banner bad\"><strong>The files and summary.json disagree:</strong> {} rows were read, {} are told.</p>",
            number(report.counts.rows),
            number(sums.in_dataset())
        );
    }
    let missed = sums.metrics().iter().filter(|m| !m.met).count();
    let tokens: u64 = report.jobs.iter().map(|j| j.tokens).sum();
    let cost: u64 = report.jobs.iter().map(|j| j.micro_usd).sum();
    let left_out: u64 = sums.left_out().values().sum();
    let cards = [
        card(&number(sums.planned()), "rows planned"),
        card(&number(sums.in_dataset()), "rows in the dataset"),
        card(&number(left_out), "rows rejected or failed"),
        card(&format!("{missed} of {}", sums.metrics().len()), "figures miss their target"),
        card(&number(sums.requests.answered_in_all), "requests answered"),
        card(&number(tokens), "tokens"),
        card(&dollars(cost), "spent"),
        card(&sums.model_told(), "model"),
        card(&sums.seed.to_string(), "seed"),
    ];
    let _ = writeln!(body, "<div class=\"cards\">{}</div>", cards.concat());
    let rows: Vec<Vec<String>> = sums
        .parts
        .iter()
        .map(|p| {
            let out: u64 = p.rejected.values().chain(p.failed.values()).sum();
            vec![
                text(&p.stem),
                number(p.planned),
                number(p.in_dataset),
                number(out),
                percent(p.in_dataset, p.planned),
            ]
        })
        .collect();
    body += &table(&["part", "planned", "in the dataset", "left out", "share"], &rows, true);
    section("result", "Result", &body)
}

fn flow(report: &Report) -> String {
    let sums = &report.sums;
    let all = sums.left_out();
    let mut common: Vec<(&str, u64)> = all.iter().map(|(r, n)| (*r, *n)).collect();
    common.sort_by_key(|(r, n)| (std::cmp::Reverse(*n), *r));
    let own: Vec<&str> = common.iter().take(REASONS).map(|c| c.0).collect();
    let mut flows = Vec::new();
    for part in &sums.parts {
        flows.push((part.part.as_str(), "in the dataset", part.in_dataset));
    }
    for part in &sums.parts {
        let mut others = 0;
        for (reason, n) in part.rejected.iter().chain(&part.failed) {
            if own.contains(&reason.as_str()) {
                flows.push((part.part.as_str(), reason.as_str(), *n));
            } else {
                others += n;
            }
        }
        flows.push((part.part.as_str(), "other reasons", others));
        flows.push((part.part.as_str(), "under way", part.under_way));
    }
    flows.retain(|f| f.2 > 0);
    let rows: Vec<Vec<String>> =
        flows.iter().map(|(a, b, n)| vec![text(a), text(b), number(*n)]).collect();
    let drawn = picture::sankey("Rows from each part to where their way ended", &flows);
    let caption = "From what was planned to where each row's way ended.";
    let mut body = figure(&drawn, caption, &table(&["part", "end", "rows"], &rows, false));
    let rows: Vec<Vec<String>> = common
        .iter()
        .map(|(r, n)| vec![text(r), number(*n), percent(*n, sums.planned())])
        .collect();
    if !rows.is_empty() {
        body += &table(&["reason", "rows", "of all planned"], &rows, true);
    }
    section("flow", "Flow of rows", &body)
}

pub(crate) fn target(m: &Metric) -> String {
    match m.aim.as_str() {
        "at_most" => format!("at most {}", value(m.target)),
        "at_least" => format!("at least {}", value(m.target)),
        _ => String::new(),
    }
}

fn figures(report: &Report) -> String {
    if report.sums.metrics().is_empty() {
        return "<p>The run was not measured as a whole.</p>\n".to_owned();
    }
    let rows: Vec<Vec<String>> = report
        .sums
        .metrics()
        .iter()
        .map(|m| {
            let met = match (m.aim.as_str(), m.met) {
                ("told", _) => String::new(),
                (_, true) => "met".to_owned(),
                _ => "<span class=\"missed\">missed</span>".to_owned(),
            };
            vec![text(&m.name), value(m.value), number(m.of), target(m), met]
        })
        .collect();
    table(&["figure", "value", "of", "target", ""], &rows, true)
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
            "{part}: each row is one value of {down}, each column one of {right}; the more a blue stands out, the more rows. {} pairs are planned, {empty} have no row (orange).",
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
        let far = report.sums.quality.as_ref().and_then(|q| q.distances.get(*name));
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
        "Ages in years, of rows of the dataset. {other} intersex patients are in the numbers only."
    );
    let mut body =
        figure(&drawn, &caption, &table(&["years", "male", "female", "intersex"], &rows, true));
    let (map, without) = picture::map("Rows by country of care", &counts.countries);
    let mut all: Vec<&(String, u64)> = counts.countries.values().collect();
    all.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), name.clone()));
    let rows: Vec<Vec<String>> = all.iter().map(|(name, n)| vec![text(name), number(*n)]).collect();
    let mut caption = format!("{} countries; one tile each, roughly where they lie.", all.len());
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
            "Answers in mode {mode}, by their words (runs between spaces; Thai has few). {} answers.",
            number(bins.iter().sum())
        );
        body += &figure(&drawn, &caption, &table(&["words from", "answers"], &rows, true));
    }
    body += "</div>\n";
    if let Some(quality) = &report.sums.quality {
        let kinds = ["prompts", "answers", "follow-ups"];
        for (kind, (openings, of)) in
            kinds.iter().zip(quality.figures.openings.iter().zip(quality.figures.texts))
        {
            let rows: Vec<Vec<String>> =
                openings.iter().map(|(o, n)| vec![text(o), number(*n), percent(*n, of)]).collect();
            if !rows.is_empty() {
                let _ = write!(body, "<details><summary>Commonest openings of {kind}</summary>");
                body += &table(&["opening", "texts", "share"], &rows, true);
                body += "</details>\n";
            }
        }
    }
    section("texts", "Texts", &body)
}

fn checks(report: &Report) -> String {
    let sums = &report.sums;
    let mut body = String::new();
    if let Some(quality) = &sums.quality {
        let d = &quality.duplicates;
        let _ = writeln!(
            body,
            "<p>{} near duplicates were taken out, from {} clusters ({} pairs of prompts, {} of answers, {} of follow-ups); \
             {} prompts are style twins of another, which is meant.</p>",
            number(d.gone.len() as u64),
            number(d.clusters),
            number(d.pairs[0]),
            number(d.pairs[1]),
            number(d.pairs[2]),
            number(d.twins)
        );
        if quality.contaminated.is_empty() {
            body += "<p>No evaluation set was named to be looked for.</p>\n";
        }
        for (set, n) in &quality.contaminated {
            let _ = writeln!(
                body,
                "<p>{} rows held items of {} and were taken out.</p>",
                number(*n),
                text(set)
            );
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
            .figures
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
        body += "<h3>Instructions obeyed, in the dataset</h3>\n";
        body += &table(&["instruction", "answers", "strictly", "loosely"], &rows, true);
    }
    if !sums.repairs.is_empty() {
        let rows: Vec<Vec<String>> = sums
            .repairs
            .iter()
            .map(|(name, r)| {
                vec![
                    text(name),
                    number(r.first),
                    speakers(&r.speakers),
                    number(r.mended),
                    number(r.rejected),
                    number(r.requests),
                    dollars(r.micro_usd),
                ]
            })
            .collect();
        let mut flows = Vec::new();
        for (name, r) in &sums.repairs {
            flows.push((name.as_str(), "stood in the end", r.mended));
            flows.push((name.as_str(), "never stood", r.rejected));
        }
        flows.retain(|f| f.2 > 0);
        flows.sort_by_key(|f| (f.1 != "stood in the end", std::cmp::Reverse(f.2)));
        body += "<h3>Turns and prompt requests whose first attempt failed</h3>\n";
        body += &figure(
            &picture::sankey("From the check that stopped a turn to what came of it", &flows),
            "From the check or reason that stopped a turn at first to what came of it.",
            &table(
                &[
                    "check",
                    "failed at first",
                    "asked",
                    "stood in the end",
                    "never",
                    "requests",
                    "cost",
                ],
                &rows,
                true,
            ),
        );
    }
    section("checks", "Checks and repairs", &body)
}

/// Who was asked, and how often.
fn speakers(counts: &BTreeMap<String, u64>) -> String {
    let each: Vec<String> = counts
        .iter()
        .map(|(s, n)| format!("{} {}", text(&s.replace('_', " ")), number(*n)))
        .collect();
    each.join(", ")
}

/// A time in UTC, as people read it.
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
    let rows = report.sums.in_dataset().max(1);
    let numbers = table(
        &["", ""],
        &[
            vec!["jobs".into(), number(report.jobs.len() as u64)],
            vec!["tokens".into(), number(tokens)],
            vec!["spent".into(), dollars(cost)],
            vec!["tokens for each row of the dataset".into(), number(tokens / rows)],
        ],
        true,
    );
    let caption = format!("{title}, by the ends of {} jobs.", number(report.jobs.len() as u64));
    section("cost", "Cost", &figure(&drawn, &caption, &numbers))
}

fn chat(row: &Conversation) -> String {
    let (situation, patient) = (&row.attributes.situation, &row.attributes.card.patient);
    let styles: Vec<&str> = situation
        .asked_styles
        .iter()
        .chain(&situation.system_styles)
        .map(|s| s.id.as_str())
        .collect();
    let mut chat = format!(
        "<div class=\"chat\"><small>{} · {} · {}, {}, {} · {}</small>",
        text(row.id.as_str()),
        text(&situation.profession),
        text(patient.sex.as_str()),
        text(&patient.age.measure()),
        text(&patient.country),
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
