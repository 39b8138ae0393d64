//! `situations/`: the situation of each conversation that has its prompt.

use clinstruct_schema::{SCHEMA_VERSION, SituationRow};

use super::{Group, Output, line};
use crate::Result;

pub(super) const OUTPUT: Output =
    Output { folder: "situations", wanted: |files| files.situations, reads: |_| true, write };

fn write(group: &Group<'_>, into: &mut Vec<u8>) -> Result<()> {
    for conversation in group.conversations.iter().filter_map(|c| c.row.as_ref()) {
        let situation = SituationRow {
            id: conversation.id.clone(),
            part: conversation.part.clone(),
            attributes: conversation.attributes.clone(),
            schema_version: SCHEMA_VERSION,
        };
        line(into, &situation)?;
    }
    Ok(())
}
