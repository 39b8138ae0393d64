//! Assigns each row to a split: train, validation or test. Rows that share a base prompt or a patient go to the same
//! split, and every part and subject is represented in each.

use clinstruct_schema::summary::{Measured, MetricId, Target};
use clinstruct_schema::{Dropped, Json, Split};

use super::{Annotates, Pass};
use crate::minhash::Sets;
use crate::spill::{Column, Sorted, Sorter, Spill, Texts};
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

/// The split of each row, independent of the order of the rows.
///
/// Groups (rows connected by shared keys) are assigned as a whole, in an order drawn from the seed and their least id,
/// each to the split that is furthest below its share of the group's stratum.
///
/// # Errors
/// None: it needs no files.
pub fn split(rows: &[Item<'_>], shares: Shares, seed: u64) -> Result<Vec<Split>> {
    let mut keyed = Keyed::new(&Spill::in_memory());
    for (number, row) in rows.iter().enumerate() {
        keyed.add(number, row)?;
    }
    Ok(keyed.split(shares, seed)?.splits)
}

/// Rows with the data that determine their split.
#[derive(Debug)]
struct Keyed {
    spill: Spill,
    /// Each key of each row.
    keys: Sorter<(u64, u32)>,
    numbers: Column<u32>,
    ids: Texts,
    strata: Column<u64>,
    /// One more than the largest number.
    end: usize,
}

/// Splits, and the keys that they were made from.
struct Assigned {
    /// By row number; meaningless for rows that were not added.
    splits: Vec<Split>,
    keys: Sorted<(u64, u32)>,
    numbers: Column<u32>,
}

/// Rows that stay together. They are assigned by stratum, and there in a drawn order.
type Group = (u64, (u64, String), (u32, u32));

impl Keyed {
    fn new(spill: &Spill) -> Self {
        Self {
            spill: spill.clone(),
            keys: Sorter::new(spill, spill.share(16)),
            numbers: Column::new(spill, spill.share(64)),
            ids: Texts::new(spill, 16),
            strata: Column::new(spill, spill.share(64)),
            end: 0,
        }
    }

    fn add(&mut self, number: usize, row: &Item<'_>) -> Result<()> {
        self.end = self.end.max(number + 1);
        let number = number as u32;
        row.keys.iter().try_for_each(|key| self.keys.push((*key, number)))?;
        self.numbers.push(number)?;
        self.ids.push(row.id)?;
        self.strata.push(row.stratum)
    }

    /// Groups in the order in which they are assigned: stratum, place and least id, representative and size.
    fn groups(&self, sets: &mut Sets, seed: u64) -> Result<Sorted<Group>> {
        // The least id of a group does not depend on the order of its rows.
        let mut members = Sorter::new(&self.spill, self.spill.share(16));
        for ((number, id), stratum) in
            self.numbers.iter().zip(self.ids.iter()).zip(self.strata.iter())
        {
            let number = number?;
            members.push((sets.of(number as usize) as u32, (id?, number), stratum?))?;
        }
        let mut groups = Sorter::new(&self.spill, self.spill.share(16));
        let mut group: Option<Group> = None;
        for member in members.sorted().records()? {
            let (set, (id, _), stratum) = member?;
            match &mut group {
                Some((_, _, (same, size))) if *same == set => *size += 1,
                _ => {
                    let next = (stratum, (hash(&id, seed), id), (set, 1));
                    group.replace(next).map_or(Ok(()), |group| groups.push(group))?;
                }
            }
        }
        group.map_or(Ok(()), |group| groups.push(group))?;
        Ok(groups.sorted())
    }

    fn split(mut self, shares: Shares, seed: u64) -> Result<Assigned> {
        let none = Sorter::new(&self.spill, 0);
        let keys = std::mem::replace(&mut self.keys, none).sorted();
        let mut sets = Sets::new(self.end);
        let mut last: Option<(u64, u32)> = None;
        for next in keys.records()? {
            let (key, row) = next?;
            match last {
                Some((same, first)) if same == key => sets.join(first as usize, row as usize),
                _ => last = Some((key, row)),
            }
        }
        let mut splits = vec![Split::Train; self.end];
        let wanted = [
            (Split::Train, 1.0 - shares.validation - shares.test),
            (Split::Validation, shares.validation),
            (Split::Test, shares.test),
        ];
        // What a small stratum cannot provide is owed to the splits and provided by the next.
        let mut debt = [0.0_f64; 3];
        for group in self.groups(&mut sets, seed)?.records()? {
            let (_, _, (set, size)) = group?;
            let size = f64::from(size);
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
            splits[set as usize] = wanted[to].0;
        }
        // The representative of a set is its first row.
        for row in 0..self.end {
            splits[row] = splits[sets.of(row)];
        }
        Ok(Assigned { splits, keys, numbers: self.numbers })
    }
}

impl Assigned {
    /// Rows with a key that an earlier row of another split has, too.
    fn leaks(&self) -> Result<u64> {
        let mut leaked = vec![false; self.splits.len()];
        let mut last: Option<(u64, u32)> = None;
        for next in self.keys.records()? {
            let (key, row) = next?;
            match last {
                Some((same, first)) if same == key => {
                    let (first, row) = (first as usize, row as usize);
                    leaked[row] |= self.splits[first] != self.splits[row];
                }
                _ => last = Some((key, row)),
            }
        }
        Ok(leaked.into_iter().filter(|leaked| *leaked).count() as u64)
    }
}

/// The pass.
#[derive(Debug)]
pub struct Splits {
    shares: Shares,
    seed: u64,
    rows: Keyed,
}

impl Splits {
    /// A pass that splits with these shares; the seed decides which rows go where.
    pub fn new(shares: Shares, seed: u64, spill: &Spill) -> Self {
        Self { shares, seed, rows: Keyed::new(spill) }
    }
}

fn key(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    let mut half = [0; 8];
    half.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(half)
}

impl<'a> Item<'a> {
    fn of(row: &Row<'a>) -> Self {
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
        Self { id: row.id, keys, stratum }
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

    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>> {
        rows.iter().try_for_each(|row| self.rows.add(row.number, &Item::of(row)))?;
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>, _: &dyn Source, curated: &mut Curated) -> Result<()> {
        let assigned = self.rows.split(self.shares, self.seed)?;
        for number in assigned.numbers.iter() {
            let number = number? as usize;
            curated.assign(number, assigned.splits[number]);
        }
        let (count, of) = (assigned.leaks()?, assigned.numbers.len() as u64);
        let measured = Measured::Counted { count, of };
        let metrics = &mut curated.quality.metrics;
        metrics.push(MetricId::SplitLeaks, None, measured, Target::AtMost(0.0));
        Ok(())
    }
}
