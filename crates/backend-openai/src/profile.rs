use std::time::Duration;

use clinstruct_batch_client::openai::Dialect;
use clinstruct_batch_client::{Capabilities, Limits};
use clinstruct_provider_http::Auth;
use serde::Deserialize;

/// What tells a provider with this API from the others. Plain data; `profiles.toml` has those known here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name, such as `openai`.
    pub name: String,
    /// Address of the API, its version included.
    pub base_url: String,
    /// `bearer` or `api-key`.
    pub auth: String,
    /// Environment variable of the key.
    pub key_variable: String,
    /// Most rows of one file.
    pub rows_per_job: usize,
    /// Most bytes of one file.
    pub bytes_per_job: u64,
    /// Most batches under way at once.
    pub jobs_at_once: usize,
    /// What a batch costs compared to single calls.
    pub price_factor: f64,
    /// Time that the provider is given.
    pub completion_window: String,
    /// Page that the limits are from.
    pub source: String,
    /// How it reads requests.
    #[serde(default)]
    pub dialect: Dialect,
    /// Longest wait for more of a response; five minutes where `None`.
    #[serde(skip)]
    pub timeout: Option<Duration>,
}

#[derive(Deserialize)]
struct Profiles {
    profile: Vec<Profile>,
    queue: Vec<Queue>,
}

#[derive(Deserialize)]
struct Queue {
    model: String,
    tiers: Vec<u64>,
}

fn known() -> Profiles {
    // The file is part of the crate, and a test reads it.
    toml::from_str(include_str!("profiles.toml"))
        .unwrap_or(Profiles { profile: Vec::new(), queue: Vec::new() })
}

impl Profile {
    /// The known profile of this name.
    pub fn named(name: &str) -> Option<Self> {
        known().profile.into_iter().find(|p| p.name == name)
    }

    /// Names of the known profiles.
    pub fn names() -> Vec<String> {
        known().profile.into_iter().map(|p| p.name).collect()
    }

    /// How much the provider takes; the queue of tokens is the account's.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::new(self.rows_per_job, self.bytes_per_job, self.jobs_at_once);
        limits.price_factor = self.price_factor;
        limits
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities::batch_api().with_structured_output(self.dialect.structured_output)
    }

    pub(crate) fn auth(&self) -> Auth {
        if self.auth == "api-key" { Auth::ApiKey } else { Auth::Bearer }
    }
}

/// Most prompt tokens of a model that may wait in batches at once, for a usage tier from 1 to 5.
pub fn queued_tokens(model: &str, tier: usize) -> Option<u64> {
    let queues = known().queue;
    // A dated model has the limits of the one that it is a state of.
    let found = queues
        .iter()
        .filter(|q| model == q.model || model.strip_prefix(&q.model).is_some_and(dated))
        .max_by_key(|q| q.model.len())?;
    found.tiers.get(tier.checked_sub(1)?).copied()
}

fn dated(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|d| d.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_profiles_is_read() {
        assert_eq!(Profile::names(), ["openai", "azure", "groq"]);
        let openai = Profile::named("openai").unwrap();
        assert_eq!((openai.rows_per_job, openai.bytes_per_job), (50_000, 200_000_000));
        for name in Profile::names() {
            let profile = Profile::named(&name).unwrap();
            assert!(matches!(profile.auth.as_str(), "bearer" | "api-key"));
            assert!(profile.source.starts_with("https://"));
        }
    }

    #[test]
    fn a_dated_model_has_the_limits_of_its_family() {
        assert_eq!(queued_tokens("gpt-4o", 1), Some(90_000));
        assert_eq!(queued_tokens("gpt-4o-2024-08-06", 1), Some(90_000));
        assert_eq!(queued_tokens("gpt-4o-mini", 1), Some(2_000_000));
        assert_eq!(queued_tokens("gpt-4o-audio", 1), None);
        assert_eq!(queued_tokens("gpt-4o", 9), None);
    }
}
