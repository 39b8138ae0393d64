use super::*;

/// One prompt a request, one conversation a prompt.
const PART: &str = "specialty-domain";
/// A complete text that fails a check.
const WRONG: &str = "As an AI language model, I cannot examine anybody. Rest is advisable.";

fn dialogue(waiting: &Waiting) -> &clinstruct_multiturn::Dialogue {
    let Task::Conversation(task) = &waiting.task else { panic!("{:?}", waiting.task) };
    task.dialogue()
}

/// The conversation of the first seed row that has so many turns at least, at its start.
fn conversation(context: &RunContext<'_>, turns: u32) -> Waiting {
    (0..200)
        .map(|index| {
            let base = Waiting::base(context, index);
            let good = base.good();
            base.step(context, &good).waiting().pop().unwrap()
        })
        .find(|waiting| dialogue(waiting).context().situation.turns >= turns)
        .unwrap()
}

fn assert_rejected(stepped: &Stepped, failed: bool, reason: &str, detail: &str) {
    assert_eq!((stepped.records.len(), stepped.requests.len()), (1, 0));
    assert_eq!((stepped.records[0].state, stepped.records[0].waiting), (TaskState::Rejected, None));
    let rejections = stepped.rejections();
    let (_, why) = rejections[0];
    assert_eq!((why.stage, why.failed, why.reason.as_str()), (Stage::Turn, failed, reason));
    assert!(why.detail.starts_with(detail), "{}", why.detail);
    assert_eq!(stepped.given_up.len(), usize::from(failed));
}

#[test]
fn accepted_turns_follow_each_other_until_the_conversation_is_done() {
    let context = context(PART, true);
    let mut waiting = conversation(&context, 2);
    let turns = dialogue(&waiting).context().situation.turns as usize;
    let mut requests = vec![waiting.request.id];
    for said in 2..2 * turns {
        let good = waiting.good();
        waiting = waiting.asks(&context, &good);
        assert_eq!((dialogue(&waiting).messages().len(), waiting.counts()), (said, [0; 3]));
        requests.push(waiting.request.id);
    }
    let good = waiting.good();
    let stepped = waiting.step(&context, &good);
    assert_eq!((stepped.records.len(), stepped.requests.len()), (1, 0));
    let done = &stepped.records[0];
    assert_eq!((done.state, done.waiting, done.attempts), (TaskState::Done, None, 0));
    let steps: Vec<_> = done.steps.iter().map(|s| (s.request, s.attempts)).collect();
    assert_eq!(steps, requests.into_iter().map(|request| (request, 1)).collect::<Vec<_>>());
}

#[test]
fn an_unusable_response_is_requested_again_until_no_attempt_is_left() {
    let context = context(PART, true);
    let mut waiting = conversation(&context, 1);
    for attempt in 1..4 {
        let before = waiting.request.clone();
        waiting = waiting.asks(&context, &refusal());
        assert_eq!(waiting.counts(), [attempt, 0, 0]);
        assert_ne!(waiting.request.id, before.id);
        assert_eq!(waiting.request.request.messages, before.request.messages);
    }
    let stepped = waiting.step(&context, &refusal());
    assert_rejected(&stepped, false, "refused", "assistant of turn 1: I cannot");
    assert_eq!(stepped.records[0].attempts, 4);
}

#[test]
fn the_number_of_attempts_is_kept_with_the_accepted_one() {
    let context = context(PART, true);
    let waiting = conversation(&context, 2).asks(&context, &refusal()).asks(&context, &refusal());
    let good = waiting.good();
    let waiting = waiting.asks(&context, &good);
    assert_eq!((waiting.record.steps[0].attempts, waiting.counts()), (3, [0; 3]));
}

#[test]
fn a_text_that_fails_a_check_is_repaired_at_most_twice() {
    let context = context(PART, true);
    let first = conversation(&context, 1);
    let messages = first.request.request.messages.len();
    let repair = first.asks(&context, &answer(WRONG));
    let added = &repair.request.request.messages[messages..];
    assert_eq!(added[0].content, WRONG);
    assert!(added[1].content.contains("As an AI language model"), "{}", added[1].content);
    let repair = repair.asks(&context, &answer(WRONG));
    assert_eq!(repair.counts(), [2, 0, 0]);
    // An attempt is left, and no repair.
    let stepped = repair.step(&context, &answer(WRONG));
    let check = stepped.rejections()[0].1.reason.clone();
    assert_rejected(&stepped, false, &check, "assistant of turn 1: ");
    assert_eq!(stepped.records[0].attempts, 3);
}

#[test]
fn a_repair_is_accepted_as_any_other_answer() {
    let context = context(PART, true);
    let first = conversation(&context, 1);
    let good = first.good();
    let repair = first.asks(&context, &answer(WRONG));
    let stepped = repair.step(&context, &good);
    assert_eq!(stepped.records[0].steps[0].attempts, 2);
    assert_eq!(stepped.rejections(), []);
}

#[test]
fn a_truncated_response_gets_one_more_sample_where_it_is_paid_for() {
    let paid = context(PART, true);
    let waiting = conversation(&paid, 1).asks(&paid, &empty());
    assert_eq!(waiting.counts(), [1, 0, 1]);
    assert_rejected(&waiting.step(&paid, &empty()), false, "empty", "assistant of turn 1: ");

    let free = context(PART, false);
    let mut waiting = conversation(&free, 1);
    for attempt in 1..4 {
        waiting = waiting.asks(&free, &empty());
        assert_eq!(waiting.counts(), [attempt, 0, 0]);
    }
    assert_rejected(&waiting.step(&free, &empty()), false, "empty", "assistant of turn 1: ");
}

#[test]
fn a_failed_delivery_is_repeated_as_it_was_and_given_up_in_the_end() {
    let context = context(PART, true);
    let mut waiting = conversation(&context, 1);
    let busy = failed(Fault::Busy, None);
    for delivery in 1..3 {
        let before = waiting.request.id;
        waiting = waiting.asks(&context, &busy);
        assert_eq!((waiting.counts(), waiting.request.id), ([0, delivery, 0], before));
    }
    let (request, key) = (waiting.request.id, waiting.record.key);
    let stepped = waiting.step(&context, &busy);
    let detail = "assistant of turn 1: code: words";
    assert_rejected(&stepped, true, "provider_error", detail);
    let why = given_up(request, key);
    assert_eq!(stepped.given_up, [GivenUp { detail: detail.into(), ..why }]);
}

#[test]
fn a_delivery_that_may_be_paid_for_is_repeated_once_a_turn() {
    let context = context(PART, true);
    let waiting = conversation(&context, 2).misses(&context).asks();
    assert_eq!(waiting.counts(), [0, 0, 1]);
    let good = waiting.good();
    // An accepted turn starts over.
    let waiting = waiting.asks(&context, &good).misses(&context).asks();
    assert_eq!(waiting.counts(), [0, 0, 1]);
    let stepped = waiting.misses(&context);
    assert_rejected(&stepped, true, "missing", "user of turn 2: no row came");
    assert!(!stepped.given_up[0].refused);
}

#[test]
fn in_a_rehearsal_no_delivery_is_paid_for() {
    let context = context(PART, false);
    let waiting = conversation(&context, 1).misses(&context).asks().misses(&context).asks();
    assert_eq!(waiting.counts(), [0, 2, 0]);
    assert_rejected(&waiting.misses(&context), true, "missing", "assistant of turn 1: ");
}

#[test]
fn a_repair_that_is_not_delivered_is_requested_again() {
    let context = context(PART, true);
    let repair = conversation(&context, 1).asks(&context, &answer(WRONG));
    let request = repair.request.id;
    let again = repair.asks(&context, &failed(Fault::Busy, None));
    assert_eq!((again.counts(), again.request.id), ([1, 1, 0], request));
}

#[test]
fn a_refused_request_is_given_up_at_once() {
    let context = context(PART, true);
    let stepped = conversation(&context, 1).step(&context, &failed(Fault::Request, None));
    assert_rejected(&stepped, true, "provider_error", "assistant of turn 1: code: words");
    assert!(stepped.given_up[0].refused);
    assert_eq!(stepped.records[0].attempts, 0);
}

#[test]
fn content_that_is_refused_may_pass_with_another_sample() {
    let context = context(PART, true);
    let waiting = conversation(&context, 1).asks(&context, &failed(Fault::Content, None));
    assert_eq!(waiting.counts(), [1, 0, 0]);
}

#[test]
fn a_request_that_was_given_up_before_ends_the_conversation() {
    let context = context(PART, true);
    let waiting = conversation(&context, 1);
    let (key, why) = (waiting.record.key, given_up(waiting.request.id, waiting.record.key));
    let stepped = give_up(&context, waiting.record, waiting.task, why.clone()).unwrap();
    assert_rejected(&stepped, true, "provider_error", "code: words");
    assert_eq!(stepped.given_up, [GivenUp { task: key, ..why }]);
}
