//! What the texts of a conversation say of its case.

use clinstruct_curate::Row;
use clinstruct_curate::metrics::{Facts, MetricsAccumulator};
use clinstruct_schema::Conversation;
use clinstruct_schema::summary::{Metric, MetricId, Metrics, Verdict};
use clinstruct_testkit::conversation;
use serde_json::json;

/// A conversation about a man of 38 who weighs 60 kg, with this second turn of the health worker.
fn with_turn(id: &str, turn: &str) -> Conversation {
    let prompt = "A 38-year-old man has a cough and weighs 60 kg. What next?";
    let texts = [prompt, "Listen to the chest.", turn, "Then give amoxicillin."];
    let mut row = conversation(id, &texts, &[]);
    row["attributes"]["case"] = json!({
        "patient": { "age_band": "adults", "age": { "years": 38 }, "sex": "male" },
        "vitals": {
            "height": null, "weight": 60.0, "heart_rate": null, "respiratory_rate": null,
            "systolic": null, "diastolic": null, "temperature": null, "saturation": null,
        },
        "complaint": [], "measurements": [], "conditions": [], "medicines": [], "allergies": [],
        "history": [], "family": [], "social": [], "origins": {}, "source": "code",
    });
    row["attributes"]["place"] = json!({
        "country_code": "bf", "country": "Burkina Faso", "income": "low", "region": "AFR",
        "setting": "low-resource",
    });
    serde_json::from_value(row).unwrap()
}

#[test]
fn contradictions_added_facts_and_derailed_turns_are_counted() {
    let turns = [
        "He weighs 60 kg and the cough is dry.",
        "He weighs 82 kg, and the cough is dry.",
        "The cough is worse and SpO2 is 90 % now.",
        "How do I treat a sprained ankle?",
    ];
    let rows: Vec<Conversation> =
        turns.iter().enumerate().map(|(i, turn)| with_turn(&format!("r{i}"), turn)).collect();
    let mut measured = MetricsAccumulator::new(Facts::default());
    for (number, row) in rows.iter().enumerate() {
        let id = row.id.to_string();
        let row = Row::new(&id, &row.messages).with_attributes(&row.attributes);
        measured.add(&Row { number, ..row }).unwrap();
    }
    let mut metrics = Metrics::default();
    measured.finish(&mut metrics).unwrap();
    let found = |id| {
        let metric = metrics.values.iter().find(|m| m.id == id).unwrap();
        (metric.count, metric.of, metric.rows.join(" "))
    };
    assert_eq!(found(MetricId::CaseContradictions), (Some(1), 4, "r1".to_owned()));
    // Another weight is another fact, too.
    assert_eq!(found(MetricId::AddedFacts), (Some(2), 4, "r1 r2".to_owned()));
    assert_eq!(found(MetricId::DerailedTurns), (Some(1), 4, "r3".to_owned()));
}

/// A row whose case has these texts in its history, drawn unless they begin with `said`.
fn with_history(id: &str, texts: &[&str]) -> Conversation {
    let mut row = serde_json::to_value(with_turn(id, "He weighs 60 kg.")).unwrap();
    let origin = |text: &str| if text.starts_with("said") { "stated" } else { "drawn" };
    let all: Vec<_> =
        texts.iter().map(|text| json!({ "text": text, "origin": origin(text) })).collect();
    row["attributes"]["case"]["history"] = json!(all);
    serde_json::from_value(row).unwrap()
}

#[test]
fn the_most_frequent_drawn_sentence_is_named_with_its_patients() {
    let rows: Vec<Conversation> = [
        &["broke the left wrist as a child"][..],
        &["broke the left wrist as a child", "broke the left wrist as a child"],
        &["tonsils out", "said to be well"],
        &["said to be well"],
        &["said to be well"],
        &["tonsils out"],
    ]
    .iter()
    .enumerate()
    .map(|(i, texts)| with_history(&format!("r{i}"), texts))
    .collect();
    let measured = |rows: &[Conversation], variant: &str| {
        let mut measured = MetricsAccumulator::new(Facts::default());
        for (number, row) in rows.iter().enumerate() {
            let id = row.id.to_string();
            let row = Row::new(&id, &row.messages).with_attributes(&row.attributes);
            measured.add(&Row { number, variant: id == variant, ..row }).unwrap();
        }
        measured
    };
    let result = |all: MetricsAccumulator| {
        let mut metrics = Metrics::default();
        all.finish(&mut metrics).unwrap();
        let metric = metrics.values.into_iter().find(|m| m.id == MetricId::RepeatedStatement);
        metric.map(|m| (m.result(|n| n.to_string()), m.target_text(), m.verdict_text()))
    };
    let (target, verdict) = ("at most 1%".to_owned(), "too few to tell (least 2000)".to_owned());
    let first = "2 of 6 (33.3%, 9.7% to 70%): \"broke the left wrist as a child\"".to_owned();
    let expected = Some((first, target.clone(), verdict.clone()));
    assert_eq!(result(measured(&rows, "")), expected);
    // Threads count apart.
    assert_eq!(result(measured(&rows[3..], "").and(measured(&rows[..3], ""))), expected);
    // Another conversation of the same patient.
    let second = "2 of 5 (40%, 11.8% to 76.9%): \"tonsils out\"".to_owned();
    assert_eq!(result(measured(&rows, "r1")), Some((second, target, verdict)));
    // Without a patient there is nothing to measure.
    let mut plain = serde_json::to_value(&rows[0]).unwrap();
    plain["attributes"]["case"] = json!(null);
    let plain: Conversation = serde_json::from_value(plain).unwrap();
    assert_eq!(result(measured(&[plain], "")), None);
}

#[test]
fn a_sentence_of_more_than_one_percent_misses_the_target() {
    let verdict = |common: usize| {
        let mut measured = MetricsAccumulator::new(Facts::default());
        for number in 0..2_000 {
            let text = if number < common { "walks to work".into() } else { format!("{number}") };
            let id = format!("r{number}");
            let row = with_history(&id, &[&text]);
            let row = Row::new(&id, &row.messages).with_attributes(&row.attributes);
            measured.add(&Row { number, ..row }).unwrap();
        }
        let mut metrics = Metrics::default();
        measured.finish(&mut metrics).unwrap();
        let metric = metrics.values.into_iter().find(|m| m.id == MetricId::RepeatedStatement);
        let read: Metric = serde_json::from_value(serde_json::to_value(metric).unwrap()).unwrap();
        (read.verdict, read.counted)
    };
    assert_eq!(verdict(20), (Verdict::Met, "walks to work".to_owned()));
    assert_eq!(verdict(21), (Verdict::Missed, "walks to work".to_owned()));
}
