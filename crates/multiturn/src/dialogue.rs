//! One conversation from its first message to its end.

use clinstruct_catalog::Catalog;
use clinstruct_draw as draw;
use clinstruct_schema::{ChatRequest, Language, Message, Role, Situation, Speaker};

use crate::language::Said;
use crate::moves::move_text;
use crate::prompts::SystemPrompts;
use crate::{
    Defect, Error, PromptContext, RetryCounts, RetryPolicy, first_message, message_with_styles,
};

/// Maximum tokens of a message of the simulated health worker.
const USER_MAX_TOKENS: u32 = 600;

/// What requests depend on besides their conversation.
#[derive(Debug, Clone, Copy)]
pub struct RequestOptions<'a> {
    /// Templates and phrases.
    pub catalog: &'a Catalog,
    /// Model that plays the assistant.
    pub assistant_model: &'a str,
    /// Model that plays the health worker.
    pub user_model: &'a str,
    /// Seed of the run.
    pub seed: u64,
    /// Sampling temperature; the provider's default if `None`.
    pub temperature: Option<f32>,
}

impl<'a> RequestOptions<'a> {
    /// One model for both sides, seed 0, the provider's temperature.
    pub fn new(catalog: &'a Catalog, model: &'a str) -> Self {
        Self { catalog, assistant_model: model, user_model: model, seed: 0, temperature: None }
    }
}

/// Result of the request for a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// A text that passed its checks.
    Accepted(String),
    /// An unusable response; another sample may be usable.
    Unusable {
        /// Named reason.
        reason: String,
        /// Details, for display.
        detail: String,
        /// What is wrong with it.
        defect: Defect,
        /// The text with the findings, if it is complete and can be repaired.
        repair: Option<Repair>,
    },
    /// The delivery failed: the same request can be sent again.
    Undelivered {
        /// Named reason.
        reason: String,
        /// Details, for display.
        detail: String,
        /// Whether it was billed, or may have been.
        paid: bool,
    },
    /// The provider refused the request, and would again.
    Refused {
        /// Named reason.
        reason: String,
        /// Details, for display.
        detail: String,
    },
}

impl TurnOutcome {
    /// A complete text that failed checks, with one finding for each, to be repaired.
    pub fn failed_checks(reason: &str, text: String, findings: Vec<String>) -> Self {
        Self::Unusable {
            reason: reason.to_owned(),
            detail: findings.join("; "),
            defect: Defect::Text,
            repair: Some(Repair { text, findings }),
        }
    }
}

/// State of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It waits for a response to [`Dialogue::next_request`].
    Ask,
    /// It has all its turns.
    Done,
    /// It ended incomplete.
    Rejected {
        /// Whether there was no answer at all; otherwise there were answers, but no usable one.
        failed: bool,
        /// Named reason.
        reason: String,
        /// Details, for display.
        detail: String,
    },
}

/// A complete text that failed checks, with the findings. The next attempt sends them back to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The text as the model wrote it, without its reasoning.
    pub text: String,
    /// One finding per failed check.
    pub findings: Vec<String>,
}

impl Repair {
    /// The message to the model, of the phrases `repair-..`: the findings, what must stay as it is, and the instructions
    /// about form that still apply.
    fn message(&self, said: Said<'_>, speaker: Speaker, limits: &[&str]) -> String {
        let mut message = said.phrase("repair-head").to_owned();
        let mut list = |head: Option<&str>, items: &mut dyn Iterator<Item = &str>| {
            if let Some(line) = head {
                message.push('\n');
                message.push_str(line);
            }
            for item in items {
                message.push_str("\n- ");
                message.push_str(item);
            }
        };
        list(None, &mut self.findings.iter().map(String::as_str));
        let keep = match speaker {
            Speaker::Assistant | Speaker::PromptWriter => "repair-keep",
            Speaker::User => "repair-keep-user",
        };
        list(Some(said.phrase(keep)), &mut std::iter::empty());
        if !limits.is_empty() {
            list(Some(said.phrase("repair-limits")), &mut limits.iter().copied());
        }
        list(Some(said.phrase("repair-tail")), &mut std::iter::empty());
        message
    }
}

/// One conversation: its system prompts, its messages, whose turn it is, and how often a turn is retried.
///
/// The caller sends [`next_request`](Self::next_request) to a model, checks the response and passes the result to
/// [`apply`](Self::apply), until there is no next request. Only this type decides about retries and repairs, so that
/// every caller plays the same conversation.
#[derive(Debug, Clone)]
pub struct Dialogue {
    context: PromptContext,
    prompts: SystemPrompts,
    policy: RetryPolicy,
    /// User first, then alternating.
    messages: Vec<Message>,
    next: Next,
    /// What the current turn has used of the policy.
    counts: RetryCounts,
    /// The last attempt of the current turn, if it is to be repaired.
    repair: Option<Repair>,
    /// Repairs requested for the current turn.
    repairs: u32,
}

impl Dialogue {
    /// A conversation that starts with `prompt`, followed by what the situation asks for.
    pub fn new(context: PromptContext, prompt: &str, policy: RetryPolicy) -> Self {
        let first = first_message(prompt, &context.situation);
        Self {
            prompts: SystemPrompts::default(),
            policy,
            messages: vec![Message { role: Role::User, content: first }],
            next: Next::Ask,
            counts: RetryCounts::default(),
            repair: None,
            repairs: 0,
            context,
        }
    }

    /// Its attributes.
    pub fn context(&self) -> &PromptContext {
        &self.context
    }

    /// Its messages: the user first, then alternating.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Its state.
    pub fn next(&self) -> &Next {
        &self.next
    }

    /// Whose turn it is; `None` once the conversation has ended.
    pub fn speaker(&self) -> Option<Speaker> {
        (self.next == Next::Ask).then(|| Speaker::of_message(self.messages.len()))
    }

    /// The current or last attempted turn, from 1: a question and its answer are one turn.
    pub fn turn(&self) -> usize {
        self.messages.len() / 2 + 1
    }

    /// What the current turn has used of the policy.
    pub fn counts(&self) -> RetryCounts {
        self.counts
    }

    /// Sets what the current turn has used of the policy, for a conversation that is restored from storage.
    pub fn set_counts(&mut self, counts: RetryCounts) {
        self.counts = counts;
    }

    /// The text that the next attempt of this turn is to repair; `None` where there is none.
    pub fn repair(&self) -> Option<&Repair> {
        self.repair.as_ref()
    }

    /// What it is about, and what was said.
    pub fn into_parts(self) -> (PromptContext, Vec<Message>) {
        (self.context, self.messages)
    }

    /// The request for the current turn; `None` once the conversation has ended.
    ///
    /// The simulated health worker sees the dialogue with swapped roles, after an opening line of the other side, so
    /// that its own texts are the model's. A repair follows at the end: the failed text, and the findings.
    pub fn next_request(&self, options: &RequestOptions<'_>) -> Result<Option<ChatRequest>, Error> {
        let Some(speaker) = self.speaker() else { return Ok(None) };
        let catalog = options.catalog;
        let mut messages = Vec::with_capacity(self.messages.len() + 4);
        let message = |role, content: &str| Message { role, content: content.to_owned() };
        let (model, max_tokens) = if speaker == Speaker::Assistant {
            messages.push(message(Role::System, self.prompts.assistant(catalog, &self.context)?));
            messages.extend(self.messages.iter().cloned());
            (options.assistant_model, self.context.max_tokens)
        } else {
            let (system, opening) = self.prompts.user(catalog, &self.context)?;
            // Behind what all turns share, so that a provider's cache serves the rest.
            let turn = u32::try_from(self.turn()).unwrap_or(u32::MAX);
            let id = self.context.id.as_str();
            let task = move_text(catalog, options.seed, id, &self.context.situation, turn);
            let system = format!("{system}\n\n{task}");
            messages.extend([message(Role::System, &system), message(Role::User, opening)]);
            messages.extend(self.messages.iter().map(|m| Message {
                role: if m.role == Role::User { Role::Assistant } else { Role::User },
                content: m.content.clone(),
            }));
            (options.user_model, USER_MAX_TOKENS)
        };
        if let Some(repair) = &self.repair {
            messages.push(message(Role::Assistant, &repair.text));
            // The simulated health worker is instructed in English, whatever it writes in.
            let language = match speaker {
                Speaker::Assistant => self.context.situation.language,
                Speaker::User | Speaker::PromptWriter => Language::English,
            };
            let limits = self.context.limits(speaker, self.turn());
            let content = repair.message(Said::new(catalog, language), speaker, &limits);
            messages.push(Message { role: Role::User, content });
        }
        // Part of the address of every stored response: a changed wording would request all of them again.
        let (place, attempt) = (self.messages.len(), self.counts.attempts);
        let purpose = format!("{} {place} try {attempt}", speaker.as_str());
        Ok(Some(ChatRequest {
            model: model.to_owned(),
            messages,
            max_tokens,
            temperature: options.temperature,
            seed: draw::number(options.seed, self.context.id.as_str(), &purpose) >> 1,
            json_schema: None,
        }))
    }

    /// Applies the result of the request for the current turn. Once the conversation has ended, nothing changes.
    ///
    /// An unusable response is requested again, up to the policy's attempts; a complete one is repaired, at most
    /// [`RetryPolicy::repairs`] times per turn. A failed delivery is repeated unchanged. Every call adds a message,
    /// uses up some of the policy or ends the conversation.
    pub fn apply(&mut self, outcome: TurnOutcome) -> Next {
        if self.next != Next::Ask {
            return self.next.clone();
        }
        self.next = match outcome {
            TurnOutcome::Accepted(content) => self.accept(content),
            TurnOutcome::Unusable { reason, detail, defect, repair } => {
                let capped = repair.is_some() && self.repairs >= self.policy.repairs;
                if repair.is_some() {
                    self.repairs += 1;
                    self.repair = repair;
                }
                // If a repair returns no text, the repair is requested again: the text to repair was paid for, and is
                // usable.
                let again = self.counts.unusable(&self.policy, defect) && !capped;
                if again { Next::Ask } else { Next::Rejected { failed: false, reason, detail } }
            }
            TurnOutcome::Undelivered { reason, detail, paid } => {
                let again = self.counts.undelivered(&self.policy, paid);
                if again { Next::Ask } else { Next::Rejected { failed: true, reason, detail } }
            }
            TurnOutcome::Refused { reason, detail } => {
                Next::Rejected { failed: true, reason, detail }
            }
        };
        self.next.clone()
    }

    fn accept(&mut self, content: String) -> Next {
        let role = Speaker::of_message(self.messages.len()).role();
        // The health worker's text is checked without what code puts into it.
        let content = if role == Role::User {
            let turn = Situation::turn_of(self.messages.len());
            message_with_styles(&content, &self.context.situation, turn)
        } else {
            content
        };
        self.messages.push(Message { role, content });
        (self.counts, self.repair, self.repairs) = (RetryCounts::default(), None, 0);
        let all = 2 * self.context.situation.turns.max(1) as usize;
        if self.messages.len() >= all { Next::Done } else { Next::Ask }
    }
}
