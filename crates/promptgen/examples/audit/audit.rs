//! The audit of drawn cases, for the example and for a test.

pub(crate) mod cases;
mod data;
mod metrics;
pub(crate) mod rules;

use clinstruct_catalog::Catalog;

pub(crate) use data::Data;
use metrics::Metrics;

/// Seed of the cases unless told.
pub(crate) const SEED: u64 = 42;

/// What was found.
#[derive(Debug)]
pub(crate) struct Audit {
    /// Violated rules, each with its case.
    pub(crate) violations: Vec<String>,
    /// Metrics that miss their reference.
    pub(crate) misses: Vec<String>,
    rules: usize,
    cases: usize,
    tables: String,
}

impl Audit {
    /// Draws `number` cases and examines them.
    pub(crate) fn of(catalog: &Catalog, data: &Data, seed: u64, number: usize) -> Self {
        let mut metrics = Metrics::new(data);
        let mut violations = Vec::new();
        let mut cases = 0;
        for drawn in cases::draw(catalog, data, seed, number) {
            cases += 1;
            metrics.add(&drawn);
            violations.extend(rules::violations(data, &drawn));
        }
        let (tables, misses) = metrics.report();
        Self { violations, misses, rules: rules::number(data), cases, tables }
    }

    /// All tables, and the number of violations.
    pub(crate) fn report(&self) -> String {
        format!(
            "{}\nRules: {} rules, {} violations in {} cases; {} figures miss their reference\n",
            self.tables,
            self.rules,
            self.violations.len(),
            self.cases,
            self.misses.len()
        )
    }

    /// Violations and misses.
    pub(crate) fn failures(&self) -> Vec<&String> {
        self.violations.iter().chain(&self.misses).collect()
    }
}
