//! How often one sentence occurs in the cases of a dataset.

use std::collections::{BTreeSet, HashMap};

use clinstruct_schema::summary::{Measured, MetricId, Metrics};
use clinstruct_schema::{CaseText, Origin};

use super::super::target;
use crate::Row;

/// Drawn sentences of the cases of a dataset with the number of patients of each.
///
/// A patient of several conversations counts once. Only what was drawn is counted: of it there are as many sentences as
/// the lists of the resources compose, so that memory does not grow with the dataset, and a repetition is a fault of
/// these lists. What messages state is repeated by illnesses, not by lists.
#[derive(Debug, Default)]
pub(super) struct Statements {
    patients: u64,
    counts: HashMap<String, u64>,
}

impl Statements {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let Some(case) = row.attributes.and_then(|a| a.case.as_ref()).filter(|_| !row.variant)
        else {
            return;
        };
        self.patients += 1;
        let drawn = |t: &&CaseText| t.origin == Origin::Drawn;
        let lists = [&case.allergies, &case.history, &case.family, &case.social];
        let all: BTreeSet<&str> =
            lists.into_iter().flatten().filter(drawn).map(|t| t.text.as_str()).collect();
        for text in all {
            match self.counts.get_mut(text) {
                Some(count) => *count += 1,
                None => drop(self.counts.insert(text.to_owned(), 1)),
            }
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.patients += other.patients;
        for (text, count) in other.counts {
            *self.counts.entry(text).or_default() += count;
        }
    }

    /// Adds the metric, where a row has a patient.
    pub(super) fn finish(&self, metrics: &mut Metrics) {
        if self.patients == 0 {
            return;
        }
        // Ties are decided by the text, so that the order of the rows does not matter.
        let most = self.counts.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        let (text, count) = most.map_or((String::new(), 0), |(text, n)| (text.clone(), *n));
        let measured = Measured::Counted { count, of: self.patients };
        let id = MetricId::RepeatedStatement;
        metrics.push_counted(id, text, measured, target(id, None));
    }
}
