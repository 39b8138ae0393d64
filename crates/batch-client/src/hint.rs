//! What to do about what a provider reports.

use clinstruct_schema::{Blame, Fault, Hint};

use crate::{Error, ErrorKind, OpenError};

/// How a run goes on once it is fixed.
const RESUME: &str = "then rerun the same command to resume; answered requests are not sent again";

/// What to do about what a provider reports, in its `words`; `None` where its reply cannot be read.
///
/// Providers report a wrong parameter in words only, so these are searched for the settings that change it.
pub fn fault_hint(fault: Option<Fault>, words: &str) -> String {
    let words = words.to_lowercase();
    let names = |all: &[&str]| all.iter().any(|word| words.contains(word));
    let step = match fault {
        Some(Fault::Account) => "check the key and its permissions",
        Some(Fault::Quota) => "add quota or credit",
        Some(Fault::Model) => {
            "check --model against the models that the provider offers to this key"
        }
        Some(Fault::NotFound) => {
            return "check --base-url: it includes the version, as in http://127.0.0.1:8000/v1"
                .into();
        }
        Some(Fault::Request) if names(&["max_completion_tokens"]) => {
            "add --token-parameter max_completion_tokens"
        }
        Some(Fault::Request) if names(&["context length", "model length", "context window"]) => {
            "use a model with a longer context, or serve it with one"
        }
        Some(Fault::Request) if names(&["response_format", "json_schema", "guided", "grammar"]) => {
            "add --no-schema"
        }
        Some(Fault::Request) if names(&["413", "too large"]) => {
            "raise the limit on the size of requests at the provider or gateway, or lower --rows-per-job"
        }
        Some(Fault::Request) if names(&["seed"]) => "add --no-seed",
        Some(Fault::Request) if names(&["param", "temperature", "unsupported", "max_tokens"]) => {
            "change what the provider names (--token-parameter, --no-seed, --no-schema, --temperature)"
        }
        Some(Fault::Request) => "fix what the provider reports",
        Some(Fault::Content) => return "use another model or provider for these texts".into(),
        Some(Fault::Server | Fault::Busy | Fault::Expired) => {
            "wait until the provider has recovered"
        }
        None => "check --base-url and --backend (raw/ has the responses as they were received)",
    };
    format!("{step}, {RESUME}")
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let fault = match self.kind {
            ErrorKind::Unauthorised => Some(Fault::Account),
            ErrorKind::UnknownModel => Some(Fault::Model),
            ErrorKind::NotFound => Some(Fault::NotFound),
            ErrorKind::QuotaExhausted => Some(Fault::Quota),
            ErrorKind::Refused => Some(Fault::Request),
            ErrorKind::Filtered => Some(Fault::Content),
            ErrorKind::Server => Some(Fault::Server),
            ErrorKind::Protocol => None,
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Truncated => {
                Some(Fault::Busy)
            }
            ErrorKind::Io => return Some(format!("fix it, {RESUME}")),
        };
        Some(fault_hint(fault, &self.message))
    }

    fn blame(&self) -> Blame {
        Blame::Environment
    }
}

impl Hint for OpenError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting { hint, .. } => Some(hint.clone()),
            Self::Backend(e) => e.hint(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Setting { .. } => Blame::Usage,
            Self::Backend(e) => e.blame(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_a_hint() {
        use ErrorKind as Kind;
        let all = [
            (Kind::Unauthorised, "401: no such key"),
            (Kind::UnknownModel, "no such model"),
            (Kind::QuotaExhausted, "billing limit reached"),
            (Kind::RateLimited, "slow down"),
            (Kind::Unavailable, "connection refused"),
            (Kind::Server, "502"),
            (Kind::Filtered, "content policy"),
            (Kind::Refused, "use 'max_completion_tokens' instead"),
            (Kind::Refused, "maximum context length is 2048 tokens"),
            (Kind::Refused, "unknown field response_format"),
            (Kind::Refused, "413 Payload Too Large"),
            (Kind::Refused, "'seed' is not supported"),
            (Kind::Refused, "unsupported value: 'temperature'"),
            (Kind::Refused, "no"),
            (Kind::NotFound, "404"),
            (Kind::Protocol, "no JSON"),
            (Kind::Truncated, "8 of 30 bytes came"),
            (Kind::Io, "disk"),
        ];
        let lines: Vec<String> = all
            .into_iter()
            .map(|(kind, words)| {
                let e = Error::new(kind, "submit job", words);
                format!("{kind:?} {words}\n  {}", e.hint().unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        Unauthorised 401: no such key
          check the key and its permissions, then rerun the same command to resume; answered requests are not sent again
        UnknownModel no such model
          check --model against the models that the provider offers to this key, then rerun the same command to resume; answered requests are not sent again
        QuotaExhausted billing limit reached
          add quota or credit, then rerun the same command to resume; answered requests are not sent again
        RateLimited slow down
          wait until the provider has recovered, then rerun the same command to resume; answered requests are not sent again
        Unavailable connection refused
          wait until the provider has recovered, then rerun the same command to resume; answered requests are not sent again
        Server 502
          wait until the provider has recovered, then rerun the same command to resume; answered requests are not sent again
        Filtered content policy
          use another model or provider for these texts
        Refused use 'max_completion_tokens' instead
          add --token-parameter max_completion_tokens, then rerun the same command to resume; answered requests are not sent again
        Refused maximum context length is 2048 tokens
          use a model with a longer context, or serve it with one, then rerun the same command to resume; answered requests are not sent again
        Refused unknown field response_format
          add --no-schema, then rerun the same command to resume; answered requests are not sent again
        Refused 413 Payload Too Large
          raise the limit on the size of requests at the provider or gateway, or lower --rows-per-job, then rerun the same command to resume; answered requests are not sent again
        Refused 'seed' is not supported
          add --no-seed, then rerun the same command to resume; answered requests are not sent again
        Refused unsupported value: 'temperature'
          change what the provider names (--token-parameter, --no-seed, --no-schema, --temperature), then rerun the same command to resume; answered requests are not sent again
        Refused no
          fix what the provider reports, then rerun the same command to resume; answered requests are not sent again
        NotFound 404
          check --base-url: it includes the version, as in http://127.0.0.1:8000/v1
        Protocol no JSON
          check --base-url and --backend (raw/ has the responses as they were received), then rerun the same command to resume; answered requests are not sent again
        Truncated 8 of 30 bytes came
          wait until the provider has recovered, then rerun the same command to resume; answered requests are not sent again
        Io disk
          fix it, then rerun the same command to resume; answered requests are not sent again
        ");
    }
}
