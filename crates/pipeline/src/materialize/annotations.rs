//! `annotations/NAME/`: what a model answered about each conversation.

use std::path::Path;

use clinstruct_store::{Store, TaskState};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::file::{Pending, line_of};
use super::kept;
use crate::task::{Locate, Reading, number, read_annotation, response, row_id};
use crate::{Annotator, Error, Result, RunContext};

/// Rows that are read together.
const AT_ONCE: usize = 1024;

/// Writes what a model answered to an annotator, below `dir`: for each part `annotations/NAME/STEM.jsonl`, a line for each
/// conversation that it was asked about, in the plan's order: `{"id": .., NAME: ..}`, or `{"id": .., "rejected": {..}}` with
/// `reason` and `detail` where no answer could be used. Conversations that wait for their answer have no line.
///
/// # Errors
/// A file that cannot be written, and a journal that does not match the plan.
pub fn write_annotations(
    context: &RunContext<'_>,
    store: &Store,
    dir: &Path,
    annotator: &dyn Annotator,
) -> Result<()> {
    let reader = store.reader();
    let folder = format!("annotations/{}", annotator.name());
    let keeps_rows = context.kept.get().is_some();
    for (part, stem) in kept::numbers(context, store)? {
        let mut file = Pending::open(dir, &folder, &stem)?;
        let mut after = None;
        loop {
            let page = store.annotations(number(annotator), part, after, AT_ONCE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            let found: Vec<_> = page
                .into_iter()
                .filter(|record| record.state != TaskState::Waiting)
                .map(|record| {
                    let step = record.steps.last();
                    let place = step.map(|step| store.locate(step.request)).transpose()?.flatten();
                    let id =
                        if keeps_rows { kept::row_id(context, store, record.key)? } else { None };
                    Ok((record, place, id))
                })
                .collect::<Result<_>>()?;
            let lines = found.into_par_iter().map(|(record, place, id)| {
                let mismatch = || Error::JournalMismatch(format!("{:?}", record.key));
                let planned = || row_id(context, record.key).filter(|_| !keeps_rows);
                let id = id.or_else(planned).ok_or_else(mismatch)?;
                if let Some(why) = &record.rejection {
                    let rejected = json!({ "reason": why.reason, "detail": why.detail });
                    return Ok(json!({ "id": id, "rejected": rejected }));
                }
                let step = record.steps.last().ok_or_else(mismatch)?;
                let locate: Locate<'_> = &|_| Ok(place);
                let outcome = response(locate, &reader, step.request)?.ok_or_else(mismatch)?;
                let Reading::Accepted(value) = read_annotation(annotator, &outcome) else {
                    return Err(mismatch());
                };
                Ok(Value::from_iter([("id", json!(id)), (annotator.name(), value)]))
            });
            let mut text = Vec::new();
            for value in lines.collect::<Result<Vec<Value>>>()? {
                line_of(&mut text, &value)?;
            }
            file.write(&text)?;
        }
        file.finish()?;
    }
    Ok(())
}
