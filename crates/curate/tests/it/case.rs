//! What the texts of a conversation say of its case.

use clinstruct_curate::Row;
use clinstruct_curate::metrics::{Facts, MetricsAccumulator};
use clinstruct_schema::Conversation;
use clinstruct_schema::summary::{MetricId, Metrics};
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
        measured.add(&Row { number, ..row });
    }
    let mut metrics = Metrics::default();
    measured.finish(&mut metrics);
    let found = |id| {
        let metric = metrics.values.iter().find(|m| m.id == id).unwrap();
        (metric.count, metric.of, metric.rows.join(" "))
    };
    assert_eq!(found(MetricId::CaseContradictions), (Some(1), 4, "r1".to_owned()));
    // Another weight is another fact, too.
    assert_eq!(found(MetricId::AddedFacts), (Some(2), 4, "r1 r2".to_owned()));
    assert_eq!(found(MetricId::DerailedTurns), (Some(1), 4, "r3".to_owned()));
}
