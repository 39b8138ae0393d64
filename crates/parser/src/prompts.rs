use std::borrow::Cow;

use serde::Deserialize;

use crate::clean::{Cleaned, Cleanup};
use crate::json::{object, repair_escapes};
use crate::problem::Problem;
use crate::reasoning::separate;
use crate::turn::{is_text_refusal, read};

/// Number of braces at which an object is searched for.
const OBJECTS: usize = 200;

/// The format of the prompts in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptFormat {
    /// `{"prompts": [{"patient": 1, "prompt": "…"}, …]}`.
    Json,
    /// A line `=== 1 ===` before each text.
    Delimited,
}

/// The prompts of an answer, by patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptsReading {
    /// One entry per patient; `None` if there is no usable prompt.
    pub prompts: Vec<Option<Cleaned>>,
    /// All problems.
    pub problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    prompts: Option<Vec<Entry>>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    patient: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    patient: Option<u64>,
    prompt: String,
}

/// Reads the prompts for patients 1 to `expected`, as [`prompts_for`] does.
pub fn prompts(text: &str, format: PromptFormat, expected: usize) -> PromptsReading {
    let all: Vec<u64> = (1..).take(expected).collect();
    prompts_for(text, format, &all)
}

/// Reads the prompts for the patients with these numbers; a place of the result for each, in their order.
///
/// Prompts are joined to patients by their numbers; where an entry has none, by its place. A single prompt for a single
/// patient needs no number, and one that is numbered from 1 again is that patient's.
pub fn prompts_for(text: &str, format: PromptFormat, numbers: &[u64]) -> PromptsReading {
    let expected = numbers.len();
    let mut reading = PromptsReading { prompts: vec![None; expected], problems: Vec::new() };
    let found = match format {
        PromptFormat::Json => from_json(text, numbers),
        PromptFormat::Delimited => from_delimited(text, numbers),
    };
    let (found, cleanup) = match found {
        Ok(found) => found,
        Err(problem) => {
            reading.problems.push(problem);
            return reading;
        }
    };
    if found.len() != expected {
        reading.problems.push(Problem::Count { expected, found: found.len() });
    }
    let alone = found.len() == 1 && expected == 1;
    for (number, text) in found {
        let place = numbers.iter().position(|n| *n == number);
        let place = place.or_else(|| (alone && number == 1).then_some(0));
        let Some(slot) = place.and_then(|p| reading.prompts.get_mut(p)) else {
            reading.problems.push(Problem::UnknownPatient { number });
            continue;
        };
        if slot.is_some() {
            reading.problems.push(Problem::DuplicatePatient { number });
            continue;
        }
        match read(&text, true) {
            Err(problem) => reading.problems.push(problem),
            Ok(cleaned) if cleaned.text.is_empty() => {
                let patient = usize::try_from(number).unwrap_or(usize::MAX);
                reading.problems.push(Problem::Blank { patient });
            }
            Ok(mut cleaned) => {
                cleaned.cleanup = cleaned.cleanup.and(cleanup);
                *slot = Some(cleaned);
            }
        }
    }
    reading
}

type Numbered = Vec<(u64, String)>;

/// The answer without reasoning, and the rule that removed it.
fn answer_of(text: &str) -> Result<(Cow<'_, str>, Cleanup), Problem> {
    let separated = separate(text)?;
    if is_text_refusal(&separated.text) {
        return Err(Problem::TextRefusal {
            text: separated.text.trim().chars().take(120).collect(),
        });
    }
    let rule = if separated.changed { Cleanup::REASONING } else { Cleanup::default() };
    Ok((separated.text, rule))
}

fn from_json(text: &str, numbers: &[u64]) -> Result<(Numbered, Cleanup), Problem> {
    let expected = numbers.len();
    let malformed = |message: String| Problem::MalformedJson { message };
    // The object has nothing around it: an apparent reasoning marker inside it belongs to a prompt.
    if let Some((json, false)) = object(text)
        && let Ok((found, cleanup, _)) = entries(json, numbers)
    {
        return Ok((found, cleanup));
    }
    let (text, rule) = answer_of(text)?;
    let mut error: Option<String> = None;
    let mut chosen: Option<(&str, Numbered, Cleanup)> = None;
    let mut from = 0;
    // End of an object that is searched because it does not fit itself. An entry of it is no answer.
    let mut outer_end = 0;
    for _ in 0..OBJECTS {
        let Some(rest) = text.get(from..) else { break };
        let Some(start) = rest.find('{') else { break };
        let Some((json, _)) = rest.get(start..).and_then(object) else {
            // The text has an unclosed brace; an object may start after it.
            from += start + 1;
            continue;
        };
        let at = from + start;
        match entries(json, numbers) {
            Ok((_, _, Shape::One)) if at < outer_end => from = at + json.len(),
            Ok((found, cleanup, _)) => {
                // The last object is the model's final one, unless only an earlier one has all prompts.
                let whole = found.len() == expected;
                if whole || chosen.as_ref().is_none_or(|(_, before, _)| before.len() != expected) {
                    chosen = Some((json, found, cleanup));
                }
                from = at + json.len();
            }
            Err(message) => {
                error.get_or_insert(message);
                outer_end = outer_end.max(at + json.len());
                from = at + 1;
            }
        }
    }
    let (json, found, cleanup) = chosen.ok_or_else(|| {
        malformed(error.unwrap_or_else(|| "there is no whole JSON object".to_owned()))
    })?;
    let around = json.len() < text.trim().len();
    let around = if around { Cleanup::TEXT_AROUND } else { Cleanup::default() };
    Ok((found, cleanup.and(rule).and(around)))
}

/// Whether an object contains all prompts or a single one.
enum Shape {
    All,
    One,
}

/// The prompts of one JSON object.
fn entries(json: &str, numbers: &[u64]) -> Result<(Numbered, Cleanup, Shape), String> {
    let repaired = repair_escapes(json);
    let cleanup = if repaired.is_some() { Cleanup::JSON_ESCAPES } else { Cleanup::default() };
    let answer: Answer =
        serde_json::from_str(repaired.as_deref().unwrap_or(json)).map_err(|e| e.to_string())?;
    let (numbered, shape) = match (answer.prompts, answer.prompt) {
        (Some(entries), _) => {
            // Behind the last of these, a number that no patient has.
            let places = numbers.iter().copied().chain(std::iter::repeat(0));
            let numbered = places.zip(entries);
            let numbered = numbered.map(|(place, e)| (e.patient.unwrap_or(place), e.prompt));
            (numbered.collect(), Shape::All)
        }
        (None, Some(prompt)) => {
            (vec![(answer.patient.or(numbers.first().copied()).unwrap_or(1), prompt)], Shape::One)
        }
        (None, None) => return Err("the object has neither `prompts` nor `prompt`".to_owned()),
    };
    Ok((numbered, cleanup, shape))
}

/// The number of a delimiter line: `=== 2 ===`, possibly bold or with other spacing.
fn delimiter(line: &str) -> Option<u64> {
    let inner = line.trim().trim_matches('*').trim();
    let inner = inner.strip_prefix("===")?.strip_suffix("===")?;
    inner.trim_matches(['=', ' ']).parse().ok()
}

fn from_delimited(text: &str, numbers: &[u64]) -> Result<(Numbered, Cleanup), Problem> {
    let (text, rule) = answer_of(text)?;
    let found = delimited(&text);
    if !found.is_empty() {
        return Ok((found, rule));
    }
    // A single message needs no delimiter to be told apart.
    if let [number] = numbers
        && !text.trim().is_empty()
    {
        return Ok((vec![(*number, text.into_owned())], rule));
    }
    Err(Problem::MissingDelimiters)
}

fn delimited(text: &str) -> Numbered {
    let mut found: Numbered = Vec::new();
    for line in text.split_inclusive('\n') {
        match delimiter(line) {
            Some(number) => found.push((number, String::new())),
            None => {
                if let Some((_, text)) = found.last_mut() {
                    text.push_str(line);
                }
            }
        }
    }
    found
}
