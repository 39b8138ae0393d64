//! Reads the files of axes, patient facts and situations.

use std::ops::Range;

use clinstruct_schema::{Register, Sex};
use toml::Spanned;

use crate::axes::{RawCountry, RawGender};
use crate::load::{distinct, option, resolve, sums_to_one, values};
use crate::read::Reader;
use crate::style::{RawMode, RawOption};
use crate::{AgeBand, Country, Gender, Mode, Places, Setting, SexShare, Styles};

/// The six regions of the WHO.
pub(crate) const REGIONS: [&str; 6] = ["AFR", "AMR", "SEAR", "EUR", "EMR", "WPR"];

pub(crate) fn line_span(text: &str, line: Option<usize>) -> Range<usize> {
    let line = line.unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let length = text.get(start..).and_then(|t| t.lines().next()).map_or(0, str::len);
    start..start + length
}

pub(crate) fn read_ages(r: &mut Reader<'_>) -> Vec<AgeBand> {
    let entries = r.entries::<AgeBand>("age", true);
    distinct(r, "age band", entries.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    let mut next = 0;
    let mut gaps = Vec::new();
    for e in &entries {
        if e.value.from != next || e.value.to < e.value.from {
            gaps.push((e.span.clone(), next));
        }
        next = e.value.to + 1;
    }
    for (span, next) in gaps {
        let message = format!("the band does not start at {next}, where the previous one ended");
        r.mistake(span, message, Some("age bands must have no gaps and no overlaps".into()));
    }
    let span = entries.first().map_or(0..0, |e| e.span.clone());
    sums_to_one(r, span, entries.iter().map(|e| e.value.weight));
    values(entries)
}

pub(crate) fn read_countries(r: &mut Reader<'_>, settings: &[Setting]) -> (String, Vec<Country>) {
    let year = r.value::<String>("year", true).map(|e| e.value).unwrap_or_default();
    let raw = values(r.entries::<RawCountry>("country", true));
    distinct(r, "country", raw.iter().map(|c| (c.code.get_ref().as_str(), c.code.span())));
    let countries = raw
        .into_iter()
        .map(|c| {
            resolve(r, "WHO region", c.region.get_ref(), c.region.span(), REGIONS.into_iter());
            if c.settings.get_ref().is_empty() {
                r.mistake(c.settings.span(), "the list of settings is empty", None);
            }
            let known = || settings.iter().map(|s| s.id.as_str());
            let settings = c
                .settings
                .get_ref()
                .iter()
                .filter_map(|s| resolve(r, "setting", s.get_ref(), s.span(), known()))
                .collect();
            Country {
                code: c.code.into_inner(),
                name: c.name,
                income: c.income,
                region: c.region.into_inner(),
                languages: c.languages,
                minorities: c.minorities,
                emergency: c.emergency,
                settings,
            }
        })
        .collect();
    (year, countries)
}

pub(crate) fn read_sexes(
    r: &mut Reader<'_>,
    ages: &[AgeBand],
    countries: &[Country],
) -> (Vec<SexShare>, Vec<Gender>, usize, u32) {
    let sexes = r.entries::<SexShare>("sex", true);
    let span = sexes.first().map_or(0..0, |e| e.span.clone());
    sums_to_one(r, span, sexes.iter().map(|e| e.value.weight));
    let from = r.value::<Spanned<String>>("gender_from", true).map(|e| e.value);
    let gender_from = from
        .and_then(|f| {
            let known = ages.iter().map(|a| a.id.as_str());
            resolve(r, "age band", f.get_ref(), f.span(), known)
        })
        .unwrap_or_default();
    let adult_from = r.value::<u32>("adult_from", false).map_or(0, |e| e.value);
    let raw = r.entries::<RawGender>("gender", true);
    let span = raw.first().map_or(0..0, |e| e.span.clone());
    distinct(r, "gender", raw.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    let mut genders = Vec::new();
    for gender in values(raw) {
        for code in &gender.countries {
            let known = countries.iter().map(|c| c.code.as_str());
            resolve(r, "country code", code.get_ref(), code.span(), known);
        }
        let share = |sex: Sex| gender.weights.get(&sex).copied().unwrap_or(0.0);
        genders.push(Gender {
            weights: [share(Sex::Male), share(Sex::Female), share(Sex::Intersex)],
            id: gender.id,
            name: gender.name,
            young: gender.young,
            countries: gender.countries.into_iter().map(Spanned::into_inner).collect(),
        });
    }
    for sex in 0..3 {
        sums_to_one(r, span.clone(), genders.iter().map(|g| g.weights[sex]));
    }
    (values(sexes), genders, gender_from, adult_from)
}

pub(crate) fn read_situations(r: &mut Reader<'_>, styles: &mut Styles) {
    let modes = values(r.entries::<RawMode>("mode", true));
    styles.modes = modes
        .into_iter()
        .map(|m| Mode {
            id: m.id,
            assistant: m.assistant,
            user: m.user,
            lines: m.lines.into_iter().map(|o| option(r, o, "mode")).collect(),
        })
        .collect();
    for mode in ["chat", "normal", "emergency"] {
        if !styles.modes.iter().any(|m| m.id.as_str() == mode) {
            r.mistake(0..0, format!("the mode \"{mode}\" is missing"), None);
        }
    }
    let mut of = |key: &str| {
        let raw = values(r.entries::<RawOption>(key, true));
        distinct(r, key, raw.iter().map(|o| (o.id.get_ref().as_str(), o.id.span())));
        raw.into_iter().map(|o| option(r, o, key)).collect::<Vec<_>>()
    };
    styles.assistant_length = of("assistant_length");
    styles.assistant_form = of("assistant_form");
    styles.user_length = of("user_length");
    styles.registers = values(r.entries("register", true));
    let all = [Register::Popular, Register::Standard, Register::Scientific];
    if styles.registers.len() != 3
        || !all.iter().all(|id| styles.registers.iter().any(|text| text.id == *id))
    {
        r.mistake(0..0, "there must be three registers: popular, standard, scientific", None);
    }
}

pub(crate) fn read_styles(r: &mut Reader<'_>, styles: &mut Styles) {
    if let Some(places) = r.value::<Spanned<Places>>("places", true).map(|e| e.value) {
        styles.places = *places.get_ref();
        let Places { start, inside, last, end, later } = styles.places;
        sums_to_one(r, places.span(), [start, inside, last, end, later].into_iter());
    }
    styles.groups = values(r.entries("group", true));
    let raw = values(r.entries::<RawOption>("option", true));
    for o in &raw {
        match &o.group {
            Some(group) => {
                let known = styles.groups.iter().map(|g| g.id.as_str());
                resolve(r, "style group", group.get_ref(), group.span(), known);
            }
            None => r.mistake(o.id.span(), "missing field `group`", None),
        }
    }
    distinct(r, "option", raw.iter().map(|o| (o.id.get_ref().as_str(), o.id.span())));
    styles.asked = raw.into_iter().map(|o| option(r, o, "")).collect();
}
