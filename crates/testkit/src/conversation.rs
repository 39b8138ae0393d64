use clinstruct_schema::SCHEMA_VERSION;
use serde_json::{Value, json};

/// A row of `conversations/` with these texts, the user's first, and these instructions in the system prompt.
///
/// It is JSON, so that a test changes what it is about: `row["attributes"]["base"] = json!("a.s1")`. The rehearsal wrote it,
/// of part `task-topic`, about a man of 38 in Burkina Faso; each turn has 10 prompt tokens and 5 completion tokens.
pub fn conversation(id: &str, texts: &[&str], instructions: &[&str]) -> Value {
    let role = |i: usize| if i.is_multiple_of(2) { "user" } else { "assistant" };
    let messages: Vec<Value> =
        texts.iter().enumerate().map(|(i, t)| json!({ "role": role(i), "content": t })).collect();
    let turns: Vec<Value> = (0..texts.len())
        .map(|i| {
            let speaker = match i {
                0 => "prompt_writer",
                _ if i.is_multiple_of(2) => "user",
                _ => "assistant",
            };
            json!({
                "speaker": speaker, "request": format!("{i:032x}"), "attempts": 1,
                "usage": { "prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 0 },
            })
        })
        .collect();
    let styles: Vec<Value> = instructions
        .iter()
        .map(|text| {
            json!({ "id": "bullets", "group": "form", "text": text, "claims": [], "constraints": [] })
        })
        .collect();
    json!({
        "id": id, "part": "task-topic", "messages": messages,
        "attributes": {
            "base": id,
            "subjects": [{ "axis": "task", "slugs": ["referral"], "name": "Referral" }],
            "card": {
                "patient": {
                    "age_band": "adults", "age": { "years": 38 }, "sex": "male", "country_code": "bf",
                    "country": "Burkina Faso", "income": "low", "region": "AFR", "setting": "low-resource",
                },
                "conditions": [], "medicines": [], "allergies": "", "past": [], "family": "",
                "vitals": {
                    "heart_rate": 80, "respiratory_rate": 14, "systolic": 120, "diastolic": 80,
                    "temperature": 37.0, "saturation": 98, "weight": 60.0, "height": 170,
                },
                "social": "", "presenting": "",
            },
            "situation": {
                "mode": "normal", "turns": texts.len() / 2, "assistant_register": "standard",
                "user_register": "standard", "asked_styles": [], "system_styles": styles,
                "user_styles": [], "emergency_instruction": false, "profession": "Nurse",
                "specialty": null,
            },
        },
        "provenance": {
            "backend": "rehearsal", "model": "rehearsal", "rehearsal": true, "seed": 1, "turns": turns,
        },
        "schema_version": SCHEMA_VERSION,
    })
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Conversation;

    use super::*;

    #[test]
    fn it_is_a_row_of_the_schema() {
        let row = conversation("a", &["How?", "So.", "Why?", "Thus."], &["Be brief."]);
        let row: Conversation = serde_json::from_value(row).unwrap();
        assert_eq!((row.messages.len(), row.attributes.situation.turns), (4, 2));
        let tokens = row.provenance.turns.iter().map(|t| t.usage.prompt_tokens);
        assert_eq!(tokens.collect::<Vec<_>>(), [10; 4]);
    }
}
