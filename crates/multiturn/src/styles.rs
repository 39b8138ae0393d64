//! The solver: draws compatible styles.

use clinstruct_catalog::{Catalog, Facts, Part, StyleOption};
use clinstruct_draw as draw;
use clinstruct_schema::Slug;

use crate::language::Possible;

/// Whether an option is compatible with all of `others`.
pub(crate) fn fits(option: &StyleOption, others: &[&StyleOption]) -> bool {
    others.iter().all(|o| option.goes_with(o))
}

/// Options for each of the part's variants: from as many groups as specified, all compatible, none repeated among the
/// variants of a prompt.
///
/// Groups are in the order of a weighted draw without replacement; from each comes the first option, in its own drawn
/// order, that is compatible with the others. A group without one is skipped.
pub(crate) fn asked<'c>(
    catalog: &'c Catalog,
    part: &Part,
    seed: u64,
    prompt: &str,
    facts: &Facts<'_>,
    possible: Possible<'_>,
) -> Vec<Vec<&'c StyleOption>> {
    let Some(rule) = &part.styles else { return vec![Vec::new()] };
    let without: Vec<&str> = rule
        .without
        .iter()
        .find(|w| w.when.holds(facts))
        .map(|w| w.groups.iter().map(|g| g.get_ref().as_str()).collect())
        .unwrap_or_default();
    let mut used: Vec<&Slug> = Vec::new();
    let mut variants = Vec::with_capacity(rule.variants);
    for v in 1..=rule.variants {
        let groups = catalog
            .styles
            .groups
            .iter()
            .filter(|g| !without.contains(&g.id.as_str()))
            .map(|g| (g.id.as_str(), g.weight, g.id.as_str()));
        let mut taken: Vec<&StyleOption> = Vec::new();
        for group in draw::order(seed, prompt, &format!("style groups {v}"), groups) {
            if taken.len() == rule.options {
                break;
            }
            let options = catalog
                .styles
                .asked
                .iter()
                .filter(|o| o.group == group && !used.contains(&&o.id))
                .filter(|o| fits(o, &taken) && possible.has(o))
                .map(|o| (o.id.as_str(), possible.weight(o), o));
            taken.extend(draw::choose(seed, prompt, &format!("style of {group} {v}"), options));
        }
        used.extend(taken.iter().map(|o| &o.id));
        variants.push(taken);
    }
    variants
}

/// An option by its share, among those compatible with `others`; `None` is `unspecified`.
pub(crate) fn share<'c>(
    options: &'c [StyleOption],
    shares: &[(Option<Slug>, f64)],
    (others, in_language): (&[&StyleOption], Possible<'_>),
    seed: u64,
    row: &str,
    purpose: &str,
) -> Option<&'c StyleOption> {
    let possible = shares.iter().filter_map(|(id, weight)| match id {
        None => Some(("unspecified", *weight, None)),
        Some(id) => options
            .iter()
            .find(|o| o.id == *id && fits(o, others) && in_language.has(o))
            .map(|o| (o.id.as_str(), *weight, Some(o))),
    });
    draw::choose(seed, row, purpose, possible).flatten()
}
