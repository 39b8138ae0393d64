use std::time::Duration;

use clinstruct_batch_client::openai::Dialect;
use clinstruct_batch_client::{Capabilities, Limits};
#[cfg(feature = "http")]
use clinstruct_provider_http::Auth;
use serde::Deserialize;

/// What differs between providers with this API. Plain data; `profiles.toml` has the known ones.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name, such as `openai`.
    pub name: String,
    /// Base URL, version included.
    pub base_url: String,
    /// `bearer` or `api-key`.
    pub auth: String,
    /// Environment variable of the key.
    pub key_variable: String,
    /// Most rows per file.
    pub rows_per_job: usize,
    /// Most bytes per file.
    pub bytes_per_job: u64,
    /// Most batches in flight.
    pub jobs_at_once: usize,
    /// Batch price relative to single calls.
    pub price_factor: f64,
    /// Completion window.
    pub completion_window: String,
    /// Source of the limits.
    pub source: String,
    /// Request dialect.
    #[serde(default)]
    pub dialect: Dialect,
    /// Longest wait for more of a response; five minutes if `None`.
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
    // The file is embedded, and a test reads it.
    toml::from_str(include_str!("profiles.toml"))
        .unwrap_or(Profiles { profile: Vec::new(), queue: Vec::new() })
}

impl Profile {
    /// The known profile with this name.
    pub fn named(name: &str) -> Option<Self> {
        known().profile.into_iter().find(|p| p.name == name)
    }

    /// Names of the known profiles.
    pub fn names() -> Vec<String> {
        known().profile.into_iter().map(|p| p.name).collect()
    }

    /// The provider's limits; the token queue depends on the account.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::new(self.rows_per_job, self.bytes_per_job, self.jobs_at_once);
        limits.price_factor = self.price_factor;
        limits
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities::batch_api().with_structured_output(self.dialect.structured_output)
    }

    #[cfg(feature = "http")]
    pub(crate) fn auth(&self) -> Auth {
        if self.auth == "api-key" { Auth::ApiKey } else { Auth::Bearer }
    }
}

/// Maximum of prompt tokens of a model enqueued in batches, for a usage tier from 1 to 5.
pub fn queued_tokens(model: &str, tier: usize) -> Option<u64> {
    let queues = known().queue;
    // A dated snapshot has the limits of its model.
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
