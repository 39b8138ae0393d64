use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

/// One mistake in one resource file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// The file, by its name below the resources folder.
    #[source_code]
    pub file: NamedSource<Arc<str>>,
    /// Where, in bytes.
    #[label("here")]
    pub span: SourceSpan,
    /// What to do.
    #[help]
    pub help: Option<String>,
}

/// All mistakes that were found.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the resources have {} mistake{}", mistakes.len(), if mistakes.len() == 1 { "" } else { "s" })]
pub struct CatalogError {
    /// One or more, by file and place.
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

/// The known name that is nearest to a wrong one, as a hint.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean \"{name}\"?"))
}
