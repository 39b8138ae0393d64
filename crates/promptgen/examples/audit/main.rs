//! Draws cases from the plans of all parts and prints their sizes, vital signs, allergies, regimens and repetition
//! beside references, and the violations of rules that the generator does not share.
//!
//! `cargo run --package clinstruct-promptgen --example audit -- 20000 42` (cases and seed), or `cargo xtask audit`. Exits with 1 if a case
//! violates a rule or a figure misses its reference.

#[path = "audit.rs"]
mod audit;

use std::io::Write as _;
use std::process::ExitCode;

use clinstruct_catalog::Catalog;

/// Cases that are drawn unless told.
const CASES: usize = 20_000;
/// Violations that are printed.
const SHOWN: usize = 40;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let number = match arguments.next() {
        None => CASES,
        Some(text) => text.parse().map_err(|_| format!("\"{text}\" is not a number of cases"))?,
    };
    let seed = match arguments.next() {
        None => audit::SEED,
        Some(text) => text.parse().map_err(|_| format!("\"{text}\" is not a seed"))?,
    };
    let catalog = Catalog::embedded()?;
    let data = audit::Data::read()?;
    let audit = audit::Audit::of(&catalog, &data, seed, number);
    let mut out = std::io::stdout().lock();
    out.write_all(audit.report().as_bytes())?;
    let failures = audit.failures();
    for failure in failures.iter().take(SHOWN) {
        writeln!(out, "- {failure}")?;
    }
    if failures.len() > SHOWN {
        writeln!(out, "- and {} more", failures.len() - SHOWN)?;
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
