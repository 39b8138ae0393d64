use clinstruct_catalog::Catalog;
use clinstruct_pipeline::RunConfig;

use crate::simulated::simulate;

/// If each conversation advances as soon as its own answer arrives, jobs of an hour do not wait for those of a day.
#[test]
fn going_on_at_once_takes_less_time_than_rounds() {
    let catalog = Catalog::embedded().unwrap();
    let config = RunConfig {
        limit: Some(12),
        seed: 3,
        jobs: 100,
        rows_per_job: 20,
        window: 100_000,
        ..RunConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let at_once =
        simulate(&catalog, config.clone(), &folder.path().join("at_once"), false).unwrap();
    let rounds = simulate(&catalog, config, &folder.path().join("rounds"), true).unwrap();
    assert_eq!(
        (at_once.tally.done, at_once.tally.rejected),
        (rounds.tally.done, rounds.tally.rejected)
    );
    assert!(at_once.took.as_secs() * 10 < rounds.took.as_secs() * 8, "{at_once:?} {rounds:?}");
}
