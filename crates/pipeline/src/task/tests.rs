//! Every transition of every task.

mod conversation;
mod extraction;
mod prompt;

use std::sync::{Arc, LazyLock};

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchRequest;
use clinstruct_catalog::Catalog;
use clinstruct_parser::decode;
use clinstruct_schema::{
    Completion, Fault, FinishReason, RequestId, RowFormat, RowOutcome, Stage, Usage,
};
use clinstruct_store::{GivenUp, Rejection, TaskKey, TaskRecord, TaskState};

use super::{Stepped, Task, give_up, start, step};
use crate::{Route, Routes, RunConfig, RunContext};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fn engine() -> Rehearsal {
    Rehearsal::new(CATALOG.instructions(), Rates::none(), None)
}

/// A run of one part; `costs` says whether its responses are paid for.
fn context(part: &str, costs: bool) -> RunContext<'static> {
    let config = RunConfig { parts: vec![part.into()], deliveries: 3, ..RunConfig::default() };
    let (name, model) = ("rehearsal".to_owned(), "rehearsal".to_owned());
    let route = Route { name, backend: Arc::new(engine()), model, price: None };
    let mut context = RunContext::new(&CATALOG, config, Routes::one(route)).unwrap();
    context.free = !costs;
    context
}

/// A task that waits, as the driver holds it.
struct Waiting {
    record: TaskRecord,
    request: BatchRequest,
    task: Task,
}

impl Waiting {
    /// A seed row of the context's part: of those all of whose prompts have their usual number of variants.
    fn base(context: &RunContext<'_>, nth: usize) -> Self {
        let plan = &context.plans[0].1;
        let usual = |i: &usize| {
            plan.row(*i).unwrap().frames.iter().all(|frame| !frame.emergency_instruction)
        };
        Self::seed_row(context, (0..plan.len()).filter(usual).nth(nth).unwrap())
    }

    /// Seed row `index` of the context's part.
    fn seed_row(context: &RunContext<'_>, index: usize) -> Self {
        let (record, request, task) = start(context, context.plans[0].0, index).unwrap().unwrap();
        Self { record, request, task }
    }

    fn step(self, context: &RunContext<'_>, outcome: &RowOutcome) -> Stepped {
        step(context, self.record, self.task, self.request.id, Ok(outcome)).unwrap()
    }

    /// The next state, where the task has to ask again.
    fn asks(self, context: &RunContext<'_>, outcome: &RowOutcome) -> Self {
        self.step(context, outcome).asks()
    }

    /// What the request gets where its job has no row for it.
    fn misses(self, context: &RunContext<'_>) -> Stepped {
        step(context, self.record, self.task, self.request.id, Err("no row came")).unwrap()
    }

    /// A good response.
    fn good(&self) -> RowOutcome {
        let row = engine().rows_of("job", &self.request).pop().unwrap();
        decode(RowFormat::OpenaiBatch, &row).outcome
    }

    /// Attempts, deliveries without cost, and paid ones, as the journal counts them.
    fn counts(&self) -> [u32; 3] {
        [self.record.attempts, self.record.delivery_attempts, self.record.unusable]
    }
}

impl Stepped {
    /// The one task that waits.
    fn asks(mut self) -> Waiting {
        assert_eq!((self.records.len(), self.requests.len()), (1, 1), "{:?}", self.records);
        assert_eq!(self.given_up, []);
        let (record, (key, request, task)) =
            (self.records.pop().unwrap(), self.requests.pop().unwrap());
        assert_eq!((record.key, record.state), (key, TaskState::Waiting));
        assert_eq!(record.waiting, Some(request.id));
        Waiting { record, request, task }
    }

    /// All tasks that wait.
    fn waiting(self) -> Vec<Waiting> {
        let Self { records, requests, .. } = self;
        let one = |(key, request, task): (TaskKey, BatchRequest, Task)| {
            let record = records.iter().find(|r| r.key == key).unwrap().clone();
            assert_eq!(record.waiting, Some(request.id));
            Waiting { record, request, task }
        };
        requests.into_iter().map(one).collect()
    }

    /// Stage, whether it failed, reason and detail of each rejected task, in order.
    fn rejections(&self) -> Vec<(TaskKey, &Rejection)> {
        let rejected = self.records.iter().filter(|r| r.state == TaskState::Rejected);
        rejected.map(|r| (r.key, r.rejection.as_ref().unwrap())).collect()
    }
}

fn answer(text: &str) -> RowOutcome {
    RowOutcome::Answer(Completion {
        text: text.into(),
        reasoning: None,
        rehearsal: false,
        finish: FinishReason::Stop,
        model: "m".into(),
        usage: None,
    })
}

/// A response without a usable text.
fn refusal() -> RowOutcome {
    RowOutcome::Refused { text: "I cannot help with that.".into(), usage: None }
}

fn empty() -> RowOutcome {
    RowOutcome::Empty { usage: None }
}

/// An error of the provider; with `usage`, one that is billed.
fn failed(fault: Fault, usage: Option<Usage>) -> RowOutcome {
    let (code, message) = ("code".into(), "words".into());
    RowOutcome::Failed { fault, status: Some(500), code, message, usage }
}

fn given_up(request: RequestId, key: TaskKey) -> GivenUp {
    let (reason, detail) = ("provider_error".into(), "code: words".into());
    GivenUp { request, task: key, refused: false, reason, detail }
}
