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
        match self.mistakes.len() {
            1 => "fix it, then rerun the command",
            _ => "fix them all, then rerun the command",
        }
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

/// Whether a name may be a known one, misspelled: at most a third of it differs, or most of its letters are there in order.
pub fn is_near(wrong: &str, known: &str) -> bool {
    let length = wrong.chars().count().max(known.chars().count());
    3 * strsim::osa_distance(wrong, known) <= length || strsim::jaro(wrong, known) >= 0.8
}

/// Suggests the known name closest to a wrong one: `did you mean "this"?`; `None` if none is close.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .filter(|name| is_near(wrong, name))
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean \"{name}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        for (wrong, known) in [
            ("limti", "limit"),
            ("sampel", "sample"),
            ("sed", "seed"),
            ("max_cost", "max-cost"),
            ("accept", "accept-change"),
            ("openia", "openai"),
            ("elderley", "elderly"),
        ] {
            assert!(is_near(wrong, known), "{wrong} {known}");
        }
        for (wrong, known) in [
            ("wibble", "title"),
            ("nonsense", "no-seed"),
            ("frobnicate", "concurrency"),
            ("verbosity", "version"),
        ] {
            assert!(!is_near(wrong, known), "{wrong} {known}");
        }
    }

    #[test]
    fn one_mistake_is_fixed_and_several_are() {
        let place = Place { name: "ages.toml".into(), text: "".into() };
        let of = |count| {
            let mistakes = (0..count).map(|_| place.mistake(0..0, "no", None)).collect();
            let e = CatalogError { mistakes };
            format!("{e}: {}", e.hint())
        };
        assert_eq!(of(1), "the resources have 1 mistake: fix it, then rerun the command");
        assert_eq!(of(2), "the resources have 2 mistakes: fix them all, then rerun the command");
    }
}
