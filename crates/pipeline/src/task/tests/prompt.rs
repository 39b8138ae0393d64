use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::task::variant_of;

/// Four prompts a request, two variants a prompt, and an emergency variant.
const PART: &str = "task-topic";

/// The good response with its prompts edited.
fn edited(waiting: &Waiting, edit: impl FnOnce(&mut Vec<Value>)) -> RowOutcome {
    let RowOutcome::Answer(completion) = waiting.good() else { panic!("no answer") };
    let mut json: Value = serde_json::from_str(&completion.text).unwrap();
    edit(json["prompts"].as_array_mut().unwrap());
    answer(&json.to_string())
}

/// A seed row that is rejected takes all its rows with it.
fn assert_all_rejected(stepped: &Stepped, failed: bool, reason: &str) {
    let rejections = stepped.rejections();
    assert_eq!(rejections.len(), 1 + 4 * 2);
    assert_eq!((stepped.records.len(), stepped.requests.len()), (1 + 4 * 2, 0));
    let keys: HashSet<TaskKey> = rejections.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys.len(), rejections.len());
    for (_, why) in rejections {
        assert_eq!((why.stage, why.failed, why.reason.as_str()), (Stage::Prompt, failed, reason));
    }
}

#[test]
fn accepted_prompts_begin_their_conversations() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 3);
    let (good, request) = (base.good(), base.request.id);
    let stepped = base.step(&context, &good);
    let done = &stepped.records[0];
    assert_eq!((done.state, done.waiting), (TaskState::Done, None));
    assert_eq!(done.steps.len(), 1);
    assert_eq!((done.steps[0].request, done.steps[0].attempts), (request, 1));
    assert_eq!((stepped.rejections(), &stepped.given_up[..]), (Vec::new(), &[][..]));
    let waiting = stepped.waiting();
    assert!((4..=8).contains(&waiting.len()), "{}", waiting.len());
    assert!(waiting.iter().all(|w| w.counts() == [0; 3] && w.record.steps.is_empty()));
}

/// The first messages of the conversations that an answer begins.
fn first_messages(stepped: Stepped) -> Vec<String> {
    let first = |waiting: Waiting| waiting.request.request.messages[1].content.clone();
    stepped.waiting().into_iter().map(first).collect()
}

#[test]
fn conversations_ask_in_the_words_of_the_writer() {
    let context = context(PART, true);
    let of = |edit: &dyn Fn(&str) -> String| {
        let base = Waiting::base(&context, 3);
        let answer = edited(&base, |prompts| {
            for request in prompts.iter_mut().flat_map(|p| p["requests"].as_array_mut().unwrap()) {
                *request = edit(request.as_str().unwrap()).into();
            }
        });
        first_messages(base.step(&context, &answer))
    };
    let drawn = of(&str::to_owned);
    // The same, said otherwise.
    let reworded = of(&|text| format!("To be clear: {text}"));
    let marked =
        |all: &[String]| all.iter().map(|m| m.matches("To be clear: ").count()).sum::<usize>();
    let later = drawn.iter().zip(&reworded).filter(|(one, other)| one == other).count();
    assert!(marked(&reworded) >= drawn.len() - later && later * 2 < drawn.len(), "{reworded:?}");
    assert_eq!(marked(&drawn), 0);
    // Behind a message that ends without a mark, the writer's words are a line, and those of the plan a paragraph.
    let plain = |text: &str| text.replace("To be clear: ", "").replace("\n\n", "\n");
    for (one, other) in drawn.iter().zip(&reworded) {
        assert_eq!(plain(one), plain(other));
    }
    // Another number is another request: it is asked for as drawn.
    assert_eq!(of(&|text| format!("{text} That makes 99 words.")), drawn);
    // What the writer leaves out is not asked for.
    let without = of(&|_| String::new());
    assert!(drawn.iter().zip(&without).all(|(one, other)| one.len() >= other.len()));
    assert_ne!(without, drawn);
}

#[test]
fn a_prompt_without_its_requests_asks_as_drawn() {
    let context = context(PART, true);
    let of = |edit: &dyn Fn(&mut Value)| {
        let base = Waiting::base(&context, 3);
        let answer = edited(&base, |prompts| prompts.iter_mut().for_each(edit));
        first_messages(base.step(&context, &answer))
    };
    let drawn = of(&|_| {});
    assert_eq!(of(&|prompt| drop(prompt.as_object_mut().unwrap().remove("requests"))), drawn);
    let truncate = |prompt: &mut Value| prompt["requests"].as_array_mut().unwrap().truncate(1);
    assert_eq!(of(&truncate), drawn);
}

#[test]
fn an_unusable_response_is_requested_again_with_another_seed_until_no_attempt_is_left() {
    let context = context(PART, true);
    let mut base = Waiting::base(&context, 0);
    for attempt in 1..4 {
        let before = base.request.clone();
        base = base.asks(&context, &refusal());
        assert_eq!(base.counts(), [attempt, 0, 0]);
        assert_ne!(base.request.id, before.id);
        assert_eq!(base.request.request.messages, before.request.messages);
    }
    let stepped = base.step(&context, &refusal());
    assert_all_rejected(&stepped, false, "refused");
    assert_eq!(stepped.records[0].attempts, 4);
    assert_eq!(stepped.given_up, []);
}

#[test]
fn good_prompts_are_kept_and_the_missing_one_is_requested_again() {
    let context = context(PART, true);
    let mut base = Waiting::base(&context, 0);
    let first = base.request.id;
    for attempt in 1..4 {
        let partial = edited(&base, |prompts| {
            prompts.retain(|prompt| prompt["patient"] != 2);
            if prompts.is_empty() {
                prompts.push(serde_json::json!({ "patient": 2, "prompt": "" }));
            }
        });
        base = base.asks(&context, &partial);
        assert_eq!(base.counts(), [attempt, 0, 0]);
        // The three others are accepted, once, and not requested again.
        assert_eq!(base.record.steps.len(), 1);
        assert_eq!((base.record.steps[0].request, base.record.steps[0].attempts), (first, 1));
        let user = &base.request.request.messages[1].content;
        assert!(user.contains("\nPatient 2\n") && !user.contains("Patient 1"), "{user}");
        let schema = &base.request.request.json_schema.as_ref().unwrap().schema;
        assert!(schema.contains(r#""enum":[2]"#), "{schema}");
    }
    let (good, request) = (base.good(), base.request.id);
    let stepped = base.step(&context, &good);
    let done = &stepped.records[0];
    assert_eq!((done.state, done.attempts), (TaskState::Done, 3));
    let steps: Vec<_> = done.steps.iter().map(|step| (step.request, step.attempts)).collect();
    assert_eq!(steps, [(first, 1), (request, 4)]);
    assert_eq!(stepped.rejections(), []);
    let prompts: HashSet<u8> = stepped.waiting().iter().map(|w| w.record.key.prompt()).collect();
    assert_eq!(prompts, HashSet::from([1, 2, 3, 4]));
}

#[test]
fn without_attempts_left_the_good_prompts_are_used_and_the_missing_one_is_rejected() {
    let context = context(PART, true);
    let mut base = Waiting::base(&context, 0);
    base = {
        let partial = edited(&base, |prompts| drop(prompts.remove(1)));
        base.asks(&context, &partial)
    };
    for _ in 0..2 {
        base = base.asks(&context, &refusal());
    }
    let stepped = base.step(&context, &refusal());
    let done = &stepped.records[0];
    assert_eq!((done.state, done.attempts, done.steps.len()), (TaskState::Done, 4, 1));
    // Both variants of the second prompt are rejected, and counted.
    let rejected: Vec<(u8, u8)> =
        stepped.rejections().iter().map(|(key, _)| (key.prompt(), key.variant())).collect();
    assert_eq!(rejected, [(2, 1), (2, 2)]);
    for (_, why) in stepped.rejections() {
        assert_eq!((why.stage, why.failed, &*why.reason), (Stage::Prompt, false, "refused"));
    }
    let prompts: HashSet<u8> = stepped.waiting().iter().map(|w| w.record.key.prompt()).collect();
    assert_eq!(prompts, HashSet::from([1, 3, 4]));
}

#[test]
fn a_prompt_that_fails_a_check_is_requested_again_with_the_reason() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 0);
    let wrong = edited(&base, |prompts| {
        prompts[2]["prompt"] = "As an AI language model, I was asked to write a prompt.".into();
    });
    let again = base.asks(&context, &wrong);
    assert_eq!(again.counts(), [1, 0, 0]);
    let user = &again.request.request.messages[1].content;
    assert!(user.contains("\nPatient 3\n") && !user.contains("Patient 2"), "{user}");
    let (_, notes) = user.rsplit_once("An earlier try did not pass these checks:\n").unwrap();
    assert!(notes.starts_with("- Patient 3: meta_commentary: "), "{notes}");
    // Without attempts left, the conversations of that prompt have this reason.
    let mut last = again;
    for _ in 0..2 {
        let wrong = edited(&last, |prompts| {
            prompts[0]["prompt"] = "As an AI language model, I write a prompt.".into();
        });
        last = last.asks(&context, &wrong);
    }
    let wrong = edited(&last, |prompts| prompts[0]["prompt"] = "As an AI, I write.".into());
    let stepped = last.step(&context, &wrong);
    let reasons: Vec<_> =
        stepped.rejections().iter().map(|(key, why)| (key.prompt(), why.reason.clone())).collect();
    assert_eq!(reasons, [(3, "meta_commentary".to_owned()), (3, "meta_commentary".to_owned())]);
}

#[test]
fn a_truncated_response_gets_one_more_sample_where_it_is_paid_for() {
    let paid = context(PART, true);
    let base = Waiting::base(&paid, 0).asks(&paid, &empty());
    assert_eq!(base.counts(), [1, 0, 1]);
    assert_all_rejected(&base.step(&paid, &empty()), false, "empty");

    let free = context(PART, false);
    let mut base = Waiting::base(&free, 0);
    for attempt in 1..4 {
        base = base.asks(&free, &empty());
        assert_eq!(base.counts(), [attempt, 0, 0]);
    }
    assert_all_rejected(&base.step(&free, &empty()), false, "empty");
}

#[test]
fn a_failed_delivery_is_repeated_as_it_was_and_given_up_in_the_end() {
    let context = context(PART, true);
    let mut base = Waiting::base(&context, 0);
    let busy = failed(Fault::Busy, None);
    for delivery in 1..3 {
        let before = base.request.id;
        base = base.asks(&context, &busy);
        assert_eq!((base.counts(), base.request.id), ([0, delivery, 0], before));
    }
    let (request, key) = (base.request.id, base.record.key);
    let stepped = base.step(&context, &busy);
    assert_all_rejected(&stepped, true, "provider_error");
    assert_eq!(stepped.given_up, [given_up(request, key)]);
}

#[test]
fn a_delivery_that_may_be_paid_for_is_repeated_once() {
    let context = context(PART, true);
    for outcome in [
        failed(Fault::Server, Some(Usage::default())),
        RowOutcome::Unreadable { message: "half a row".into(), usage: None },
    ] {
        let base = Waiting::base(&context, 0).asks(&context, &outcome);
        assert_eq!(base.counts(), [0, 0, 1]);
        let stepped = base.step(&context, &outcome);
        assert_eq!((stepped.given_up.len(), stepped.rejections().len()), (1, 9));
    }
    // So is a row that did not come.
    let base = Waiting::base(&context, 0).misses(&context).asks();
    assert_eq!(base.counts(), [0, 0, 1]);
    assert_all_rejected(&base.misses(&context), true, "missing");
}

#[test]
fn in_a_rehearsal_no_delivery_is_paid_for() {
    let context = context(PART, false);
    let base = Waiting::base(&context, 0).misses(&context).asks();
    assert_eq!(base.counts(), [0, 1, 0]);
    let base = base.misses(&context).asks();
    assert_eq!(base.counts(), [0, 2, 0]);
    assert_all_rejected(&base.misses(&context), true, "missing");
}

#[test]
fn truncated_responses_and_paid_deliveries_count_together() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 0).misses(&context).asks();
    assert_all_rejected(&base.step(&context, &empty()), false, "empty");
}

#[test]
fn a_refused_request_is_given_up_at_once() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 0);
    let (request, key) = (base.request.id, base.record.key);
    let stepped = base.step(&context, &failed(Fault::Request, None));
    assert_all_rejected(&stepped, true, "provider_error");
    assert_eq!(stepped.given_up, [GivenUp { refused: true, ..given_up(request, key) }]);
}

#[test]
fn a_request_that_was_given_up_before_ends_all_rows() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 5);
    let other = TaskKey::seed_row(base.record.key.part(), 9).unwrap();
    let (key, why) = (base.record.key, given_up(base.request.id, other));
    let stepped = give_up(&context, base.record, base.task, why.clone()).unwrap();
    assert_all_rejected(&stepped, true, "provider_error");
    // It is noted for the task that waited now.
    assert_eq!(stepped.given_up, [GivenUp { task: key, ..why }]);
}

#[test]
fn a_frame_with_the_emergency_instruction_becomes_one_conversation() {
    let context = context(PART, true);
    let (mut emergencies, mut styled) = (0, 0);
    let plan = &context.plans[0].1;
    let urgent = |index: &usize| {
        let row = plan.row(*index).unwrap();
        row.frames.iter().any(|frame| frame.emergency_instruction)
    };
    for index in (0..plan.len()).filter(urgent).take(5) {
        let base = Waiting::seed_row(&context, index);
        let frames = plan.row(index).unwrap().frames;
        let good = base.good();
        let waiting = base.step(&context, &good).waiting();
        for (prompt, frame) in (1..=4).zip(frames) {
            let keys = waiting.iter().map(|w| w.record.key).filter(|k| k.prompt() == prompt);
            let variants: Vec<_> = keys.map(|k| variant_of(k.variant())).collect();
            match variants.as_slice() {
                [clinstruct_multiturn::Variant::Emergency] => emergencies += 1,
                [_, _] => styled += 1,
                other => panic!("{other:?}"),
            }
            assert_eq!(variants.len() == 1, frame.emergency_instruction);
        }
    }
    assert!(emergencies >= 5 && styled > 5, "{emergencies} and {styled}");
}

#[test]
fn what_is_requested_again_is_shown_how_the_others_begin() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 1);
    let partial = edited(&base, |prompts| {
        prompts.pop();
    });
    let again = base.asks(&context, &partial);
    let text = &again.request.request.messages[1].content;
    let openings = text.split_once(CATALOG.phrase("prompt-openings")).unwrap().1;
    assert_eq!(openings.lines().filter(|l| l.starts_with("- ")).count(), 3, "{text}");
}

#[test]
fn a_truncated_answer_keeps_its_complete_prompts() {
    let context = context(PART, true);
    let base = Waiting::base(&context, 1);
    let RowOutcome::Answer(mut completion) = base.good() else { panic!() };
    let last = completion.text.rfind("\"prompt\"").unwrap();
    completion.text.truncate(last + 12);
    let again = base.asks(&context, &RowOutcome::Cut(completion));
    let text = &again.request.request.messages[1].content;
    let heads = text.lines().filter(|l| l.starts_with("Patient ") || l.starts_with("Question "));
    assert_eq!(heads.count(), 1, "{text}");
}
