use std::sync::OnceLock;

use clinstruct_catalog::{Catalog, Mode, Part, RegisterText, card_context};
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
    /// An answer that cannot stand, where no repair is left.
    Rejected {
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
            TurnOutcome::Rejected { reason, detail } => {
                self.tries += 1;
                Next::Ended { failed: false, reason, detail }
            }
            TurnOutcome::Never { reason, detail } => Next::Ended { failed: true, reason, detail },
        }
    }
}

/// A text that did not pass its checks, to be written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The text.
    pub text: String,
    /// What each failed check saw.
    pub seen: Vec<String>,
}

impl Repair {
    /// What the model is told: the phrases `repair-head` and `repair-tail` around what was seen.
    fn note(&self, catalog: &Catalog) -> String {
        let mut note = catalog.phrase("repair-head").to_owned();
        for seen in &self.seen {
            note.push_str("\n- ");
            note.push_str(seen);
        }
        note.push('\n');
        note.push_str(catalog.phrase("repair-tail"));
        note
    }
}

/// The system prompts of a conversation, each filled in once, when it is first asked for.
#[derive(Debug, Default)]
pub struct Scripts {
    assistant: OnceLock<String>,
    user: OnceLock<(String, String)>,
}

/// What the system prompts of a conversation are made of.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Resources.
    pub catalog: &'a Catalog,
    /// Part.
    pub part: &'a Part,
    /// Base row.
    pub row: &'a BaseRow,
    /// The hidden patient card.
    pub card: &'a PatientCard,
    /// Mode, turns, styles.
    pub situation: &'a Situation,
}

impl Setting<'_> {
    fn mode_text(&self, pick: fn(&Mode) -> &str) -> Option<String> {
        let mode = self.catalog.styles.modes.iter().find(|m| m.id == self.situation.mode);
        mode.map(|m| pick(m).to_owned())
    }

    fn register_text(&self, r: Register, pick: fn(&RegisterText) -> &str) -> Option<String> {
        let text = self.catalog.styles.registers.iter().find(|text| text.id == r);
        text.map(|t| pick(t).to_owned())
    }

    fn render(&self, name: &str, context: minijinja::Value) -> Result<String, Error> {
        self.catalog
            .templates
            .render(name, context)
            .map_err(|source| Error::Template { row: self.row.id.to_string(), source })
    }

    fn assistant(&self) -> Result<String, Error> {
        let situation = self.situation;
        let setting = self.catalog.settings.iter().find(|s| s.id == self.card.patient.setting);
        let register = situation.assistant_register;
        self.render(
            "assistant_system.j2",
            context! {
                profession => situation.profession.as_str(),
                specialty => situation.specialty.as_deref(),
                country => self.card.patient.country.as_str(),
                setting => setting.map(|s| s.name.as_str()),
                setting_text => setting.map(|s| s.text.as_str()),
                mode_text => self.mode_text(|m| &m.assistant),
                register_text => self.register_text(register, |r| &r.assistant),
                styles => texts(&situation.system_styles),
            },
        )
    }

    fn user(&self) -> Result<(String, String), Error> {
        let situation = self.situation;
        let user = self.render(
            "user_system.j2",
            context! {
                profession => situation.profession.as_str(),
                specialty => situation.specialty.as_deref(),
                country => self.card.patient.country.as_str(),
                mode_text => self.mode_text(|m| &m.user),
                register_text => self.register_text(situation.user_register, |r| &r.user),
                styles => texts(&situation.user_styles),
                card => card_context(self.card),
            },
        )?;
        Ok((user, self.render("user_opening.j2", context! {})?))
    }

    /// Largest number of tokens of an answer: the task's, where the row has one.
    fn assistant_tokens(&self) -> u32 {
        self.row
            .subjects
            .iter()
            .filter(|s| s.axis == "task")
            .find_map(|s| self.catalog.tasks.iter().find(|t| Some(&t.id) == s.slugs.last()))
            .map_or(self.part.max_tokens, |t| t.max_tokens)
    }
}

fn texts(styles: &[Style]) -> Vec<String> {
    styles.iter().map(|s| s.text.clone()).collect()
}

impl Scripts {
    /// The request for the turn of `speaker`, after `messages`.
    ///
    /// The simulated health worker gets the dialogue with its roles swapped, behind an opening line of the
    /// other side, so that its own words stand as the model's. A repair stands behind all of it: the text
    /// that did not pass, and what was seen.
    pub fn request(
        &self,
        setting: &Setting<'_>,
        id: &RowId,
        messages: &[Message],
        speaker: Speaker,
        attempt: Attempt<'_>,
        options: &RequestOptions<'_>,
    ) -> Result<ChatRequest, Error> {
        let Attempt { tries, repair } = attempt;
        let mut all = Vec::with_capacity(messages.len() + 2);
        let system = |content: &str| Message { role: Role::System, content: content.to_owned() };
        let max_tokens = match speaker {
            Speaker::User => {
                let (user, opening) = once(&self.user, || setting.user())?;
                all.push(system(user));
                all.push(Message { role: Role::User, content: opening.clone() });
                all.extend(messages.iter().map(|m| Message {
                    role: if m.role == Role::User { Role::Assistant } else { Role::User },
                    content: m.content.clone(),
                }));
                USER_MAX_TOKENS
            }
            Speaker::Assistant | Speaker::PromptWriter => {
                all.push(system(once(&self.assistant, || setting.assistant())?));
                all.extend(messages.iter().cloned());
                setting.assistant_tokens()
            }
        };
        if let Some(repair) = repair {
            all.push(Message { role: Role::Assistant, content: repair.text.clone() });
            all.push(Message { role: Role::User, content: repair.note(setting.catalog) });
        }
        let purpose = format!("{} {} try {tries}", speaker.as_str(), messages.len());
        Ok(ChatRequest {
            model: options.model.to_owned(),
            messages: all,
            max_tokens,
            temperature: options.temperature,
            seed: draw::number(options.seed, id.as_str(), &purpose) >> 1,
            json_schema: None,
        })
    }
}

/// The value of a cell, made at its first use.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let value = make()?;
            Ok(cell.get_or_init(|| value))
        }
    }
}

/// Which try of a turn a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempt<'a> {
    /// Tries before.
    pub tries: u32,
    /// The text of the last one, where it is to be repaired.
    pub repair: Option<&'a Repair>,
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
