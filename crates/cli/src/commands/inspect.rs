//! Shows a plan or a run without changing it.

use std::fmt::Write as _;
use std::time::Duration;

use clinstruct_app::budget::expected;
use clinstruct_app::{Host, Settings};
use clinstruct_pipeline::{
    EstimateLine, annotator_name, contradictions_of, conversations, planned_rows,
};
use clinstruct_schema::{SCHEMA_VERSION, Speaker, counted, dollars};
use clinstruct_store::{JobRecord, PartCounts, Store};
use serde_json::json;

use super::estimate::of_shard;
use super::{print, print_json};
use crate::args::RunArgs;
use crate::exit::Code;
use crate::table::{self, number};
use crate::terminal::{Level, look};
use crate::{plan, settings};
use clinstruct_app::Setup;
use clinstruct_app::summary_of;

/// The plan: counts, or every row.
pub(crate) fn plan(mut args: RunArgs, rows: bool) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    let setup = Setup::new(settings::of_named_run(args)?)?;
    let context = setup.context(false)?;
    if rows {
        for (_, plan) in &context.plans {
            for row in plan.rows() {
                print_json(&row)?;
            }
        }
        return Ok(Code::Done);
    }
    if setup.settings.json {
        let parts: Vec<_> = context
            .plans
            .iter()
            .map(|(_, plan)| {
                json!({
                    "part": plan.part().id, "stem": plan.part().stem, "title": plan.part().title,
                    "prompt_requests": plan.len(), "conversations": conversations(plan),
                    "conversations_at_most": planned_rows(plan),
                })
            })
            .collect();
        let record = json!({ "schema_version": SCHEMA_VERSION, "parts": parts });
        print_json(&of_shard(setup.settings.shard, record))?;
        return Ok(Code::Done);
    }
    let mut out = shard_line(&setup);
    for (_, plan) in &context.plans {
        let part = plan.part();
        let _ = writeln!(out, "{} ({})", part.id, part.title);
        let _ = writeln!(out, "  files            {}.jsonl", part.stem);
        let _ = writeln!(out, "  prompt requests  {:>8}", number(plan.len() as u64));
        let rows = number(conversations(plan) as u64);
        let _ = writeln!(out, "  conversations    {rows:>8}");
    }
    print(&out)?;
    Ok(Code::Done)
}

/// The line that says which shard a plan or a run is; nothing for one that is none.
fn shard_line(setup: &Setup) -> String {
    setup.settings.shard.map(|shard| format!("{}\n", table::of_shard(shard))).unwrap_or_default()
}

/// The table of contradictions, with the number of planned conversations that break it.
pub(crate) fn contradictions(mut args: RunArgs) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    let setup = Setup::new(settings::of_named_run(args)?)?;
    let context = setup.context(false)?;
    let table = &context.catalog.contradictions;
    let (all, broken) = contradictions_of(&context);
    let code = if broken.is_empty() { Code::Done } else { Code::Failures };
    if setup.settings.json {
        let broken: Vec<_> = broken
            .iter()
            .map(|(id, one, other)| json!({ "id": id, "one": one, "other": other }))
            .collect();
        print_json(&json!({
            "schema_version": SCHEMA_VERSION, "contradictions": table.entries(),
            "pairs": table.pairs(), "conversations": all, "broken": broken,
        }))?;
        return Ok(code);
    }
    let mut out = String::new();
    for entry in table.entries() {
        let _ = writeln!(out, "{}: {}", entry.why, entry.one.join(", "));
        let _ = writeln!(out, "  not with {}", entry.other.join(", "));
    }
    for (id, one, other) in &broken {
        let _ = writeln!(out, "{id} has {one} with {other}");
    }
    let _ = writeln!(
        out,
        "{}, besides styles that share a facet; planned conversations with one: {} of {}",
        counted(table.pairs() as u64, "pair"),
        number(broken.len() as u64),
        number(all),
    );
    print(&out)?;
    Ok(code)
}

/// The prompt requests.
pub(crate) fn requests(mut args: RunArgs, row: Option<&str>) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    let setup = Setup::new(settings::of_named_run(args)?)?;
    let context = setup.context(false)?;
    let mut found = row.is_none();
    for (part, plan) in &context.plans {
        let wanted = match row {
            None => 0..plan.len(),
            Some(id) => match plan.find(id) {
                Some(i) => i..i + 1,
                None => continue,
            },
        };
        found = true;
        for index in wanted {
            let next = clinstruct_pipeline::first_request(&context, *part, index)?;
            let Some((row, request)) = next else { continue };
            print_json(&json!({ "row": row, "id": request.id, "request": request.request }))?;
        }
    }
    if !found {
        return Err(plan::no_row(row.unwrap_or_default()));
    }
    Ok(Code::Done)
}

/// How far a run has come; with `watch` again and again, until no job is open.
pub(crate) fn status(args: RunArgs, watch: bool) -> clinstruct_app::Result<Code> {
    let setup = Setup::to_look(settings::of_run(args)?)?;
    loop {
        let store = setup.store_to_read()?;
        one_status(&setup, &store)?;
        if !watch || store.open_jobs()?.is_empty() {
            return Ok(Code::Done);
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
}

/// Progress of one position in the conversations of a part.
#[derive(Debug, serde::Serialize)]
struct Place {
    part: String,
    speaker: Speaker,
    turn: u32,
    answered: u64,
    waiting: u64,
    /// Approximate final number of answers; missing if the run's settings can no longer be read.
    expected: Option<u64>,
}

/// What is asked about the conversations of a part: the records of its prompts, or the answers to one annotator.
#[derive(Debug, serde::Serialize)]
struct Beside {
    part: String,
    /// `extraction` for records, otherwise the annotator.
    name: String,
    done: u64,
    waiting: u64,
    rejected: u64,
    /// Approximate final number of answers; missing if the run's settings can no longer be read.
    expected: Option<u64>,
}

/// The lines of a run's estimate; none if its settings can no longer be read.
fn estimated(setup: &Setup) -> Vec<EstimateLine> {
    // What there is to say of the settings was said when they were read first.
    let host = Host { notify: |_| {}, ..setup.settings.host.clone() };
    let args = Settings { estimate_only: true, host, ..setup.settings.clone() };
    let plan_of = |args: Settings| -> clinstruct_app::Result<Vec<EstimateLine>> {
        let setup = Setup::new(args)?;
        Ok(expected(&setup.context(false)?)?.lines)
    };
    plan_of(args).unwrap_or_default()
}

fn part_name(setup: &Setup, part: u8) -> String {
    let known = setup.catalog.parts.get(usize::from(part));
    known.map_or_else(|| format!("part {part}"), |p| p.id.to_string())
}

/// Records and annotations by part, in the order of the estimate.
fn beside(
    setup: &Setup,
    store: &Store,
    expected: &[EstimateLine],
) -> clinstruct_app::Result<Vec<Beside>> {
    let of = |l: &EstimateLine| {
        let name = l.annotator?.to_owned();
        let (part, expected) = (l.part.clone(), Some(l.requests));
        Some(Beside { part, name, done: 0, waiting: 0, rejected: 0, expected })
    };
    let mut all: Vec<Beside> = expected.iter().filter_map(of).collect();
    for c in store.beside()? {
        let part = part_name(setup, c.part);
        let known = annotator_name(&setup.settings.host.annotators, c.annotator);
        let name = match (c.annotator, known) {
            (0, _) => "extraction".to_owned(),
            (_, Some(name)) => name.to_owned(),
            // Of another program, which has an annotator that this one lacks.
            (number, None) => format!("annotator {number}"),
        };
        let at = all.iter().position(|b| (&b.part, &b.name) == (&part, &name));
        let at = at.unwrap_or_else(|| {
            all.push(Beside { part, name, done: 0, waiting: 0, rejected: 0, expected: None });
            all.len() - 1
        });
        if let Some(b) = all.get_mut(at) {
            (b.done, b.waiting, b.rejected) = (c.done, c.waiting, c.rejected);
        }
    }
    Ok(all)
}

/// The run by part and turn, in the plan's order.
fn by_turn(
    setup: &Setup,
    store: &Store,
    expected: &[EstimateLine],
) -> clinstruct_app::Result<Vec<Place>> {
    let mut all: Vec<Place> = expected
        .iter()
        .filter(|l| l.annotator.is_none())
        .map(|l| Place {
            part: l.part.clone(),
            speaker: l.speaker,
            turn: l.turn,
            answered: 0,
            waiting: 0,
            expected: Some(l.requests),
        })
        .collect();
    for c in store.turns()? {
        let part = part_name(setup, c.part);
        let speaker = Speaker::of_message(c.place);
        let turn = c.place.div_ceil(2) as u32;
        let at = all.iter().position(|t| (&t.part, t.speaker, t.turn) == (&part, speaker, turn));
        let at = at.unwrap_or_else(|| {
            all.push(Place { part, speaker, turn, answered: 0, waiting: 0, expected: None });
            all.len() - 1
        });
        if let Some(t) = all.get_mut(at) {
            (t.answered, t.waiting) = (c.answered, c.waiting);
        }
    }
    Ok(all)
}

/// The remaining time at the current pace, for display.
fn time_left(jobs: &[JobRecord], turns: &[Place], beside: &[Beside]) -> Option<String> {
    let (first, last) =
        (jobs.iter().map(|j| j.created).min()?, jobs.iter().map(|j| j.updated).max()?);
    let open = |expected: Option<u64>, ended| expected.unwrap_or(0).saturating_sub(ended);
    let turns = turns.iter().map(|t| (t.answered, open(t.expected, t.answered)));
    let beside = beside.iter().map(|b| (b.done, open(b.expected, b.done + b.rejected)));
    let (answered, rest) = turns
        .chain(beside)
        .fold((0, 0), |(sum, all), (answered, rest)| (sum + answered, all + rest));
    let time = Duration::from_secs(u64::try_from(last - first).ok()?);
    crate::progress::left(answered, rest, time)
}

/// The estimate of what is still to come, as in ` of about 40`; blank once it is reached.
fn of_about(expected: Option<u64>, ended: u64) -> String {
    let more = expected.filter(|expected| *expected > ended);
    more.map_or(String::new(), |expected| format!(" of about {}", number(expected)))
}

/// `  extraction              12 of about 40, 3 waited for, 1 rejected`
fn beside_line(b: &Beside) -> String {
    let of = of_about(b.expected, b.done + b.rejected);
    let some = |count: u64, what: &str| match count {
        0 => String::new(),
        n => format!(", {} {what}", number(n)),
    };
    let (waiting, rejected) = (some(b.waiting, "waited for"), some(b.rejected, "rejected"));
    format!("  {:<16} {:>9}{of}{waiting}{rejected}", b.name.replace('_', " "), number(b.done))
}

fn one_status(setup: &Setup, store: &Store) -> clinstruct_app::Result<Code> {
    let money = store.money()?;
    let counts = store.counts()?;
    let jobs = store.jobs()?;
    let expected = estimated(setup);
    let turns = by_turn(setup, store, &expected)?;
    let beside = beside(setup, store, &expected)?;
    let waits = counts.iter().any(|c| c.seed_rows_waiting + c.conversations_waiting > 0)
        || beside.iter().any(|b| b.waiting > 0);
    let left = time_left(&jobs, &turns, &beside).filter(|_| waits);
    let name_of =
        |c: &PartCounts| setup.catalog.parts.get(usize::from(c.part)).map(|p| p.id.to_string());
    // As of the last build: rows of later answers have not been curated yet.
    let built = summary_of(&setup.out).ok();
    if setup.settings.json {
        let parts: Vec<_> = counts
            .iter()
            .map(|c| {
                json!({
                    "part": name_of(c), "prompt_requests_waiting": c.seed_rows_waiting,
                    "prompt_requests_done": c.seed_rows_done, "prompt_requests_rejected": c.seed_rows_rejected,
                    "conversations_waiting": c.conversations_waiting,
                    "conversations_done": c.conversations_done,
                    "conversations_rejected": c.conversations_rejected,
                })
            })
            .collect();
        let jobs: Vec<_> = jobs.iter().map(super::jobs::as_json).collect();
        let record = json!({
            "schema_version": SCHEMA_VERSION, "parts": parts, "turns": turns, "beside": beside,
            "jobs": jobs,
            "dataset": built.as_ref().map(|s| json!({ "rows": s.in_dataset(), "dropped": s.dropped() })),
            // `answered` is the name of earlier versions.
            "requests_answered": store.answered_total()?, "answered": store.answered_total()?,
            "usage": money.usage, "left": left,
            "usd_spent": money.spent as f64 / 1e6, "usd_reserved": money.reserved as f64 / 1e6,
        });
        print_json(&of_shard(setup.settings.shard, record))?;
        return Ok(Code::Done);
    }
    let mut out = shard_line(setup);
    for c in &counts {
        let name = name_of(c).unwrap_or_else(|| format!("part {}", c.part));
        let _ = writeln!(out, "{name}");
        let _ = writeln!(
            out,
            "  conversations    {:>9} done, {} in progress, {} rejected",
            number(c.conversations_done),
            number(c.conversations_waiting),
            number(c.conversations_rejected)
        );
        for t in turns.iter().filter(|t| t.part == name) {
            let turn = if t.turn == 0 { String::new() } else { format!(" {}", t.turn) };
            let who = format!("{}{turn}", t.speaker.as_str().replace('_', " "));
            let of = of_about(t.expected, t.answered);
            let waiting = match t.waiting {
                0 => String::new(),
                n => format!(", {} waited for", number(n)),
            };
            let _ = writeln!(out, "  {who:<16} {:>9}{of}{waiting}", number(t.answered));
        }
        for b in beside.iter().filter(|b| b.part == name) {
            let _ = writeln!(out, "{}", beside_line(b));
        }
    }
    let answered = store.answered_total()?;
    let open = jobs.iter().filter(|j| j.state.as_str() != "ended").count();
    let _ = writeln!(
        out,
        "{} answered, in {}, {open} of them open",
        counted(answered, "request"),
        counted(jobs.len() as u64, "job")
    );
    let accepted =
        turns.iter().map(|t| t.answered).sum::<u64>() + beside.iter().map(|b| b.done).sum::<u64>();
    let others = answered.saturating_sub(accepted);
    if others > 0 {
        let (accepted, others) = (number(answered - others), number(others));
        let _ = writeln!(
            out,
            "  {accepted} as above, {others} not accepted (refused, failed a check) or of an earlier plan"
        );
    }
    let _ = writeln!(
        out,
        "{} in, {} out; {} spent, up to {} more reserved",
        counted(money.usage.prompt_tokens, "token"),
        number(money.usage.completion_tokens),
        dollars(money.spent),
        dollars(money.reserved)
    );
    if let Some(built) = built {
        let (rows, dropped) = (counted(built.in_dataset(), "row"), number(built.dropped()));
        let _ = writeln!(out, "{rows} in the dataset of the last build, {dropped} dropped");
    }
    if let Some(left) = left {
        let _ = writeln!(out, "{left} left at this pace");
    }
    print(&out)?;
    if let Ok(summary) = summary_of(&setup.out)
        && look().level == Level::Verbose
    {
        print(&format!("\n{}", table::summary(&summary)))?;
    }
    Ok(Code::Done)
}

/// What is waited for.
pub(crate) fn turns(mut args: RunArgs) -> clinstruct_app::Result<Code> {
    args.keyless = true;
    let setup = Setup::new(settings::of_run(args)?)?;
    let context = setup.context(false)?;
    let store = setup.store_to_read()?;
    plan::ensure_same_plan(&context, &store)?;
    let mut after = None;
    loop {
        let page = store.waiting_tasks(after, 1000)?;
        let Some(last) = page.last() else { return Ok(Code::Done) };
        after = Some(last.key);
        for task in &page {
            if let Some((row, request)) = clinstruct_pipeline::due_request(&context, &store, task)?
            {
                print_json(&json!({ "row": row, "id": request.id, "request": request.request }))?;
            }
        }
    }
}
