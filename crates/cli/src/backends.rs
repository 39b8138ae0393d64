//! From settings to the ways to the models.

use std::collections::BTreeMap;
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
use clinstruct_batch_client::openai::Dialect;
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{Route, Routes};
use clinstruct_provider_http::{Secret, is_loopback};
use clinstruct_schema::{Price, Speaker};

use crate::args::{BackendName, RunArgs, TokenParameter};
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
        let (model, backend) = backend_of_role(setting).unwrap_or((way, main));
        let same = backend == main;
        let model = Some(model.to_owned());
        let way = route(args, catalog, out, spool, &mut llama, backend, model, same)?;
        routes = routes.with(speaker, way);
    }
    Ok(routes)
}

/// The model and the backend of a setting such as `user=chat:qwen3:8b`; `None` where it names no backend: a
/// model's name may have colons of its own.
fn backend_of_role(setting: &str) -> Option<(&str, BackendName)> {
    let (_, way) = setting.split_once('=')?;
    let (name, model) = way.split_once(':')?;
    Some((model, BackendName::from_str(name, false).ok()?))
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
    let (backend, model) = match name {
        BackendName::Rehearsal => return rehearsal(args, catalog, out, spool, model),
        BackendName::Openai => {
            let model = model.unwrap_or_else(|| "gpt-4o".into());
            (openai(args, is_main, &model)?, model)
        }
        BackendName::Anthropic => {
            let base = base_urls(args, name, is_main)?.swap_remove(0);
            let key = key(args, "ANTHROPIC_API_KEY", &base)?;
            let backend = Anthropic::with_timeout(&base, key, timeout(args)).map_err(wrong)?;
            (Arc::new(backend) as _, model.unwrap_or_else(|| "claude-sonnet-4-5".into()))
        }
        BackendName::Chat => {
            let model = needed(model, "chat")?;
            (chat(args, is_main)?, model)
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
            let mut options = CommandOptions::new(words, out.join("command"));
            speak(args, &mut options.dialect);
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

fn openai(args: &RunArgs, is_main: bool, model: &str) -> anyhow::Result<Arc<dyn BatchBackend>> {
    let mut profile = profile(args)?;
    profile.base_url = base_urls(args, BackendName::Openai, is_main)?.swap_remove(0);
    profile.timeout = timeout(args);
    speak(args, &mut profile.dialect);
    let key = key(args, &profile.key_variable, &profile.base_url)?;
    let queue = args.queued_tokens.or_else(|| args.tier.and_then(|t| queued_tokens(model, t)));
    Ok(Arc::new(OpenAi::new(profile, key, queue).map_err(wrong)?))
}

fn profile(args: &RunArgs) -> anyhow::Result<Profile> {
    let name = args.profile.as_deref().unwrap_or("openai");
    Profile::named(name).ok_or_else(|| {
        usage(
            format!("there is no profile \"{name}\""),
            format!("the profiles are {}", Profile::names().join(", ")),
        )
    })
}

fn chat(args: &RunArgs, is_main: bool) -> anyhow::Result<Arc<dyn BatchBackend>> {
    let bases = base_urls(args, BackendName::Chat, is_main)?;
    let key = variable("CLINSTRUCT_API_KEY").map(|k| Secret::new(&k));
    let mut options = ChatOptions::new(bases.first().map_or("", String::as_str), key);
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
    options.timeout = timeout(args);
    speak(args, &mut options.dialect);
    Ok(Arc::new(Chat::new(options).map_err(wrong)?))
}

/// Longest silence within a response, where the settings have one.
fn timeout(args: &RunArgs) -> Option<Duration> {
    args.timeout.map(Duration::from_secs)
}

/// How requests are written, where the settings say so.
fn speak(args: &RunArgs, dialect: &mut Dialect) {
    dialect.seed &= !args.no_seed;
    if let Some(name) = args.token_parameter {
        dialect.max_completion_tokens = name == TokenParameter::MaxCompletionTokens;
    }
}

/// The variable of the environment that has the address of a backend.
fn address_variable(name: BackendName) -> Option<&'static str> {
    match name {
        BackendName::Openai => Some("OPENAI_BASE_URL"),
        BackendName::Anthropic => Some("ANTHROPIC_BASE_URL"),
        BackendName::Chat => Some("CLINSTRUCT_BASE_URL"),
        BackendName::Rehearsal | BackendName::Command | BackendName::Llama => None,
    }
}

/// The addresses of a backend, at least one. That of the settings is the main backend's; one that the run has
/// kept comes before the environment's, and that before the provider's own.
fn base_urls(args: &RunArgs, name: BackendName, is_main: bool) -> anyhow::Result<Vec<String>> {
    let variable_name = address_variable(name).unwrap_or_default();
    let not_saved = || {
        usage(
            "the address that this run was built with holds a secret, which was not saved",
            format!("give the address again, with --base-url or in {variable_name}"),
        )
    };
    if is_main && args.partial_address && !args.keyless {
        return Err(not_saved());
    }
    if is_main && !args.base_url.is_empty() {
        if let Some(bare) = args.base_url.iter().find(|url| !url.contains("://")) {
            return Err(usage(
                format!("--base-url {bare} has no http:// or https:// in front"),
                "write the whole address, its version included, such as http://127.0.0.1:8000/v1",
            ));
        }
        return Ok(args.base_url.clone());
    }
    let kept = args.addresses.get(variable_name);
    match kept.filter(|url| !url.is_empty()).cloned().or_else(|| variable(variable_name)) {
        Some(url) => return Ok(vec![url]),
        None if kept.is_some() && !args.keyless => return Err(not_saved()),
        None => {}
    }
    match name {
        BackendName::Openai => {
            let profile = profile(args)?;
            if profile.base_url.contains("RESOURCE") {
                return Err(usage(
                    format!("the profile {} has an address for each customer", profile.name),
                    format!("give yours with --base-url, such as {}", profile.base_url),
                ));
            }
            Ok(vec![profile.base_url])
        }
        BackendName::Anthropic => Ok(vec![clinstruct_backend_anthropic::BASE_URL.into()]),
        _ => Err(usage(
            "--backend chat needs an address",
            "give --base-url, such as http://127.0.0.1:8000/v1 for vLLM; several times for several servers",
        )),
    }
}

/// The address that the environment has for the main backend.
pub(crate) fn variable_address(args: &RunArgs) -> Option<String> {
    variable(address_variable(args.backend?)?)
}

/// The addresses that the settings lead to: those of the main backend, and of further ones by the variable that
/// can give them.
pub(crate) fn addresses(args: &RunArgs) -> (Vec<String>, BTreeMap<String, String>) {
    let main = args.backend.unwrap_or(BackendName::Rehearsal);
    let of = |name: BackendName, is_main: bool| match address_variable(name) {
        // What is missing was said when the routes were made.
        Some(_) => base_urls(args, name, is_main).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut more = args.addresses.clone();
    for (_, name) in args.role.iter().filter_map(|role| backend_of_role(role)) {
        if let (true, Some(variable)) = (name != main, address_variable(name)) {
            more.extend(of(name, false).pop().map(|url| (variable.to_owned(), url)));
        }
    }
    (if args.partial_address { args.base_url.clone() } else { of(main, true) }, more)
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

/// The key of a provider; one on this machine needs none, and neither does a command that sends nothing.
fn key(args: &RunArgs, name: &str, base: &str) -> anyhow::Result<Option<Secret>> {
    match variable(name) {
        Some(key) => Ok(Some(Secret::new(&key))),
        None if args.keyless || is_loopback(base) => Ok(None),
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
