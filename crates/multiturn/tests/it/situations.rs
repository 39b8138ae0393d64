//! Situations: compatible styles, shares as in the files, emergencies, ids.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use clinstruct_catalog::{Group, StyleOption, Wording};
use clinstruct_multiturn::{
    Variant, contradictions, conversation_id, first_message, situation, variants,
};
use clinstruct_promptgen::Plan;
use clinstruct_schema::{BaseRow, ConversationMode, Facet, Situation, Style, StylePlace};

use crate::{CATALOG, SEED, drawn, part, plan};

/// Both variants of two prompts of about every fifth row of part 3.
fn variant_pairs() -> &'static [(BaseRow, [Situation; 2])] {
    static PAIRS: LazyLock<Vec<(BaseRow, [Situation; 2])>> = LazyLock::new(|| {
        let plan = plan("task-topic");
        let mut all = Vec::new();
        for i in (0..plan.len()).step_by(5) {
            let row = plan.row(i).unwrap();
            for k in [i % 4, (i + 1) % 4] {
                let pair = [1, 2].map(|n| drawn(&row, k, Variant::Styled(n)));
                all.push((row.clone(), pair));
            }
        }
        all
    });
    &PAIRS
}

/// Every option of the catalog, by id.
fn style_options() -> BTreeMap<&'static str, &'static StyleOption> {
    let emergencies = CATALOG.parts.iter().filter_map(|p| p.emergency.as_ref());
    let emergencies = emergencies.map(|e| &e.instruction);
    CATALOG.styles.options().chain(emergencies).map(|o| (o.id.as_str(), o)).collect()
}

/// The wording of a style of a situation, in its language; what the simulated user alone is told is in English.
fn wording_of<'s>(s: &Situation, style: &Style, option: &'s StyleOption) -> &'s Wording {
    let texts = CATALOG.languages.texts(s.language);
    let told = s.user_styles.iter().any(|own| own.id == style.id);
    let wordings = texts.filter(|_| !told).map(|texts| texts.wordings(style.id.as_str()));
    &wordings.unwrap_or(&option.wordings)[style.wording as usize]
}

fn asked_groups(s: &Situation) -> Vec<&str> {
    s.asked_styles.iter().map(|style| style.group.as_str()).collect()
}

/// Every planned conversation: its row, the number of its prompt and its situation.
fn each_planned(mut look: impl FnMut(&BaseRow, usize, &Situation)) {
    for part in CATALOG.default_parts() {
        let plan = Plan::new(&CATALOG, part, SEED, None);
        for row in plan.rows() {
            for k in 0..row.frames.len() {
                for variant in variants(part, &row, k) {
                    look(&row, k, &situation(&CATALOG, part, SEED, &row, k, variant));
                }
            }
        }
    }
}

/// Half the sum of the differences of two distributions.
fn total_variation(seen: &BTreeMap<String, f64>, due: &BTreeMap<String, f64>) -> f64 {
    let sum = |of: &BTreeMap<String, f64>| of.values().sum::<f64>();
    let share =
        |of: &BTreeMap<String, f64>, key: &String| of.get(key).copied().unwrap_or(0.0) / sum(of);
    let keys: HashSet<&String> = seen.keys().chain(due.keys()).collect();
    keys.into_iter().map(|key| (share(seen, key) - share(due, key)).abs()).sum::<f64>() / 2.0
}

#[test]
fn the_full_plan_has_no_contradiction_and_every_style_in_many_words_and_places() {
    let places = CATALOG.styles.places;
    let options = style_options();
    let mut all = 0.0;
    let mut wordings: BTreeMap<String, f64> = BTreeMap::new();
    let (mut seen, mut due) = (BTreeMap::new(), BTreeMap::new());
    let (mut groups, mut at_end, mut asked) = (BTreeMap::new(), 0.0, 0.0);
    each_planned(|row, k, s| {
        all += 1.0;
        assert_eq!(contradictions(&CATALOG, row, k, s), [], "{} {k}", row.id);
        let styled = row.part.as_str() == "task-topic" && !s.emergency_instruction;
        assert_eq!(s.asked_styles.len(), usize::from(styled || s.emergency_instruction));
        for style in s.asked_styles.iter().chain(&s.system_styles) {
            let of = format!("{} {} {}", s.language.code(), style.id, style.wording);
            *wordings.entry(of).or_default() += 1.0;
        }
        for style in &s.asked_styles {
            *groups.entry(style.group.clone()).or_insert(0.0) += 1.0;
            asked += 1.0;
            let wording = wording_of(s, style, options[style.id.as_str()]);
            assert!(wording.fits(style.place, style.turn > 1, s.mode, s.user_register));
            assert!(style.turn <= s.turns, "{} {}", row.id, style.id);
            // What the weights make of this conversation's turns and the style.
            let later =
                s.turns > 1 && !CATALOG.contradictions.between(style.id.as_str(), "place:later");
            let whole = 1.0 - if later { 0.0 } else { places.later };
            for (place, weight) in [
                ("start", places.start),
                ("inside", places.inside),
                ("last", places.last),
                ("end", places.end),
                ("later", if later { places.later } else { 0.0 }),
            ] {
                *due.entry(place.to_owned()).or_insert(0.0) += weight / whole;
            }
            let place = if style.turn > 1 { "later" } else { style.place.as_str() };
            *seen.entry(place.to_owned()).or_insert(0.0) += 1.0;
            // A paragraph of its own looks like a form that was filled in.
            let end = style.turn == 1 && style.place == StylePlace::End;
            at_end += f64::from(u8::from(end));
        }
    });
    let off = total_variation(&seen, &due);
    assert!(off <= 0.02, "{off}: {seen:?} where {due:?} is due");
    assert!(at_end / asked <= 0.25, "{}", at_end / asked);
    let (most, times) = wordings.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    assert!(times / all <= 0.015, "{most}: {}", times / all);
    let whole: f64 = CATALOG.styles.groups.iter().map(|g| g.weight).sum();
    let share = |g: &Group| (g.id.to_string(), g.weight / whole);
    let planned = CATALOG.styles.groups.iter().map(share).collect();
    groups.remove("emergency");
    // Creativity suits few questions about patients and no message that leaves something out, conversations in other
    // languages have no answers in another one, who asks about a patient sets no reader, file or length, and a text for the
    // patient or the family goes with few tasks.
    let off = total_variation(&groups, &planned);
    assert!(off <= 0.11, "{off}: {groups:?} where {planned:?} is planned");
}

#[test]
fn later_styles_and_their_words_bind_what_they_say() {
    let options = style_options();
    let mut seen = [0; 3];
    for (row, twins) in variant_pairs() {
        for (s, style) in twins.iter().flat_map(|s| s.asked_styles.iter().map(move |o| (s, o))) {
            let option = options[style.id.as_str()];
            let every = wording_of(s, style, option).every || !option.can_bind_once();
            let language = style.claims.contains(&Facet::Language);
            assert_eq!(style.once, !every && !language, "{}: {style:?}", row.id);
            assert!(style.binds(style.turn) && !style.binds(style.turn - 1), "{}", row.id);
            assert_eq!(style.binds(style.turn + 1), every || language, "{}", row.id);
            seen[usize::from(every) + usize::from(style.turn > 1)] += 1;
        }
        for style in twins.iter().flat_map(|s| s.system_styles.iter().chain(&s.user_styles)) {
            assert!(!style.once && style.turn == 1, "{}: {style:?}", row.id);
        }
    }
    // Once in the first message; a language, or once in a later one; a language in a later one.
    assert!(seen[0] > 100 && seen[1] > 100 && seen[2] > 0, "{seen:?}");
}

#[test]
fn variants_ask_for_one_thing_each_and_share_no_style() {
    for (row, [one, two]) in variant_pairs() {
        for s in [one, two] {
            let groups = asked_groups(s);
            assert_eq!(groups.len(), 1, "{}", row.id);
            let translation = row.subjects[0].value_id() == "language-translation";
            assert!(!translation || !groups.contains(&"language-audience"), "{}", row.id);
        }
        for style in &one.asked_styles {
            assert!(two.asked_styles.iter().all(|s| s.id != style.id), "{}: {}", row.id, style.id);
        }
    }
    let used: HashSet<_> = variant_pairs()
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
    for (row, twins) in variant_pairs() {
        for (s, style) in twins.iter().flat_map(|s| {
            let styles = s.asked_styles.iter().chain(&s.system_styles).chain(&s.user_styles);
            styles.map(move |style| (s, style))
        }) {
            assert!(!style.text.contains("{n}"), "{}: {}", row.id, style.text);
            let option = options[style.id.as_str()];
            if !option.counts.is_empty() {
                let fits = |n: &&u32| {
                    let text = &wording_of(s, style, option).text;
                    text.with(Some(**n)) == style.text
                        && style.constraints == [text.constraint(&option.constraint, **n)]
                };
                assert!(option.counts.iter().any(|n| fits(&n)), "{}: {style:?}", row.id);
            }
        }
    }
}

#[test]
fn asked_styles_fix_the_number_of_turns() {
    let mut seen = [0; 3];
    for (row, s) in variant_pairs().iter().flat_map(|(row, t)| t.iter().map(move |s| (row, s))) {
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
    let (mut modes, mut calm) = (BTreeMap::new(), BTreeMap::new());
    let mut turns: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut lengths = BTreeMap::new();
    let mut registers = BTreeMap::new();
    for (i, row) in plan.rows().enumerate() {
        let s = drawn(&row, 0, Variant::Styled(1));
        if !plan.scope(i).unwrap().can_be_emergency || row.frames[0].patient.is_none() {
            // The other modes share the weight of emergencies.
            assert_ne!(s.mode, ConversationMode::Emergency, "{}", row.id);
            *calm.entry(s.mode.as_str().to_owned()).or_default() += 1;
        } else if row.emergency {
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
        *registers.entry(s.assistant_register.as_str().to_owned()).or_default() += 1;
        let voice = row.frames[0].voice.as_ref().unwrap();
        assert_eq!(s.user_register, voice.register, "{}", row.id);
        assert!(s.asked_styles.is_empty() && !s.emergency_instruction);
    }
    near("mode", &modes, &[("chat", 0.35), ("normal", 0.55), ("emergency", 0.10)]);
    near("mode", &calm, &[("chat", 0.35 / 0.9), ("normal", 0.55 / 0.9)]);
    near("turns", &turns["normal"], &[("1", 0.5), ("2", 0.3), ("3", 0.2)]);
    near("turns", &turns["hasty"], &[("1", 0.2), ("2", 0.3), ("3", 0.5)]);
    let due = [("unspecified", 0.4), ("short", 0.2), ("long", 0.3), ("exact-sentences", 0.1)];
    near("length", &lengths, &due);
    near("register", &registers, &[("popular", 0.1), ("standard", 0.8), ("scientific", 0.1)]);
}

#[test]
fn a_frame_with_the_emergency_instruction_becomes_one_conversation() {
    let part = part("task-topic");
    let plan = plan("task-topic");
    let (mut all, mut single) = (0, 0);
    for row in plan.rows() {
        for (k, frame) in row.frames.iter().enumerate() {
            let found = variants(part, &row, k);
            all += 1;
            if frame.emergency_instruction {
                single += 1;
                assert_eq!(found, [Variant::Emergency]);
            } else {
                assert_eq!(found, [Variant::Styled(1), Variant::Styled(2)]);
            }
        }
    }
    // The originals' share.
    let share = f64::from(single) / f64::from(all);
    assert!((share - 0.028).abs() < 0.006, "{share}");
}

#[test]
fn an_emergency_carries_its_instruction_and_nothing_else_asked_for() {
    let plan = plan("task-topic");
    let row = plan.row(77).unwrap();
    let s = drawn(&row, 2, Variant::Emergency);
    assert!(s.emergency_instruction);
    assert_eq!(asked_groups(&s), ["emergency"]);
    let [style] = s.asked_styles.as_slice() else { panic!("{:?}", s.asked_styles) };
    assert_eq!((style.turn, style.once), (1, true));
    assert!(first_message("Come quickly.", &s).contains(&style.text));
}

#[test]
fn parts_without_the_rule_have_one_conversation() {
    for name in ["specialty-domain", "task-subtopic"] {
        let row = plan(name).row(3).unwrap();
        let found = variants(part(name), &row, 0);
        assert_eq!(found, [Variant::Styled(1)]);
        assert_eq!(conversation_id(part(name), &row.id, 0, Variant::Styled(1)), row.id);
        let s = drawn(&row, 0, Variant::Styled(1));
        assert_eq!(first_message("A prompt.", &s), "A prompt.");
    }
}

#[test]
fn conversation_ids_are_unique() {
    let mut seen = HashSet::new();
    for part in CATALOG.default_parts() {
        let plan = Plan::new(&CATALOG, part, SEED, None);
        for i in 0..plan.len() {
            let row = plan.id(i).unwrap();
            for k in 0..part.prompts_per_request {
                let mut all: Vec<Variant> = (1..=part.variants()).map(Variant::Styled).collect();
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

#[test]
fn another_seed_gives_other_situations() {
    let plan = plan("task-topic");
    let rows: Vec<BaseRow> = (0..50).map(|i| plan.row(i).unwrap()).collect();
    let of = |row, seed| situation(&CATALOG, plan.part(), seed, row, 0, Variant::Styled(1));
    let same = rows.iter().filter(|row| of(row, 1) == of(row, 2)).count();
    assert!(same < 3, "{same}");
}

#[test]
fn who_begins_at_length_goes_on_so() {
    let (mut short, mut long) = (0, 0);
    each_planned(|row, k, s| {
        let Some(voice) = row.frames.get(k).and_then(|f| f.voice.as_ref()) else { return };
        let (from, to) = voice.words;
        for style in &s.user_styles {
            match style.id.as_str() {
                "user-short" => {
                    short += 1;
                    assert!(to <= 60, "{} {k}: {from} to {to}", row.id);
                }
                "user-long" => {
                    long += 1;
                    assert!(from >= 35, "{} {k}: {from} to {to}", row.id);
                }
                _ => {}
            }
        }
    });
    assert!(short > 500 && long > 500, "{short} {long}");
}

#[test]
fn a_text_for_the_patient_goes_with_tasks_that_have_one() {
    let professional =
        ["treatment-recommendations", "medication-management", "drug-interaction-checks"];
    let mut seen = 0;
    each_planned(|row, _, s| {
        let lay = |id: &str| ["for-the-patient", "for-the-family", "for-a-child"].contains(&id);
        if s.asked_styles.iter().any(|style| lay(style.id.as_str())) {
            seen += 1;
            let slugs = row.subjects.iter().flat_map(|subject| &subject.slugs);
            let at_odds = slugs.filter(|slug| professional.contains(&slug.as_str()));
            assert_eq!(at_odds.count(), 0, "{}", row.id);
        }
    });
    assert!(seen > 50, "{seen}");
}
