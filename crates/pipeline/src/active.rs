//! A conversation or base row that is under way, as it is held in memory; made anew from the journal
//! wherever it is not.

use std::sync::Arc;

use clinstruct_batch_client::{BatchRequest, request_id};
use clinstruct_catalog::Catalog;
use clinstruct_multiturn::{
    Attempt, Machine, Next, Repair, Scripts, Setting, TurnOutcome, Variant, conversation_id,
    first_message, situation,
};
use clinstruct_parser::{Cleaned, decode};
use clinstruct_promptgen::prompt_request;
use clinstruct_quality::card::{About, CountryTerms};
use clinstruct_schema::{
    BaseRow, Message, PatientCard, RequestId, RowId, RowOutcome, Situation, Speaker, Stage, Usage,
};
use clinstruct_store::{
    GivenUp, RawReader, Rejection, RowLocation, Step, Store, TaskKey, TaskRecord, TaskState,
};

use crate::step::{Defect, Reading, read_prompts, read_turn};
use crate::{Error, Result, RunContext};

/// Times that a turn is asked to be mended before its conversation is rejected.
const REPAIRS: u32 = 2;
/// Times that a request is delivered that is paid for, or may be, and comes to nothing.
const PAID_DELIVERIES: u32 = 2;
/// The code of [`Variant::Emergency`] in a task's key.
const EMERGENCY_CODE: u8 = 200;

pub(crate) fn variant_code(variant: Variant) -> u8 {
    match variant {
        Variant::Styled(n) => u8::try_from(n).unwrap_or(EMERGENCY_CODE - 1),
        Variant::Emergency => EMERGENCY_CODE,
    }
}

pub(crate) fn variant_of(code: u8) -> Variant {
    if code == EMERGENCY_CODE { Variant::Emergency } else { Variant::Styled(usize::from(code)) }
}

/// A conversation with everything that its next request needs.
#[derive(Debug)]
pub struct Conversation {
    pub(crate) id: RowId,
    pub(crate) row: Arc<BaseRow>,
    pub(crate) prompt: usize,
    pub(crate) situation: Situation,
    pub(crate) scripts: Scripts,
    pub(crate) machine: Machine,
    /// The last try of the turn that is due, where it is to be mended.
    pub(crate) repair: Option<Repair>,
    /// Repairs asked for of the turn that is due.
    pub(crate) repairs: u32,
}

/// A task under way.
#[derive(Debug)]
pub enum Active {
    /// A base row that waits for its prompts.
    Base {
        /// The row.
        row: Arc<BaseRow>,
    },
    /// A conversation that waits for a turn.
    Conversation(Box<Conversation>),
}

impl Active {
    /// Whose turn it is.
    pub(crate) fn speaker(&self) -> Speaker {
        match self {
            Self::Base { .. } => Speaker::PromptWriter,
            Self::Conversation(c) => match c.machine.next() {
                Next::Ask { speaker, .. } => speaker,
                _ => Speaker::Assistant,
            },
        }
    }
}

/// What came of one response.
#[derive(Debug, Default)]
pub(crate) struct Stepped {
    /// Units to be written to the journal.
    pub(crate) records: Vec<TaskRecord>,
    /// Requests to be answered, with the task that waits.
    pub(crate) requests: Vec<(TaskKey, BatchRequest, Active)>,
    /// Requests for which no answer could be had.
    pub(crate) given_up: Vec<GivenUp>,
}

fn batch(request: clinstruct_schema::ChatRequest) -> BatchRequest {
    BatchRequest { id: request_id(&request), request }
}

fn blank(key: TaskKey) -> TaskRecord {
    TaskRecord {
        key,
        state: TaskState::Waiting,
        waiting: None,
        attempts: 0,
        delivery_attempts: 0,
        unusable: 0,
        steps: Vec::new(),
        rejection: None,
    }
}

/// A base row at its start: its record, and the request for its prompts.
pub(crate) fn start_base(
    context: &RunContext<'_>,
    part: u8,
    index: usize,
) -> Result<Option<(TaskRecord, BatchRequest, Active)>> {
    let Some(plan) = context.plan(part) else { return Ok(None) };
    let Some(row) = plan.row(index) else { return Ok(None) };
    let key = base_key(part, index)?;
    let row = Arc::new(row);
    let request = base_request(context, part, &row, 0)?;
    let record = TaskRecord { waiting: Some(request.id), ..blank(key) };
    Ok(Some((record, request, Active::Base { row })))
}

fn base_key(part: u8, index: usize) -> Result<TaskKey> {
    let index = u32::try_from(index).map_err(|_| Error::Astray(format!("base row {index}")))?;
    TaskKey::seed_row(part, index).ok_or_else(|| Error::Astray(format!("base row {index}")))
}

fn base_request(
    context: &RunContext<'_>,
    part: u8,
    row: &BaseRow,
    tries: u32,
) -> Result<BatchRequest> {
    let plan = context.plan(part).ok_or_else(|| Error::Astray(row.id.to_string()))?;
    let options = context.prompt_options(tries);
    Ok(batch(prompt_request(context.catalog, plan.part(), row, &options)?))
}

/// Fills every template in once, so that a mistake in one is known before anything is asked for.
pub(crate) fn try_templates(context: &RunContext<'_>) -> Result<()> {
    for (part, plan) in &context.plans {
        let Some(row) = plan.row(0).map(Arc::new) else { continue };
        base_request(context, *part, &row, 0)?;
        for k in 0..row.cards.len() {
            let mut variants = variants_of(context, *part, &row, k, None)?;
            variants.push(Variant::Emergency);
            for variant in variants {
                let mut conversation =
                    Conversation::start(context, *part, &row, k, variant, "A question.")?;
                while conversation.due(context)?.is_some() {
                    let said = TurnOutcome::Said("A turn.".into());
                    conversation.machine.advance(said, context.retries());
                }
            }
        }
    }
    Ok(())
}

impl Conversation {
    /// The conversation of `variant` from prompt `k` (from 0) of a row.
    pub(crate) fn start(
        context: &RunContext<'_>,
        part: u8,
        row: &Arc<BaseRow>,
        k: usize,
        variant: Variant,
        prompt: &str,
    ) -> Result<Self> {
        let astray = || Error::Astray(row.id.to_string());
        let plan = context.plan(part).ok_or_else(astray)?;
        if k >= row.cards.len() {
            return Err(astray());
        }
        let situation =
            situation(context.catalog, plan.part(), context.config.seed, row, k, variant);
        Ok(Self {
            id: conversation_id(plan.part(), &row.id, k, variant),
            machine: Machine::new(first_message(prompt, &situation), situation.turns),
            prompt: k,
            row: Arc::clone(row),
            situation,
            scripts: Scripts::default(),
            repair: None,
            repairs: 0,
        })
    }

    /// The request for the turn that is due, if one is.
    pub(crate) fn due(&self, context: &RunContext<'_>) -> Result<Option<BatchRequest>> {
        let Next::Ask { speaker, tries } = self.machine.next() else { return Ok(None) };
        let astray = || Error::Astray(self.id.to_string());
        let part = context.catalog.part(self.row.part.as_str()).ok_or_else(astray)?;
        let setting = Setting {
            catalog: context.catalog,
            part,
            row: &self.row,
            card: self.row.cards.get(self.prompt).ok_or_else(astray)?,
            situation: &self.situation,
        };
        let options = context.request_options(speaker);
        let attempt = Attempt { tries, repair: self.repair.as_ref() };
        let messages = &self.machine.messages;
        let request =
            self.scripts.request(&setting, &self.id, messages, speaker, attempt, &options)?;
        Ok(Some(batch(request)))
    }

    /// The request for the turn that must be due.
    fn must_ask(&self, context: &RunContext<'_>) -> Result<BatchRequest> {
        self.due(context)?.ok_or_else(|| Error::Astray(self.id.to_string()))
    }

    /// What is known about the patient and the place.
    fn about<'a>(&'a self, context: &'a RunContext<'_>) -> Result<About<'a>> {
        let card =
            self.row.cards.get(self.prompt).ok_or_else(|| Error::Astray(self.id.to_string()))?;
        Ok(about(context.catalog, &context.bound, card))
    }

    /// Takes in what was read of the turn that is due; what cannot stand is asked for again, and mended where
    /// it came whole, at most [`REPAIRS`] times.
    pub(crate) fn advance(
        &mut self,
        told: TurnOutcome,
        repair: Option<Repair>,
        context: &RunContext<'_>,
    ) -> Next {
        let told = match told {
            TurnOutcome::Unusable { reason, detail }
                if repair.is_some() && self.repairs >= REPAIRS =>
            {
                TurnOutcome::Rejected { reason, detail }
            }
            told => told,
        };
        self.repairs = match (&told, &repair) {
            (TurnOutcome::Said(_), _) => 0,
            (_, Some(_)) => self.repairs + 1,
            _ => self.repairs,
        };
        // A repair that came to nothing is made again: the text that it was for was paid for, and can be used.
        self.repair = match &told {
            TurnOutcome::Said(_) => None,
            _ => repair.or_else(|| self.repair.take()),
        };
        self.machine.advance(told, context.retries())
    }

    /// Plays the tries of the turn that is due once more, as far as `tries`, and gives what was read of each.
    pub(crate) fn try_again(
        &mut self,
        context: &RunContext<'_>,
        locate: Locate<'_>,
        reader: &RawReader,
        tries: u32,
    ) -> Result<Vec<(RequestId, RowOutcome, String)>> {
        let mut failed = Vec::new();
        while self.machine.tries < tries {
            let Next::Ask { speaker, .. } = self.machine.next() else { break };
            let request = self.must_ask(context)?.id;
            let astray = || Error::Astray(format!("try {} of {}", self.machine.tries, self.id));
            let outcome = response(locate, reader, request)?.ok_or_else(astray)?;
            let Reading::Unusable { reason, detail, repair, .. } =
                read_turn(&outcome, speaker, &self.situation, &self.about(context)?)
            else {
                return Err(Error::Astray(format!("a good try of {}", self.id)));
            };
            failed.push((request, outcome, reason.clone()));
            self.advance(TurnOutcome::Unusable { reason, detail }, repair, context);
        }
        Ok(failed)
    }

    pub(crate) fn messages(&self) -> &[Message] {
        &self.machine.messages
    }
}

/// What is known about a patient and the country of care.
pub fn about<'a>(
    catalog: &'a Catalog,
    bound: &'a CountryTerms,
    card: &'a PatientCard,
) -> About<'a> {
    let country = catalog.countries.iter().find(|c| c.code == card.patient.country_code);
    About { card, emergency: country.map_or("", |c| c.emergency.as_str()), bound }
}

/// Where the responses to requests lie.
pub(crate) type Locate<'a> = &'a dyn Fn(RequestId) -> Result<Option<RowLocation>>;

/// The response to a request, decoded; `None` where the store has none.
pub(crate) fn response(
    locate: Locate<'_>,
    reader: &RawReader,
    id: RequestId,
) -> Result<Option<RowOutcome>> {
    match locate(id)? {
        None => Ok(None),
        Some(location) => {
            let (format, raw) = reader.read(&location)?;
            Ok(Some(decode(format, &raw).outcome))
        }
    }
}

/// The prompts that a base row's accepted response gives.
pub(crate) fn prompts_of(
    context: &RunContext<'_>,
    outcome: &RowOutcome,
    cards: &[PatientCard],
) -> Vec<Option<Cleaned>> {
    match read_prompts(outcome, context.prompt_format(), cards) {
        Reading::Good(prompts) | Reading::Unusable { partial: Some(prompts), .. } => prompts,
        _ => Vec::new(),
    }
}

/// Makes a task anew from its record, with the request that it waits for.
pub(crate) fn rebuild(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
) -> Result<Option<(BatchRequest, Active)>> {
    let key = record.key;
    let astray = || Error::Astray(format!("{key:?}"));
    let plan = context.plan(key.part()).ok_or_else(astray)?;
    let row = Arc::new(plan.row(key.seed_row_index() as usize).ok_or_else(astray)?);
    if key.is_seed_row() {
        let request = base_request(context, key.part(), &row, record.attempts)?;
        return Ok(Some((request, Active::Base { row })));
    }
    let mut conversation = begun(context, store, reader, key, &row)?;
    let locate = |id| Ok(store.locate(id)?);
    for step in &record.steps {
        let outcome = response(&locate, reader, step.request)?.ok_or_else(astray)?;
        said_again(&mut conversation, context, &outcome).ok_or_else(astray)?;
    }
    conversation.try_again(context, &locate, reader, record.attempts)?;
    let due = conversation.due(context)?;
    Ok(due.map(|request| (request, Active::Conversation(Box::new(conversation)))))
}

/// A conversation at its beginning, from the journal.
fn begun(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    key: TaskKey,
    row: &Arc<BaseRow>,
) -> Result<Conversation> {
    let astray = || Error::Astray(format!("{key:?}"));
    let base = TaskKey::seed_row(key.part(), key.seed_row_index()).ok_or_else(astray)?;
    let base = store.task(base)?.ok_or_else(astray)?;
    let asked = base.steps.last().ok_or_else(astray)?.request;
    let locate = |id| Ok(store.locate(id)?);
    let outcome = response(&locate, reader, asked)?.ok_or_else(astray)?;
    let k = usize::from(key.prompt()).checked_sub(1).ok_or_else(astray)?;
    let prompts = prompts_of(context, &outcome, &row.cards);
    let prompt = prompts.get(k).and_then(Option::as_ref).ok_or_else(astray)?;
    let variant = variant_of(key.variant());
    Conversation::start(context, key.part(), row, k, variant, &prompt.text)
}

/// Attempts at one turn or prompt request that failed, and whether one succeeded in the end.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) speaker: Speaker,
    pub(crate) mended: bool,
    /// The reason of each attempt that failed, with the tokens that it used.
    pub(crate) failed: Vec<(String, Usage)>,
}

/// Attempts at a base row's prompts, where the first one failed.
fn tried_prompts(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
) -> Result<Option<Tried>> {
    let attempts = match (record.steps.last(), record.state) {
        (Some(step), _) => u32::from(step.attempts),
        (None, TaskState::Rejected) => record.attempts,
        (None, _) => 0,
    };
    if attempts < 2 && (attempts == 0 || !record.steps.is_empty()) {
        return Ok(None);
    }
    let key = record.key;
    let plan = context.plan(key.part()).ok_or_else(|| Error::Astray(format!("{key:?}")))?;
    let Some(row) = plan.row(key.seed_row_index() as usize) else { return Ok(None) };
    let locate = |id| Ok(store.locate(id)?);
    let mut tried = Tried { speaker: Speaker::PromptWriter, mended: false, failed: Vec::new() };
    for attempt in 0..attempts {
        let request = base_request(context, key.part(), &row, attempt)?;
        let Some(outcome) = response(&locate, reader, request.id)? else { continue };
        match read_prompts(&outcome, context.prompt_format(), &row.cards) {
            Reading::Good(_) => tried.mended = true,
            // The last attempt, of which the prompts that were good are used.
            Reading::Unusable { partial: Some(_), .. }
                if attempt + 1 == attempts && !record.steps.is_empty() =>
            {
                tried.mended = true;
            }
            Reading::Unusable { reason, .. } => {
                tried.failed.push((reason, outcome.usage().unwrap_or_default()));
            }
            Reading::Undelivered { .. } | Reading::Never { .. } => {}
        }
    }
    Ok(Some(tried))
}

/// What a task was asked more than once for: a base row's prompts, a conversation's turns.
pub(crate) fn tried(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
) -> Result<Vec<Tried>> {
    let key = record.key;
    let astray = || Error::Astray(format!("{key:?}"));
    if key.is_seed_row() {
        return Ok(tried_prompts(context, store, reader, record)?.into_iter().collect());
    }
    let again = record.steps.iter().any(|s| s.attempts > 1);
    let ended = record.state == TaskState::Rejected && record.attempts > 0;
    if !(again || ended) {
        return Ok(Vec::new());
    }
    let plan = context.plan(key.part()).ok_or_else(astray)?;
    let row = Arc::new(plan.row(key.seed_row_index() as usize).ok_or_else(astray)?);
    let mut conversation = begun(context, store, reader, key, &row)?;
    let locate = |id| Ok(store.locate(id)?);
    let mut all = Vec::new();
    let steps = record.steps.iter().map(|s| (Some(s), u32::from(s.attempts).saturating_sub(1)));
    let last = ended.then_some((None, record.attempts));
    for (step, tries) in steps.chain(last) {
        let Next::Ask { speaker, .. } = conversation.machine.next() else { break };
        if tries > 0 {
            let failed = conversation.try_again(context, &locate, reader, tries)?;
            let failed = failed
                .into_iter()
                .map(|(_, outcome, reason)| (reason, outcome.usage().unwrap_or_default()));
            all.push(Tried { speaker, mended: step.is_some(), failed: failed.collect() });
        }
        if let Some(step) = step {
            let outcome = response(&locate, reader, step.request)?.ok_or_else(astray)?;
            said_again(&mut conversation, context, &outcome).ok_or_else(astray)?;
        }
    }
    Ok(all)
}

/// Takes an accepted response in once more; gives what was cleaned off it. Its checks were passed when it
/// was accepted and are not run again.
pub(crate) fn said_again(
    conversation: &mut Conversation,
    context: &RunContext<'_>,
    outcome: &RowOutcome,
) -> Option<Cleaned> {
    let RowOutcome::Answer(completion) = outcome else { return None };
    let cleaned = clinstruct_parser::turn(&completion.text).ok()?;
    conversation.advance(TurnOutcome::Said(cleaned.text.clone()), None, context);
    Some(cleaned)
}

/// What is done about a delivery that failed.
enum Delivery {
    /// The same request is made again.
    Again,
    /// No answer can be had.
    GiveUp(String, String),
}

/// Counts a delivery that failed.
fn count_delivery(
    context: &RunContext<'_>,
    record: &mut TaskRecord,
    reason: String,
    detail: String,
    paid: bool,
) -> Delivery {
    let over = if paid && !context.rehearsal {
        record.unusable += 1;
        record.unusable >= PAID_DELIVERIES
    } else {
        record.delivery_attempts += 1;
        record.delivery_attempts >= context.config.deliveries
    };
    if over { Delivery::GiveUp(reason, detail) } else { Delivery::Again }
}

/// Whether another sample is requested after `attempts` of them. Those that came to nothing for the provider's
/// sake count with the deliveries that did.
fn may_retry(
    context: &RunContext<'_>,
    record: &mut TaskRecord,
    defect: Defect,
    attempts: u32,
) -> bool {
    let paid_for_nothing = defect == Defect::Truncated && !context.rehearsal;
    if paid_for_nothing {
        record.unusable += 1;
    }
    attempts < context.config.tries && !(paid_for_nothing && record.unusable >= PAID_DELIVERIES)
}

/// Applies a response: the task goes on, makes another request, or ends.
///
/// `outcome` is the reason where the job ended without a row for the request.
pub(crate) fn step(
    context: &RunContext<'_>,
    record: TaskRecord,
    active: Active,
    request: RequestId,
    outcome: std::result::Result<&RowOutcome, &str>,
) -> Result<Stepped> {
    match active {
        Active::Base { row } => step_base(context, record, row, request, outcome),
        Active::Conversation(c) => step_conversation(context, record, c, request, outcome),
    }
}

fn missing<T>(absent: &str) -> Reading<T> {
    Reading::Undelivered { reason: "missing".into(), detail: absent.to_owned(), paid: true }
}

fn step_base(
    context: &RunContext<'_>,
    mut record: TaskRecord,
    row: Arc<BaseRow>,
    request: RequestId,
    outcome: std::result::Result<&RowOutcome, &str>,
) -> Result<Stepped> {
    let part = record.key.part();
    let key = record.key;
    let reading = match outcome {
        Ok(outcome) => read_prompts(outcome, context.prompt_format(), &row.cards),
        Err(absent) => missing(absent),
    };
    let failed = |record: TaskRecord, reason: String, detail: String, refused: bool| {
        let given_up =
            GivenUp { request, task: key, refused, reason: reason.clone(), detail: detail.clone() };
        let why = rejection(Stage::Prompt, true, reason, detail);
        let stepped = end_base(context, record, &row, &why)?;
        Ok(Stepped { given_up: vec![given_up], ..stepped })
    };
    match reading {
        Reading::Good(prompts) => accept(context, record, &row, request, &prompts, None),
        Reading::Unusable { reason, detail, partial, defect, .. } => {
            record.attempts += 1;
            let attempts = record.attempts;
            if may_retry(context, &mut record, defect, attempts) {
                let next = base_request(context, part, &row, record.attempts)?;
                return Ok(again(record, next, Active::Base { row }));
            }
            let why = rejection(Stage::Prompt, false, reason, detail);
            match partial {
                Some(prompts) => {
                    record.attempts -= 1;
                    accept(context, record, &row, request, &prompts, Some(&why))
                }
                None => end_base(context, record, &row, &why),
            }
        }
        Reading::Undelivered { reason, detail, paid } => {
            match count_delivery(context, &mut record, reason, detail, paid) {
                Delivery::Again => {
                    let next = base_request(context, part, &row, record.attempts)?;
                    Ok(again(record, next, Active::Base { row }))
                }
                Delivery::GiveUp(reason, detail) => failed(record, reason, detail, false),
            }
        }
        Reading::Never { reason, detail } => failed(record, reason, detail, true),
    }
}

fn step_conversation(
    context: &RunContext<'_>,
    mut record: TaskRecord,
    mut conversation: Box<Conversation>,
    request: RequestId,
    outcome: std::result::Result<&RowOutcome, &str>,
) -> Result<Stepped> {
    let Next::Ask { speaker, tries } = conversation.machine.next() else {
        return Err(Error::Astray(conversation.id.to_string()));
    };
    let about = conversation.about(context)?;
    let reading = match outcome {
        Ok(outcome) => read_turn(outcome, speaker, &conversation.situation, &about),
        Err(absent) => missing(absent),
    };
    let mut repair = None;
    let mut refused = false;
    let turn = match reading {
        Reading::Good(cleaned) => {
            record.steps.push(Step {
                request,
                attempts: u8::try_from(tries + 1).unwrap_or(u8::MAX),
                cleanup: cleaned.cleanup.bits(),
            });
            (record.delivery_attempts, record.unusable) = (0, 0);
            TurnOutcome::Said(cleaned.text)
        }
        Reading::Unusable { reason, detail, repair: seen, defect, .. } => {
            repair = seen;
            if may_retry(context, &mut record, defect, tries + 1) {
                TurnOutcome::Unusable { reason, detail }
            } else {
                TurnOutcome::Rejected { reason, detail }
            }
        }
        Reading::Undelivered { reason, detail, paid } => {
            match count_delivery(context, &mut record, reason, detail, paid) {
                Delivery::Again => {
                    let next = conversation.must_ask(context)?;
                    return Ok(again(record, next, Active::Conversation(conversation)));
                }
                Delivery::GiveUp(reason, detail) => TurnOutcome::Never { reason, detail },
            }
        }
        Reading::Never { reason, detail } => {
            refused = true;
            TurnOutcome::Never { reason, detail }
        }
    };
    let used = matches!(turn, TurnOutcome::Unusable { .. } | TurnOutcome::Rejected { .. });
    match conversation.advance(turn, repair, context) {
        Next::Ask { tries, .. } => {
            record.attempts = tries;
            let next = conversation.must_ask(context)?;
            Ok(again(record, next, Active::Conversation(conversation)))
        }
        Next::Done => {
            record.attempts = 0;
            record.waiting = None;
            record.state = TaskState::Done;
            Ok(Stepped { records: vec![record], ..Stepped::default() })
        }
        Next::Ended { failed, reason, detail } => {
            let place = conversation.messages().len() / 2 + 1;
            let detail = format!("{} of turn {place}: {detail}", speaker.as_str());
            record.waiting = None;
            record.attempts = tries + u32::from(used);
            record.state = TaskState::Rejected;
            let given_up = failed.then(|| GivenUp {
                request,
                task: record.key,
                refused,
                reason: reason.clone(),
                detail: detail.clone(),
            });
            record.rejection = Some(rejection(Stage::Turn, failed, reason, detail));
            Ok(Stepped {
                records: vec![record],
                given_up: given_up.into_iter().collect(),
                ..Stepped::default()
            })
        }
    }
}

/// Ends a task whose request was given up before.
pub(crate) fn give_up(
    context: &RunContext<'_>,
    mut record: TaskRecord,
    active: &Active,
    why: GivenUp,
) -> Result<Stepped> {
    let why = GivenUp { task: record.key, ..why };
    let (reason, detail) = (why.reason.clone(), why.detail.clone());
    let stepped = match active {
        Active::Base { row } => {
            end_base(context, record, row, &rejection(Stage::Prompt, true, reason, detail))?
        }
        Active::Conversation(_) => {
            record.waiting = None;
            record.state = TaskState::Rejected;
            record.rejection = Some(rejection(Stage::Turn, true, reason, detail));
            Stepped { records: vec![record], ..Stepped::default() }
        }
    };
    Ok(Stepped { given_up: vec![why], ..stepped })
}

fn rejection(stage: Stage, failed: bool, reason: String, detail: String) -> Rejection {
    Rejection { stage, failed, reason, detail }
}

fn again(mut record: TaskRecord, request: BatchRequest, active: Active) -> Stepped {
    record.waiting = Some(request.id);
    let key = record.key;
    Stepped { records: vec![record], requests: vec![(key, request, active)], ..Stepped::default() }
}

/// A base row has its prompts: its conversations begin; those without a prompt are rejected with `why`.
fn accept(
    context: &RunContext<'_>,
    mut record: TaskRecord,
    row: &Arc<BaseRow>,
    request: RequestId,
    prompts: &[Option<Cleaned>],
    why: Option<&Rejection>,
) -> Result<Stepped> {
    let part = record.key.part();
    let cleanup = prompts.iter().flatten().fold(0, |bits, p| bits | p.cleanup.bits());
    record.steps.push(Step {
        request,
        attempts: u8::try_from(record.attempts + 1).unwrap_or(u8::MAX),
        cleanup,
    });
    record.waiting = None;
    record.state = TaskState::Done;
    let base = record.key.seed_row_index();
    let mut stepped = Stepped { records: vec![record], ..Stepped::default() };
    for (k, prompt) in prompts.iter().enumerate() {
        for variant in variants_of(context, part, row, k, prompt.as_ref().map(|p| p.text.as_str()))?
        {
            let key = conversation_key(part, base, k, variant)?;
            match prompt {
                Some(prompt) => {
                    let conversation =
                        Conversation::start(context, part, row, k, variant, &prompt.text)?;
                    if let Some(request) = conversation.due(context)? {
                        let started = TaskRecord { waiting: Some(request.id), ..blank(key) };
                        stepped.records.push(started);
                        let active = Active::Conversation(Box::new(conversation));
                        stepped.requests.push((key, request, active));
                    }
                }
                None => stepped.records.push(rejected(key, why.cloned())),
            }
        }
    }
    Ok(stepped)
}

/// A base row ends without prompts: all rows that it would have given are rejected.
fn end_base(
    context: &RunContext<'_>,
    mut record: TaskRecord,
    row: &Arc<BaseRow>,
    why: &Rejection,
) -> Result<Stepped> {
    let part = record.key.part();
    let base = record.key.seed_row_index();
    record.waiting = None;
    record.state = TaskState::Rejected;
    record.rejection = Some(why.clone());
    let mut records = vec![record];
    for k in 0..row.cards.len() {
        for variant in variants_of(context, part, row, k, None)? {
            records.push(rejected(conversation_key(part, base, k, variant)?, Some(why.clone())));
        }
    }
    Ok(Stepped { records, ..Stepped::default() })
}

fn rejected(key: TaskKey, why: Option<Rejection>) -> TaskRecord {
    let why = why.unwrap_or_else(|| {
        rejection(Stage::Prompt, false, "missing_prompt".into(), "the prompt is missing".into())
    });
    TaskRecord { state: TaskState::Rejected, rejection: Some(why), ..blank(key) }
}

pub(crate) fn variants_of(
    context: &RunContext<'_>,
    part: u8,
    row: &BaseRow,
    k: usize,
    prompt: Option<&str>,
) -> Result<Vec<Variant>> {
    let plan = context.plan(part).ok_or_else(|| Error::Astray(row.id.to_string()))?;
    Ok(clinstruct_multiturn::variants(plan.part(), context.config.seed, &row.id, k, prompt))
}

fn conversation_key(part: u8, base: u32, k: usize, variant: Variant) -> Result<TaskKey> {
    u8::try_from(k + 1)
        .ok()
        .and_then(|prompt| TaskKey::conversation(part, base, prompt, variant_code(variant)))
        .ok_or_else(|| Error::Astray(format!("prompt {k} of base row {base}")))
}

/// The request that a waiting task waits for, with the id of its row; `None` where nothing is due.
pub fn due_request(
    context: &RunContext<'_>,
    store: &Store,
    task: &TaskRecord,
) -> Result<Option<(RowId, BatchRequest)>> {
    let built = rebuild(context, store, &store.reader(), task)?;
    Ok(built.map(|(request, active)| match active {
        Active::Base { row } => (row.id.clone(), request),
        Active::Conversation(conversation) => (conversation.id, request),
    }))
}
