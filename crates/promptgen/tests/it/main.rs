//! The plan and its requests: rows by id, patients by the rules, axes and parts that are added as data.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod audit;
mod believable;
mod case;
mod clinical;
mod languages;
mod persona;
mod shards;
mod voice;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use clinstruct_catalog::{Catalog, Files, Part, Who};
use clinstruct_promptgen::{Plan, PromptOptions, prompt_request};
use clinstruct_schema::{BaseRow, ChatRequest, FactName, IncomeGroup, Sex, StylePlace};
use proptest::prelude::*;

const SEED: u64 = 42;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

const OPTIONS: PromptOptions<'static> = PromptOptions {
    model: "m",
    seed: SEED,
    structured: false,
    attempt: 0,
    patients: &[],
    findings: &[],
    openings: &[],
    asked: &[],
    temperature: None,
};

fn plan(part: &str) -> Plan<'static> {
    Plan::new(&CATALOG, CATALOG.part(part).unwrap(), SEED, None)
}

fn plans(catalog: &Catalog) -> impl Iterator<Item = Plan<'_>> {
    catalog.default_parts().map(|part| Plan::new(catalog, part, SEED, None))
}

fn request(catalog: &Catalog, part: &Part, row: &BaseRow) -> ChatRequest {
    prompt_request(catalog, part, row, &OPTIONS).unwrap()
}

/// Every `step`-th row of all parts.
fn some_rows(step: usize) -> impl Iterator<Item = (&'static Part, BaseRow)> {
    plans(&CATALOG).flat_map(move |plan| {
        (0..plan.len()).step_by(step).map(move |i| (plan.part(), plan.row(i).unwrap()))
    })
}

fn change(files: &mut Files, name: &str, old: &str, new: &str) {
    let text = files.get_mut(name).unwrap();
    assert!(text.contains(old), "{name} has no {old:?}");
    *text = text.replacen(old, new, 1);
}

/// Who can be the patient by each subject of a row.
fn rules(row: &BaseRow) -> Vec<Who> {
    let c = &*CATALOG;
    row.subjects
        .iter()
        .filter_map(|s| {
            let first = s.slugs.first()?;
            let last = s.slugs.last()?;
            match s.axis.as_str() {
                "specialty" => {
                    let profession = c.professions.iter().find(|p| p.id == *first).unwrap();
                    profession.specialties.iter().find(|x| x.id == *last).map(|x| x.scope.who)
                }
                "domain" => c.domains.iter().find(|d| d.id == *last).map(|d| d.scope.who),
                "subtopic" => c.subtopics.iter().find(|x| x.id == *last).map(|x| x.scope.who),
                _ => None,
            }
        })
        .collect()
}

#[test]
fn parts_have_their_numbers_of_rows() {
    let shown: Vec<String> = plans(&CATALOG)
        .map(|p| {
            let last = p.id(p.len() - 1).unwrap();
            assert!(p.id(p.len()).is_none() && p.row(p.len()).is_none());
            format!("{} {} {last}", p.len(), p.id(0).unwrap())
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    6321 specialty-domain.physician.allergy-and-immunology.human-anatomy-and-physiology specialty-domain.clinical-psychologist.rehabilitation-psychology.preventive-medicine
    12688 task-subtopic.diagnosing-symptoms.human-anatomy-and-physiology.coronary-artery-anatomy-and-dominance task-subtopic.health-policy-guidance.preventive-medicine.hiv-preexposure-prophylaxis
    2587 task-topic.diagnosing-symptoms.specialty.physician.allergy-and-immunology task-topic.health-policy-guidance.domain.preventive-medicine
    ");
}

#[test]
fn ids_are_unique_over_all_parts() {
    let mut seen = HashSet::new();
    for plan in plans(&CATALOG) {
        for i in 0..plan.len() {
            let id = plan.id(i).unwrap();
            assert!(id.as_str().starts_with(plan.part().id.as_str()));
            assert!(seen.insert(id.clone()), "{id} twice");
        }
    }
    assert_eq!(seen.len(), 6321 + 12_688 + 2587);
}

#[test]
fn a_row_alone_is_the_row_in_its_turn() {
    for part in &CATALOG.parts {
        let plan = Plan::new(&CATALOG, part, SEED, Some(150));
        let forward: Vec<BaseRow> = plan.rows().collect();
        assert_eq!(forward.len(), 150);
        let mut backward: Vec<BaseRow> =
            (0..plan.len()).rev().map(|i| plan.clone().row(i).unwrap()).collect();
        backward.reverse();
        assert!(forward == backward, "{}", part.id);
        let whole = Plan::new(&CATALOG, part, SEED, None);
        assert!(forward.iter().enumerate().all(|(i, row)| whole.row(i).as_ref() == Some(row)));
    }
}

#[test]
fn a_row_is_found_by_its_id() {
    let plan = plan("task-topic");
    for i in [0, 1, 198, 199, 2586] {
        assert_eq!(plan.find(plan.id(i).unwrap().as_str()), Some(i));
    }
    assert_eq!(plan.find("task-topic.nothing"), None);
}

/// A part as a user would add it: with fields of the existing files only.
const ANOTHER: &str = r#"
id = "profession-task"
stem = "multiturn_profession_x_task"
title = "Professions by tasks"
cross = [["profession"], ["task"]]
template = "prompt_task_topic.j2"
prompts_per_request = 2
countries = "any"
max_tokens = 900
mode = [{ weights = { normal = 1.0 } }]
turns = [{ weights = [1.0, 0.0, 0.0] }]
assistant_length = { unspecified = 1.0 }
assistant_form = { unspecified = 1.0 }
user_length = { unspecified = 1.0 }
register = { standard = 1.0 }
"#;

#[test]
fn another_part_is_one_more_file() {
    let mut files = Catalog::embedded_files();
    files.insert("parts/5-professions-x-tasks.toml".into(), ANOTHER.into());
    let catalog = Catalog::read(files).unwrap();
    assert_eq!(catalog.parts.len(), CATALOG.parts.len() + 1);
    let part = catalog.part("profession-task").unwrap();
    let plan = Plan::new(&catalog, part, SEED, None);
    assert_eq!(plan.len(), 21 * 13);
    for row in plan.rows() {
        assert_eq!(row.frames.len(), 2);
        assert_eq!(row.profession, row.subjects[0].name);
        let request = request(&catalog, part, &row);
        assert!(request.messages[1].content.contains(&format!("Task: {}", row.subjects[1].name)));
        assert!(request.messages[1].content.contains(&format!("Profession: {}", row.profession)));
    }
    // The other parts are unchanged.
    for (before, after) in plans(&CATALOG).zip(plans(&catalog)) {
        let step = before.len() / 60;
        assert_eq!(before.len(), after.len());
        assert!((0..before.len()).step_by(step).all(|i| before.row(i) == after.row(i)));
    }
}

#[test]
fn an_added_specialty_and_task_change_no_other_row() {
    let mut files = Catalog::embedded_files();
    change(
        &mut files,
        "professions.toml",
        "[[profession.specialty]]\nid = \"cardiology\"",
        "[[profession.specialty]]\nid = \"space-medicine\"\nname = \"Space Medicine\"\n\n\
         [[profession.specialty]]\nid = \"cardiology\"",
    );
    change(
        &mut files,
        "tasks.toml",
        "[[task]]\nid = \"predictive-analytics\"",
        "[[task]]\nid = \"second-opinion\"\nname = \"Second Opinion\"\ndescription = \"Judge.\"\n\
         patient = \"either\"\nemergency = \"possible\"\ncase = \"Make up a case.\"\n\
         question = \"Ask in general.\"\nmax_tokens = 900\n\n[[task]]\nid = \"predictive-analytics\"",
    );
    let more = Catalog::read(files).unwrap();
    let mut added = Vec::new();
    for (before, after) in plans(&CATALOG).zip(plans(&more)) {
        let at: HashMap<_, _> = (0..after.len()).map(|i| (after.id(i).unwrap(), i)).collect();
        for i in 0..before.len() {
            let id = before.id(i).unwrap();
            let new = *at.get(&id).unwrap_or_else(|| panic!("{id} is gone"));
            if i % 11 == 0 {
                let (old_row, new_row) = (before.row(i).unwrap(), after.row(new).unwrap());
                assert_eq!(old_row, new_row);
                assert_eq!(
                    request(&CATALOG, before.part(), &old_row),
                    request(&more, after.part(), &new_row),
                );
            }
        }
        added.push(after.len() - before.len());
    }
    // A specialty by 49 domains; a task by 976 subtopics; 14 tasks by 200 topics, less 13 by 199.
    assert_eq!(added, [49, 976, 14 * 200 - 13 * 199]);
}

#[test]
fn patients_keep_the_rules_of_their_subjects() {
    let c = &*CATALOG;
    let (mut rows, mut restricted) = (0, 0);
    for (_, row) in some_rows(7) {
        rows += 1;
        let rules = rules(&row);
        let obstetric = row
            .subjects
            .iter()
            .any(|s| s.slugs.iter().any(|slug| slug.as_str() == "obstetrics-and-gynecology"));
        for patient in row.frames.iter().filter_map(|frame| frame.patient.as_ref()) {
            assert!(!obstetric || patient.sex != Sex::Male, "{}", row.id);
            let band = c.ages.iter().position(|a| a.id == patient.age_band).unwrap();
            assert!((c.ages[band].from..=c.ages[band].to).contains(&patient.age.years));
            assert_eq!(patient.age.months.is_some(), patient.age.years < 2, "{}", row.id);
            let fits = |who: &Who| who.ages.0 <= band && band <= who.ages.1;
            if let Some(first) = rules.first() {
                assert!(fits(first), "{}: {}", row.id, patient.age_band);
            }
            for who in &rules {
                restricted += usize::from(*who != Who::ANYONE);
                assert!(who.sexes[patient.sex as usize], "{}: {:?}", row.id, patient.sex);
                // If no age fits both, the first subject's ages apply.
                if rules[0].and(who).is_some() {
                    assert!(fits(who), "{}: {}", row.id, patient.age_band);
                }
            }
        }
    }
    assert!(rows > 3000 && restricted > 500, "{rows} rows, {restricted} rules");
}

#[test]
fn frames_are_of_a_piece() {
    let c = &*CATALOG;
    for (_, row) in some_rows(7) {
        for frame in &row.frames {
            let place = &frame.place;
            let country = c.countries.iter().find(|x| x.code == place.country_code).unwrap();
            assert_eq!((&country.name, country.income), (&place.country, place.income));
            let setting = c.settings.iter().position(|s| s.id == place.setting).unwrap();
            assert!(country.settings.contains(&setting), "{}", row.id);
            let Some(patient) = &frame.patient else { continue };
            let band = c.ages.iter().position(|a| a.id == patient.age_band).unwrap();
            assert_eq!(patient.gender.is_some(), band >= c.gender_from, "{}", row.id);
            let gender = patient.gender.as_deref().unwrap_or_default();
            let (grown, young) =
                (gender.ends_with("man"), ["girl", "boy"].iter().any(|w| gender.ends_with(w)));
            assert!(if patient.age.years < 18 { !grown } else { !young }, "{} {gender}", row.id);
            if let Some(weeks) = patient.pregnancy_weeks {
                assert_ne!(patient.sex, Sex::Male, "{}", row.id);
                assert!((15..=49).contains(&patient.age.years), "{}", row.id);
                assert!((4..=42).contains(&weeks), "{}", row.id);
            }
        }
    }
}

#[test]
fn two_spirit_is_said_only_where_it_exists() {
    // With the highest possible frequency, so that it occurs.
    let mut files = Catalog::embedded_files();
    let rare = "male = 0.005, female = 0.005, intersex = 0.01 }\ncountries";
    let often = "male = 0.90, female = 0.90, intersex = 0.01 }\ncountries";
    change(&mut files, "sexes.toml", rare, often);
    change(&mut files, "sexes.toml", "male = 0.90, female = 0.0,", "male = 0.005, female = 0.0,");
    change(&mut files, "sexes.toml", "male = 0.0, female = 0.90,", "male = 0.0, female = 0.005,");
    let catalog = Catalog::read(files).unwrap();
    let part = catalog.part("task-topic").unwrap();
    let mut seen = HashSet::new();
    for row in Plan::new(&catalog, part, SEED, Some(800)).rows() {
        for frame in row.frames {
            let gender = frame.patient.as_ref().and_then(|p| p.gender.as_deref());
            if gender == Some("two-spirit person") {
                seen.insert(frame.place.country_code);
            }
        }
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort();
    assert_eq!(seen, ["ca", "us"]);
}

#[test]
fn the_four_patients_of_a_row_live_in_four_income_groups() {
    let plan = plan("task-topic");
    let mut first = HashSet::new();
    for i in (0..plan.len()).step_by(3) {
        let row = plan.row(i).unwrap();
        let groups: Vec<IncomeGroup> = row.frames.iter().map(|f| f.place.income).collect();
        assert_eq!(groups.len(), 4);
        assert_eq!(groups.iter().collect::<HashSet<_>>().len(), 4, "{}: {groups:?}", row.id);
        assert!(!groups.contains(&IncomeGroup::Unclassified));
        first.insert(groups[0]);
    }
    assert_eq!(first.len(), 4, "no group always comes first");
}

#[test]
fn a_request_states_the_frames() {
    for (part, row) in some_rows(23) {
        let request = request(&CATALOG, part, &row);
        let text = &request.messages[1].content;
        let said = |label: &str| -> Vec<&str> {
            text.lines().filter_map(|l| l.strip_prefix(label)).collect()
        };
        let countries: Vec<_> = row.frames.iter().map(|f| f.place.country.as_str()).collect();
        assert_eq!(said("- country: "), countries, "{}", row.id);
        let patients: Vec<_> = row.frames.iter().filter_map(|f| f.patient.as_ref()).collect();
        let sexes: Vec<_> = patients.iter().map(|p| p.sex.as_str()).collect();
        assert_eq!(said("- sex: "), sexes, "{}", row.id);
        let ages: Vec<_> = patients.iter().map(|p| p.age.measure()).collect();
        assert_eq!(said("- age: "), ages, "{}", row.id);
        assert_eq!(said("Profession: "), [row.profession.as_str()], "{}", row.id);
        let heads: Vec<String> = (1..)
            .zip(&row.frames)
            .map(|(n, f)| {
                format!("{} {n}", if f.patient.is_some() { "Patient" } else { "Question" })
            })
            .collect();
        let is_head = |l: &&str| l.starts_with("Patient ") || l.starts_with("Question ");
        assert_eq!(text.lines().filter(is_head).collect::<Vec<_>>(), heads, "{}", row.id);
        assert!(!text.contains("{{") && !text.contains("none\n- "), "{text}");
    }
}

#[test]
fn structured_requests_carry_a_schema_and_no_markers() {
    let plan = plan("task-topic");
    let row = plan.row(5).unwrap();
    let of = |structured, attempt| {
        let options = PromptOptions { structured, attempt, ..OPTIONS };
        prompt_request(&CATALOG, plan.part(), &row, &options).unwrap()
    };
    let (plain, bound) = (of(false, 0), of(true, 0));
    assert!(plain.json_schema.is_none());
    assert!(plain.messages[0].content.contains("=== 1 ==="));
    assert!(!bound.messages[0].content.contains("==="));
    assert_eq!(plain.messages[1], bound.messages[1]);
    let schema: serde_json::Value =
        serde_json::from_str(&bound.json_schema.as_ref().unwrap().schema).unwrap();
    let entry = &schema["properties"]["prompts"]["items"];
    assert_eq!(entry["required"], serde_json::json!(["patient", "prompt", "complaint", "facts"]));
    assert_eq!(entry["properties"]["patient"]["enum"], serde_json::json!([1, 2, 3, 4]));
    let fact = &entry["properties"]["facts"]["items"];
    assert_eq!(fact["required"], serde_json::json!(["name", "value", "unit"]));
    let names = fact["properties"]["name"]["enum"].as_array().unwrap();
    assert_eq!(names.len(), FactName::ALL.len());
    // A model writes the keys in the order of the schema: the message comes before its facts.
    let text = &bound.json_schema.as_ref().unwrap().schema;
    assert!(text.find("\"prompt\":{").unwrap() < text.find("\"facts\":{").unwrap());
    assert!(!text.contains("null"));
    // Another attempt is the same request except for its sampling.
    let again = of(false, 1);
    assert_ne!(plain.seed, again.seed);
    assert_eq!(ChatRequest { seed: plain.seed, ..again }, plain);
}

#[test]
fn a_request_gives_the_writer_what_its_conversations_ask_for() {
    let plan = plan("task-topic");
    let row = plan.row(5).unwrap();
    let style = |text: &str, place, turn, once| {
        let mut style = CATALOG.styles.asked[0].style(0, |_| 0);
        (style.text, style.place, style.turn, style.once) = (text.to_owned(), place, turn, once);
        style
    };
    let one = vec![
        style("In 80 words.", StylePlace::Start, 1, true),
        style("In German.", StylePlace::Inside, 1, false),
    ];
    let other = vec![
        style("No lists.", StylePlace::End, 1, true),
        style("Be brief.", StylePlace::Last, 2, true),
    ];
    let asked = [vec![one.clone(), other], vec![one], vec![], vec![Vec::new(), Vec::new()]];
    let of = |structured, patients: &[usize]| {
        let options = PromptOptions { structured, patients, asked: &asked, ..OPTIONS };
        prompt_request(&CATALOG, plan.part(), &row, &options).unwrap()
    };
    let plain = of(false, &[]);
    let lines: Vec<&str> =
        plain.messages[1].content.lines().filter(|line| line.contains("request ")).collect();
    assert_eq!(
        lines,
        [
            "- version 1, request 1 (before the message; as a question that has a verb (\"could you ..?\"), never a wish with a question mark behind it): In 80 words.",
            "- version 1, request 2 (before its question, for all answers; begin with the reason): In German.",
            "- version 2, request 3 (after the message; without please): No lists.",
            "- version 2, request 4 (after a later message; without please): Be brief.",
            "- request 1 (before the message; without please): In 80 words.",
            "- request 2 (before its question, for all answers; in at most eight words, the reason in one or two of them): In German.",
        ]
    );
    let system = &plain.messages[0].content;
    assert!(system.contains("=== 1 requests ===") && system.contains("two versions"), "{system}");
    let schema = |request: &ChatRequest| request.json_schema.as_ref().unwrap().schema.clone();
    let bound = of(true, &[]);
    assert!(schema(&bound).contains(r#"["patient","prompt","requests","complaint","facts"]"#));
    assert!(bound.messages[0].content.contains("\"requests\""));
    // Where the requested patients have none, nothing is said about requests.
    let without = of(true, &[2, 3]);
    assert!(!schema(&without).contains("requests"));
    assert!(!without.messages.iter().any(|m| m.content.contains("request")), "{without:?}");
    let single = of(false, &[1]);
    assert!(!single.messages[0].content.contains("two versions"));
}

#[test]
fn professions_are_drawn_by_their_shares() {
    let plan = plan("task-subtopic");
    let rows = (0..plan.len()).step_by(4).map(|i| plan.row(i).unwrap());
    let mut counts: HashMap<String, f64> = HashMap::new();
    let mut all = 0.0;
    for row in rows {
        all += 1.0;
        *counts.entry(row.profession).or_default() += 1.0;
    }
    for (i, share) in &plan.part().professions {
        let name = &CATALOG.professions[*i].name;
        let seen = counts[name] / all;
        assert!((seen - share).abs() < 0.03, "{name}: {seen} where {share} is due");
    }
    assert_eq!(counts.len(), plan.part().professions.len());
}

#[test]
fn another_seed_gives_other_rows_under_the_same_ids() {
    for part in &CATALOG.parts {
        let one = Plan::new(&CATALOG, part, 1, Some(100));
        let two = Plan::new(&CATALOG, part, 2, Some(100));
        let same = one.rows().zip(two.rows()).filter(|(a, b)| {
            assert_eq!(a.id, b.id);
            assert_eq!(a.subjects, b.subjects);
            a.frames == b.frames
        });
        assert_eq!(same.count(), 0, "{}", part.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn any_row_of_any_seed_can_be_asked_for(seed: u64, part in 0_usize..3, at in 0.0..1.0_f64) {
        let part = &CATALOG.parts[part];
        let plan = Plan::new(&CATALOG, part, seed, None);
        let i = (at * plan.len() as f64) as usize;
        let row = plan.row(i).unwrap();
        prop_assert_eq!(Some(row.id.clone()), plan.id(i));
        prop_assert_eq!(row.frames.len(), part.prompts_per_request);
        let options = PromptOptions { seed, ..OPTIONS };
        let request = prompt_request(&CATALOG, part, &row, &options).unwrap();
        prop_assert!(i64::try_from(request.seed).is_ok());
        prop_assert_eq!(&request, &prompt_request(&CATALOG, part, &row, &options).unwrap());
    }

    #[test]
    fn a_limit_takes_the_first_rows(limit in 0_usize..9000) {
        let part = &CATALOG.parts[0];
        let (cut, whole) =
            (Plan::new(&CATALOG, part, SEED, Some(limit)), Plan::new(&CATALOG, part, SEED, None));
        prop_assert_eq!(cut.len(), limit.min(6321));
        prop_assert_eq!(cut.is_empty(), limit == 0);
        prop_assert_eq!(cut.id(limit), None);
        let last = limit.min(6321).checked_sub(1);
        prop_assert_eq!(last.and_then(|i| cut.id(i)), last.and_then(|i| whole.id(i)));
    }
}
