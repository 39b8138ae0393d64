//! Planned conversations that break the table of contradictions.

use clinstruct_multiturn::{contradictions, conversation_id, situation, variants};
use clinstruct_schema::RowId;

use crate::RunContext;

/// The number of planned conversations, and those that have a pair of the table, each with its first one: none, unless
/// the draws and the table disagree.
pub fn contradictions_of(context: &RunContext<'_>) -> (u64, Vec<(RowId, String, String)>) {
    let (mut all, mut broken) = (0, Vec::new());
    for (_, plan) in &context.plans {
        let part = plan.part();
        for row in plan.rows() {
            for k in 0..row.frames.len() {
                for variant in variants(part, &row, k) {
                    all += 1;
                    let drawn =
                        situation(context.catalog, part, context.config.seed, &row, k, variant);
                    let found = contradictions(context.catalog, &row, k, &drawn);
                    if let Some((one, other)) = found.into_iter().next() {
                        broken.push((conversation_id(part, &row.id, k, variant), one, other));
                    }
                }
            }
        }
    }
    (all, broken)
}
