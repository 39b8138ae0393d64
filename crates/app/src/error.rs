use std::fmt;

use clinstruct_catalog::{CatalogError, Mistake, nearest};
use clinstruct_schema::{Blame, Hint};

/// Result of what a command does.
pub type Result<T> = std::result::Result<T, Error>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What kind of trouble stopped a command.
#[derive(Debug)]
pub enum ErrorKind {
    /// Wrong use or wrong input.
    Usage,
    /// The resources have mistakes, each with its file and place. It is wrong input.
    Resources(Vec<Mistake>),
    /// The provider or the environment.
    Environment,
    /// Nobody reads what the command prints any more, which is no trouble at all.
    Unread,
}

impl From<Blame> for ErrorKind {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::Usage => Self::Usage,
            Blame::Environment => Self::Environment,
        }
    }
}

/// Why a command stopped: what was being done or is wrong, the errors below, and what to do about it.
///
/// Every error that has a [`Hint`] becomes one by `?`. Kind and hint are taken at that moment, while the type of the error is
/// known, and [`Context`] only adds what was being done. It has no `Hint` itself: it could not be made of all others then.
#[derive(Debug)]
pub struct Error {
    /// Kind, for decisions.
    pub kind: ErrorKind,
    /// What to do, where that can be said.
    pub hint: Option<String>,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    /// What is wrong, or was being done, with the error below.
    Own(String, Option<Source>),
    /// The error itself says it.
    OfSource(Source),
}

impl Error {
    /// Wrong use or wrong input, with what to do.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message, hint)
    }

    /// The provider or the environment is in the way, with what to do.
    pub fn environment(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Environment, message, hint)
    }

    /// Nobody reads the output any more.
    pub fn unread() -> Self {
        let operation = Operation::Own("nobody reads the output any more".into(), None);
        Self { kind: ErrorKind::Unread, hint: None, operation }
    }

    fn new(kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let operation = Operation::Own(message.into(), None);
        Self { kind, hint: Some(hint.into()), operation }
    }

    /// The mistakes of resources, which are shown with their places.
    pub(crate) fn resources(e: CatalogError) -> Self {
        let (hint, message) = (Some(e.hint().to_owned()), e.to_string());
        let kind = ErrorKind::Resources(e.mistakes);
        Self { kind, hint, operation: Operation::Own(message, None) }
    }

    /// The same as wrong input, where the command knows that what failed was named by the user.
    #[must_use]
    pub(crate) fn of_usage(self) -> Self {
        Self { kind: ErrorKind::Usage, ..self }
    }

    /// The same with another hint, where the command knows more than the error.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            Operation::Own(message, _) => f.write_str(message),
            Operation::OfSource(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.operation {
            Operation::Own(_, source) => source.as_deref().map(|e| e as _),
            Operation::OfSource(source) => source.source(),
        }
    }
}

impl<E: Hint + Send + Sync + 'static> From<E> for Error {
    fn from(e: E) -> Self {
        let (kind, hint) = (e.blame().into(), e.hint());
        Self { kind, hint, operation: Operation::OfSource(Box::new(e)) }
    }
}

/// Adds what was being done to an error.
pub trait Context<T> {
    /// With a text.
    fn context(self, operation: impl Into<String>) -> Result<T>;

    /// With a text that is made only for an error.
    fn with_context(self, operation: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, operation: impl Into<String>) -> Result<T> {
        self.with_context(|| operation.into())
    }

    fn with_context(self, operation: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| {
            let Error { kind, hint, operation: below } = e.into();
            let source = match below {
                Operation::OfSource(source) => source,
                own @ Operation::Own(..) => {
                    Box::new(Error { kind: ErrorKind::Environment, hint: None, operation: own })
                }
            };
            Error { kind, hint, operation: Operation::Own(operation(), Some(source)) }
        })
    }
}

/// Wrong use or wrong input, with what to do.
pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::usage(message, hint)
}

/// The hint for a name that nothing has: the known name that it resembles, if there is one, and the hint.
pub fn suggest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>, hint: &str) -> String {
    match nearest(wrong, known) {
        Some(nearest) => format!("{nearest} {hint}"),
        None => hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;

    use super::*;

    /// The error and those below it.
    fn chain(e: &Error) -> Vec<String> {
        let mut all = vec![e.to_string()];
        let mut below = e.source();
        while let Some(e) = below {
            all.push(e.to_string());
            below = e.source();
        }
        all
    }

    #[test]
    fn kind_and_hint_are_those_of_the_error_below_all_context() {
        let failed = || -> Result<()> {
            Err(io::Error::other("no such luck"))?;
            Ok(())
        };
        let e = failed().context("read a file").with_context(|| "build".into()).unwrap_err();
        assert_eq!(chain(&e), ["build", "read a file", "no such luck"]);
        assert!(matches!(e.kind, ErrorKind::Environment));
        assert_eq!(e.hint, io::Error::other("").hint());

        let wrong: Result<()> = Err(usage("there is no run in here", "name another folder"));
        let e = wrong.context("look").unwrap_err();
        assert_eq!(chain(&e), ["look", "there is no run in here"]);
        assert!(matches!(e.kind, ErrorKind::Usage));
        assert_eq!(e.hint.as_deref(), Some("name another folder"));
    }

    #[test]
    fn mistakes_in_resources_stay_with_their_places() {
        let files = [("countries.toml".to_owned(), "nonsense".to_owned())].into();
        let e = Error::resources(clinstruct_catalog::Catalog::read(files).unwrap_err());
        let ErrorKind::Resources(mistakes) = &e.kind else { panic!("{e}") };
        assert!(!mistakes.is_empty());
        assert_eq!(e.hint.as_deref(), Some("fix them all, then rerun the command"));
    }
}
