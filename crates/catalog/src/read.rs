//! Reads a TOML file entry by entry, so that a mistake in one entry does not hide those in others.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::{Mistake, Place};
use crate::value::Node;

/// Resource files: path relative to the resources folder (with `/`) to text.
pub type Files = BTreeMap<String, String>;

/// A value with its position.
#[derive(Debug, Clone)]
pub(crate) struct Entry<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A file that is being read.
pub(crate) struct Reader<'a> {
    pub(crate) place: Place,
    table: DeTable<'a>,
    pub(crate) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(place: Place, text: &'a str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mistakes = errors
            .into_iter()
            .map(|e| {
                place.mistake(
                    e.span().unwrap_or(0..0),
                    format!("not valid TOML: {}", e.message()),
                    Some("see https://toml.io/en/v1.0.0 for the syntax".into()),
                )
            })
            .collect();
        Self { place, table: table.into_inner(), mistakes }
    }

    fn convert<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'a>>) -> Option<Entry<T>> {
        let span = value.span();
        match T::deserialize(Node::from(value)) {
            Ok(value) => Some(Entry { value, span }),
            Err(e) => {
                let place = e.span.unwrap_or(span);
                self.mistakes.push(self.place.mistake(place, e.message, None));
                None
            }
        }
    }

    fn take(&mut self, key: &str) -> Option<Spanned<DeValue<'a>>> {
        let found = self.table.keys().find(|k| k.get_ref() == key).cloned()?;
        self.table.remove(&found)
    }

    /// All entries of an array; a missing array is a mistake if `required`.
    pub(crate) fn entries<T: DeserializeOwned>(
        &mut self,
        key: &str,
        required: bool,
    ) -> Vec<Entry<T>> {
        let Some(value) = self.take(key) else {
            if required {
                let message = format!("the file has no [[{key}]] entries");
                self.mistakes.push(self.place.mistake(0..0, message, None));
            }
            return Vec::new();
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(array) => {
                array.into_iter().filter_map(|value| self.convert(value)).collect()
            }
            other => {
                let message = format!("`{key}` is a {}, expected an array", other.type_str());
                self.mistakes.push(self.place.mistake(span, message, None));
                Vec::new()
            }
        }
    }

    /// The items of a list, each a table, or a name alone from which `named` makes one.
    pub(crate) fn names_or_tables<T: DeserializeOwned>(
        &mut self,
        key: &str,
        named: impl Fn(Spanned<String>) -> T,
    ) -> Vec<T> {
        let Some(value) = self.take(key) else {
            self.mistake(0..0, format!("missing field `{key}`"), None);
            return Vec::new();
        };
        let span = value.span();
        let DeValue::Array(array) = value.into_inner() else {
            self.mistake(span, format!("`{key}` must be an array"), None);
            return Vec::new();
        };
        array
            .into_iter()
            .filter_map(|item| match item.get_ref() {
                DeValue::String(name) => Some(named(Spanned::new(item.span(), name.to_string()))),
                _ => self.convert(item).map(|e| e.value),
            })
            .collect()
    }

    /// One value; a missing one is a mistake if `required`.
    pub(crate) fn value<T: DeserializeOwned>(
        &mut self,
        key: &str,
        required: bool,
    ) -> Option<Entry<T>> {
        match self.take(key) {
            Some(value) => self.convert(value),
            None => {
                if required {
                    let message = format!("missing field `{key}`");
                    self.mistakes.push(self.place.mistake(0..0, message, None));
                }
                None
            }
        }
    }

    /// The whole file as one value.
    pub(crate) fn whole<T: DeserializeOwned>(&mut self) -> Option<Entry<T>> {
        // After a syntax error, the rest of the table is unreliable.
        let table = std::mem::take(&mut self.table);
        if !self.mistakes.is_empty() {
            return None;
        }
        self.convert(Spanned::new(0..self.place.text.len().min(1), DeValue::Table(table)))
    }

    pub(crate) fn mistake(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.mistakes.push(self.place.mistake(span, message, help));
    }

    /// Finishes the reading; unknown keys are mistakes.
    pub(crate) fn finish(mut self) -> Vec<Mistake> {
        let left: Vec<_> = self.table.keys().map(|k| (k.span(), k.get_ref().to_string())).collect();
        for (span, key) in left {
            self.mistake(span, format!("unknown field `{key}`"), None);
        }
        self.mistakes
    }
}
