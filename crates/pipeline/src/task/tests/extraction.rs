use clinstruct_schema::{FactName, RecordSource};
use clinstruct_store::TaskKind;
use serde_json::{Value, json};

use super::*;
use crate::Extraction;

/// Four prompts a request, two variants a prompt.
const PART: &str = "task-topic";

fn extracting(extraction: Extraction, costs: bool) -> RunContext<'static> {
    let mut context = context(PART, costs);
    context.config.extraction = extraction;
    context
}

/// A seed row all of whose prompts are about patients.
fn about_patients(context: &RunContext<'_>) -> Waiting {
    let all = (0..50).map(|index| Waiting::base(context, index));
    let is_about = |base: &Waiting| match &base.task {
        Task::Prompt(task) => task.row().frames.iter().all(|frame| frame.patient.is_some()),
        _ => false,
    };
    all.into_iter().find(is_about).unwrap()
}

/// The prompts of a seed row, without the lists of some patients.
fn prompts(base: &Waiting, without: &[u64]) -> RowOutcome {
    let RowOutcome::Answer(completion) = base.good() else { panic!("no answer") };
    let mut answer: Value = serde_json::from_str(&completion.text).unwrap();
    for prompt in answer["prompts"].as_array_mut().unwrap() {
        if without.contains(&prompt["patient"].as_u64().unwrap()) {
            prompt.as_object_mut().unwrap().remove("facts");
        }
    }
    super::answer(&answer.to_string())
}

/// The record that waits for prompt 2, whose writer made no list.
fn missing_record(context: &RunContext<'_>) -> Waiting {
    record_of(context, 2).unwrap()
}

/// The one of prompt `k`, from 1; `None` if that is not about a patient.
fn record_of(context: &RunContext<'_>, k: u64) -> Option<Waiting> {
    let base = about_patients(context);
    let without = prompts(&base, &[k]);
    let mut records = kinds(base.step(context, &without)).0;
    assert!(records.len() <= 1);
    records.pop()
}

/// The records that wait, and the conversations.
fn kinds(stepped: Stepped) -> (Vec<Waiting>, Vec<Waiting>) {
    let is_record = |waiting: &Waiting| waiting.record.key.kind() == TaskKind::Extraction;
    stepped.waiting().into_iter().partition(is_record)
}

/// The sources of the records of conversations.
fn sources(all: &[Waiting]) -> Vec<RecordSource> {
    let source = |waiting: &Waiting| match &waiting.task {
        Task::Conversation(task) => task.dialogue().context().case.as_ref().unwrap().source,
        other => panic!("{other:?}"),
    };
    all.iter().map(source).collect()
}

#[test]
fn every_prompt_about_a_patient_waits_for_its_record_where_all_are_asked_for() {
    let context = extracting(Extraction::Always, true);
    let base = about_patients(&context);
    let good = base.good();
    let stepped = base.step(&context, &good);
    assert_eq!(stepped.records[0].state, TaskState::Done);
    let (records, conversations) = kinds(stepped);
    assert_eq!((records.len(), conversations.len()), (4, 0));
    for (record, prompt) in records.into_iter().zip(1..) {
        assert_eq!((record.record.key.prompt(), record.record.key.variant()), (prompt, 0));
        let (good, request) = (record.good(), record.request.id);
        let stepped = record.step(&context, &good);
        let done = stepped.records[0].clone();
        assert_eq!((done.state, done.steps.len()), (TaskState::Done, 1));
        assert_eq!((done.steps[0].request, done.steps[0].attempts), (request, 1));
        let (records, conversations) = kinds(stepped);
        assert!(records.is_empty() && !conversations.is_empty());
        assert!(conversations.iter().all(|c| c.record.key.prompt() == prompt));
        assert!(sources(&conversations).iter().all(|s| *s == RecordSource::Extraction));
    }
}

#[test]
fn only_prompts_without_a_list_wait_where_those_are_asked_for() {
    let context = extracting(Extraction::Missing, true);
    let base = about_patients(&context);
    let without = prompts(&base, &[2]);
    let (records, conversations) = kinds(base.step(&context, &without));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].record.key.prompt(), 2);
    assert!(conversations.iter().all(|c| c.record.key.prompt() != 2));
    assert!(sources(&conversations).iter().all(|s| *s == RecordSource::Writer));

    // A list is a list, also an empty one.
    let base = about_patients(&context);
    let good = base.good();
    assert_eq!(kinds(base.step(&context, &good)).0.len(), 0);
    let never = extracting(Extraction::Never, true);
    let base = about_patients(&never);
    let without = prompts(&base, &[1, 2, 3, 4]);
    let (records, conversations) = kinds(base.step(&never, &without));
    assert_eq!(records.len(), 0);
    assert!(sources(&conversations).iter().all(|s| *s == RecordSource::Code));
}

#[test]
fn a_question_without_a_patient_waits_for_no_record() {
    let mut context = context("task-subtopic", true);
    context.config.extraction = Extraction::Always;
    let mut seen = [0; 2];
    for index in 0..60 {
        let base = Waiting::base(&context, index);
        let Task::Prompt(task) = &base.task else { panic!() };
        let about = task.row().frames[0].patient.is_some();
        let good = base.good();
        let (records, conversations) = kinds(base.step(&context, &good));
        assert_eq!((records.len(), conversations.len()), if about { (1, 0) } else { (0, 1) });
        seen[usize::from(about)] += 1;
    }
    assert!(seen.iter().all(|rows| *rows > 0), "{seen:?}");
}

#[test]
fn a_record_that_cannot_be_read_is_requested_again_and_then_done_without() {
    let context = extracting(Extraction::Missing, true);
    let mut record = missing_record(&context);
    for attempt in 1..4 {
        let before = record.request.clone();
        record = record.asks(&context, &answer("I would give fluids."));
        assert_eq!(record.counts(), [attempt, 0, 0]);
        assert_ne!(record.request.id, before.id);
        assert_eq!(record.request.request.messages, before.request.messages);
    }
    let stepped = record.step(&context, &answer("I would give fluids."));
    let done = &stepped.records[0];
    assert_eq!((done.state, done.attempts, done.steps.len()), (TaskState::Done, 4, 0));
    assert_eq!((stepped.rejections(), &stepped.given_up[..]), (Vec::new(), &[][..]));
    let conversations = kinds(stepped).1;
    assert!(!conversations.is_empty());
    assert!(sources(&conversations).iter().all(|s| *s == RecordSource::Code));
}

#[test]
fn a_list_that_was_cut_off_counts() {
    let context = extracting(Extraction::Missing, true);
    // A message of one line can have a single fact, whose list has nothing left when it is cut off.
    let several = (1..5).filter_map(|k| record_of(&context, k)).find_map(|record| {
        let RowOutcome::Answer(completion) = record.good() else { panic!() };
        (completion.text.matches('{').count() > 3).then_some((record, completion))
    });
    let (record, mut completion) = several.unwrap();
    completion.text.truncate(completion.text.rfind('{').unwrap() + 5);
    let conversations = kinds(record.step(&context, &RowOutcome::Cut(completion))).1;
    assert!(sources(&conversations).iter().all(|s| *s == RecordSource::Extraction));
    assert!(!conversations.is_empty());
}

#[test]
fn what_the_message_does_not_say_is_no_fact_of_its_record() {
    let context = extracting(Extraction::Missing, true);
    let record = missing_record(&context);
    let facts = json!({ "facts": [
        { "name": "condition", "value": "pseudohypoparathyroidism", "unit": "1" },
        { "name": "potassium", "value": "9.87", "unit": "mmol/L" },
    ] });
    let conversations = kinds(record.step(&context, &answer(&facts.to_string()))).1;
    let Task::Conversation(task) = &conversations[0].task else { panic!() };
    let case = task.dialogue().context().case.clone().unwrap();
    assert_eq!(case.source, RecordSource::Extraction);
    let all = serde_json::to_string(&case).unwrap();
    assert!(!all.contains("pseudohypoparathyroidism") && !all.contains("9.87"), "{all}");
    assert!(case.measurements.iter().all(|m| m.name != FactName::Potassium));
}

#[test]
fn without_an_answer_the_conversations_begin_and_it_is_noted() {
    let context = extracting(Extraction::Missing, true);
    for refused in [true, false] {
        let record = missing_record(&context);
        let (request, key) = (record.request.id, record.record.key);
        let stepped = if refused {
            record.step(&context, &failed(Fault::Request, None))
        } else {
            let mut last = record;
            for _ in 0..2 {
                last = last.asks(&context, &failed(Fault::Busy, None));
            }
            last.step(&context, &failed(Fault::Busy, None))
        };
        assert_eq!(stepped.records[0].state, TaskState::Done);
        // No row is reopened for it.
        assert_eq!(stepped.given_up, [given_up(request, key)]);
        assert_eq!(stepped.rejections(), []);
        assert!(!kinds(stepped).1.is_empty());
    }
    // A replay ends it in the same way.
    let record = missing_record(&context);
    let why = given_up(record.request.id, record.record.key);
    let stepped = give_up(&context, record.record, record.task, why.clone()).unwrap();
    assert_eq!(stepped.given_up, [why]);
    assert!(sources(&kinds(stepped).1).iter().all(|s| *s == RecordSource::Code));
}
