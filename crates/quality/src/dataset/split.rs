//! Train, validation and test: what belongs together stays together, and each part has its share.

use std::collections::{BTreeMap, HashMap};

use clinstruct_schema::Split;

use super::near::Sets;
use super::tokens::mix;

/// A row, as far as splitting it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Id.
    pub id: &'a str,
    /// What must not be on both sides of a split: base prompt, patient, cluster of near duplicates.
    pub keys: Vec<u64>,
    /// What each split should have its share of: the part and an axis.
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

/// Rows that go together: their place in the drawn order, their least id, their numbers.
type Group<'a> = (u64, &'a str, Vec<usize>);

/// The split of each row, the same for any order of the rows.
///
/// Groups (rows that share a key, directly or through others) go whole, in an order drawn from the seed and
/// their least id, each to the split that is furthest below its share of the group's stratum.
pub fn split(rows: &[Row<'_>], shares: Shares, seed: u64) -> Vec<Split> {
    let mut sets = Sets::new(rows.len());
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        for key in &row.keys {
            let first = *seen.entry(*key).or_insert(i);
            sets.join(first, i);
        }
    }
    // Groups by the least id of their members, which no order changes.
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
    // What a stratum is too small to give is owed to the splits and given by the next.
    let mut debt = [0.0_f64; 3];
    for groups in strata.values_mut() {
        groups.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        for (_, _, members) in groups {
            let size = members.len() as f64;
            for (owed, (_, share)) in debt.iter_mut().zip(wanted) {
                *owed += share * size;
            }
            // The first of those that are owed most, so that a tie is no matter of chance.
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
