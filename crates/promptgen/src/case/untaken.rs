//! What a message says is not taken, by its ATC classes: nothing of it is drawn.

use clinstruct_catalog::{Catalog, Drug};
use clinstruct_schema::FactName;

use super::{Completion, known};

/// How a value begins that rules out one medicine.
const NOT_ON: &str = "not on ";
/// What follows where it rules out all of them.
const ALL: [&str; 14] = [
    "any ",
    "regular",
    "medic",
    "treatment",
    "drugs",
    "tablets",
    "anything",
    "long-term",
    "current",
    "therapy",
    "other ",
    "meds",
    "pills",
    "chronic",
];
/// Letters of a name that languages have in common.
const STEM: usize = 6;

/// Classes of medicines by the names that facts have for them.
const CLASSES: [(&str, &[&str]); 33] = [
    ("enzymes", &["A09A"]),
    ("statin", &["C10A", "C10B"]),
    ("insulin", &["A10A"]),
    ("anticoagulant", &["B01AA", "B01AB", "B01AE", "B01AF"]),
    ("antihypertensive", &["C02", "C03A", "C03B", "C07", "C08", "C09"]),
    ("antidepressant", &["N06A"]),
    ("antibiotic", &["J01"]),
    ("tuberculosis prophylaxis", &["J04A"]),
    ("steroid", &["H02A"]),
    ("acid suppression", &["A02B"]),
    ("beta blocker", &["C07"]),
    ("ACE inhibitor", &["C09"]),
    ("diuretic", &["C03"]),
    ("inhaler", &["R03A", "R03B"]),
    ("opioid", &["N02A"]),
    ("antiretroviral", &["J05A"]),
    ("contraceptive", &["G03A", "G02B"]),
    ("hormone replacement", &["G03C", "G03D", "G03F"]),
    ("thyroid hormone", &["H03A"]),
    ("bisphosphonate", &["M05B"]),
    ("disease-modifying drug", &["L04A", "L01B", "P01BA", "A07EC"]),
    ("biologic", &["L04A"]),
    ("antiepileptic", &["N03A"]),
    ("antipsychotic", &["N05A"]),
    ("iron", &["B03A"]),
    ("vitamin D", &["A11C"]),
    ("urate-lowering", &["M04A"]),
    ("antimalarial", &["P01B"]),
    ("stimulant", &["N06B"]),
    ("dementia drug", &["N06D"]),
    ("dopaminergic", &["N04B"]),
    ("antiplatelet", &["B01AC"]),
    ("diabetes tablet", &["A10B"]),
];

/// Whether a stated medicine says of one medicine, or one class, that it is not taken, and not of all.
pub(super) fn is_one(value: &str) -> bool {
    named(value).is_some()
}

/// What it is, in lower case.
fn named(value: &str) -> Option<String> {
    let lower = value.trim().to_lowercase();
    let name = lower.strip_prefix(NOT_ON)?.trim();
    (!name.is_empty() && !ALL.iter().any(|all| name.starts_with(all))).then(|| name.to_owned())
}

/// The ATC classes of everything that the message says is not taken. One medicine rules out those that are given in its
/// place: whoever might begin isoniazid takes no rifapentine against the same infection.
pub(super) fn classes(ctx: &Completion<'_>) -> Vec<String> {
    let names = known::stated(ctx, FactName::Medicine).filter_map(named);
    let past = known::stated(ctx, FactName::History).filter(|text| is_stopped(text));
    let stopped = past.flat_map(|text| classes_in(ctx.catalog, text));
    names.flat_map(|name| classes_of(ctx.catalog, &name)).chain(stopped).collect()
}

/// Beginnings of words that say that something is not taken any more, in all of our languages.
const STOPPED: [&str; 20] = [
    "ran out",
    "run out",
    "used up",
    "stopped",
    "discontinued",
    "given up",
    "gave up",
    "came off",
    "off since",
    "abgesetzt",
    "beendet",
    "arrêt",
    "interromp",
    "suspendi",
    "dejó",
    "deixou",
    "parou",
    "sospes",
    "बंद",
    "หยุด",
];

fn is_stopped(text: &str) -> bool {
    let lower = text.to_lowercase();
    STOPPED.iter().any(|word| lower.contains(word))
}

/// The classes of what a sentence names.
fn classes_in(catalog: &Catalog, text: &str) -> Vec<String> {
    let mut all = named_classes(|class| known::mentions(text, class));
    all.extend(classes_of_drugs(&known::drugs(catalog, text)));
    all
}

fn named_classes(is_named: impl Fn(&str) -> bool) -> Vec<String> {
    let named = CLASSES.iter().filter(|(class, _)| is_named(class));
    named.flat_map(|(_, codes)| codes.iter().map(|code| (*code).to_owned())).collect()
}

fn classes_of_drugs(drugs: &[&Drug]) -> impl Iterator<Item = String> {
    drugs.iter().filter_map(|d| d.atc.get(..4).map(str::to_owned))
}

fn classes_of(catalog: &Catalog, name: &str) -> Vec<String> {
    let mut all = named_classes(|class| name.contains(&class.to_lowercase()));
    let mut drugs = known::drugs(catalog, name);
    if drugs.is_empty() && all.is_empty() {
        // `isoniazida`, `Metformina`.
        let stem = |text: &str| -> String { text.to_lowercase().chars().take(STEM).collect() };
        let own = stem(name);
        let same = |known: &str| stem(known) == own;
        let of = catalog.drugs.iter().filter(|d| d.names().any(same));
        drugs = of.filter(|_| own.chars().count() >= STEM).collect();
    }
    all.extend(classes_of_drugs(&drugs));
    all
}

#[cfg(test)]
mod tests {
    use super::super::lists_tests::CATALOG;
    use super::*;

    #[test]
    fn one_medicine_is_told_from_all() {
        for one in ["not on isoniazid", "not on insulin", "Not on a statin", "not on warfarin"] {
            assert!(is_one(one), "{one}");
        }
        for all in
            ["not on any medicines", "not on regular medicines", "none", "insulin", "not on "]
        {
            assert!(!is_one(all), "{all}");
        }
    }

    #[test]
    fn what_was_stopped_is_not_drawn() {
        for (text, class) in [
            ("one iron tablet a day, stopped after ten days, stomach pain", Some("B03A")),
            ("warfarin discontinued in May", Some("B01A")),
            ("the enzymes ran out three weeks ago", Some("A09A")),
            ("works in a quiet environment, stopped smoking", None),
            ("iron since the birth", None),
        ] {
            let classes = if is_stopped(text) { classes_in(&CATALOG, text) } else { Vec::new() };
            let found = class
                .map_or(classes.is_empty(), |class| classes.iter().any(|c| c.starts_with(class)));
            assert!(found, "{text}: {classes:?}");
        }
    }

    #[test]
    fn a_medicine_rules_out_what_is_given_in_its_place() {
        for (name, atc) in [
            ("isoniazid", "J04AB05"),
            ("isoniazida", "J04AC01"),
            ("tuberculosis prophylaxis", "J04AB05"),
            ("statin", "C10AA05"),
            ("insulin", "A10AE04"),
            ("ace inhibitor", "C09AA05"),
            ("amlodipine", "C08CA01"),
            ("metformina", "A10BA02"),
        ] {
            let classes = classes_of(&CATALOG, name);
            assert!(
                classes.iter().any(|class| atc.starts_with(class.as_str())),
                "{name} {classes:?}"
            );
        }
        for (name, atc) in [("insulin", "A10BA02"), ("isoniazid", "J05AR27"), ("physiotherapy", "")]
        {
            let classes = classes_of(&CATALOG, name);
            assert!(
                !classes.iter().any(|class| atc.starts_with(class.as_str())),
                "{name} {classes:?}"
            );
        }
    }
}
