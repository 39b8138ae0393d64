use std::collections::BTreeMap;

use clinstruct_schema::{Attributes, Conversation, Role, RowId};

/// Years per band of the patient pyramid.
pub(crate) const BAND: u32 = 5;
/// Words per bin of the length histogram.
pub(crate) const BIN: usize = 20;
/// Number of bins; the last holds everything longer.
pub(crate) const BINS: usize = 25;
/// Conversations that are shown.
const EXAMPLES: usize = 6;

/// A row for display.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Example {
    pub(crate) row: Conversation,
}

/// The two axes of a part, and the rows of each pair: planned, and in the dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) axes: [String; 2],
    pub(crate) cells: BTreeMap<(String, String), [u64; 2]>,
}

/// Counts over the rows of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    pub(crate) rows: u64,
    /// By attribute and value: planned, and in the dataset.
    pub(crate) shares: BTreeMap<&'static str, BTreeMap<String, [u64; 2]>>,
    /// Youngest patient of each age band: the order of the bands.
    bands: BTreeMap<String, u32>,
    /// By part.
    pub(crate) grids: BTreeMap<String, Grid>,
    /// By age band: male, female, intersex.
    pub(crate) ages: BTreeMap<u32, [u64; 3]>,
    /// By country code: name, rows.
    pub(crate) countries: BTreeMap<String, (String, u64)>,
    /// Answers by mode and length bin.
    pub(crate) lengths: BTreeMap<&'static str, [u64; BINS]>,
    /// Sampled by id hash, so that the order of the rows does not matter.
    examples: BTreeMap<u64, Example>,
}

/// FNV-1a with a final mix: the same on every machine.
fn hash(id: &RowId) -> u64 {
    let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

impl Counts {
    fn count(&mut self, part: &str, attributes: &Attributes, which: usize) {
        let region = attributes.place().map(|place| ("region", place.region.clone()));
        for (name, value) in attributes.traits().chain(region) {
            self.shares.entry(name).or_default().entry(value).or_default()[which] += 1;
        }
        // Questions without a patient come after all ages.
        let (band, years) = attributes.who().map_or_else(
            || (Attributes::NO_PATIENT.to_owned(), u32::MAX),
            |who| (who.age_band.to_string(), who.age.years),
        );
        let youngest = self.bands.entry(band).or_insert(u32::MAX);
        *youngest = years.min(*youngest);
        for style in &attributes.situation.asked_styles {
            let all = self.shares.entry("requested style").or_default();
            all.entry(style.id.to_string()).or_default()[which] += 1;
        }
        if let [first, second, ..] = attributes.subjects.as_slice() {
            let grid = self.grids.entry(part.to_owned()).or_default();
            if grid.axes[0].is_empty() {
                grid.axes = [first.axis.clone(), second.axis.clone()];
            }
            let cell = (first.value_id(), second.value_id());
            grid.cells.entry(cell).or_default()[which] += 1;
        }
    }

    /// Adds a planned row, whatever became of it.
    pub fn add_planned(&mut self, part: &str, attributes: &Attributes) {
        self.count(part, attributes, 0);
    }

    /// Adds a row of the dataset.
    pub fn add(&mut self, row: &Conversation) {
        self.rows += 1;
        self.count(row.part.as_str(), &row.attributes, 1);
        if let Some(who) = row.attributes.who() {
            let band = self.ages.entry(who.age.years / BAND).or_default();
            match who.sex.as_str() {
                "male" => band[0] += 1,
                "female" => band[1] += 1,
                _ => band[2] += 1,
            }
        }
        if let Some(place) = row.attributes.place() {
            let country = self.countries.entry(place.country_code.clone());
            country.or_insert_with(|| (place.country.clone(), 0)).1 += 1;
        }
        let mode = row.attributes.situation.mode.as_str();
        let bins = self.lengths.entry(mode).or_insert([0; BINS]);
        for message in row.messages.iter().filter(|m| m.role == Role::Assistant) {
            let words = message.content.split_whitespace().count();
            bins[(words / BIN).min(BINS - 1)] += 1;
        }
        let hash = hash(&row.id);
        if self.examples.len() < EXAMPLES
            || self.examples.keys().next_back().is_some_and(|k| hash < *k)
        {
            self.examples.insert(hash, Example { row: row.clone() });
            if self.examples.len() > EXAMPLES {
                self.examples.pop_last();
            }
        }
    }

    /// Merges the counts of other rows.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rows += other.rows;
        for (name, values) in other.shares {
            let mine = self.shares.entry(name).or_default();
            for (value, n) in values {
                let sum = mine.entry(value).or_default();
                *sum = [sum[0] + n[0], sum[1] + n[1]];
            }
        }
        for (band, years) in other.bands {
            let youngest = self.bands.entry(band).or_insert(u32::MAX);
            *youngest = years.min(*youngest);
        }
        for (part, grid) in other.grids {
            let mine = self.grids.entry(part).or_default();
            mine.axes = grid.axes;
            for (cell, n) in grid.cells {
                let sum = mine.cells.entry(cell).or_default();
                *sum = [sum[0] + n[0], sum[1] + n[1]];
            }
        }
        for (band, n) in other.ages {
            let sum = self.ages.entry(band).or_default();
            *sum = [sum[0] + n[0], sum[1] + n[1], sum[2] + n[2]];
        }
        for (code, (name, n)) in other.countries {
            self.countries.entry(code).or_insert((name, 0)).1 += n;
        }
        for (mode, bins) in other.lengths {
            for (sum, n) in self.lengths.entry(mode).or_insert([0; BINS]).iter_mut().zip(bins) {
                *sum += n;
            }
        }
        self.examples.extend(other.examples);
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
        self
    }

    /// Values of an attribute in display order: age bands by age, others alphabetically. Patients of `other` help to
    /// order age bands.
    pub(crate) fn in_order<'v>(
        &self,
        other: &Self,
        name: &str,
        values: &'v BTreeMap<String, [u64; 2]>,
    ) -> Vec<(&'v str, [u64; 2])> {
        let mut all: Vec<_> = values.iter().map(|(v, n)| (v.as_str(), *n)).collect();
        if name == Attributes::AGE_BAND {
            let youngest = |v: &str| self.bands.get(v).into_iter().chain(other.bands.get(v)).min();
            all.sort_by_key(|(v, _)| youngest(v));
        }
        all
    }

    pub(crate) fn examples(&self) -> impl Iterator<Item = &Conversation> {
        self.examples.values().map(|e| &e.row)
    }
}
