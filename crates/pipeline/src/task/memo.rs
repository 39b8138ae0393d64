//! What was computed of the seed rows of a run, for those who need it again.
//!
//! A row is laid out, begun and written, and each time it would be drawn, its prompts be read and their cases be completed
//! again. All of it follows from plan, seed and responses, so it does not matter what is kept here and what is not. Only
//! the first rows are kept: memory does not grow with the plan.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clinstruct_store::{Step, TaskKey};

use super::prompt::{AcceptedPrompt, Drawn};

/// Seed rows that are kept: those of the default plan, and not many more.
const ROWS: usize = 24_576;
/// Prompts that are kept, with their facts and cases: those of the default plan, at some 2 kB each.
const PROMPTS: usize = 40_960;

/// A place for each patient of a seed row.
type Prompts = Vec<Option<AcceptedPrompt>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    rows: Mutex<HashMap<TaskKey, Arc<Drawn>>>,
    prompts: Mutex<(usize, HashMap<TaskKey, Prompts>)>,
}

impl Memo {
    /// A seed row that was drawn before.
    pub(super) fn row(&self, key: TaskKey) -> Option<Arc<Drawn>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    pub(super) fn keep_row(&self, key: TaskKey, row: &Arc<Drawn>) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() < ROWS {
            rows.insert(key, Arc::clone(row));
        }
    }

    /// Drops the situations of a seed row whose conversations have begun: they are needed once more, when its rows are
    /// written, and take more memory than all else that is kept.
    pub(super) fn drop_situations(&self, key: TaskKey) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = rows.get_mut(&key) {
            *drawn = Arc::new(Drawn::new(drawn.row()));
        }
    }

    /// The prompts of a seed row that were accepted in these steps. They are given once.
    pub(super) fn take_prompts(&self, key: TaskKey, steps: &[Step]) -> Option<Prompts> {
        let prompts = {
            let mut kept = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
            let prompts = kept.1.remove(&key)?;
            kept.0 -= prompts.len();
            prompts
        };
        let of = |prompt: &AcceptedPrompt, step: &Step| {
            (prompt.step.request, prompt.step.attempts) == (step.request, step.attempts)
        };
        let all = || prompts.iter().flatten();
        let are_same = steps.iter().all(|step| all().any(|prompt| of(prompt, step)))
            && all().all(|prompt| steps.iter().any(|step| of(prompt, step)));
        are_same.then_some(prompts)
    }

    /// Keeps the prompts of a seed row, where it has all of them.
    pub(super) fn keep_prompts(&self, key: TaskKey, prompts: &Prompts) {
        if prompts.iter().any(Option::is_none) {
            return;
        }
        let mut kept = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 + prompts.len() <= PROMPTS && !kept.1.contains_key(&key) {
            kept.0 += prompts.len();
            kept.1.insert(key, prompts.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::RequestId;

    use super::super::reading::Prompt;
    use super::*;

    fn step(request: u8, attempts: u8) -> Step {
        Step { request: RequestId([request; 16]), attempts, cleanup: 0 }
    }

    #[expect(clippy::unnecessary_wraps, reason = "places of patients are optional")]
    fn prompt(step: Step) -> Option<AcceptedPrompt> {
        Some(AcceptedPrompt { prompt: Prompt::unwritten("A question."), step })
    }

    #[test]
    fn prompts_are_given_once_and_only_for_their_steps() {
        let key = TaskKey::seed_row(0, 7).unwrap();
        let (memo, prompts) = (Memo::default(), vec![prompt(step(1, 1)), prompt(step(2, 2))]);
        for (steps, known) in [
            (vec![step(1, 1), step(2, 2)], true),
            (vec![step(1, 1)], false),
            (vec![step(1, 1), step(2, 3)], false),
            (vec![step(1, 1), step(2, 2), step(3, 3)], false),
        ] {
            memo.keep_prompts(key, &prompts);
            assert_eq!(memo.take_prompts(key, &steps).is_some(), known, "{steps:?}");
            assert!(memo.take_prompts(key, &steps).is_none());
        }
    }

    #[test]
    fn what_is_incomplete_or_beyond_the_bound_is_not_kept() {
        let memo = Memo::default();
        let key = |row: usize| TaskKey::seed_row(0, u32::try_from(row).unwrap()).unwrap();
        memo.keep_prompts(key(0), &vec![prompt(step(1, 1)), None]);
        assert!(memo.take_prompts(key(0), &[step(1, 1)]).is_none());
        for row in 0..=PROMPTS {
            memo.keep_prompts(key(row), &vec![prompt(step(1, 1))]);
        }
        assert!(memo.take_prompts(key(PROMPTS), &[step(1, 1)]).is_none());
        assert!(memo.take_prompts(key(0), &[step(1, 1)]).is_some());
        memo.keep_prompts(key(PROMPTS), &vec![prompt(step(1, 1))]);
        assert!(memo.take_prompts(key(PROMPTS), &[step(1, 1)]).is_some());
    }
}
