//! What is in flight: requests without a response, and the jobs that carry them.

use std::collections::HashMap;

use clinstruct_schema::{RequestId, Usage};
use clinstruct_store::{JobId, TaskKey};

/// A request that waits for its response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// The waiting task; `None` until an earlier process's task is known.
    pub(super) task: Option<TaskKey>,
    /// The job that it was last sent with; `None` while it is queued.
    pub(super) job: Option<JobId>,
}

impl Pending {
    fn asks_for_prompts(self) -> bool {
        self.task.is_some_and(TaskKey::is_seed_row)
    }
}

/// A job in flight, with statistics of its rows so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Job {
    pub(super) tag: String,
    pub(super) route: usize,
    /// Bytes of its requests; 0 if an earlier process sent it.
    pub(super) size: u64,
    /// Estimated tokens that it occupies in the provider's queue.
    pub(super) tokens: u64,
    pub(super) usage: Usage,
    pub(super) answered: u64,
    /// Rows in which the model responded.
    pub(super) responded: u64,
    /// Received rows that are unusable or refusals.
    pub(super) unusable: u64,
    /// Received rows without a request id.
    pub(super) nameless: u64,
    /// Rows that the provider throttled.
    pub(super) throttled: u64,
    /// Its first error, in the provider's words.
    pub(super) fault: Option<String>,
}

/// Requests and jobs in flight.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    requests: HashMap<RequestId, Pending>,
    /// Those that ask for the prompts of a seed row.
    of_seed_rows: usize,
    jobs: HashMap<JobId, Job>,
}

impl InFlight {
    /// Requests that wait.
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Those of them that ask for the prompts of a seed row.
    pub(super) fn of_seed_rows(&self) -> usize {
        self.of_seed_rows
    }

    fn put(&mut self, request: RequestId, pending: Pending) -> Option<Pending> {
        self.of_seed_rows += usize::from(pending.asks_for_prompts());
        let before = self.requests.insert(request, pending);
        self.of_seed_rows -= usize::from(before.is_some_and(Pending::asks_for_prompts));
        before
    }

    pub(super) fn pending(&self, request: RequestId) -> Option<Pending> {
        self.requests.get(&request).copied()
    }

    /// A task waits for a request that is to be sent; returns whether the request is new.
    pub(super) fn queue(&mut self, request: RequestId, task: TaskKey) -> bool {
        self.put(request, Pending { task: Some(task), job: None }).is_none()
    }

    /// Whether a request waits to be sent.
    pub(super) fn is_queued(&self, request: RequestId) -> bool {
        self.requests.get(&request).is_some_and(|p| p.job.is_none())
    }

    /// A request was sent with a job.
    pub(super) fn send(&mut self, request: RequestId, job: JobId) {
        if let Some(pending) = self.requests.get_mut(&request) {
            pending.job = Some(job);
        }
    }

    /// A request that an earlier process sent with a job.
    pub(super) fn recover(&mut self, request: RequestId, job: JobId) {
        self.put(request, Pending { task: None, job: Some(job) });
    }

    /// A task waits for a recovered request; false if that is not in flight.
    pub(super) fn recover_task(&mut self, request: RequestId, task: TaskKey) -> bool {
        let Some(pending) = self.pending(request) else { return false };
        self.put(request, Pending { task: Some(task), ..pending });
        true
    }

    /// A request has its response.
    pub(super) fn remove(&mut self, request: RequestId) {
        let removed = self.requests.remove(&request);
        self.of_seed_rows -= usize::from(removed.is_some_and(Pending::asks_for_prompts));
    }

    /// Takes back a request that was last sent with this job.
    pub(super) fn take_back(&mut self, request: RequestId, job: JobId) -> Option<Pending> {
        let pending = self.pending(request).filter(|p| p.job == Some(job))?;
        self.remove(request);
        Some(pending)
    }

    pub(super) fn open_job(&mut self, id: JobId, job: Job) {
        self.jobs.insert(id, job);
    }

    pub(super) fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    pub(super) fn job_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.get_mut(&id)
    }

    pub(super) fn close_job(&mut self, id: JobId) -> Option<Job> {
        self.jobs.remove(&id)
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Tokens in the provider's queue and number of jobs, by route.
    pub(super) fn on_route(&self, route: usize) -> (u64, usize) {
        self.jobs
            .values()
            .filter(|j| j.route == route)
            .fold((0, 0), |(tokens, many), j| (tokens + j.tokens, many + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(n: u8) -> RequestId {
        RequestId([n; 16])
    }

    fn task(n: u32) -> TaskKey {
        TaskKey::seed_row(0, n).unwrap()
    }

    const FIRST: JobId = JobId(1);
    const SECOND: JobId = JobId(2);

    #[test]
    fn a_request_is_queued_then_sent_then_gone() {
        let mut in_flight = InFlight::default();
        assert!(in_flight.queue(request(1), task(1)));
        // A second task that waits for the same request replaces the first, and sends nothing.
        assert!(!in_flight.queue(request(1), task(2)));
        assert!(in_flight.is_queued(request(1)) && in_flight.len() == 1);
        in_flight.send(request(1), FIRST);
        assert!(!in_flight.is_queued(request(1)));
        let pending = Pending { task: Some(task(2)), job: Some(FIRST) };
        assert_eq!(in_flight.pending(request(1)), Some(pending));
        in_flight.remove(request(1));
        assert_eq!((in_flight.pending(request(1)), in_flight.len()), (None, 0));
    }

    #[test]
    fn requests_of_seed_rows_are_counted_until_they_are_answered() {
        let mut in_flight = InFlight::default();
        let conversation = TaskKey::conversation(0, 1, 1, 1).unwrap();
        in_flight.queue(request(1), task(1));
        in_flight.queue(request(1), task(1));
        in_flight.queue(request(2), conversation);
        in_flight.recover(request(3), FIRST);
        assert_eq!((in_flight.of_seed_rows(), in_flight.len()), (1, 3));
        in_flight.recover_task(request(3), task(3));
        assert_eq!(in_flight.of_seed_rows(), 2);
        in_flight.take_back(request(3), FIRST);
        in_flight.remove(request(1));
        in_flight.remove(request(1));
        assert_eq!((in_flight.of_seed_rows(), in_flight.len()), (0, 1));
    }

    #[test]
    fn a_job_takes_back_only_what_was_not_sent_again() {
        let mut in_flight = InFlight::default();
        for n in [1, 2] {
            in_flight.queue(request(n), task(n.into()));
            in_flight.send(request(n), FIRST);
        }
        in_flight.send(request(2), SECOND);
        let taken = in_flight.take_back(request(1), FIRST).unwrap();
        assert_eq!(taken.task, Some(task(1)));
        assert_eq!(in_flight.take_back(request(2), FIRST), None);
        assert_eq!(in_flight.take_back(request(1), FIRST), None);
        assert_eq!(in_flight.len(), 1);
    }

    #[test]
    fn what_an_earlier_process_sent_finds_its_task() {
        let mut in_flight = InFlight::default();
        in_flight.recover(request(1), FIRST);
        assert_eq!(in_flight.pending(request(1)).unwrap().task, None);
        assert!(in_flight.recover_task(request(1), task(1)));
        assert!(!in_flight.recover_task(request(2), task(2)), "it was not sent");
        let pending = Pending { task: Some(task(1)), job: Some(FIRST) };
        assert_eq!(in_flight.pending(request(1)), Some(pending));
    }

    #[test]
    fn jobs_are_counted_by_route() {
        let mut in_flight = InFlight::default();
        for (id, route, tokens) in [(FIRST, 0, 5), (SECOND, 1, 7), (JobId(3), 1, 11)] {
            in_flight.open_job(id, Job { route, tokens, ..Job::default() });
        }
        assert_eq!((in_flight.on_route(0), in_flight.on_route(1)), ((5, 1), (18, 2)));
        assert_eq!(in_flight.close_job(SECOND).unwrap().tokens, 7);
        assert!(in_flight.close_job(SECOND).is_none() && in_flight.has_jobs());
        assert_eq!((in_flight.on_route(1), in_flight.jobs().count()), ((11, 1), 2));
    }
}
