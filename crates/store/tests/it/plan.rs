//! Given-up requests, and the rows of the plan.

use clinstruct_schema::Stage;
use clinstruct_store::{
    BesideCounts, GivenUp, PlannedRow, Rejection, Store, TaskKey, TaskKind, TaskRecord, TaskState,
};

use crate::journal::task;
use crate::{base, folder, frame, new_job, open, request, row};

/// A given-up request outlives its task; refused ones can be retried separately.
#[test]
fn what_was_given_up_stays_so_until_somebody_asks() {
    let dir = folder();
    let mut store = open(dir.path());
    assert!(!store.has_given_up().unwrap());
    let given = |n: u8, refused| GivenUp {
        request: request(n),
        task: base(n.into()),
        refused,
        reason: "provider_error".into(),
        detail: "400: no such parameter".into(),
    };
    let failed = |n: u8| TaskRecord {
        rejection: Some(Rejection {
            stage: Stage::Prompt,
            failed: true,
            reason: "provider_error".into(),
            detail: String::new(),
        }),
        ..task(base(n.into()), TaskState::Rejected)
    };
    store
        .write(|tx| {
            for n in [1, 2, 3] {
                tx.give_up(&given(n, n > 1))?;
                tx.put_task(&failed(n))?;
            }
            // It was sent again since, and has its answer.
            tx.put_task(&task(base(3), TaskState::Done))
        })
        .unwrap();
    drop(store);
    let mut store = open(dir.path());
    assert!(store.has_given_up().unwrap());
    assert_eq!(store.refused_tasks().unwrap(), [base(2)]);
    store
        .write(|tx| {
            tx.clear_tasks()?;
            tx.set_meta("plan", "another")
        })
        .unwrap();
    assert_eq!(store.given_up(request(1)).unwrap(), Some(given(1, false)));
    store.write(|tx| tx.forget_given_up(true)).unwrap();
    assert_eq!(store.given_up(request(2)).unwrap(), None);
    assert!(store.given_up(request(1)).unwrap().is_some());
    store.write(|tx| tx.forget_given_up(false)).unwrap();
    assert!(!store.has_given_up().unwrap());
}

/// A response that is not an answer is replaced by the next.
#[test]
fn a_response_that_was_set_aside_does_not_count() {
    let dir = folder();
    let mut store = open(dir.path());
    let job = store.write(|tx| tx.new_job(&new_job("run-1", 1), 1)).unwrap();
    let answer = |store: &mut Store, text: &[u8]| {
        let frame = frame(job, &[text]);
        store
            .write(|tx| {
                tx.send_request(request(1), base(0), job)?;
                let frame = tx.append(&frame)?;
                tx.set_response(request(1), frame, 0)
            })
            .unwrap();
    };
    answer(&mut store, b"an error");
    answer(&mut store, b"too late");
    assert_eq!(row(&store, request(1)).unwrap(), b"an error");
    store.write(|tx| tx.discard_response(request(1))).unwrap();
    assert_eq!(row(&store, request(1)), None);
    assert_eq!(store.job_of(request(1)).unwrap(), Some(job));
    answer(&mut store, b"an answer");
    assert_eq!(row(&store, request(1)).unwrap(), b"an answer");
}

#[test]
fn a_plan_is_found_by_row_and_read_in_order() {
    let dir = folder();
    let mut store = open(dir.path());
    assert!(!store.has_planned().unwrap());
    let planned = |n: u32, id: &str| PlannedRow {
        task: base(n),
        id: id.into(),
        request: request(n as u8),
        shape: vec![n as u8; 3],
    };
    let (first, second, third) = (planned(0, "a.x"), planned(1, "a.y"), planned(7, "a.z"));
    store
        .write(|tx| {
            for row in [&third, &first, &second] {
                tx.put_planned(row)?;
            }
            Ok(())
        })
        .unwrap();
    assert!(store.has_planned().unwrap());
    assert_eq!(store.planned("a.y").unwrap(), Some(second.clone()));
    assert_eq!(store.planned("a").unwrap(), None);
    assert_eq!(store.planned_rows(None, 2).unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.planned_rows(Some(second.task), 2).unwrap(), [third]);
    // A row that is planned again has moved.
    store.write(|tx| tx.put_planned(&planned(3, "a.x"))).unwrap();
    assert_eq!(store.planned("a.x").unwrap().unwrap().task, base(3));
    assert_eq!(store.planned_rows(None, 9).unwrap().len(), 3);
    let forgotten = store.write(|tx| {
        tx.clear_planned()?;
        tx.clear_planned()
    });
    forgotten.unwrap();
    assert!(!store.has_planned().unwrap());
}

#[test]
fn seed_rows_with_prompts_are_counted_by_part() {
    let dir = folder();
    let mut store = open(dir.path());
    let conversation = TaskKey::conversation(0, 1, 1, 1).unwrap();
    store
        .write(|tx| {
            for (key, state) in [
                (base(0), TaskState::Done),
                (base(1), TaskState::Done),
                (conversation, TaskState::Done),
                (base(2), TaskState::Waiting),
                (base(3), TaskState::Rejected),
                (TaskKey::seed_row(2, 0).unwrap(), TaskState::Done),
            ] {
                tx.put_task(&task(key, state))?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(store.seed_rows_done().unwrap(), [(0, 2), (2, 1)]);
}

/// Annotations are cleared with the conversations that they are about, and those of other rows stay.
#[test]
fn annotations_are_cleared_with_their_conversations() {
    let dir = folder();
    let mut store = open(dir.path());
    let conversation = |n| TaskKey::conversation(0, n, 1, 1).unwrap();
    let annotators = [1, 2, 700, TaskKey::ANNOTATORS];
    assert_eq!(conversation(1).annotation(0), None);
    assert_eq!(base(1).annotation(1), None);
    store
        .write(|tx| {
            for n in [1, 2, 3] {
                tx.put_task(&task(base(n), TaskState::Done))?;
                tx.put_task(&task(conversation(n), TaskState::Done))?;
                for number in annotators {
                    let key = conversation(n).annotation(number).unwrap();
                    assert_eq!((key.subject(), key.annotator()), (conversation(n), number));
                    tx.put_task(&task(key, TaskState::Waiting))?;
                }
            }
            Ok(())
        })
        .unwrap();
    store.write(|tx| tx.clear_task_range(base(2), base(3))).unwrap();
    for number in annotators {
        let left = store.annotations(number, 0, None, 10).unwrap();
        let left: Vec<TaskKey> = left.iter().map(|task| task.key.subject()).collect();
        assert_eq!(left, [conversation(1), conversation(3)], "{number}");
    }
    let next = store.annotations(700, 0, conversation(1).annotation(700), 10).unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(store.annotations(700, 1, None, 10).unwrap(), []);
    // They are no conversations.
    let counts = store.counts().unwrap();
    assert_eq!(
        (counts.len(), counts[0].conversations_done, counts[0].conversations_waiting),
        (1, 2, 0)
    );
    assert_eq!(store.waiting_tasks(None, 100).unwrap().len(), 2 * annotators.len());
}

/// Records and annotations are counted beside the conversations, by part, annotator and state.
#[test]
fn what_is_asked_beside_conversations_is_counted() {
    let dir = folder();
    let mut store = open(dir.path());
    assert_eq!(store.beside().unwrap(), []);
    let conversation = |part, n| TaskKey::conversation(part, n, 1, 1).unwrap();
    let last = TaskKey::ANNOTATORS;
    let states = [TaskState::Done, TaskState::Done, TaskState::Rejected, TaskState::Waiting];
    store
        .write(|tx| {
            for (n, state) in (0..).zip(states) {
                tx.put_task(&task(TaskKey::seed_row(3, n).unwrap(), TaskState::Done))?;
                tx.put_task(&task(TaskKey::extraction(3, n, 1).unwrap(), state))?;
                tx.put_task(&task(conversation(3, n), TaskState::Done))?;
                for (part, number) in [(3, 1), (3, last), (200, last)] {
                    let key = conversation(part, n).annotation(number).unwrap();
                    tx.put_task(&task(key, state))?;
                }
            }
            Ok(())
        })
        .unwrap();
    let counted =
        |part, annotator| BesideCounts { part, annotator, waiting: 1, done: 2, rejected: 1 };
    let expected = [counted(3, 0), counted(3, 1), counted(3, last), counted(200, last)];
    assert_eq!(store.beside().unwrap(), expected);
}

/// A record is between its seed row and the conversations of its prompt, is cleared with them, and stays given up.
#[test]
fn records_belong_to_their_seed_row() {
    let dir = folder();
    let mut store = open(dir.path());
    let record = |n| TaskKey::extraction(0, n, 1).unwrap();
    let conversation = |n| TaskKey::conversation(0, n, 1, 1).unwrap();
    assert_eq!(TaskKey::extraction(0, 1, 0), None);
    assert_eq!(record(1).kind(), TaskKind::Extraction);
    assert_eq!(record(1).annotation(1), None);
    assert!(base(1) < record(1) && record(1) < conversation(1));
    assert!(conversation(1) < TaskKey::extraction(0, 1, 2).unwrap());
    let given = |n: u8, task| GivenUp {
        request: request(n),
        task,
        refused: false,
        reason: "missing".into(),
        detail: String::new(),
    };
    store
        .write(|tx| {
            for n in [1, 2] {
                tx.put_task(&task(base(n), TaskState::Done))?;
                tx.put_task(&task(record(n), TaskState::Done))?;
                tx.put_task(&task(conversation(n), TaskState::Done))?;
            }
            tx.give_up(&given(1, record(1)))?;
            tx.give_up(&given(2, base(2)))
        })
        .unwrap();
    // It counts as no conversation.
    let counts = store.counts().unwrap();
    assert_eq!((counts.len(), counts[0].conversations_done), (1, 2));
    let answered: Vec<_> = store.turns().unwrap().iter().map(|c| (c.place, c.answered)).collect();
    assert!(answered.iter().all(|(_, tasks)| *tasks == 2), "{answered:?}");
    store.write(|tx| tx.forget_given_up(false)).unwrap();
    assert!(store.given_up(request(1)).unwrap().is_some());
    assert_eq!(store.given_up(request(2)).unwrap(), None);
    store.write(|tx| tx.clear_task_range(base(1), base(2))).unwrap();
    let left: Vec<TaskKey> =
        store.tasks(base(0), base(9)).unwrap().iter().map(|task| task.key).collect();
    assert_eq!(left, [base(2), record(2), conversation(2)]);
}
