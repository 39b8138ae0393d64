use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use clinstruct_draw::{Draw, number};
use clinstruct_schema::ChatRequest;
use serde_json::Value;
use tempfile::TempDir;

use crate::config::{Answer, Asked, Counts, Faults, ProviderConfig};
use crate::oddity::{Armed, Hits, Moment, Place, Reply};
use crate::wire;

/// Start of the virtual clock, in seconds since 1970: 2025-06-15, midnight.
pub(crate) const START: u64 = 1_749_945_600;

/// The API of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    OpenAi,
    Anthropic,
}

/// An uploaded or generated file.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) bytes: u64,
    pub(crate) created_at: u64,
}

/// Number of rows by result.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    pub(crate) succeeded: u64,
    pub(crate) errored: u64,
    pub(crate) expired: u64,
    pub(crate) cancelled: u64,
}

/// How a job ends unless it is cancelled.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    Completed,
    Expired,
    /// With the entries of `errors.data`.
    Failed(Vec<Value>),
}

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) api: Api,
    pub(crate) input_file_id: String,
    pub(crate) endpoint: String,
    pub(crate) window: String,
    pub(crate) metadata: Value,
    pub(crate) created_at: u64,
    /// Retrieves so far.
    pub(crate) polls: u32,
    /// The retrieve that first reports `finalizing`, or the end if there is none.
    pub(crate) worked_at: u32,
    /// The retrieve that reports the end.
    pub(crate) ends_at: u32,
    pub(crate) cancelled: bool,
    pub(crate) fate: Fate,
    pub(crate) total: u64,
    pub(crate) queued_tokens: u64,
    pub(crate) ends: Ends,
    pub(crate) lying: bool,
    /// Whether a missing file has an empty id instead of none.
    pub(crate) blank_ids: bool,
    /// Ids of the files with its rows.
    pub(crate) output: Option<String>,
    pub(crate) errors: Option<String>,
}

impl Job {
    pub(crate) fn has_ended(&self) -> bool {
        self.polls >= self.ends_at
    }
}

/// The latest bill of an id.
#[derive(Debug)]
struct Bill {
    prompt_tokens: u64,
    completion_tokens: u64,
    /// The list of messages.
    thing: String,
    usable: bool,
}

/// The mutable state.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    made: u64,
    ticks: u64,
    calls: HashMap<String, u64>,
    asked: HashMap<String, u64>,
    pub(crate) billed: HashMap<String, u32>,
    bills: HashMap<String, Bill>,
    /// By hash of the messages.
    pub(crate) contents: BTreeMap<String, Asked>,
    /// Messages whose row was omitted once.
    pub(crate) left_out: HashSet<String>,
    pub(crate) oddities: Vec<Armed>,
    pub(crate) files: BTreeMap<String, StoredFile>,
    /// Oldest first.
    pub(crate) jobs: Vec<Job>,
}

impl State {
    /// The next second.
    pub(crate) fn tick(&mut self) -> u64 {
        self.ticks += 1;
        START + self.ticks
    }

    /// How often this kind of call occurred before.
    pub(crate) fn called(&mut self, what: &str) -> u64 {
        self.counts.calls += 1;
        counted(&mut self.calls, what)
    }

    /// How often a row occurred before.
    pub(crate) fn asked(&mut self, custom_id: &str) -> u64 {
        counted(&mut self.asked, custom_id)
    }

    /// Counts a request; returns the hash of its messages.
    pub(crate) fn receive(&mut self, request: &ChatRequest, id: &str) -> String {
        let thing = wire::content(request);
        let content = self.contents.entry(thing.clone()).or_default();
        content.asked += 1;
        if !content.ids.iter().any(|known| known == id) {
            content.ids.push(id.to_owned());
        }
        if content.message.is_empty() {
            content.message =
                request.messages.last().map(|m| m.content.clone()).unwrap_or_default();
        }
        thing
    }

    pub(crate) fn bill(&mut self, id: &str, thing: &str, answer: &Answer, usable: bool) {
        let id = wire::address(id).to_owned();
        let times = self.billed.entry(id.clone()).or_default();
        *times += 1;
        if *times == 2 {
            self.counts.rows_billed_twice += 1;
        }
        self.counts.rows_billed += 1;
        self.counts.prompt_tokens += answer.prompt_tokens;
        self.counts.completion_tokens += answer.completion_tokens;
        let content = self.contents.entry(thing.to_owned()).or_default();
        content.paid += 1;
        content.usable += u32::from(usable);
        let Answer { prompt_tokens, completion_tokens, .. } = *answer;
        let thing = thing.to_owned();
        self.bills.insert(id, Bill { prompt_tokens, completion_tokens, thing, usable });
    }

    /// Refunds the latest bill of a row, if there is one.
    pub(crate) fn unbill(&mut self, id: &str) {
        let id = wire::address(id);
        let Some(bill) = self.bills.remove(id) else { return };
        let Some(times) = self.billed.get_mut(id) else { return };
        *times -= 1;
        match *times {
            0 => {
                self.billed.remove(id);
            }
            1 => self.counts.rows_billed_twice -= 1,
            _ => {}
        }
        self.counts.rows_billed -= 1;
        self.counts.prompt_tokens -= bill.prompt_tokens;
        self.counts.completion_tokens -= bill.completion_tokens;
        if let Some(content) = self.contents.get_mut(&bill.thing) {
            content.paid -= 1;
            content.usable -= u32::from(bill.usable);
        }
    }

    /// Tokens of jobs in flight.
    pub(crate) fn queued_tokens(&self) -> u64 {
        let in_flight = |j: &&Job| j.api == Api::OpenAi && !j.has_ended();
        self.jobs.iter().filter(in_flight).map(|j| j.queued_tokens).sum()
    }

    pub(crate) fn job(&mut self, api: Api, id: &str) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|j| j.api == api && j.id == id)
    }

    /// A page of the jobs, newest first, starting after `after`, and whether there are more. `None` if `after` is not a
    /// job.
    pub(crate) fn page(&self, api: Api, after: Option<&str>, n: usize) -> Option<(Vec<Job>, bool)> {
        let mut jobs = self.jobs.iter().rev().filter(|j| j.api == api);
        if let Some(after) = after {
            jobs.find(|j| j.id == after)?;
        }
        let page: Vec<Job> = jobs.by_ref().take(n).cloned().collect();
        Some((page, jobs.next().is_some()))
    }
}

fn counted(counts: &mut HashMap<String, u64>, what: &str) -> u64 {
    let count = counts.entry(what.to_owned()).or_default();
    *count += 1;
    *count - 1
}

/// A provider: its config and its state.
pub(crate) struct Server {
    pub(crate) config: ProviderConfig,
    pub(crate) dir: TempDir,
    pub(crate) down: AtomicBool,
    state: Mutex<State>,
}

impl Server {
    pub(crate) fn new(config: ProviderConfig) -> std::io::Result<Self> {
        let state = Mutex::new(State { faults: config.faults, ..State::default() });
        Ok(Self { config, dir: tempfile::tempdir()?, down: AtomicBool::new(false), state })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    pub(crate) fn knows_model(&self, model: &str) -> bool {
        self.config.models.is_empty() || self.config.models.iter().any(|m| m == model)
    }

    /// A draw for the n-th attempt of something.
    pub(crate) fn draw(&self, what: &str, id: &str, count: u64) -> Draw {
        Draw::new(self.config.seed, &format!("{id}#{count}"), what)
    }

    /// Whether a fault occurs.
    pub(crate) fn hit(&self, what: &str, rate: f64, id: &str, count: u64) -> bool {
        rate > 0.0 && self.draw(what, id, count).chance(rate)
    }

    /// A new id, and a path for a file of that name.
    pub(crate) fn new_id(&self, prefix: &str) -> (String, PathBuf) {
        let made = {
            let mut state = self.state();
            state.made += 1;
            state.made
        };
        let noise = number(self.config.seed, &made.to_string(), prefix);
        let id = format!("{prefix}{made:06x}{noise:016x}");
        let path = self.dir.path().join(&id);
        (id, path)
    }

    /// The reply before anything is done, if there is one.
    pub(crate) fn instead(&self, place: Place, thing: &str, request: &str) -> Option<Response> {
        let moment = Moment { request, reply: &Value::Null };
        let hits = Hits::of(&mut self.state().oddities, place, thing, &moment, true);
        hits.reply().cloned().map(Reply::into_response)
    }

    /// What applies to a finished reply.
    pub(crate) fn hits(&self, place: Place, thing: &str, request: &str, reply: &Value) -> Hits {
        let moment = Moment { request, reply };
        Hits::of(&mut self.state().oddities, place, thing, &moment, false)
    }

    /// Whether the credit is used up.
    pub(crate) fn is_broke(&self) -> bool {
        self.config.quota_rows.is_some_and(|quota| self.state().counts.rows_billed >= quota)
    }
}
