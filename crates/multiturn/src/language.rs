//! What the assistant is told, in the language of its conversation.

use clinstruct_catalog::{Catalog, LanguageTexts, StyleOption};
use clinstruct_schema::{Constraint, ConversationMode, Language, Place, Register, Situation};
use minijinja::{Value, context};

/// The names and instructions of a situation in its language; English where the catalog has no others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'c> {
    catalog: &'c Catalog,
    language: Language,
    texts: Option<&'c LanguageTexts>,
}

impl<'c> Said<'c> {
    pub(crate) fn new(catalog: &'c Catalog, language: Language) -> Self {
        Self { catalog, language, texts: catalog.languages.texts(language) }
    }

    pub(crate) fn phrase(&self, id: &str) -> &'c str {
        self.catalog.phrase_in(id, self.language)
    }

    /// Variables of the templates of the assistant: who asks, where, in which mode and register.
    ///
    /// Where the language is another than English, `phrases` are its own, which stand before those of all templates.
    pub(crate) fn context(&self, situation: &Situation, place: &Place) -> Value {
        let (catalog, texts) = (self.catalog, self.texts);
        let setting = catalog.settings.iter().find(|s| s.id == place.setting);
        let said = texts.and_then(|t| t.settings.get(place.setting.as_str()));
        let names = context! {
            profession => self.profession(&situation.profession),
            specialty => situation.specialty.as_deref().map(|s| self.specialty(s)),
            country => self.country(place),
            setting => said.map(|s| s.name.as_str()).or(setting.map(|s| s.name.as_str())),
            setting_text => said.map(|s| s.text.as_str()).or(setting.map(|s| s.text.as_str())),
            stop => self.stop(),
            mode_text => self.mode(situation.mode),
            register_text => self.register(situation.assistant_register),
        };
        match texts {
            Some(_) => {
                let phrases = Value::from_pairs(catalog.phrases_in(self.language));
                context! { phrases => phrases, ..names }
            }
            None => names,
        }
    }

    /// The mark at the end of a sentence; Thai has none.
    fn stop(&self) -> &'static str {
        match self.language {
            Language::Hindi => "।",
            Language::Thai => "",
            _ => ".",
        }
    }

    fn profession<'n>(&self, name: &'n str) -> &'n str
    where
        'c: 'n,
    {
        let profession = self.catalog.professions.iter().find(|p| p.name == name);
        let said = profession.and_then(|p| self.texts?.professions.get(p.id.as_str()));
        said.map_or(name, String::as_str)
    }

    fn specialty<'n>(&self, name: &'n str) -> &'n str
    where
        'c: 'n,
    {
        self.texts.and_then(|t| t.specialties.get(name)).map_or(name, String::as_str)
    }

    fn country<'n>(&self, place: &'n Place) -> &'n str
    where
        'c: 'n,
    {
        let said = self.texts.and_then(|t| t.countries.get(&place.country_code));
        said.map_or(place.country.as_str(), String::as_str)
    }

    fn mode(&self, mode: ConversationMode) -> Option<&'c str> {
        let said = self.texts.and_then(|t| t.modes.get(mode.as_str()));
        let english = self.catalog.styles.modes.iter().find(|m| m.id == mode);
        said.map(String::as_str).or(english.map(|m| m.assistant.as_str()))
    }

    fn register(&self, register: Register) -> Option<&'c str> {
        let said = self.texts.and_then(|t| t.registers.get(register.as_str()));
        let english = self.catalog.styles.registers.iter().find(|r| r.id == register);
        said.map(String::as_str).or(english.map(|r| r.assistant.as_str()))
    }
}

/// Which options a conversation can have, by its language and country.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Possible<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) language: Language,
    /// Code of the country.
    pub(crate) country: &'c str,
}

impl Possible<'_> {
    /// Whether the option can be asked for.
    ///
    /// The language has words for it. In English, an answer in another language is only asked for where somebody reads it; a
    /// conversation in another language stays in it.
    pub(crate) fn has(&self, option: &StyleOption) -> bool {
        match (self.language, &option.constraint) {
            (Language::English, Constraint::Language { language }) => {
                let country = self.catalog.countries.iter().find(|c| c.code == self.country);
                country.is_some_and(|country| country.reads(*language))
            }
            (Language::English, _) => true,
            (_, Constraint::Language { .. }) => false,
            (language, _) => self.catalog.is_said_in(option, language),
        }
    }

    /// The weight of an option among those of its group.
    pub(crate) fn weight(&self, option: &StyleOption) -> f64 {
        match option.constraint {
            Constraint::Language { language } if language != Language::English => {
                self.catalog.languages.answers
            }
            _ => 1.0,
        }
    }
}
