//! Duration of a run with a provider whose jobs take 1 to 24 h, with and without waiting for each round.
//!
//! Arguments, both optional: a limit on the seed rows of each part, and a seed.

use std::io::Write as _;

use clinstruct_catalog::Catalog;
use clinstruct_pipeline::RunConfig;

#[path = "../tests/it/simulated.rs"]
mod simulated;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let catalog = Catalog::embedded()?;
    let config = RunConfig {
        limit: arguments.next(),
        seed: arguments.next().map_or(1, |s| s as u64),
        jobs: 100,
        rows_per_job: 2_000,
        window: 1_000_000,
        in_memory: 40_000,
        ..RunConfig::default()
    };
    let mut out = std::io::stdout().lock();
    for (rounds, name) in [(false, "each as it comes"), (true, "round after round")] {
        let folder = tempfile::tempdir()?;
        let run = simulated::simulate(&catalog, config.clone(), folder.path(), rounds)?;
        writeln!(
            out,
            "{name:<18} {:>6.1} h  {:>4} jobs  {:>7} rows  {:>6} conversations done, {} rejected",
            run.took.as_secs_f64() / 3600.0,
            run.tally.jobs,
            run.tally.rows,
            run.tally.done,
            run.tally.rejected
        )?;
    }
    Ok(())
}
