use std::sync::Arc;

use clinstruct_batch_client::{Capabilities, Descriptor, ModelRule, PriceRule, Restart};
use clinstruct_pipeline::Annotator;
use serde::{Deserialize, Serialize};

use crate::{suggest, usage};

/// The backends of a program. The first is the default.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    all: Arc<[Descriptor]>,
}

impl Registry {
    /// A registry of these backends.
    pub fn new(all: &[Descriptor]) -> Self {
        Self { all: all.into() }
    }

    /// Adds a backend; it replaces one of the same name.
    #[must_use]
    pub fn with(self, one: Descriptor) -> Self {
        let mut all = self.all.to_vec();
        match all.iter_mut().find(|known| known.name == one.name) {
            Some(known) => *known = one,
            None => all.push(one),
        }
        Self { all: all.into() }
    }

    /// All backends, in the order of registration.
    pub fn all(&self) -> &[Descriptor] {
        &self.all
    }

    /// The backend with this name.
    pub fn get(&self, name: &str) -> Option<&Descriptor> {
        self.all.iter().find(|known| known.name == name)
    }

    /// Name of the default backend.
    pub fn default_name(&self) -> &'static str {
        self.all.first().map_or("", |first| first.name)
    }

    /// The backend that has a model of this name at a known price; otherwise the first with a price list.
    pub(crate) fn serving(&self, model: Option<&str>) -> Option<&Descriptor> {
        let mut named = self.all.iter().rev();
        let serves = model.and_then(|model| named.find(|known| (known.serves)(model)));
        serves.or_else(|| self.all.iter().find(|known| known.price == PriceRule::Listed))
    }

    /// The model to use when only its price matters.
    pub(crate) fn default_model(&self) -> Option<&'static str> {
        self.all.iter().find_map(|known| match known.model {
            ModelRule::Default(model) => Some(model),
            _ => None,
        })
    }

    /// The error that none has this name.
    pub(crate) fn unknown(&self, name: &str) -> crate::Error {
        let known: Vec<&str> = self.all.iter().map(|known| known.name).collect();
        let hint = format!("the backends of this program are {}", known.join(", "));
        usage(format!("there is no backend \"{name}\""), suggest(name, known, &hint))
    }
}

/// Facts about a backend that a run saves, so that a program without the backend can still read and export the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackendFacts {
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// Batch price relative to single calls.
    pub price_factor: f64,
}

/// The program around the library.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its backends.
    pub backends: Registry,
    /// What a model is asked about each finished conversation.
    pub annotators: Vec<&'static dyn Annotator>,
    /// Takes a line that a person should read.
    pub notify: fn(&str),
    /// Restarts the program with an environment variable; returns if that is not possible.
    pub restart: fn(&Restart),
}

impl Default for Host {
    /// A host without backends that discards all messages.
    fn default() -> Self {
        Self {
            backends: Registry::default(),
            annotators: Vec::new(),
            notify: |_| {},
            restart: |_| {},
        }
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_batch_client::{OpenError, Opened};

    use super::*;

    fn closed(_: &clinstruct_batch_client::BackendSettings) -> Result<Opened, OpenError> {
        Err(OpenError::setting("closed", "try another one"))
    }

    fn registry() -> Registry {
        Registry::new(&[
            Descriptor { price: PriceRule::Free, ..Descriptor::new("free", closed) },
            Descriptor { model: ModelRule::Default("large"), ..Descriptor::new("paid", closed) },
            Descriptor {
                serves: |model| model.starts_with("claude"),
                ..Descriptor::new("other", closed)
            },
        ])
    }

    #[test]
    fn one_of_the_same_name_takes_the_place_of_the_first() {
        let mine = Descriptor { about: "mine", ..Descriptor::new("paid", closed) };
        let registry = registry().with(mine).with(Descriptor::new("new", closed));
        let names: Vec<&str> = registry.all().iter().map(|known| known.name).collect();
        assert_eq!(names, ["free", "paid", "other", "new"]);
        assert_eq!(registry.get("paid").map(|known| known.about), Some("mine"));
        assert_eq!(registry.default_name(), "free");
        assert!(registry.get("nowhere").is_none());
    }

    #[test]
    fn a_model_is_of_who_serves_it_and_otherwise_of_the_first_with_prices() {
        let registry = registry();
        let of = |model| registry.serving(model).map(|known| known.name);
        assert_eq!(of(Some("claude-x")), Some("other"));
        assert_eq!(of(Some("anything")), Some("paid"));
        assert_eq!(of(None), Some("paid"));
        assert_eq!(registry.default_model(), Some("large"));
    }
}
