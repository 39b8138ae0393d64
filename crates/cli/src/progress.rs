//! Progress on stderr: one line that is updated on a terminal, lines with time stamps elsewhere, or JSON objects.
//!
//! A thread of its own draws it, since the run may wait for hours without anything to report.

mod line;
mod state;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clinstruct_app::now;
use clinstruct_pipeline::{Event, Progress, Tally};
use clinstruct_schema::counted;
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::reason;
use crate::table::number;
use crate::terminal::{self, Level, look, printable};
pub(crate) use line::{duration, left, rounded};
pub(crate) use state::Size;
use state::State;

/// Interval at which the line on a terminal is drawn.
const FRAME: Duration = Duration::from_millis(125);
/// Shortest and longest interval between lines that are not on a terminal.
const LINES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// Silence after which a heartbeat is printed, and the interval of heartbeats.
const HEARTBEAT: Duration = Duration::from_mins(1);
/// Time from which on a phase is shown that has nothing but its time.
const SHORT: Duration = Duration::from_millis(50);
/// Characters of a row's fault that are quoted without `-v`.
const QUOTED: usize = 90;
/// Columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// Where progress goes.
#[derive(Debug, Clone)]
enum Target {
    /// The line on a terminal.
    Bar(ProgressBar),
    /// Lines with time stamps.
    Lines,
    /// JSON objects.
    Json,
    /// Nowhere.
    Nowhere,
}

#[derive(Debug)]
struct Shared {
    target: Target,
    state: Mutex<State>,
    ended: Mutex<bool>,
    wake: Condvar,
}

/// Shows the progress of a run.
#[derive(Debug)]
pub(crate) struct Terminal {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Terminal {
    /// Starts with the phase `name`, which began at `began`.
    pub(crate) fn start(name: &str, began: Instant) -> Self {
        let target = match look() {
            look if look.level == Level::Quiet => Target::Nowhere,
            look if look.json => Target::Json,
            _ if Term::stderr().is_term() => {
                let draw = ProgressDrawTarget::stderr_with_hz(8);
                let bar = ProgressBar::with_draw_target(None, draw);
                if let Ok(style) = ProgressStyle::with_template("{msg}") {
                    bar.set_style(style);
                }
                Target::Bar(bar)
            }
            _ => Target::Lines,
        };
        if let Target::Bar(bar) = &target {
            terminal::show(Some(bar.clone()));
        }
        let mut state = State::new(began, Instant::now());
        state.phase = Some((name.to_owned(), began));
        let shared = Arc::new(Shared {
            target,
            state: Mutex::new(state),
            ended: Mutex::new(false),
            wake: Condvar::new(),
        });
        let drawn = Arc::clone(&shared);
        // Without the thread, only the phases are shown.
        let thread = std::thread::Builder::new().spawn(move || drawn.draw()).ok();
        Self { shared, thread }
    }

    /// Sets how much the run is, and whether all of its answers are those of a rehearsal.
    pub(crate) fn size(&self, size: Size, is_rehearsal: bool) {
        let mut state = lock(&self.shared.state);
        state.size(size);
        state.is_rehearsal = is_rehearsal;
    }

    /// Ends the phase in which the plan is laid out, if that is the present one.
    fn begin_to_generate(&self) {
        let planned = {
            let state = lock(&self.shared.state);
            let is_plan = state.phase.as_ref().is_some_and(|(name, _)| name == PLAN);
            is_plan.then(|| counted(state.planned(), "conversation"))
        };
        if let Some(planned) = planned {
            self.phase(Some(GENERATE), &planned);
        }
    }

    /// Ends the current phase with a line that has its time and what came of it, and starts the next one.
    pub(crate) fn phase(&self, next: Option<&str>, result: &str) {
        let at = Instant::now();
        let next = next.map(|name| (name.to_owned(), at));
        let Some((name, began)) = std::mem::replace(&mut lock(&self.shared.state).phase, next)
        else {
            return;
        };
        let took = at.saturating_duration_since(began);
        match &self.shared.target {
            Target::Nowhere => {}
            Target::Json => {
                let mut event = json!({ "event": "phase", "name": name, "seconds": seconds(took) });
                if !result.is_empty() {
                    event["text"] = result.into();
                }
                terminal::event(&event);
            }
            // Nobody waits for it, and nothing is to be said of it.
            _ if result.is_empty() && took < SHORT => {}
            _ => {
                let gap = if result.is_empty() { "" } else { "  " };
                self.line(&format!("{name:<10}{:>9}{gap}{result}", duration(took)));
            }
        }
    }

    /// Ends the display. The rest of a phase is not shown.
    pub(crate) fn finish(&mut self) {
        *lock(&self.shared.ended) = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Target::Bar(bar) = &self.shared.target {
            bar.finish_and_clear();
            terminal::show(None);
        }
    }

    /// Time since the command began.
    pub(crate) fn elapsed(&self) -> Duration {
        lock(&self.shared.state).elapsed(Instant::now())
    }

    fn line(&self, text: &str) {
        self.shared.line(text);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn line(&self, text: &str) {
        match self.target {
            Target::Bar(_) => terminal::line(text),
            Target::Lines => terminal::line(&format!("{} {text}", terminal::stamp())),
            Target::Json | Target::Nowhere => {}
        }
    }

    /// Draws until the end.
    fn draw(&self) {
        let mut last_line = Instant::now();
        let mut last_beat = Instant::now();
        loop {
            let pause = if matches!(self.target, Target::Bar(_)) { FRAME } else { LINES.0 / 10 };
            let ended = lock(&self.ended);
            let (ended, _) =
                self.wake.wait_timeout(ended, pause).unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return;
            }
            drop(ended);
            let at = Instant::now();
            let interval = (lock(&self.state).elapsed(at) / 10).clamp(LINES.0, LINES.1);
            match &self.target {
                Target::Nowhere => {}
                Target::Bar(bar) => bar.set_message(self.frame(at)),
                Target::Lines | Target::Json => {
                    let (is_silent, beat) = {
                        let state = lock(&self.state);
                        (state.is_silent(at, HEARTBEAT), state.heartbeat(now()))
                    };
                    if let Some(beat) = beat.filter(|_| is_silent) {
                        if last_beat.elapsed() >= HEARTBEAT {
                            last_beat = at;
                            self.beat(&beat);
                        }
                    } else if last_line.elapsed() >= interval {
                        last_line = at;
                        self.progress(at);
                    }
                }
            }
        }
    }

    /// A heartbeat that is not on a terminal.
    fn beat(&self, text: &str) {
        if matches!(self.target, Target::Json) {
            terminal::event(&json!({ "event": "heartbeat", "text": text }));
        } else {
            self.line(text);
        }
    }

    /// The totals, not on a terminal.
    fn progress(&self, at: Instant) {
        let (phase, facts, tally) = {
            let state = lock(&self.state);
            let phase = state.phase.as_ref().map(|(name, _)| name.clone());
            (phase, state.facts(at, now()), *state.totals())
        };
        if matches!(self.target, Target::Json) {
            let mut all = json!({
                "event": "progress", "phase": phase, "conversations_planned": facts.planned,
                "requests_expected": facts.expected, "left": facts.left,
                "seconds": seconds(facts.elapsed),
            });
            if let (Some(all), Ok(serde_json::Value::Object(tally))) =
                (all.as_object_mut(), serde_json::to_value(tally))
            {
                all.extend(tally);
            }
            terminal::event(&all);
        } else if phase.as_deref() == Some(GENERATE) {
            self.line(&line::fit(&facts, usize::MAX));
        }
    }

    /// The line on a terminal.
    fn frame(&self, at: Instant) -> String {
        let state = lock(&self.state);
        let columns = Term::stderr().size_checked().map_or(COLUMNS, |(_, columns)| columns.into());
        let text = match &state.phase {
            Some((name, began)) if name != GENERATE => {
                let took = at.saturating_duration_since(*began);
                format!("{name:<10}{:>9}", duration(took))
            }
            // The last column stays free, so that no terminal starts a new line.
            _ => line::fit(&state.facts(at, now()), columns.saturating_sub(1)),
        };
        printable(&text).chars().take(columns.saturating_sub(1)).collect()
    }
}

/// The phase in which the plan is laid out.
pub(crate) const PLAN: &str = "plan";
/// The phase in which a model is asked.
pub(crate) const GENERATE: &str = "generate";

/// Seconds with three decimals, for JSON.
pub(crate) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// A pause, for display.
fn pause(seconds: u64) -> String {
    match seconds {
        0 => "less than a second".into(),
        _ => rounded(Duration::from_secs(seconds)),
    }
}

/// An event for display, and the level from which on it is shown. A rehearsal injects faults: they alarm nobody.
fn words(event: &Event, is_rehearsal: bool) -> (Level, String) {
    let normal = |text: String| (Level::Normal, text);
    let detail = |text: String| (Level::Verbose, text);
    let rows = |rows: usize| counted(rows as u64, "row");
    let requests = |rows: usize| counted(rows as u64, "request");
    match event {
        Event::RowFault { words } if is_rehearsal => {
            detail(format!("rehearsed fault of a row: {words}"))
        }
        Event::Waiting { why, seconds } if is_rehearsal => {
            let again = seconds.map(|s| format!("; trying again in {}", pause(s)));
            detail(format!("rehearsed fault: {why}{}", again.unwrap_or_default()))
        }
        Event::Replaying => normal(
            "the plan has changed since the last call: replaying the stored responses".into(),
        ),
        Event::Orphan { tag, adopted: true } => {
            normal(format!("found the job {tag} at the provider"))
        }
        Event::Orphan { tag, adopted: false } => normal(format!(
            "the job {tag} never reached the provider: its rows are requested again"
        )),
        Event::Recovered { rows } => {
            normal(format!("ingested {} of an earlier call", counted(*rows as u64, "saved row")))
        }
        Event::Waiting { why, seconds: Some(seconds) } => {
            normal(format!("{why}; trying again in {}", pause(*seconds)))
        }
        Event::Waiting { why, seconds: None } => normal(why.clone()),
        Event::RowFault { words } if look().level == Level::Verbose => {
            detail(format!("the provider reports for a row: {words}"))
        }
        Event::RowFault { words } => {
            let cut: String = words.chars().take(QUOTED).collect();
            let more = if cut.len() < words.len() { "…" } else { "" };
            normal(format!("the provider reports for a row: {cut}{more}"))
        }
        Event::Reopened { tasks } => normal(format!(
            "retrying prompts and conversations that the provider refused earlier: {}",
            number(*tasks as u64)
        )),
        Event::Stalled { route } => normal(format!(
            "no response from {route} yet, still waiting; Ctrl-C stops it, and the same command resumes"
        )),
        Event::Open { tag, rows, .. } => detail(format!("{tag} is open, with {}", requests(*rows))),
        Event::Rejected { reason } => {
            detail(format!("a conversation is rejected: {}", reason::name(reason)))
        }
        Event::Sent { tag, rows } => detail(format!("sent {tag} with {}", requests(*rows))),
        Event::Ended { tag, how, missing: 0 } => detail(format!("{tag} ended: {how}")),
        Event::Ended { tag, how, missing } => {
            detail(format!("{tag} ended: {how}; requesting {} again", rows(*missing)))
        }
    }
}

impl Progress for Terminal {
    fn tally(&mut self, tally: &Tally) {
        lock(&self.shared.state).tally(tally, Instant::now());
        self.begin_to_generate();
    }

    fn event(&mut self, event: Event) {
        let (is_repeated, is_rehearsal) = {
            let mut state = lock(&self.shared.state);
            state.event(&event, Instant::now(), now());
            let is_repeated =
                matches!(&event, Event::RowFault { words } if !state.is_new_fault(words));
            (is_repeated, state.is_rehearsal)
        };
        let (mut level, text) = words(&event, is_rehearsal);
        if is_repeated {
            level = Level::Verbose;
        }
        if matches!(self.shared.target, Target::Json) {
            if let Ok(serde_json::Value::Object(mut all)) = serde_json::to_value(&event) {
                all.insert("text".into(), text.into());
                terminal::event(&serde_json::Value::Object(all));
            }
        } else if look().level >= level {
            self.line(&text);
        }
    }
}
