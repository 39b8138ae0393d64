//! Writes what the store holds as files: one JSONL a part and kind, in the plan's order.
//!
//! Every row is made anew from the plan and the raw responses, so the files can be written again at any
//! time, for a finished run or one under way, and always say the same.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clinstruct_multiturn::conversation_id;
use clinstruct_parser::{Cleaned, Cleanup};
use clinstruct_schema::{
    Attributes, BaseRow, Conversation as Row, PatientCard, Provenance, Rejected, RequestId, RowId,
    RowOutcome, SCHEMA_VERSION, SituationRow, Speaker, Stage, Subject, TurnProvenance, Usage,
};
use clinstruct_store::{RawReader, Store, TaskKey, TaskRecord, TaskState};
use rayon::prelude::*;
use serde::Serialize;

use crate::active::{
    Conversation, Locate, Tried, prompts_of, response, said_again, tried, variant_of,
};
use crate::{
    Error, PartSummary, RepairCounts, RequestCounts, Result, RunContext, Summary, Tally,
    planned_rows,
};

/// Base rows that are made anew together.
const ROWS_AT_ONCE: usize = 128;

/// Which kinds of files to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFiles {
    /// `prompts/`.
    pub prompts: bool,
    /// `situations/`.
    pub situations: bool,
    /// `conversations/` and `rejected/`.
    pub conversations: bool,
}

impl OutputFiles {
    /// All of them.
    pub const ALL: Self = Self { prompts: true, situations: true, conversations: true };
}

/// A row of `prompts/`.
#[derive(Debug, Serialize)]
struct PromptRow<'a> {
    id: RowId,
    part: &'a clinstruct_schema::PartId,
    prompt: &'a str,
    subjects: &'a [Subject],
    card: &'a PatientCard,
    provenance: PromptProvenance<'a>,
    schema_version: u32,
}

#[derive(Debug, Serialize)]
struct PromptProvenance<'a> {
    backend: &'a str,
    model: &'a str,
    rehearsal: bool,
    seed: u64,
    turns: Vec<TurnProvenance>,
}

/// The lines of one base row, and what they count.
#[derive(Default)]
struct Lines {
    prompts: Vec<u8>,
    situations: Vec<u8>,
    conversations: Vec<u8>,
    rejected: Vec<u8>,
    summary: PartSummary,
}

/// Writes the files below `dir` and counts every row.
pub fn write_outputs(
    context: &RunContext<'_>,
    store: &Store,
    dir: &Path,
    files: OutputFiles,
    tally: &Tally,
) -> Result<Summary> {
    let reader = store.reader();
    let mut parts = Vec::new();
    let mut repairs: BTreeMap<String, RepairCounts> = BTreeMap::new();
    for (part, plan) in &context.plans {
        let stem = &plan.part().stem;
        let mut writers = Writers::open(dir, stem, files)?;
        let mut summary = PartSummary {
            part: plan.part().id.to_string(),
            stem: stem.clone(),
            base_rows: plan.len() as u64,
            ..PartSummary::default()
        };
        let mut begun = 0;
        let mut made: Vec<Lines> = Vec::new();
        let mut next = 0;
        // One batch is written while the next is made.
        while next < plan.len() || !made.is_empty() {
            let to = (next + ROWS_AT_ONCE).min(plan.len());
            let tasks = if next < to { tasks_of(store, *part, next, to)? } else { Vec::new() };
            for task in tasks.iter().flatten() {
                for turn in tried(context, store, &reader, task)? {
                    add_tried(context, &mut repairs, &turn);
                }
            }
            let mut places = HashMap::new();
            for request in tasks.iter().flatten().flat_map(|u| &u.steps).map(|s| s.request) {
                if let Some(place) = store.locate(request)? {
                    places.insert(request, place);
                }
            }
            let locate = |id: RequestId| Ok(places.get(&id).copied());
            let (written, lines) = rayon::join(
                || made.iter().try_for_each(|line| writers.write(line)),
                || {
                    tasks
                        .into_par_iter()
                        .map(|group| base_lines(context, &locate, &reader, *part, &group, files))
                        .collect::<Result<Vec<Lines>>>()
                },
            );
            written?;
            made = lines?;
            begun += made.len();
            for line in &made {
                add(&mut summary, &line.summary);
            }
            next = to;
        }
        let each = plan.part().prompts_per_request * plan.part().variants();
        // A base row that was not begun, or that waits, has its rows under way.
        summary.under_way += ((plan.len() - begun) * each) as u64;
        let spared = plan.part().variants().saturating_sub(1) as u64;
        summary.planned = (planned_rows(plan) as u64) - summary.emergencies * spared;
        writers.finish()?;
        parts.push(summary);
    }
    Ok(Summary {
        schema_version: SCHEMA_VERSION,
        backend: context.backend.clone(),
        model: context.model.clone(),
        rehearsal: context.rehearsal,
        seed: context.config.seed,
        resources: context.catalog.fingerprint(),
        sums_close: parts.iter().all(PartSummary::closes),
        parts,
        requests: RequestCounts {
            found: tally.found as u64,
            asked: tally.asked as u64,
            rows: tally.rows as u64,
            jobs: tally.jobs as u64,
            usage: tally.usage,
            answered_in_all: store.answered_total()?,
        },
        repairs,
        quality: None,
    })
}

fn add_tried(context: &RunContext<'_>, repairs: &mut BTreeMap<String, RepairCounts>, turn: &Tried) {
    let Some((first, _)) = turn.failed.first() else { return };
    let route = context.routes.of(turn.speaker);
    let limits = route.backend.limits();
    let counts = repairs.entry(first.clone()).or_default();
    counts.first += 1;
    *counts.speakers.entry(turn.speaker).or_default() += 1;
    counts.mended += u64::from(turn.mended);
    counts.rejected += u64::from(!turn.mended);
    for (_, usage) in &turn.failed {
        counts.requests += 1;
        counts.usage += *usage;
        counts.micro_usd += route.cost(*usage, &limits);
    }
}

fn add(sum: &mut PartSummary, more: &PartSummary) {
    sum.prompts += more.prompts;
    sum.emergencies += more.emergencies;
    sum.in_dataset += more.in_dataset;
    sum.under_way += more.under_way;
    sum.assistant_turns += more.assistant_turns;
    for (into, from) in [
        (&mut sum.rejected, &more.rejected),
        (&mut sum.failed, &more.failed),
        (&mut sum.mended, &more.mended),
    ] {
        for (reason, count) in from {
            *into.entry(reason.clone()).or_default() += count;
        }
    }
}

/// The tasks of base rows `from..to`, a group for each that was begun, the base row's own first.
fn tasks_of(store: &Store, part: u8, from: usize, to: usize) -> Result<Vec<Vec<TaskRecord>>> {
    let key = |index: usize| {
        u32::try_from(index)
            .ok()
            .and_then(|index| TaskKey::seed_row(part, index))
            .ok_or_else(|| Error::Astray(format!("base row {index}")))
    };
    let mut groups: Vec<Vec<TaskRecord>> = Vec::new();
    for task in store.tasks(key(from)?, key(to)?)? {
        match groups.last_mut() {
            Some(group)
                if group
                    .first()
                    .is_some_and(|g| g.key.seed_row_index() == task.key.seed_row_index()) =>
            {
                group.push(task);
            }
            _ => groups.push(vec![task]),
        }
    }
    Ok(groups)
}

/// A conversation played again from its responses.
struct Played {
    conversation: Conversation,
    turns: Vec<TurnProvenance>,
}

/// What a base row's accepted response says.
struct Asked {
    prompts: Vec<Option<Cleaned>>,
    turn: Option<TurnProvenance>,
}

fn asked(
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    base: &TaskRecord,
    cards: &[PatientCard],
) -> Result<Asked> {
    let Some(step) = base.steps.last() else {
        return Ok(Asked { prompts: vec![None; cards.len()], turn: None });
    };
    let outcome = response(locate, reader, step.request)?
        .ok_or_else(|| Error::Astray(step.request.to_string()))?;
    let turn = turn_provenance(context, Speaker::PromptWriter, step, &outcome);
    Ok(Asked { prompts: prompts_of(context, &outcome, cards), turn: Some(turn) })
}

fn turn_provenance(
    context: &RunContext<'_>,
    speaker: Speaker,
    step: &clinstruct_store::Step,
    outcome: &RowOutcome,
) -> TurnProvenance {
    let (reasoning, usage) = reasoning_of(outcome);
    let keeps = context.config.keep_reasoning && speaker == Speaker::Assistant;
    TurnProvenance {
        speaker,
        reasoning: reasoning.filter(|_| keeps),
        request: step.request,
        tries: u32::from(step.attempts),
        mended: Cleanup::from_bits(step.cleanup).names().map(str::to_owned).collect(),
        usage,
    }
}

/// The reasoning of a response, from the provider's own field and from its text, and its tokens with those of the
/// reasoning, counted by the provider or by its share of the length.
fn reasoning_of(outcome: &RowOutcome) -> (Option<String>, Usage) {
    let mut usage = outcome.usage().unwrap_or_default();
    let RowOutcome::Answer(completion) = outcome else { return (None, usage) };
    let within = clinstruct_parser::reasoning(&completion.text);
    let beside = completion.reasoning.as_deref().map(str::trim).filter(|r| !r.is_empty());
    let all: Vec<&str> = beside.into_iter().chain(within.as_deref()).collect();
    if all.is_empty() {
        return (None, usage);
    }
    if usage.reasoning_tokens == 0 {
        let thought: usize = all.iter().map(|r| r.len()).sum();
        let written = completion.text.len() + beside.map_or(0, str::len);
        let share = thought as f64 / written.max(1) as f64;
        usage.reasoning_tokens = (usage.completion_tokens as f64 * share.min(1.0)).round() as u64;
    }
    (Some(all.join("\n\n")), usage)
}

fn play(
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    row: &Arc<BaseRow>,
    task: &TaskRecord,
    asked: &Asked,
) -> Result<Option<Played>> {
    let k = usize::from(task.key.prompt()).saturating_sub(1);
    let Some(prompt) = asked.prompts.get(k).and_then(Option::as_ref) else { return Ok(None) };
    let variant = variant_of(task.key.variant());
    let mut conversation =
        Conversation::start(context, task.key.part(), row, k, variant, &prompt.text)?;
    let mut turns: Vec<TurnProvenance> = asked.turn.iter().cloned().collect();
    if let Some(first) = turns.first_mut() {
        first.mended = prompt.cleanup.names().map(str::to_owned).collect();
    }
    for step in &task.steps {
        let astray = || Error::Astray(conversation_name(context, row, task));
        let outcome = response(locate, reader, step.request)?.ok_or_else(astray)?;
        let speaker = match conversation.messages().len() % 2 {
            1 => Speaker::Assistant,
            _ => Speaker::User,
        };
        said_again(&mut conversation, context, &outcome).ok_or_else(astray)?;
        turns.push(turn_provenance(context, speaker, step, &outcome));
    }
    Ok(Some(Played { conversation, turns }))
}

fn conversation_name(context: &RunContext<'_>, row: &BaseRow, task: &TaskRecord) -> String {
    let k = usize::from(task.key.prompt()).saturating_sub(1);
    let variant = variant_of(task.key.variant());
    context
        .plan(task.key.part())
        .map(|plan| conversation_id(plan.part(), &row.id, k, variant).to_string())
        .unwrap_or_default()
}

fn finished(context: &RunContext<'_>, played: Played) -> Row {
    let Played { conversation, turns } = played;
    let attributes = attributes(&conversation);
    Row {
        id: conversation.id,
        part: conversation.row.part.clone(),
        messages: conversation.machine.messages,
        attributes,
        provenance: Provenance {
            backend: context.backend.clone(),
            model: context.model.clone(),
            rehearsal: context.rehearsal,
            seed: context.config.seed,
            turns,
        },
        schema_version: SCHEMA_VERSION,
    }
}

fn attributes(conversation: &Conversation) -> Attributes {
    let row = &conversation.row;
    let base = if row.cards.len() == 1 {
        row.id.clone()
    } else {
        row.id.child('p', conversation.prompt + 1)
    };
    Attributes {
        base,
        subjects: row.subjects.clone(),
        card: row.cards[conversation.prompt].clone(),
        situation: conversation.situation.clone(),
    }
}

/// The conversation of a task, finished or as far as it has come; `None` where its prompt never came.
pub fn conversation_of(
    context: &RunContext<'_>,
    store: &Store,
    task: &TaskRecord,
) -> Result<Option<Row>> {
    let astray = || Error::Astray(format!("{:?}", task.key));
    let reader = store.reader();
    let plan = context.plan(task.key.part()).ok_or_else(astray)?;
    let row = Arc::new(plan.row(task.key.seed_row_index() as usize).ok_or_else(astray)?);
    let base = TaskKey::seed_row(task.key.part(), task.key.seed_row_index()).ok_or_else(astray)?;
    let base = store.task(base)?.ok_or_else(astray)?;
    let locate = |id| Ok(store.locate(id)?);
    let asked = asked(context, &locate, &reader, &base, &row.cards)?;
    let played = play(context, &locate, &reader, &row, task, &asked)?;
    Ok(played.map(|played| finished(context, played)))
}

fn base_lines(
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    part: u8,
    group: &[TaskRecord],
    files: OutputFiles,
) -> Result<Lines> {
    let mut lines = Lines::default();
    let Some((base, tasks)) = group.split_first() else { return Ok(lines) };
    let astray = || Error::Astray(format!("{:?}", base.key));
    let plan = context.plan(part).ok_or_else(astray)?;
    let row = Arc::new(plan.row(base.key.seed_row_index() as usize).ok_or_else(astray)?);
    if base.state == TaskState::Waiting {
        lines.summary.under_way = (row.cards.len() * plan.part().variants()) as u64;
        return Ok(lines);
    }
    let asked = asked(context, locate, reader, base, &row.cards)?;
    for (k, prompt) in asked.prompts.iter().enumerate() {
        let (Some(prompt), Some(card)) = (prompt, row.cards.get(k)) else { continue };
        lines.summary.prompts += 1;
        if files.prompts {
            let id = if row.cards.len() == 1 { row.id.clone() } else { row.id.child('p', k + 1) };
            let mut turns: Vec<TurnProvenance> = asked.turn.iter().cloned().collect();
            for turn in &mut turns {
                turn.mended = prompt.cleanup.names().map(str::to_owned).collect();
            }
            let prompt = PromptRow {
                id,
                part: &row.part,
                prompt: &prompt.text,
                subjects: &row.subjects,
                card,
                provenance: PromptProvenance {
                    backend: &context.backend.0,
                    model: &context.model,
                    rehearsal: context.rehearsal,
                    seed: context.config.seed,
                    turns,
                },
                schema_version: SCHEMA_VERSION,
            };
            line(&mut lines.prompts, &prompt)?;
        }
    }
    for task in tasks {
        if variant_of(task.key.variant()) == clinstruct_multiturn::Variant::Emergency {
            lines.summary.emergencies += 1;
        }
        match task.state {
            TaskState::Waiting => lines.summary.under_way += 1,
            TaskState::Done => lines.summary.in_dataset += 1,
            TaskState::Rejected => {
                let why = task.rejection.as_ref();
                let failed = why.is_some_and(|w| w.failed);
                let reason = why.map_or_else(|| "unknown".into(), |w| w.reason.clone());
                let counts =
                    if failed { &mut lines.summary.failed } else { &mut lines.summary.rejected };
                *counts.entry(reason.clone()).or_default() += 1;
                if files.conversations {
                    let k = usize::from(task.key.prompt()).saturating_sub(1);
                    let variant = variant_of(task.key.variant());
                    let rejected = Rejected {
                        id: conversation_id(plan.part(), &row.id, k, variant),
                        part: row.part.clone(),
                        stage: why.map_or(Stage::Turn, |w| w.stage),
                        failed,
                        reason,
                        detail: why.map(|w| w.detail.clone()).unwrap_or_default(),
                        schema_version: SCHEMA_VERSION,
                    };
                    line(&mut lines.rejected, &rejected)?;
                }
            }
        }
        let wants_row = task.state == TaskState::Done && files.conversations;
        if !(wants_row || files.situations) {
            continue;
        }
        let Some(played) = play(context, locate, reader, &row, task, &asked)? else { continue };
        if files.situations {
            let situation = SituationRow {
                id: played.conversation.id.clone(),
                part: row.part.clone(),
                attributes: attributes(&played.conversation),
                schema_version: SCHEMA_VERSION,
            };
            line(&mut lines.situations, &situation)?;
        }
        if task.state == TaskState::Done {
            for turn in &played.turns {
                if turn.speaker == Speaker::Assistant {
                    lines.summary.assistant_turns += 1;
                }
                for rule in &turn.mended {
                    *lines.summary.mended.entry(rule.clone()).or_default() += 1;
                }
            }
            if files.conversations {
                line(&mut lines.conversations, &finished(context, played))?;
            }
        }
    }
    Ok(lines)
}

pub(crate) fn line(into: &mut Vec<u8>, row: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *into, row)
        .map_err(|e| Error::Write { path: PathBuf::from("a row"), source: io::Error::other(e) })?;
    into.push(b'\n');
    Ok(())
}

/// A file that takes its name only once it is whole.
pub(crate) struct Pending {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
}

impl Pending {
    pub(crate) fn open(dir: &Path, kind: &str, stem: &str) -> Result<Self> {
        let folder = dir.join(kind);
        let path = folder.join(format!("{stem}.jsonl"));
        let partial = folder.join(format!(".{stem}.jsonl.partial"));
        let failed = |source| Error::Write { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = File::create(&partial).map_err(failed)?;
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), path, partial })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| fs::rename(&self.partial, &self.path))
            .map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}

/// The files of one part.
struct Writers {
    prompts: Option<Pending>,
    situations: Option<Pending>,
    conversations: Option<Pending>,
    rejected: Option<Pending>,
}

impl Writers {
    fn open(dir: &Path, stem: &str, files: OutputFiles) -> Result<Self> {
        let open = |wanted: bool, kind: &str| {
            if wanted { Pending::open(dir, kind, stem).map(Some) } else { Ok(None) }
        };
        Ok(Self {
            prompts: open(files.prompts, "prompts")?,
            situations: open(files.situations, "situations")?,
            conversations: open(files.conversations, "conversations")?,
            rejected: open(files.conversations, "rejected")?,
        })
    }

    fn write(&mut self, lines: &Lines) -> Result<()> {
        for (file, bytes) in [
            (&mut self.prompts, &lines.prompts),
            (&mut self.situations, &lines.situations),
            (&mut self.conversations, &lines.conversations),
            (&mut self.rejected, &lines.rejected),
        ] {
            if let Some(file) = file {
                file.write(bytes)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        [self.prompts, self.situations, self.conversations, self.rejected]
            .into_iter()
            .flatten()
            .try_for_each(Pending::finish)
    }
}
