//! Situations and dialogues of the embedded catalog.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::LazyLock;

use clinstruct_catalog::{Catalog, Part};
use clinstruct_multiturn::{RequestOptions, Variant, situation};
use clinstruct_promptgen::Plan;
use clinstruct_schema::{BaseRow, Situation};

mod dialogues;
mod situations;

const SEED: u64 = 42;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fn options() -> RequestOptions<'static> {
    RequestOptions { seed: SEED, ..RequestOptions::new(&CATALOG, "m") }
}

fn part(name: &str) -> &'static Part {
    CATALOG.part(name).unwrap()
}

fn plan(name: &str) -> Plan<'static> {
    Plan::new(&CATALOG, part(name), SEED, None)
}

fn drawn(row: &BaseRow, k: usize, variant: Variant) -> Situation {
    situation(&CATALOG, part(row.part.as_str()), SEED, row, k, variant)
}
