use clinstruct_pipeline::{
    Drive, Outcome, Progress, Reopen, Route, RunContext, StopSignal, Tally, check_plan, reopen,
};
use clinstruct_schema::MicroUsd;
use clinstruct_store::Store;

use crate::budget::{self, Budget};
use crate::{Setup, now, run_name, settings, usage};

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
        check_plan(&context, &store, how)?;
        let begun_with = settings::kept(&store)?;
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
