//! Why a provider gave up a job.

use std::fmt;

/// What a provider reports about a job that it gave up, as in `token_limit_exceeded: the queue is full`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFault {
    /// The provider's code, if any.
    pub code: Option<String>,
    /// The provider's message.
    pub message: String,
}

impl JobFault {
    /// Whether the provider's queue had no room for the job: it fits later, or in smaller pieces.
    ///
    /// Code of OpenAI's Batch API, <https://platform.openai.com/docs/guides/batch>, and of compatible ones.
    pub fn is_queue_full(&self) -> bool {
        self.code.as_deref().unwrap_or(&self.message).starts_with("token_limit_exceeded")
    }
}

impl From<String> for JobFault {
    /// Parses `code: message`, or a message alone.
    fn from(text: String) -> Self {
        match text.split_once(": ") {
            Some((code, message)) => Self { code: Some(code.into()), message: message.into() },
            None => Self { code: None, message: text },
        }
    }
}

impl From<&str> for JobFault {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for JobFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_and_shown_as_the_provider_wrote_it() {
        for (text, code, full) in [
            ("token_limit_exceeded: enqueued: 5", Some("token_limit_exceeded"), true),
            ("invalid_model: no such model", Some("invalid_model"), false),
            ("token_limit_exceeded", None, true),
            ("the job was stopped", None, false),
            ("", None, false),
        ] {
            let fault = JobFault::from(text);
            assert_eq!((fault.code.as_deref(), fault.is_queue_full()), (code, full), "{text}");
            assert_eq!(fault.to_string(), text);
        }
    }
}
