//! Lists of facts, as models write them.

use clinstruct_schema::{FactKind, FactName, StatedFact};
use serde_json::Value;

use crate::answer::{OBJECTS, answer_of};
use crate::json::{object, repair_escapes};
use crate::problem::Problem;

/// Reads the answer to a request for the facts that a message states: the JSON object `{"facts": [{"name": "age", "value":
/// "54", "unit": "a"}, ...]}`, or a line `name: value unit` for each.
///
/// Either is read, whichever was asked for, also between other text, in a code fence, behind reasoning, as a bare list, or
/// with the names as keys. Of a list that is damaged or cut off, the complete entries are read; with `whole` false the
/// answer was cut off, and its last line is not. Entries with an unknown name or without a value are skipped. A list may be
/// empty.
///
/// ```
/// use clinstruct_parser::facts_of;
/// use clinstruct_schema::FactName;
///
/// let facts = facts_of("Here are the facts:\n- age: 54 a\n- medicine: metformin 500 mg twice daily 1", true)?;
/// assert_eq!(facts.len(), 2);
/// assert_eq!((facts[0].name, &*facts[0].value, &*facts[0].unit), (FactName::Age, "54", "a"));
/// assert_eq!(facts[1].value, "metformin 500 mg twice daily");
/// # Ok::<(), clinstruct_parser::Problem>(())
/// ```
///
/// # Errors
/// An answer that declines, has no end to its reasoning, or has no list.
pub fn facts_of(text: &str, whole: bool) -> Result<Vec<StatedFact>, Problem> {
    let (text, _) = answer_of(text)?;
    if let Some(facts) = in_json(&text) {
        return Ok(facts);
    }
    let lines: Vec<&str> = text.lines().collect();
    // The last line may be half a fact.
    let complete = if whole { lines.len() } else { lines.len().saturating_sub(1) };
    let facts: Vec<StatedFact> = lines.into_iter().take(complete).filter_map(fact_of).collect();
    if facts.is_empty() { Err(Problem::NoFacts) } else { Ok(facts) }
}

/// The facts of the JSON in a text; `None` if it has no list.
fn in_json(text: &str) -> Option<Vec<StatedFact>> {
    // The last list is the model's final one, unless only an earlier one has facts.
    let mut chosen: Option<Vec<StatedFact>> = None;
    // Entries that stand alone: in a bare list, one on each line, or in a list that is cut off or damaged.
    let mut alone: Vec<StatedFact> = Vec::new();
    let mut from = 0;
    for _ in 0..OBJECTS {
        let Some(start) = text.get(from..).and_then(|rest| rest.find('{')) else { break };
        let at = from + start;
        let Some((json, _)) = text.get(at..).and_then(object) else {
            // An unclosed brace; an entry may start after it.
            from = at + 1;
            continue;
        };
        let repaired = repair_escapes(json);
        let Ok(value) = serde_json::from_str::<Value>(repaired.as_deref().unwrap_or(json)) else {
            from = at + 1;
            continue;
        };
        from = at + json.len();
        if let Some(found) = listed(&value) {
            if !found.is_empty() || chosen.is_none() {
                chosen = Some(found);
            }
        } else if let Some(fact) = entry(&value) {
            alone.push(fact);
        }
    }
    let empty_list = || {
        let inner = text.trim().trim_start_matches("```json").trim_matches(['`', '\n', ' ']);
        (inner.split_whitespace().collect::<String>() == "[]").then(Vec::new)
    };
    match chosen {
        Some(found) if !found.is_empty() || alone.is_empty() => Some(found),
        _ if !alone.is_empty() => Some(alone),
        _ => empty_list(),
    }
}

/// The facts of a value that has a list of them, at whatever depth, or has their names as keys.
fn listed(value: &Value) -> Option<Vec<StatedFact>> {
    let Value::Object(items) = value else { return None };
    if let Some(list) = items.get("facts").and_then(facts) {
        return Some(list);
    }
    if entry(value).is_some() {
        return None;
    }
    let keyed = facts(value).filter(|found| !found.is_empty());
    keyed.or_else(|| {
        items.values().find_map(|inner| match inner {
            Value::Array(all) => all
                .iter()
                .find_map(listed)
                .or_else(|| facts(inner).filter(|found| !found.is_empty())),
            _ => listed(inner),
        })
    })
}

/// The text of a value.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The fact of an entry of a list; `None` if it is none, or its name is unknown.
fn entry(item: &Value) -> Option<StatedFact> {
    let name = FactName::parse(item.get("name")?.as_str()?)?;
    let value = item.get("value").and_then(text_of).filter(|value| !value.is_empty())?;
    let unit = item.get("unit").and_then(text_of).filter(|unit| !unit.is_empty());
    Some(StatedFact { name, value, unit: unit.unwrap_or_else(no_unit) })
}

/// The unit of a fact without one.
fn no_unit() -> String {
    "1".to_owned()
}

/// The facts of a list; what is no fact, or has an unknown name, is skipped. `None` if it is no list.
pub(crate) fn facts(value: &Value) -> Option<Vec<StatedFact>> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(entry).collect()),
        // Some models write the names as keys.
        Value::Object(items) => {
            let fact = |(name, value): (&String, &Value)| {
                let name = FactName::parse(name)?;
                Some(StatedFact { name, value: text_of(value)?, unit: no_unit() })
            };
            Some(items.iter().filter_map(fact).collect())
        }
        _ => None,
    }
}

/// The fact of a line `name: value unit`.
pub(crate) fn fact_of(line: &str) -> Option<StatedFact> {
    let line = line.trim().trim_start_matches(['-', '*', '•', ' ']);
    let (name, rest) = line.split_once(':')?;
    let (name, rest) = (FactName::parse(name)?, rest.trim());
    if rest.is_empty() {
        return None;
    }
    let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let split = rest.rsplit_once(' ').filter(|(value, unit)| {
        let unit_like = *unit == "1" || !has_digit(unit) || *unit == name.unit();
        name.kind() != FactKind::Text && has_digit(value) && unit_like
            || *unit == "1" && name.unit() == "1"
    });
    let (value, unit) = split.unwrap_or((rest, "1"));
    Some(StatedFact { name, value: value.trim().to_owned(), unit: unit.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, whole: bool) -> Vec<String> {
        let facts = facts_of(text, whole).unwrap();
        facts.iter().map(|f| format!("{} {} {}", f.name.as_str(), f.value, f.unit)).collect()
    }

    const AGE: &str = r#"{"name": "age", "value": "54", "unit": "a"}"#;
    const SEX: &str = r#"{"name": "Gender", "value": "female", "unit": ""}"#;

    #[test]
    fn a_list_is_read_however_it_is_wrapped() {
        let both = ["age 54 a", "sex female 1"];
        for text in [
            format!(r#"{{"facts": [{AGE}, {SEX}]}}"#),
            format!("```json\n{{\"facts\": [{AGE},\n{SEX}]}}\n```"),
            format!("<think>She is {{54}}.</think>\n\n{{\"facts\": [{AGE}, {SEX}]}}"),
            format!("The facts are:\n{{\"facts\": [{AGE}, {SEX}]}}\nTell me if more is needed."),
            format!("[{AGE}, {SEX}]"),
            format!("{AGE}\n{SEX}"),
            format!(r#"{{"patient": 1, "record": {{"facts": [{AGE}, {SEX}]}}}}"#),
            format!(r#"{{"prompts": [{{"patient": 1, "facts": [{AGE}, {SEX}]}}]}}"#),
            format!(r#"{{"list": [{AGE}, {SEX}]}}"#),
            // A draft before the final list.
            format!(r#"{{"facts": [{AGE}]}} Corrected: {{"facts": [{AGE}, {SEX}]}}"#),
            "age: 54 a\nsex: female 1".to_owned(),
            "**Age**: 54 a\n* sex: female".to_owned(),
            "=== 1 facts ===\nage: 54 a\nsex: female 1\n".to_owned(),
        ] {
            assert_eq!(shown(&text, true), both, "{text}");
        }
        let keys = r#"{"facts": {"age": 54, "sex": "female", "colour": "red"}}"#;
        assert_eq!(shown(keys, true), ["age 54 1", "sex female 1"]);
        assert_eq!(
            shown(r#"{"age": "54 years", "pulse": 88}"#, true),
            ["age 54 years 1", "heart_rate 88 1"]
        );
    }

    #[test]
    fn complete_entries_of_a_damaged_list_are_kept() {
        for text in [
            format!(r#"{{"facts": [{AGE}, {SEX}, {{"name": "complaint", "val"#),
            format!(r#"{{"facts": [{AGE}, {SEX}, {{"name": "complaint", "value": }}]}}"#),
            format!(r#"{{"facts": [{AGE} {SEX}]}}"#),
            "age: 54 a\nsex: female 1\ncomplaint: che".to_owned(),
        ] {
            assert_eq!(shown(&text, false), ["age 54 a", "sex female 1"], "{text}");
        }
        let odd = format!(
            r#"{{"facts": [{AGE}, {{"name": "shoe size", "value": "43", "unit": "1"}}, {{"name": "sex", "value": ""}}, 7]}}"#
        );
        assert_eq!(shown(&odd, true), ["age 54 a"]);
    }

    #[test]
    fn a_list_may_be_empty() {
        for text in [r#"{"facts": []}"#, "[]", "```json\n[ ]\n```"] {
            assert_eq!(facts_of(text, true), Ok(Vec::new()), "{text}");
        }
    }

    #[test]
    fn an_answer_without_a_list_is_a_problem() {
        for (text, code) in [
            ("", "no_facts"),
            ("She has a cough, and I would give fluids.", "no_facts"),
            ("age: 54 a", "no_facts"),
            (r#"{"answer": "none"}"#, "no_facts"),
            (r#"{"facts": [{"name": "ag"#, "no_facts"),
            ("I'm sorry, but I can't help with that.", "refused"),
            ("<think>She is", "unclosed_reasoning"),
        ] {
            let whole = text != "age: 54 a";
            assert_eq!(facts_of(text, whole).map_err(|p| p.code()), Err(code), "{text}");
        }
    }
}
