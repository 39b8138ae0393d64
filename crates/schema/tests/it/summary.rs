use clinstruct_schema::summary::{
    Measured, Metric, MetricId, Metrics, Property, SummaryError, Target, Unmeasured, Verdict,
};
use clinstruct_schema::{SCHEMA_VERSION, Summary};
use serde_json::{Value, json};

/// Written by version 1: a rehearsal with injected faults and an evaluation set, one of whose items was found.
const OLD: &str = include_str!("summary-v1.json");

#[test]
fn a_summary_of_version_1_is_read() {
    let old: Value = serde_json::from_str(OLD).unwrap();
    let new = Summary::read(OLD).unwrap();
    assert!(new.counts_add_up && new.rehearsal);
    assert_eq!(new.requests_answered, old["requests"]["answered_in_all"]);
    for (part, old) in new.parts.iter().zip(old["parts"].as_array().unwrap()) {
        assert!(part.adds_up());
        assert_eq!(part.seed_rows, old["base_rows"]);
        assert_eq!(json!(part.cleanup), old["mended"]);
        assert_eq!((part.dropped(), part.in_dataset), (0, old["in_dataset"].as_u64().unwrap()));
    }
    assert_eq!(new.parts[1].rejected["contaminated"], 1);
    assert_eq!(new.reasons()["refused"], 11);
    let refused = &new.repairs["refused"];
    assert_eq!(refused.repaired, old["repairs"]["refused"]["mended"]);
    assert_eq!(refused.first, refused.repaired + refused.rejected);

    // Every figure is a metric now, with its value and target.
    let figures = old["quality"]["figures"]["metrics"].as_array().unwrap();
    assert_eq!(new.metrics().len(), figures.len());
    let value = |id, subject| new.quality.as_ref().unwrap().metrics.value(id, subject);
    for (name, id, subject) in [
        ("texts said twice, answers", MetricId::ExactDuplicates, Some("answers")),
        ("answers that ask unasked", MetricId::UnsolicitedQuestions, None),
        ("distance from the plan, age band", MetricId::PlanDistance, Some("age band")),
        ("most piled age, times its plan", MetricId::AgeConcentration, None),
        ("rows with items of medexam kept", MetricId::EvalItems, Some("medexam")),
        ("zlib ratio of prompts", MetricId::ZlibRatio, None),
    ] {
        let old = figures.iter().find(|f| f["name"] == name).unwrap();
        assert_eq!(value(id, subject), old["value"].as_f64(), "{name}");
    }
    let openings = new.metrics().iter().find(|m| m.id == MetricId::TopOpenings).unwrap();
    assert_eq!(openings.target, Target::None, "too few texts");
}

#[test]
fn what_is_written_is_read_back() {
    let summary = Summary::read(OLD).unwrap();
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["schema_version"], SCHEMA_VERSION);
    assert_eq!(Summary::read(&text).unwrap(), summary);
}

#[test]
fn a_summary_of_a_newer_version_is_an_error() {
    let newer = json!({ "schema_version": SCHEMA_VERSION + 1 }).to_string();
    let error = Summary::read(&newer).unwrap_err();
    assert!(matches!(error, SummaryError::Newer { found } if found == SCHEMA_VERSION + 1));
    assert!(error.to_string().contains("is newer than"), "{error}");
    assert!(matches!(Summary::read("{}"), Err(SummaryError::Json(_))));
}

#[test]
fn metrics_are_listed_by_id_with_a_verdict() {
    let none = Target::AtMost(0.0);
    let counted = |count, of| Measured::Counted { count, of };
    let mut metrics = Metrics::default();
    metrics.push(MetricId::SplitLeaks, None, counted(1, 4), none);
    metrics.push(MetricId::WrappingQuotes, Some("prompts"), counted(0, 0), none);
    metrics.push(MetricId::WrappingQuotes, Some("answers"), counted(1, 2), Target::None);
    metrics.push(MetricId::Mojibake, None, counted(0, 29), none);
    let zlib = Measured::Value { value: 2.5, of: 950 };
    metrics.push(MetricId::ZlibRatio, None, zlib, Target::AtMost(3.0));
    let of = |m: &Metric| (m.to_string(), m.result(|n| n.to_string()), m.verdict_text());
    let told: Vec<(String, String, String)> = metrics.values.iter().map(of).collect();
    let told: Vec<[&str; 3]> =
        told.iter().map(|(a, b, c)| [a.as_str(), b.as_str(), c.as_str()]).collect();
    assert_eq!(
        told,
        [
            ["zlib ratio of prompts", "2.500 (n = 950)", "met"],
            ["mojibake", "0 of 29", "too few to tell (least 30)"],
            ["wrapping quotes, prompts", "0 of 0", "not measured"],
            ["wrapping quotes, answers", "1 of 2 (50%, 9.5% to 90.5%)", ""],
            ["variants or patients in two splits", "1 of 4 (25%, 4.6% to 69.9%)", "missed"],
        ]
    );
    assert_eq!(
        metrics.verdicts(),
        "1 met, 1 missed, 1 with too few texts to tell, 1 not measured, 1 without a target"
    );
    let unmeasured = |property, subject: Option<&str>, of| Unmeasured {
        property,
        subject: subject.map(str::to_owned),
        of,
    };
    metrics.unmeasured = vec![
        unmeasured(Property::JudgedStyle, Some("humour"), 2),
        unmeasured(Property::JudgedStyle, Some("story"), 15),
        unmeasured(Property::AnswerQuality, None, 89),
    ];
    assert_eq!(
        metrics.not_measured(),
        [
            "wrapping quotes, prompts",
            "style for a judge: humour (2), story (15)",
            "quality of answers by a rubric (89)",
        ]
    );
    assert_eq!(
        json!(metrics.values[3]),
        json!({
            "id": "wrapping_quotes", "subject": "answers", "value": 0.5, "count": 1, "of": 2,
            "interval": [0.094_531, 0.905_469], "target": "none", "least": 0,
            "verdict": "no_target", "met": false,
        })
    );
}

#[test]
fn a_metric_that_was_written_without_a_verdict_gets_one() {
    let read = |metric: Value| serde_json::from_value::<Metric>(metric).unwrap();
    let old = |id: &str, value: f64, of: u64, most: f64| {
        read(
            json!({ "id": id, "value": value, "of": of, "target": { "at_most": most }, "met": true }),
        )
    };
    let doses = old("doses_without_warning", 1.0, 4, 0.0);
    assert_eq!((doses.count, doses.verdict, doses.met), (Some(4), Verdict::Missed, false));
    assert_eq!(doses.result(|n| n.to_string()), "4 of 4");
    let few = old("filler_openers", 0.0, 34, 0.01);
    assert_eq!((few.least, few.verdict, few.met), (300, Verdict::TooFew, false));
    assert_eq!(old("near_duplicates", 0.0, 700, 0.0).verdict, Verdict::Met);
    assert_eq!(old("plan_distance", 0.015, 700, 0.02).count, None);
    assert_eq!(old("mojibake", 0.0, 0, 0.0).verdict, Verdict::NotMeasured);
    for metric in [doses, few] {
        assert_eq!(read(json!(metric)), metric);
    }
}
