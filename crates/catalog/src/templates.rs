use std::collections::BTreeMap;

use clinstruct_schema::{Blame, Hint, PatientCard};
use minijinja::{Environment, UndefinedBehavior, context};

/// A template that could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("cannot render template {name}")]
pub struct TemplateError {
    /// File name of the template.
    pub name: String,
    /// Message with line number.
    #[source]
    pub source: minijinja::Error,
}

impl Hint for TemplateError {
    fn hint(&self) -> Option<String> {
        Some(format!("fix templates/{} in the folder of --resources", self.name))
    }

    fn blame(&self) -> Blame {
        Blame::Usage
    }
}

/// The MiniJinja templates, compiled. A variable that is not given is an error.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Compiles `files` (name to text); also returns those that do not compile.
    pub(crate) fn compile(
        files: impl IntoIterator<Item = (String, String)>,
        phrases: BTreeMap<String, String>,
    ) -> (Self, Vec<(String, minijinja::Error)>) {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.add_global("phrases", minijinja::Value::from(phrases));
        let mut errors = Vec::new();
        for (name, text) in files {
            if let Err(e) = environment.add_template_owned(name.clone(), text) {
                errors.push((name, e));
            }
        }
        (Self { environment }, errors)
    }

    /// Fills in a template that belongs to no catalog, such as that of a stage in another repository. `variables` is a
    /// record or a map. White space around the text is removed.
    ///
    /// # Errors
    /// A text that is no template, and a variable that is not given; `name` names the template in them.
    pub fn render_text(
        name: &str,
        text: &str,
        variables: &impl serde::Serialize,
    ) -> Result<String, TemplateError> {
        let (templates, errors) =
            Self::compile([(name.to_owned(), text.to_owned())], BTreeMap::new());
        match errors.into_iter().next() {
            Some((name, source)) => Err(TemplateError { name, source }),
            None => {
                templates.render(name, minijinja::Value::from(minijinja::value::Serde(variables)))
            }
        }
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.environment.get_template(name).is_ok()
    }

    /// Renders a template. Surrounding white space is removed.
    pub fn render(&self, name: &str, context: minijinja::Value) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|t| t.render(context))
            .map(|text| text.trim().to_owned())
            .map_err(|source| TemplateError { name: name.to_owned(), source })
    }
}

/// A patient card for templates: every field is a string, lists are joined by semicolons.
pub fn card_context(card: &PatientCard) -> minijinja::Value {
    let or_none = |text: String| if text.is_empty() { "none known".to_owned() } else { text };
    let medicines: Vec<String> =
        card.medicines.iter().map(|m| format!("{} {} {}", m.drug, m.dose, m.frequency)).collect();
    let v = &card.vitals;
    let vitals = format!(
        "heart rate {} a minute; respiratory rate {} a minute; blood pressure {}/{} mmHg; temperature \
         {:.1} °C; oxygen saturation {} %; weight {:.1} kg; height {} cm",
        v.heart_rate,
        v.respiratory_rate,
        v.systolic,
        v.diastolic,
        v.temperature,
        v.saturation,
        v.weight,
        v.height
    );
    context! {
        age => card.patient.age.measure(),
        sex => card.patient.sex.as_str(),
        gender => card.patient.gender.as_deref(),
        country => card.patient.country.as_str(),
        setting => card.patient.setting.as_str(),
        conditions => or_none(card.conditions.join("; ")),
        medicines => or_none(medicines.join("; ")),
        allergies => card.allergies.as_str(),
        vitals => vitals,
        past => or_none(card.past.join("; ")),
        family => card.family.as_str(),
        social => card.social.as_str(),
        presenting => card.presenting.as_str(),
    }
}
