//! What a catalog says, in English and in other languages.

use std::collections::BTreeMap;

use clinstruct_schema::{Constraint, Instruction, Language, Meaning, Pattern, Speaker};

use crate::{Catalog, PartLanguages, StyleOption};

impl Catalog {
    /// The text of a phrase; empty if there is none.
    #[inline]
    pub fn phrase(&self, id: &str) -> &str {
        let all = self.phrases.iter().chain(&self.personas.phrases);
        all.into_iter().find(|p| p.id.as_str() == id).map_or("", |p| p.text.as_str())
    }

    /// Draws the languages of all parts evenly from these, in place of what the parts say.
    pub fn set_languages(&mut self, languages: &[Language]) {
        for part in &mut self.parts {
            part.languages = PartLanguages::Evenly(languages.to_vec());
        }
        self.languages_given = languages.to_vec();
    }

    /// A phrase as a language says it; the English one where it says none, empty where there is no such phrase.
    #[inline]
    pub fn phrase_in(&self, id: &str, language: Language) -> &str {
        let texts = self.languages.texts(language);
        texts
            .and_then(|texts| texts.phrases.get(id))
            .map_or_else(|| self.phrase(id), String::as_str)
    }

    /// All phrases as a language says them.
    #[inline]
    pub fn phrases_in(&self, language: Language) -> BTreeMap<&str, &str> {
        let said = |id| (id, self.phrase_in(id, language));
        self.phrases.iter().map(|phrase| said(phrase.id.as_str())).collect()
    }

    /// Every option that an answer can be asked to follow, and whether a health worker asks for it: styles and emergency
    /// instructions, rather than the lines, lengths and forms of system prompts.
    pub fn options(&self) -> impl Iterator<Item = (&StyleOption, bool)> {
        let styles = &self.styles;
        let emergencies = self.parts.iter().filter_map(|part| part.emergency.as_ref());
        let asked = styles.asked.iter().chain(emergencies.map(|e| &e.instruction));
        let stated = [&styles.assistant_length, &styles.assistant_form]
            .into_iter()
            .flatten()
            .chain(styles.modes.iter().flat_map(|mode| &mode.lines));
        asked.map(|option| (option, true)).chain(stated.map(|option| (option, false)))
    }

    /// Whether an option can be asked for in conversations in a language.
    #[inline]
    pub fn is_said_in(&self, option: &StyleOption, language: Language) -> bool {
        let texts = self.languages.texts(language);
        texts.is_none_or(|texts| !texts.wordings(option.id.as_str()).is_empty())
    }

    /// The instructions of all languages but English, with their meaning.
    pub(crate) fn foreign_instructions(&self) -> Vec<Instruction> {
        let mut all = Vec::new();
        let english = self.english_instructions();
        for texts in &self.languages.texts {
            let translated = [
                texts.phrases.iter().map(|(id, text)| (id.clone(), text)).collect::<Vec<_>>(),
                named(&texts.modes),
                named(&texts.registers),
            ];
            for (id, text) in translated.into_iter().flatten() {
                let Some(known) = english.iter().find(|known| known.id == id) else { continue };
                let mut means = known.means.clone();
                // Who is told its role in a language answers in it.
                if means.contains(&Meaning::Role { speaker: Speaker::Assistant }) {
                    let language = texts.language;
                    means.push(Meaning::Keep { constraint: Constraint::Language { language } });
                }
                all.push(Instruction { id, text: Pattern(text.clone()), means, once: false });
            }
            for (option, asked) in self.options() {
                let constraint = texts.constraint(option);
                let wordings = texts.wordings(option.id.as_str()).iter();
                all.extend(wordings.map(|w| option.instruction(w, &constraint, asked)));
            }
        }
        all
    }
}

/// Instructions to the assistant under the ids that they have in English.
fn named(texts: &BTreeMap<String, String>) -> Vec<(String, &String)> {
    texts.iter().map(|(id, text)| (format!("{id}-assistant"), text)).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::{CatalogError, Files};

    /// The files with texts in a language, made of the English ones behind its code.
    fn with_texts(language: Language) -> Files {
        let catalog = Catalog::embedded().unwrap();
        let mut files = Catalog::embedded_files();
        let code = language.code();
        let mut text =
            format!("name = \"{}\"\nown = \"{code}\"\nreviewed = false\n", language.name());
        let mut table = |name: &str, entries: Vec<(String, String)>| {
            let _ = writeln!(text, "[{name}]");
            for (key, value) in entries {
                let _ = writeln!(text, "{} = {value}", toml::Value::String(key));
            }
        };
        let said = |text: &str| toml::Value::String(format!("{code}: {text}")).to_string();
        let spoken = crate::load_language::said_to_assistant(&files);
        let phrases = catalog.phrases.iter().filter(|p| {
            let id = p.id.as_str();
            let said = id.starts_with("aim-") || id.starts_with("repair-");
            spoken.contains(id) || (said && !id.ends_with("-user"))
        });
        table("phrases", phrases.map(|p| (p.id.to_string(), said(&p.text))).collect());
        let modes = catalog.styles.modes.iter();
        table("modes", modes.map(|m| (m.id.as_str().to_owned(), said(&m.assistant))).collect());
        let registers = catalog.styles.registers.iter();
        table(
            "registers",
            registers.map(|r| (r.id.as_str().to_owned(), said(&r.assistant))).collect(),
        );
        let settings = catalog.settings.iter().map(|s| {
            let both = format!("{{ name = {}, text = {} }}", said(&s.name), said(&s.text));
            (s.id.to_string(), both)
        });
        table("settings", settings.collect());
        let professions = catalog.professions.iter();
        table(
            "professions",
            professions.clone().map(|p| (p.id.to_string(), said(&p.name))).collect(),
        );
        let specialties: BTreeMap<String, String> = professions
            .flat_map(|p| &p.specialties)
            .map(|s| (s.name.clone(), said(&s.name)))
            .collect();
        table("specialties", specialties.into_iter().collect());
        let countries = catalog.countries.iter().filter(|c| c.speaks(language));
        table("countries", countries.map(|c| (c.code.clone(), said(&c.name))).collect());
        let wordings: BTreeMap<String, String> = catalog
            .options()
            .map(|(option, _)| option)
            .filter(|o| !matches!(o.constraint, Constraint::Language { .. }))
            .filter(|o| o.is_countable_in(language))
            .map(|o| {
                let n = if o.counts.is_empty() { "" } else { " {n}" };
                (o.id.to_string(), format!("[{}]", said(&format!("{}{n}", o.id))))
            })
            .collect();
        table("wordings", wordings.into_iter().collect());
        files.insert(format!("languages/{code}.toml"), text);
        files
    }

    fn messages(error: &CatalogError) -> Vec<String> {
        error.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn complete_texts_are_read_and_said() {
        let catalog = Catalog::read(with_texts(Language::German)).unwrap();
        assert!(catalog.languages.all().contains(&Language::German));
        assert!(catalog.phrase_in("role-assistant", Language::German).starts_with("de: "));
        let role = catalog.phrase_in("role-assistant", Language::German).to_owned();
        let instructions = catalog.instructions();
        let role = instructions.iter().find(|i| i.text.0 == role).unwrap();
        let answers = Constraint::Language { language: Language::German };
        assert!(role.means.contains(&Meaning::Keep { constraint: answers }));
        let austria = catalog.countries.iter().find(|c| c.code == "at").unwrap();
        assert!(austria.speaks(Language::German) && austria.speaks(Language::English));
        assert!(!austria.speaks(Language::Thai));
    }

    #[test]
    fn a_missing_or_unknown_id_is_a_mistake() {
        let mut files = with_texts(Language::Thai);
        let text = files.get_mut("languages/th.toml").unwrap();
        *text = text.replace("\"verify-dose\" = ", "\"verify-doze\" = ");
        let error = Catalog::read(files).unwrap_err();
        let found = messages(&error);
        assert!(found.contains(&"unknown phrase \"verify-doze\"".to_owned()), "{found:?}");
        assert!(found.contains(&"missing phrase: verify-dose".to_owned()), "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn entries_of_ones_own_need_no_texts() {
        let mut files = Catalog::embedded_files();
        let professions = files.get_mut("professions.toml").unwrap();
        *professions = professions.replacen(
            "[[profession.specialty]]\n",
            "[[profession.specialty]]\nid = \"space-medicine\"\nname = \"Space Medicine\"\n\n\
             [[profession.specialty]]\n",
            1,
        );
        assert!(Catalog::read(files).is_ok());
    }

    /// The texts of the repository are complete.
    #[test]
    fn every_name_and_style_is_said_in_every_language() {
        let catalog = Catalog::embedded().unwrap();
        assert_eq!(catalog.languages.texts.len(), Language::ALL.len() - 1);
        for texts in &catalog.languages.texts {
            let code = texts.language.code();
            for profession in &catalog.professions {
                assert!(texts.professions.contains_key(profession.id.as_str()), "{code}");
                for specialty in &profession.specialties {
                    let name = &specialty.name;
                    assert!(texts.specialties.contains_key(name), "{code} {name}");
                }
            }
            for setting in &catalog.settings {
                assert!(texts.settings.contains_key(setting.id.as_str()), "{code} {}", setting.id);
            }
            for country in catalog.countries.iter().filter(|c| c.speaks(texts.language)) {
                assert!(texts.countries.contains_key(&country.code), "{code} {}", country.code);
            }
            for (option, asked) in catalog.options() {
                if matches!(option.constraint, Constraint::Language { .. })
                    || !option.is_countable_in(texts.language)
                {
                    continue;
                }
                let least = if asked { 6 } else { 3 };
                let wordings = texts.wordings(option.id.as_str()).len();
                assert!(wordings >= least, "{code} {}: {wordings}", option.id);
            }
        }
    }

    #[test]
    fn thai_is_not_asked_to_count_words() {
        let catalog = Catalog::read(with_texts(Language::Thai)).unwrap();
        let option =
            |id: &str| catalog.options().map(|(o, _)| o).find(|o| o.id.as_str() == id).unwrap();
        assert!(!catalog.is_said_in(option("brief"), Language::Thai));
        assert!(catalog.is_said_in(option("exact-bullets"), Language::Thai));
    }

    #[test]
    fn a_share_of_a_language_without_texts_is_a_mistake() {
        let mut files = Catalog::embedded_files();
        let shares = "answers = 4.0\n[high]\nxx = 0.1\n";
        files.insert("languages.toml".to_owned(), shares.to_owned());
        let error = Catalog::read(files).unwrap_err();
        assert_eq!(messages(&error), ["there are no texts in \"xx\""]);
        let mut files = with_texts(Language::Thai);
        let shares = "answers = 4.0\n[high]\nth = 0.1\n";
        files.insert("languages.toml".to_owned(), shares.to_owned());
        let error = Catalog::read(files).unwrap_err();
        assert_eq!(messages(&error), ["no country of this group has the language Thai"]);
    }
}
