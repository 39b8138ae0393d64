use clinstruct_catalog::{Catalog, Part, TemplateError, card_context};
use clinstruct_draw as draw;
use clinstruct_schema::{
    BaseRow, ChatRequest, Message, PatientCard, Register, Role, RowId, Situation, Speaker, Style,
};
use minijinja::context;

use crate::Error;

/// Largest number of tokens of a message of the simulated health worker.
const USER_MAX_TOKENS: u32 = 400;

/// How often a turn is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Tries of one turn with different sampling seeds.
    pub tries: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self { tries: 4 }
    }
}

/// What came of a turn's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// A text that can stand.
    Said(String),
    /// An answer that cannot stand; another try may.
    Unusable {
        /// Named reason.
        reason: String,
        /// What was seen.
        detail: String,
    },
    /// Nothing that another try would change.
    Never {
        /// Named reason.
        reason: String,
        /// What was seen.
        detail: String,
    },
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask this speaker for its turn, for the `tries`-th time (from 0).
    Ask {
        /// Who speaks.
        speaker: Speaker,
        /// Tries before.
        tries: u32,
    },
    /// The conversation has all its turns.
    Done,
    /// It cannot go on.
    Ended {
        /// Whether no answer could be had at all.
        failed: bool,
        /// Named reason.
        reason: String,
        /// What was seen.
        detail: String,
    },
}

/// A conversation on its way: what was said, and how often the next turn was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// User first, then alternating.
    pub messages: Vec<Message>,
    /// Tries of the turn that is due.
    pub tries: u32,
    turns: u32,
}

impl Machine {
    /// A conversation that starts with this message of the health worker.
    pub fn new(first: String, turns: u32) -> Self {
        let messages = vec![Message { role: Role::User, content: first }];
        Self { messages, tries: 0, turns }
    }

    /// What is to be done.
    pub fn next(&self) -> Next {
        let due = 2 * self.turns.max(1) as usize;
        if self.messages.len() >= due {
            return Next::Done;
        }
        let speaker = match self.messages.last().map(|m| m.role) {
            Some(Role::User) => Speaker::Assistant,
            _ => Speaker::User,
        };
        Next::Ask { speaker, tries: self.tries }
    }

    /// Takes in what came of the request for the turn that is due.
    ///
    /// Every call either adds a message, uses up a try or ends, so that a conversation takes at most
    /// `2 * turns * retries.tries` of them.
    pub fn advance(&mut self, outcome: TurnOutcome, retries: Retries) -> Next {
        match outcome {
            TurnOutcome::Said(content) => {
                let role = match self.messages.last().map(|m| m.role) {
                    Some(Role::User) => Role::Assistant,
                    _ => Role::User,
                };
                self.messages.push(Message { role, content });
                self.tries = 0;
                self.next()
            }
            TurnOutcome::Unusable { reason, detail } => {
                self.tries += 1;
                if self.tries >= retries.tries {
                    Next::Ended { failed: false, reason, detail }
                } else {
                    self.next()
                }
            }
            TurnOutcome::Never { reason, detail } => Next::Ended { failed: true, reason, detail },
        }
    }
}

/// The system prompts of a conversation, filled in once.
#[derive(Debug, Clone)]
pub struct Scripts {
    assistant: String,
    user: String,
    opening: String,
    assistant_tokens: u32,
}

impl Scripts {
    /// Fills in the templates for a conversation about `card`.
    pub fn new(
        catalog: &Catalog,
        part: &Part,
        row: &BaseRow,
        card: &PatientCard,
        situation: &Situation,
    ) -> Result<Self, Error> {
        let failed = |source: TemplateError| Error::Template { row: row.id.to_string(), source };
        let mode = catalog.styles.modes.iter().find(|m| m.id == situation.mode);
        let register =
            |r: Register| catalog.styles.registers.iter().find(|text| text.id == r);
        let setting = catalog.settings.iter().find(|s| s.id == card.patient.setting);
        let texts = |styles: &[Style]| styles.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
        let assistant = catalog
            .templates
            .render(
                "assistant_system.j2",
                context! {
                    profession => situation.profession.as_str(),
                    specialty => situation.specialty.as_deref(),
                    country => card.patient.country.as_str(),
                    setting => setting.map(|s| s.name.as_str()),
                    setting_text => setting.map(|s| s.text.as_str()),
                    mode_text => mode.map(|m| m.assistant.as_str()),
                    register_text =>
                        register(situation.assistant_register).map(|r| r.assistant.as_str()),
                    styles => texts(&situation.system_styles),
                },
            )
            .map_err(failed)?;
        // A conversation of one turn has no second message of the health worker.
        let (user, opening) = if situation.turns > 1 {
            let user = catalog
                .templates
                .render(
                    "user_system.j2",
                    context! {
                        profession => situation.profession.as_str(),
                        specialty => situation.specialty.as_deref(),
                        country => card.patient.country.as_str(),
                        mode_text => mode.map(|m| m.user.as_str()),
                        register_text =>
                            register(situation.user_register).map(|r| r.user.as_str()),
                        styles => texts(&situation.user_styles),
                        card => card_context(card),
                    },
                )
                .map_err(failed)?;
            let opening =
                catalog.templates.render("user_opening.j2", context! {}).map_err(failed)?;
            (user, opening)
        } else {
            (String::new(), String::new())
        };
        let task = row
            .subjects
            .iter()
            .filter(|s| s.axis == "task")
            .find_map(|s| catalog.tasks.iter().find(|t| Some(&t.id) == s.slugs.last()));
        let assistant_tokens = task.map_or(part.max_tokens, |t| t.max_tokens);
        Ok(Self { assistant, user, opening, assistant_tokens })
    }

    /// The request for the turn of `speaker`, after `messages`.
    ///
    /// The simulated health worker gets the dialogue with its roles swapped, behind an opening line of the
    /// other side, so that its own words stand as the model's.
    pub fn request(
        &self,
        id: &RowId,
        messages: &[Message],
        speaker: Speaker,
        tries: u32,
        options: &RequestOptions<'_>,
    ) -> ChatRequest {
        let mut all = Vec::with_capacity(messages.len() + 2);
        let system = |content: &str| Message { role: Role::System, content: content.to_owned() };
        match speaker {
            Speaker::User => {
                all.push(system(&self.user));
                all.push(Message { role: Role::User, content: self.opening.clone() });
                all.extend(messages.iter().map(|m| Message {
                    role: if m.role == Role::User { Role::Assistant } else { Role::User },
                    content: m.content.clone(),
                }));
            }
            Speaker::Assistant | Speaker::PromptWriter => {
                all.push(system(&self.assistant));
                all.extend(messages.iter().cloned());
            }
        }
        let purpose = format!("{} {} try {tries}", speaker.as_str(), messages.len());
        ChatRequest {
            model: options.model.to_owned(),
            messages: all,
            max_tokens: match speaker {
                Speaker::User => USER_MAX_TOKENS,
                Speaker::Assistant | Speaker::PromptWriter => self.assistant_tokens,
            },
            temperature: options.temperature,
            seed: draw::number(options.seed, id.as_str(), &purpose) >> 1,
            json_schema: None,
        }
    }
}

/// What a turn's request depends on beside the conversation.
#[derive(Debug, Clone, Copy)]
pub struct RequestOptions<'a> {
    /// Model to ask.
    pub model: &'a str,
    /// Seed of the run.
    pub seed: u64,
    /// Sampling temperature.
    pub temperature: Option<f32>,
}
