//! Translates the settings of a command into the settings of a backend.

use std::time::Duration;

use clinstruct_batch_client::BackendSettings;

use crate::record::TokenParameter;
use crate::{Registry, Settings};

/// Splits a setting such as `user=chat:qwen3:8b` into backend and model; `None` if it names no backend, since model
/// names may contain colons.
pub(crate) fn backend_of_role<'r>(
    setting: &'r str,
    backends: &Registry,
) -> Option<(&'r str, &'r str)> {
    let (_, route) = setting.split_once('=')?;
    let (name, model) = route.split_once(':')?;
    backends.get(name).map(|_| (model, name))
}

/// Backend settings without those that depend on the backend.
pub(crate) fn backend_settings(settings: &Settings) -> BackendSettings {
    let mut given = BackendSettings::default();
    given.profile.clone_from(&settings.profile);
    given.tier = settings.tier;
    given.queued_tokens = settings.queued_tokens;
    given.command.clone_from(&settings.command);
    given.concurrency = settings.concurrency;
    given.context = settings.context;
    given.stop.clone_from(&settings.stop);
    given.requests_per_minute = settings.requests_per_minute;
    given.tokens_per_minute = settings.tokens_per_minute;
    given.timeout = settings.timeout.map(Duration::from_secs);
    given.pause = settings.pause.map(Duration::from_millis);
    given.no_schema = settings.no_schema;
    given.no_seed = settings.no_seed;
    given.max_completion_tokens =
        settings.token_parameter.map(|name| name == TokenParameter::MaxCompletionTokens);
    given.misbehave.clone_from(&settings.misbehave);
    let options = settings.backend_option.iter();
    given.options = options
        .filter_map(|option| option.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    given
}
