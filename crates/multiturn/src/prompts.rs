//! The system prompts of the two sides of a conversation.

use std::sync::{Arc, OnceLock};

use clinstruct_catalog::{
    Catalog, Mode, Part, RegisterText, RoleTemplates, case_context, language_context,
};
use clinstruct_schema::{
    BaseRow, Case, Constraint, Language, Place, Register, RowId, Situation, Speaker, Style, Subject,
};
use minijinja::context;

use crate::language::Said;
use crate::layperson::{home_case, persona_text};
use crate::{Error, Variant, conversation_id, situation};

/// Default of the maximum tokens of an answer.
const MAX_TOKENS: u32 = 1200;

/// Inputs of the system prompts of a conversation, besides the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptContext {
    /// The conversation's id, which keys its draws and sampling seeds.
    pub id: RowId,
    /// Where care takes place.
    pub place: Place,
    /// The patient; only the simulated health worker sees the case. `None` for a question that is not about one.
    pub case: Option<Arc<Case>>,
    /// Mode, turns, styles.
    pub situation: Situation,
    /// Maximum tokens of an answer of the assistant.
    pub max_tokens: u32,
    /// Whether answers depend on rules of the country.
    pub rules: bool,
    /// What the row combines, for the health worker: `Task: Diagnosing Symptoms`.
    pub subjects: Vec<String>,
    /// Templates of the part.
    pub templates: RoleTemplates,
}

impl PromptContext {
    /// A conversation outside any plan.
    pub fn new(id: RowId, place: Place, case: Option<Case>, situation: Situation) -> Self {
        Self {
            id,
            place,
            case: case.map(Arc::new),
            situation,
            max_tokens: MAX_TOKENS,
            rules: false,
            subjects: Vec::new(),
            templates: RoleTemplates::default(),
        }
    }

    /// The conversation of `variant` from prompt `k` (from 0) of a planned row, with its situation drawn and this case;
    /// `None` if the row has fewer prompts.
    pub fn planned(
        catalog: &Catalog,
        part: &Part,
        seed: u64,
        row: &BaseRow,
        k: usize,
        variant: Variant,
        case: Option<Arc<Case>>,
    ) -> Option<Self> {
        let situation = situation(catalog, part, seed, row, k, variant);
        Self::with_situation(catalog, part, row, k, variant, case, situation)
    }

    /// The same with a situation that was drawn before.
    pub fn with_situation(
        catalog: &Catalog,
        part: &Part,
        row: &BaseRow,
        k: usize,
        variant: Variant,
        case: Option<Arc<Case>>,
        situation: Situation,
    ) -> Option<Self> {
        let task = row
            .subjects
            .iter()
            .filter(|s| s.axis == "task")
            .find_map(|s| catalog.tasks.iter().find(|t| Some(&t.id) == s.slugs.last()));
        let tokens = task.map_or(MAX_TOKENS, |t| t.max_tokens);
        // Tokenizers cut the scripts of these languages into more tokens than Latin letters.
        let wide = matches!(situation.answer_language(), Language::Hindi | Language::Thai);
        Some(Self {
            id: conversation_id(part, &row.id, k, variant),
            place: row.frames.get(k)?.place.clone(),
            case,
            situation,
            max_tokens: if wide { tokens * 2 } else { tokens },
            rules: task.is_some_and(|t| t.rules),
            subjects: row.subjects.iter().filter_map(labelled).collect(),
            templates: part.templates.clone(),
        })
    }

    /// The instructions about form that a repair of this speaker's message in a turn, from 1, must still follow.
    pub(crate) fn limits(&self, speaker: Speaker, turn: usize) -> Vec<&str> {
        let situation = &self.situation;
        let styles: [&[Style]; 2] = match speaker {
            Speaker::Assistant => [&situation.asked_styles, &situation.system_styles],
            Speaker::User | Speaker::PromptWriter => [&situation.user_styles, &[]],
        };
        let turn = u32::try_from(turn).unwrap_or(u32::MAX);
        let binding = styles.into_iter().flatten().filter(|style| style.binds(turn));
        binding.map(|style| style.text.as_str()).collect()
    }

    /// Whether a patient or relative writes.
    fn is_lay(&self) -> bool {
        self.situation.persona.is_some()
    }

    fn mode_text(&self, catalog: &Catalog, pick: fn(&Mode) -> &str) -> Option<String> {
        let modes = &catalog.styles_of(self.is_lay()).modes;
        let mode = modes.iter().find(|m| m.id == self.situation.mode);
        mode.map(|m| pick(m).to_owned())
    }

    fn register_text(
        &self,
        catalog: &Catalog,
        register: Register,
        pick: fn(&RegisterText) -> &str,
    ) -> Option<String> {
        let registers = &catalog.styles_of(self.is_lay()).registers;
        registers.iter().find(|text| text.id == register).map(|text| pick(text).to_owned())
    }

    fn render(
        &self,
        catalog: &Catalog,
        name: &str,
        context: minijinja::Value,
    ) -> Result<String, Error> {
        catalog
            .templates
            .render(name, context)
            .map_err(|source| Error::Template { row: self.id.to_string(), source })
    }

    /// What the assistant is told about itself, the health worker and the form of its answers.
    fn about(&self, catalog: &Catalog, styles: Vec<String>) -> minijinja::Value {
        let situation = &self.situation;
        if !self.is_lay() {
            let said = Said::new(catalog, situation.language);
            return context! { styles => styles, ..said.context(situation, &self.place) };
        }
        let setting = catalog.settings.iter().find(|s| s.id == self.place.setting);
        let register = self.register_text(catalog, situation.assistant_register, |r| &r.assistant);
        context! {
            profession => situation.profession.as_str(),
            specialty => situation.specialty.as_deref(),
            country => self.place.country.as_str(),
            setting => setting.map(|s| s.name.as_str()),
            setting_text => setting.map(|s| s.text.as_str()),
            mode_text => self.mode_text(catalog, |m| &m.assistant),
            register_text => register,
            styles => styles,
        }
    }

    /// The system message of the exported conversation: role, health worker, place, mode, register and the styles of the
    /// system prompt. The rest of the assistant's system prompt is for the model that writes the answers.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub fn exported_system(&self, catalog: &Catalog) -> Result<String, Error> {
        let about = self.about(catalog, texts(&self.situation.system_styles));
        self.render(catalog, &self.templates.exported_system, about)
    }

    fn assistant(&self, catalog: &Catalog) -> Result<String, Error> {
        let situation = &self.situation;
        let said = Said::new(catalog, situation.language);
        let about = self.about(catalog, with_aims(said, &situation.system_styles));
        let asked = if self.is_lay() {
            ["lay-aim-asked-words", "lay-aim-asked-characters"]
        } else {
            ["aim-asked-words", "aim-asked-characters"]
        };
        self.render(
            catalog,
            &self.templates.assistant_system,
            context! {
                aims => aims(said, &situation.asked_styles, asked),
                rules => self.rules,
                withholds => situation.withholds,
                ..about
            },
        )
    }

    fn user(&self, catalog: &Catalog) -> Result<(String, String), Error> {
        let situation = &self.situation;
        let known = if self.is_lay() { home_case } else { case_context };
        let case = self.case.as_deref().map(known);
        let setting = catalog.settings.iter().find(|s| s.id == self.place.setting);
        let user = self.render(
            catalog,
            &self.templates.user_system,
            context! {
                profession => situation.profession.as_str(),
                specialty => situation.specialty.as_deref(),
                country => self.place.country.as_str(),
                setting => setting.map(|s| s.name.as_str()),
                setting_text => setting.map(|s| s.text.as_str()),
                mode_text => self.mode_text(catalog, |m| &m.user),
                register_text => self.register_text(catalog, situation.user_register, |r| &r.user),
                styles => texts(&situation.user_styles),
                subjects => &self.subjects,
                language => language_context(situation.language, &self.place),
                case => case,
                persona => situation.persona.as_ref().map(|p| persona_text(catalog, self.id.as_str(), p)),
            },
        )?;
        Ok((user, self.render(catalog, "user_opening.j2", context! {})?))
    }
}

/// A subject with its label; `None` for the health worker's own specialty and profession, which are stated.
fn labelled(subject: &Subject) -> Option<String> {
    let label = match subject.axis.as_str() {
        "task" => "Task",
        "domain" => "Domain",
        "subtopic" => "Topic",
        _ => return None,
    };
    Some(format!("{label}: {}", subject.name))
}

fn texts(styles: &[Style]) -> Vec<String> {
    styles.iter().map(|s| s.text.clone()).collect()
}

/// What a model is to aim for so that it keeps the limits of these styles: ten per cent less. Exact counts are asked for as
/// they are. `phrases` are for limits on words and on characters.
fn aims(said: Said<'_>, styles: &[Style], phrases: [&str; 2]) -> Vec<String> {
    let [words, characters] = phrases;
    let aim = |phrase: &str, n: u32| said.phrase(phrase).replace("{n}", &(n - n / 10).to_string());
    // Whatever a later message asks for is no secret to give away at the start.
    styles
        .iter()
        .filter(|style| style.turn == 1)
        .flat_map(|style| &style.constraints)
        .filter_map(|constraint| match constraint {
            Constraint::MaxWords { n } => Some(aim(words, *n)),
            Constraint::MaxCharacters { n } => Some(aim(characters, *n)),
            _ => None,
        })
        .collect()
}

/// The texts of styles, each limit followed by what to aim for.
fn with_aims(said: Said<'_>, styles: &[Style]) -> Vec<String> {
    let line = |style: &Style| {
        let mut line = style.text.clone();
        for aim in aims(said, std::slice::from_ref(style), ["aim-words", "aim-characters"]) {
            line.push(' ');
            line.push_str(&aim);
        }
        line
    };
    styles.iter().map(line).collect()
}

/// The system prompts of a conversation, each rendered once, when it is first needed: a conversation that is replayed
/// needs none.
#[derive(Debug, Clone, Default)]
pub(crate) struct SystemPrompts {
    assistant: OnceLock<String>,
    user: OnceLock<(String, String)>,
}

impl SystemPrompts {
    /// The assistant's system prompt.
    pub(crate) fn assistant(
        &self,
        catalog: &Catalog,
        context: &PromptContext,
    ) -> Result<&str, Error> {
        once(&self.assistant, || context.assistant(catalog)).map(String::as_str)
    }

    /// The health worker's system prompt, and the opening line of the other side.
    pub(crate) fn user(
        &self,
        catalog: &Catalog,
        context: &PromptContext,
    ) -> Result<(&str, &str), Error> {
        let (system, opening) = once(&self.user, || context.user(catalog))?;
        Ok((system, opening))
    }
}

/// The value of a cell, computed on first use.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let value = make()?;
            Ok(cell.get_or_init(|| value))
        }
    }
}
