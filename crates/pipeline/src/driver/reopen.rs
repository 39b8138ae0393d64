//! Units that ended without an answer, put back to where they wait for one.

use clinstruct_store::{Store, UnitKey, UnitState};

use crate::Result;

/// Which units are reopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopen {
    /// Those that the provider refused for a reason that somebody may have changed since.
    Refused,
    /// All for which no answer could be had.
    Failed,
}

/// Puts units that ended without an answer back to where they wait for it, with all their attempts; says how
/// many prompts and conversations these are. What was answered stays.
pub fn reopen(store: &mut Store, which: Reopen) -> Result<usize> {
    let ended = match which {
        Reopen::Refused => store.refused_units()?,
        Reopen::Failed => store.failed_units()?,
    };
    let bases: Vec<UnitKey> = ended.iter().copied().filter(|k| k.is_base()).collect();
    let base_of = |key: UnitKey| UnitKey::base(key.part(), key.base_index());
    let mut put_back = Vec::new();
    for key in &ended {
        // The conversations of a base row that failed come again with it.
        if !key.is_base() && base_of(*key).is_some_and(|b| bases.binary_search(&b).is_ok()) {
            continue;
        }
        if let Some(mut unit) = store.unit(*key)? {
            unit.state = UnitState::Waiting;
            unit.waiting = None;
            unit.tries = 0;
            unit.infra_tries = 0;
            unit.unusable = 0;
            unit.rejection = None;
            put_back.push(unit);
        }
    }
    store.write(|tx| {
        for base in &bases {
            if let Some(next) = UnitKey::base(base.part(), base.base_index() + 1) {
                tx.clear_some_units(*base, next)?;
            }
        }
        for unit in &put_back {
            tx.put_unit(unit)?;
        }
        tx.forget_given_up(which == Reopen::Refused)
    })?;
    Ok(put_back.len())
}
