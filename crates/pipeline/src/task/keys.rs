//! Keys of tasks in the journal.

use clinstruct_catalog::Part;
use clinstruct_multiturn::Variant;
use clinstruct_schema::{BaseRow, RowId};
use clinstruct_store::TaskKey;

use crate::{Error, Result, RunContext};

/// The code of [`Variant::Emergency`] in a key.
const EMERGENCY_CODE: u8 = 200;

pub(crate) fn variant_code(variant: Variant) -> u8 {
    match variant {
        Variant::Styled(n) => u8::try_from(n).unwrap_or(EMERGENCY_CODE - 1),
        Variant::Emergency => EMERGENCY_CODE,
    }
}

pub(crate) fn variant_of(code: u8) -> Variant {
    if code == EMERGENCY_CODE { Variant::Emergency } else { Variant::Styled(usize::from(code)) }
}

/// The conversations that prompt `k` (from 0) of a row becomes.
pub(crate) fn variants_of(
    context: &RunContext<'_>,
    part: u8,
    row: &BaseRow,
    k: usize,
) -> Result<Vec<Variant>> {
    let plan = context.plan(part).ok_or_else(|| Error::JournalMismatch(row.id.to_string()))?;
    Ok(clinstruct_multiturn::variants(plan.part(), row, k))
}

/// The id of a conversation, or of the one that an annotation is about; `None` where the plan does not have it.
pub(crate) fn row_id(context: &RunContext<'_>, key: TaskKey) -> Option<RowId> {
    let plan = context.plan(key.part())?;
    let row = plan.row(key.seed_row_index() as usize)?;
    (key.prompt() > 0).then(|| id_of(plan.part(), &row.id, key))
}

/// The id of a conversation of the seed row `row`.
pub(crate) fn id_of(part: &Part, row: &RowId, key: TaskKey) -> RowId {
    let k = usize::from(key.prompt()).saturating_sub(1);
    clinstruct_multiturn::conversation_id(part, row, k, variant_of(key.variant()))
}

/// The key of a seed row.
pub(crate) fn base_key(part: u8, index: usize) -> Result<TaskKey> {
    let key = u32::try_from(index).ok().and_then(|index| TaskKey::seed_row(part, index));
    key.ok_or_else(|| Error::JournalMismatch(format!("seed row {index}")))
}

/// The key of the record of prompt `k` (from 0) of a seed row.
pub(crate) fn extraction_key(base: TaskKey, k: usize) -> Result<TaskKey> {
    let (part, index) = (base.part(), base.seed_row_index());
    u8::try_from(k + 1)
        .ok()
        .and_then(|prompt| TaskKey::extraction(part, index, prompt))
        .ok_or_else(|| Error::JournalMismatch(format!("prompt {k} of seed row {index}")))
}

/// The key of a conversation from prompt `k` (from 0) of a seed row.
pub(crate) fn conversation_key(base: TaskKey, k: usize, variant: Variant) -> Result<TaskKey> {
    let (part, index) = (base.part(), base.seed_row_index());
    u8::try_from(k + 1)
        .ok()
        .and_then(|prompt| TaskKey::conversation(part, index, prompt, variant_code(variant)))
        .ok_or_else(|| Error::JournalMismatch(format!("prompt {k} of seed row {index}")))
}
