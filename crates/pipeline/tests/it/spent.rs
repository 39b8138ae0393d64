//! A backend that lives in this process reports in mid-run that it will answer no more.

use std::sync::Arc;

use clinstruct_batch_client::{Capabilities, Cost};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{Outcome, RunConfig};
use clinstruct_store::Store;

use crate::stand_in::{StandIn, different, drive};

#[test]
fn what_is_in_flight_when_money_ends_is_taken() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let in_process = || StandIn::new(&catalog, Capabilities::in_process(Cost::Compute));
    let config = || RunConfig { limit: Some(10), ..RunConfig::default() };
    let saved = || Store::open_read_only(folder.path()).unwrap().answered_total().unwrap() as usize;

    let broke = Arc::new(in_process().spent());
    let error = drive(&catalog, &broke, config(), folder.path(), u64::MAX).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no money is left"), "{cause}");
    // Those of the job that broke, and those of the others.
    let at_first = saved();
    assert!(at_first > 5, "{at_first}");
    assert_eq!(different(&broke.answered), at_first);

    // Another process, which has none of the jobs.
    let paid = Arc::new(in_process());
    let outcome = drive(&catalog, &paid, config(), folder.path(), u64::MAX).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    paid.answered.lock().unwrap().extend(broke.answered.lock().unwrap().iter());
    assert_eq!(paid.answered.lock().unwrap().len(), saved());
    assert_eq!(different(&paid.answered), saved(), "a request was answered twice");
}
