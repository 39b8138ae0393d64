//! `prompts/`: the accepted prompts, with what was fixed about them and what they state.

use clinstruct_schema::json::{Field, optional_field};
use clinstruct_schema::{
    Attributes, Frame, PartId, PatientCard, RowId, SCHEMA_VERSION, Stated, Subject, TurnProvenance,
};
use serde::{Deserialize, Serialize};

use super::file::line_of;
use super::group::PromptPatient;
use super::old_file::OldFile;
use super::{Group, Output};
use crate::Result;

pub(super) const OUTPUT: Output =
    Output { folder: "prompts", wanted: |files| files.prompts, reads: |_| false, write };

/// A row of the file.
#[derive(Debug, Serialize)]
struct PromptRow<'a> {
    id: &'a RowId,
    part: &'a PartId,
    prompt: &'a str,
    /// What its conversations ask of the answers, in the words of its writer.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    requests: &'a [String],
    subjects: &'a [Subject],
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<Field<'a, Frame>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<Field<'a, Stated>>,
    /// Of a prompt that an earlier version requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Field<'a, PatientCard>>,
    provenance: PromptProvenance<'a>,
    schema_version: u32,
}

#[derive(Debug, Serialize)]
struct PromptProvenance<'a> {
    backend: &'a str,
    model: &'a str,
    rehearsal: bool,
    seed: u64,
    turns: [Field<'a, TurnProvenance>; 1],
}

/// The line of a prompt: which response has it, and what is known of its patient.
#[derive(Deserialize)]
pub(super) struct PromptLine {
    #[serde(default, deserialize_with = "optional_field")]
    pub(super) frame: Option<Frame>,
    #[serde(default, deserialize_with = "optional_field")]
    pub(super) stated: Option<Stated>,
    pub(super) provenance: PromptLineProvenance,
}

#[derive(Deserialize)]
pub(super) struct PromptLineProvenance {
    pub(super) turns: Vec<TurnProvenance>,
}

impl PromptLine {
    /// The line of the prompt that a conversation began with; `None` where the file has none that can be read.
    pub(super) fn of(prompts: &OldFile, attributes: &Attributes) -> Option<Self> {
        serde_json::from_str(&prompts.line(attributes.base.as_str())?).ok()
    }
}

fn write(group: &Group<'_>, into: &mut Vec<u8>) -> Result<()> {
    let context = group.context;
    for prompt in group.prompts.iter().flatten() {
        let (frame, stated, card) = match &prompt.patient {
            PromptPatient::Planned { frame, stated } => (Some(frame), Some(stated), None),
            PromptPatient::Card(card) => (None, None, card.as_ref()),
        };
        let prompt = PromptRow {
            id: &prompt.id,
            part: &group.part,
            prompt: &prompt.text,
            requests: &prompt.requests,
            subjects: &prompt.subjects,
            frame: frame.map(Field),
            stated: stated.map(Field),
            card: card.map(Field),
            provenance: PromptProvenance {
                backend: &context.backend.0,
                model: &context.model,
                rehearsal: group.rehearsal,
                seed: context.config.seed,
                turns: [Field(&prompt.provenance)],
            },
            schema_version: SCHEMA_VERSION,
        };
        line_of(into, &prompt)?;
    }
    Ok(())
}
