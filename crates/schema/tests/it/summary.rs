use clinstruct_schema::summary::{Metric, MetricId, Metrics, SummaryError, Target};
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
fn metrics_are_listed_by_id_and_met_where_nothing_was_measured() {
    let mut metrics = Metrics::default();
    metrics.push(MetricId::SplitLeaks, None, 1.0, 4, Target::AtMost(0.0));
    metrics.push(MetricId::WrappingQuotes, Some("prompts"), 0.0, 0, Target::AtLeast(1.0));
    metrics.push(MetricId::WrappingQuotes, Some("answers"), 0.5, 2, Target::None);
    let told: Vec<(String, bool)> = metrics.values.iter().map(|m| (m.to_string(), m.met)).collect();
    assert_eq!(
        told,
        [
            ("wrapping quotes, prompts".to_owned(), true),
            ("wrapping quotes, answers".to_owned(), true),
            ("variants or patients in two splits".to_owned(), false),
        ]
    );
    let first: &Metric = &metrics.values[0];
    assert_eq!(
        json!(first),
        json!({
            "id": "wrapping_quotes", "subject": "prompts", "value": 0.0, "of": 0,
            "target": { "at_least": 1.0 }, "met": true,
        })
    );
    assert_eq!(json!(metrics.values[1].target), json!("none"));
}
