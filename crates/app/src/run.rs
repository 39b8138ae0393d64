use std::path::Path;

use clinstruct_pipeline::{
    Drive, Error, Outcome, Progress, Reopen, Route, RunContext, StopSignal, Tally, check_plan,
    reopen,
};
use clinstruct_schema::MicroUsd;
use clinstruct_store::Store;

use crate::budget::{self, Budget};
use crate::{Settings, Setup, now, run_name, settings, usage};

/// Adds to a refused plan where the resources of the run and those of this call are from.
fn with_resources(e: Error, begun_with: Option<&str>, setup: &Setup) -> Error {
    let Error::PlanChange(mut change) = e else { return e };
    let before = begun_with.and_then(|saved| serde_json::from_str::<Settings>(saved).ok());
    if let Some(before) = before.filter(|_| change.has_other_resources) {
        change.resources =
            resources_of_both(before.resources.as_deref(), setup.settings.resources.as_deref());
    }
    Error::PlanChange(change)
}

fn resources_of_both(before: Option<&Path>, now: Option<&Path>) -> String {
    // A run keeps whole paths.
    let absolute = |dir: &Path| std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let name = |dir: Option<&Path>| match dir {
        None => "the built-in resources".to_owned(),
        Some(dir) => format!("the resources in {}", dir.display()),
    };
    match (before, now) {
        (None, None) => {
            "the built-in resources differ from those of the version that began the run".into()
        }
        (Some(before), Some(now)) if absolute(before) == absolute(now) => {
            format!("{} have changed since the run was begun", name(Some(now)))
        }
        (before, now) => {
            format!("the run was begun with {}, and this command uses {}", name(before), name(now))
        }
    }
}

/// A run that is open for writing. Call [`budget`](Self::budget), [`begin`](Self::begin), [`drive`](Self::drive), in
/// this order.
#[derive(Debug)]
pub struct Run<'s> {
    /// Configuration of the pipeline.
    pub context: RunContext<'s>,
    /// Journal and raw responses.
    pub store: Store,
    setup: &'s Setup,
    how: Drive,
    /// The settings that were saved with the run before.
    begun_with: Option<String>,
}

impl<'s> Run<'s> {
    /// Opens the run of a setup, and refuses what would change or drop rows that have answers.
    pub fn open(setup: &'s Setup, how: Drive) -> crate::Result<Self> {
        let detached = matches!(how, Drive::SubmitOnly | Drive::CollectOnly);
        let context = setup.context(detached)?;
        let ends_with_us = |r: &Route| !r.backend.capabilities().survives_process;
        if let Some(route) = context.routes.all().iter().find(|r| detached && ends_with_us(r)) {
            return Err(usage(
                format!("the jobs of the {} backend end with this process", route.backend.id()),
                "use `clinstruct build`; stop it with Ctrl-C and type it again at any time",
            ));
        }
        let store = setup.store(context.free)?;
        // Before the user is asked to pay, and before rejected settings are saved.
        let begun_with = settings::kept(&store)?;
        check_plan(&context, &store, how)
            .map_err(|e| with_resources(e, begun_with.as_deref(), setup))?;
        Ok(Self { context, store, setup, how, begun_with })
    }

    /// What it may cost; `None` where it sends nothing, or nothing that costs.
    pub fn budget(&self) -> crate::Result<Option<Budget>> {
        if matches!(self.how, Drive::ToTheEnd | Drive::SubmitOnly) {
            return budget::budget(self.setup, &self.context, &self.store);
        }
        Ok(None)
    }

    /// Saves the settings and the spending limit with the run. With `retry`, reopens failed tasks and returns their
    /// number.
    pub fn begin(
        &mut self,
        max_cost: Option<MicroUsd>,
        retry: bool,
    ) -> crate::Result<Option<usize>> {
        self.context.config.max_cost = max_cost;
        settings::keep(&mut self.store, &settings::to_save(&self.setup.settings)?)?;
        if !retry {
            return Ok(None);
        }
        Ok(Some(reopen(&mut self.store, Reopen::Failed)?))
    }

    /// Drives the run until it ends or `stop` is requested. If the run refuses another account, it keeps the settings
    /// that it was built with, for `resume` to find.
    pub async fn drive(
        &mut self,
        progress: &mut dyn Progress,
        stop: &StopSignal,
    ) -> crate::Result<(Outcome, Tally)> {
        let name = run_name(self.setup);
        let Self { context, store, how, .. } = self;
        let driven =
            clinstruct_pipeline::run(context, store, progress, stop, now, &name, *how).await;
        let refused = matches!(driven, Err(clinstruct_pipeline::Error::OtherAccount { .. }));
        if let (true, Some(before)) = (refused, &self.begun_with) {
            settings::keep(&mut self.store, before)?;
        }
        Ok(driven?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_plan_says_where_the_resources_are_from() {
        let of = |before: Option<&str>, now: Option<&str>| {
            resources_of_both(before.map(Path::new), now.map(Path::new))
        };
        for (before, now, text) in [
            (
                None,
                None,
                "the built-in resources differ from those of the version that began the run",
            ),
            (
                None,
                Some("mine"),
                "the run was begun with the built-in resources, and this command uses the resources in mine",
            ),
            (
                Some("/mine"),
                None,
                "the run was begun with the resources in /mine, and this command uses the built-in resources",
            ),
            (
                Some("/mine"),
                Some("/mine"),
                "the resources in /mine have changed since the run was begun",
            ),
        ] {
            assert_eq!(of(before, now), text);
        }
    }
}
