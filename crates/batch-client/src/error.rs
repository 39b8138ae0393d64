use std::time::Duration;

use clinstruct_schema::Fault;

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
    /// Too much at once: the provider did nothing and asks to wait.
    RateLimited,
    /// Nobody answers, or the service is starting or down for maintenance.
    Unavailable,
    /// The provider answers with an error of its own, such as 500 or 502.
    Server,
    /// The provider refuses the job for what it contains.
    Filtered,
    /// The provider refuses the job as it is.
    Refused,
    /// The provider does not know the job, file or address.
    NotFound,
    /// The answer does not have the documented shape.
    Protocol,
    /// A download ended too soon; asking again is free.
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

/// Trouble with a job; a row's trouble is a [`clinstruct_schema::RowOutcome`].
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct Error {
    /// Kind, for decisions.
    pub kind: ErrorKind,
    /// What was being done, such as `submit job`.
    pub operation: &'static str,
    /// What was seen, in the provider's words where it has any.
    pub message: String,
    /// How long the provider asks to wait, where it says.
    pub retry_after: Option<Duration>,
    /// Whether the provider may have done what it was asked to do, although this came back. False where it
    /// refused, or was never reached: then nothing was made, and nothing has to be looked for.
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

    /// The same with the error below it.
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

    /// Whether the same call may succeed later without anybody changing anything.
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
