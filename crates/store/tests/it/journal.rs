//! Tasks, keys, requests, jobs and notes.

use std::cell::RefCell;

use clinstruct_schema::{RequestId, Stage, Usage};
use clinstruct_store::{
    JobCounts, JobSums, NewJob, Rejection, Step, TaskKey, TaskRecord, TaskState,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{answered_job, base, folder, frame, new_job, open, request, row, segment, stop};

pub(crate) fn task(key: TaskKey, state: TaskState) -> TaskRecord {
    let waiting = (state == TaskState::Waiting).then(|| request(7));
    TaskRecord {
        key,
        state,
        waiting,
        attempts: 0,
        delivery_attempts: 0,
        unusable: 0,
        steps: vec![],
        rejection: None,
    }
}

fn any_key() -> impl Strategy<Value = TaskKey> {
    (any::<u8>(), 0..1_u32 << 24, any::<u8>(), any::<u8>()).prop_map(
        |(part, n, prompt, variant)| {
            TaskKey::conversation(part, n, prompt, variant)
                .unwrap_or_else(|| TaskKey::seed_row(part, n).unwrap())
        },
    )
}

fn any_request() -> impl Strategy<Value = RequestId> {
    any::<[u8; 16]>().prop_map(RequestId)
}

fn any_rejection() -> impl Strategy<Value = Rejection> {
    let stage = prop_oneof![Just(Stage::Prompt), Just(Stage::Turn), Just(Stage::Quality)];
    (stage, any::<bool>(), any::<String>(), any::<String>())
        .prop_map(|(stage, failed, reason, detail)| Rejection { stage, failed, reason, detail })
}

prop_compose! {
    fn any_unit()(
        key in any_key(),
        state in prop_oneof![
            Just(TaskState::Waiting), Just(TaskState::Done), Just(TaskState::Rejected)
        ],
        waiting in option::of(any_request()),
        attempts in any::<u32>(),
        delivery_attempts in any::<u32>(),
        unusable in any::<u32>(),
        steps in vec(
            (any_request(), any::<u8>(), any::<u32>())
                .prop_map(|(request, attempts, cleanup)| Step { request, attempts, cleanup }),
            0..5,
        ),
        rejection in option::of(any_rejection()),
    ) -> TaskRecord {
        TaskRecord { key, state, waiting, attempts, delivery_attempts, unusable, steps, rejection }
    }
}

#[test]
fn a_unit_comes_back_as_it_was_put() {
    let dir = folder();
    let store = RefCell::new(open(dir.path()));
    proptest!(ProptestConfig::with_cases(200), |(task in any_unit())| {
        let mut store = store.borrow_mut();
        store.write(|tx| tx.put_task(&task)).unwrap();
        prop_assert_eq!(store.task(task.key).unwrap(), Some(task));
    });
}

#[test]
fn a_unit_outlives_the_store_and_the_last_record_of_it_stands() {
    let dir = folder();
    let mut store = open(dir.path());
    let waiting = task(base(3), TaskState::Waiting);
    let done = TaskRecord {
        steps: vec![Step { request: request(9), attempts: 2, cleanup: u32::MAX }],
        ..task(base(3), TaskState::Done)
    };
    store.write(|tx| tx.put_task(&waiting)).unwrap();
    store.write(|tx| tx.put_task(&done)).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.task(base(3)).unwrap(), Some(done));
    assert_eq!(store.task(base(4)).unwrap(), None);
    assert_eq!(store.waiting_tasks(None, 9).unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn keys_are_in_the_order_of_the_plan(a in any_key(), b in any_key()) {
        let parts = |k: TaskKey| (k.part(), k.seed_row_index(), k.prompt(), k.variant());
        prop_assert_eq!(a.cmp(&b), parts(a).cmp(&parts(b)));
    }

    #[test]
    fn a_key_says_what_it_was_made_of(
        part: u8, n in 0..1_u32 << 24, prompt in 1_u8.., variant in 1_u8..,
    ) {
        let key = TaskKey::conversation(part, n, prompt, variant).unwrap();
        prop_assert_eq!(
            (key.part(), key.seed_row_index(), key.prompt(), key.variant(), key.is_seed_row()),
            (part, n, prompt, variant, false)
        );
        let own = TaskKey::seed_row(part, n).unwrap();
        prop_assert_eq!(
            (own.part(), own.seed_row_index(), own.prompt(), own.variant(), own.is_seed_row()),
            (part, n, 0, 0, true)
        );
        prop_assert!(own < key);
    }
}

#[test]
fn keys_have_limits() {
    let last = (1 << 24) - 1;
    assert_eq!(TaskKey::seed_row(255, last).unwrap().seed_row_index(), last);
    assert_eq!(TaskKey::seed_row(0, 1 << 24), None);
    assert_eq!(TaskKey::seed_row(0, u32::MAX), None);
    assert_eq!(TaskKey::conversation(0, 1 << 24, 1, 1), None);
    assert_eq!(TaskKey::conversation(0, 0, 0, 1), None);
    assert_eq!(TaskKey::conversation(0, 0, 1, 0), None);
    assert!(TaskKey::conversation(0, last, 255, 255) < TaskKey::seed_row(1, 0));
}

#[test]
fn units_are_listed_and_counted_in_the_order_of_the_plan() {
    let dir = folder();
    let mut store = open(dir.path());
    let talk = |part, n, prompt, variant| TaskKey::conversation(part, n, prompt, variant).unwrap();
    let mut all = vec![
        task(TaskKey::seed_row(0, 0).unwrap(), TaskState::Done),
        task(talk(0, 0, 1, 1), TaskState::Waiting),
        task(talk(0, 0, 1, 2), TaskState::Rejected),
        task(talk(0, 0, 2, 1), TaskState::Waiting),
        task(TaskKey::seed_row(0, 300).unwrap(), TaskState::Waiting),
        task(TaskKey::seed_row(2, 5).unwrap(), TaskState::Rejected),
        task(TaskKey::seed_row(255, 0).unwrap(), TaskState::Waiting),
    ];
    store.write(|tx| all.iter().rev().try_for_each(|u| tx.put_task(u))).unwrap();

    let (from, to) = (TaskKey::seed_row(0, 0).unwrap(), TaskKey::seed_row(255, 0).unwrap());
    assert_eq!(store.tasks(from, to).unwrap(), all[..6]);
    assert_eq!(store.tasks(all[1].key, all[3].key).unwrap(), all[1..3]);
    let last: Vec<_> = [0, 1, 2, 255].map(|p| store.last_seed_row(p).unwrap()).into();
    insta::assert_snapshot!(format!("{last:?}"), @"[Some(300), None, Some(5), Some(0)]");
    let counts: Vec<_> = store
        .counts()
        .unwrap()
        .iter()
        .map(|c| {
            let bases = (c.seed_rows_waiting, c.seed_rows_done, c.seed_rows_rejected);
            let talks = (c.conversations_waiting, c.conversations_done, c.conversations_rejected);
            format!("part {}: bases {bases:?}, conversations {talks:?}", c.part)
        })
        .collect();
    insta::assert_snapshot!(counts.join("\n"), @r"
    part 0: bases (1, 1, 0), conversations (2, 0, 1)
    part 2: bases (0, 0, 1), conversations (0, 0, 0)
    part 255: bases (1, 0, 0), conversations (0, 0, 0)
    ");

    all.retain(|u| u.state == TaskState::Waiting);
    assert_eq!(store.waiting_tasks(None, usize::MAX).unwrap(), all);
    assert_eq!(store.waiting_tasks(None, 2).unwrap(), all[..2]);
    assert_eq!(store.waiting_tasks(Some(all[1].key), 9).unwrap(), all[2..]);
}

#[test]
fn forgetting_the_units_leaves_the_responses() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    store.write(|tx| tx.put_task(&task(base(1), TaskState::Done))).unwrap();
    store
        .write(|tx| {
            tx.clear_tasks()?;
            tx.set_meta("cleared", "yes")
        })
        .unwrap();
    assert_eq!(store.counts().unwrap(), []);
    assert_eq!(store.answered_total().unwrap(), 1);
    assert_eq!(row(&store, request(1)).unwrap(), b"one");
}

#[test]
fn a_transaction_that_fails_leaves_nothing() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_meta("kept", "before").unwrap();
    let failed = store.write(|tx| {
        let job = tx.new_job(&new_job("a", 1), 1)?;
        tx.set_meta("kept", "after")?;
        tx.set_meta("new", "after")?;
        tx.send_request(request(1), base(1), job)?;
        tx.put_task(&task(base(1), TaskState::Waiting))?;
        let id = tx.append(&frame(job, &[b"row"]))?;
        tx.set_response(request(1), id, 0)?;
        Err::<(), _>(stop())
    });
    insta::assert_snapshot!(failed.unwrap_err(), @"cannot test nowhere: stopped");
    for reopened in [false, true] {
        if reopened {
            drop(store);
            store = open(dir.path());
        }
        assert_eq!(store.meta("kept").unwrap().as_deref(), Some("before"));
        assert_eq!(store.meta("new").unwrap(), None);
        assert_eq!(store.jobs().unwrap(), []);
        assert_eq!(store.counts().unwrap(), []);
        assert_eq!(store.locate(request(1)).unwrap(), None);
        assert_eq!(store.answered_total().unwrap(), 0);
    }
    assert_eq!(store.write(|tx| tx.next_job()).unwrap(), 1);
}

/// Rows, tokens and costs add up frame by frame, and what open jobs may still cost is known.
#[test]
fn a_ledger_adds_up() {
    let dir = folder();
    let mut store = open(dir.path());
    let (a, b) = store
        .write(|tx| {
            let a = tx.new_job(&NewJob { reserved: 1000, ..new_job("a", 5) }, 1)?;
            let b = tx.new_job(&NewJob { reserved: 300, ..new_job("b", 1) }, 1)?;
            Ok((a, b))
        })
        .unwrap();
    let counts = JobCounts { answered: 2, errors: 1, ..JobCounts::default() };
    let usage =
        Usage { prompt_tokens: 100, completion_tokens: 20, cached_tokens: 10, ..Usage::default() };
    for fault in [None, Some("429: too much"), Some("500: no")] {
        let sums =
            JobSums { counts, usage, cost: 100, estimated: 20, fault: fault.map(str::to_owned) };
        store.write(|tx| tx.add_to_job(a, &sums)).unwrap();
    }
    drop(store);
    let mut store = open(dir.path());
    let money = store.money().unwrap();
    assert_eq!((money.spent, money.reserved, money.usage.prompt_tokens), (300, 700 + 300, 300));
    assert_eq!(money.estimated, 60);
    let job = &store.jobs().unwrap()[0];
    assert_eq!((job.counts.answered, job.counts.errors, job.cost, job.reserved), (6, 3, 300, 1000));
    assert_eq!((job.estimated, job.fault.as_deref()), (60, Some("429: too much")));
    store.write(|tx| tx.job_ended(a, "completed", 2)).unwrap();
    assert_eq!(store.money().unwrap().reserved, 300);
    store.write(|tx| tx.job_ended(b, "lost", 2)).unwrap();
    assert_eq!(store.money().unwrap().reserved, 0);
}

#[test]
fn a_job_goes_from_intent_to_its_end() {
    let dir = folder();
    let mut store = open(dir.path());
    let mut seen = Vec::new();
    let job = store
        .write(|tx| {
            assert_eq!(tx.next_job()?, 1);
            tx.new_job(&new_job("run-1", 2), 10)
        })
        .unwrap();
    let other = store.write(|tx| tx.new_job(&new_job("run-2", 0), 11)).unwrap();
    seen.push(store.open_jobs().unwrap());
    store.write(|tx| tx.job_sent(job, "batch_1", 12)).unwrap();
    seen.push(store.open_jobs().unwrap());
    store.write(|tx| tx.job_ended(job, "completed", 13)).unwrap();
    seen.push(store.open_jobs().unwrap());
    drop(store);
    let mut store = open(dir.path());
    seen.push(store.jobs().unwrap());
    let lines: Vec<_> = seen
        .iter()
        .flat_map(|jobs| {
            let lines = jobs.iter().map(|j| {
                let id = j.id.0;
                format!(
                    "{id} {} {:?} {} {:?} {}",
                    j.tag,
                    j.provider_ref,
                    j.state.as_str(),
                    j.ended,
                    j.rows
                )
            });
            lines.chain(["-".into()]).collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    1 run-1 None intent None 2
    2 run-2 None intent None 0
    -
    1 run-1 Some("batch_1") sent None 2
    2 run-2 None intent None 0
    -
    2 run-2 None intent None 0
    -
    1 run-1 Some("batch_1") ended Some("completed") 2
    2 run-2 None intent None 0
    -
    "#);
    assert_eq!(other.0, 2);
    assert_eq!(store.write(|tx| tx.next_job()).unwrap(), 3);
    store.write(|tx| tx.new_job(&new_job("run-1", 1), 14)).unwrap_err();
}

#[test]
fn a_request_is_asked_until_it_is_answered_or_released() {
    let dir = folder();
    let mut store = open(dir.path());
    let (first, second) = store
        .write(|tx| {
            let (first, second) =
                (tx.new_job(&new_job("a", 3), 1)?, tx.new_job(&new_job("b", 1), 1)?);
            for n in [3, 1, 2] {
                tx.send_request(request(n), base(u32::from(n)), first)?;
            }
            tx.send_request(request(4), base(4), second)?;
            let id = tx.append(&frame(first, &[b"two"]))?;
            tx.set_response(request(2), id, 0)?;
            Ok((first, second))
        })
        .unwrap();
    assert_eq!(store.open_requests(first).unwrap(), [(request(1), base(1)), (request(3), base(3))]);

    store.write(|tx| tx.release(first)).unwrap();
    assert_eq!(store.open_requests(first).unwrap(), []);
    assert_eq!(store.open_requests(second).unwrap(), [(request(4), base(4))]);
    assert_eq!(row(&store, request(2)).unwrap(), b"two");

    // Released requests may be sent again with the new job; the answered one is unchanged.
    store
        .write(|tx| {
            (1..=3).try_for_each(|n| tx.send_request(request(n), base(90 + u32::from(n)), second))
        })
        .unwrap();
    let asked = [(request(1), base(91)), (request(3), base(93)), (request(4), base(4))];
    assert_eq!(store.open_requests(second).unwrap(), asked);
    assert_eq!(row(&store, request(2)).unwrap(), b"two");
    assert_eq!(store.answered_total().unwrap(), 1);
}

#[test]
fn a_late_answer_to_a_released_request_stands() {
    let dir = folder();
    let mut store = open(dir.path());
    store
        .write(|tx| {
            let job = tx.new_job(&new_job("a", 1), 1)?;
            tx.send_request(request(1), base(1), job)?;
            tx.release(job)?;
            let id = tx.append(&frame(job, &[b"late"]))?;
            tx.set_response(request(1), id, 0)
        })
        .unwrap();
    assert_eq!(row(&store, request(1)).unwrap(), b"late");
}

#[test]
fn of_two_answers_the_first_stands() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"first", b"other"]);
    answered_job(&mut store, "b", 1, &[b"second", b"second other"]);
    store
        .write(|tx| {
            let job = tx.new_job(&new_job("c", 1), 1)?;
            let id = tx.append(&frame(job, &[b"third", b"third again"]))?;
            tx.set_response(request(1), id, 1)
        })
        .unwrap();
    assert_eq!(row(&store, request(1)).unwrap(), b"first");
    assert_eq!(row(&store, request(2)).unwrap(), b"other");
    assert_eq!(store.answered_total().unwrap(), 2);
    // Superseded rows are kept all the same.
    let plain = zstd::stream::decode_all(std::fs::File::open(segment(dir.path())).unwrap());
    assert!(plain.unwrap().ends_with(b"third\nthird again\n"));
}

#[test]
fn an_answer_to_what_was_never_asked_is_not_noted() {
    let dir = folder();
    let mut store = open(dir.path());
    store
        .write(|tx| {
            let job = tx.new_job(&new_job("a", 1), 1)?;
            let id = tx.append(&frame(job, &[b"row"]))?;
            tx.set_response(request(1), id, 0)
        })
        .unwrap();
    assert_eq!(store.locate(request(1)).unwrap(), None);
    assert_eq!(store.answered_total().unwrap(), 0);
}

#[test]
fn counts_of_jobs_add_up() {
    let mut a = JobCounts { answered: 1, errors: 2, duplicates: 3, unknown: 4, missing: 5 };
    a.add(&JobCounts { answered: 10, errors: 20, duplicates: 30, unknown: 40, missing: 50 });
    assert_eq!(a, JobCounts { answered: 11, errors: 22, duplicates: 33, unknown: 44, missing: 55 });
}
