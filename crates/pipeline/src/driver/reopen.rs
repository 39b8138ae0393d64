//! Reopens tasks that ended without an answer.

use clinstruct_schema::Stage;
use clinstruct_store::{Store, TaskKey, TaskKind, TaskState};

use crate::Result;

/// Which tasks are reopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopen {
    /// Those that the provider refused for a reason that may have been fixed since.
    Refused,
    /// All tasks without an answer.
    Failed,
}

/// Lets tasks that ended without an answer wait for it again, with all their attempts; returns the number of prompts
/// and conversations. Answered ones are unchanged.
pub fn reopen(store: &mut Store, which: Reopen) -> Result<usize> {
    let ended = match which {
        Reopen::Refused => store.refused_tasks()?,
        Reopen::Failed => store.failed_tasks()?,
    };
    let base_of = |key: TaskKey| TaskKey::seed_row(key.part(), key.seed_row_index());
    let mut bases: Vec<TaskKey> = ended.iter().copied().filter(|k| k.is_seed_row()).collect();
    // A conversation without a prompt begins again with its seed row, whose other prompts are found in the store.
    for key in ended.iter().filter(|key| key.kind() == TaskKind::Conversation) {
        let rejection = store.task(*key)?.and_then(|task| task.rejection);
        if rejection.is_some_and(|why| why.stage == Stage::Prompt) {
            bases.extend(base_of(*key));
        }
    }
    bases.sort_unstable();
    bases.dedup();
    let mut put_back = Vec::new();
    for key in ended.iter().chain(bases.iter().filter(|base| !ended.contains(base))) {
        // The conversations of a seed row that failed come again with it.
        if !key.is_seed_row() && base_of(*key).is_some_and(|b| bases.binary_search(&b).is_ok()) {
            continue;
        }
        if let Some(mut task) = store.task(*key)? {
            task.state = TaskState::Waiting;
            task.waiting = None;
            task.attempts = 0;
            task.delivery_attempts = 0;
            task.unusable = 0;
            task.rejection = None;
            if key.is_seed_row() {
                task.steps.clear();
            }
            put_back.push(task);
        }
    }
    store.write(|tx| {
        for base in &bases {
            if let Some(next) = TaskKey::seed_row(base.part(), base.seed_row_index() + 1) {
                tx.clear_task_range(*base, next)?;
            }
        }
        for task in &put_back {
            tx.put_task(task)?;
        }
        tx.forget_given_up(which == Reopen::Refused)
    })?;
    Ok(put_back.len())
}
