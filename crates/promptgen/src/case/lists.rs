//! Conditions, medicines, allergies and history that complete a case.

use clinstruct_catalog::{Condition, Drug, HistoryEntry};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{Case, CaseCondition, CaseMedicine, CaseText, Origin};

use super::Completion;

/// Probability that a patient takes a medicine for a condition that has one.
const TREATED: f64 = 0.8;
/// Share of patients with an allergy.
const ALLERGIC: f64 = 0.25;
/// Weights of 0 to 2 further conditions, for people under 41 and for older ones.
const CONDITIONS_YOUNG: [f64; 3] = [0.6, 0.3, 0.1];
/// See [`CONDITIONS_YOUNG`].
const CONDITIONS_OLD: [f64; 3] = [0.25, 0.45, 0.3];

pub(super) fn conditions(ctx: &Completion<'_>, case: &Case) -> Vec<CaseCondition> {
    let catalog = ctx.catalog;
    let old = ctx.patient.age.years > 40;
    let mut numbers = Draw::new(ctx.seed, ctx.key, "number of conditions");
    let many = numbers.weighted(if old { CONDITIONS_OLD } else { CONDITIONS_YOUNG });
    let known = |name: &str| catalog.conditions.iter().find(|c| c.name == name);
    let mut all: Vec<&Condition> = case.conditions.iter().filter_map(|c| known(&c.name)).collect();
    let before = all.len();
    let possible = catalog
        .conditions
        .iter()
        .filter(|c| c.who.includes(ctx.band, ctx.patient.sex))
        .map(|c| (c.id.as_str(), c.weight, c));
    let clash = |a: &Condition, b: &Condition| a.id == b.id || a.excludes.contains(&b.id);
    for condition in draw::order(ctx.seed, ctx.key, "conditions", possible) {
        if all.len() == before + many {
            break;
        }
        if !all.iter().any(|t| clash(t, condition) || clash(condition, t)) {
            all.push(condition);
        }
    }
    all.split_off(before)
        .into_iter()
        .map(|c| CaseCondition {
            name: c.name.clone(),
            icd10: String::new(),
            origin: Origin::Drawn,
        })
        .collect()
}

pub(super) fn medicines(ctx: &Completion<'_>, case: &Case) -> Vec<CaseMedicine> {
    // The catalog does not say which medicines are safe in pregnancy.
    if case.patient.pregnancy_weeks.is_some() {
        return Vec::new();
    }
    let known = |name: &str| ctx.catalog.conditions.iter().find(|c| c.name == name);
    case.conditions
        .iter()
        .filter_map(|c| known(&c.name))
        .filter_map(|c| medicine(ctx, case, c))
        .collect()
}

fn medicine(ctx: &Completion<'_>, case: &Case, condition: &Condition) -> Option<CaseMedicine> {
    let purpose = format!("medicine for {}", condition.id);
    let mut numbers = Draw::new(ctx.seed, ctx.key, &purpose);
    if !numbers.chance(TREATED) {
        return None;
    }
    let child = ctx.patient.age.years < 13;
    let weight = case.vitals.weight;
    let drugs = condition
        .drugs
        .iter()
        .filter_map(|d| ctx.catalog.drugs.get(*d))
        .filter(|d| !child || (d.child_mg_per_kg.is_some() && weight.is_some()))
        .map(|d| (d.id.as_str(), 1.0, d));
    let drug = draw::choose(ctx.seed, ctx.key, &purpose, drugs)?;
    let dose = match (drug.child_mg_per_kg, weight) {
        (Some(range), Some(weight)) if child => {
            let amount = (range[0] + numbers.unit() * (range[1] - range[0])) * weight;
            childs_dose(amount.min(drug.high))
        }
        _ => adult_dose(drug, &mut numbers),
    };
    let frequency = numbers.pick(&drug.frequencies)?.clone();
    Some(CaseMedicine {
        drug: drug.name.clone(),
        dose: format!("{dose} {}", drug.unit),
        frequency,
        atc: String::new(),
        origin: Origin::Drawn,
    })
}

/// An available dose: a whole number of steps above the lowest.
fn adult_dose(drug: &Drug, numbers: &mut Draw) -> String {
    let steps = ((drug.high - drug.low) / drug.step + 1e-9).floor().max(0.0) as u32;
    plain(drug.low + drug.step * f64::from(numbers.between(0, steps)))
}

/// Two significant figures, as in practice.
fn childs_dose(amount: f64) -> String {
    let unit = [(100.0, 10.0), (10.0, 1.0), (1.0, 0.5)]
        .into_iter()
        .find(|(from, _)| amount >= *from)
        .map_or(0.05, |(_, unit)| unit);
    plain(((amount / unit).round() * unit).max(unit))
}

/// A number without trailing zeros, at most three decimals.
fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whether the entry says that there is nothing.
fn is_none(entry: &HistoryEntry) -> bool {
    let kind = entry.id.as_str().split('-').next().unwrap_or_default();
    matches!(kind, "none" | "nothing" | "unknown")
}

/// At most `many` statements of different kinds (`born-early`, `born-at-term`).
fn statements(
    ctx: &Completion<'_>,
    purpose: &str,
    entries: &[HistoryEntry],
    many: usize,
) -> Vec<CaseText> {
    let kind = |h: &HistoryEntry| h.id.as_str().split('-').next().unwrap_or_default().to_owned();
    let possible = entries
        .iter()
        .filter(|h| h.who.includes(ctx.band, ctx.patient.sex) && !is_none(h))
        .map(|h| (h.id.as_str(), h.weight, h));
    let mut taken: Vec<&HistoryEntry> = Vec::new();
    for entry in draw::order(ctx.seed, ctx.key, purpose, possible) {
        if taken.len() == many {
            break;
        }
        if !taken.iter().any(|t| kind(t) == kind(entry)) {
            taken.push(entry);
        }
    }
    taken.into_iter().map(|h| CaseText { text: h.text.clone(), origin: Origin::Drawn }).collect()
}

pub(super) fn allergies(ctx: &Completion<'_>, case: &Case) -> Vec<CaseText> {
    let allergic = Draw::new(ctx.seed, ctx.key, "allergic").chance(ALLERGIC);
    let mut all = statements(ctx, "allergy", &ctx.catalog.histories.allergy, usize::from(allergic));
    // Nobody takes what they are allergic to.
    all.retain(|a| !case.medicines.iter().any(|m| a.text.contains(&m.drug)));
    all
}

pub(super) fn history(ctx: &Completion<'_>, _: &Case) -> Vec<CaseText> {
    let many = Draw::new(ctx.seed, ctx.key, "number of past events").below(3);
    statements(ctx, "past", &ctx.catalog.histories.past, many)
}

pub(super) fn family(ctx: &Completion<'_>, _: &Case) -> Vec<CaseText> {
    let many = Draw::new(ctx.seed, ctx.key, "number of relatives").below(2);
    statements(ctx, "family", &ctx.catalog.histories.family, many)
}

pub(super) fn social(ctx: &Completion<'_>, _: &Case) -> Vec<CaseText> {
    statements(ctx, "social", &ctx.catalog.histories.social, 1)
}
