//! What is said in other languages than English, and how often conversations are in them.

use std::collections::BTreeMap;

use clinstruct_schema::{Constraint, IncomeGroup, Language};
use serde::Deserialize;

use crate::{StyleOption, Wording};

/// How a part draws the languages of its conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartLanguages {
    /// By the shares of `languages.toml`, which depend on the income group of the country.
    Shares,
    /// One of these, each as often as the others.
    Evenly(Vec<Language>),
}

impl Default for PartLanguages {
    fn default() -> Self {
        Self::Evenly(vec![Language::English])
    }
}

/// Name and description of a care setting.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingText {
    /// Name.
    pub name: String,
    /// What can be done there.
    pub text: String,
}

/// The texts of a language that rows can contain, by the ids of the English ones.
#[derive(Debug, Clone)]
pub struct LanguageTexts {
    /// Which.
    pub language: Language,
    /// Its own name.
    pub own: String,
    /// Whether a second reader has translated the texts back and read them.
    pub reviewed: bool,
    /// Phrases.
    pub phrases: BTreeMap<String, String>,
    /// Instructions to the assistant, by mode.
    pub modes: BTreeMap<String, String>,
    /// Instructions to the assistant, by level of speech.
    pub registers: BTreeMap<String, String>,
    /// Care settings.
    pub settings: BTreeMap<String, SettingText>,
    /// Professions, by id.
    pub professions: BTreeMap<String, String>,
    /// Specialties, by their English name.
    pub specialties: BTreeMap<String, String>,
    /// Names of the countries that speak it, by code.
    pub countries: BTreeMap<String, String>,
    /// Words that an answer is to end with, by the style that asks for it.
    pub markers: BTreeMap<String, String>,
    /// What conditions are called, in lower case, by the beginning of their ICD-10 code.
    pub conditions: BTreeMap<String, Vec<String>>,
    /// Wordings of styles and of the lines of system prompts, by option.
    pub wordings: BTreeMap<String, Vec<Wording>>,
}

impl LanguageTexts {
    /// What is checked where an option is asked for in this language: its own marker stands in place of the English one.
    pub fn constraint(&self, option: &StyleOption) -> Constraint {
        match (&option.constraint, self.markers.get(option.id.as_str())) {
            (Constraint::EndsWith { .. }, Some(own)) => {
                Constraint::EndsWith { marker: own.clone() }
            }
            (constraint, _) => constraint.clone(),
        }
    }

    /// The wordings of an option; empty if it is never asked for in this language.
    #[inline]
    pub fn wordings(&self, option: &str) -> &[Wording] {
        self.wordings.get(option).map_or(&[], Vec::as_slice)
    }
}

/// The languages of conversations.
#[derive(Debug, Clone, Default)]
pub struct Languages {
    /// The texts of each but English.
    pub texts: Vec<LanguageTexts>,
    /// Shares of these languages among the prompts of each income group; English has the rest.
    pub shares: Vec<(IncomeGroup, Vec<(Language, f64)>)>,
    /// Weight of a style that asks for an answer in another language, beside 1 for each of the others of its group.
    pub answers: f64,
}

impl Languages {
    /// The texts of a language; `None` for English, and for a language that has none.
    #[inline]
    pub fn texts(&self, language: Language) -> Option<&LanguageTexts> {
        self.texts.iter().find(|texts| texts.language == language)
    }

    /// Beginnings of ICD-10 codes, and what the conditions that have them are called in a language. English names are those of the
    /// conditions.
    pub fn conditions(&self, language: Language) -> impl Iterator<Item = (&str, &[String])> {
        let all = self.texts(language).into_iter().flat_map(|texts| &texts.conditions);
        all.map(|(code, names)| (code.as_str(), names.as_slice()))
    }

    /// English, and every language that has texts.
    pub fn all(&self) -> Vec<Language> {
        let others = self.texts.iter().map(|texts| texts.language);
        std::iter::once(Language::English).chain(others).collect()
    }

    /// The shares of an income group, without English.
    pub fn shares(&self, group: IncomeGroup) -> &[(Language, f64)] {
        self.shares.iter().find(|(g, _)| *g == group).map_or(&[], |(_, shares)| shares.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use crate::Catalog;

    #[test]
    fn names_of_conditions_are_found_by_code_and_in_lower_case() {
        let mut files = Catalog::embedded_files();
        let text = files.get_mut("languages/fr.toml").unwrap();
        text.push_str("\"Q7\" = [\"un nom\"]\n\"J459\" = [\"Asthme\", \"\"]\n");
        let error = Catalog::read(files).unwrap_err();
        let said: Vec<&str> = error.mistakes.iter().map(|m| m.message.as_str()).collect();
        for what in [
            "\"Q7\" is no beginning of an ICD-10 code",
            "\"J459\" is no beginning of an ICD-10 code",
            "\"Asthme\" is not in lower case",
            "the name is empty",
        ] {
            assert!(said.contains(&what), "{said:#?}");
        }
        let catalog = Catalog::embedded().unwrap();
        for language in catalog.languages.all().into_iter().skip(1) {
            let mut all = catalog.languages.conditions(language);
            assert!(all.any(|(code, _)| code == "G44.0"), "{language:?}");
        }
    }

    #[test]
    fn every_request_has_the_marker_that_is_checked() {
        let mut files = Catalog::embedded_files();
        let text = files.get_mut("languages/fr.toml").unwrap();
        *text = text.replace("end-marker = \"FIN DU MESSAGE\"", "end-marker = \"FIN DE L'AVIS\"");
        let error = Catalog::read(files).unwrap_err();
        let told = |m: &crate::Mistake| m.message == "\"FIN DE L'AVIS\" is not in the text";
        assert!(error.mistakes.len() >= 6 && error.mistakes.iter().all(told), "{error:?}");
    }
}
