use std::collections::BTreeMap;

use clinstruct_schema::{Blame, Hint};
use minijinja::{Environment, UndefinedBehavior};

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
    #[inline]
    pub fn has(&self, name: &str) -> bool {
        self.environment.get_template(name).is_ok()
    }

    /// Renders a template. Surrounding white space is removed.
    #[inline]
    pub fn render(&self, name: &str, context: minijinja::Value) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|t| t.render(context))
            .map(|text| text.trim().to_owned())
            .map_err(|source| TemplateError { name: name.to_owned(), source })
    }
}
