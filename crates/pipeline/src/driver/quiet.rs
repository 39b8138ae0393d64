//! Says once that a model is waited for, so that nobody thinks that the run hangs.

use std::time::Duration;

use tokio::time::Instant;

use super::Driver;
use crate::Event;

/// Silence after the first question that is told.
const SILENCE: Duration = Duration::from_secs(5);

/// Whether a model has been heard of.
#[derive(Debug)]
pub(super) enum FirstWord {
    /// None was asked.
    NotAsked,
    /// The first was asked; its silence is told at a time.
    Waited { who: String, until: Instant },
    /// One was heard of, or the silence was told.
    Over,
}

impl Driver<'_, '_> {
    /// Notes that a route is asked, or was before. A rehearsal answers at once, or is busy here.
    pub(super) fn asked(&mut self, route: usize) {
        let Some(queue) = self.queues.get(route).filter(|q| !q.limits.rehearsal) else { return };
        if matches!(self.first_word, FirstWord::NotAsked) {
            let who = queue.route.name.clone();
            self.first_word = FirstWord::Waited { who, until: Instant::now() + SILENCE };
        }
    }

    /// Notes that something was heard, be it trouble.
    pub(super) fn heard(&mut self) {
        self.first_word = FirstWord::Over;
    }

    /// When the silence is to be told.
    pub(super) fn silent_until(&self) -> Option<Instant> {
        match &self.first_word {
            FirstWord::Waited { until, .. } => Some(*until),
            FirstWord::NotAsked | FirstWord::Over => None,
        }
    }

    /// Tells of the silence.
    pub(super) fn tell_silence(&mut self) {
        if let FirstWord::Waited { who, .. } =
            std::mem::replace(&mut self.first_word, FirstWord::Over)
        {
            self.progress.event(Event::Silent { who });
        }
    }

    /// Waits for an answer, and tells of the silence meanwhile.
    pub(super) async fn answer_of<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let mut answer = std::pin::pin!(answer);
        if let Some(until) = self.silent_until() {
            tokio::select! {
                answer = &mut answer => return answer,
                () = tokio::time::sleep_until(until) => self.tell_silence(),
            }
        }
        answer.await
    }
}
