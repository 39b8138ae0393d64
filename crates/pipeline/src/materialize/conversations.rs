//! `conversations/`: the complete conversations.

use clinstruct_store::TaskState;

use super::{Group, Output, line};
use crate::Result;

pub(super) const OUTPUT: Output = Output {
    folder: "conversations",
    wanted: |files| files.conversations,
    reads: |state| state == TaskState::Done,
    write,
};

fn write(group: &Group<'_>, into: &mut Vec<u8>) -> Result<()> {
    let done = group.conversations.iter().filter(|c| c.task.state == TaskState::Done);
    done.filter_map(|c| c.row.as_ref()).try_for_each(|row| line(into, row))
}
