//! What does not go together in one conversation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::load::resolve;
use crate::read::Reader;

/// An entry of the table: no item of `one` goes with any item of `other`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Items; groups are expanded to their styles.
    pub one: Vec<String>,
    /// Items, likewise.
    pub other: Vec<String>,
    /// The reason, for people.
    pub why: String,
}

/// The table of `contradictions.toml`. Items are ids of options, or a kind and a name: `mode:emergency`.
#[derive(Debug, Clone, Default)]
pub struct Contradictions {
    entries: Vec<Contradiction>,
    clashes: BTreeMap<String, BTreeSet<String>>,
}

impl Contradictions {
    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Contradiction] {
        &self.entries
    }

    /// The number of pairs, each counted once.
    pub fn pairs(&self) -> usize {
        self.clashes.values().map(BTreeSet::len).sum::<usize>() / 2
    }

    /// Whether two items are a pair of the table, in either order.
    pub fn between(&self, one: &str, other: &str) -> bool {
        self.clashes.get(one).is_some_and(|with| with.contains(other))
    }

    /// Whether an item is at odds with any of `others`.
    pub fn any<'a>(&self, item: &str, others: impl IntoIterator<Item = &'a str>) -> bool {
        let Some(with) = self.clashes.get(item) else { return false };
        others.into_iter().any(|other| with.contains(other))
    }

    /// The pairs of the table among these items.
    pub fn among<'a>(&self, items: &[&'a str]) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        for (i, one) in items.iter().enumerate() {
            let Some(with) = self.clashes.get(*one) else { continue };
            let others = items.iter().skip(i + 1).filter(|other| with.contains(**other));
            found.extend(others.map(|other| (*one, *other)));
        }
        found
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContradiction {
    one: Vec<Spanned<String>>,
    other: Vec<Spanned<String>>,
    why: String,
}

/// What items of the table can be.
#[derive(Debug, Default)]
pub(crate) struct KnownItems {
    /// All items but groups.
    pub(crate) items: Vec<String>,
    /// Group and style, for each style.
    pub(crate) groups: Vec<(String, String)>,
}

pub(crate) fn read_contradictions(r: &mut Reader<'_>, known: &KnownItems) -> Contradictions {
    let mut table = Contradictions::default();
    let groups: BTreeSet<&str> = known.groups.iter().map(|(group, _)| group.as_str()).collect();
    for raw in r.entries::<RawContradiction>("contradiction", true) {
        let mut side = |items: &[Spanned<String>]| {
            let mut all = Vec::new();
            for item in items {
                let name = item.get_ref().as_str();
                let names = groups.iter().copied().chain(known.items.iter().map(String::as_str));
                if resolve(r, "item", name, item.span(), names).is_none() {
                    continue;
                }
                if groups.contains(name) {
                    let of = known.groups.iter().filter(|(group, _)| group == name);
                    all.extend(of.map(|(_, style)| style.clone()));
                } else {
                    all.push(name.to_owned());
                }
            }
            all
        };
        let (one, other) = (side(&raw.value.one), side(&raw.value.other));
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
            if a == b {
                r.mistake(raw.span.clone(), format!("\"{a}\" is at odds with itself"), None);
                continue;
            }
            table.clashes.entry(a.clone()).or_default().insert(b.clone());
            table.clashes.entry(b.clone()).or_default().insert(a.clone());
        }
        table.entries.push(Contradiction { one, other, why: raw.value.why });
    }
    table
}
