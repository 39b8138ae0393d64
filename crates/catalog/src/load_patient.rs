//! Reads what a patient's conditions and medicines are drawn from.

use std::collections::HashSet;
use std::ops::Range;

use clinstruct_schema::Slug;
use toml::Spanned;

use crate::load::{Loader, distinct, resolve, values, who};
use crate::load_axes::REGIONS;
use crate::patient::RawCondition;
use crate::read::{Entry, Reader};
use crate::regimen::{RawItem, RawRegimen};
use crate::who::RawWho;
use crate::{AgeBand, Condition, Country, Drug, Never, Regimen, RegimenItem, Setting};

/// What the entries of these files refer to.
pub(crate) struct Known<'a> {
    pub(crate) ages: &'a [AgeBand],
    pub(crate) settings: &'a [Setting],
    pub(crate) countries: &'a [Country],
    /// Ids of domains and specialties.
    pub(crate) fields: &'a HashSet<String>,
}

/// Regimens, rules, and the share of pregnant patients who take something for the pregnancy.
#[derive(Default)]
pub(crate) struct Regimens {
    pub(crate) all: Vec<Regimen>,
    pub(crate) never: Vec<Never>,
    pub(crate) pregnancy_treated: f64,
}

/// Whether the code is a letter followed by two digits, then by `rest`.
fn is_code(code: &str, rest: impl Fn(&str) -> bool) -> bool {
    let (Some(head), Some(tail)) = (code.get(..3), code.get(3..)) else { return false };
    let head = head.as_bytes();
    head[0].is_ascii_uppercase() && head[1..].iter().all(u8::is_ascii_digit) && rest(tail)
}

pub(crate) fn is_icd10(code: &str) -> bool {
    let digits = |t: &str| (1..=2).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    is_code(code, |rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(digits))
}

/// Groups of medicines without a code of their own end after the third or fourth level.
pub(crate) fn is_atc(code: &str) -> bool {
    is_code(code, |rest| {
        let (letters, digits) = rest.split_at(rest.len().min(2));
        letters.bytes().all(|b| b.is_ascii_uppercase())
            && (digits.is_empty()
                || (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())))
    })
}

pub(crate) fn share(r: &mut Reader<'_>, what: &str, span: Range<usize>, share: f64) {
    if !(0.0..=1.0).contains(&share) {
        r.mistake(span, format!("`{what}` is {share}, not between 0 and 1"), None);
    }
}

pub(crate) fn read_drugs(r: &mut Reader<'_>) -> Vec<Drug> {
    let drugs = r.entries::<Drug>("drug", true);
    distinct(r, "drug", drugs.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    for Entry { value: v, span } in &drugs {
        let most = v.strengths.iter().copied().fold(0.0, f64::max);
        let sound = v.strengths.iter().all(|s| *s > 0.0)
            && most > 0.0
            && v.high >= most
            && !v.frequencies.is_empty();
        if !sound {
            r.mistake(span.clone(), format!("the doses of {} are not a range", v.name), None);
        }
        if !is_atc(&v.atc) {
            r.mistake(span.clone(), format!("{}: {} is not an ATC code", v.name, v.atc), None);
        }
    }
    values(drugs)
}

pub(crate) fn indices(
    r: &mut Reader<'_>,
    all: &[Spanned<Slug>],
    conditions: &[Condition],
) -> Vec<usize> {
    let known = || conditions.iter().map(|c| c.id.as_str());
    all.iter()
        .filter_map(|c| resolve(r, "condition", c.get_ref().as_str(), c.span(), known()))
        .collect()
}

pub(crate) fn texts(all: Vec<Spanned<String>>) -> Vec<String> {
    all.into_iter().map(Spanned::into_inner).collect()
}

pub(crate) fn slugs(all: Vec<Spanned<Slug>>) -> Vec<Slug> {
    all.into_iter().map(Spanned::into_inner).collect()
}

/// A condition whose treatment is not read yet.
pub(crate) struct Untreated {
    id: Slug,
    span: Range<usize>,
    stated: bool,
}

pub(crate) fn read_conditions(
    r: &mut Reader<'_>,
    known: &Known<'_>,
    drugs: &[Drug],
) -> (Vec<Condition>, Vec<Untreated>) {
    let raw = values(r.entries::<RawCondition>("condition", true));
    distinct(r, "condition", raw.iter().map(|c| (c.id.get_ref().as_str(), c.id.span())));
    let ids: Vec<String> = raw.iter().map(|c| c.id.get_ref().to_string()).collect();
    let named = || ids.iter().map(String::as_str);
    let mut one_sided = Vec::new();
    for c in &raw {
        for other in &c.excludes {
            let back =
                |o: &RawCondition| o.excludes.iter().any(|back| back.get_ref() == c.id.get_ref());
            let found = raw.iter().find(|o| o.id.get_ref() == other.get_ref());
            if found.is_some_and(|o| !back(o)) {
                let message = format!(
                    "{} excludes {}, which does not exclude it",
                    c.id.get_ref(),
                    other.get_ref()
                );
                one_sided.push((other.span(), message));
            }
        }
    }
    for (span, message) in one_sided {
        r.mistake(span, message, Some("list it on both sides".into()));
    }
    let mut untreated = Vec::new();
    let conditions = raw
        .into_iter()
        .map(|c| {
            for other in c.excludes.iter().chain(&c.needs) {
                resolve(r, "condition", other.get_ref().as_str(), other.span(), named());
            }
            for code in std::iter::once(&c.icd10).chain(&c.acute_icd10) {
                if !is_icd10(code.get_ref()) {
                    let message = format!("\"{}\" is not an ICD-10 code", code.get_ref());
                    r.mistake(code.span(), message, None);
                }
            }
            if c.fields.get_ref().is_empty() {
                r.mistake(c.fields.span(), "the list of fields is empty", None);
            }
            for field in c.fields.get_ref() {
                let all = known.fields.iter().map(String::as_str);
                resolve(r, "field", field.get_ref().as_str(), field.span(), all);
            }
            for region in &c.regions {
                resolve(r, "WHO region", region.get_ref(), region.span(), REGIONS.into_iter());
            }
            for code in &c.not_countries {
                let all = known.countries.iter().map(|c| c.code.as_str());
                resolve(r, "country code", code.get_ref(), code.span(), all);
            }
            if let Some(treated) = &c.treated {
                share(r, "treated", treated.span(), *treated.get_ref());
            }
            let all = || drugs.iter().map(|d| d.id.as_str());
            let drugs: Vec<usize> = c
                .drugs
                .iter()
                .filter_map(|d| resolve(r, "drug", d.get_ref().as_str(), d.span(), all()))
                .collect();
            if c.drugs.is_empty() {
                let stated = c.treated.is_some();
                let id = c.id.get_ref().clone();
                untreated.push(Untreated { id, span: c.id.span(), stated });
            }
            Condition {
                who: who(r, known.ages, &RawWho { ages: c.ages, sexes: c.sexes }),
                id: c.id.into_inner(),
                name: c.name,
                also: c.also,
                icd10: c.icd10.into_inner(),
                acute_icd10: c.acute_icd10.map(Spanned::into_inner),
                fields: slugs(c.fields.into_inner()),
                from_age: c.from_age,
                from_months: c.from_months,
                acute: c.acute,
                weight: c.weight,
                weights: c.weights,
                regions: texts(c.regions),
                not_countries: texts(c.not_countries),
                pregnancy: c.pregnancy,
                weeks_from: c.weeks_from,
                needs: slugs(c.needs),
                treated: c.treated.map_or(0.0, Spanned::into_inner),
                drugs,
                excludes: slugs(c.excludes),
            }
        })
        .collect();
    (conditions, untreated)
}

/// A share of treated patients needs a treatment, and a treatment a share.
pub(crate) fn check_treatments(l: &mut Loader<'_>, untreated: &[Untreated], of: &Conditions<'_>) {
    for condition in untreated {
        let has = of.regimens.iter().any(|regimen| {
            let index = regimen.condition.and_then(|c| of.conditions.get(c));
            index.is_some_and(|c| c.id == condition.id)
        });
        if has != condition.stated {
            let message = if has {
                format!("`treated` is missing for the regimens of {}", condition.id)
            } else {
                format!("{} is treated, but has neither drugs nor regimens", condition.id)
            };
            let place = l.place("conditions.toml");
            l.mistakes.push(place.mistake(condition.span.clone(), message, None));
        }
    }
}

/// Conditions with the regimens that were read for them.
pub(crate) struct Conditions<'a> {
    pub(crate) conditions: &'a [Condition],
    pub(crate) regimens: &'a [Regimen],
}

pub(crate) fn read_regimens(
    r: &mut Reader<'_>,
    known: &Known<'_>,
    drugs: &[Drug],
    conditions: &[Condition],
) -> Regimens {
    let treated = r.value::<Spanned<f64>>("pregnancy_treated", true).map(|e| e.value);
    let pregnancy_treated = treated.map_or(0.0, |s| {
        share(r, "pregnancy_treated", s.span(), *s.get_ref());
        s.into_inner()
    });
    let raw = values(r.entries::<RawRegimen>("regimen", true));
    distinct(r, "regimen", raw.iter().map(|e| (e.id.get_ref().as_str(), e.id.span())));
    let mut regimens = Vec::new();
    for g in raw {
        let one = |r: &mut Reader<'_>, id: &Spanned<Slug>| {
            indices(r, std::slice::from_ref(id), conditions).first().copied()
        };
        let condition = g.condition.as_ref().map(|c| (one(r, c), c.span()));
        if let Some((Some(index), span)) = &condition
            && let Some(c) = conditions.get(*index)
            && !c.drugs.is_empty()
        {
            let message = format!("{} has both drugs and regimens", c.id);
            r.mistake(span.clone(), message, Some("make each drug a regimen".into()));
        }
        let with = g.with.as_ref().map(|c| one(r, c));
        let without = indices(r, &g.without, conditions);
        for setting in &g.settings {
            let all = known.settings.iter().map(|s| s.id.as_str());
            resolve(r, "setting", setting.get_ref().as_str(), setting.span(), all);
        }
        if g.items.is_empty() {
            r.mistake(g.id.span(), "a regimen has at least one item", None);
        }
        let items = g.items.into_iter().map(|i| item(r, i, drugs)).collect();
        // An unknown condition would make the regimen everybody's.
        if matches!(condition, Some((None, _))) || matches!(with, Some(None)) {
            continue;
        }
        regimens.push(Regimen {
            for_ages: g.ages.is_some(),
            who: who(r, known.ages, &RawWho { ages: g.ages, sexes: g.sexes }),
            id: g.id.into_inner(),
            condition: condition.and_then(|(index, _)| index),
            weight: g.weight,
            settings: slugs(g.settings),
            min_kg: g.min_kg,
            max_kg: g.max_kg,
            with: with.flatten(),
            without,
            pregnancy: g.pregnancy,
            items,
        });
    }
    let never = values(r.entries::<Never>("never", true));
    distinct(r, "rule", never.iter().map(|e| (e.id.get_ref().as_str(), e.id.span())));
    for rule in &never {
        for class in rule.any.iter().chain(&rule.drugs).chain(&rule.with) {
            is_of_some(r, "drug", class, drugs.iter().map(|d| d.atc.as_str()));
        }
        for code in &rule.conditions {
            let codes =
                conditions.iter().flat_map(|c| std::iter::once(&c.icd10).chain(&c.acute_icd10));
            is_of_some(r, "condition", code, codes.map(String::as_str));
        }
        let no_limit = rule.with.is_empty()
            && rule.conditions.is_empty()
            && !rule.pregnancy
            && rule.years.is_none()
            && rule.sexes.is_empty();
        if rule.drugs.is_empty() && rule.any.is_empty() || !rule.drugs.is_empty() && no_limit {
            r.mistake(rule.id.span(), "the rule forbids nothing", None);
        }
    }
    Regimens { all: regimens, never, pregnancy_treated }
}

/// A class that no entry belongs to is a typo that would disable a rule.
pub(crate) fn is_of_some<'c>(
    r: &mut Reader<'_>,
    what: &str,
    class: &Spanned<String>,
    mut codes: impl Iterator<Item = &'c str>,
) {
    if !codes.any(|code| code.starts_with(class.get_ref().as_str())) {
        r.mistake(class.span(), format!("no {what} has a code {}...", class.get_ref()), None);
    }
}

fn item(r: &mut Reader<'_>, raw: Spanned<RawItem>, drugs: &[Drug]) -> RegimenItem {
    let span = raw.span();
    let raw = raw.into_inner();
    let known = || drugs.iter().map(|d| d.id.as_str());
    let any: Vec<usize> = raw
        .any
        .iter()
        .filter_map(|d| resolve(r, "drug", d.get_ref().as_str(), d.span(), known()))
        .collect();
    share(r, "share", span.clone(), raw.share);
    let of = |index: &usize| drugs.get(*index);
    let takes = |dose: f64| {
        any.iter().filter_map(of).any(|d| d.strengths.iter().any(|s| (s - dose).abs() < 1e-9))
    };
    for dose in raw.doses.iter().chain(raw.by_weight.iter().map(|[_, dose]| dose)) {
        if !takes(*dose) {
            let message = format!("{dose} is not a strength of any of its drugs");
            r.mistake(span.clone(), message, Some("see `strengths` in drugs.toml".into()));
        }
    }
    for drug in any.iter().filter_map(of) {
        let has = |d: &f64| drug.strengths.iter().any(|s| (s - d).abs() < 1e-9);
        if !raw.doses.is_empty() && !raw.doses.iter().any(has) {
            let message = format!("none of the doses is a strength of {}", drug.id);
            r.mistake(span.clone(), message, None);
        }
    }
    if raw.by_weight.windows(2).any(|w| w[0][0] >= w[1][0]) {
        r.mistake(span, "`by_weight` is not in ascending order", None);
    }
    RegimenItem {
        any,
        doses: raw.doses,
        by_weight: raw.by_weight,
        frequency: raw.frequency,
        share: raw.share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_forms() {
        assert!(["E11.9", "I10", "M45", "D68.52"].into_iter().all(is_icd10));
        assert!(["", "E1", "e11.9", "E11.", "E11.x", "11.9E"].into_iter().all(|c| !is_icd10(c)));
        assert!(["A10BA02", "D02AC", "A12AX", "N05A"].into_iter().all(is_atc));
        assert!(["A10BA2", "A1BA02", "a10ba02", "A10BA0X"].into_iter().all(|c| !is_atc(c)));
    }
}
