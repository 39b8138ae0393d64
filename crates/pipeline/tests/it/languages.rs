//! Whole conversations in each language.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Event, Outcome, OutputFiles, Progress, Route, Routes, RunConfig, RunContext, StopSignal,
    Tally, run, write_outputs,
};
use clinstruct_quality::identify;
use clinstruct_schema::{Constraint, Conversation, Language, Role, Situation};
use clinstruct_store::{Durability, Store};

struct Silent;

impl Progress for Silent {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}

/// The conversations of a run without injected faults, and how many were rejected.
fn conversations(catalog: &Catalog, folder: &Path) -> (Vec<Conversation>, u64) {
    let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::none(), None));
    let route = Route { name: "rehearsal".into(), backend, model: "rehearsal".into(), price: None };
    let config = RunConfig { limit: Some(12), ..RunConfig::default() };
    let context = RunContext::new(catalog, config, Routes::one(route)).unwrap();
    let mut store = Store::open(folder, Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stop, mut silent) = (StopSignal::default(), Silent);
    let ran = run(&context, &mut store, &mut silent, &stop, || 0, "languages", Drive::ToTheEnd);
    assert_eq!(runtime.block_on(ran).unwrap().0, Outcome::Finished);
    let summary = write_outputs(&context, &store, folder, OutputFiles::ALL).unwrap().summary;
    let rejected = summary.parts.iter().flat_map(|part| part.rejected.values()).sum();
    let files = fs::read_dir(folder.join("conversations")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let rows = texts.flat_map(|text| {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
    });
    (rows.collect(), rejected)
}

/// The language that a message is to be in; `None` where a translation is in any.
fn due(situation: &Situation, place: usize) -> Option<Language> {
    if situation.translates {
        return None;
    }
    let asked = situation.constraints_at(Situation::turn_of(place)).find_map(|c| match c {
        Constraint::Language { language } => Some(*language),
        _ => None,
    });
    Some(if place.is_multiple_of(2) {
        situation.language
    } else {
        asked.unwrap_or(situation.language)
    })
}

#[test]
fn whole_conversations_in_every_language_pass_their_checks() {
    for language in Language::ALL {
        let mut catalog = Catalog::embedded().unwrap();
        catalog.set_languages(&[language]);
        let folder = tempfile::tempdir().unwrap();
        let (rows, rejected) = conversations(&catalog, folder.path());
        assert!(rows.len() > 60, "{}: {}", language.name(), rows.len());
        assert!(rejected * 50 <= rows.len() as u64, "{}: {rejected} rejected", language.name());
        let (mut told, mut all, mut without, mut others) = (0, 0, 0, Vec::new());
        for row in &rows {
            let situation = &row.attributes.situation;
            assert_eq!(situation.language, language, "{}", row.id);
            let said = row.messages.iter().filter(|m| m.role != Role::System).enumerate();
            for (place, message) in said {
                // Three words and a number are no text whose language shows.
                let long = message.content.chars().filter(|c| c.is_alphabetic()).count() >= 60;
                let Some(due) = due(situation, place).filter(|_| long) else { continue };
                all += 1;
                match identify(&message.content) {
                    Some(found) if found == due => told += 1,
                    Some(found) => others.push(format!("{found:?}: {}", message.content)),
                    // A list of values has no language.
                    None => without += 1,
                }
            }
        }
        let name = language.name();
        assert!(told * 1000 >= (all - without) * 995, "{name}: {told} of {all}: {others:#?}");
        assert!(without * 50 <= all, "{name}: {without} of {all} without a language");
    }
}
