use clinstruct_batch_client::OpenError;

/// A usage error with its hint.
#[derive(Debug)]
pub struct UsageError {
    /// What is wrong.
    pub message: String,
    /// Hint.
    pub hint: String,
}

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UsageError {}

/// A usage error as an `anyhow` error.
pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    UsageError { message: message.into(), hint: hint.into() }.into()
}

/// A backend that could not be opened; a wrong setting is a usage error.
pub(crate) fn unopened(e: OpenError) -> anyhow::Error {
    match e {
        OpenError::Setting { message, hint } => usage(message, hint),
        OpenError::Backend(e) => e.into(),
    }
}
