//! What is read in one text, each kind once, whoever asks for it.

use std::borrow::Cow;
use std::cell::OnceCell;

use clinstruct_schema::Language;

use super::age::{self, Age};
use super::correction::Corrected;
use super::local;
use super::medicines::{self, Mention};
use super::pregnancy::{self, Pregnancy};
use super::standing;
use super::view::View;
use super::vitals::Reading;
use crate::checks::filler_opener::{self, Opened};
use crate::people::{self, Person};

/// A text, what it says of its patient, and how it begins.
///
/// Several checks ask for the same: each kind is read when it is first asked for, and kept as long as the text is
/// looked at.
pub struct Reader<'a> {
    text: &'a str,
    corrected: OnceCell<Corrected<'a>>,
    people: OnceCell<Vec<Person>>,
    view: OnceCell<View<'a>>,
    ages: OnceCell<Vec<Age>>,
    pregnancies: OnceCell<Vec<Pregnancy>>,
    readings: OnceCell<Vec<Reading>>,
    mentions: OnceCell<Vec<Mention>>,
    local: OnceCell<Vec<local::Reading>>,
    openings: OnceCell<(Language, Vec<Opened>)>,
}

impl<'a> Reader<'a> {
    /// Nothing is read yet.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            corrected: OnceCell::new(),
            people: OnceCell::new(),
            view: OnceCell::new(),
            ages: OnceCell::new(),
            pregnancies: OnceCell::new(),
            readings: OnceCell::new(),
            mentions: OnceCell::new(),
            local: OnceCell::new(),
            openings: OnceCell::new(),
        }
    }

    /// The text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// It without what it takes back.
    pub(crate) fn corrected(&self) -> &Corrected<'a> {
        self.corrected.get_or_init(|| Corrected::of(self.text))
    }

    /// What it begins with instead of the matter, in a language.
    pub(crate) fn openings(&self, language: Language) -> Cow<'_, [Opened]> {
        let read = || filler_opener::openings(self.text, language);
        match self.openings.get_or_init(|| (language, read())) {
            (of, found) if *of == language => Cow::Borrowed(found),
            // Nobody asks for two languages but to compare them.
            _ => Cow::Owned(read()),
        }
    }

    /// Everybody whose age it gives.
    pub(crate) fn people(&self) -> &[Person] {
        self.people.get_or_init(|| people::people(self.text))
    }

    pub(super) fn view(&self) -> &View<'a> {
        self.view.get_or_init(|| View::new(self.text))
    }

    pub(super) fn ages(&self) -> &[Age] {
        self.ages.get_or_init(|| age::ages(self.view(), self.people()))
    }

    pub(super) fn pregnancies(&self) -> &[Pregnancy] {
        self.pregnancies.get_or_init(|| pregnancy::pregnancies(self.view()))
    }

    pub(super) fn readings(&self) -> &[Reading] {
        self.readings.get_or_init(|| standing::readings(self.view()))
    }

    pub(super) fn mentions(&self) -> &[Mention] {
        self.mentions.get_or_init(|| medicines::mentions(self.view()))
    }

    /// The text in each of the languages besides English that it may be in.
    pub(super) fn local(&self) -> &[local::Reading] {
        self.local.get_or_init(|| local::readings(self.view()))
    }
}
