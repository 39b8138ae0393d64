//! Values that fit a JSON schema, for requests of stages that the grammar does not know.

use clinstruct_draw::Draw;
use serde_json::{Map, Value, json};

/// What stands for a text.
const TEXT: &str = "Placeholder text.";
/// Deepest nesting: a schema can refer to itself in no way that is read here, but can be of any depth.
const DEPTH: usize = 16;

/// A value that fits `schema`, of the keywords that structured outputs of providers know: `enum`, `const`, `anyOf`, `type`,
/// `properties`, `items`, `minItems`, `minimum` and `maximum`. `null` where it has none of them.
pub(crate) fn value(schema: &Value, draw: &mut Draw) -> Value {
    at_depth(schema, draw, 0)
}

fn at_depth(schema: &Value, draw: &mut Draw, depth: usize) -> Value {
    if let Some(fixed) = schema.get("const") {
        return fixed.clone();
    }
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        return one_of(all, draw).cloned().unwrap_or_default();
    }
    if let Some(all) = schema.get("anyOf").and_then(Value::as_array) {
        return one_of(all, draw).map_or(Value::Null, |one| at_depth(one, draw, depth + 1));
    }
    let kind = match schema.get("type") {
        Some(Value::Array(all)) => one_of(all, draw).and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    let number =
        |name: &str, otherwise: f64| schema.get(name).and_then(Value::as_f64).unwrap_or(otherwise);
    match kind {
        Some("object") if depth < DEPTH => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let entry = |(name, schema): (&String, &Value)| {
                (name.clone(), at_depth(schema, draw, depth + 1))
            };
            Value::Object(properties.into_iter().flatten().map(entry).collect::<Map<_, _>>())
        }
        Some("array") if depth < DEPTH => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).min(16);
            (0..least).map(|_| at_depth(items, draw, depth + 1)).collect()
        }
        Some("string") => TEXT.into(),
        Some("boolean") => draw.chance(0.5).into(),
        Some("integer" | "number") => {
            let least = number("minimum", 0.0).ceil();
            let most = number("maximum", least + 9.0).floor().max(least);
            let steps = (most - least).clamp(0.0, 1e6) as usize;
            json!(least as i64 + draw.below(steps + 1) as i64)
        }
        _ => Value::Null,
    }
}

fn one_of<'a>(all: &'a [Value], draw: &mut Draw) -> Option<&'a Value> {
    if all.is_empty() { None } else { all.get(draw.below(all.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "kind": { "enum": ["a", "b"] },
                "score": { "type": "integer", "minimum": 1, "maximum": 5 },
                "sure": { "type": "boolean" },
                "reasons": { "type": "array", "minItems": 2, "items": { "type": "string" } },
                "note": { "anyOf": [{ "type": "null" }, { "const": "x" }] },
            },
        });
        for seed in 0..50 {
            let value = value(&schema, &mut Draw::from_u64(seed));
            assert!(["a", "b"].contains(&value["kind"].as_str().unwrap()), "{value}");
            assert!((1..=5).contains(&value["score"].as_i64().unwrap()), "{value}");
            assert!(value["sure"].is_boolean(), "{value}");
            assert_eq!(value["reasons"], json!([TEXT, TEXT]));
            assert!(value["note"].is_null() || value["note"] == "x", "{value}");
        }
    }

    #[test]
    fn any_schema_has_a_value() {
        for schema in [json!({}), json!(true), json!({ "enum": [] }), json!({ "type": "array" })] {
            value(&schema, &mut Draw::from_u64(1));
        }
    }
}
