//! Reads tasks, professions, domains and subtopics with their scopes.

use std::collections::{BTreeMap, HashSet};

use clinstruct_schema::{Sex, Slug};
use serde::Deserialize;
use toml::Spanned;

use crate::load::{Loader, distinct, resolve, values};
use crate::read::Reader;
use crate::scope::{bands_of, months_of, overlap};
use crate::{
    AboutPatient, AgeBand, Condition, Domain, Files, PregnancyRule, Profession, Scope, Specialty,
    Subtopic, Task, Who,
};

/// The fields of a scope, as written.
#[derive(Debug, Default)]
pub(crate) struct RawScope {
    ages: Option<Spanned<String>>,
    sexes: Option<Spanned<Vec<Sex>>>,
    patient: Option<Spanned<String>>,
    pregnancy: Option<Spanned<String>>,
    weeks: Option<Spanned<String>>,
    emergency: Option<Spanned<String>>,
    conditions: Vec<Spanned<String>>,
}

/// Whether a topic is an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emergency {
    /// It is emergency care.
    Usual,
    /// It can be one.
    Possible,
    /// It cannot.
    Never,
}

const PATIENT: [(&str, AboutPatient); 3] = [
    ("patient", AboutPatient::Patient),
    ("none", AboutPatient::None),
    ("either", AboutPatient::Either),
];
const PREGNANCY: [(&str, PregnancyRule); 3] = [
    ("possible", PregnancyRule::Possible),
    ("required", PregnancyRule::Required),
    ("never", PregnancyRule::Never),
];
const EMERGENCY: [(&str, Emergency); 3] =
    [("usual", Emergency::Usual), ("possible", Emergency::Possible), ("never", Emergency::Never)];

/// A table with the fields of a scope beside its own. Serde's `flatten` would lose the positions of mistakes.
macro_rules! scoped {
    ($(#[$of_type:meta])* $name:ident {
        $($(#[$of_field:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$of_type])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$of_field])* $field: $type,)*
            ages: Option<Spanned<String>>,
            sexes: Option<Spanned<Vec<Sex>>>,
            patient: Option<Spanned<String>>,
            pregnancy: Option<Spanned<String>>,
            weeks: Option<Spanned<String>>,
            emergency: Option<Spanned<String>>,
            #[serde(default)]
            conditions: Vec<Spanned<String>>,
        }

        impl $name {
            fn take_scope(&mut self) -> RawScope {
                RawScope {
                    ages: self.ages.take(),
                    sexes: self.sexes.take(),
                    patient: self.patient.take(),
                    pregnancy: self.pregnancy.take(),
                    weeks: self.weeks.take(),
                    emergency: self.emergency.take(),
                    conditions: std::mem::take(&mut self.conditions),
                }
            }
        }
    };
}

scoped! {
    RawTask {
        id: Spanned<Slug>,
        name: String,
        description: String,
        case: String,
        question: String,
        max_tokens: u32,
        #[serde(default)]
        rules: bool,
        #[serde(default)]
        translates: bool,
    }
}

scoped! {
    RawProfession {
        id: Spanned<Slug>,
        name: String,
        #[serde(rename = "people")]
        _people: Option<String>,
        #[serde(default)]
        specialty: Vec<RawField>,
    }
}

scoped! {
    /// A specialty or a domain.
    RawField {
        id: Spanned<Slug>,
        name: String,
    }
}

scoped! {
    /// A subtopic that is not a name alone.
    RawSubtopic {
        name: Spanned<String>,
    }
}

impl RawSubtopic {
    /// A subtopic that is a name alone: all its rules are its domain's.
    fn named(name: Spanned<String>) -> Self {
        Self {
            name,
            ages: None,
            sexes: None,
            patient: None,
            pregnancy: None,
            weeks: None,
            emergency: None,
            conditions: Vec::new(),
        }
    }
}

/// What scopes refer to.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) ages: &'a [AgeBand],
    pub(crate) conditions: &'a [Condition],
}

/// Tasks, professions, domains and subtopics.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    pub(crate) tasks: Vec<Task>,
    pub(crate) professions: Vec<Profession>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) subtopics: Vec<Subtopic>,
}

/// The ids of domains and specialties, which conditions refer to. A file that is not TOML has none; that is reported where
/// it is read.
pub(crate) fn field_ids(files: &Files) -> HashSet<String> {
    #[derive(Default, Deserialize)]
    struct Field {
        id: String,
        #[serde(default)]
        specialty: Vec<Self>,
    }
    #[derive(Default, Deserialize)]
    struct File {
        #[serde(default)]
        domain: Vec<Field>,
        #[serde(default)]
        profession: Vec<Field>,
    }
    let read = |name: &str| -> File {
        files.get(name).and_then(|text| toml::from_str(text).ok()).unwrap_or_default()
    };
    let domains = read("domains.toml").domain.into_iter();
    let specialties = read("professions.toml").profession.into_iter().flat_map(|p| p.specialty);
    domains.chain(specialties).map(|field| field.id).collect()
}

pub(crate) fn read_topics(l: &mut Loader<'_>, known: Known<'_>) -> Topics {
    let tasks = l.file("tasks.toml", |r| read_tasks(r, known));
    let professions = l.file("professions.toml", |r| read_professions(r, known));
    let domains = l.file("domains.toml", |r| {
        let raw = values(r.entries::<RawField>("domain", true));
        distinct(r, "domain", raw.iter().map(|f| (f.id.get_ref().as_str(), f.id.span())));
        raw.into_iter()
            .map(|mut raw| {
                let rule = raw.take_scope();
                stated(r, &raw.id, &rule);
                let (scope, emergency) = scope(r, known, &rule, None);
                Domain { id: raw.id.into_inner(), name: raw.name, emergency, scope }
            })
            .collect::<Vec<_>>()
    });
    let subtopics = read_subtopics(l, known, &domains);
    Topics { tasks, professions, domains, subtopics }
}

fn read_tasks(r: &mut Reader<'_>, known: Known<'_>) -> Vec<Task> {
    let raw = values(r.entries::<RawTask>("task", true));
    distinct(r, "task", raw.iter().map(|t| (t.id.get_ref().as_str(), t.id.span())));
    raw.into_iter()
        .map(|mut raw| {
            let rule = raw.take_scope();
            stated(r, &raw.id, &rule);
            let (scope, _) = scope(r, known, &rule, None);
            Task {
                id: raw.id.into_inner(),
                name: raw.name,
                description: raw.description,
                case: raw.case,
                question: raw.question,
                max_tokens: raw.max_tokens,
                rules: raw.rules,
                translates: raw.translates,
                scope,
            }
        })
        .collect()
}

fn read_professions(r: &mut Reader<'_>, known: Known<'_>) -> Vec<Profession> {
    let raw = values(r.entries::<RawProfession>("profession", true));
    distinct(r, "profession", raw.iter().map(|p| (p.id.get_ref().as_str(), p.id.span())));
    raw.into_iter()
        .map(|mut raw| {
            let rule = raw.take_scope();
            stated(r, &raw.id, &rule);
            let (of_profession, _) = scope(r, known, &rule, None);
            let of = |f: &RawField| (f.id.get_ref().to_string(), f.id.span());
            let ids: Vec<_> = raw.specialty.iter().map(of).collect();
            distinct(r, "specialty", ids.iter().map(|(id, span)| (id.as_str(), span.clone())));
            let specialties = raw
                .specialty
                .into_iter()
                .map(|mut raw| {
                    let rule = raw.take_scope();
                    let (scope, emergency) = scope(r, known, &rule, Some(&of_profession));
                    Specialty { id: raw.id.into_inner(), name: raw.name, emergency, scope }
                })
                .collect();
            Profession {
                id: raw.id.into_inner(),
                name: raw.name,
                specialties,
                scope: of_profession,
            }
        })
        .collect()
}

fn read_subtopics(l: &mut Loader<'_>, known: Known<'_>, domains: &[Domain]) -> Vec<Subtopic> {
    let mut all = Vec::new();
    let mut seen: BTreeMap<Slug, String> = BTreeMap::new();
    let names: Vec<String> =
        l.files.keys().filter(|n| n.starts_with("subtopics/")).cloned().collect();
    for name in names {
        let found = l.file(&name, |r| {
            let domain = r.value::<Spanned<String>>("domain", true);
            let domain = domain.and_then(|d| {
                let known = domains.iter().map(|d| d.id.as_str());
                resolve(r, "domain", d.value.get_ref(), d.value.span(), known)
            });
            let raw = r.names_or_tables("subtopics", RawSubtopic::named);
            let mut found = Vec::new();
            for mut raw in raw {
                let rule = raw.take_scope();
                let Ok(id) = Slug::of_name(raw.name.get_ref()) else {
                    r.mistake(raw.name.span(), "a subtopic needs a letter or a digit", None);
                    continue;
                };
                if let Some(other) = seen.insert(id.clone(), name.clone()) {
                    let message =
                        format!("the subtopic \"{}\" is in {other} too", raw.name.get_ref());
                    r.mistake(raw.name.span(), message, Some("choose a more specific name".into()));
                }
                let parent = domain.and_then(|d| domains.get(d));
                let (scope, _) = scope(r, known, &rule, parent.map(|d| &d.scope));
                if let Some(domain) = domain {
                    found.push(Subtopic { id, name: raw.name.into_inner(), domain, scope });
                }
            }
            found
        });
        all.extend(found);
    }
    all.sort_by_key(|s| s.domain);
    all
}

/// An entry that inherits from none says whether it has a patient and whether it can be an emergency.
fn stated(r: &mut Reader<'_>, id: &Spanned<Slug>, raw: &RawScope) {
    if raw.patient.is_none() {
        r.mistake(id.span(), "missing field `patient`", Some(one_of(PATIENT)));
    }
    if raw.emergency.is_none() {
        r.mistake(id.span(), "missing field `emergency`", Some(one_of(EMERGENCY)));
    }
}

/// The meaning of a word. A wrong one does not drop its entry, whose name other files use.
fn word<T: Copy>(
    r: &mut Reader<'_>,
    field: &str,
    written: Option<&Spanned<String>>,
    known: [(&str, T); 3],
) -> Option<T> {
    let written = written?;
    let found = known.iter().find(|(word, _)| written.get_ref() == word);
    if found.is_none() {
        let message = format!("`{field}` is \"{}\"", written.get_ref());
        r.mistake(written.span(), message, Some(one_of(known)));
    }
    found.map(|(_, value)| *value)
}

fn one_of<T>([(a, _), (b, _), (c, _)]: [(&str, T); 3]) -> String {
    format!("write \"{a}\", \"{b}\" or \"{c}\"")
}

/// The scope of an entry, and whether it is emergency care itself. What it does not state is its parent's.
fn scope(
    r: &mut Reader<'_>,
    known: Known<'_>,
    raw: &RawScope,
    parent: Option<&Scope>,
) -> (Scope, bool) {
    let mut scope = parent.cloned().unwrap_or(Scope::ANYONE);
    if let Some(months) = raw.ages.as_ref().and_then(|ages| months(r, known.ages, ages)) {
        scope.months = months;
    }
    if let Some(sexes) = &raw.sexes {
        scope.who.sexes =
            [Sex::Male, Sex::Female, Sex::Intersex].map(|s| sexes.get_ref().contains(&s));
        if sexes.get_ref().is_empty() {
            r.mistake(sexes.span(), "the list of sexes is empty", None);
        }
    }
    scope.patient = word(r, "patient", raw.patient.as_ref(), PATIENT).unwrap_or(scope.patient);
    let pregnancy = word(r, "pregnancy", raw.pregnancy.as_ref(), PREGNANCY);
    scope.pregnancy = pregnancy.unwrap_or(scope.pregnancy);
    if scope.pregnancy == PregnancyRule::Required {
        scope.who.sexes[Sex::Male as usize] = false;
        let months = overlap(scope.months, Scope::CHILDBEARING);
        scope.months = months.unwrap_or(Scope::CHILDBEARING);
        if months.is_none() || scope.who.sexes == [false; 3] {
            let span = raw.pregnancy.as_ref().map_or(0..0, Spanned::span);
            r.mistake(span, "nobody of these ages and sexes is pregnant", None);
        }
    }
    if let Some(raw_weeks) = &raw.weeks {
        match weeks(raw_weeks.get_ref()) {
            Some(weeks) => scope.weeks = weeks,
            None => r.mistake(
                raw_weeks.span(),
                "not weeks of a pregnancy",
                Some("write the first and last of 4 to 42 weeks, such as \"24..36\"".into()),
            ),
        }
        if scope.pregnancy != PregnancyRule::Required {
            let help = Some("add `pregnancy = \"required\"`".into());
            r.mistake(raw_weeks.span(), "`weeks` without a required pregnancy", help);
        }
    }
    if let Some(bands) = bands_of(known.ages, scope.months) {
        scope.who.ages = bands;
    }
    let emergency = word(r, "emergency", raw.emergency.as_ref(), EMERGENCY);
    if let Some(emergency) = emergency {
        scope.can_be_emergency = emergency != Emergency::Never;
    }
    if scope.patient == AboutPatient::None {
        scope.can_be_emergency = false;
        if let (Some(Emergency::Usual | Emergency::Possible), Some(written)) =
            (emergency, &raw.emergency)
        {
            r.mistake(written.span(), "an emergency without a patient", None);
        }
    }
    if !raw.conditions.is_empty() {
        scope.conditions = conditions(r, known, raw, &scope.who);
    }
    (scope, emergency == Some(Emergency::Usual))
}

/// The indices of the conditions of an entry.
fn conditions(r: &mut Reader<'_>, known: Known<'_>, raw: &RawScope, who: &Who) -> Vec<usize> {
    let ids = || known.conditions.iter().map(|c| c.id.as_str());
    let mut found = Vec::new();
    for id in &raw.conditions {
        let Some(index) = resolve(r, "condition", id.get_ref(), id.span(), ids()) else { continue };
        let has_it = |c: &Condition| c.who.and(who).is_some();
        if !known.conditions.get(index).is_some_and(has_it) {
            let message = format!("nobody of these ages and sexes has \"{}\"", id.get_ref());
            r.mistake(id.span(), message, None);
        }
        found.push(index);
    }
    found
}

/// Ages as completed months: bands (`infants..toddlers`), ages (`6m..4y`), or one of either (`infants`, `0m`). Both ends are
/// included: `4y` lasts until the day before the fifth birthday.
fn months(r: &mut Reader<'_>, ages: &[AgeBand], written: &Spanned<String>) -> Option<(u32, u32)> {
    let text = written.get_ref();
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let first = month_of(r, ages, from, written)?;
    let last = month_of(r, ages, to, written)?;
    let span = (first.0, last.1);
    if span.0 > span.1 {
        r.mistake(written.span(), format!("{from} is older than {to}"), None);
        return None;
    }
    if bands_of(ages, span).is_none() {
        r.mistake(written.span(), format!("no age band has anybody of {text}"), None);
        return None;
    }
    Some(span)
}

/// The months of one band or of one age.
fn month_of(
    r: &mut Reader<'_>,
    ages: &[AgeBand],
    name: &str,
    written: &Spanned<String>,
) -> Option<(u32, u32)> {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        let age =
            name.strip_suffix('m').map(|n| (n, 1)).or_else(|| Some((name.strip_suffix('y')?, 12)));
        let months = age.and_then(|(number, unit)| {
            let first = number.parse::<u32>().ok()?.checked_mul(unit)?;
            Some((first, first.checked_add(unit - 1)?))
        });
        if months.is_none() {
            let help = Some("write months or years, such as \"6m\" or \"45y\"".into());
            r.mistake(written.span(), format!("\"{name}\" is not an age"), help);
        }
        return months;
    }
    let known = ages.iter().map(|a| a.id.as_str());
    let band = resolve(r, "age band", name, written.span(), known)?;
    ages.get(band).map(months_of)
}

fn weeks(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let weeks = (from.parse().ok()?, to.parse().ok()?);
    (4 <= weeks.0 && weeks.0 <= weeks.1 && weeks.1 <= 42).then_some(weeks)
}
