//! Reads sizes, vital signs, and what moves them.

use std::ops::Range;

use clinstruct_schema::FactKind;

use crate::body::{
    AdultSize, Effect, Expecting, GrowthPoint, NormalSigns, Population, PregnancyGain, SizeRule,
    Unmeasured,
};
use crate::load::{distinct, resolve, values};
use crate::load_axes::REGIONS;
use crate::read::{Entry, Reader};
use crate::{Body, Country, Effects, Setting, Signs};

/// Reads the entries of a table by age or weeks, which must rise.
fn rising<T: serde::de::DeserializeOwned>(
    r: &mut Reader<'_>,
    key: &str,
    at: impl Fn(&T) -> f64,
) -> Vec<T> {
    let entries = r.entries::<T>(key, true);
    for pair in entries.windows(2) {
        if at(&pair[0].value) >= at(&pair[1].value) {
            let message = format!("the [[{key}]] entries are not in ascending order");
            r.mistake(pair[1].span.clone(), message, None);
        }
    }
    if entries.is_empty() {
        r.mistake(0..0, format!("there must be at least one [[{key}]] entry"), None);
    }
    values(entries)
}

fn positive(r: &mut Reader<'_>, span: Range<usize>, what: &str, numbers: &[f64]) {
    if let Some(wrong) = numbers.iter().find(|n| !(n.is_finite() && **n > 0.0)) {
        r.mistake(span, format!("{what}: {wrong} is not a positive number"), None);
    }
}

pub(crate) fn read_body(r: &mut Reader<'_>, countries: &[Country]) -> Body {
    let populations = r.entries::<Population>("population", true);
    distinct(r, "population", populations.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    let mut listed: Vec<(&str, Range<usize>)> = Vec::new();
    for e in &populations {
        let p = &e.value;
        if let Some(region) = &p.region {
            resolve(r, "WHO region", region, e.span.clone(), REGIONS.into_iter());
        }
        let known = || countries.iter().map(|c| c.code.as_str());
        for code in &p.countries {
            resolve(r, "country code", code, e.span.clone(), known());
            listed.push((code, e.span.clone()));
        }
        let numbers = [p.men, p.women, p.bmi_men, p.bmi_women];
        positive(r, e.span.clone(), p.id.as_str(), &numbers);
    }
    distinct(r, "country in a population", listed.into_iter());
    for region in REGIONS {
        let defaults =
            populations.iter().filter(|e| e.value.region.as_deref() == Some(region)).count();
        if defaults != 1 {
            let message =
                format!("the region {region} has {defaults} default populations, not one");
            r.mistake(0..0, message, None);
        }
    }
    let height_sd = r.value("height_sd", true).map(|e| e.value).unwrap_or_default();
    let bmi_spread = r.value("bmi_spread", true).map(|e| e.value).unwrap_or_default();
    let bmi_limits = r.value::<[f64; 2]>("bmi_limits", true).map(|e| e.value).unwrap_or_default();
    let adult = rising(r, "adult", |a: &AdultSize| a.age);
    let growth = rising(r, "growth", |g: &GrowthPoint| g.months);
    for g in &growth {
        let [boys, girls] = [&g.boys, &g.girls];
        let numbers =
            [boys, girls].map(|g| [g.height[0], g.height[1], g.bmi[1], g.bmi[2]]).concat();
        positive(r, 0..0, &format!("growth at {} months", g.months), &numbers);
    }
    let sizes = r.entries::<SizeRule>("size", true);
    distinct(r, "size", sizes.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    words(r, sizes.iter().map(|e| (&e.value.words, e)));
    let pregnancy = rising(r, "pregnancy", |p: &PregnancyGain| p.weeks);
    Body {
        populations: values(populations),
        height_sd,
        bmi_spread,
        bmi_limits,
        adult,
        growth,
        sizes: values(sizes),
        pregnancy,
    }
}

pub(crate) fn read_signs(r: &mut Reader<'_>, settings: &[Setting]) -> Signs {
    let normal = rising(r, "normal", |n: &NormalSigns| n.months);
    for n in &normal {
        let signs = [
            n.heart_rate,
            n.respiratory_rate,
            n.systolic,
            n.diastolic,
            n.temperature,
            n.saturation,
        ];
        positive(r, 0..0, &format!("normal signs at {} months", n.months), &signs.concat());
    }
    let expecting = rising(r, "expecting", |e: &Expecting| e.weeks);
    let unmeasured = r.entries::<Unmeasured>("unmeasured", true);
    for e in &unmeasured {
        let known = settings.iter().map(|s| s.id.as_str());
        resolve(r, "setting", e.value.setting.as_str(), e.span.clone(), known);
        for share in [e.value.saturation, e.value.infant_pressure] {
            if !(0.0..=1.0).contains(&share) {
                let message = format!("the share {share} is not between 0 and 1");
                r.mistake(e.span.clone(), message, None);
            }
        }
    }
    Signs { normal, expecting, unmeasured: values(unmeasured) }
}

pub(crate) fn read_effects(r: &mut Reader<'_>) -> Effects {
    let all = ["complaint", "condition", "medicine"].map(|key| {
        let entries = r.entries::<Effect>(key, true);
        words(r, entries.iter().map(|e| (&e.value.words, e)));
        entries
    });
    let ids: Vec<(String, Range<usize>)> =
        all.iter().flatten().map(|e| (e.value.id.to_string(), e.span.clone())).collect();
    distinct(r, "class", ids.iter().map(|(id, span)| (id.as_str(), span.clone())));
    for e in all.iter().flatten() {
        let effect = &e.value;
        for other in &effect.cancels {
            let known = ids.iter().map(|(id, _)| id.as_str());
            resolve(r, "class", other.as_str(), e.span.clone(), known);
        }
        for m in &effect.measured {
            let name = m.name.as_str();
            if m.name.kind() != FactKind::Measurement {
                r.mistake(e.span.clone(), format!("{name} is not a measurement"), None);
            }
            if m.below.is_none() == m.above.is_none() {
                let message = format!("{name} needs either `below` or `above`");
                r.mistake(e.span.clone(), message, None);
            }
        }
        let ranges = [
            effect.heart_rate,
            effect.respiratory_rate,
            effect.systolic,
            effect.temperature,
            effect.saturation,
        ];
        let numbers: Vec<f64> = ranges.into_iter().flatten().flatten().collect();
        positive(r, e.span.clone(), effect.id.as_str(), &numbers);
    }
    let [complaints, conditions, medicines] = all.map(values);
    Effects { complaints, conditions, medicines }
}

/// Words are compared with text in lower case.
fn words<'a, T: 'a>(
    r: &mut Reader<'_>,
    all: impl Iterator<Item = (&'a Vec<String>, &'a Entry<T>)>,
) {
    let mut wrong = Vec::new();
    for (words, entry) in all {
        if words.is_empty() || words.iter().any(|w| w.trim_end_matches('*').trim().is_empty()) {
            wrong.push((
                entry.span.clone(),
                "the list of words is empty or has an empty word".to_owned(),
            ));
        }
        if let Some(word) = words.iter().find(|w| w.to_lowercase() != **w) {
            wrong.push((entry.span.clone(), format!("\"{word}\" is not in lower case")));
        }
    }
    for (span, message) in wrong {
        r.mistake(span, message, None);
    }
}
