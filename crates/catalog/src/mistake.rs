use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

/// A mistake in a resource file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// File, relative to the resources folder.
    #[source_code]
    pub file: NamedSource<Arc<str>>,
    /// Position, in bytes.
    #[label("here")]
    pub span: SourceSpan,
    /// Hint.
    #[help]
    pub help: Option<String>,
}

/// All mistakes that were found.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the resources have {} mistake{}", mistakes.len(), if mistakes.len() == 1 { "" } else { "s" })]
pub struct CatalogError {
    /// At least one, sorted by file and position.
    #[related]
    pub mistakes: Vec<Mistake>,
}

impl CatalogError {
    /// What to do. It is no `Hint`, so that nobody shows the sentence and loses the mistakes.
    pub fn hint(&self) -> &'static str {
        "fix them all, then rerun the command"
    }
}

/// Collects mistakes of one file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) text: Arc<str>,
}

impl Place {
    pub(crate) fn mistake(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Mistake {
        let end = span.end.min(self.text.len());
        let start = span.start.min(end);
        Mistake {
            message: message.into(),
            file: NamedSource::new(&self.name, Arc::clone(&self.text)),
            span: (start, end - start).into(),
            help,
        }
    }
}

/// Suggests the known name closest to a wrong one: `did you mean "this"?`; `None` if none is close.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean \"{name}\"?"))
}
