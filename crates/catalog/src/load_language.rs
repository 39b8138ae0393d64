//! Reads the texts of languages, and compares them with the English ones.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use clinstruct_schema::{Constraint, IncomeGroup, Language};
use serde::Deserialize;
use toml::Spanned;

use crate::language::SettingText;
use crate::load::Loader;
use crate::mistake::nearest;
use crate::read::Reader;
use crate::style::RawWording;
use crate::{
    Country, Files, LanguageTexts, Languages, Part, PartLanguages, Phrase, Profession, Setting,
    StyleOption, Styles, Wording,
};

/// Templates that are rendered in the language of a conversation.
const TEMPLATES: [&str; 2] = ["assistant_system.j2", "exported_system.j2"];
/// Phrases that code says to the assistant.
const SAID: [&str; 2] = ["aim-", "repair-"];

/// What texts are compared with.
pub(crate) struct Texts<'a> {
    pub(crate) phrases: &'a [Phrase],
    /// Ids of the phrases that the assistant is told.
    pub(crate) spoken: &'a BTreeSet<String>,
    pub(crate) styles: &'a Styles,
    pub(crate) parts: &'a [Part],
    pub(crate) settings: &'a [Setting],
    pub(crate) professions: &'a [Profession],
    pub(crate) countries: &'a [Country],
}

/// The ids of the phrases that templates in the language of a conversation use.
pub(crate) fn said_to_assistant(files: &Files) -> BTreeSet<String> {
    let texts = TEMPLATES.iter().filter_map(|name| files.get(&format!("templates/{name}")));
    texts
        .flat_map(|text| text.split("phrases[\"").skip(1))
        .filter_map(|rest| rest.split_once('"'))
        .map(|(id, _)| id.to_owned())
        .collect()
}

type Named<T> = BTreeMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTexts {
    name: Spanned<String>,
    own: String,
    reviewed: bool,
    phrases: Named<Spanned<String>>,
    modes: Named<Spanned<String>>,
    registers: Named<Spanned<String>>,
    #[serde(default)]
    markers: Named<Spanned<String>>,
    settings: Named<SettingText>,
    professions: Named<Spanned<String>>,
    specialties: Named<Spanned<String>>,
    countries: Named<Spanned<String>>,
    wordings: Named<Vec<Spanned<RawWording>>>,
    #[serde(default)]
    conditions: Named<Vec<Spanned<String>>>,
    #[serde(default)]
    every: Named<Vec<Spanned<RawWording>>>,
}

/// The texts of all languages, and their shares.
pub(crate) fn read_languages(l: &mut Loader<'_>, known: &Texts<'_>) -> Languages {
    let names: Vec<String> =
        l.files.keys().filter(|name| name.starts_with("languages/")).cloned().collect();
    let mut texts = Vec::new();
    for name in names {
        let read = l.file(&name, |r| {
            let code = name.trim_start_matches("languages/").trim_end_matches(".toml");
            let language = Language::ALL.into_iter().find(|l| l.code() == code);
            let Some(language) = language.filter(|l| *l != Language::English) else {
                let known = Language::ALL.map(Language::code);
                let message = format!("\"{code}\" is no language that needs texts");
                r.mistake(0..0, message, nearest(code, known));
                return None;
            };
            read_texts(r, language, known)
        });
        texts.extend(read);
    }
    let languages: Vec<Language> = texts.iter().map(|t| t.language).collect();
    let (shares, answers) = l.file("languages.toml", |r| {
        let answers = r.value::<f64>("answers", true).map_or(1.0, |weight| weight.value);
        (read_shares(r, &languages, known.countries), answers)
    });
    for part in known.parts {
        let PartLanguages::Evenly(list) = &part.languages else { continue };
        for language in list.iter().filter(|l| **l != Language::English) {
            if !languages.contains(language) {
                let place = l.place(&format!("languages/{}.toml", language.code()));
                let message = format!("the part {} needs texts in {}", part.id, language.name());
                l.mistakes.push(place.mistake(0..0, message, None));
            }
        }
    }
    Languages { texts, shares, answers }
}

fn read_shares(
    r: &mut Reader<'_>,
    languages: &[Language],
    countries: &[Country],
) -> Vec<(IncomeGroup, Vec<(Language, f64)>)> {
    let groups = [
        ("high", IncomeGroup::High),
        ("upper-middle", IncomeGroup::UpperMiddle),
        ("lower-middle", IncomeGroup::LowerMiddle),
        ("low", IncomeGroup::Low),
    ];
    let mut all = Vec::new();
    for (name, group) in groups {
        let Some(shares) = r.value::<Named<f64>>(name, false) else { continue };
        let sum: f64 = shares.value.values().sum();
        if sum > 1.0 || shares.value.values().any(|share| *share < 0.0) {
            let message = format!("the shares sum to {sum}; English has what is left of 1");
            r.mistake(shares.span.clone(), message, None);
        }
        let mut of_group = Vec::new();
        for (code, share) in &shares.value {
            let found = languages.iter().find(|l| l.code() == code.get_ref());
            let Some(language) = found else {
                let known = languages.iter().map(|l| l.code());
                let message = format!("there are no texts in \"{}\"", code.get_ref());
                r.mistake(code.span(), message, nearest(code.get_ref(), known));
                continue;
            };
            if !countries.iter().any(|c| c.income == group && c.speaks(*language)) {
                let message =
                    format!("no country of this group has the language {}", language.name());
                r.mistake(code.span(), message, None);
                continue;
            }
            of_group.push((*language, *share));
        }
        all.push((group, of_group));
    }
    all
}

/// Compares the keys of a table with the ids of the English texts.
///
/// A key that is none of them is a mistake where it is close to one that is missing: resources of one's own may lack entries
/// that the texts of a language have. `needed` ids are all to be there; of the others the English name is used, and a style
/// without wordings is not asked for.
fn compare<T>(
    r: &mut Reader<'_>,
    (what, needed): (&str, bool),
    table: &Named<T>,
    ids: &BTreeSet<String>,
) {
    let has = |id: &String| table.keys().any(|key| key.get_ref() == id);
    let missing: Vec<&str> = ids.iter().filter(|id| !has(id)).map(String::as_str).collect();
    for key in table.keys().filter(|key| !ids.contains(key.get_ref())) {
        if let Some(help) = nearest(key.get_ref(), missing.iter().copied()) {
            r.mistake(key.span(), format!("unknown {what} \"{}\"", key.get_ref()), Some(help));
        }
    }
    if needed && !missing.is_empty() {
        r.mistake(0..0, format!("missing {what}: {}", missing.join(", ")), None);
    }
}

fn plain(
    r: &mut Reader<'_>,
    what: (&str, bool),
    table: Named<Spanned<String>>,
    ids: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    compare(r, what, &table, ids);
    for text in table.values().filter(|text| text.get_ref().trim().is_empty()) {
        r.mistake(text.span(), "the text is empty", None);
    }
    table.into_iter().map(|(id, text)| (id.into_inner(), text.into_inner())).collect()
}

fn read_texts(r: &mut Reader<'_>, language: Language, known: &Texts<'_>) -> Option<LanguageTexts> {
    let raw = r.whole::<RawTexts>()?.value;
    if raw.name.get_ref() != language.name() {
        r.mistake(raw.name.span(), format!("this file is for {}", language.name()), None);
    }
    let ids = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<BTreeSet<String>>();
    let said = |id: &str| {
        (SAID.iter().any(|start| id.starts_with(start)) && !id.ends_with("-user"))
            || known.spoken.contains(id)
    };
    let phrases = known.phrases.iter().map(|p| p.id.as_str()).filter(|id| said(id)).collect();
    let same_slot = |id: &str, text: &str| {
        let english = known.phrases.iter().find(|p| p.id.as_str() == id);
        english.is_none_or(|p| p.text.matches("{n}").count() == text.matches("{n}").count())
    };
    let wrong: Vec<Range<usize>> = raw
        .phrases
        .iter()
        .filter(|(id, text)| !same_slot(id.get_ref(), text.get_ref()))
        .map(|(_, text)| text.span())
        .collect();
    for span in wrong {
        r.mistake(
            span,
            "{n} is missing, or is in the text although the English one has none",
            None,
        );
    }
    let phrases = plain(r, ("phrase", true), raw.phrases, &ids(phrases));
    let modes = known.styles.modes.iter().map(|m| m.id.as_str()).collect();
    let modes = plain(r, ("mode", true), raw.modes, &ids(modes));
    let registers = known.styles.registers.iter().map(|t| t.id.as_str()).collect();
    let registers = plain(r, ("register", true), raw.registers, &ids(registers));
    compare(
        r,
        ("setting", false),
        &raw.settings,
        &ids(known.settings.iter().map(|s| s.id.as_str()).collect()),
    );
    let settings = raw.settings.into_iter().map(|(id, text)| (id.into_inner(), text)).collect();
    let professions = known.professions.iter().map(|p| p.id.as_str()).collect();
    let professions = plain(r, ("profession", false), raw.professions, &ids(professions));
    let specialties =
        known.professions.iter().flat_map(|p| &p.specialties).map(|s| s.name.as_str());
    let specialties = plain(r, ("specialty", false), raw.specialties, &ids(specialties.collect()));
    let countries = known.countries.iter().filter(|c| c.speaks(language)).map(|c| c.code.as_str());
    let countries = plain(r, ("country", false), raw.countries, &ids(countries.collect()));
    let marked = known.styles.asked.iter();
    let marked = marked.filter(|o| matches!(o.constraint, Constraint::EndsWith { .. }));
    let marked = marked.map(|o| o.id.as_str()).collect();
    let markers = plain(r, ("marker", false), raw.markers, &ids(marked));
    let conditions = conditions(r, raw.conditions);
    let wordings = wordings(r, language, (raw.wordings, raw.every), known, &markers);
    Some(LanguageTexts {
        language,
        own: raw.own,
        reviewed: raw.reviewed,
        phrases,
        modes,
        registers,
        markers,
        settings,
        professions,
        specialties,
        countries,
        conditions,
        wordings,
    })
}

/// Names of conditions, compared in lower case.
fn conditions(
    r: &mut Reader<'_>,
    table: Named<Vec<Spanned<String>>>,
) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for (code, names) in table {
        if !is_start_of_code(code.get_ref()) {
            let message = format!("\"{}\" is no beginning of an ICD-10 code", code.get_ref());
            r.mistake(code.span(), message, Some("such as G44 or G44.0".to_owned()));
        }
        for name in &names {
            let text = name.get_ref();
            if text.trim().is_empty() {
                r.mistake(name.span(), "the name is empty", None);
            } else if text.to_lowercase() != *text {
                r.mistake(name.span(), format!("\"{text}\" is not in lower case"), None);
            }
        }
        let names = names.into_iter().map(Spanned::into_inner).collect();
        all.insert(code.into_inner(), names);
    }
    all
}

/// Whether a text is a category of ICD-10, with or without its fourth character: `G44`, `G44.0`.
fn is_start_of_code(code: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (category, fourth) = code.split_once('.').unwrap_or((code, "0"));
    let mut letters = category.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && letters.as_str().len() == 2
        && digits(letters.as_str())
        && fourth.len() == 1
        && digits(fourth)
}

type Wordings = Named<Vec<Spanned<RawWording>>>;

fn wordings(
    r: &mut Reader<'_>,
    language: Language,
    (once, every): (Wordings, Wordings),
    known: &Texts<'_>,
    markers: &BTreeMap<String, String>,
) -> BTreeMap<String, Vec<Wording>> {
    let styles = known.styles;
    let emergencies = known.parts.iter().filter_map(|part| part.emergency.as_ref());
    let options: Vec<&StyleOption> =
        [&styles.asked, &styles.assistant_length, &styles.assistant_form]
            .into_iter()
            .flatten()
            .chain(styles.modes.iter().flat_map(|mode| &mode.lines))
            .chain(emergencies.map(|emergency| &emergency.instruction))
            .filter(|option| !matches!(option.constraint, Constraint::Language { .. }))
            .collect();
    let ids: BTreeSet<String> = options
        .iter()
        .filter(|option| option.is_countable_in(language))
        .map(|option| option.id.to_string())
        .collect();
    compare(r, ("style", false), &once, &ids);
    let of_once: BTreeSet<String> = once.keys().map(|key| key.get_ref().clone()).collect();
    for key in every.keys().filter(|key| !of_once.contains(key.get_ref())) {
        let help = nearest(key.get_ref(), of_once.iter().map(String::as_str));
        r.mistake(key.span(), format!("[wordings] has no \"{}\"", key.get_ref()), help);
    }
    let mut all: BTreeMap<String, Vec<Wording>> = BTreeMap::new();
    let tables = [(once, false), (every, true)];
    for (id, list, every) in tables
        .into_iter()
        .flat_map(|(table, every)| table.into_iter().map(move |(id, list)| (id, list, every)))
    {
        let Some(option) = options.iter().find(|o| o.id.as_str() == id.get_ref()) else { continue };
        for wording in list {
            let span = wording.span();
            let wording = wording.into_inner().0;
            let wording = Wording { every: every || wording.every, ..wording };
            let slots = wording.text.0.matches("{n}").count();
            if slots != usize::from(!option.counts.is_empty()) {
                let message = format!("{{n}} is in the text {slots} times");
                let help = "the number that is checked is said once, and only where there is one";
                r.mistake(span.clone(), message, Some(help.to_owned()));
            }
            let marker = markers.get(id.get_ref());
            if let Some(marker) = marker.filter(|marker| !wording.text.0.contains(*marker)) {
                r.mistake(span.clone(), format!("\"{marker}\" is not in the text"), None);
            }
            all.entry(id.get_ref().clone()).or_default().push(wording);
        }
    }
    for (id, list) in &all {
        if list.iter().all(|wording| {
            wording.every || !wording.modes.is_empty() || !wording.registers.is_empty()
        }) {
            r.mistake(0..0, format!("{id} has no wording that suits every conversation"), None);
        }
    }
    all
}
