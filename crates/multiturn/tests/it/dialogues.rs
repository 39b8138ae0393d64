//! Dialogues: swapped roles, retries, repairs, and termination whatever is returned.

use std::sync::Arc;

use clinstruct_catalog::Catalog;
use clinstruct_multiturn::{
    Defect, Dialogue, Next, PromptContext, Repair, RequestOptions, RetryCounts, RetryPolicy,
    TurnOutcome, Variant, first_message,
};
use clinstruct_promptgen::Plan;
use clinstruct_schema::{BaseRow, Case, ChatRequest, Language, Role, Situation, Speaker};
use proptest::prelude::*;

use crate::{CATALOG, SEED, drawn, options, part, plan};

fn dialogue(row: &BaseRow, k: usize, variant: Variant, policy: RetryPolicy) -> Dialogue {
    let part = part(row.part.as_str());
    let context =
        PromptContext::planned(&CATALOG, part, SEED, row, k, variant, case(row, k)).unwrap();
    Dialogue::new(context, "one", policy)
}

/// The case of a frame without stated facts.
fn case(row: &BaseRow, k: usize) -> Option<Arc<Case>> {
    row.frames[k].patient.as_ref().map(Case::new).map(Arc::new)
}

fn ask(dialogue: &Dialogue) -> ChatRequest {
    dialogue.next_request(&options()).unwrap().unwrap()
}

fn accepted(text: &str) -> TurnOutcome {
    TurnOutcome::Accepted(text.into())
}

fn unusable(defect: Defect) -> TurnOutcome {
    let (reason, detail) = ("reason".into(), "detail".into());
    TurnOutcome::Unusable { reason, detail, defect, repair: None }
}

fn undelivered(paid: bool) -> TurnOutcome {
    TurnOutcome::Undelivered { reason: "reason".into(), detail: "detail".into(), paid }
}

fn failed_checks(text: &str) -> TurnOutcome {
    TurnOutcome::failed_checks("reason", text.into(), vec!["finding".into()])
}

fn rejected(failed: bool) -> Next {
    Next::Rejected { failed, reason: "reason".into(), detail: "detail".into() }
}

#[test]
fn the_user_sees_the_dialogue_with_its_roles_swapped() {
    let plan = plan("task-topic");
    let row = (300..plan.len()).map(|i| plan.row(i).unwrap()).find(|row| {
        let s = drawn(row, 1, Variant::Styled(1));
        let english = s.language == Language::English;
        english && s.turns > 1 && !s.system_styles.is_empty() && row.frames[1].patient.is_some()
    });
    let row = row.unwrap();
    let s = drawn(&row, 1, Variant::Styled(1));
    let mut dialogue = dialogue(&row, 1, Variant::Styled(1), RetryPolicy::default());
    assert_eq!(dialogue.speaker(), Some(Speaker::Assistant));
    let assistant = ask(&dialogue);
    assert_eq!(assistant.messages[1..], *dialogue.messages());

    assert_eq!(dialogue.apply(accepted("two")), Next::Ask);
    assert_eq!(dialogue.speaker(), Some(Speaker::User));
    let user = ask(&dialogue);
    let roles: Vec<Role> = user.messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
    let texts: Vec<&str> = user.messages[2..].iter().map(|m| m.content.as_str()).collect();
    assert_eq!(texts, [&first_message("one", &s), "two"]);

    // Only the health worker sees the case; both know the place.
    let (to_user, to_assistant) = (&user.messages[0].content, &assistant.messages[0].content);
    assert!(to_user.contains("- allergies: ") && to_user.contains("- vital signs: "));
    assert!(!to_assistant.contains("allergies") && !to_assistant.contains("vital signs"));
    let country = &row.frames[1].place.country;
    assert!(to_user.contains(country) && to_assistant.contains(country));
    for style in &s.system_styles {
        assert!(to_assistant.contains(&style.text) && !to_user.contains(&style.text));
    }
    for style in &s.asked_styles {
        assert!(!to_assistant.contains(&style.text), "{}", style.text);
    }
    let task = CATALOG.tasks.iter().find(|t| t.id == row.subjects[0].slugs[0]).unwrap();
    assert_eq!(assistant.max_tokens, task.max_tokens);

    // No tag in a text names its author.
    for m in user.messages.iter().chain(&assistant.messages) {
        let text = m.content.to_lowercase();
        for tag in ["<|", "[inst]", "### ", "user:", "assistant:", "system:"] {
            assert!(!text.contains(tag), "{tag} in {text}");
        }
    }

    // Another attempt differs only in its sampling; so does each turn.
    dialogue.apply(unusable(Defect::Text));
    let again = ask(&dialogue);
    assert_eq!(again.messages, user.messages);
    assert_ne!(again.seed, user.seed);
    assert_ne!(assistant.seed, user.seed);
}

#[test]
fn each_side_is_played_by_its_model() {
    let row = plan("specialty-domain").row(0).unwrap();
    let mut dialogue = dialogue(&row, 0, Variant::Styled(1), RetryPolicy::default());
    let options = RequestOptions { user_model: "u", temperature: Some(0.5), ..options() };
    let mut models = Vec::new();
    while let Some(request) = dialogue.next_request(&options).unwrap() {
        assert_eq!(request.temperature, Some(0.5));
        models.push(request.model);
        dialogue.apply(accepted("a text"));
    }
    let expected: Vec<&str> = ["m", "u"].into_iter().cycle().take(models.len()).collect();
    assert_eq!(models, expected);
}

#[test]
fn a_delivery_that_failed_is_repeated_as_it_was() {
    let row = plan("specialty-domain").row(1).unwrap();
    let policy = RetryPolicy { deliveries: 3, ..RetryPolicy::default() };
    let start = || dialogue(&row, 0, Variant::Styled(1), policy);
    let mut free = start();
    let first = ask(&free);
    for n in 1..3 {
        assert_eq!(free.apply(undelivered(false)), Next::Ask);
        assert_eq!(ask(&free), first);
        assert_eq!(free.counts(), RetryCounts { delivery_attempts: n, ..RetryCounts::default() });
    }
    assert_eq!(free.apply(undelivered(false)), rejected(true));

    let mut paid = start();
    assert_eq!(paid.apply(undelivered(true)), Next::Ask);
    assert_eq!(paid.apply(undelivered(true)), rejected(true));

    // What an accepted text has used does not count for the next turn.
    let mut accepts = start();
    accepts.apply(undelivered(true));
    accepts.apply(accepted("a text"));
    assert_eq!(accepts.counts(), RetryCounts::default());
}

#[test]
fn a_refused_request_ends_the_conversation_at_once() {
    let row = plan("specialty-domain").row(2).unwrap();
    let mut dialogue = dialogue(&row, 0, Variant::Styled(1), RetryPolicy::default());
    let refused = TurnOutcome::Refused { reason: "reason".into(), detail: "detail".into() };
    assert_eq!(dialogue.apply(refused), rejected(true));
    assert_eq!((dialogue.speaker(), dialogue.turn()), (None, 1));
    assert_eq!(dialogue.next_request(&options()).unwrap(), None);
    // Nothing reopens it.
    assert_eq!(dialogue.apply(accepted("late")), rejected(true));
    assert_eq!(dialogue.messages().len(), 1);
}

#[test]
fn a_text_that_failed_its_checks_is_repaired_at_most_twice_a_turn() {
    let row = plan("specialty-domain").row(3).unwrap();
    let mut dialogue = dialogue(&row, 0, Variant::Styled(1), RetryPolicy::default());
    let first = ask(&dialogue);
    assert_eq!(dialogue.apply(failed_checks("bad")), Next::Ask);
    let repair = ask(&dialogue);
    assert_eq!(repair.messages[..first.messages.len()], first.messages);
    let added: Vec<(Role, &str)> = repair.messages[first.messages.len()..]
        .iter()
        .map(|m| (m.role, m.content.as_str()))
        .collect();
    assert_eq!(added[0], (Role::Assistant, "bad"));
    assert!(added[1].0 == Role::User && added[1].1.contains("\n- finding\n"), "{added:?}");

    // A failed repair is requested again, with another seed.
    assert_eq!(dialogue.apply(unusable(Defect::Text)), Next::Ask);
    let again = ask(&dialogue);
    assert_eq!(again.messages, repair.messages);
    assert_ne!(again.seed, repair.seed);

    assert_eq!(dialogue.apply(failed_checks("worse")), Next::Ask);
    assert!(ask(&dialogue).messages.iter().any(|m| m.content == "worse"));
    let over = Next::Rejected { failed: false, reason: "reason".into(), detail: "finding".into() };
    assert_eq!(dialogue.apply(failed_checks("worst")), over);
}

#[test]
fn repairs_count_by_turn() {
    let plan = plan("specialty-domain");
    let row = plan.rows().find(|row| drawn(row, 0, Variant::Styled(1)).turns > 1).unwrap();
    let mut dialogue = dialogue(&row, 0, Variant::Styled(1), RetryPolicy::default());
    for _ in 0..3 {
        assert_eq!(dialogue.apply(failed_checks("bad")), Next::Ask);
        assert_eq!(dialogue.apply(failed_checks("bad")), Next::Ask);
        dialogue.apply(accepted("good"));
    }
    assert_eq!(dialogue.messages().len(), 4);
}

#[test]
fn truncated_texts_get_one_more_sample_where_they_are_paid_for() {
    let row = plan("specialty-domain").row(4).unwrap();
    let attempts = |policy: RetryPolicy| {
        let mut dialogue = dialogue(&row, 0, Variant::Styled(1), policy);
        (1..10).find(|_| dialogue.apply(unusable(Defect::Truncated)) != Next::Ask).unwrap()
    };
    let policy = RetryPolicy::default();
    assert_eq!(attempts(policy), 2);
    assert_eq!(attempts(RetryPolicy { paid_deliveries: None, ..policy }), 4);
}

#[test]
fn a_stored_conversation_goes_on_where_it_was() {
    let row = plan("specialty-domain").row(5).unwrap();
    let mut dialogue = dialogue(&row, 0, Variant::Styled(1), RetryPolicy::default());
    dialogue.set_counts(RetryCounts { paid_deliveries: 1, ..RetryCounts::default() });
    assert_eq!(dialogue.apply(undelivered(true)), rejected(true));
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let name = "task-topic";
    for i in [0, 37, 1234] {
        let make = || {
            let catalog = Catalog::read(Catalog::embedded_files()).unwrap();
            let part = catalog.part(name).unwrap();
            let row = Plan::new(&catalog, part, SEED, None).row(i).unwrap();
            let variant = Variant::Styled(2);
            let context = PromptContext::planned(
                &catalog,
                part,
                SEED,
                &row,
                i % 4,
                variant,
                case(&row, i % 4),
            );
            let mut dialogue = Dialogue::new(context.unwrap(), "A prompt.", RetryPolicy::default());
            let options = RequestOptions { seed: SEED, ..RequestOptions::new(&catalog, "m") };
            let mut all = vec![format!("{:?}", dialogue.context())];
            while let Some(request) = dialogue.next_request(&options).unwrap() {
                all.push(format!("{request:?}"));
                dialogue.apply(accepted("a text"));
            }
            all
        };
        assert_eq!(make(), make());
    }
}

fn outcome() -> impl Strategy<Value = TurnOutcome> {
    let repair = || Repair { text: "bad".into(), findings: vec!["finding".into()] };
    prop_oneof![
        6 => "[a-z]{1,8}".prop_map(TurnOutcome::Accepted),
        2 => Just(unusable(Defect::Text)),
        1 => Just(unusable(Defect::Truncated)),
        2 => Just(TurnOutcome::Unusable {
            reason: "reason".into(),
            detail: "detail".into(),
            defect: Defect::Text,
            repair: Some(repair()),
        }),
        2 => any::<bool>().prop_map(undelivered),
        1 => Just(TurnOutcome::Refused { reason: "reason".into(), detail: "detail".into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_conversation_always_ends(
        turns in 0_u32..6,
        attempts in 1_u32..6,
        deliveries in 1_u32..6,
        paid_deliveries in prop::option::of(1_u32..4),
        outcomes in prop::collection::vec(outcome(), 250),
    ) {
        let policy = RetryPolicy { attempts, deliveries, paid_deliveries, ..RetryPolicy::default() };
        let row = plan("specialty-domain").row(0).unwrap();
        let planned = PromptContext::planned(
            &CATALOG, part("specialty-domain"), SEED, &row, 0, Variant::Styled(1), case(&row, 0),
        ).unwrap();
        let situation = Situation { turns, ..Situation::new("Nurse") };
        let mut dialogue = Dialogue::new(PromptContext { situation, ..planned }, "one", policy);
        let most = 2 * turns.max(1) * (attempts + deliveries + paid_deliveries.unwrap_or(0));
        let mut asked = 0;
        let mut outcomes = outcomes.into_iter();
        while let Some(speaker) = dialogue.speaker() {
            // The speaker is the one whose turn it is; attempts per turn are limited.
            let last = dialogue.messages().last().unwrap().role;
            prop_assert_eq!(speaker == Speaker::Assistant, last == Role::User);
            let counts = dialogue.counts();
            prop_assert!(counts.attempts < attempts && counts.delivery_attempts < deliveries);
            asked += 1;
            prop_assert!(asked <= most, "{} asked", asked);
            let outcome = outcomes.next().unwrap();
            let none = matches!(
                outcome, TurnOutcome::Undelivered { .. } | TurnOutcome::Refused { .. }
            );
            if let Next::Rejected { failed, reason, .. } = dialogue.apply(outcome) {
                prop_assert_eq!(failed, none);
                prop_assert_eq!(reason, "reason");
            }
        }
        for (i, m) in dialogue.messages().iter().enumerate() {
            let due = if i % 2 == 0 { Role::User } else { Role::Assistant };
            prop_assert_eq!(m.role, due);
        }
        let said = dialogue.messages().len() as u32;
        if *dialogue.next() == Next::Done {
            prop_assert_eq!(said, 2 * turns.max(1));
            prop_assert_eq!(dialogue.messages().last().unwrap().role, Role::Assistant);
        } else {
            prop_assert!(said < 2 * turns.max(1));
        }
    }
}
