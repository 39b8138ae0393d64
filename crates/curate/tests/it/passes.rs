use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::metrics::{DrugRange, Facts, Fault, MetricsAccumulator};
use clinstruct_curate::minhash::{jaccard, pairs, runs, signature};
use clinstruct_curate::near_duplicates::{Collector, Duplicates, SIMILAR, collect};
use clinstruct_curate::splits::{Item, Shares, split};
use clinstruct_curate::{Row, Spill};
use clinstruct_draw::Draw;
use clinstruct_schema::summary::{MetricId, Metrics, Property, Verdict};
use clinstruct_schema::{Message, Role, Split};
use proptest::prelude::*;

fn text(seed: u64, words: usize) -> String {
    let mut draw = Draw::from_u64(seed);
    (0..words).map(|_| format!("w{}", draw.below(5000))).collect::<Vec<_>>().join(" ")
}

/// A text with some of its words changed.
fn changed(text: &str, seed: u64, share: f64) -> String {
    let mut draw = Draw::from_u64(seed);
    let words = text.split(' ').map(|w| if draw.chance(share) { "changed" } else { w });
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn said(content: &str, role: Role) -> Message {
    Message { role, content: content.to_owned() }
}

#[test]
fn similar_texts_are_pairs_and_others_are_not() {
    let one = "Give 5 ml every hour and look at the child again before the night begins, please.";
    let same = "give 5 ML every hour, and look at the child again before the night begins please";
    assert!((jaccard(&runs(one), &runs(same)) - 1.0).abs() < 1e-9);
    assert_eq!(jaccard(&runs(one), &runs("Something else entirely, with other words in it.")), 0.0);
    assert!(signature("...").is_none());

    let mut texts: Vec<String> = (0..600).map(|i| text(i, 120)).collect();
    for i in 0..200 {
        texts.push(changed(&texts[i], i as u64, 0.01 * (1 + i % 8) as f64));
    }
    let signatures: Vec<_> = texts.iter().map(|t| signature(t)).collect();
    let found = pairs(&signatures, SIMILAR, &|i| Ok(texts[i].clone())).unwrap();
    let sets: Vec<_> = texts.iter().map(|t| runs(t)).collect();
    let mut all = Vec::new();
    for a in 0..texts.len() {
        for b in a + 1..texts.len() {
            if jaccard(&sets[a], &sets[b]) >= SIMILAR {
                all.push((a as u32, b as u32));
            }
        }
    }
    assert!(all.len() > 50, "{}", all.len());
    // Everything found is also found by brute force, and almost nothing is missed.
    assert!(found.iter().all(|p| all.contains(p)));
    assert!(found.len() * 100 >= all.len() * 98, "{} of {}", found.len(), all.len());
}

fn duplicates(chats: &[(String, Vec<Message>)]) -> Duplicates {
    let mut collector = Collector::new(&Spill::in_memory());
    for (id, messages) in chats {
        collector.add(&collect(&Row::new(id, messages))).unwrap();
    }
    collector.find(SIMILAR, &|row, message| Ok(chats[row].1[message].content.clone())).unwrap()
}

/// Which rows repeat which, without indices.
fn repeats(found: &Duplicates) -> Vec<(&str, &str)> {
    found.duplicates.iter().map(|d| (d.id.as_str(), d.repeats.as_str())).collect()
}

fn chats() -> Vec<(String, Vec<Message>)> {
    (0..120_u64)
        .map(|i| {
            let answer = changed(&text(1000 + i / 3, 60), i, if i % 3 == 0 { 0.0 } else { 0.01 });
            let messages = vec![said(&text(i, 40), Role::User), said(&answer, Role::Assistant)];
            (format!("row-{i:03}"), messages)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_same_rows_stay_and_the_same_splits_come_in_any_order(seed in any::<u64>()) {
        let all = chats();
        let expected = duplicates(&all);
        prop_assert!(expected.duplicates.len() > 40);
        let mut shuffled = all.clone();
        Draw::from_u64(seed).shuffle(&mut shuffled);
        let found = duplicates(&shuffled);
        prop_assert_eq!(repeats(&found), repeats(&expected));

        let rows = |chats: &[(String, Vec<Message>)]| -> Vec<(String, Split)> {
            let rows: Vec<Item<'_>> = chats
                .iter()
                .map(|(id, _)| {
                    let n: u64 = id[4..].parse().unwrap_or(0);
                    Item { id, keys: vec![n / 4, 1000 + n % 50], stratum: n % 3 }
                })
                .collect();
            let mut splits: Vec<(String, Split)> = rows
                .iter()
                .map(|r| r.id.to_owned())
                .zip(split(&rows, Shares::default(), 7).unwrap())
                .collect();
            splits.sort();
            splits
        };
        prop_assert_eq!(rows(&shuffled), rows(&all));
    }
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let all = chats();
    let expected = duplicates(&all);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| duplicates(&all)), expected);
    }
}

#[test]
fn what_belongs_together_is_on_one_side_and_shares_are_kept() {
    let ids: Vec<String> = (0..6000).map(|i| format!("row-{i}")).collect();
    let rows: Vec<Item<'_>> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| Item { id, keys: vec![i as u64 / 8], stratum: i as u64 / 1000 })
        .collect();
    let all = split(&rows, Shares::default(), 1).unwrap();
    for eight in all.chunks(8) {
        assert!(eight.iter().all(|s| *s == eight[0]));
    }
    for thousand in all.chunks(1000) {
        let test = thousand.iter().filter(|s| **s == Split::Test).count();
        assert!((30..=70).contains(&test), "{test}");
    }
    assert_ne!(all, split(&rows, Shares::default(), 2).unwrap());
}

#[test]
fn evaluation_items_are_found_whole_and_in_large_part() {
    let item = "A 45-year-old man comes to the clinic with crushing chest pain that began two hours ago. \
                Which of the following is the next best step in his management?";
    let mut evaluation = EvalItems::new();
    let (exam, quiz) = (evaluation.add_set("exam"), evaluation.add_set("quiz"));
    assert!(evaluation.add(exam, item));
    assert!(evaluation.add(quiz, "Name the drug of choice for absence seizures"));
    assert!(!evaluation.add(quiz, "Which one?"));
    assert_eq!(evaluation.len(), 2);
    let inside = format!("Dear colleague, {} Thank you.", item.to_uppercase());
    let hits = evaluation.find(&inside);
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].set, hits[0].matched, hits[0].words), (0, 30, 30));
    let half = "We saw a 45-year-old man who comes to the clinic with crushing chest pain that began \
                two hours ago and is now well.";
    assert_eq!(evaluation.find(half).len(), 1);
    assert!(
        evaluation
            .find("A man comes to the clinic with a rash that began two hours ago.")
            .is_empty()
    );
    assert_eq!(evaluation.find("Please name the drug of choice for absence seizures.")[0].set, 1);
}

#[test]
fn metrics_name_the_same_rows_for_any_number_of_threads() {
    let texts: Vec<[clinstruct_schema::Message; 2]> = (0..40)
        .map(|i| {
            let answer =
                if i % 2 == 0 { "Give 500 mg of amoxicillin." } else { "Rest, and drink." };
            [said(&format!("What now, in case {i}?"), Role::User), said(answer, Role::Assistant)]
        })
        .collect();
    let ids: Vec<String> = (0..40).map(|i| format!("row {i}")).collect();
    let measured = |threads: usize, spill: &Spill| {
        let new = || {
            MetricsAccumulator::new(Facts::default())
                .with_every_fault_of(MetricId::DosesWithoutWarning)
                .with_spill(spill, threads)
        };
        let mut accumulators: Vec<_> = (0..threads).map(|_| new()).collect();
        for (number, text) in texts.iter().enumerate().rev() {
            let row = Row { number, ..Row::new(&ids[number], text) };
            accumulators[number * 7 % threads].add(&row).unwrap();
        }
        let mut all = accumulators.into_iter().reduce(MetricsAccumulator::and).unwrap();
        let faults = faults_of(&mut all);
        let mut metrics = Metrics::default();
        all.finish(&mut metrics).unwrap();
        (metrics, faults)
    };
    let in_memory = Spill::in_memory();
    let (metrics, faults) = measured(1, &in_memory);
    let doses = metrics.values.iter().find(|m| m.id == MetricId::DosesWithoutWarning).unwrap();
    assert_eq!((doses.count, doses.of), (Some(20), 20));
    assert_eq!(doses.rows, ["row 0", "row 2", "row 4", "row 6", "row 8"]);
    let places: Vec<_> =
        faults.iter().map(|f| (f.id.as_str(), f.turn, f.message, f.span)).collect();
    assert_eq!(places.len(), 20);
    assert_eq!(places[19], ("row 38", 1, 1, Some([5, 11])));
    assert_eq!(measured(3, &in_memory), (metrics.clone(), faults.clone()));
    // Faults that do not fit into memory are listed as well.
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::to(folder.path()).with_budget(1);
    assert_eq!(measured(3, &spill), (metrics, faults));
    assert!(spill.written() > 0);
}

#[test]
fn a_dose_is_compared_with_its_own_medicine() {
    let drug = |name: &str, high| DrugRange { name: name.to_owned(), unit: "mg".to_owned(), high };
    let facts =
        Facts { drugs: vec![drug("warfarin", 10.0), drug("folic acid", 5.0)], ..Facts::default() };
    // How many are compared, and how many are too large.
    let measure = |text: &str| {
        let mut measured = MetricsAccumulator::new(facts.clone());
        let turns = [said("What next?", Role::User), said(text, Role::Assistant)];
        measured.add(&Row::new("a", &turns)).unwrap();
        let mut metrics = Metrics::default();
        measured.finish(&mut metrics).unwrap();
        let found = metrics.values.iter().find(|m| m.id == MetricId::DosesAboveRange);
        found.map_or((0, 0.0), |m| (m.of, m.value))
    };
    assert_eq!(measure("Give warfarin 5 mg in the evening."), (1, 0.0));
    assert_eq!(measure("Give **warfarin**: 500 mg in the evening."), (1, 1.0));
    assert_eq!(measure("Give 500 mg of warfarin."), (1, 1.0));
    assert_eq!(measure("Give warfarin 0.5 g."), (1, 1.0));
    assert_eq!(measure("| Folic acid | 400 mg | once daily |"), (1, 1.0));
    assert_eq!(measure("Geben Sie Warfarin 500 mg täglich."), (1, 1.0));
    // Another medicine, known or not, and doses that are no single ones.
    assert_eq!(measure("Danazol 200 mg raises the effect of warfarin."), (0, 0.0));
    assert_eq!(measure("Beside warfarin, give paracetamol 1 g."), (0, 0.0));
    assert_eq!(measure("With warfarin, 200 mg danazol needs care."), (0, 0.0));
    assert_eq!(measure("Give warfarin 100 micrograms/kg."), (0, 0.0));
    assert_eq!(measure("She is on warfarin 500 mg."), (0, 0.0));
}

#[test]
fn metrics_report_what_is_wrong() {
    let mut measured = MetricsAccumulator::new(Facts::default());
    let good = [
        said("How much zinc does a child of two need?", Role::User),
        said(
            "Zinc is given for ten days. Please verify the dose before use: it is 20 mg a day.",
            Role::Assistant,
        ),
    ];
    let bad = [
        said("\"What now?\"", Role::User),
        said("Certainly! Give 500 mg of amoxicillin. Would you like me to go on?", Role::Assistant),
        said("Yes.", Role::User),
    ];
    measured.add(&Row::new("a", &good)).unwrap();
    measured.add(&Row::new("a", &bad)).unwrap();
    let mut metrics = Metrics::default();
    measured.finish(&mut metrics).unwrap();
    for id in [
        MetricId::DuplicateIds,
        MetricId::RoleOrder,
        MetricId::FillerOpeners,
        MetricId::ClosingOffers,
        MetricId::DosesWithoutWarning,
        MetricId::UnsolicitedQuestions,
    ] {
        assert_eq!(metrics.value(id, None), Some(0.5), "{id:?}");
    }
    assert_eq!(metrics.value(MetricId::WrappingQuotes, Some("prompts")), Some(0.5));
    assert_eq!(metrics.texts, [2, 2, 1]);
    let verdict = |id| metrics.values.iter().find(|m| m.id == id).map(|m| (m.verdict, m.met));
    // A fault misses a target of none, however little was measured; a share of two answers says nothing.
    assert_eq!(verdict(MetricId::DosesWithoutWarning), Some((Verdict::Missed, false)));
    assert_eq!(verdict(MetricId::FillerOpeners), Some((Verdict::TooFew, false)));
    assert_eq!(verdict(MetricId::Mojibake), Some((Verdict::TooFew, false)));
    assert_eq!(verdict(MetricId::OtherLanguage), Some((Verdict::NotMeasured, false)));
    assert_eq!(metrics.missed().count(), 4, "{:?}", metrics.missed().collect::<Vec<_>>());
    let judged = metrics.unmeasured.iter().map(|u| (u.property, u.of));
    assert!(judged.eq(Property::FOR_A_JUDGE.into_iter().zip([2, 2, 1])));
    assert!(metrics.values.is_sorted_by_key(|m| m.id));
}

/// What a listed metric found.
fn faults_of(measured: &mut MetricsAccumulator) -> Vec<Fault> {
    let faults = measured.faults().unwrap().into_iter();
    faults.flat_map(|all| all.read().unwrap().collect::<Result<Vec<_>, _>>().unwrap()).collect()
}

#[test]
fn first_messages_that_ask_several_things_are_counted() {
    let measure = |text: &str| {
        let id = MetricId::SeveralQuestions;
        let mut measured = MetricsAccumulator::new(Facts::default()).with_every_fault_of(id);
        // Only the first message is one.
        let later = "What is normal? And how often do I count it?";
        let all =
            [said(text, Role::User), said("Count it.", Role::Assistant), said(later, Role::User)];
        measured.add(&Row::new("a", &all)).unwrap();
        let places: Vec<_> =
            faults_of(&mut measured).into_iter().map(|f| (f.message, f.span)).collect();
        let mut metrics = Metrics::default();
        measured.finish(&mut metrics).unwrap();
        let found = metrics.values.iter().find(|m| m.id == id).map(|m| (m.of, m.verdict));
        (metrics.value(id, None), found, places)
    };
    let two = "She is dizzy. What is the dose, and how should I monitor her?";
    let none = Some((1, Verdict::NoTarget));
    assert_eq!(measure(two), (Some(1.0), none, vec![(0, Some([14, two.len()]))]));
    assert_eq!(measure("Is it bad? Who can help?"), (Some(1.0), none, vec![(0, Some([11, 24]))]));
    assert_eq!(measure("What is the dose of zinc and of iron?"), (Some(0.0), none, vec![]));
    // Whatever its language.
    let german =
        "Er hustet seit drei Tagen. Was soll ich ihm geben, und wann muss er ins Krankenhaus?";
    assert_eq!(measure(german).0, Some(1.0));
}
