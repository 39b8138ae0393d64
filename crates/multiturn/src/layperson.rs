//! What the system prompt of a simulated patient or relative says beyond that of a health worker.

use clinstruct_catalog::{Catalog, case_context};
use clinstruct_draw::Draw;
use clinstruct_schema::{Case, Persona, PersonaTrait};
use minijinja::context;

/// What a persona is told about itself: a sentence for each trait. `key` is the conversation.
pub(crate) fn persona_text(catalog: &Catalog, key: &str, persona: &Persona) -> String {
    let sentence = |of: PersonaTrait| {
        let entry = catalog.personas.entry(of, persona.of(of))?;
        Draw::new(0, key, &format!("wording of {}", of.as_str())).pick(&entry.user).cloned()
    };
    let all: Vec<String> = PersonaTrait::ALL.into_iter().filter_map(sentence).collect();
    all.join(" ")
}

/// A case as somebody knows it at home: vital signs are not known but for the temperature, which one can measure.
pub(crate) fn home_case(case: &Case) -> minijinja::Value {
    let temperature = case.vitals.temperature.map(|t| format!("{t:.1} °C"));
    context! { temperature => temperature, ..case_context(case) }
}
