//! What does not go together in one conversation.

use std::collections::{BTreeSet, HashMap};

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
    /// The number of each item that is at odds with one.
    numbers: HashMap<String, usize>,
    /// For each item the items that are at odds with it.
    clashes: Vec<Items>,
}

/// Items of a table, a bit for each.
#[derive(Debug, Clone, Default)]
struct Items(Vec<u64>);

impl Items {
    fn insert(&mut self, number: usize) {
        if self.0.len() <= number / 64 {
            self.0.resize(number / 64 + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(number / 64) {
            *bits |= 1 << (number % 64);
        }
    }

    #[inline]
    fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    #[inline]
    fn extend(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (own, bits) in self.0.iter_mut().zip(&other.0) {
            *own |= bits;
        }
    }
}

/// What some items of a table are at odds with.
#[derive(Debug)]
pub struct AtOdds<'t> {
    table: &'t Contradictions,
    items: Items,
}

impl AtOdds<'_> {
    /// Whether an item is at odds with one of them.
    #[inline]
    pub fn with(&self, item: &str) -> bool {
        self.table.numbers.get(item).is_some_and(|number| self.items.contains(*number))
    }
}

impl Contradictions {
    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Contradiction] {
        &self.entries
    }

    /// The number of pairs, each counted once.
    pub fn pairs(&self) -> usize {
        let bits = self.clashes.iter().flat_map(|items| &items.0);
        bits.map(|bits| bits.count_ones() as usize).sum::<usize>() / 2
    }

    /// The items that are at odds with an item.
    #[inline]
    fn of(&self, item: &str) -> Option<&Items> {
        self.clashes.get(*self.numbers.get(item)?)
    }

    /// Whether two items are a pair of the table, in either order.
    #[inline]
    pub fn between(&self, one: &str, other: &str) -> bool {
        self.any(one, [other])
    }

    /// Whether an item is at odds with any of `others`.
    #[inline]
    pub fn any<'a>(&self, item: &str, others: impl IntoIterator<Item = &'a str>) -> bool {
        let Some(with) = self.of(item) else { return false };
        others.into_iter().filter_map(|other| self.numbers.get(other)).any(|n| with.contains(*n))
    }

    /// What these items are at odds with, for one who asks for many others.
    #[inline]
    pub fn against<'a>(&self, items: impl IntoIterator<Item = &'a str>) -> AtOdds<'_> {
        let mut all = Items::default();
        for with in items.into_iter().filter_map(|item| self.of(item)) {
            all.extend(with);
        }
        AtOdds { table: self, items: all }
    }

    /// The pairs of the table among these items.
    pub fn among<'a>(&self, items: &[&'a str]) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        for (i, one) in items.iter().enumerate() {
            let others = items.iter().skip(i + 1).filter(|other| self.between(one, other));
            found.extend(others.map(|other| (*one, *other)));
        }
        found
    }

    /// Puts two items at odds with each other.
    fn add(&mut self, one: &str, other: &str) {
        let [one, other] = [one, other].map(|item| {
            let next = self.numbers.len();
            *self.numbers.entry(item.to_owned()).or_insert(next)
        });
        self.clashes.resize_with(self.numbers.len(), Items::default);
        for (of, with) in [(one, other), (other, one)] {
            if let Some(items) = self.clashes.get_mut(of) {
                items.insert(with);
            }
        }
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
            table.add(a, b);
        }
        table.entries.push(Contradiction { one, other, why: raw.value.why });
    }
    table
}
