//! How many conversations are in flight, and what does not depend on it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Event, Outcome, OutputFiles, Progress, Route, Routes, RunConfig, RunContext, StopSignal,
    Tally, run, write_outputs,
};
use clinstruct_store::{Durability, Store};

/// The most requests that were in flight.
#[derive(Default)]
struct Most(usize);

impl Progress for Most {
    fn tally(&mut self, tally: &Tally) {
        self.0 = self.0.max(tally.in_flight);
    }

    fn event(&mut self, _: Event) {}
}

/// Runs the first part; gives the most requests that were in flight, and the conversations.
fn built(catalog: &Catalog, folder: &Path, sizes: RunConfig) -> (usize, Vec<u8>) {
    let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::default(), None));
    let (name, model) = ("rehearsal".into(), "rehearsal".into());
    let route = Route { name, backend, model, price: None };
    let config = RunConfig { parts: vec!["task-topic".into()], limit: Some(40), ..sizes };
    let context = RunContext::new(catalog, config, Routes::one(route)).unwrap();
    let mut store = Store::open(folder, Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stop, mut most) = (StopSignal::default(), Most::default());
    let ran = run(&context, &mut store, &mut most, &stop, || 0, "window", Drive::ToTheEnd);
    let (outcome, _) = runtime.block_on(ran).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    write_outputs(&context, &store, folder, OutputFiles::ALL).unwrap();
    let mut files = fs::read_dir(folder.join("conversations")).unwrap();
    (most.0, fs::read(files.next().unwrap().unwrap().path()).unwrap())
}

#[test]
fn the_window_has_room_for_what_prompts_become() {
    let catalog = Catalog::embedded().unwrap();
    let [wide, narrow] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // All seed rows at once, and all tasks in memory.
    let (most, all) = built(&catalog, wide.path(), RunConfig::default());
    assert!(most > 200, "{most}");
    // Some rows have more conversations than others; nearly all tasks are rebuilt when their responses arrive.
    let sizes = RunConfig { window: 60, in_memory: 3, ..RunConfig::default() };
    let (most, same) = built(&catalog, narrow.path(), sizes);
    assert!((20..=90).contains(&most), "{most}");
    assert!(all == same, "the conversations depend on the window");
}
