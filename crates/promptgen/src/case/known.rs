//! What is known about a patient before anything is drawn: conditions, medicines and texts, found by their names.

use clinstruct_catalog::{Catalog, Condition, Drug};
use clinstruct_schema::{AgeYears, Case, FactName, IncomeGroup, Place};

use super::Completion;
use super::text::Lower;

/// Beginnings of values that rule something out: `none`, `no known allergies`, `denies regular medicines`.
const NONE: &[&str] = &[
    "none",
    "no ",
    "nil",
    "not ",
    "denies",
    "never",
    "without",
    "previously healthy",
    "previously well",
    "otherwise healthy",
    "otherwise well",
    "healthy",
    "unremarkable",
    "negative",
];

/// Whether a value says that there is nothing.
pub(super) fn is_none(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    value == "no" || NONE.iter().any(|none| value.starts_with(none))
}

/// The values that the message states for a fact.
pub(super) fn stated<'a>(ctx: &'a Completion<'_>, name: FactName) -> impl Iterator<Item = &'a str> {
    ctx.stated.facts.iter().filter(move |f| f.name == name).map(|f| f.value.as_str())
}

/// Whether the message rules out that there is any.
pub(super) fn ruled_out(ctx: &Completion<'_>, name: FactName) -> bool {
    stated(ctx, name).any(is_none)
}

/// Age in months; in the middle of the year where only years are known.
pub(super) fn months(age: AgeYears) -> u32 {
    match (age.years, age.months) {
        (0, months) => months.unwrap_or(6),
        // Both styles occur: months in all, and months beside the years.
        (_, Some(months)) if months >= 12 => months,
        (years, Some(months)) => years * 12 + months,
        (years, None) => years * 12 + 6,
    }
}

/// The income group of a place; an unclassified country is taken as a lower-middle one.
pub(super) fn income(place: &Place) -> IncomeGroup {
    match place.income {
        IncomeGroup::Unclassified => IncomeGroup::LowerMiddle,
        other => other,
    }
}

/// Whether the text contains the name as whole words. A short name in capitals (`AF`, `COPD`) is an abbreviation and
/// found only in capitals.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    Said::new(text).mentions(name)
}

/// A text in which names are looked for.
pub(super) struct Said<'t> {
    text: &'t str,
    lower: Lower,
}

impl<'t> Said<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, lower: Lower::new(text) }
    }

    pub(super) fn mentions(&self, name: &str) -> bool {
        // Nearly all names are not there.
        if !self.lower.may_have_name(name) {
            return false;
        }
        let lower = self.lower.text();
        let short = name.len() <= 5 && !name.bytes().any(|b| b.is_ascii_lowercase());
        if short {
            has_words(self.text, name)
        } else if name.bytes().any(|b| b.is_ascii_uppercase()) {
            has_words(lower, &name.to_lowercase())
        } else {
            has_words(lower, name)
        }
    }
}

fn has_words(text: &str, name: &str) -> bool {
    // Nearly all names are not there. `contains` finds that out without preparing a search, as `match_indices` does.
    !name.is_empty()
        && text.contains(name)
        && text.match_indices(name).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            let apart = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
            apart(before) && apart(after)
        })
}

/// All conditions that a text names, without those whose name is part of another's in the text. Of several with the
/// same name, those of the patient's age.
pub(super) fn conditions_in<'c>(
    catalog: &'c Catalog,
    band: usize,
    text: &str,
) -> Vec<&'c Condition> {
    if is_none(text) {
        return Vec::new();
    }
    let of_age = |c: &Condition| (c.who.ages.0..=c.who.ages.1).contains(&band);
    // What was drawn is named as in the catalog.
    if let Some(same) = catalog.conditions.iter().find(|c| c.name == text && of_age(c)) {
        return vec![same];
    }
    let said = Said::new(text);
    let longest = |c: &Condition| {
        let found = c.names().filter(|name| said.mentions(name));
        found.max_by_key(|name| name.len()).map(str::to_lowercase)
    };
    let found: Vec<(String, &Condition)> =
        catalog.conditions.iter().filter_map(|c| longest(c).map(|name| (name, c))).collect();
    let beside = |name: &str, c: &Condition| {
        found.iter().any(|(other, o)| {
            let part = other.len() > name.len() && other.contains(name);
            part || (other == name && of_age(o) && !of_age(c))
        })
    };
    let mut all: Vec<&Condition> = Vec::new();
    for (name, c) in &found {
        // One name means one condition.
        let again = found.iter().any(|(n, o)| n == name && all.iter().any(|a| a.id == o.id));
        if !beside(name, c) && !again {
            all.push(c);
        }
    }
    all
}

/// All drugs that a text names, without those whose name is part of another's in the text.
pub(super) fn drugs<'c>(catalog: &'c Catalog, text: &str) -> Vec<&'c Drug> {
    if is_none(text) {
        return Vec::new();
    }
    let said = Said::new(text);
    let longest = |d: &Drug| {
        let found = d.names().filter(|name| said.mentions(name));
        found.max_by_key(|name| name.len()).map(str::to_lowercase)
    };
    let found: Vec<(String, &Drug)> =
        catalog.drugs.iter().filter_map(|d| longest(d).map(|name| (name, d))).collect();
    let part = |name: &str| {
        found.iter().any(|(other, _)| other.len() > name.len() && other.contains(name))
    };
    found.iter().filter(|(name, _)| !part(name)).map(|(_, d)| *d).collect()
}

/// The catalog's conditions that the patient has: of the frame, stated, and in the case so far.
pub(super) fn conditions<'c>(ctx: &Completion<'c>, case: &Case) -> Vec<&'c Condition> {
    let framed = ctx.patient.condition.iter().map(|c| c.name.as_str());
    let cased = case.conditions.iter().map(|c| c.name.as_str());
    let mut all: Vec<&Condition> = Vec::new();
    for text in framed.chain(cased).chain(stated(ctx, FactName::Condition)) {
        for found in conditions_in(ctx.catalog, ctx.band, text) {
            if !all.iter().any(|c| c.id == found.id) {
                all.push(found);
            }
        }
    }
    all
}

/// The catalog's drugs that the message states.
pub(super) fn medicines<'c>(ctx: &Completion<'c>, case: &Case) -> Vec<&'c Drug> {
    let cased = case.medicines.iter().map(|m| m.drug.as_str());
    let mut all: Vec<&Drug> = Vec::new();
    for text in stated(ctx, FactName::Medicine).chain(cased) {
        for drug in drugs(ctx.catalog, text) {
            if !all.iter().any(|d| d.id == drug.id) {
                all.push(drug);
            }
        }
    }
    all
}

/// Everything that is said about why the patient is seen, and about what the patient has.
pub(super) fn texts(ctx: &Completion<'_>, case: &Case) -> String {
    let of = |name| stated(ctx, name);
    let said = of(FactName::Complaint)
        .chain(of(FactName::Finding))
        .chain(of(FactName::Other))
        .chain(of(FactName::Condition))
        .chain(of(FactName::History))
        .chain(case.presented().map(|t| t.text.as_str()))
        .chain(case.history.iter().map(|t| t.text.as_str()))
        .chain(case.conditions.iter().map(|c| c.name.as_str()))
        .chain(ctx.patient.condition.iter().map(|c| c.name.as_str()));
    said.collect::<Vec<_>>().join("\n")
}
