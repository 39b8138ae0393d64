use clinstruct_catalog::Catalog;
use clinstruct_schema::{ChatRequest, FactName, JsonSchema};
use minijinja::context;

use crate::Error;
use crate::request::{Call, facts, object};

/// What an extraction request depends on besides its message.
#[derive(Debug, Clone, Copy)]
pub struct ExtractionOptions<'a> {
    /// Model name.
    pub model: &'a str,
    /// Seed of the run.
    pub seed: u64,
    /// Id of the message; each has another sampling seed.
    pub id: &'a str,
    /// Whether the backend can constrain the answer by a JSON schema.
    pub structured: bool,
    /// Earlier attempts; each has another sampling seed.
    pub attempt: u32,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// Sampling temperature.
    pub temperature: Option<f32>,
}

impl Default for ExtractionOptions<'_> {
    fn default() -> Self {
        Self {
            model: "",
            seed: 0,
            id: "",
            structured: false,
            attempt: 0,
            max_tokens: 900,
            temperature: None,
        }
    }
}

/// The request for the facts that `message` states of its patient.
///
/// It contains nothing but the message, so that what a model lists is not what it was told elsewhere; a message of any
/// origin will do. The answer is a JSON object `{"facts": [{"name": .., "value": .., "unit": ..}, ..]}`, or a line
/// `name: value unit` for each fact where the backend has no structured output.
///
/// ```
/// use clinstruct_catalog::Catalog;
/// use clinstruct_promptgen::{ExtractionOptions, extraction_request};
///
/// let catalog = Catalog::embedded()?;
/// let options = ExtractionOptions { model: "gpt-4o", id: "note-1", ..ExtractionOptions::default() };
/// let request = extraction_request(&catalog, "A man of 54 has had a cough for a week.", &options)?;
/// assert!(request.messages[1].content.contains("A man of 54"));
/// // Once a model has answered it, `clinstruct_parser::facts_of` reads the list.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A template that cannot be rendered.
pub fn extraction_request(
    catalog: &Catalog,
    message: &str,
    options: &ExtractionOptions<'_>,
) -> Result<ChatRequest, Error> {
    let structured = options.structured;
    let names: Vec<&str> = FactName::ALL.iter().map(|name| name.as_str()).collect();
    let render = |name: &str, variables| {
        let rendered = catalog.templates.render(name, variables);
        rendered.map_err(|source| Error::Extraction { id: options.id.to_owned(), source })
    };
    let system =
        render("extract_system.j2", context! { structured => structured, names => names })?;
    let user = render("extract_user.j2", context! { message => message })?;
    let call = Call {
        model: options.model,
        seed: options.seed,
        id: options.id,
        purpose: "extraction",
        attempt: options.attempt,
        max_tokens: options.max_tokens,
        temperature: options.temperature,
    };
    let schema = || JsonSchema { name: "facts".into(), schema: object(&[("facts", facts())]) };
    Ok(call.request(system, user, structured.then(schema)))
}
