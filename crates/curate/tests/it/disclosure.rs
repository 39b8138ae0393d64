//! What patients and relatives tell without being asked.

use clinstruct_curate::Row;
use clinstruct_curate::metrics::{Facts, MetricsAccumulator};
use clinstruct_schema::Conversation;
use clinstruct_schema::summary::{Metric, MetricId, Metrics, Verdict};
use clinstruct_testkit::conversation;
use serde_json::json;

/// A conversation in which somebody at home answers this, after this answer.
fn with_turn(id: &str, lay: bool, answer: &str, turn: &str) -> Conversation {
    let texts = ["My knee hurts since Sunday. What can I do?", answer, turn, "Rest it."];
    let mut row = conversation(id, &texts, &[]);
    let text = |text: &str| json!([{ "text": text, "origin": "drawn" }]);
    row["attributes"]["case"] = json!({
        "patient": { "age_band": "adults", "age": { "years": 38 }, "sex": "male" },
        "vitals": {
            "height": null, "weight": null, "heart_rate": null, "respiratory_rate": null,
            "systolic": null, "diastolic": null, "temperature": null, "saturation": null,
        },
        "complaint": [], "measurements": [],
        "conditions": [{ "name": "type 2 diabetes", "icd10": "E11", "origin": "drawn" }],
        "medicines": [
            { "drug": "metformin", "dose": "500 mg", "frequency": "twice daily", "atc": "", "origin": "drawn" },
        ],
        "allergies": text("hives after penicillin"),
        "history": text("broken collarbone at school"), "family": [],
        "social": text("works on a building site"), "origins": {}, "source": "code",
    });
    if lay {
        row["attributes"]["situation"]["persona"] = json!({
            "relation": "self", "literacy": "some", "recall": "rough", "proficiency": "fluent",
            "worry": "calm", "openness": "plain",
        });
    }
    serde_json::from_value(row).unwrap()
}

fn measured(rows: &[Conversation]) -> Option<Metric> {
    let mut measured = MetricsAccumulator::new(Facts::default());
    for (number, row) in rows.iter().enumerate() {
        let id = row.id.to_string();
        let row = Row::new(&id, &row.messages).with_attributes(&row.attributes);
        measured.add(&Row { number, ..row }).unwrap();
    }
    let mut metrics = Metrics::default();
    measured.finish(&mut metrics).unwrap();
    metrics.values.into_iter().find(|m| m.id == MetricId::UnaskedFacts)
}

#[test]
fn facts_that_nobody_asked_for_are_counted_by_turn() {
    let asks = "Which tablets do you take?";
    let turns = [
        (asks, "metformin"),
        (asks, "metformin, and penicillin gave me hives"),
        ("Rest the knee.", "I work on a building site, broken collarbone at school too"),
        ("Rest the knee.", "ok. and for how long?"),
    ];
    let all = |lay| -> Vec<Conversation> {
        let rows = turns.iter().enumerate();
        rows.map(|(i, (answer, turn))| with_turn(&format!("r{i}"), lay, answer, turn)).collect()
    };
    let metric = measured(&all(true)).unwrap();
    assert_eq!((metric.value, metric.of, metric.count), (0.75, 4, None));
    assert_eq!(metric.verdict, Verdict::TooFew);
    // Health workers tell what they think is needed.
    assert!(measured(&all(false)).is_none());
}
