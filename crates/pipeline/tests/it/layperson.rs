//! The part of patients and families, played by the rehearsal.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchRequest;
use clinstruct_catalog::Catalog;
use clinstruct_parser::decode;
use clinstruct_pipeline::{
    Delivery, Error, Extent, PlayEvent, Route, Routes, RunConfig, RunContext, play,
};
use clinstruct_schema::{RowFormat, Speaker};

fn context(catalog: &Catalog, parts: Vec<String>) -> RunContext<'_> {
    let engine = Rehearsal::new(catalog.instructions(), Rates::none(), None);
    let (name, model) = ("rehearsal".to_owned(), "rehearsal".to_owned());
    let route = Route { name, backend: Arc::new(engine), model, price: None };
    let config = RunConfig { parts, limit: Some(30), seed: 3, ..RunConfig::default() };
    RunContext::new(catalog, config, Routes::one(route)).unwrap()
}

#[test]
fn it_is_planned_only_when_it_is_named() {
    let catalog = Catalog::embedded().unwrap();
    let parts = |names: &[&str]| -> Vec<String> {
        let context = context(&catalog, names.iter().map(|n| (*n).to_owned()).collect());
        context.plans.iter().map(|(_, plan)| plan.part().id.to_string()).collect()
    };
    assert_eq!(parts(&[]), ["specialty-domain", "task-subtopic", "task-topic"]);
    assert_eq!(parts(&["layperson"]), ["layperson"]);
    assert_eq!(parts(&["multiturn_layperson", "task-topic"]), ["task-topic", "layperson"]);
}

#[test]
fn its_conversations_pass_their_checks() {
    let catalog = Catalog::embedded().unwrap();
    let context = context(&catalog, vec!["layperson".to_owned()]);
    let engine = Rehearsal::new(catalog.instructions(), Rates::none(), None);
    let mut failed: Vec<String> = Vec::new();
    let (mut sent, mut rows, mut longer) = (0, 0, 0);
    let mut ask = |speaker: Speaker, request: &BatchRequest| -> Result<Delivery, Error> {
        sent += 1;
        let system = &request.request.messages[0].content;
        assert!(!system.contains("with this health worker"), "{speaker:?}: {system}");
        let answered = engine.rows_of(&format!("lay-{sent}"), request);
        let row = answered.first().map(|row| decode(RowFormat::OpenaiBatch, row).outcome);
        Ok(row.ok_or_else(|| "no row came".into()))
    };
    let mut events = |event: PlayEvent<'_>| -> Result<(), Error> {
        if matches!(event, PlayEvent::Failed { .. }) {
            failed.push(format!("{event:?}"));
        }
        Ok(())
    };
    let (part, plan) = &context.plans[0];
    for index in 0..plan.len() {
        let row = play(&context, *part, index, Extent::Everything, &mut ask, &mut events).unwrap();
        for conversation in row.conversations {
            rows += 1;
            longer += u32::from(conversation.messages.len() > 2);
            assert!(conversation.rejection.is_none(), "{:?}", conversation.rejection);
        }
    }
    assert_eq!(rows, 30 * 4);
    assert!(longer > 60, "{longer}");
    assert!(failed.is_empty(), "{} of {sent}: {}", failed.len(), failed.join("\n"));
}
