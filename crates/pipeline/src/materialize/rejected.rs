//! `rejected/`: rejected and failed conversations, with the reason.

use clinstruct_schema::{Rejected, SCHEMA_VERSION, Stage};
use clinstruct_store::TaskState;

use super::{Group, Output, line};
use crate::Result;

pub(super) const OUTPUT: Output = Output {
    folder: "rejected",
    wanted: |files| files.conversations,
    reads: |state| state == TaskState::Rejected,
    write,
};

fn write(group: &Group<'_>, into: &mut Vec<u8>) -> Result<()> {
    let rejected = group.conversations.iter().filter(|c| c.task.state == TaskState::Rejected);
    for conversation in rejected {
        let why = conversation.task.rejection.as_ref();
        let rejected = Rejected {
            id: group.conversation_id(conversation.task.key),
            part: group.part.clone(),
            stage: why.map_or(Stage::Turn, |w| w.stage),
            failed: conversation.failed(),
            reason: conversation.reason().to_owned(),
            detail: why.map(|w| w.detail.clone()).unwrap_or_default(),
            messages: conversation.row.as_ref().map(|r| r.messages.clone()).unwrap_or_default(),
            texts: group.failed_texts(conversation.task.key),
            schema_version: SCHEMA_VERSION,
        };
        line(into, &rejected)?;
    }
    Ok(())
}
