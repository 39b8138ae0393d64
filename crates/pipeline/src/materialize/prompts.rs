//! `prompts/`: the accepted prompts, with what was fixed about them and what they state.

use clinstruct_schema::{Frame, PartId, RowId, SCHEMA_VERSION, Stated, Subject, TurnProvenance};
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
    frame: &'a Frame,
    stated: &'a Stated,
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
    let prompts = group.prompts.iter().zip(&row.frames).enumerate();
    for (k, (prompt, frame)) in prompts {
        let Some((prompt, turn)) = prompt else { continue };
        let prompt = PromptRow {
            id: group.prompt_id(k),
            part: &row.part,
            prompt: &prompt.text.text,
            subjects: &row.subjects,
            frame,
            stated: &prompt.stated,
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
