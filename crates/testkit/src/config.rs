use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clinstruct_schema::{ChatRequest, RequestId};

use crate::wire;

/// Answers a request.
pub type AnswerFn = Arc<dyn Fn(&ChatRequest, RequestId) -> Answer + Send + Sync>;

/// How a [`Provider`](crate::Provider) behaves.
#[derive(Clone)]
pub struct ProviderConfig {
    /// Fault rates.
    pub faults: Faults,
    /// Seed of all draws.
    pub seed: u64,
    /// Accepted keys; if empty, any or none.
    pub keys: Vec<String>,
    /// Existing models; any if empty.
    pub models: Vec<String>,
    /// How many retrieves report a job as `in_progress`.
    ///
    /// OpenAI's API then reports `finalizing` once before the job has ended.
    pub polls_until_done: u32,
    /// Most rows per job.
    pub max_rows: usize,
    /// Most bytes of a job's requests.
    pub max_bytes: u64,
    /// Most prompt tokens of OpenAI jobs in flight; a token is four bytes of the messages' text.
    ///
    /// A job above it becomes `failed` with the code `token_limit_exceeded`.
    pub queued_tokens: Option<u64>,
    /// Rows answered before the credit is used up: from then on jobs and chats get 429 `insufficient_quota`.
    pub quota_rows: Option<u64>,
    /// Duration of a chat.
    pub latency: Duration,
    /// Most jobs per page of the listing, whatever `limit` says.
    pub page_size: usize,
    /// The answer to a request.
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

/// Recorded requests, for [`Sent::Seen`](crate::contract::Sent::Seen).
#[derive(Debug, Clone, Default)]
pub struct Received(Arc<Mutex<Vec<String>>>);

impl Received {
    /// The default config; records each request before it is answered.
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
    /// Finish reason: `stop`, `length` or `content_filter`.
    pub finish_reason: &'static str,
    /// Refusal, in place of the text.
    pub refusal: Option<String>,
    /// Prompt tokens, including those at the cached rate.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
    /// Prompt tokens at the cached rate.
    pub cached_tokens: u64,
}

impl Answer {
    /// A complete answer with this text; a token is four bytes.
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

/// Rates of each kind of fault, from 0 to 1, all 0 by default.
///
/// Row faults are drawn again each time that the row is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// A call is answered with 429.
    pub status_429: f64,
    /// A call is answered with 500.
    pub status_500: f64,
    /// The connection is closed before the call is processed.
    pub dropped: f64,
    /// The call is processed, and the connection closed without a response.
    pub lost_reply: f64,
    /// The body of a download ends in the middle of a line: half of the time as if complete, otherwise before its
    /// `Content-Length`.
    pub cut_download: f64,
    /// A row ends with a server error. Not billed.
    pub row_error: f64,
    /// A row is in no file the first time. Not billed.
    pub row_missing: f64,
    /// A row is in the output twice. Billed once.
    pub row_duplicated: f64,
    /// A row is accompanied by one that was not requested, which is not billed.
    pub row_unknown: f64,
    /// The counts of an ended job are wrong.
    pub lying_counts: f64,
    /// A job expires. Its last third is missing or, as often, in the error file with the code `batch_expired`; at
    /// Anthropic always there, as `expired`. That third is not billed.
    pub expired: f64,
    /// A job fails without rows; at Anthropic, where jobs cannot fail, with an error in each row. Not billed.
    pub failed_job: f64,
    /// A job takes five more retrieves.
    pub stuck: f64,
    /// An answer has no usage.
    pub usage_missing: f64,
    /// An answer has negative token counts.
    pub usage_negative: f64,
    /// The body of a row is a string with its JSON. OpenAI only.
    pub body_as_string: f64,
    /// A row has null instead of its answer. Billed, and no answer.
    pub choices_null: f64,
    /// A byte of an answer is invalid UTF-8. Billed, and no answer.
    pub row_unreadable: f64,
    /// An answer has an unknown finish reason. Billed, and no answer.
    pub finish_unknown: f64,
    /// A call is answered with 200 and an error of the code 429.
    pub error_in_200: f64,
    /// An existing batch, file or result is answered with 404.
    pub not_found: f64,
    /// A file's metadata reports seven bytes more than its content.
    pub wrong_bytes: f64,
    /// A batch retrieve returns 200 and an HTML page.
    pub malformed_poll: f64,
    /// The creation of a job returns 529, and nothing is created.
    pub overloaded: f64,
    /// The id of a missing file is an empty string.
    pub empty_file_id: f64,
}

impl Faults {
    /// The same without faults that make an answer unusable, and without missing rows, which look as if they were
    /// generated: every request is eventually answered as it would be without faults.
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

    /// Every kind of fault at this rate.
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

/// Statistics of a [`Provider`](crate::Provider).
///
/// A row with an answer in the output is billed when its job is created. A cancelled job keeps half of its rows, and
/// the bill for the others is refunded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files taken.
    pub uploads: u64,
    /// Uploaded files that were not deleted.
    pub uploads_kept: u64,
    /// Jobs taken.
    pub jobs: u64,
    /// Billed answers, of jobs and chats.
    pub rows_billed: u64,
    /// Ids that were billed more than once.
    pub rows_billed_twice: u64,
    /// Billed prompt tokens.
    pub prompt_tokens: u64,
    /// Billed completion tokens.
    pub completion_tokens: u64,
    /// Calls of any kind, including refused and dropped ones.
    pub calls: u64,
}

/// Statistics of one list of messages, over all seeds and ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Times sent.
    pub asked: u32,
    /// Times billed.
    pub paid: u32,
    /// Billed answers that were usable.
    pub usable: u32,
    /// Its ids.
    pub ids: Vec<String>,
    /// The last message.
    pub message: String,
}
