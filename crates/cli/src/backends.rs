//! From settings to the ways to the models.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum as _;
use clinstruct_backend_anthropic::Anthropic;
use clinstruct_backend_chat::{Chat, Options as ChatOptions};
use clinstruct_backend_command::{Command, Options as CommandOptions};
use clinstruct_backend_openai::{OpenAi, Profile, queued_tokens};
use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchBackend;
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{Route, Routes};
use clinstruct_provider_http::Secret;
use clinstruct_schema::{Price, Speaker};

use crate::args::{BackendName, RunArgs};
use crate::exit::usage;
use crate::llama::Llama;

/// The roles that a model plays, as they are written on the command line.
const ROLES: [(&str, Speaker); 3] = [
    ("prompt-writer", Speaker::PromptWriter),
    ("assistant", Speaker::Assistant),
    ("user", Speaker::User),
];

/// The ways to the models that the settings ask for.
pub(crate) fn routes(
    args: &RunArgs,
    catalog: &Catalog,
    out: &Path,
    spool: bool,
) -> anyhow::Result<Routes> {
    let main = args.backend.unwrap_or(BackendName::Rehearsal);
    let model = args.model.clone();
    let mut llama = Llama::default();
    let first = route(args, catalog, out, spool, &mut llama, main, model, true)?;
    let mut routes = Routes::one(first);
    for setting in &args.role {
        let hint = "write --role ROLE=MODEL or --role ROLE=BACKEND:MODEL; the roles are \
                    prompt-writer, assistant and user";
        let (role, way) = setting
            .split_once('=')
            .ok_or_else(|| usage(format!("--role {setting} has no `=`"), hint))?;
        let speaker = ROLES
            .iter()
            .find(|(name, _)| *name == role)
            .map(|(_, speaker)| *speaker)
            .ok_or_else(|| usage(format!("there is no role \"{role}\""), hint))?;
        // A model's name may have colons of its own: `qwen3:8b`.
        let (backend, model) = match way.split_once(':') {
            Some((name, model)) => match BackendName::from_str(name, false) {
                Ok(backend) => (backend, model),
                Err(_) => (main, way),
            },
            None => (main, way),
        };
        let same = backend == main;
        let model = Some(model.to_owned());
        let way = route(args, catalog, out, spool, &mut llama, backend, model, same)?;
        routes = routes.with(speaker, way);
    }
    Ok(routes)
}

#[expect(clippy::too_many_arguments, reason = "all are settings of one call")]
fn route(
    args: &RunArgs,
    catalog: &Catalog,
    out: &Path,
    spool: bool,
    llama: &mut Llama,
    name: BackendName,
    model: Option<String>,
    is_main: bool,
) -> anyhow::Result<Route> {
    if args.estimate_only && name != BackendName::Rehearsal {
        return priced(args, catalog, name, model, is_main);
    }
    // The address and the price on the command line are those of the main backend.
    let base_urls: &[String] = if is_main { &args.base_url } else { &[] };
    let (backend, model) = match name {
        BackendName::Rehearsal => return rehearsal(args, catalog, out, spool, model),
        BackendName::Openai => {
            let model = model.unwrap_or_else(|| "gpt-4o".into());
            (openai(args, base_urls, &model)?, model)
        }
        BackendName::Anthropic => {
            let base = address(base_urls, "ANTHROPIC_BASE_URL")
                .unwrap_or_else(|| clinstruct_backend_anthropic::BASE_URL.into());
            let key = key("ANTHROPIC_API_KEY", &base)?;
            let backend: Arc<dyn BatchBackend> = Arc::new(Anthropic::new(&base, key)?);
            (backend, model.unwrap_or_else(|| "claude-sonnet-4-5".into()))
        }
        BackendName::Chat => {
            let model = needed(model, "chat")?;
            (chat(args, base_urls)?, model)
        }
        BackendName::Command => {
            let model = needed(model, "command")?;
            let line = args.command.as_deref().ok_or_else(|| {
                usage(
                    "--backend command needs --command",
                    "such as --command 'vllm run-batch -i {input} -o {output} --model M'",
                )
            })?;
            let words = shlex::split(line)
                .ok_or_else(|| usage("--command has a quote that is not closed", "close it"))?;
            let options = CommandOptions::new(words, out.join("command"));
            let backend: Arc<dyn BatchBackend> = Arc::new(Command::new(options).map_err(wrong)?);
            (backend, model)
        }
        BackendName::Llama => return llama.route(args, catalog, model),
    };
    let price = price(args, catalog, &*backend, name, &model, is_main)?;
    let name = format!("{} {model}", backend.id());
    Ok(Route { name, backend, model, price })
}

/// A way that is only asked what it costs: no key, no address.
fn priced(
    args: &RunArgs,
    catalog: &Catalog,
    name: BackendName,
    model: Option<String>,
    is_main: bool,
) -> anyhow::Result<Route> {
    let nowhere = "http://127.0.0.1:9";
    let backend: Arc<dyn BatchBackend> = match name {
        BackendName::Anthropic => Arc::new(Anthropic::new(nowhere, None)?),
        BackendName::Openai => {
            let mut profile = Profile::named("openai").ok_or_else(|| usage("no profile", ""))?;
            profile.base_url = nowhere.into();
            Arc::new(OpenAi::new(profile, None, None)?)
        }
        _ => Arc::new(Chat::new(ChatOptions::new(nowhere, None))?),
    };
    // A program and a model of one's own send no bill.
    let own = matches!(name, BackendName::Command | BackendName::Llama);
    let model = model.unwrap_or_else(|| match name {
        BackendName::Anthropic => "claude-sonnet-4-5".into(),
        _ => "gpt-4o".into(),
    });
    if own {
        let named = name.to_possible_value();
        let named = named.as_ref().map_or("its own", |v| v.get_name());
        return Ok(Route { name: format!("{named} {model}"), backend, model, price: None });
    }
    let price = price(args, catalog, &*backend, name, &model, is_main)?;
    Ok(Route { name: format!("{} {model}", backend.id()), backend, model, price })
}

/// A setting that a backend refuses is wrong use.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn wrong(e: clinstruct_batch_client::Error) -> anyhow::Error {
    usage(e.to_string(), "see `clinstruct build --help`")
}

fn needed(model: Option<String>, backend: &str) -> anyhow::Result<String> {
    model.ok_or_else(|| {
        usage(
            format!("--backend {backend} needs --model"),
            "give the model's name as the server or program knows it",
        )
    })
}

fn rehearsal(
    args: &RunArgs,
    catalog: &Catalog,
    out: &Path,
    spool: bool,
    model: Option<String>,
) -> anyhow::Result<Route> {
    let rates = rates(&args.misbehave)?;
    let folder = out.join("spool");
    let spool = (spool || folder.exists()).then_some(folder);
    let model = match model {
        Some(model) => model,
        // What a grammar writes depends on how it is told to misbehave: another model, so to speak.
        None if rates == Rates::default() => "rehearsal".into(),
        None => format!("rehearsal {}", args.misbehave.join(" ")),
    };
    let backend = Arc::new(Rehearsal::new(catalog.instructions(), rates, spool));
    Ok(Route { name: format!("rehearsal {model}"), backend, model, price: None })
}

pub(crate) fn rates(misbehave: &[String]) -> anyhow::Result<Rates> {
    let mut rates = Rates::default();
    for setting in misbehave {
        if setting == "none" {
            rates = Rates::none();
            continue;
        }
        let known = || format!("use `none` or one of: {}", Rates::NAMES.join(", "));
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| usage(format!("--misbehave {setting} has no `=`"), known()))?;
        let rate: f64 = value
            .parse()
            .ok()
            .filter(|r| (0.0..=1.0).contains(r))
            .ok_or_else(|| usage(format!("{value} is no rate"), "give a number from 0 to 1"))?;
        if !rates.set(name, rate) {
            return Err(usage(format!("there is no misbehaviour \"{name}\""), known()));
        }
    }
    Ok(rates)
}

fn openai(
    args: &RunArgs,
    base_urls: &[String],
    model: &str,
) -> anyhow::Result<Arc<dyn BatchBackend>> {
    let name = args.profile.as_deref().unwrap_or("openai");
    let mut profile = Profile::named(name).ok_or_else(|| {
        usage(
            format!("there is no profile \"{name}\""),
            format!("the profiles are {}", Profile::names().join(", ")),
        )
    })?;
    if let Some(base) = address(base_urls, "OPENAI_BASE_URL") {
        profile.base_url = base;
    } else if profile.base_url.contains("RESOURCE") {
        return Err(usage(
            format!("the profile {name} has an address for each customer"),
            format!("give yours with --base-url, such as {}", profile.base_url),
        ));
    }
    let key = key(&profile.key_variable, &profile.base_url)?;
    let queue = args.queued_tokens.or_else(|| args.tier.and_then(|t| queued_tokens(model, t)));
    Ok(Arc::new(OpenAi::new(profile, key, queue).map_err(wrong)?))
}

fn chat(args: &RunArgs, base_urls: &[String]) -> anyhow::Result<Arc<dyn BatchBackend>> {
    let bases: Vec<String> = if base_urls.is_empty() {
        variable("CLINSTRUCT_BASE_URL").into_iter().collect()
    } else {
        base_urls.to_vec()
    };
    let Some(first) = bases.first() else {
        return Err(usage(
            "--backend chat needs an address",
            "give --base-url, such as http://127.0.0.1:8000/v1 for vLLM; several times for several servers",
        ));
    };
    let key = variable("CLINSTRUCT_API_KEY").map(|k| Secret::new(&k));
    let mut options = ChatOptions::new(first, key);
    options.base_urls = bases;
    if let Some(most) = args.concurrency {
        options.pace.most = most.max(1);
        options.pace.first = options.pace.first.min(most.max(1));
    }
    if let Some(pause) = args.pause {
        options.pace.pause = Duration::from_millis(pause) / 2;
    }
    options.pace.requests_per_minute = args.requests_per_minute;
    options.pace.tokens_per_minute = args.tokens_per_minute;
    options.dialect.structured_output = !args.no_schema;
    Ok(Arc::new(Chat::new(options).map_err(wrong)?))
}

/// The hub where none is named.
pub(crate) const HUB: &str = "https://huggingface.co";
/// Variables of the hub's own tools: its key and its address.
pub(crate) const HUB_KEY: &str = "HF_TOKEN";
pub(crate) const HUB_ENDPOINT: &str = "HF_ENDPOINT";

/// Address of the hub.
pub(crate) fn hub() -> String {
    variable(HUB_ENDPOINT).unwrap_or_else(|| HUB.to_owned())
}

/// A variable of the environment, where it is set and not blank.
#[expect(clippy::disallowed_methods, reason = "this is the shell, which reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.trim().is_empty())
}

fn address(flags: &[String], name: &str) -> Option<String> {
    flags.first().cloned().or_else(|| variable(name))
}

/// The key of a provider; one on this machine needs none.
fn key(name: &str, base: &str) -> anyhow::Result<Option<Secret>> {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    match variable(name) {
        Some(key) => Ok(Some(Secret::new(&key))),
        None if local.iter().any(|l| base.starts_with(l)) => Ok(None),
        None => Err(usage(
            format!("there is no key for {base}"),
            format!("set {name} in the environment; it is written nowhere"),
        )),
    }
}

/// What a model costs here. A provider's model without a known price is refused: no cap could hold.
fn price(
    args: &RunArgs,
    catalog: &Catalog,
    backend: &dyn BatchBackend,
    name: BackendName,
    model: &str,
    is_main: bool,
) -> anyhow::Result<Option<Price>> {
    if backend.limits().price_factor == 0.0 {
        return Ok(None);
    }
    if let Some(setting) = args.price.as_deref().filter(|_| is_main) {
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
            output,
            date: String::new(),
            source: "--price".into(),
        }));
    }
    match catalog.price(model) {
        Some(price) => Ok(Some(price.clone())),
        // A server of one's own has models of its own.
        None if name == BackendName::Chat => Ok(None),
        None => Err(usage(
            format!("what {model} costs is not known"),
            "give --price INPUT:OUTPUT in US dollars for a million tokens, or add it to prices.toml \
             in a folder for --resources",
        )),
    }
}

/// Whether anything here costs money.
pub(crate) fn is_paid(routes: &Routes) -> bool {
    routes.all().iter().any(|r| r.price.is_some())
}
