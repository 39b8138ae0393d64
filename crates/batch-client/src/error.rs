use std::time::Duration;

use clinstruct_schema::ErrorClass;

/// Result of a backend's operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of trouble a job met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The key is missing, wrong, or may not do this.
    Unauthorised,
    /// The provider does not know the model.
    UnknownModel,
    /// Money or quota is used up.
    QuotaExhausted,
    /// Too much at once.
    RateLimited,
    /// Nobody answers, or with a server error.
    Unavailable,
    /// The provider refuses the job as it is.
    Refused,
    /// The provider does not know the job.
    NotFound,
    /// The answer does not have the documented shape.
    Protocol,
    /// A local file could not be read or written.
    Io,
}

/// Trouble with a job; a row's trouble is a [`clinstruct_schema::RowOutcome`].
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct Error {
    /// Kind, for decisions.
    pub kind: ErrorKind,
    /// What was being done, such as `submit job`.
    pub operation: &'static str,
    /// What was seen.
    pub message: String,
    /// How long the provider asks to wait, where it says.
    pub retry_after: Option<Duration>,
    /// The error below.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without a source.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self { kind, operation, message: message.into(), retry_after: None, source: None }
    }

    /// The same with the error below it.
    #[must_use]
    pub fn caused_by(mut self, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(e.into());
        self
    }

    /// What to do about it.
    pub fn class(&self) -> ErrorClass {
        match self.kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable => ErrorClass::RetryLater,
            ErrorKind::NotFound => ErrorClass::RetryNow,
            ErrorKind::Unauthorised
            | ErrorKind::UnknownModel
            | ErrorKind::QuotaExhausted
            | ErrorKind::Refused
            | ErrorKind::Protocol
            | ErrorKind::Io => ErrorClass::GiveUp,
        }
    }
}
