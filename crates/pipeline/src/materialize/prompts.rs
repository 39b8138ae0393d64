//! `prompts/`: the accepted prompts, with their patients.

use clinstruct_schema::{PartId, PatientCard, RowId, SCHEMA_VERSION, Subject, TurnProvenance};
use serde::Serialize;

use super::{Group, Output, line};
use crate::Result;

pub(super) const OUTPUT: Output =
    Output { folder: "prompts", wanted: |files| files.prompts, reads: |_| false, write };

/// A row of the file.
#[derive(Debug, Serialize)]
struct PromptRow<'a> {
    id: RowId,
    part: &'a PartId,
    prompt: &'a str,
    subjects: &'a [Subject],
    card: &'a PatientCard,
    provenance: PromptProvenance<'a>,
    schema_version: u32,
}

#[derive(Debug, Serialize)]
struct PromptProvenance<'a> {
    backend: &'a str,
    model: &'a str,
    rehearsal: bool,
    seed: u64,
    turns: Vec<TurnProvenance>,
}

fn write(group: &Group<'_>, into: &mut Vec<u8>) -> Result<()> {
    let (context, row) = (group.context, &group.row);
    let prompts = group.prompts.iter().zip(&row.cards).enumerate();
    for (k, (prompt, card)) in prompts {
        let Some((prompt, turn)) = prompt else { continue };
        let prompt = PromptRow {
            id: group.prompt_id(k),
            part: &row.part,
            prompt: &prompt.text,
            subjects: &row.subjects,
            card,
            provenance: PromptProvenance {
                backend: &context.backend.0,
                model: &context.model,
                rehearsal: group.rehearsal,
                seed: context.config.seed,
                turns: vec![turn.clone()],
            },
            schema_version: SCHEMA_VERSION,
        };
        line(into, &prompt)?;
    }
    Ok(())
}
