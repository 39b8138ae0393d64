//! Assigns each row to a split: train, validation or test. Rows that share a base prompt or a patient go to the same
//! split, and every part and subject is represented in each.

use std::collections::{BTreeMap, HashMap};

use clinstruct_schema::summary::{Measured, MetricId, Target};
use clinstruct_schema::{Dropped, Json, Split};

use super::{Annotates, Pass};
use crate::minhash::Sets;
use crate::tokens::mix;
use crate::{Curated, Fields, Result, Row, Source};

/// The data of a row that splitting uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// Id.
    pub id: &'a str,
    /// Keys that must not be in two splits: base prompt, patient.
    pub keys: Vec<u64>,
    /// Stratum whose rows are distributed by the shares: the part and an axis.
    pub stratum: u64,
}

/// Shares of validation and test; the rest is for training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Validation, from 0 to 1.
    pub validation: f64,
    /// Test, from 0 to 1.
    pub test: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { validation: 0.05, test: 0.05 }
    }
}

fn hash(text: &str, seed: u64) -> u64 {
    text.bytes().fold(mix(seed), |h, b| mix(h ^ u64::from(b)))
}

/// Rows that stay together: position in the drawn order, least id, row numbers.
type Group<'a> = (u64, &'a str, Vec<usize>);

/// The split of each row, independent of the order of the rows.
///
/// Groups (rows connected by shared keys) are assigned as a whole, in an order drawn from the seed and their least id,
/// each to the split that is furthest below its share of the group's stratum.
pub fn split(rows: &[Item<'_>], shares: Shares, seed: u64) -> Vec<Split> {
    let mut sets = Sets::new(rows.len());
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        for key in &row.keys {
            let first = *seen.entry(*key).or_insert(i);
            sets.join(first, i);
        }
    }
    // Groups by the least id of their members, which does not depend on the order.
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for i in 0..rows.len() {
        groups.entry(sets.of(i)).or_default().push(i);
    }
    let mut strata: BTreeMap<u64, Vec<Group<'_>>> = BTreeMap::new();
    for members in groups.into_values() {
        let Some(least) = members.iter().copied().min_by_key(|i| rows[*i].id) else { continue };
        let id = rows[least].id;
        strata.entry(rows[least].stratum).or_default().push((hash(id, seed), id, members));
    }
    let mut all = vec![Split::Train; rows.len()];
    let wanted = [
        (Split::Train, 1.0 - shares.validation - shares.test),
        (Split::Validation, shares.validation),
        (Split::Test, shares.test),
    ];
    // What a small stratum cannot provide is owed to the splits and provided by the next.
    let mut debt = [0.0_f64; 3];
    for groups in strata.values_mut() {
        groups.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        for (_, _, members) in groups {
            let size = members.len() as f64;
            for (owed, (_, share)) in debt.iter_mut().zip(wanted) {
                *owed += share * size;
            }
            // Ties go to the first of the splits that are owed most.
            let mut to = 0;
            for i in 1..debt.len() {
                if debt[i] > debt[to] {
                    to = i;
                }
            }
            debt[to] -= size;
            for i in members {
                all[*i] = wanted[to].0;
            }
        }
    }
    all
}

/// The pass.
#[derive(Debug)]
pub struct Splits {
    shares: Shares,
    seed: u64,
    rows: Vec<Keyed>,
}

/// A row with the keys that determine its split.
#[derive(Debug)]
struct Keyed {
    number: usize,
    id: String,
    keys: Vec<u64>,
    stratum: u64,
}

impl Splits {
    /// A pass that splits with these shares; the seed decides which rows go where.
    pub fn new(shares: Shares, seed: u64) -> Self {
        Self { shares, seed, rows: Vec::new() }
    }
}

fn key(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    let mut half = [0; 8];
    half.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(half)
}

impl Keyed {
    fn of(row: &Row<'_>) -> Self {
        let (mut keys, mut subject) = (Vec::new(), None);
        if let Some(base) = row.base {
            keys.push(key(&format!("base {base}")));
        }
        if let Some(attributes) = row.attributes {
            // Rows about the same patient stay together.
            let patient = match (&attributes.case, &attributes.card) {
                (Some(case), _) => case.to_json().ok(),
                (None, Some(card)) => card.to_json().ok(),
                (None, None) => None,
            };
            keys.extend(patient.map(|patient| key(&patient)));
            subject = attributes.subjects.first().and_then(|s| s.slugs.first());
        }
        let subject = subject.map(ToString::to_string).unwrap_or_default();
        let stratum = key(&format!("{} {subject}", row.part));
        Self { number: row.number, id: row.id.to_owned(), keys, stratum }
    }
}

impl Pass for Splits {
    fn name(&self) -> &'static str {
        "splits"
    }

    fn reads(&self) -> Fields {
        Fields::Attributes
    }

    fn annotates(&self) -> Annotates {
        Annotates::Split
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Vec<(usize, Dropped)> {
        self.rows.extend(rows.iter().map(Keyed::of));
        Vec::new()
    }

    fn finish(self: Box<Self>, _: &dyn Source, curated: &mut Curated) -> Result<()> {
        let items: Vec<Item<'_>> = self
            .rows
            .iter()
            .map(|r| Item { id: &r.id, keys: r.keys.clone(), stratum: r.stratum })
            .collect();
        let splits = split(&items, self.shares, self.seed);
        let mut sides: HashMap<u64, Split> = HashMap::new();
        let mut leaks = 0_u64;
        for (row, split) in self.rows.iter().zip(&splits) {
            let mut leaked = false;
            for key in &row.keys {
                leaked |= *sides.entry(*key).or_insert(*split) != *split;
            }
            leaks += u64::from(leaked);
            if let Some(annotation) = curated.annotation(row.number) {
                annotation.split = Some(*split);
            }
        }
        let measured = Measured::Counted { count: leaks, of: items.len() as u64 };
        let metrics = &mut curated.quality.metrics;
        metrics.push(MetricId::SplitLeaks, None, measured, Target::AtMost(0.0));
        Ok(())
    }
}
