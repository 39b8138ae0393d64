//! A statement with the words that it is filed by, which are looked for once.

use super::lexicon::{Kind, kinds};
use crate::case::view::View;
use crate::case::words::Found;

/// A statement of a list, read.
pub(super) struct Own<'a> {
    pub(super) view: View<'a>,
    pub(super) kinds: Vec<Found<Kind>>,
}

impl<'a> Own<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let view = View::new(text);
        let kinds = kinds(text, &view.lower);
        Self { view, kinds }
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds.iter().any(|hit| hit.class == kind)
    }
}
