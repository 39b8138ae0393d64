//! The backend and model of each simulated speaker.

use std::sync::Arc;

use clinstruct_batch_client::{BatchBackend, Limits};
use clinstruct_schema::{MicroUsd, Price, Speaker, Usage};

/// A route to a model.
#[derive(Debug, Clone)]
pub struct Route {
    /// Name in the journal; unique in the run.
    pub name: String,
    /// The backend.
    pub backend: Arc<dyn BatchBackend>,
    /// Model name at the backend.
    pub model: String,
    /// Its price; `None` if it is free.
    pub price: Option<Price>,
}

impl Route {
    /// What these tokens cost.
    pub fn cost(&self, usage: Usage, limits: &Limits) -> MicroUsd {
        self.price.as_ref().map_or(0, |p| p.cost(usage, limits.price_factor))
    }
}

/// The routes of a run, by speaker.
#[derive(Debug, Clone)]
pub struct Routes {
    list: Vec<Route>,
    /// Prompt writer, assistant, user.
    of: [usize; 3],
}

fn place(speaker: Speaker) -> usize {
    match speaker {
        Speaker::PromptWriter => 0,
        Speaker::Assistant => 1,
        Speaker::User => 2,
    }
}

impl Routes {
    /// One route for all.
    pub fn one(route: Route) -> Self {
        Self { list: vec![route], of: [0; 3] }
    }

    /// Assigns a speaker to another route.
    #[must_use]
    pub fn with(mut self, speaker: Speaker, route: Route) -> Self {
        let known = self.list.iter().position(|r| r.name == route.name);
        let at = known.unwrap_or_else(|| {
            self.list.push(route);
            self.list.len() - 1
        });
        if let Some(slot) = self.of.get_mut(place(speaker)) {
            *slot = at;
        }
        self
    }

    /// All routes that a speaker uses, in the order of their first use.
    pub fn all(&self) -> &[Route] {
        &self.list
    }

    /// The index of a speaker's route in [`all`](Self::all).
    pub fn number(&self, speaker: Speaker) -> usize {
        self.of.get(place(speaker)).copied().unwrap_or(0)
    }

    /// A speaker's route.
    pub fn of(&self, speaker: Speaker) -> &Route {
        // `of` contains indices of `list` only, and `list` is never empty.
        &self.list[self.number(speaker)]
    }
}
