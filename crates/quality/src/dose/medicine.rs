//! What a number with a unit belongs to: its medicine, or a tablet that is only described.

use std::ops::Range;

use super::Unit;
use super::context::{BESIDE, Context, is_sign};
use super::numbers::Number;
use super::words::{Class, Hit, whole_word};

/// A sentence of fewer words orders a medicine rather than describes it: `Amlodipine 5 mg tablets`.
const DESCRIPTION: usize = 7;

impl Context<'_> {
    /// Whether the sentence describes tablets of this strength, and neither how to take nor how to give them.
    pub(super) fn is_described(&self, number: &Number) -> bool {
        let said = [Class::Advice, Class::Frequency, Class::Route, Class::Limit];
        let leads = |lead: &Range<usize>| {
            self.view.within(lead).iter().any(|hit| said.contains(&hit.class))
        };
        // Tablets that are counted are taken.
        let counted = self.numbers.iter().any(|other| other.unit == Unit::Piece);
        if !number.sure
            || number.per_weight
            || counted
            || self.names(&said)
            || self.lead.as_ref().is_some_and(leads)
        {
            return false;
        }
        let mut pieces = self.view.words.units.iter().filter(|unit| unit.unit == Unit::Piece);
        let sentence = self.view.between(self.sentence.start, self.sentence.end);
        if self.view.words.unspaced {
            let before = self.view.between(self.sentence.start, number.place.start).trim_end();
            return pieces.any(|piece| before.ends_with(piece.text.as_str()));
        }
        let bare = |c: char| !c.is_alphanumeric() && !is_sign(c);
        let words: Vec<&str> =
            sentence.split([' ', '\u{a0}', '-']).map(|word| word.trim_matches(bare)).collect();
        words.len() >= DESCRIPTION && pieces.any(|piece| words.contains(&piece.text.as_str()))
    }

    /// The word that names the medicine of a dose.
    pub(super) fn medicine(&self, number: &Number) -> Option<Range<usize>> {
        if self.view.words.unspaced {
            return self.nearest_medicine(number);
        }
        let behind = self.word_behind(number.place.end);
        if let Some((word, Some(Class::Medicine))) = &behind {
            return Some(word.clone());
        }
        let before = self.word_before(number.place.start);
        match (before, behind) {
            // `200 mg danazol` beside another medicine: the word is unknown, and so is the medicine.
            (Some((_, Some(Class::Medicine))), Some((_, None))) if !self.touches(number) => None,
            (Some((word, _)), _) => Some(word),
            (None, _) => None,
        }
    }

    fn touches(&self, number: &Number) -> bool {
        self.before(number.place.start, self.sentence.start)
            .find(|hit| hit.class == Class::Medicine)
            .is_some_and(|hit| {
                self.view.between(hit.end, number.place.start).chars().all(|c| !c.is_alphanumeric())
            })
    }

    fn class_at(&self, word: &Range<usize>) -> Option<Class> {
        let covers = |hit: &&Hit| hit.start < word.end && word.start < hit.end;
        let mut all = self.hits.iter().filter(covers).map(|hit| hit.class);
        let first = all.next()?;
        Some(if all.any(|class| class == Class::Medicine) { Class::Medicine } else { first })
    }

    /// The first word behind a place that is no link.
    fn word_behind(&self, at: usize) -> Option<(Range<usize>, Option<Class>)> {
        let mut from = at;
        for _ in 0..3 {
            let rest = self.view.between(from, self.sentence.end);
            let skipped = rest.len() - rest.trim_start_matches([' ', '\u{a0}', '*', '_']).len();
            let (start, end) = whole_word(self.view.lower, from + skipped, from + skipped);
            if start == end || end > self.sentence.end {
                return None;
            }
            let word = start..end;
            match self.class_at(&word) {
                Some(Class::Link) => from = end,
                Some(class) => return Some((word, Some(class))),
                None if word.len() <= 3 => from = end,
                None => return Some((word, None)),
            }
        }
        None
    }

    /// The first word before a place that may name a medicine: no link, form, route, frequency or number.
    fn word_before(&self, at: usize) -> Option<(Range<usize>, Option<Class>)> {
        let mut to = at;
        for _ in 0..7 {
            let text = self.view.between(self.sentence.start, to);
            let kept =
                text.trim_end_matches(|c: char| !c.is_alphanumeric() && !is_sign(c) && c != ';');
            let end = self.sentence.start + kept.len();
            let (start, _) = whole_word(self.view.lower, end, end);
            if start >= end || start < self.sentence.start {
                return None;
            }
            let word = start..end;
            match self.class_at(&word) {
                Some(Class::Medicine) => {
                    return Some((self.medicine_at(&word), Some(Class::Medicine)));
                }
                Some(_) => to = start,
                None if word.len() <= 3 || self.is_number(&word) => to = start,
                None => return Some((word, None)),
            }
        }
        None
    }

    fn is_number(&self, word: &Range<usize>) -> bool {
        self.view.between(word.start, word.end).starts_with(|c: char| c.is_numeric())
    }

    fn medicine_at(&self, word: &Range<usize>) -> Range<usize> {
        let covers = |hit: &&Hit| {
            hit.class == Class::Medicine && hit.start < word.end && word.start < hit.end
        };
        self.hits.iter().find(covers).map_or(word.clone(), Hit::range)
    }

    /// In a script without spaces only known medicines can be told from other words.
    fn nearest_medicine(&self, number: &Number) -> Option<Range<usize>> {
        let is = |hit: &&Hit| hit.class == Class::Medicine;
        let near = |from: usize, to: usize| self.view.between(from, to).len() < BESIDE;
        let before = self.before(number.place.start, self.sentence.start).find(is);
        if let Some(hit) = before.filter(|hit| near(hit.end, number.place.start)) {
            return Some(hit.range());
        }
        let after = self.after(number.place.end, self.sentence.end).find(is);
        after.filter(|hit| near(number.place.end, hit.start)).map(Hit::range)
    }
}
