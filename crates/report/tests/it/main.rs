//! Pages of small runs.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use clinstruct_report::{Counts, JobCost, Report, compare, page};
use clinstruct_schema::{Conversation, SCHEMA_VERSION, Summary};
use clinstruct_testkit::conversation as row;
use serde_json::{Value, json};

fn rows() -> Vec<Conversation> {
    let planted = "<script>alert('x')</script> & \"more\"";
    let texts: [&[&str]; 3] =
        [&["What?", planted], &["Who, then?", "You."], &["How long does it take?", "A week."]];
    let one = |(i, t): (usize, &&[&str])| {
        serde_json::from_value(row(&format!("task-topic.{i}"), t, &["Be brief."])).unwrap()
    };
    texts.iter().enumerate().map(one).collect()
}

fn counts(rows: &[Conversation]) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        counts.add_planned(row.part.as_str(), &row.attributes);
        counts.add(row);
    }
    counts
}

fn summary(in_dataset: u64, near: u64) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION, "backend": "rehearsal", "model": "grammar<1>", "rehearsal": true,
        "seed": 7, "resources": "abc",
        "parts": [{
            "part": "task-topic", "stem": "small", "seed_rows": 9, "prompts": 9, "emergencies": 0,
            "planned": in_dataset + near + 2, "in_dataset": in_dataset,
            "dropped": { "near_duplicate": near }, "rejected": { "max_words": 2 }, "failed": {},
            "in_progress": 0, "assistant_turns": 9, "cleanup": {},
        }],
        "requests_answered": 1234, "counts_add_up": true,
        "repairs": { "max_words": {
            "first": 9, "repaired": 7, "rejected": 2, "requests": 11, "micro_usd": 0,
            "usage": { "prompt_tokens": 0, "completion_tokens": 0 },
        } },
        "quality": {
            "metrics": { "conversations": 3, "texts": [3, 3, 0], "values": [
                { "id": "truncated_answers", "value": 0.25, "of": 40, "target": { "at_most": 0.0 },
                  "met": false, "rows": ["row <1>"] },
                { "id": "repeated_statement", "value": 0.01, "of": 900, "count": 9,
                  "target": { "at_most": 0.01 }, "counted": "walks <daily>" },
            ], "instructions": { "max_words": { "checked": 4, "strict": 3, "loose": 4 } },
              "openings": [[["what", 2]], [], []],
              "unmeasured": [{ "property": "judged_style", "subject": "humour", "of": 12 }] },
            "duplicates": { "pairs": [1, 2, 3], "variants": 4, "clusters": 5, "rows": near },
            "contaminated": { "exam <2>": 6 }, "splits": { "small": { "train": 2, "test": 1 } },
            "distances": { "sex": 0.015 },
        },
    })
}

fn report(name: &str, summary: &Value, rows: &[Conversation]) -> Report {
    let jobs = vec![
        JobCost { ended: 1_764_000_000, tokens: 1_000_000, micro_usd: 0 },
        JobCost { ended: 1_764_003_600, tokens: 500_000, micro_usd: 0 },
    ];
    Report {
        name: name.into(),
        summary: Summary::read(&summary.to_string()).unwrap(),
        counts: counts(rows),
        jobs,
    }
}

#[test]
fn what_a_model_wrote_is_text() {
    let page = page(&report("a <b>", &summary(3, 1), &rows()));
    assert!(!page.contains("<script"));
    assert!(
        page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;")
    );
    for other in ["a &lt;b&gt;", "grammar&lt;1&gt;", "exam &lt;2&gt;"] {
        assert!(page.contains(other), "{other}");
    }
    // Nothing is fetched: no URL, and a policy that forbids it.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn its_numbers_are_those_of_the_summary() {
    let page = page(&report("run", &summary(3, 1), &rows()));
    for (number, what) in [
        ("6", "rows planned"),
        ("3", "rows in the dataset"),
        ("1", "rows dropped"),
        ("2", "rows rejected or failed"),
    ] {
        let card = format!("<div><b>{number}</b><span>{what}</span></div>");
        assert!(page.contains(&card), "{card}");
    }
    assert!(page.contains("<b>1\u{202f}234</b><span>requests answered</span>"));
    assert!(page.contains("<b>1\u{202f}500\u{202f}000</b><span>tokens</span>"));
    assert!(page.contains("<b>1 of 2</b><span>metrics miss their target</span>"));
    assert!(page.contains("task-topic to near_duplicate: 1"));
    assert!(page.contains("max_words to repaired: 7"));
    assert!(page.contains("max_words to rejected: 2"));
    assert!(page.contains(
        "<td>10 of 40 (25%, 14.2% to 40.2%)</td><td>at most 0</td><td><span class=\"missed\">"
    ));
    assert!(page.contains(
        "<td>9 of 900 (1%, 0.5% to 1.9%): &quot;walks &lt;daily&gt;&quot;</td><td>at most 1%</td>"
    ));
    assert!(page.contains("too few to tell (least 2000)"));
    assert!(page.contains("<td>row &lt;1&gt;</td>"));
    assert!(page.contains("<p>Not measured: style for a judge: humour (12).</p>"));
    assert!(page.contains("Burkina Faso: 3"));
    assert!(page.contains("2025-11-24 16:00 UTC") && page.contains("2025-11-24 17:00 UTC"));
    assert!(page.contains("distance from the plan 0.015"));
    assert!(!page.contains("disagree"));
}

#[test]
fn rows_that_the_summary_does_not_count_are_reported() {
    let page = page(&report("run", &summary(4, 0), &rows()));
    assert!(
        page.contains("disagree")
            && page.contains("3 rows of the dataset were read, summary.json counts 4")
    );
    let mut open = summary(3, 0);
    open["counts_add_up"] = json!(false);
    assert!(clinstruct_report::page(&report("run", &open, &rows())).contains("do not add up"));
}

#[test]
fn the_order_of_the_rows_changes_nothing() {
    let (mut back, all) = (rows(), rows());
    back.reverse();
    let whole = page(&report("run", &summary(3, 1), &all));
    assert_eq!(whole, page(&report("run", &summary(3, 1), &back)));
    let mut split = report("run", &summary(3, 1), &[]);
    split.counts = counts(&all[2..]).and(counts(&all[..2]));
    assert_eq!(whole, page(&split));
}

#[test]
fn age_bands_stand_by_age() {
    // Alphabetically, `toddlers` would be last and `adults` first.
    let ages = [("adults", 38), ("toddlers", 2), ("older-adults", 70), ("infants", 0)];
    let of = |some: &[(&str, u32)]| -> Vec<Conversation> {
        let one = |(band, years): &(&str, u32)| {
            let mut row = row(&format!("task-topic.{band}"), &["What?", "That."], &[]);
            let patient = &mut row["attributes"]["card"]["patient"];
            (patient["age_band"], patient["age"]["years"]) = (json!(band), json!(years));
            serde_json::from_value(row).unwrap()
        };
        some.iter().map(one).collect()
    };
    let by_age = |page: &str| {
        let places = ["infants", "toddlers", "adults", "older-adults"]
            .map(|band| page.find(&format!("<td>{band}</td>")).unwrap());
        assert!(places.is_sorted(), "{places:?}");
    };
    by_age(&page(&report("run", &summary(4, 0), &of(&ages))));
    // Bands that only one of two runs has.
    let two = [&ages[..2], &ages[2..]].map(|some| report("run", &summary(2, 0), &of(some)));
    by_age(&compare(&two));
}

#[test]
fn a_model_that_is_called_as_its_backend_is_told_once() {
    let mut same = summary(3, 1);
    same["model"] = json!("rehearsal");
    let two = [report("first", &summary(3, 1), &rows()), report("second", &same, &rows())];
    let page = compare(&two);
    assert!(page.contains("<td>grammar&lt;1&gt; (rehearsal)</td><td>rehearsal</td>"));
}

#[test]
fn two_runs_stand_side_by_side() {
    let two =
        [report("first", &summary(3, 1), &rows()), report("second", &summary(2, 5), &rows()[..2])];
    let page = compare(&two);
    assert!(page.contains("<td>rows in the dataset</td><td>3</td><td>2</td><td>−1</td>"));
    assert!(page.contains("<td>near_duplicate</td><td>1</td><td>5</td><td>+4</td>"));
    assert!(page.contains("<td>seed</td><td>7</td><td>7</td><td>same</td>"));
    assert!(!page.contains("<script"));
}
