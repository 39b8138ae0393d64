//! A run whose jobs take hours, on a simulated clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchBackend;
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Event, Outcome, Progress, Route, Routes, RunConfig, RunContext, StopSignal, Tally, run,
};
use clinstruct_store::{Durability, Store};
use clinstruct_testkit::Delayed;

const SHORTEST: Duration = Duration::from_hours(1);
const LONGEST: Duration = Duration::from_hours(24);

/// Result of a simulated run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Time spent at the provider.
    pub(crate) took: Duration,
    /// The final counts.
    pub(crate) tally: Tally,
}

/// Collects the reported stalls.
#[derive(Default)]
struct Stalls(Vec<String>);

impl Progress for Stalls {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, event: Event) {
        if let Event::Stalled { route } = event {
            self.0.push(route);
        }
    }
}

/// Runs `config` in `folder` with jobs of 1 to 24 h, with or without rounds.
pub(crate) fn simulate(
    catalog: &Catalog,
    config: RunConfig,
    folder: &Path,
    rounds: bool,
) -> Result<Run, Box<dyn std::error::Error>> {
    let spool = Some(folder.join("spool"));
    let engine: Arc<dyn BatchBackend> =
        Arc::new(Rehearsal::new(catalog.instructions(), Rates::default(), spool));
    let delayed = Delayed::new(engine, SHORTEST, LONGEST, config.seed);
    let backend = Arc::new(if rounds { delayed.in_rounds() } else { delayed });
    let route = Route { name: "simulated".into(), backend, model: "rehearsal".into(), price: None };
    let context = RunContext::new(catalog, config, Routes::one(route))?;
    let mut store = Store::open(folder, Durability::Fast)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let mut stalls = Stalls::default();
    let (took, (outcome, tally)) = runtime.block_on(async {
        let began = tokio::time::Instant::now();
        let stop = StopSignal::default();
        let ended =
            run(&context, &mut store, &mut stalls, &stop, || 0, "simulated", Drive::ToTheEnd).await;
        ended.map(|ended| (began.elapsed(), ended))
    })?;
    if outcome != Outcome::Finished {
        return Err(format!("the run ended as {outcome:?}").into());
    }
    // The first job takes an hour: that is reported, once.
    if stalls.0 != ["simulated"] {
        return Err(format!("stalls reported: {:?}", stalls.0).into());
    }
    Ok(Run { took, tally })
}
