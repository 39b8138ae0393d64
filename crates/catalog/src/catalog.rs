use std::collections::HashSet;

use clinstruct_schema::{
    AgeYears, ConversationMode, CountryBound, Frame, FramePatient, Language, Model, Place, Price,
    Sex,
};

use crate::combination::read_combinations;
use crate::contradiction::{Contradictions, read_contradictions};
use crate::diagnosis::{Diagnosis, read_diagnoses};
use crate::items::{PHRASES, distinct_wordings, known_items};
use crate::load::{Loader, distinct, values};
use crate::load_axes::{
    line_span, read_ages, read_countries, read_sexes, read_situations, read_styles,
};
use crate::load_body::{read_body, read_effects, read_signs};
use crate::load_history::read_histories;
use crate::load_language::{Texts, read_languages, said_to_assistant};
use crate::load_parts::{Axes, read_parts};
use crate::load_patient::{
    Conditions, Known, Regimens, check_treatments, read_conditions, read_drugs, read_regimens,
};
use crate::load_personas::{read_lay_styles, read_personas};
use crate::load_topics::{self, Topics, field_ids, read_topics};
use crate::load_voices::read_voices;
use crate::mistake::{CatalogError, nearest};
use crate::moves::read_moves;
use crate::{
    AgeBand, Axis, Body, Combination, Condition, Country, Domain, Drug, Effects, Files, Gender,
    Histories, Languages, Move, Never, Part, Personas, Phrase, Profession, Regimen, Scope, Setting,
    SexShare, Signs, Styles, Subtopic, Task, Templates, Value, Voices,
};

/// All resources, resolved.
#[derive(Debug)]
pub struct Catalog {
    /// Age bands, youngest first.
    pub ages: Vec<AgeBand>,
    /// Recorded sexes.
    pub sexes: Vec<SexShare>,
    /// Genders.
    pub genders: Vec<Gender>,
    /// Index of the first age band that has a gender.
    pub gender_from: usize,
    /// Age in years from which a gender is called by its name, and not by that of the young.
    pub adult_from: u32,
    /// Care settings.
    pub settings: Vec<Setting>,
    /// Countries.
    pub countries: Vec<Country>,
    /// Year of the World Bank's income groups.
    pub income_year: String,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Professions with their specialties.
    pub professions: Vec<Profession>,
    /// Domains.
    pub domains: Vec<Domain>,
    /// Subtopics, grouped by domain in the domains' order.
    pub subtopics: Vec<Subtopic>,
    /// Drugs.
    pub drugs: Vec<Drug>,
    /// Fixed combinations that messages name.
    pub combinations: Vec<Combination>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Illnesses that messages state and that have a code, without being conditions.
    pub diagnoses: Vec<Diagnosis>,
    /// Sizes by age, sex and population.
    pub body: Body,
    /// Vital signs of healthy people.
    pub signs: Signs,
    /// What moves vital signs.
    pub effects: Effects,
    /// Medicines that are prescribed together.
    pub regimens: Vec<Regimen>,
    /// What is not drawn together.
    pub never: Vec<Never>,
    /// Share of pregnant patients who take a regimen without a condition.
    pub pregnancy_treated: f64,
    /// Histories.
    pub histories: Histories,
    /// Styles, modes, lengths, registers.
    pub styles: Styles,
    /// What the simulated health worker does in later messages.
    pub moves: Vec<Move>,
    /// What does not go together in one conversation.
    pub contradictions: Contradictions,
    /// How first messages are written.
    pub voices: Voices,
    /// Patients and relatives who write for themselves, with texts of their own.
    pub personas: Personas,
    /// Terms that apply to some countries only.
    pub country_terms: Vec<CountryBound>,
    /// Fixed phrases of the templates.
    pub phrases: Vec<Phrase>,
    /// Parts, by file name.
    pub parts: Vec<Part>,
    /// Templates.
    pub templates: Templates,
    /// Model prices.
    pub prices: Vec<Price>,
    /// Models with downloadable weights.
    pub models: Vec<Model>,
    /// Languages of conversations.
    pub languages: Languages,
    /// The languages that replaced those of the parts, for a fingerprint.
    pub(crate) languages_given: Vec<Language>,
    /// All files, for a fingerprint.
    files: Files,
}

/// Templates that code renders, beside those of the parts.
const TEMPLATES: [&str; 7] = [
    "prompt_system.j2",
    "extract_system.j2",
    "extract_user.j2",
    "exported_system.j2",
    "assistant_system.j2",
    "user_system.j2",
    "user_opening.j2",
];

impl Catalog {
    /// Reads and checks a set of files. Ignores files with other extensions.
    pub fn read(files: Files) -> Result<Self, CatalogError> {
        let mut loader = Loader { files: &files, mistakes: Vec::new(), used: HashSet::new() };
        let l = &mut loader;

        let ages = l.file("ages.toml", read_ages);
        let settings = l.file("settings.toml", |r| {
            let settings = r.entries::<Setting>("setting", true);
            distinct(r, "setting", settings.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
            values(settings)
        });
        let (income_year, countries) = l.file("countries.toml", |r| read_countries(r, &settings));
        let (sexes, genders, gender_from, adult_from) =
            l.file("sexes.toml", |r| read_sexes(r, &ages, &countries));
        let (drugs, combinations) = l.file("drugs.toml", |r| (read_drugs(r), read_combinations(r)));
        let field_ids = field_ids(l.files);
        let known =
            Known { ages: &ages, settings: &settings, countries: &countries, fields: &field_ids };
        let (conditions, untreated) =
            l.file("conditions.toml", |r| read_conditions(r, &known, &drugs));
        let diagnoses = l.file("diagnoses.toml", |r| read_diagnoses(r, &conditions));
        let Regimens { all: regimens, never, pregnancy_treated } =
            l.file("regimens.toml", |r| read_regimens(r, &known, &drugs, &conditions));
        let of = Conditions { conditions: &conditions, regimens: &regimens };
        check_treatments(l, &untreated, &of);
        let Topics { tasks, professions, domains, subtopics } =
            read_topics(l, load_topics::Known { ages: &ages, conditions: &conditions });
        let signs = l.file("vitals.toml", |r| read_signs(r, &settings));
        let body = l.file("body.toml", |r| read_body(r, &countries));
        let effects = l.file("complaints.toml", read_effects);
        let histories = l.file("history.toml", |r| read_histories(r, &known, &drugs, &conditions));
        let mut styles = Styles::default();
        l.file("styles.toml", |r| read_styles(r, &mut styles));
        l.file("situations.toml", |r| read_situations(r, &mut styles));
        distinct_wordings(l, &styles, &["styles.toml", "situations.toml"]);
        let lay_styles = read_lay_styles(l);
        let voices = l.file("voices.toml", |r| read_voices(r, &tasks));
        let phrases: Vec<Phrase> = l.file("phrases.toml", |r| {
            let phrases = r.entries::<Phrase>("phrase", true);
            distinct(r, "phrase", phrases.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
            for needed in PHRASES {
                if !phrases.iter().any(|p| p.value.id.as_str() == needed) {
                    r.mistake(0..0, format!("the phrase {needed} is missing"), None);
                }
            }
            values(phrases)
        });

        let codes: Vec<&str> = countries.iter().map(|c| c.code.as_str()).collect();
        let country_terms: Vec<CountryBound> = l.file("bound.toml", |r| {
            let terms = r.entries::<CountryBound>("bound", true);
            distinct(r, "bound", terms.iter().map(|e| (e.value.term.as_str(), e.span.clone())));
            for b in &terms {
                if let Some(code) = b.value.countries.iter().find(|c| !codes.contains(&c.as_str()))
                {
                    r.mistake(
                        b.span.clone(),
                        format!("{}: unknown country {code}", b.value.term),
                        None,
                    );
                }
            }
            values(terms)
        });
        let prices: Vec<Price> = l.file("prices.toml", |r| {
            let prices = r.entries::<Price>("price", true);
            distinct(r, "price", prices.iter().map(|e| (e.value.model.as_str(), e.span.clone())));
            for p in &prices {
                let v = &p.value;
                if [v.input, v.cached_input, v.output].iter().any(|usd| !(0.0..1e5).contains(usd)) {
                    r.mistake(p.span.clone(), format!("{} has a negative price", v.model), None);
                }
            }
            values(prices)
        });
        let models: Vec<Model> = l.file("models.toml", |r| {
            let models = r.entries::<Model>("model", true);
            distinct(r, "model", models.iter().map(|e| (e.value.name.as_str(), e.span.clone())));
            for m in &models {
                let v = &m.value;
                let is_sum = |s: &str| s.len() == 64 && s.bytes().all(|b| b.is_ascii_hexdigit());
                let mut sums = v.sha256.iter().chain(v.package.iter().map(|p| &p.sha256));
                if let Some(sum) = sums.find(|s| !is_sum(s)) {
                    r.mistake(
                        m.span.clone(),
                        format!("{}: {sum} is not a SHA-256 of 64 hexadecimal digits", v.name),
                        None,
                    );
                }
                // The file name becomes a path, and the repository part of a URL.
                if v.file.contains(['/', '\\']) || v.file.is_empty() {
                    r.mistake(
                        m.span.clone(),
                        format!("{}: a file name contains no folder", v.name),
                        None,
                    );
                }
                if v.hub.split('/').filter(|p| !p.is_empty()).count() != 2 {
                    r.mistake(
                        m.span.clone(),
                        format!("{}: a repository is written owner/name", v.name),
                        None,
                    );
                }
            }
            values(models)
        });

        let axes = Axes {
            tasks: &tasks,
            professions: &professions,
            domains: &domains,
            subtopics: &subtopics,
            countries: &countries,
            styles: &styles,
            lay_styles: &lay_styles,
            template_names: files.keys().cloned().collect(),
        };
        let personas = read_personas(l, &axes, &ages);

        let template_files: Vec<(String, String)> = files
            .iter()
            .filter_map(|(name, text)| {
                name.strip_prefix("templates/").map(|n| (n.to_owned(), text.clone()))
            })
            .collect();
        let texts = phrases.iter().chain(&personas.phrases);
        let texts = texts.map(|p| (p.id.to_string(), p.text.clone())).collect();
        let (templates, errors) = Templates::compile(template_files, texts);
        for (name, e) in errors {
            let place = l.place(&format!("templates/{name}"));
            let span = e.range().unwrap_or_else(|| line_span(&place.text, e.line()));
            let message = format!("not a valid template: {}", e.detail().unwrap_or("syntax error"));
            l.mistakes.push(place.mistake(span, message, None));
        }
        for name in TEMPLATES {
            let broken = l.files.contains_key(&format!("templates/{name}"));
            if !templates.has(name) && !broken {
                let place = l.place(&format!("templates/{name}"));
                l.mistakes.push(place.mistake(
                    0..0,
                    format!("the template {name} is missing"),
                    None,
                ));
            }
        }
        let moves = l.file("moves.toml", |r| read_moves(r, &axes));
        let parts = read_parts(l, &axes);
        let known = known_items(
            &axes,
            &ages,
            &parts,
            [&voices, &personas.voices],
            [&moves, &personas.moves],
            &personas,
        );
        let contradictions = l.file("contradictions.toml", |r| read_contradictions(r, &known));

        let languages = read_languages(
            l,
            &Texts {
                phrases: &phrases,
                spoken: &said_to_assistant(&files),
                styles: &styles,
                parts: &parts,
                settings: &settings,
                professions: &professions,
                countries: &countries,
            },
        );

        for name in files.keys() {
            let toml = std::path::Path::new(name).extension().is_some_and(|e| e == "toml");
            if toml && !l.used.contains(name) {
                let place = l.place(name);
                let help = nearest(name, l.used.iter().map(String::as_str));
                l.mistakes.push(place.mistake(0..0, format!("the file {name} is not used"), help));
            }
        }
        let mistakes = std::mem::take(&mut loader.mistakes);
        if !mistakes.is_empty() {
            return Err(CatalogError { mistakes });
        }
        Ok(Self {
            ages,
            sexes,
            genders,
            gender_from,
            adult_from,
            settings,
            countries,
            income_year,
            tasks,
            professions,
            domains,
            subtopics,
            drugs,
            combinations,
            conditions,
            diagnoses,
            body,
            signs,
            effects,
            regimens,
            never,
            pregnancy_treated,
            histories,
            styles,
            moves,
            contradictions,
            voices,
            personas,
            country_terms,
            phrases,
            parts,
            templates,
            prices,
            models,
            languages,
            languages_given: Vec::new(),
            files,
        })
    }

    /// The price of a model, if known.
    pub fn price(&self, model: &str) -> Option<&Price> {
        self.prices.iter().filter(|p| p.is_of(model)).max_by_key(|p| p.model.len())
    }

    /// The model with this name, if its weights can be downloaded.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.name == name)
    }

    /// A hash of all files, 32 hexadecimal digits: equal files have equal fingerprints. Prices and models are excluded,
    /// since they change no row.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let aside = ["prices.toml", "models.toml"];
        for (name, text) in self.files.iter().filter(|(name, _)| !aside.contains(&name.as_str())) {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        // Nothing is added where nothing was replaced, as in earlier versions.
        for language in &self.languages_given {
            hasher.update(language.code().as_bytes());
        }
        hasher.finalize().to_hex().chars().take(32).collect()
    }

    /// The part with this id or file stem.
    #[inline]
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|p| p.id.as_str() == name || p.stem == name)
    }

    /// The parts that are made where none is named.
    pub fn default_parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.default)
    }

    /// The styles of conversations with health workers, or with those who write for themselves.
    #[inline]
    pub fn styles_of(&self, personas: bool) -> &Styles {
        if personas { &self.personas.styles } else { &self.styles }
    }

    /// Their moves.
    #[inline]
    pub fn moves_of(&self, personas: bool) -> &[Move] {
        if personas { &self.personas.moves } else { &self.moves }
    }

    /// How their first messages are written.
    #[inline]
    pub fn voices_of(&self, personas: bool) -> &Voices {
        if personas { &self.personas.voices } else { &self.voices }
    }

    /// The frame of a prompt about a patient of this age in the usual care setting of a country, by its code; `None` if
    /// the catalog has no such country or age. A child under two is six months past its years.
    #[inline]
    pub fn frame(&self, years: u32, sex: Sex, country: &str) -> Option<Frame> {
        let country = self.countries.iter().find(|c| c.code == country)?;
        let band = self.ages.iter().find(|b| (b.from..=b.to).contains(&years))?;
        let setting = country.settings.first().and_then(|s| self.settings.get(*s))?;
        let place = Place {
            country_code: country.code.clone(),
            country: country.name.clone(),
            income: country.income,
            region: country.region.clone(),
            setting: setting.id.clone(),
        };
        let patient = FramePatient {
            age_band: band.id.clone(),
            age: AgeYears { years, months: (years < 2).then_some(6) },
            sex,
            gender: None,
            pregnancy_weeks: None,
            condition: None,
        };
        Some(Frame::new(place, Some(patient), ConversationMode::Normal))
    }

    /// All values of an axis, in the resources' order.
    #[inline]
    pub fn values(&self, axis: Axis) -> Vec<Value> {
        match axis {
            Axis::Task => (0..self.tasks.len()).map(Value::Task).collect(),
            Axis::Profession => (0..self.professions.len()).map(Value::Profession).collect(),
            Axis::Domain => (0..self.domains.len()).map(Value::Domain).collect(),
            Axis::Subtopic => (0..self.subtopics.len()).map(Value::Subtopic).collect(),
            Axis::Specialty => self
                .professions
                .iter()
                .enumerate()
                .flat_map(|(p, profession)| {
                    (0..profession.specialties.len()).map(move |s| Value::Specialty(p, s))
                })
                .collect(),
        }
    }

    /// The scope of a value; no restriction for an index that the catalog lacks.
    #[inline]
    pub fn scope(&self, value: Value) -> Scope {
        match value {
            Value::Task(t) => self.tasks.get(t).map(|t| &t.scope),
            Value::Profession(p) => self.professions.get(p).map(|p| &p.scope),
            Value::Specialty(p, s) => {
                self.professions.get(p).and_then(|p| p.specialties.get(s)).map(|s| &s.scope)
            }
            Value::Domain(d) => self.domains.get(d).map(|d| &d.scope),
            Value::Subtopic(s) => self.subtopics.get(s).map(|s| &s.scope),
        }
        .cloned()
        .unwrap_or(Scope::ANYONE)
        .without_impossible_pregnancy()
    }

    /// The scope of a row with these values.
    #[inline]
    pub fn row_scope(&self, values: &[Value]) -> Scope {
        Scope::resolve(values.iter().map(|value| self.scope(*value)))
    }
}
