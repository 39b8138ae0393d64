use std::time::Duration;

use clinstruct_schema::Fault;

/// Result of a backend operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Kind of a job error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The key is missing, wrong, or lacks permission.
    Unauthorised,
    /// The provider does not know the model.
    UnknownModel,
    /// Credit or quota is used up.
    QuotaExhausted,
    /// Rate limited: the provider did nothing and asks to wait.
    RateLimited,
    /// The service is unreachable, starting or down for maintenance.
    Unavailable,
    /// The provider returned an error of its own, such as 500 or 502.
    Server,
    /// The provider rejects the job for its content.
    Filtered,
    /// The provider rejects the job as malformed.
    Refused,
    /// The provider does not know the job, file or address.
    NotFound,
    /// The response does not have the documented shape.
    Protocol,
    /// A download ended early; fetching again is free.
    Truncated,
    /// A local file could not be read or written.
    Io,
}

impl From<Fault> for ErrorKind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy => Self::RateLimited,
            Fault::Server | Fault::Expired => Self::Server,
            Fault::Content => Self::Filtered,
            Fault::Request => Self::Refused,
            Fault::Account => Self::Unauthorised,
            Fault::Quota => Self::QuotaExhausted,
            Fault::Model => Self::UnknownModel,
            Fault::NotFound => Self::NotFound,
        }
    }
}

/// An error of a job; errors of a row are [`clinstruct_schema::RowOutcome`]s.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct Error {
    /// Kind, for decisions.
    pub kind: ErrorKind,
    /// The operation, such as `submit job`.
    pub operation: &'static str,
    /// Message, in the provider's words if there are any.
    pub message: String,
    /// How long the provider asks to wait, if it does.
    pub retry_after: Option<Duration>,
    /// Whether the provider may have acted despite the error. False if it refused or was never reached: then nothing
    /// was created, and there is nothing to search for.
    pub may_have_acted: bool,
    /// Bytes that came of a [truncated](ErrorKind::Truncated) download, where they are counted.
    pub received: Option<u64>,
    /// The error below.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without a source.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        let may_have_acted = matches!(
            kind,
            ErrorKind::Unavailable | ErrorKind::Server | ErrorKind::Protocol | ErrorKind::Truncated
        );
        let message = message.into();
        let (retry_after, received, source) = (None, None, None);
        Self { kind, operation, message, retry_after, may_have_acted, received, source }
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(e.into());
        self
    }

    /// The operation, the message and the causes, in one line.
    pub fn with_causes(&self) -> String {
        format!("{}: {}", self.operation, self.message_with_causes())
    }

    /// The message and the causes, in one line.
    pub fn message_with_causes(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(e) = cause {
            text = format!("{text}: {e}");
            cause = e.source();
        }
        text
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::RateLimited
                | ErrorKind::Unavailable
                | ErrorKind::Server
                | ErrorKind::Truncated
        )
    }
}
