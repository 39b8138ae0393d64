//! Delivery of rows: faults at their rates, jobs that outlive a process, unknown jobs.

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Ended, JobRef, JobState, Shard, ShardTag, Wanted,
};
use clinstruct_schema::Constraint;
use futures::StreamExt as _;
use futures::executor::block_on;

use crate::{engine, request};

fn shard(tag: &str, rows: u64) -> Shard {
    Shard::in_memory(ShardTag(tag.into()), (0..rows).map(|n| request(&[], n)).collect())
}

fn ids(shard: &Shard) -> Vec<String> {
    shard
        .requests()
        .unwrap()
        .map(|r: std::io::Result<BatchRequest>| r.unwrap().id.to_string())
        .collect()
}

/// How a job ended, and its rows.
fn ran(engine: &Rehearsal, shard: &Shard) -> (Ended, Vec<String>) {
    block_on(async {
        let job = engine.submit(shard).await.unwrap();
        let JobState::Ended(how) = engine.poll(&job).await.unwrap() else {
            unreachable!("a rehearsal ends at once")
        };
        let rows = engine.rows(&job).map(|r| String::from_utf8_lossy(&r.unwrap()).into_owned());
        (how, rows.collect().await)
    })
}

fn with(kind: &str, rate: f64) -> Rates {
    let mut rates = Rates::none();
    assert!(rates.set(kind, rate));
    rates
}

#[test]
fn without_injected_faults_each_request_gets_one_row_out_of_order() {
    let engine = engine(Constraint::Formal, Rates::none());
    let shard = shard("a", 300);
    let (how, rows) = ran(&engine, &shard);
    assert_eq!(how, Ended::Completed);
    let asked = ids(&shard);
    assert_eq!(rows.len(), asked.len());
    let mut order = Vec::new();
    for row in &rows {
        let found: Vec<usize> =
            asked.iter().enumerate().filter(|(_, id)| row.contains(*id)).map(|(i, _)| i).collect();
        assert_eq!(found.len(), 1, "{row}");
        order.extend(found);
    }
    assert!(!order.is_sorted());
    order.sort_unstable();
    assert_eq!(order, (0..300).collect::<Vec<_>>());
}

#[test]
fn delivery_faults_come_at_their_rates_and_depend_on_the_job() {
    let shard_a = shard("a", 1000);
    let counted = |kind: &str| ran(&engine(Constraint::Formal, with(kind, 0.2)), &shard_a).1;
    let near = |n: usize, expected: usize| n.abs_diff(expected) < 60;
    assert!(near(counted("missing").len(), 800));
    assert!(near(counted("duplicated").len(), 1200));
    let errors = counted("row_error").iter().filter(|r| r.contains("\"status_code\":500")).count();
    assert!(near(errors, 200), "{errors}");
    let bad = counted("bad_row")
        .iter()
        .filter(|r| serde_json::from_str::<serde_json::Value>(r).is_err())
        .count();
    assert!(near(bad, 200), "{bad}");

    let engine = engine(Constraint::Formal, with("missing", 0.5));
    let row_ids = |tag: &str| -> Vec<bool> {
        let sent = shard(tag, 200);
        let rows = ran(&engine, &sent).1;
        ids(&sent).iter().map(|id| rows.iter().any(|r| r.contains(id))).collect()
    };
    assert_eq!(row_ids("b"), row_ids("b"));
    assert_ne!(row_ids("b"), row_ids("c"));
}

#[test]
fn an_expired_job_gives_up_all_but_its_last_tenth() {
    let engine = engine(Constraint::Formal, with("expired_job", 1.0));
    let (how, rows) = ran(&engine, &shard("a", 95));
    assert_eq!((how, rows.len()), (Ended::Expired, 85));
}

#[test]
fn an_unknown_job_is_lost() {
    let engine = engine(Constraint::Formal, Rates::none());
    let nobody = JobRef("nobody".into());
    let state = block_on(engine.poll(&nobody)).unwrap();
    assert_eq!(state, JobState::Ended(Ended::Lost));
    assert_eq!(block_on(engine.find(&Wanted::tagged(ShardTag("nobody".into())))).unwrap(), None);
    let rows: Vec<_> = block_on(engine.rows(&nobody).collect());
    assert!(matches!(rows.as_slice(), [Err(_)]));
}

#[test]
fn a_spooled_job_is_found_and_answered_by_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let make = || Rehearsal::new(Vec::new(), Rates::none(), Some(dir.path().join("jobs")));
    let sent = shard("run-1", 50);
    block_on(make().submit(&sent)).unwrap();
    let other = make();
    let found = block_on(other.find(&Wanted::tagged(sent.tag.clone())))
        .unwrap()
        .expect("a spooled job is found");
    let rows: Vec<_> = block_on(other.rows(&found).collect());
    assert_eq!(rows.len(), 50);
    let again: Vec<_> = block_on(make().rows(&found).collect());
    let plain = |rows: Vec<clinstruct_batch_client::Result<Vec<u8>>>| -> Vec<Vec<u8>> {
        rows.into_iter().map(Result::unwrap).collect()
    };
    assert_eq!(plain(rows), plain(again));
    block_on(make().cancel(&found)).unwrap();
    assert_eq!(block_on(make().poll(&found)).unwrap(), JobState::Ended(Ended::Cancelled));
}
