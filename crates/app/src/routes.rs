//! Builds the routes to the models from the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clinstruct_batch_client::{
    BackendSettings, BatchBackend, Descriptor, Limits, ModelRule, PriceRule, Unopened,
};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{Route, Routes};
use clinstruct_schema::{Price, Speaker};

use crate::backend_settings::{backend_of_role, backend_settings};
use crate::{BackendFacts, Settings, address, suggest, usage, variable, weights};

/// The roles that a model plays, as named on the command line.
const ROLES: [(&str, Speaker); 3] = [
    ("prompt-writer", Speaker::PromptWriter),
    ("assistant", Speaker::Assistant),
    ("user", Speaker::User),
];

/// The routes that the settings require. `detached`: the command ends before its jobs do.
pub fn routes(
    settings: &Settings,
    catalog: &Catalog,
    out: &Path,
    threads: usize,
    detached: bool,
) -> crate::Result<Routes> {
    let main = settings.backend_name();
    let mut maker = Maker { settings, catalog, out, threads, detached, opened: Vec::new() };
    let mut routes = Routes::one(maker.route(main, settings.model.as_deref(), true)?);
    for setting in &settings.role {
        let hint = "write --role ROLE=MODEL or --role ROLE=BACKEND:MODEL; the roles are \
                    prompt-writer, assistant and user";
        let (role, route) = setting
            .split_once('=')
            .ok_or_else(|| usage(format!("--role {setting} has no `=`"), hint))?;
        let speaker = ROLES
            .iter()
            .find(|(name, _)| *name == role)
            .map(|(_, speaker)| *speaker)
            .ok_or_else(|| usage(format!("there is no role \"{role}\""), hint))?;
        let known = backend_of_role(setting, &settings.host.backends);
        let saved = || saved_backend_of_role(route, settings);
        let (model, backend) = known.or_else(saved).unwrap_or((route, main));
        routes = routes.with(speaker, maker.route(backend, Some(model), backend == main)?);
    }
    Ok(routes)
}

/// A route to a backend that the run knows and this program does not.
fn saved_backend_of_role<'r>(route: &'r str, settings: &Settings) -> Option<(&'r str, &'r str)> {
    let (name, model) = route.split_once(':')?;
    settings.facts.contains_key(name).then_some((model, name))
}

/// A backend for a weights file, shared by all roles.
struct Shared {
    name: &'static str,
    file: PathBuf,
    memory: u64,
    backend: Arc<dyn BatchBackend>,
}

struct Maker<'a> {
    settings: &'a Settings,
    catalog: &'a Catalog,
    out: &'a Path,
    threads: usize,
    detached: bool,
    opened: Vec<Shared>,
}

impl Maker<'_> {
    fn route(&mut self, name: &str, model: Option<&str>, is_main: bool) -> crate::Result<Route> {
        let sends_nothing = self.settings.keyless || self.settings.estimate_only;
        let Some(backend) = self.settings.host.backends.get(name) else {
            return match self.settings.facts.get(name) {
                Some(facts) if sends_nothing => Ok(of_facts(name, model, *facts)),
                _ => Err(self.settings.host.backends.unknown(name)),
            };
        };
        if let (Some(why), false) = (backend.unavailable, sends_nothing) {
            return Err(usage(why.message, why.hint));
        }
        let mut given = backend_settings(self.settings);
        given.folder = self.out.to_owned();
        given.detached = self.detached;
        given.threads = self.threads;
        given.instructions = self.catalog.instructions();
        given.model = self.model(backend, &given, model)?;
        let opened: Arc<dyn BatchBackend> = if sends_nothing {
            given.model = match backend.model {
                ModelRule::Weights => weights::called(&given.model, self.catalog),
                _ => given.model,
            };
            Arc::new(Unopened {
                name: backend.name.to_owned(),
                limits: (backend.limits)(&given),
                capabilities: (backend.capabilities)(&given),
            })
        } else {
            self.open(backend, &mut given, is_main)?
        };
        let model = given.model;
        let price = price(self.settings, self.catalog, backend.price, &model, is_main)?;
        Ok(Route { name: format!("{name} {model}"), backend: opened, model, price })
    }

    /// The model to request from a backend.
    fn model(
        &self,
        backend: &Descriptor,
        given: &BackendSettings,
        named: Option<&str>,
    ) -> crate::Result<String> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let hint = match backend.model {
            ModelRule::Default(model) => return Ok(model.to_owned()),
            ModelRule::Of(model) => return Ok(model(given)),
            _ if self.settings.estimate_only => {
                return Ok(self.settings.host.backends.default_model().unwrap_or("any").to_owned());
            }
            ModelRule::Required => "give the model's name as the server or program knows it",
            ModelRule::Weights => {
                "give the path of a .gguf file, or a name that `clinstruct model list` shows"
            }
        };
        Err(usage(format!("--backend {} needs --model", backend.name), hint))
    }

    fn open(
        &mut self,
        backend: &Descriptor,
        given: &mut BackendSettings,
        is_main: bool,
    ) -> crate::Result<Arc<dyn BatchBackend>> {
        if matches!(backend.model, ModelRule::Weights) {
            let file = weights::file_of(&given.model, self.catalog)?;
            given.model = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // Each file is opened once, for all roles that use it.
            let same = |o: &&Shared| o.name == backend.name && o.file == file;
            if let Some(shared) = self.opened.iter().find(same) {
                return Ok(Arc::clone(&shared.backend));
            }
            given.weights = Some(file);
            given.reserved_memory = self.opened.iter().map(|o| o.memory).sum();
        }
        (given.base_urls, given.key) = address::reach(self.settings, backend, is_main)?;
        let opened = (backend.open)(given)?;
        let host = &self.settings.host;
        if let Some(restart) = &opened.restart
            && restart.unless_set.iter().all(|name| variable(name).is_none())
        {
            (host.restart)(restart);
        }
        for note in &opened.notes {
            (host.notify)(note);
        }
        let id = opened.backend.id().0;
        if id != backend.name {
            return Err(usage(
                format!("the backend \"{}\" calls itself \"{id}\" in its rows", backend.name),
                "its descriptor and its id have to agree",
            ));
        }
        if let Some(file) = given.weights.clone() {
            let (name, memory) = (backend.name, opened.memory);
            let backend = Arc::clone(&opened.backend);
            self.opened.push(Shared { name, file, memory, backend });
        }
        Ok(opened.backend)
    }
}

/// A route from the saved facts of its backend.
fn of_facts(name: &str, model: Option<&str>, facts: BackendFacts) -> Route {
    let model = model.unwrap_or_default().to_owned();
    let mut limits = Limits::new(1, 1, 1);
    limits.price_factor = facts.price_factor;
    let capabilities = facts.capabilities;
    let backend = Arc::new(Unopened { name: name.to_owned(), limits, capabilities });
    Route { name: format!("{name} {model}"), backend, model, price: None }
}

/// The price of a model on this route.
fn price(
    settings: &Settings,
    catalog: &Catalog,
    rule: PriceRule,
    model: &str,
    is_main: bool,
) -> crate::Result<Option<Price>> {
    if rule == PriceRule::Free {
        return Ok(None);
    }
    if let Some(setting) = settings.price.as_deref().filter(|_| is_main) {
        let hint =
            "write --price INPUT:OUTPUT in US dollars for a million tokens, such as --price 2.5:10";
        let parsed = setting.split_once(':').and_then(|(input, output)| {
            let (input, output): (f64, f64) = (input.parse().ok()?, output.parse().ok()?);
            (input >= 0.0 && output >= 0.0).then_some((input, output))
        });
        let (input, output) =
            parsed.ok_or_else(|| usage(format!("{setting} is no price"), hint))?;
        return Ok(Some(Price {
            model: model.to_owned(),
            input,
            cached_input: input,
            cached_from: None,
            output,
            date: String::new(),
            source: "--price".into(),
        }));
    }
    match catalog.price(model) {
        Some(price) => Ok(Some(price.clone())),
        None if rule == PriceRule::ListedOrFree => Ok(None),
        None => Err(usage(
            format!("what {model} costs is not known"),
            suggest(
                model,
                catalog.prices.iter().map(|p| p.model.as_str()),
                "give --price INPUT:OUTPUT in US dollars for a million tokens, or add it to prices.toml \
                 in a folder for --resources",
            ),
        )),
    }
}
