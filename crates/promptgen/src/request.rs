use std::collections::BTreeMap;
use std::sync::LazyLock;

use clinstruct_catalog::{Catalog, Part, frame_context};
use clinstruct_draw as draw;
use clinstruct_schema::{
    BaseRow, ChatRequest, Facet, FactName, JsonSchema, Message, Role, Style, StylePlace,
};
use minijinja::{Value, context};

use crate::blanks::shown;
use crate::{Error, persona, voice};

/// What a prompt request depends on besides its row.
#[derive(Debug, Clone, Copy, Default)]
pub struct PromptOptions<'a> {
    /// Model name.
    pub model: &'a str,
    /// Seed of the run.
    pub seed: u64,
    /// Whether the backend can constrain the answer by a JSON schema.
    pub structured: bool,
    /// Earlier attempts; each has another sampling seed.
    pub attempt: u32,
    /// The patients (from 0) whose prompts are requested; all of the row where empty.
    pub patients: &'a [usize],
    /// Why earlier attempts at these prompts failed, for the model.
    pub findings: &'a [String],
    /// How the prompts of the row that are kept begin, so that the others begin otherwise.
    pub openings: &'a [String],
    /// What the conversations of each patient (from 0) ask of the answers: for each of its conversations, the styles. The
    /// writer puts them into the words of its message.
    pub asked: &'a [Vec<Vec<Style>>],
    /// Sampling temperature.
    pub temperature: Option<f32>,
}

/// What a request depends on besides its texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) model: &'a str,
    /// Seed of the run.
    pub(crate) seed: u64,
    /// What is asked about: a row or a message.
    pub(crate) id: &'a str,
    /// What is asked for: `prompt` or `extraction`.
    pub(crate) purpose: &'static str,
    /// Earlier attempts; each has another sampling seed.
    pub(crate) attempt: u32,
    pub(crate) max_tokens: u32,
    pub(crate) temperature: Option<f32>,
}

impl Call<'_> {
    /// The request with these texts.
    pub(crate) fn request(
        self,
        system: String,
        user: String,
        json_schema: Option<JsonSchema>,
    ) -> ChatRequest {
        let Self { purpose, attempt, .. } = self;
        ChatRequest {
            model: self.model.to_owned(),
            messages: vec![
                Message { role: Role::System, content: system },
                Message { role: Role::User, content: user },
            ],
            max_tokens: self.max_tokens,
            temperature: self.temperature,
            seed: draw::number(self.seed, self.id, &format!("{purpose} try {attempt}")) >> 1,
            json_schema,
        }
    }
}

/// The schema of an object that has these keys and no others.
pub(crate) fn object(properties: &[(&str, &str)]) -> String {
    let each = |(key, schema): &(&str, &str)| format!("\"{key}\":{schema}");
    let keys: Vec<String> = properties.iter().map(|(key, _)| format!("\"{key}\"")).collect();
    format!(
        r#"{{"type":"object","additionalProperties":false,"required":[{}],"properties":{{{}}}}}"#,
        keys.join(","),
        properties.iter().map(each).collect::<Vec<_>>().join(",")
    )
}

fn array(items: &str) -> String {
    format!(r#"{{"type":"array","items":{items}}}"#)
}

/// The schema of a list of facts.
pub(crate) fn facts() -> &'static str {
    static FACTS: LazyLock<String> = LazyLock::new(schema_of_facts);
    &FACTS
}

fn schema_of_facts() -> String {
    let names: Vec<String> =
        FactName::ALL.iter().map(|name| format!("\"{}\"", name.as_str())).collect();
    let string = r#"{"type":"string"}"#;
    let name = format!(r#"{{"type":"string","enum":[{}]}}"#, names.join(","));
    array(&object(&[("name", &name), ("value", string), ("unit", string)]))
}

/// The schema of an answer with prompts for the patients with these numbers.
///
/// The message comes before its facts, so that a model writes first and lists afterwards: providers generate the keys in
/// the order of the schema. No key is nullable, since strict schemas require every key.
fn schema(numbers: &[usize], asks: bool, patients: bool) -> JsonSchema {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let number = format!(r#"{{"type":"integer","enum":[{}]}}"#, numbers.join(","));
    let text = r#"{"type":"string"}"#;
    let requests = array(text);
    let mut keys = vec![("patient", number.as_str()), ("prompt", text)];
    if asks {
        keys.push(("requests", &requests));
    }
    // A list leaves out what a key of its own cannot: why the patient is seen.
    if patients {
        keys.push(("complaint", text));
    }
    keys.push(("facts", facts()));
    let entry = object(&keys);
    JsonSchema { name: "prompts".into(), schema: object(&[("prompts", &array(&entry))]) }
}

/// Phrases for how a request about form is worded, apart from what it asks: left to themselves, models write all of them as
/// `.. please, ..`.
const MANNERS: [&str; 4] =
    ["request-reason-first", "request-as-question", "request-without-please", "request-short"];

/// What the conversations of a message ask of the answers, for its writer: the sample words of each style, where they will
/// be, and which of the conversations has them, if there are several.
fn requests(catalog: &Catalog, seed: u64, key: &str, conversations: &[Vec<Style>]) -> Vec<Value> {
    let manner = |at: usize, style: &Style| {
        let is_form =
            |facet| matches!(facet, &Facet::Structure | &Facet::Length | &Facet::Language);
        let all = MANNERS.iter().map(|manner| (*manner, 1.0, *manner));
        let drawn = draw::choose(seed, key, &format!("manner of request {at}"), all);
        drawn.filter(|_| style.claims.iter().any(is_form)).map(|manner| catalog.phrase(manner))
    };
    let place = |style: &Style| match (style.turn, style.place) {
        (1, StylePlace::Start) => "start",
        (1, StylePlace::Inside) => "inside",
        (1, StylePlace::Last | StylePlace::End) => "end",
        _ => "later",
    };
    let several = conversations.len() > 1;
    let all = conversations.iter().enumerate();
    let all = all.flat_map(|(i, styles)| styles.iter().map(move |style| (i + 1, style)));
    let one = |(i, (version, style)): (usize, (usize, &Style))| {
        context! {
            number => i + 1,
            version => several.then_some(version),
            place => place(style),
            manner => manner(i + 1, style),
            // Which language answers are in holds until another one is asked for, without saying so.
            once => style.once || style.claims.contains(&Facet::Language),
            text => shown(style),
        }
    };
    all.enumerate().map(one).collect()
}

/// The request for the prompts of `row`.
pub fn prompt_request(
    catalog: &Catalog,
    part: &Part,
    row: &BaseRow,
    options: &PromptOptions<'_>,
) -> Result<ChatRequest, Error> {
    let template = |source| Error::Template { row: row.id.to_string(), source };
    let subjects: BTreeMap<String, Value> = row
        .subjects
        .iter()
        .map(|s| {
            let task =
                catalog.tasks.iter().find(|t| s.axis == "task" && Some(&t.id) == s.slugs.last());
            let domain = (s.axis == "subtopic")
                .then(|| catalog.domains.iter().find(|d| Some(&d.id) == s.slugs.first()))
                .flatten();
            let value = context! {
                name => s.name.as_str(),
                profession => row.profession.as_str(),
                description => task.map(|t| t.description.as_str()),
                case => task.map(|t| t.case.as_str()),
                question => task.map(|t| t.question.as_str()),
                domain => domain.map(|d| d.name.as_str()),
            };
            (s.axis.clone(), value)
        })
        .collect();
    let all: Vec<usize> = (0..row.frames.len()).collect();
    let patients = if options.patients.is_empty() { &all } else { options.patients };
    let numbers: Vec<usize> = patients.iter().map(|i| i + 1).collect();
    let frames: Vec<Value> = patients
        .iter()
        .filter_map(|i| {
            let frame = row.frames.get(*i)?;
            let key = row.id.child('p', i + 1);
            let voice = voice::told(catalog, options.seed, key.as_str(), frame);
            let persona = persona::told(catalog, options.seed, key.as_str(), frame);
            let wanted = options.asked.get(*i).map_or(&[][..], Vec::as_slice);
            let requests = requests(catalog, options.seed, key.as_str(), wanted);
            let context = frame_context(catalog, frame);
            Some(context! {
                number => i + 1,
                voice => voice,
                persona => persona,
                requests => requests,
                ..context
            })
        })
        .collect();
    let requested = || patients.iter().filter_map(|i| row.frames.get(*i));
    let about_patients = requested().any(|frame| frame.patient.is_some());
    let questions = requested().any(|frame| frame.patient.is_none());
    let asked = || patients.iter().filter_map(|i| options.asked.get(*i));
    let asks = asked().flatten().flatten().next().is_some();
    let versions = asks && asked().any(|conversations| conversations.len() > 1);
    let names: Vec<&str> = FactName::ALL.iter().map(|name| name.as_str()).collect();
    let system = catalog
        .templates
        .render(
            &part.templates.prompt_system,
            context! {
                structured => options.structured,
                patients => about_patients,
                questions => questions,
                asks => asks,
                versions => versions,
                names => names,
            },
        )
        .map_err(template)?;
    let mut user = catalog
        .templates
        .render(
            &part.template,
            context! {
                subjects => subjects,
                frames => frames,
                patients => about_patients,
                questions => questions,
                profession => row.profession.as_str(),
                specialty => row.specialty.as_deref(),
            },
        )
        .map_err(template)?;
    let mut list = |phrase: &str, items: &[String]| {
        if !items.is_empty() {
            user = format!("{user}\n\n{}\n- {}", catalog.phrase(phrase), items.join("\n- "));
        }
    };
    list("prompt-retry", options.findings);
    list("prompt-openings", options.openings);
    // Templates of one's own need not show them.
    let is_shown = asked().flatten().flatten().all(|style| user.contains(shown(style).as_ref()));
    let call = Call {
        model: options.model,
        seed: options.seed,
        id: row.id.as_str(),
        purpose: "prompt",
        attempt: options.attempt,
        max_tokens: part.max_tokens,
        temperature: options.temperature,
    };
    Ok(call.request(
        system,
        user,
        options.structured.then(|| schema(&numbers, asks && is_shown, about_patients)),
    ))
}
