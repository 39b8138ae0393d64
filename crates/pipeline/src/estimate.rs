//! Estimates the requests and cost of a run before anything is sent.
//!
//! Sampled rows of each plan are expanded into requests with their real system prompts and histories; only the model's
//! texts are unknown, and are represented by token counts.

use clinstruct_schema::{Message, MicroUsd, Speaker, Stated, Usage};
use rayon::prelude::*;
use serde::Serialize;

use crate::task::{AnnotationTask, ConversationTask, ExtractionTask, Prompt, PromptTask};
use crate::{Result, RunContext};

/// Overhead in tokens per message and per request. Source:
/// <https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>.
const PER_MESSAGE: u64 = 4;
const PER_REQUEST: u64 = 3;
/// Placeholder for text that does not exist yet.
const UNSAID: &str = "\u{2026}";
/// Upper bound of the share of requests that are repeated.
const RETRIES: f64 = 0.04;
/// The stage of the requests for records, with the tokens that their answers usually have.
const EXTRACTION: (&str, u32) = ("extraction", 110);

/// Assumed tokens of each speaker's answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AnswerTokens {
    /// One prompt of a request.
    pub prompt_writer: f64,
    /// The list of facts that the prompt writer adds to a message about a patient.
    pub record: f64,
    /// What the prompt writer makes of the styles that a conversation asks for, for each.
    pub request: f64,
    /// An answer of the assistant.
    pub assistant: f64,
    /// A message of the health worker.
    pub user: f64,
}

impl AnswerTokens {
    /// Typical lengths of current chat models with these templates.
    pub const USUAL: Self =
        Self { prompt_writer: 150.0, record: 220.0, request: 18.0, assistant: 330.0, user: 60.0 };

    /// All lengths multiplied by a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            prompt_writer: self.prompt_writer * factor,
            record: self.record * factor,
            request: self.request * factor,
            assistant: self.assistant * factor,
            user: self.user * factor,
        }
    }

    fn of(self, speaker: Speaker) -> f64 {
        match speaker {
            Speaker::PromptWriter => self.prompt_writer,
            Speaker::Assistant => self.assistant,
            Speaker::User => self.user,
        }
    }
}

/// Requests of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimateLine {
    /// Part.
    pub part: String,
    /// Role.
    pub speaker: Speaker,
    /// Which turn of the conversation, from 1; 0 for the prompt, its record and annotations.
    pub turn: u32,
    /// Who asks beside the conversation: an annotator, or `extraction` for the records of prompts. With [`Missing`] these are
    /// the most that there can be.
    ///
    /// [`Missing`]: crate::Extraction::Missing
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotator: Option<&'static str>,
    /// Model.
    pub model: String,
    /// Requests.
    pub requests: u64,
    /// Total tokens of these requests.
    pub usage: Usage,
    /// Tokens with which another of these requests begins as well, in the median: what a cache of prompts could save of one.
    /// Nothing of it is counted in the cost.
    pub shared_tokens: u64,
    /// Their cost.
    pub micro_usd: MicroUsd,
}

/// Estimated requests and cost of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// By part, speaker and turn.
    pub lines: Vec<EstimateLine>,
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub usage: Usage,
    /// Cost with answers of the assumed length.
    pub micro_usd: MicroUsd,
    /// Cost with short answers.
    pub low_micro_usd: MicroUsd,
    /// Cost with long answers, and some repeated requests.
    pub high_micro_usd: MicroUsd,
    /// Assumed tokens of answers.
    pub answer_tokens: AnswerTokens,
}

/// A sampled request: its known tokens, and how often it contains a text of each speaker.
#[derive(Debug, Clone)]
struct Sampled {
    speaker: Speaker,
    turn: u32,
    /// The annotator, with the tokens that its answers usually have.
    annotator: Option<(&'static str, u32)>,
    known: u64,
    /// Its texts, one after another.
    text: String,
    /// Unknown messages by prompt writer, assistant, user.
    unsaid: [u32; 3],
    /// Answers that it requests at once.
    answers: u32,
    /// Records of patients among them.
    records: u32,
    /// Styles that they put into words.
    styles: u32,
}

/// Estimates a run. `count` counts the tokens of a text; `spread` is the factor by which answers may be longer or
/// shorter, such as 1.6; `sample` is the number of seed rows per part.
pub fn estimate(
    context: &RunContext<'_>,
    count: &(dyn Fn(&str) -> u64 + Sync),
    answers: AnswerTokens,
    spread: f64,
    sample: usize,
) -> Result<Estimate> {
    let mut lines = Vec::new();
    for (part, plan) in &context.plans {
        let rows = plan.len().min(sample);
        if rows == 0 {
            continue;
        }
        let sampled: Vec<Vec<Sampled>> = (0..rows)
            .into_par_iter()
            .map(|i| row(context, count, *part, i * plan.len() / rows))
            .collect::<Result<_>>()?;
        let scale = plan.len() as f64 / rows as f64;
        let kind = |s: &Sampled| (s.annotator, s.turn, s.speaker);
        let mut kinds: Vec<_> = sampled.iter().flatten().map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for one in kinds {
            let these: Vec<&Sampled> =
                sampled.iter().flatten().filter(|s| kind(s) == one).collect();
            let (mut line, cost) = line(context, plan.part().id.as_str(), &these, scale, answers);
            line.shared_tokens = shared_tokens(&these, count);
            lines.push((line, cost));
        }
    }
    let at = |answers: AnswerTokens| -> MicroUsd {
        // Lines with other answer lengths: the known tokens stay.
        lines.iter().map(|l| l.1(answers)).sum()
    };
    let (low, high) = (at(answers.times(1.0 / spread)), at(answers.times(spread)));
    let mut usage = Usage::default();
    for l in &lines {
        usage += l.0.usage;
    }
    Ok(Estimate {
        requests: lines.iter().map(|l| l.0.requests).sum(),
        usage,
        micro_usd: lines.iter().map(|l| l.0.micro_usd).sum(),
        low_micro_usd: low,
        high_micro_usd: (high as f64 * (1.0 + RETRIES)) as MicroUsd,
        answer_tokens: answers,
        lines: lines.into_iter().map(|l| l.0).collect(),
    })
}

/// Tokens of the beginning that the median request shares with another one: the next before or after it in alphabetical
/// order.
fn shared_tokens(these: &[&Sampled], count: &(dyn Fn(&str) -> u64 + Sync)) -> u64 {
    let mut texts: Vec<&str> = these.iter().map(|s| s.text.as_str()).collect();
    texts.sort_unstable();
    let common = |a: &str, b: &str| {
        let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        a.floor_char_boundary(same)
    };
    let beside: Vec<usize> = texts.windows(2).map(|pair| common(pair[0], pair[1])).collect();
    let longest = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| beside.get(i));
        before.max(beside.get(i)).copied().unwrap_or(0)
    };
    let mut shared: Vec<&str> =
        texts.iter().enumerate().filter_map(|(i, text)| text.get(..longest(i))).collect();
    shared.sort_unstable_by_key(|text| text.len());
    shared.get(shared.len() / 2).map_or(0, |text| count(text))
}

type CostAt = Box<dyn Fn(AnswerTokens) -> MicroUsd>;

fn line(
    context: &RunContext<'_>,
    part: &str,
    these: &[&Sampled],
    scale: f64,
    answers: AnswerTokens,
) -> (EstimateLine, CostAt) {
    let first = these.first();
    let speaker = first.map_or(Speaker::Assistant, |s| s.speaker);
    let known: f64 = these.iter().map(|s| s.known as f64).sum();
    let mut unsaid = [0.0; 3];
    let (mut said, mut records, mut styles) = (0.0, 0.0, 0.0);
    for s in these {
        for (sum, n) in unsaid.iter_mut().zip(s.unsaid) {
            *sum += f64::from(n);
        }
        said += f64::from(s.answers);
        records += f64::from(s.records);
        styles += f64::from(s.styles);
    }
    let annotator = first.and_then(|s| s.annotator);
    let each = move |a: AnswerTokens| annotator.map_or(a.of(speaker), |(_, n)| f64::from(n));
    let usage_at = move |a: AnswerTokens| {
        let history = unsaid[0] * a.prompt_writer + unsaid[1] * a.assistant + unsaid[2] * a.user;
        Usage {
            prompt_tokens: ((known + history) * scale).round() as u64,
            completion_tokens: ((said * each(a) + records * a.record + styles * a.request) * scale)
                .round() as u64,
            ..Usage::default()
        }
    };
    let route = context.routes.of(speaker).clone();
    let limits = route.backend.limits();
    let usage = usage_at(answers);
    let line = EstimateLine {
        part: part.to_owned(),
        speaker,
        turn: first.map_or(0, |s| s.turn),
        annotator: annotator.map(|(name, _)| name),
        model: route.model.clone(),
        requests: (these.len() as f64 * scale).round() as u64,
        usage,
        shared_tokens: 0,
        micro_usd: route.cost(usage, &limits),
    };
    (line, Box::new(move |a| route.cost(usage_at(a), &limits)))
}

fn row(
    context: &RunContext<'_>,
    count: &(dyn Fn(&str) -> u64 + Sync),
    part: u8,
    index: usize,
) -> Result<Vec<Sampled>> {
    let Some(task) = PromptTask::planned(context, part, index)? else { return Ok(Vec::new()) };
    let (row, request) = (task.row(), task.next_request(context)?);
    let known = |messages: &[Message]| -> u64 {
        messages.iter().map(|m| PER_MESSAGE + count(&m.content)).sum::<u64>() + PER_REQUEST
    };
    let text = |messages: &[Message]| messages.iter().map(|m| m.content.as_str()).collect();
    let schema = request.request.json_schema.as_ref().map_or(0, |s| count(&s.schema));
    let situations = task.situations(context)?.iter().flatten();
    let mut all = vec![Sampled {
        speaker: Speaker::PromptWriter,
        turn: 0,
        annotator: None,
        known: known(&request.request.messages) + schema,
        text: text(&request.request.messages),
        unsaid: [0; 3],
        answers: u32::try_from(row.frames.len()).unwrap_or(u32::MAX),
        records: row.frames.iter().filter(|frame| frame.patient.is_some()).count() as u32,
        styles: situations.map(|(_, s)| s.asked_styles.len() as u32).sum(),
    }];
    for (k, frame) in row.frames.iter().enumerate() {
        // Which lists will be missing is not known yet.
        if context.config.extraction.asks(frame, &Stated::NONE) {
            let request = ExtractionTask::request(context, part, row, k, UNSAID, 0)?.request;
            let schema = request.json_schema.as_ref().map_or(0, |s| count(&s.schema));
            all.push(Sampled {
                speaker: Speaker::PromptWriter,
                turn: 0,
                annotator: Some(EXTRACTION),
                known: known(&request.messages) + schema,
                text: text(&request.messages),
                unsaid: [1, 0, 0],
                answers: 1,
                records: 0,
                styles: 0,
            });
        }
        let prompt = Prompt::unwritten(UNSAID);
        let situations = task.situations_of(context, k)?;
        for (variant, _) in situations {
            let of = (&**row, k);
            let mut conversation =
                ConversationTask::new(context, part, of, *variant, situations, &prompt)?;
            while let Some(request) = conversation.next_request(context)? {
                let dialogue = conversation.dialogue();
                let said = dialogue.messages().len() as u32;
                let Some(speaker) = dialogue.speaker() else { break };
                all.push(Sampled {
                    speaker,
                    // A message of the health worker belongs to the turn before it.
                    turn: said.div_ceil(2),
                    annotator: None,
                    known: known(&request.request.messages),
                    text: text(&request.request.messages),
                    // The first message is the prompt writer's; then they take turns.
                    unsaid: [1, said / 2, (said - 1) / 2],
                    answers: 1,
                    records: 0,
                    styles: 0,
                });
                conversation.say(UNSAID);
            }
            for annotator in &context.config.annotators {
                let task = AnnotationTask::new(*annotator, conversation.dialogue().clone());
                let Some(request) = task.next_request(context)? else { continue };
                let said = conversation.dialogue().messages().len() as u32;
                all.push(Sampled {
                    speaker: task.speaker(),
                    turn: 0,
                    annotator: Some((annotator.name(), annotator.answer_tokens())),
                    known: known(&request.request.messages),
                    text: text(&request.request.messages),
                    unsaid: [1, said / 2, said / 2 - 1],
                    answers: 1,
                    records: 0,
                    styles: 0,
                });
            }
        }
    }
    Ok(all)
}
