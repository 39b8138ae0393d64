use clinstruct_schema::{FactKind, FactName, StatedFact};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{OBJECTS, answer_of};
use crate::clean::{Cleaned, Cleanup};
use crate::facts::{fact_of, facts};
use crate::json::{object, repair_escapes};
use crate::problem::Problem;
use crate::turn::read;

/// The format of the prompts in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptFormat {
    /// `{"prompts": [{"patient": 1, "prompt": "…", "requests": ["…", …], "complaint": "…", "facts": [{"name": "age",
    /// "value": "54", "unit": "a"}, …]}, …]}`.
    Json,
    /// A line `=== 1 ===` before each text; a line `=== 1 requests ===` before its requests, each a line; a line
    /// `=== 1 facts ===` before its facts, each a line `name: value unit`.
    Delimited,
}

/// A prompt with the facts that its writer listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPrompt {
    /// The message.
    pub text: Cleaned,
    /// The listed facts whose names are known; `None` if there is no list.
    pub facts: Option<Vec<StatedFact>>,
    /// What it asks of the answer, in the words of its writer and in the order of the list.
    pub requests: Vec<String>,
}

/// The prompts of an answer, by patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptsReading {
    /// One entry per patient; `None` if there is no usable prompt.
    pub prompts: Vec<Option<WrittenPrompt>>,
    /// All problems.
    pub problems: Vec<Problem>,
}

/// An entry before its text is cleaned.
#[derive(Debug, Clone)]
struct Found {
    number: u64,
    text: String,
    facts: Option<Vec<StatedFact>>,
    requests: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    prompts: Option<Vec<Value>>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    patient: Value,
    #[serde(default)]
    complaint: Value,
    #[serde(default)]
    facts: Value,
    #[serde(default)]
    requests: Value,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    patient: Value,
    prompt: String,
    #[serde(default)]
    complaint: Value,
    #[serde(default)]
    facts: Value,
    #[serde(default)]
    requests: Value,
}

/// Most bytes of the label of a request: `version 1, request 2 (at the end of a later message)`.
const LABEL: usize = 80;

/// Reads the prompts for patients 1 to `expected`, as [`prompts_for`] does.
pub fn prompts(text: &str, format: PromptFormat, expected: usize) -> PromptsReading {
    let all: Vec<u64> = (1..).take(expected).collect();
    prompts_for(text, format, &all, true)
}

/// Reads the prompts for the patients with these numbers; a place of the result for each, in their order.
///
/// Prompts are joined to patients by their numbers, never by their places. A single prompt for a single patient needs no
/// number, and one that is numbered from 1 again is that patient's. With `whole` false the answer was cut off: the prompts
/// before the cut are read, the one that it hit is not.
pub fn prompts_for(
    text: &str,
    format: PromptFormat,
    numbers: &[u64],
    whole: bool,
) -> PromptsReading {
    let expected = numbers.len();
    let mut reading = PromptsReading { prompts: vec![None; expected], problems: Vec::new() };
    let found = match format {
        PromptFormat::Json => from_json(text, numbers),
        PromptFormat::Delimited => from_delimited(text, numbers, whole),
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
    for Found { number, text, facts, requests } in found {
        let place = numbers.iter().position(|n| *n == number);
        let place = place.or_else(|| (alone && number <= 1).then_some(0));
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
                *slot = Some(WrittenPrompt { text: cleaned, facts, requests });
            }
        }
    }
    reading
}

/// A patient's number as models write it: `2`, `2.0`, `"2"`, `"Patient 2"`; `None` if there is none.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64().or_else(|| n.as_f64().map(|f| f as u64)),
        Value::String(text) => {
            let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            digits.get(..end)?.parse().ok()
        }
        _ => None,
    }
}

type Numbered = Vec<Found>;

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
    // Entries with a number that stand alone: one on each line, or in an object that is cut off or damaged.
    let mut alone: Numbered = Vec::new();
    let mut alone_cleanup = Cleanup::default();
    let mut from = 0;
    // End of an object that is searched because it does not fit itself. An entry of it is no answer, unless it is the list
    // of prompts that is damaged.
    let mut outer_end = 0;
    let mut in_list = false;
    for _ in 0..OBJECTS {
        let Some(rest) = text.get(from..) else { break };
        let Some(start) = rest.find('{') else { break };
        let Some((json, _)) = rest.get(start..).and_then(object) else {
            // The text has an unclosed brace; an object may start after it.
            in_list |= rest.get(start..).is_some_and(is_list);
            from += start + 1;
            continue;
        };
        let at = from + start;
        match entries(json, numbers) {
            Ok((found, cleanup, Shape::One { numbered })) => {
                let inside = at < outer_end;
                if numbered && (in_list || !inside) {
                    for entry in found.clone() {
                        alone.retain(|earlier| earlier.number != entry.number);
                        alone.push(entry);
                    }
                    alone_cleanup = alone_cleanup.and(cleanup);
                }
                if !inside && chosen.as_ref().is_none_or(|(_, before, _)| before.len() != expected)
                {
                    chosen = Some((json, found, cleanup));
                }
                from = at + json.len();
            }
            Ok((found, cleanup, Shape::All)) => {
                // The last object is the model's final one, unless only an earlier one has all prompts.
                let whole = found.len() == expected;
                if whole || chosen.as_ref().is_none_or(|(_, before, _)| before.len() != expected) {
                    chosen = Some((json, found, cleanup));
                }
                from = at + json.len();
            }
            Err(message) => {
                error.get_or_insert(message);
                if is_list(json) {
                    in_list = true;
                }
                outer_end = outer_end.max(at + json.len());
                from = at + 1;
            }
        }
    }
    if chosen.as_ref().is_none_or(|(_, found, _)| found.len() < alone.len()) && !alone.is_empty() {
        return Ok((alone, alone_cleanup.and(rule)));
    }
    let (json, found, cleanup) = chosen.ok_or_else(|| {
        malformed(error.unwrap_or_else(|| "there is no whole JSON object".to_owned()))
    })?;
    let around = json.len() < text.trim().len();
    let around = if around { Cleanup::TEXT_AROUND } else { Cleanup::default() };
    Ok((found, cleanup.and(rule).and(around)))
}

/// Whether a text that starts with a brace is an object with the list of prompts.
fn is_list(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|inner| inner.trim_start().starts_with("\"prompts\""))
}

/// Whether an object contains all prompts or a single one.
enum Shape {
    All,
    One { numbered: bool },
}

/// The prompts of one JSON object. An entry of the list without a message is skipped.
fn entries(json: &str, numbers: &[u64]) -> Result<(Numbered, Cleanup, Shape), String> {
    let repaired = repair_escapes(json);
    let cleanup = if repaired.is_some() { Cleanup::JSON_ESCAPES } else { Cleanup::default() };
    let answer: Answer =
        serde_json::from_str(repaired.as_deref().unwrap_or(json)).map_err(|e| e.to_string())?;
    let (numbered, shape) = match (answer.prompts, answer.prompt) {
        (Some(entries), _) => {
            let mut error = None;
            let entry = |entry: Value| match serde_json::from_value::<Entry>(entry) {
                Ok(e) => Some(Found {
                    number: number(&e.patient).unwrap_or(0),
                    text: e.prompt,
                    facts: with_complaint(facts(&e.facts), &e.complaint),
                    requests: requests(&e.requests),
                }),
                Err(e) => {
                    error.get_or_insert(e.to_string());
                    None
                }
            };
            let found: Numbered = entries.into_iter().filter_map(entry).collect();
            if let (true, Some(error)) = (found.is_empty(), error) {
                return Err(error);
            }
            (found, Shape::All)
        }
        (None, Some(prompt)) => {
            let given = number(&answer.patient);
            let known = given.or(numbers.first().copied()).unwrap_or(1);
            let facts = with_complaint(facts(&answer.facts), &answer.complaint);
            let requests = requests(&answer.requests);
            let found = Found { number: known, text: prompt, facts, requests };
            (vec![found], Shape::One { numbered: given.is_some() })
        }
        (None, None) => return Err("the object has neither `prompts` nor `prompt`".to_owned()),
    };
    Ok((numbered, cleanup, shape))
}

/// The facts of an entry with the complaint that has a key of its own. What it says is not listed twice. A complaint alone is
/// no list: another request asks for one.
fn with_complaint(facts: Option<Vec<StatedFact>>, complaint: &Value) -> Option<Vec<StatedFact>> {
    let value = complaint.as_str().unwrap_or_default().trim();
    if value.is_empty() {
        return facts;
    }
    let said = value.to_lowercase();
    let mut facts = facts?;
    let text = |fact: &StatedFact| fact.name.kind() == FactKind::Text;
    if !facts.iter().any(|fact| text(fact) && fact.value.to_lowercase().contains(&said)) {
        facts.retain(|fact| {
            let listed = matches!(fact.name, FactName::Complaint | FactName::Finding);
            !listed || !said.contains(&fact.value.to_lowercase())
        });
        let value = value.to_owned();
        facts.insert(0, StatedFact { name: FactName::Complaint, value, unit: "1".to_owned() });
    }
    Some(facts)
}

/// The requests of an entry: texts, alone or in lists of one version each, or objects with one text. Anything else has a
/// place without a text, so that the others keep theirs.
fn requests(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(requests_in).collect(),
        _ => Vec::new(),
    }
}

fn requests_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![request_of(text)],
        Value::Array(_) => requests(value),
        Value::Object(keys) => {
            // Beside the text there may be its place, or a number.
            let texts = keys.values().filter_map(Value::as_str);
            vec![texts.max_by_key(|text| text.len()).map(request_of).unwrap_or_default()]
        }
        _ => vec![String::new()],
    }
}

/// A request without what models set around an item of a list: its number, its label, quotation marks.
fn request_of(text: &str) -> String {
    let text = text.trim();
    let label = text.split_once(':').filter(|(label, _)| {
        let label = label.trim_start_matches(['-', '*', ' ']).to_ascii_lowercase();
        label.len() < LABEL && ["version ", "request "].iter().any(|word| label.starts_with(word))
    });
    let text = label.map_or(text, |(_, rest)| rest.trim_start_matches('*').trim());
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    // A dash alone stands for a request that is left out.
    if text.chars().all(|c| matches!(c, '-' | '–' | '—' | ' ')) {
        return String::new();
    }
    // `3 paragraphs, please` begins with a number of its own.
    let text = match digits.strip_prefix(['.', ')', ':']) {
        Some(rest) if digits.len() < text.len() && rest.starts_with(' ') => rest.trim_start(),
        _ => text.trim_start_matches(['-', '•']).trim_start(),
    };
    let inner =
        [('"', '"'), ('“', '”'), ('«', '»'), ('„', '“')].iter().find_map(|(open, close)| {
            let inner = text.strip_prefix(*open)?.strip_suffix(*close)?;
            (!inner.contains([*open, *close])).then(|| inner.trim())
        });
    inner.unwrap_or(text).to_owned()
}

/// A delimiter line.
enum Delimiter {
    Message(u64),
    Facts(u64),
    Requests(u64),
}

/// Reads a delimiter line: `=== 2 ===`, `=== 2 facts ===`, possibly bold or with other spacing.
fn delimiter(line: &str) -> Option<Delimiter> {
    let inner = line.trim().trim_matches('*').trim();
    let inner = inner.strip_prefix("===")?.strip_suffix("===")?;
    let inner = inner.trim_matches(['=', ' ']);
    match inner.split_once(' ') {
        None => inner.parse().ok().map(Delimiter::Message),
        Some((number, word)) => {
            let of = match word.trim().to_ascii_lowercase().as_str() {
                "facts" => Delimiter::Facts,
                "requests" => Delimiter::Requests,
                _ => return None,
            };
            number.parse().ok().map(of)
        }
    }
}

fn from_delimited(
    text: &str,
    numbers: &[u64],
    whole: bool,
) -> Result<(Numbered, Cleanup), Problem> {
    let (text, rule) = answer_of(text)?;
    let found = delimited(&text, whole);
    if !found.is_empty() {
        return Ok((found, rule));
    }
    // A single message needs no delimiter to be told apart.
    if let [number] = numbers
        && whole
        && !text.trim().is_empty()
    {
        return Ok((
            vec![Found {
                number: *number,
                text: text.into_owned(),
                facts: None,
                requests: Vec::new(),
            }],
            rule,
        ));
    }
    Err(Problem::MissingDelimiters)
}

/// What the lines after a delimiter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Message,
    Requests,
    Facts,
    /// Of a number that is not the last message's.
    Unknown,
}

fn delimited(text: &str, whole: bool) -> Numbered {
    let mut found: Numbered = Vec::new();
    let mut section = Section::Unknown;
    for line in text.split_inclusive('\n') {
        let of_last = |number: u64, found: &Numbered, section: Section| {
            let last = found.last().is_some_and(|last| last.number == number);
            if last { section } else { Section::Unknown }
        };
        match delimiter(line) {
            Some(Delimiter::Message(number)) => {
                section = Section::Message;
                let (text, requests) = (String::new(), Vec::new());
                found.push(Found { number, text, facts: None, requests });
            }
            Some(Delimiter::Requests(number)) => {
                section = of_last(number, &found, Section::Requests);
            }
            Some(Delimiter::Facts(number)) => {
                section = of_last(number, &found, Section::Facts);
                if let (Section::Facts, Some(last)) = (section, found.last_mut()) {
                    last.facts.get_or_insert_default();
                }
            }
            None => {
                let Some(last) = found.last_mut() else { continue };
                match section {
                    Section::Message => last.text.push_str(line),
                    Section::Requests if !line.trim().is_empty() => {
                        last.requests.push(request_of(line));
                    }
                    Section::Facts => last.facts.get_or_insert_default().extend(fact_of(line)),
                    Section::Requests | Section::Unknown => {}
                }
            }
        }
    }
    if !whole {
        // The last entry of a list may be cut.
        let last = found.last_mut();
        match (section, last) {
            (Section::Facts, Some(last)) => {
                last.facts.as_mut().and_then(Vec::pop);
            }
            (Section::Requests, Some(last)) => {
                last.requests.pop();
            }
            (Section::Message, _) => {
                found.pop();
            }
            _ => {}
        }
    }
    found
}
