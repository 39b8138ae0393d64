//! Why a command failed.

use std::{fmt, io};

/// Result of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong arguments.
    Usage(String),
    /// A file or a program could not be used.
    Io {
        /// The operation.
        operation: String,
        /// What is wrong.
        source: io::Error,
    },
    /// A program failed; it has reported why.
    Child {
        /// The program and its first arguments.
        command: String,
        /// Its exit code, if there is one.
        code: Option<i32>,
    },
    /// A required program is missing.
    Missing {
        /// Which.
        what: String,
        /// How to get it.
        hint: String,
    },
    /// A check has findings, one per entry.
    Findings(Vec<String>),
}

impl Failure {
    /// For `map_err`: an error during `operation`.
    pub(crate) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |source| Self::Io { operation, source }
    }

    /// The exit code: 2 wrong use, 3 environment, a program's own, 1 everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Io { .. } | Self::Missing { .. } => 3,
            Self::Child { code, .. } => code.and_then(|c| u8::try_from(c).ok()).unwrap_or(1),
            Self::Findings(_) => 1,
        }
    }

    /// Prints it to stderr, with a hint.
    pub(crate) fn show(&self) {
        match self {
            Self::Findings(findings) => {
                for finding in findings {
                    eprintln!("{finding}");
                }
                let many = if findings.len() == 1 { "" } else { "s" };
                eprintln!("error: {} finding{many}", findings.len());
            }
            Self::Io { source, .. } => {
                eprintln!("error: {self}");
                eprintln!("  caused by: {source}");
            }
            Self::Usage(_) => {
                eprintln!("error: {self}");
                eprintln!("  hint: cargo xtask help");
            }
            Self::Missing { hint, .. } => {
                eprintln!("error: {self}");
                eprintln!("  hint: {hint}");
            }
            Self::Child { .. } => eprintln!("error: {self}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Missing { what, .. } => f.write_str(what),
            Self::Io { operation, .. } => f.write_str(operation),
            Self::Child { command, code: Some(code) } => {
                write!(f, "`{command}` ended with exit code {code}")
            }
            Self::Child { command, code: None } => write!(f, "`{command}` was stopped by a signal"),
            Self::Findings(findings) => write!(f, "{} findings", findings.len()),
        }
    }
}
