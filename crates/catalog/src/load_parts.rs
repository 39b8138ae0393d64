//! Reads the files of the parts.

use std::collections::HashSet;

use clinstruct_schema::{IncomeGroup, Language, PartId};
use toml::Spanned;

use crate::load::{Loader, resolve, sums_to_one, wordings};
use crate::mistake::nearest;
use crate::part::{RawLanguages, RawPart, Shares};
use crate::read::Reader;
use crate::{
    Axis, Countries, Country, Domain, EmergencyRule, Part, PartLanguages, Profession,
    RoleTemplates, StyleOption, Styles, Subtopic, Task, When,
};

pub(crate) fn when(reader: &mut Reader<'_>, c: &Axes<'_>, groups: &[crate::Group], when: &When) {
    let mut names = |what: &str, wanted: &Option<Vec<Spanned<String>>>, known: Vec<&str>| {
        for name in wanted.iter().flatten() {
            resolve(reader, what, name.get_ref(), name.span(), known.iter().copied());
        }
    };
    names("task", &when.task, c.tasks.iter().map(|t| t.id.as_str()).collect());
    names("profession", &when.profession, c.professions.iter().map(|t| t.id.as_str()).collect());
    names("domain", &when.domain, c.domains.iter().map(|t| t.id.as_str()).collect());
    names("subtopic", &when.subtopic, c.subtopics.iter().map(|t| t.id.as_str()).collect());
    let specialties: Vec<String> = c
        .professions
        .iter()
        .flat_map(|p| p.specialties.iter().map(move |s| format!("{}.{}", p.id, s.id)))
        .collect();
    names("specialty", &when.specialty, specialties.iter().map(String::as_str).collect());
    names("style group", &when.asked_group, groups.iter().map(|g| g.id.as_str()).collect());
}

pub(crate) fn shares(
    reader: &mut Reader<'_>,
    what: &str,
    raw: &Shares,
    known: &[&str],
) -> Vec<(Option<usize>, f64)> {
    sums_to_one(reader, raw.span(), raw.get_ref().values().copied());
    raw.get_ref()
        .iter()
        .filter_map(|(name, weight)| {
            if name.get_ref() == "unspecified" {
                return Some((None, *weight));
            }
            let found = resolve(reader, what, name.get_ref(), name.span(), known.iter().copied());
            found.map(|i| (Some(i), *weight))
        })
        .collect()
}

/// What part files refer to.
pub(crate) struct Axes<'a> {
    pub(crate) tasks: &'a [Task],
    pub(crate) professions: &'a [Profession],
    pub(crate) domains: &'a [Domain],
    pub(crate) subtopics: &'a [Subtopic],
    pub(crate) countries: &'a [Country],
    pub(crate) styles: &'a Styles,
    /// Styles of those who write for themselves.
    pub(crate) lay_styles: &'a Styles,
    pub(crate) template_names: HashSet<String>,
}

/// A template that does not compile has its own mistake already.
fn known_template(reader: &mut Reader<'_>, c: &Axes<'_>, name: &Spanned<String>) {
    if !c.template_names.contains(&format!("templates/{}", name.get_ref())) {
        let message = format!("there is no template \"{}\"", name.get_ref());
        reader.mistake(name.span(), message, Some("put it into templates/".into()));
    }
}

fn role_templates(reader: &mut Reader<'_>, c: &Axes<'_>, raw: &RawPart) -> RoleTemplates {
    let usual = RoleTemplates::default();
    let mut own = |given: &Option<Spanned<String>>, usual: String| match given {
        Some(name) => {
            known_template(reader, c, name);
            name.get_ref().clone()
        }
        None => usual,
    };
    RoleTemplates {
        prompt_system: own(&raw.prompt_system, usual.prompt_system),
        assistant_system: own(&raw.assistant_system, usual.assistant_system),
        exported_system: own(&raw.exported_system, usual.exported_system),
        user_system: own(&raw.user_system, usual.user_system),
    }
}

pub(crate) fn part(reader: &mut Reader<'_>, c: &Axes<'_>) -> Option<Part> {
    let raw: RawPart = reader.whole::<RawPart>()?.value;
    let its_styles = if raw.personas { c.lay_styles } else { c.styles };
    for left_out in &raw.leave_out {
        when(reader, c, &its_styles.groups, left_out);
    }
    if raw.personas && raw.cross.get_ref().len() > 1 {
        let message = "a part with personas crosses one list of axes";
        reader.mistake(raw.cross.span(), message, Some("name them in one list".into()));
    }
    let templates = role_templates(reader, c, &raw);
    for rule in &raw.mode {
        when(reader, c, &its_styles.groups, &rule.when);
        let span = rule.weights.span();
        sums_to_one(reader, span, rule.weights.get_ref().values().copied());
    }
    for rule in &raw.turns {
        when(reader, c, &its_styles.groups, &rule.when);
        sums_to_one(reader, rule.weights.span(), rule.weights.get_ref().iter().copied());
    }
    let end = reader.place.text.len().saturating_sub(1)..reader.place.text.len();
    let help = || Some("let the last rule have no `when`".to_owned());
    if raw.mode.last().is_none_or(|r| r.when.is_conditional()) {
        reader.mistake(end.clone(), "no [[mode]] rule holds for every row", help());
    }
    if raw.turns.last().is_none_or(|r| r.when.is_conditional()) {
        reader.mistake(end, "no [[turns]] rule holds for every row", help());
    }
    if raw.cross.get_ref().is_empty() || raw.cross.get_ref().iter().any(Vec::is_empty) {
        reader.mistake(raw.cross.span(), "`cross` names no axis", None);
    }
    let prompts = *raw.prompts_per_request.get_ref();
    if prompts == 0 || prompts > 9 {
        reader.mistake(
            raw.prompts_per_request.span(),
            "`prompts_per_request` must be 1 to 9",
            None,
        );
    }
    if *raw.countries.get_ref() == Countries::OnePerIncomeGroup {
        if prompts > 4 {
            reader.mistake(raw.countries.span(), "there are only four income groups", None);
        }
        for group in [
            IncomeGroup::High,
            IncomeGroup::UpperMiddle,
            IncomeGroup::LowerMiddle,
            IncomeGroup::Low,
        ] {
            if !c.countries.iter().any(|country| country.income == group) {
                let message = format!("no country has the income group {group:?}");
                reader.mistake(raw.countries.span(), message, None);
            }
        }
    }
    known_template(reader, c, &raw.template);
    let stem = raw.stem.get_ref();
    if stem.is_empty() || !stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    {
        let help = Some("use letters, digits, `_` and `-`".into());
        reader.mistake(raw.stem.span(), "`stem` is not a plain file name", help);
    }
    let professions: Vec<&str> = c.professions.iter().map(|p| p.id.as_str()).collect();
    let names_worker = raw
        .cross
        .get_ref()
        .iter()
        .any(|axes| axes.iter().all(|a| matches!(a, Axis::Specialty | Axis::Profession)));
    let professions = match &raw.professions {
        Some(raw) => shares(reader, "profession", raw, &professions)
            .into_iter()
            .filter_map(|(i, w)| i.map(|i| (i, w)))
            .collect(),
        None => {
            if !names_worker && !raw.personas {
                let help = Some("add a table [professions] with shares that sum to 1".into());
                reader.mistake(raw.cross.span(), "these rows name no health worker", help);
            }
            Vec::new()
        }
    };
    let mut of = |what: &str, raw: &Shares, options: &[StyleOption]| {
        let ids: Vec<&str> = options.iter().map(|o| o.id.as_str()).collect();
        shares(reader, what, raw, &ids)
            .into_iter()
            .map(|(i, w)| (i.and_then(|i| options.get(i)).map(|o| o.id.clone()), w))
            .collect::<Vec<_>>()
    };
    let assistant_length =
        of("assistant length", &raw.assistant_length, &its_styles.assistant_length);
    let assistant_form = of("assistant form", &raw.assistant_form, &its_styles.assistant_form);
    let user_length = of("user length", &raw.user_length, &its_styles.user_length);
    let mut register = [0.0; 3];
    for (i, w) in shares(reader, "register", &raw.register, &["popular", "standard", "scientific"])
    {
        if let Some(slot) = i.and_then(|i| register.get_mut(i)) {
            *slot = w;
        }
    }
    let styles = raw.styles.map(|rule| {
        let span = rule.span();
        let rule = rule.into_inner();
        if rule.variants == 0 || rule.variants > 9 {
            reader.mistake(span.clone(), "`variants` must be 1 to 9", None);
        }
        if !(0.0..=1.0).contains(&rule.share) {
            reader.mistake(span.clone(), "`share` must be between 0 and 1", None);
        }
        if rule.options == 0 || rule.options > its_styles.groups.len() {
            reader.mistake(
                span,
                "`options` must be at least 1 and at most the number of groups",
                None,
            );
        }
        rule
    });
    let emergency = raw.emergency.map(|e| {
        if !(0.0..=1.0).contains(e.probability.get_ref()) {
            reader.mistake(e.probability.span(), "`probability` must be between 0 and 1", None);
        }
        EmergencyRule {
            probability: e.probability.into_inner(),
            instruction: StyleOption {
                id: e.id,
                group: "emergency".into(),
                wordings: wordings(reader, &e.wordings, false),
                counts: Vec::new(),
                constraint: e.constraint,
                claims: e.claims,
            },
        }
    });
    let languages =
        raw.languages.map_or_else(PartLanguages::default, |raw| languages(reader, &raw));
    Some(Part {
        id: PartId(raw.id.into_inner()),
        stem: raw.stem.into_inner(),
        title: raw.title,
        default: raw.default,
        personas: raw.personas,
        leave_out: raw.leave_out,
        cross: raw.cross.into_inner(),
        template: raw.template.into_inner(),
        templates,
        prompts_per_request: prompts,
        countries: raw.countries.into_inner(),
        max_tokens: raw.max_tokens,
        professions,
        styles,
        emergency,
        mode: raw.mode,
        turns: raw.turns,
        assistant_length,
        assistant_form,
        user_length,
        register,
        languages,
    })
}

fn languages(reader: &mut Reader<'_>, raw: &Spanned<RawLanguages>) -> PartLanguages {
    let help = || Some("write \"shares\", or a list such as [\"en\", \"de\"]".to_owned());
    match raw.get_ref() {
        RawLanguages::Word(word) if word == "shares" => PartLanguages::Shares,
        RawLanguages::Word(word) => {
            reader.mistake(raw.span(), format!("unknown languages \"{word}\""), help());
            PartLanguages::default()
        }
        RawLanguages::List(list) => {
            if list.is_empty() {
                reader.mistake(raw.span(), "the list of languages is empty", help());
            }
            let mut all = Vec::new();
            for name in list {
                match Language::of(name) {
                    Some(language) if !all.contains(&language) => all.push(language),
                    Some(_) => reader.mistake(raw.span(), format!("{name} is named twice"), None),
                    None => {
                        let message = format!("unknown language \"{name}\"");
                        let known = Language::ALL.map(Language::code);
                        reader.mistake(raw.span(), message, nearest(name, known));
                    }
                }
            }
            PartLanguages::Evenly(all)
        }
    }
}

pub(crate) fn read_parts(l: &mut Loader<'_>, axes: &Axes<'_>) -> Vec<Part> {
    let names: Vec<String> = l.files.keys().filter(|n| n.starts_with("parts/")).cloned().collect();
    let mut parts: Vec<Part> = Vec::new();
    for name in names {
        let taken: Vec<(String, String)> =
            parts.iter().map(|p: &Part| (p.id.to_string(), p.stem.clone())).collect();
        let read = l.file(&name, |r| {
            let part = part(r, axes)?;
            for (id, stem) in &taken {
                if *id == part.id.to_string() {
                    r.mistake(0..0, format!("another part has the id \"{id}\""), None);
                }
                if *stem == part.stem {
                    r.mistake(0..0, format!("another part has the stem \"{stem}\""), None);
                }
            }
            Some(part)
        });
        parts.extend(read);
    }
    if parts.is_empty() && l.mistakes.is_empty() {
        let place = l.place("parts/");
        l.mistakes.push(place.mistake(
            0..0,
            "there is no part",
            Some("add a file to parts/".into()),
        ));
    }
    parts
}
