//! The facts that a text is compared with: the patient and the country of care.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use clinstruct_schema::{self as schema, AgeYears, Case, CountryBound, Sex, Who};

/// Country-specific terms, indexed for a search in one pass.
#[derive(Debug, Clone, Default)]
pub struct CountryTerms {
    terms: Vec<CountryBound>,
    /// `None` without terms.
    finder: Option<AhoCorasick>,
}

impl CountryTerms {
    /// Indexes terms.
    pub fn new(terms: Vec<CountryBound>) -> Self {
        let finder = (!terms.is_empty())
            .then(|| AhoCorasick::new(terms.iter().map(|t| t.term.as_bytes())).ok())
            .flatten();
        Self { terms, finder }
    }

    /// The terms that occur in a text as whole words, with their positions.
    pub fn find<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = (&'a CountryBound, Range<usize>)> {
        let hits = self.finder.iter().flat_map(move |finder| finder.find_overlapping_iter(text));
        hits.filter_map(move |hit| {
            let term = self.terms.get(hit.pattern().as_usize())?;
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            let whole = edge(text.get(..hit.start())?.chars().next_back())
                && edge(text.get(hit.end()..)?.chars().next());
            whole.then(|| (term, hit.range()))
        })
    }
}

/// Facts about the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatientFacts {
    /// The age.
    pub age: AgeYears,
    /// The recorded sex.
    pub sex: Sex,
    /// The gender, by which a text speaks of the patient.
    pub gender: Gender,
}

/// How a text may speak of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// As a man or a boy.
    Man,
    /// As a woman or a girl.
    Woman,
    /// Either way, or neither.
    Either,
}

impl Gender {
    /// By the gender of a card, such as `transgender man`, and by the recorded sex where it has none.
    pub fn of(gender: Option<&str>, sex: Sex) -> Self {
        match (gender.map(str::trim), sex) {
            // `woman` ends with `man`.
            (Some(g), _) if g.ends_with("woman") || g.ends_with("girl") => Self::Woman,
            (Some(g), _) if g.ends_with("man") || g.ends_with("boy") => Self::Man,
            (None, Sex::Male) => Self::Man,
            (None, Sex::Female) => Self::Woman,
            _ => Self::Either,
        }
    }
}

impl From<Who<'_>> for PatientFacts {
    fn from(who: Who<'_>) -> Self {
        Self { age: who.age, sex: who.sex, gender: Gender::of(who.gender, who.sex) }
    }
}

impl From<&schema::FramePatient> for PatientFacts {
    fn from(patient: &schema::FramePatient) -> Self {
        patient.who().into()
    }
}

impl From<&schema::CasePatient> for PatientFacts {
    fn from(patient: &schema::CasePatient) -> Self {
        patient.who().into()
    }
}

/// The country of care.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// ISO 3166-1 alpha-2 code, lower case.
    pub country: &'a str,
    /// Emergency telephone number; empty if unknown.
    pub emergency: &'a str,
    /// Country-specific terms.
    pub terms: &'a CountryTerms,
}

/// Facts about the patient and the place of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The patient; `None` where the conversation is not about one.
    pub case: Option<&'a Case>,
    /// Country and setting of care.
    pub place: &'a schema::Place,
    /// Emergency telephone number; empty if unknown.
    pub emergency: &'a str,
    /// Country-specific terms.
    pub country_terms: &'a CountryTerms,
}

impl<'a> About<'a> {
    /// The country of care.
    pub fn country(&self) -> Place<'a> {
        let country = self.place.country_code.as_str();
        Place { country, emergency: self.emergency, terms: self.country_terms }
    }
}
