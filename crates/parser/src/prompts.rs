use std::fmt;

use serde::Deserialize;

use crate::clean::{Cleaned, Mended, clean};
use crate::json::{mend_escapes, object};

/// How the prompts stand in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptFormat {
    /// `{"prompts": [{"patient": 1, "prompt": "…"}, …]}`.
    Json,
    /// A line `=== 1 ===` before each text.
    Delimited,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Not as many prompts as were asked for.
    Count {
        /// Asked for.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// The prompt for this patient is blank.
    Blank {
        /// Patient, from 1.
        patient: usize,
    },
    /// There is no patient of this number.
    UnknownPatient {
        /// As given.
        number: u64,
    },
    /// A second prompt for the same patient; the first stands.
    DuplicatePatient {
        /// Patient, from 1.
        number: u64,
    },
    /// Not JSON, or not of the shape asked for.
    MalformedJson {
        /// What the reader said, with line and column.
        message: String,
    },
    /// No delimiter line.
    MissingDelimiters,
    /// A turn without text.
    NoText,
    /// A turn that only declines.
    TextRefusal {
        /// Its beginning.
        text: String,
    },
}

impl Problem {
    /// Name for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Count { .. } => "prompt_count",
            Self::Blank { .. } => "blank_prompt",
            Self::UnknownPatient { .. } => "unknown_patient",
            Self::DuplicatePatient { .. } => "duplicate_patient",
            Self::MalformedJson { .. } => "malformed_json",
            Self::MissingDelimiters => "missing_delimiters",
            Self::NoText => "empty",
            Self::TextRefusal { .. } => "refused",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { expected, found } => {
                write!(f, "{found} prompts where {expected} were asked for")
            }
            Self::Blank { patient } => write!(f, "the prompt for patient {patient} is blank"),
            Self::UnknownPatient { number } => {
                write!(f, "a prompt for patient {number}, who was not given")
            }
            Self::DuplicatePatient { number } => write!(f, "a second prompt for patient {number}"),
            Self::MalformedJson { message } => write!(f, "not the JSON asked for: {message}"),
            Self::MissingDelimiters => f.write_str("no delimiter line stands before a prompt"),
            Self::NoText => f.write_str("no text"),
            Self::TextRefusal { text } => write!(f, "declined: {text}"),
        }
    }
}

/// The prompts of an answer, by patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptsReading {
    /// One place for each patient; `None` where there is no usable prompt.
    pub prompts: Vec<Option<Cleaned>>,
    /// All that is wrong.
    pub problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    prompts: Option<Vec<Entry>>,
    #[serde(default)]
    prompt: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    patient: Option<u64>,
    prompt: String,
}

/// Reads the prompts for `expected` patients. Prompts are joined to patients by their numbers; where an
/// entry has none, by its place.
pub fn prompts(text: &str, format: PromptFormat, expected: usize) -> PromptsReading {
    let mut reading = PromptsReading { prompts: vec![None; expected], problems: Vec::new() };
    let (found, mended) = match format {
        PromptFormat::Json => match from_json(text) {
            Ok(found) => found,
            Err(message) => {
                reading.problems.push(Problem::MalformedJson { message });
                return reading;
            }
        },
        PromptFormat::Delimited => {
            let found = from_delimited(text);
            if found.is_empty() && expected == 1 && !text.trim().is_empty() {
                // A single message needs no delimiter to be told apart.
                (vec![(1, text.to_owned())], Mended::default())
            } else {
                if found.is_empty() {
                    reading.problems.push(Problem::MissingDelimiters);
                    return reading;
                }
                (found, Mended::default())
            }
        }
    };
    if found.len() != expected {
        reading.problems.push(Problem::Count { expected, found: found.len() });
    }
    for (number, text) in found {
        let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        let Some(slot) = place.and_then(|p| reading.prompts.get_mut(p)) else {
            reading.problems.push(Problem::UnknownPatient { number });
            continue;
        };
        if slot.is_some() {
            reading.problems.push(Problem::DuplicatePatient { number });
            continue;
        }
        let mut cleaned = clean(&text, true);
        cleaned.mended = cleaned.mended.and(mended);
        if cleaned.text.is_empty() {
            let patient = place.map_or(0, |p| p + 1);
            reading.problems.push(Problem::Blank { patient });
        } else {
            *slot = Some(cleaned);
        }
    }
    reading
}

type Numbered = Vec<(u64, String)>;

fn from_json(text: &str) -> Result<(Numbered, Mended), String> {
    let mut mended = Mended::default();
    let (json, around) = object(text).ok_or_else(|| "there is no whole JSON object".to_owned())?;
    if around {
        mended = mended.and(Mended::TEXT_AROUND);
    }
    let repaired = mend_escapes(json);
    if repaired.is_some() {
        mended = mended.and(Mended::JSON_ESCAPES);
    }
    let answer: Answer =
        serde_json::from_str(repaired.as_deref().unwrap_or(json)).map_err(|e| e.to_string())?;
    let numbered = match (answer.prompts, answer.prompt) {
        (Some(entries), _) => (1..)
            .zip(entries)
            .map(|(place, entry)| (entry.patient.unwrap_or(place), entry.prompt))
            .collect(),
        (None, Some(prompt)) => vec![(1, prompt)],
        (None, None) => return Err("the object has neither `prompts` nor `prompt`".to_owned()),
    };
    Ok((numbered, mended))
}

/// The number of a delimiter line: `=== 2 ===`, bold or spaced as it may be.
fn delimiter(line: &str) -> Option<u64> {
    let inner = line.trim().trim_matches('*').trim();
    let inner = inner.strip_prefix("===")?.strip_suffix("===")?;
    inner.trim_matches(['=', ' ']).parse().ok()
}

fn from_delimited(text: &str) -> Numbered {
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
