use std::collections::BTreeMap;

use clinstruct_catalog::{Catalog, Part, card_context};
use clinstruct_draw as draw;
use clinstruct_schema::{BaseRow, ChatRequest, JsonSchema, Message, Role};
use minijinja::{Value, context};

use crate::Error;

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
    /// Sampling temperature.
    pub temperature: Option<f32>,
}

/// The schema of an answer with prompts for the patients with these numbers.
fn schema(numbers: &[usize]) -> JsonSchema {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    JsonSchema {
        name: "prompts".into(),
        schema: format!(
            concat!(
                r#"{{"type":"object","additionalProperties":false,"required":["prompts"],"#,
                r#""properties":{{"prompts":{{"type":"array","items":{{"type":"object","#,
                r#""additionalProperties":false,"required":["patient","prompt"],"#,
                r#""properties":{{"patient":{{"type":"integer","enum":[{numbers}]}},"#,
                r#""prompt":{{"type":"string"}}}}}}}}}}}}"#
            ),
            numbers = numbers.join(",")
        ),
    }
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
                domain => domain.map(|d| d.name.as_str()),
            };
            (s.axis.clone(), value)
        })
        .collect();
    let all: Vec<usize> = (0..row.cards.len()).collect();
    let patients = if options.patients.is_empty() { &all } else { options.patients };
    let numbers: Vec<usize> = patients.iter().map(|i| i + 1).collect();
    let cards: Vec<Value> = patients
        .iter()
        .filter_map(|i| Some(context! { number => i + 1, ..card_context(row.cards.get(*i)?) }))
        .collect();
    let system = catalog
        .templates
        .render("prompt_system.j2", context! { structured => options.structured })
        .map_err(template)?;
    let user = catalog
        .templates
        .render(
            &part.template,
            context! {
                subjects => subjects,
                cards => cards,
                profession => row.profession.as_str(),
                specialty => row.specialty.as_deref(),
            },
        )
        .map_err(template)?;
    let user = match options.findings {
        [] => user,
        findings => {
            let head = catalog.phrase("prompt-retry");
            format!("{user}\n\n{head}\n- {}", findings.join("\n- "))
        }
    };
    Ok(ChatRequest {
        model: options.model.to_owned(),
        messages: vec![
            Message { role: Role::System, content: system },
            Message { role: Role::User, content: user },
        ],
        max_tokens: part.max_tokens,
        temperature: options.temperature,
        seed: draw::number(
            options.seed,
            row.id.as_str(),
            &format!("prompt try {}", options.attempt),
        ) >> 1,
        json_schema: options.structured.then(|| schema(&numbers)),
    })
}
