//! Situations and dialogues: compatible styles, shares as in the files, swapped roles, retries and repairs, and
//! termination whatever is returned.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use clinstruct_catalog::{Catalog, Part, StyleOption};
use clinstruct_multiturn::{
    Defect, Dialogue, Next, PromptContext, Repair, RequestOptions, RetryCounts, RetryPolicy,
    TurnOutcome, Variant, conversation_id, first_message, situation, variants,
};
use clinstruct_promptgen::Plan;
use clinstruct_schema::{BaseRow, ChatRequest, ConversationMode, Role, Situation, Speaker, Style};
use proptest::prelude::*;

const SEED: u64 = 42;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fn options() -> RequestOptions<'static> {
    RequestOptions { seed: SEED, ..RequestOptions::new(&CATALOG, "m") }
}

fn part(name: &str) -> &'static Part {
    CATALOG.part(name).unwrap()
}

fn plan(name: &str) -> Plan<'static> {
    Plan::new(&CATALOG, part(name), SEED, None)
}

fn drawn(row: &BaseRow, k: usize, variant: Variant) -> Situation {
    situation(&CATALOG, part(row.part.as_str()), SEED, row, k, variant)
}

/// Both variants of two prompts of about every fifth row of part 3.
fn twins() -> &'static [(BaseRow, [Situation; 2])] {
    static TWINS: LazyLock<Vec<(BaseRow, [Situation; 2])>> = LazyLock::new(|| {
        let plan = plan("task-topic");
        let mut all = Vec::new();
        for i in (0..plan.len()).step_by(5) {
            let row = plan.row(i).unwrap();
            for k in [i % 4, (i + 1) % 4] {
                let twins = [1, 2].map(|n| drawn(&row, k, Variant::Styled(n)));
                all.push((row.clone(), twins));
            }
        }
        all
    });
    &TWINS
}

/// Every option of the catalog, by id.
fn style_options() -> BTreeMap<&'static str, &'static StyleOption> {
    let s = &CATALOG.styles;
    [&s.asked, &s.assistant_length, &s.assistant_form, &s.user_length]
        .into_iter()
        .flatten()
        .chain(s.modes.iter().flat_map(|m| &m.lines))
        .chain(CATALOG.parts.iter().filter_map(|p| p.emergency.as_ref()).map(|e| &e.instruction))
        .map(|o| (o.id.as_str(), o))
        .collect()
}

fn asked_groups(s: &Situation) -> Vec<&str> {
    s.asked_styles.iter().map(|style| style.group.as_str()).collect()
}

#[test]
fn styles_can_be_obeyed_together() {
    let options = style_options();
    let mut seen = 0;
    for (row, twins) in twins() {
        for s in twins {
            seen += 1;
            let styles: Vec<&Style> = s.asked_styles.iter().chain(&s.system_styles).collect();
            for (i, a) in styles.iter().enumerate() {
                for b in &styles[i + 1..] {
                    let shared = a.claims.iter().find(|f| b.claims.contains(f));
                    assert_eq!(shared, None, "{}: {} and {}", row.id, a.id, b.id);
                    let at_odds =
                        |a: &Style, b: &Style| options[a.id.as_str()].not_with.contains(&b.id);
                    assert!(!at_odds(a, b) && !at_odds(b, a), "{}: {} {}", row.id, a.id, b.id);
                }
            }
        }
    }
    assert!(seen > 2000, "{seen}");
}

#[test]
fn twins_ask_for_two_other_groups_and_share_no_style() {
    for (row, [one, two]) in twins() {
        for s in [one, two] {
            let groups = asked_groups(s);
            assert_eq!(groups.len(), 2, "{}", row.id);
            assert_ne!(groups[0], groups[1], "{}", row.id);
            let translation = row.subjects[0].value_id() == "language-translation";
            assert!(!translation || !groups.contains(&"language-audience"), "{}", row.id);
        }
        for style in &one.asked_styles {
            assert!(two.asked_styles.iter().all(|s| s.id != style.id), "{}: {}", row.id, style.id);
        }
    }
    let used: HashSet<_> = twins()
        .iter()
        .flat_map(|(_, t)| t)
        .flat_map(|s| &s.asked_styles)
        .map(|s| s.id.as_str())
        .collect();
    assert_eq!(used.len(), CATALOG.styles.asked.len(), "every style is drawn at times");
}

#[test]
fn numbers_stand_in_texts_and_constraints_alike() {
    let options = style_options();
    for (row, twins) in twins() {
        for style in twins
            .iter()
            .flat_map(|s| s.asked_styles.iter().chain(&s.system_styles).chain(&s.user_styles))
        {
            assert!(!style.text.contains("{n}"), "{}: {}", row.id, style.text);
            let option = options[style.id.as_str()];
            if !option.counts.is_empty() {
                let fits = |n: &&u32| {
                    option.text.with(Some(**n)) == style.text
                        && style.constraints == [option.constraint.clone().with_count(**n)]
                };
                assert!(option.counts.iter().any(|n| fits(&n)), "{}: {style:?}", row.id);
            }
        }
    }
}

#[test]
fn asked_styles_fix_the_number_of_turns() {
    let mut seen = [0; 3];
    for (row, s) in twins().iter().flat_map(|(row, t)| t.iter().map(move |s| (row, s))) {
        let groups = asked_groups(s);
        assert!((1..=3).contains(&s.turns));
        if groups.contains(&"interaction") {
            assert_eq!(s.turns, 3, "{}", row.id);
            seen[0] += 1;
        } else if groups.contains(&"creativity") {
            assert_eq!(s.turns, 1, "{}", row.id);
            seen[1] += 1;
        } else {
            seen[2] += 1;
        }
    }
    assert!(seen.iter().all(|n| *n > 50), "{seen:?}");
}

/// Observed and specified share of each outcome, equal within two in a hundred.
fn near(what: &str, counts: &BTreeMap<String, usize>, due: &[(&str, f64)]) {
    let all: usize = counts.values().sum();
    assert!(counts.keys().all(|k| due.iter().any(|(d, _)| d == k)), "{what}: {counts:?}");
    for (name, share) in due {
        let seen = counts.get(*name).copied().unwrap_or(0) as f64 / all as f64;
        assert!((seen - share).abs() < 0.02, "{what} {name}: {seen:.3} where {share} is due");
    }
}

#[test]
fn part_1_has_the_shares_of_its_file() {
    let plan = plan("specialty-domain");
    let mut modes = BTreeMap::new();
    let mut turns: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut lengths = BTreeMap::new();
    let mut registers = BTreeMap::new();
    for row in plan.rows() {
        let s = drawn(&row, 0, Variant::Styled(1));
        if row.emergency {
            assert_eq!(s.mode, ConversationMode::Emergency, "{}", row.id);
        } else {
            *modes.entry(s.mode.as_str().to_owned()).or_default() += 1;
        }
        let kind = if s.mode == ConversationMode::Normal { "normal" } else { "hasty" };
        *turns.entry(kind).or_default().entry(s.turns.to_string()).or_default() += 1;
        if s.mode == ConversationMode::Normal {
            let length = s.system_styles.iter().find(|x| x.group == "assistant_length");
            let length = length.map_or("unspecified", |x| x.id.as_str());
            *lengths.entry(length.to_owned()).or_default() += 1;
        }
        *registers.entry(s.user_register.as_str().to_owned()).or_default() += 1;
        assert!(s.asked_styles.is_empty() && !s.emergency_instruction);
    }
    near("mode", &modes, &[("chat", 0.35), ("normal", 0.55), ("emergency", 0.10)]);
    near("turns", &turns["normal"], &[("1", 0.5), ("2", 0.3), ("3", 0.2)]);
    near("turns", &turns["hasty"], &[("1", 0.2), ("2", 0.3), ("3", 0.5)]);
    let due = [("unspecified", 0.4), ("short", 0.2), ("long", 0.3), ("exact-sentences", 0.1)];
    near("length", &lengths, &due);
    near("register", &registers, &[("popular", 0.1), ("standard", 0.8), ("scientific", 0.1)]);
}

#[test]
fn the_emergency_rule_looks_for_whole_words() {
    let rule = part("task-topic").emergency.as_ref().unwrap();
    let said = |prompt: &str| rule.speaks_of_emergency(prompt);
    for prompt in ["Is this an emergency?", "EMERGENCY: help", "two emergencies,", "emergency-room"]
    {
        assert!(said(prompt), "{prompt}");
    }
    for prompt in ["", "He emerged", "emergencyroom", "an emergent case", "nonemergency"] {
        assert!(!said(prompt), "{prompt}");
    }
}

#[test]
fn about_half_of_emergencies_become_one_conversation() {
    let part = part("task-topic");
    let plan = plan("task-topic");
    let (mut all, mut single) = (0, 0);
    for row in (0..plan.len()).map(|i| plan.id(i).unwrap()) {
        for k in 0..4 {
            let of = |prompt| variants(part, SEED, &row, k, prompt);
            let styled = vec![Variant::Styled(1), Variant::Styled(2)];
            assert_eq!(of(None), styled);
            assert_eq!(of(Some("What dose is usual?")), styled);
            let found = of(Some("Is this an emergency?"));
            all += 1;
            if found == [Variant::Emergency] {
                single += 1;
            } else {
                assert_eq!(found, styled);
            }
        }
    }
    let share = f64::from(single) / f64::from(all);
    assert!((share - 0.5).abs() < 0.02, "{share}");
}

#[test]
fn an_emergency_carries_its_instruction_and_nothing_else_asked_for() {
    let plan = plan("task-topic");
    let row = plan.row(77).unwrap();
    let s = drawn(&row, 2, Variant::Emergency);
    assert!(s.emergency_instruction);
    assert_eq!(asked_groups(&s), ["emergency"]);
    insta::assert_snapshot!(first_message("Come quickly.", &s), @r"
    Come quickly.

    This is an emergency: tell me first what to do in the next few minutes.
    ");
}

#[test]
fn parts_without_the_rule_have_one_conversation() {
    for name in ["specialty-domain", "task-subtopic"] {
        let row = plan(name).row(3).unwrap();
        let found = variants(part(name), SEED, &row.id, 0, Some("This is an emergency!"));
        assert_eq!(found, [Variant::Styled(1)]);
        assert_eq!(conversation_id(part(name), &row.id, 0, Variant::Styled(1)), row.id);
        let s = drawn(&row, 0, Variant::Styled(1));
        assert_eq!(first_message("A prompt.", &s), "A prompt.");
    }
}

#[test]
fn conversation_ids_are_unique() {
    let mut seen = HashSet::new();
    for part in &CATALOG.parts {
        let plan = Plan::new(&CATALOG, part, SEED, None);
        for i in 0..plan.len() {
            let row = plan.id(i).unwrap();
            for k in 0..part.prompts_per_request {
                let mut all = variants(part, SEED, &row, k, None);
                if part.emergency.is_some() {
                    all.push(Variant::Emergency);
                }
                for variant in all {
                    let id = conversation_id(part, &row, k, variant);
                    assert!(id.as_str().starts_with(row.as_str()));
                    assert!(seen.insert(id.clone()), "{id} twice");
                }
            }
        }
    }
    assert_eq!(seen.len(), 6321 + 12_688 + 2587 * 4 * 3);
}

fn dialogue(row: &BaseRow, k: usize, variant: Variant, policy: RetryPolicy) -> Dialogue {
    let part = part(row.part.as_str());
    let context = PromptContext::planned(&CATALOG, part, SEED, row, k, variant).unwrap();
    Dialogue::new(context, "one", policy)
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
        s.turns > 1 && !s.system_styles.is_empty()
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

    // Only the health worker sees the card; both know the place.
    let (to_user, to_assistant) = (&user.messages[0].content, &assistant.messages[0].content);
    assert!(to_user.contains("- allergies: ") && to_user.contains("- vital signs: "));
    assert!(!to_assistant.contains("allergies") && !to_assistant.contains("vital signs"));
    let country = &row.cards[1].patient.country;
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
            let context = PromptContext::planned(&catalog, part, SEED, &row, i % 4, variant);
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

#[test]
fn another_seed_gives_other_situations() {
    let plan = plan("task-topic");
    let rows: Vec<BaseRow> = (0..50).map(|i| plan.row(i).unwrap()).collect();
    let of = |row, seed| situation(&CATALOG, plan.part(), seed, row, 0, Variant::Styled(1));
    let same = rows.iter().filter(|row| of(row, 1) == of(row, 2)).count();
    assert!(same < 3, "{same}");
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
            &CATALOG, part("specialty-domain"), SEED, &row, 0, Variant::Styled(1),
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
