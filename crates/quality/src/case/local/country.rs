//! The country in which a text says that care takes place.

use std::ops::Range;

use super::{Class, Reading, ends_with, starts_with};
use crate::case::country::{is_whole, names};
use crate::case::view::View;

/// A country that a text names as the one of care, other than `code`.
pub(in crate::case) fn other(
    view: &View<'_>,
    reading: &Reading,
    code: &str,
) -> Option<(String, Range<usize>)> {
    names(reading.language).find(view.text).find_map(|(named, place)| {
        (named != code && is_whole(view.text, &place) && is_of_care(view, reading, &place))
            .then(|| Some((view.text.get(place.clone())?.to_owned(), place)))
            .flatten()
    })
}

fn is_of_care(view: &View<'_>, reading: &Reading, place: &Range<usize>) -> bool {
    let sentence = view.sentence(place.start);
    if reading.has(Class::Elsewhere, &sentence) || reading.is_of_other(view, &sentence, place.start)
    {
        return false;
    }
    let head = view.between(sentence.start, place.start).trim_end();
    let head = head.strip_suffix("ประเทศ").unwrap_or(head);
    let rest = view.between(place.end, sentence.end);
    if ends_with(head, &reading.file.from) || starts_with(rest, &reading.file.from_after) {
        return true;
    }
    let there = ends_with(head, &reading.file.within) || starts_with(rest, &reading.file.after);
    there && reading.has(Class::Here, &sentence)
}
