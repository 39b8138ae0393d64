//! Which rows and texts a metric found a fault in.

use std::collections::BTreeMap;
use std::ops::Range;

use clinstruct_schema::Role;
use serde::Serialize;

use crate::Row;

/// Characters of an excerpt.
const EXCERPT: usize = 80;
/// Of these, characters before the fault.
const BEFORE: usize = 20;
/// Rows of each metric that are named.
const FIRST: usize = 5;

/// A place where a metric found a fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Id of the conversation.
    pub id: String,
    /// Turn of the conversation, from 1: a message of the user and the answer to it.
    pub turn: usize,
    /// Index of the message, from 0.
    pub message: usize,
    /// Start and end of the fault in bytes of the message, if it has a place.
    pub span: Option<[usize; 2]>,
    /// Up to 80 characters of the message around it, on one line.
    pub excerpt: String,
    /// What was seen, where the metric alone does not say it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A text that is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) row: &'a Row<'a>,
    /// Index of the message.
    pub(super) message: usize,
    /// The text of the message, or as much of its start as is measured.
    pub(super) text: &'a str,
}

impl Place<'_> {
    pub(super) fn fault(self, span: Option<Range<usize>>, detail: &str) -> Fault {
        let said = self.row.messages.get(..=self.message).unwrap_or_default();
        Fault {
            id: self.row.id.to_owned(),
            turn: said.iter().filter(|m| m.role == Role::User).count().max(1),
            message: self.message,
            excerpt: excerpt(self.text, span.as_ref().map_or(0, |s| s.start)),
            span: span.map(|s| [s.start, s.end]),
            detail: detail.to_owned(),
        }
    }
}

/// Whether a text has a fault, and where.
#[derive(Debug)]
pub(super) enum Seen {
    No,
    Somewhere,
    At(Range<usize>),
}

impl From<bool> for Seen {
    fn from(seen: bool) -> Self {
        if seen { Self::Somewhere } else { Self::No }
    }
}

impl From<Option<Range<usize>>> for Seen {
    fn from(place: Option<Range<usize>>) -> Self {
        place.map_or(Self::No, Self::At)
    }
}

/// How often something was seen, out of how many, and the first rows with it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) seen: u64,
    pub(super) of: u64,
    /// Ids of rows by their number. A row is measured by one thread, so that these are the same for any number of threads.
    rows: BTreeMap<usize, String>,
}

impl Tally {
    pub(super) fn count(&mut self, seen: bool) {
        self.seen += u64::from(seen);
        self.of += 1;
    }

    /// Counts a text, and keeps its id if it has the fault and its row is among the first.
    pub(super) fn add(&mut self, at: Place<'_>, seen: &Seen) {
        let is_seen = !matches!(seen, Seen::No);
        self.count(is_seen);
        let is_among = self.rows.len() < FIRST
            || self.rows.last_key_value().is_some_and(|(last, _)| at.row.number < *last);
        if is_seen && is_among {
            self.rows.entry(at.row.number).or_insert_with(|| at.row.id.to_owned());
            self.keep();
        }
    }

    /// Adds what another thread counted of other rows.
    pub(super) fn join(&mut self, other: Self) {
        self.seen += other.seen;
        self.of += other.of;
        self.rows.extend(other.rows);
        self.keep();
    }

    fn keep(&mut self) {
        while self.rows.len() > FIRST {
            self.rows.pop_last();
        }
    }

    /// Ids of the first rows.
    pub(super) fn ids(&self) -> Vec<String> {
        self.rows.values().cloned().collect()
    }
}

/// Up to 80 characters of a text from a little before `start`, on one line.
pub fn excerpt(text: &str, start: usize) -> String {
    let before = text.get(..start).unwrap_or_default();
    let skipped = before.chars().count().saturating_sub(BEFORE);
    let cut = usize::from(skipped > 0);
    let mut out: String = if cut > 0 { "…".into() } else { String::new() };
    let mut rest = text.chars().skip(skipped);
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    out.extend(rest.by_ref().take(EXCERPT - cut).map(one_line));
    if rest.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Message;
    use clinstruct_schema::Role::{Assistant, User};

    use super::*;

    #[test]
    fn an_excerpt_is_short_and_has_the_fault() {
        assert_eq!(excerpt("Take it\nnow.", 5), "Take it now.");
        let long = format!("{}fault{}", "ä".repeat(100), "ö".repeat(100));
        let short = excerpt(&long, 200);
        assert_eq!(short.chars().count(), EXCERPT);
        assert!(
            short.starts_with("…ä") && short.contains("fault") && short.ends_with("ö…"),
            "{short}"
        );
    }

    #[test]
    fn the_first_rows_are_kept_whoever_counts_them() {
        let messages = [(User, "What?"), (Assistant, "Sure! This.")]
            .map(|(role, content)| Message { role, content: content.into() });
        let count = |numbers: &[usize]| {
            let mut tally = Tally::default();
            for number in numbers {
                let id = format!("row {number}");
                let row = Row { number: *number, ..Row::new(&id, &messages) };
                let at = Place { row: &row, message: 1, text: &messages[1].content };
                tally.add(at, &Seen::At(0..5));
                tally.add(at, &Seen::No);
            }
            tally
        };
        let all = count(&[0, 1, 2, 3, 4, 5, 6, 7]);
        let mut halves = count(&[7, 1, 5, 3]);
        halves.join(count(&[6, 4, 0, 2]));
        assert_eq!((halves.seen, halves.of), (8, 16));
        assert_eq!(halves.ids(), all.ids());
        assert_eq!(all.ids(), ["row 0", "row 1", "row 2", "row 3", "row 4"]);
    }
}
