//! Patients and relatives who write for themselves.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_catalog::{Catalog, PersonaFacts};
use clinstruct_schema::{ConversationMode, Meaning, PersonaTrait, Sex};

use crate::{embedded, mistakes_of};

#[test]
fn the_part_is_made_only_when_it_is_named() {
    let c = embedded();
    let ids: Vec<&str> = c.default_parts().map(|part| part.id.as_str()).collect();
    assert_eq!(ids, ["specialty-domain", "task-subtopic", "task-topic"]);
    let part = c.part("layperson").unwrap();
    assert!(!part.default && part.personas);
    assert_eq!(c.part("multiturn_layperson").map(|p| &p.id), Some(&part.id));
    assert!(c.default_parts().all(|part| !part.personas && part.leave_out.is_empty()));
}

#[test]
fn whoever_writes_fits_the_patient() {
    let c = embedded();
    let of = |band: &str| -> BTreeSet<String> {
        let band = c.ages.iter().position(|b| b.id.as_str() == band).unwrap();
        let facts =
            PersonaFacts { mode: ConversationMode::Normal, band, sex: Sex::Female, subjects: &[] };
        let possible = c.personas.possible(PersonaTrait::Relation, &facts);
        possible.into_iter().map(|(entry, _)| entry.id.to_string()).collect()
    };
    let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    for band in ["infants", "toddlers", "preschoolers", "school-age"] {
        assert_eq!(of(band), set(&["parent"]), "{band}");
    }
    assert_eq!(of("adolescents"), set(&["self", "parent"]));
    assert_eq!(of("adults"), set(&["self", "partner"]));
    assert_eq!(of("elderly"), set(&["self", "grown-up-child", "partner"]));
}

#[test]
fn nobody_writes_for_themselves_about_a_dementia() {
    let c = embedded();
    let band = c.ages.iter().position(|b| b.id.as_str() == "elderly").unwrap();
    let subjects = [(clinstruct_catalog::Axis::Subtopic, "alzheimer-disease")];
    let facts =
        PersonaFacts { mode: ConversationMode::Chat, band, sex: Sex::Male, subjects: &subjects };
    let possible = c.personas.possible(PersonaTrait::Relation, &facts);
    assert!(possible.iter().all(|(entry, _)| entry.id.as_str() != "self"));
    assert_eq!(possible.len(), 2);
}

/// A list of sentences as it stands in the file.
const USER: &str = "user = [\n    \"You grew up with this language.\",\n    \"This is the language that you speak at home.\",\n    \"You write as people around you talk.\",\n]";

#[test]
fn mistakes_about_personas_are_shown_where_they_stand() {
    let wrong = [
        (
            "personas.toml",
            "weight = 0.25\nages = \"infants..adolescents\"",
            "weight = 0.2\nages = \"infants..adolescents\"",
        ),
        ("personas.toml", "ages = \"infants..adolescents\"", "ages = \"infants..adolescence\""),
        ("personas.toml", "ages = \"infants..adolescents\"", "ages = \"toddlers..adolescents\""),
        ("personas.toml", "\"alzheimer-disease\"", "\"alzheimers-disease\""),
        ("personas.toml", "id = \"grown-up-child\"", "id = \"parent\""),
        ("personas.toml", "[[worry]]\nid = \"calm\"", "[[worry]]\nmood = \"low\"\nid = \"calm\""),
        ("personas.toml", USER, "user = []"),
        (
            "parts/4-layperson.toml",
            "user_system = \"layperson_user.j2\"",
            "user_system = \"layperson_users.j2\"",
        ),
        (
            "parts/4-layperson.toml",
            "cross = [[\"subtopic\"]]",
            "cross = [[\"task\"], [\"subtopic\"]]",
        ),
        ("parts/4-layperson.toml", "lay-short = 0.4", "short = 0.4"),
        ("parts/4-layperson.toml", "\"anesthesiology\"", "\"anaesthesiology\""),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    let shown = shown.replace("the resources have 1 mistake\n", "");
    insta::assert_snapshot!(shown, @r#"
    personas.toml at "0.5": the weights sum to 0.95, not to 1
    personas.toml at "\"infants..adolescence\"": unknown age band "adolescence"
        did you mean "adolescents"?
    personas.toml at "0.5": no relation is for male patients of the age band "infants" in chat mode
        widen the `ages` of one
    personas.toml at "\"alzheimers-disease\"": unknown subtopic "alzheimers-disease"
        did you mean "alzheimer-disease"?
    personas.toml at "\"parent\"": duplicate relation "parent"
    the resources have 3 mistakes
    personas.toml at "mood": unknown field `mood`, expected one of `id`, `weight`, `ages`, `sexes`, `unless`, `writer`, `user`
    personas.toml at "{ normal = 0.45, chat = 0.45, emergency = 0.2 }": the weights sum to 0.7, not to 1
    contradictions.toml at "\"worry:calm\"": unknown item "worry:calm"
    personas.toml at "[]": the list of sentences is empty
    parts/4-layperson.toml at "\"layperson_users.j2\"": there is no template "layperson_users.j2"
        put it into templates/
    parts/4-layperson.toml at "[[\"task\"], [\"subtopic\"]]": a part with personas crosses one list of axes
        name them in one list
    parts/4-layperson.toml at "short": unknown assistant length "short"
    parts/4-layperson.toml at "\"anaesthesiology\"": unknown domain "anaesthesiology"
        did you mean "anesthesiology"?
    "#);
}

/// A reader of requests tells instructions apart by their texts alone.
#[test]
fn texts_of_both_sides_are_told_apart() {
    let c = embedded();
    let texts = |c: &Catalog| -> BTreeMap<String, Vec<Meaning>> {
        let all = c.instructions().into_iter();
        all.map(|i| (i.text.0.replace("{n}", "7"), i.means)).collect()
    };
    let all = texts(&c);
    let lay: Vec<String> = c
        .personas
        .styles
        .options()
        .flat_map(|o| &o.wordings)
        .map(|w| w.text.0.replace("{n}", "7"))
        .chain(c.personas.moves.iter().flat_map(|m| m.texts.clone()))
        .chain(c.personas.phrases.iter().map(|p| p.text.replace("{n}", "7")))
        .chain(c.personas.voices.instructions().map(|i| i.text.0))
        .chain(
            PersonaTrait::ALL
                .into_iter()
                .flat_map(|of| c.personas.of(of))
                .flat_map(|e| e.writer.iter().chain(&e.user).cloned().collect::<Vec<_>>()),
        )
        .collect();
    assert!(lay.len() > 150, "{}", lay.len());
    for text in &lay {
        let means = &all[text];
        for (other, others) in &all {
            let one_in_other = other != text && (other.contains(text) || text.contains(other));
            assert!(!one_in_other || others == means, "{text} / {other}");
        }
    }
}

#[test]
fn every_phrase_stands_in_a_template() {
    let files = Catalog::embedded_files();
    let templates: String = files
        .iter()
        .filter(|(name, _)| name.starts_with("templates/"))
        .map(|(_, text)| text.as_str())
        .collect();
    let c = embedded();
    let by_code = |id: &str| ["lay-aim-", "lay-answers-"].iter().any(|start| id.starts_with(start));
    for phrase in c.personas.phrases.iter().filter(|p| !by_code(p.id.as_str())) {
        let use_ = format!("phrases[\"{}\"]", phrase.id);
        assert!(templates.contains(&use_), "{} stands in no template", phrase.id);
    }
    // Every wish is worded in many ways.
    for option in c.personas.styles.options() {
        assert!(option.wordings.len() >= 6, "{}", option.id);
    }
}
