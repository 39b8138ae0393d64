use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clinstruct_schema::{ChatRequest, RequestId};

use crate::wire;

/// What a request is answered with.
pub type AnswerFn = Arc<dyn Fn(&ChatRequest, RequestId) -> Answer + Send + Sync>;

/// How a [`Provider`](crate::Provider) behaves.
#[derive(Clone)]
pub struct ProviderConfig {
    /// How often it misbehaves.
    pub faults: Faults,
    /// Seed of all draws.
    pub seed: u64,
    /// Keys that are accepted; any, and none, where empty.
    pub keys: Vec<String>,
    /// Models that exist; any where empty.
    pub models: Vec<String>,
    /// How many retrieves show a job `in_progress`.
    ///
    /// Then OpenAI's shows one `finalizing`, and then the job has ended.
    pub polls_until_done: u32,
    /// Most rows of a job.
    pub max_rows: usize,
    /// Most bytes of a job's requests.
    pub max_bytes: u64,
    /// Most prompt tokens of OpenAI jobs under way, a token being four bytes of the messages' text.
    ///
    /// A job above it becomes `failed` with the code `token_limit_exceeded`.
    pub queued_tokens: Option<u64>,
    /// How many rows are answered before the money is used up: jobs and chats get 429
    /// `insufficient_quota` from then on.
    pub quota_rows: Option<u64>,
    /// How long a chat takes.
    pub latency: Duration,
    /// Most jobs on a page of the listing, whatever `limit` asks for.
    pub page_size: usize,
    /// What a request is answered with.
    pub answer: AnswerFn,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            faults: Faults::default(),
            seed: 0,
            keys: Vec::new(),
            models: Vec::new(),
            polls_until_done: 1,
            max_rows: 50_000,
            max_bytes: 200 << 20,
            queued_tokens: None,
            quota_rows: None,
            latency: Duration::ZERO,
            page_size: 20,
            answer: Arc::new(|request, id| Answer::of_text(request, plain(id))),
        }
    }
}

fn plain(id: RequestId) -> String {
    let id = id.to_string();
    format!("answer {}", id.get(..8).unwrap_or(&id))
}

/// What a provider was asked, for [`Sent::Seen`](crate::contract::Sent::Seen).
#[derive(Debug, Clone, Default)]
pub struct Received(Arc<Mutex<Vec<String>>>);

impl Received {
    /// The default config, with each request noted before it is answered.
    pub fn config(&self) -> ProviderConfig {
        let config = ProviderConfig::default();
        let (noted, answer) = (Arc::clone(&self.0), config.answer);
        let answer: AnswerFn = Arc::new(move |request, id| {
            let text = serde_json::to_string(request).unwrap_or_default();
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            answer(request, id)
        });
        ProviderConfig { answer, ..ProviderConfig::default() }
    }

    /// The requests so far, as JSON.
    pub fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An answer of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its text.
    pub text: String,
    /// Why it ended: `stop`, `length` or `content_filter`.
    pub finish_reason: &'static str,
    /// Words of a refusal, which come in place of the text.
    pub refusal: Option<String>,
    /// Tokens of the request, those at the cached rate among them.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Tokens of the request at the cached rate.
    pub cached_tokens: u64,
}

impl Answer {
    /// A whole answer of this text; a token is four bytes.
    pub fn of_text(request: &ChatRequest, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            prompt_tokens: wire::prompt_tokens(request),
            completion_tokens: (text.len() as u64).div_ceil(4),
            text,
            finish_reason: "stop",
            refusal: None,
            cached_tokens: 0,
        }
    }
}

/// How often each kind of trouble comes: rates from 0 to 1, all 0 by default.
///
/// What hits a row is drawn anew each time that the row is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// A call is answered with 429.
    pub status_429: f64,
    /// A call is answered with 500.
    pub status_500: f64,
    /// The connection is closed before the call is looked at.
    pub dropped: f64,
    /// The call is done, and the connection closed without the answer.
    pub lost_reply: f64,
    /// The body of a download ends in the middle of a line: in half of the cases as if it were whole, in
    /// the other half before its `Content-Length`.
    pub cut_download: f64,
    /// A row ends as an error of the server. Not billed.
    pub row_error: f64,
    /// A row is in no file, the first time that it should be. Not billed.
    pub row_missing: f64,
    /// A row is in the output twice. Billed once.
    pub row_duplicated: f64,
    /// A row comes with a neighbour that nobody asked for. The neighbour is not billed.
    pub row_unknown: f64,
    /// The counts of an ended job are wrong.
    pub lying_counts: f64,
    /// A job expires. Its last third is missing or, as often, in the error file with the code
    /// `batch_expired`; at Anthropic always there, as `expired`. That third is not billed.
    pub expired: f64,
    /// A job fails without rows; at Anthropic, where jobs cannot, with an error in each row. Not billed.
    pub failed_job: f64,
    /// A job takes five more retrieves.
    pub stuck: f64,
    /// An answer comes without its usage.
    pub usage_missing: f64,
    /// An answer's tokens are below zero.
    pub usage_negative: f64,
    /// The body of a row is a string that holds its JSON. Only OpenAI has a body.
    pub body_as_string: f64,
    /// A row has null where its answer should be. Billed, and no answer.
    pub choices_null: f64,
    /// A byte of an answer is no UTF-8. Billed, and no answer.
    pub row_unreadable: f64,
    /// An answer ends for a reason that nobody has heard of. Billed, and no answer.
    pub finish_unknown: f64,
    /// A call is answered with 200 and an error of the code 429.
    pub error_in_200: f64,
    /// A batch, file or results that are there are answered with 404.
    pub not_found: f64,
    /// A file has seven bytes more than its content, whenever it is looked at.
    pub wrong_bytes: f64,
    /// A batch that is looked at is answered with 200 and a page of HTML.
    pub malformed_poll: f64,
    /// The creation of a job is answered with 529, and nothing is made.
    pub overloaded: f64,
    /// The id of a file that a job does not have is an empty string.
    pub empty_file_id: f64,
}

impl Faults {
    /// The same without those that make an answer unusable, and without rows that do not come, which look as if
    /// they had been made: what is asked comes in the end as it would have without any.
    #[must_use]
    pub fn keeping_answers(self) -> Self {
        Self {
            choices_null: 0.0,
            row_unreadable: 0.0,
            finish_unknown: 0.0,
            row_missing: 0.0,
            ..self
        }
    }

    /// Every kind of trouble at this rate.
    pub fn all(rate: f64) -> Self {
        Self {
            status_429: rate,
            status_500: rate,
            dropped: rate,
            lost_reply: rate,
            cut_download: rate,
            row_error: rate,
            row_missing: rate,
            row_duplicated: rate,
            row_unknown: rate,
            lying_counts: rate,
            expired: rate,
            failed_job: rate,
            stuck: rate,
            usage_missing: rate,
            usage_negative: rate,
            body_as_string: rate,
            choices_null: rate,
            row_unreadable: rate,
            finish_unknown: rate,
            error_in_200: rate,
            not_found: rate,
            wrong_bytes: rate,
            malformed_poll: rate,
            overloaded: rate,
            empty_file_id: rate,
        }
    }
}

/// What a [`Provider`](crate::Provider) has done so far.
///
/// A row is billed when its job is created, where an answer to it is in the output. A job that is
/// cancelled keeps half of its rows, and the bill for the others is taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files taken.
    pub uploads: u64,
    /// Files taken that are there still: nobody deleted them.
    pub uploads_kept: u64,
    /// Jobs taken.
    pub jobs: u64,
    /// Answers billed, of jobs and chats.
    pub rows_billed: u64,
    /// Ids that were billed more than once.
    pub rows_billed_twice: u64,
    /// Tokens of the requests billed.
    pub prompt_tokens: u64,
    /// Tokens of the answers billed.
    pub completion_tokens: u64,
    /// Calls of any kind, also those that were refused or dropped.
    pub calls: u64,
}

/// What became of one list of messages, whatever seed and id it was sent with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// How often it was sent.
    pub asked: u32,
    /// How often an answer to it was billed.
    pub paid: u32,
    /// How many of those could be used.
    pub usable: u32,
    /// The ids it came with.
    pub ids: Vec<String>,
    /// The last message.
    pub message: String,
}
