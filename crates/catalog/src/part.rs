use std::collections::BTreeMap;

use clinstruct_schema::{Constraint, ConversationMode, Facet, Frame, PartId, Slug, Subject};
use serde::Deserialize;
use toml::Spanned;

use crate::style::RawWording;
use crate::{Axis, PartLanguages, StyleOption, Task};

/// Probability that a first message withholds something, where [`Part::can_withhold`].
pub const WITHHOLDS: f64 = 0.06;

/// How the countries of a request's patients are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Countries {
    /// Each from all countries.
    Any,
    /// One from each income group: high, upper middle, lower middle, low.
    OnePerIncomeGroup,
}

/// The facts that the condition of a rule depends on.
#[derive(Debug, Clone, Default)]
pub struct Facts<'a> {
    /// Axis and id of each of its subjects.
    pub subjects: Vec<(Axis, &'a str)>,
    /// Whether one of its subjects is emergency medicine.
    pub emergency: bool,
    /// Whether it has the emergency instruction.
    pub emergency_instruction: bool,
    /// Its mode, once drawn.
    pub mode: Option<ConversationMode>,
    /// Groups of the requested styles.
    pub asked_groups: Vec<&'a str>,
}

/// Axis and id of each of a row's subjects, for [`Facts::subjects`].
#[inline]
pub fn subject_ids(subjects: &[Subject]) -> Vec<(Axis, String)> {
    let axes = [Axis::Task, Axis::Specialty, Axis::Profession, Axis::Domain, Axis::Subtopic];
    subjects
        .iter()
        .filter_map(|s| axes.iter().find(|a| a.as_str() == s.axis).map(|a| (*a, s.value_id())))
        .collect()
}

/// Whether one of these tasks is that of a row with these subjects, and is to translate a text.
#[inline]
pub fn translates(tasks: &[Task], subjects: &[Subject]) -> bool {
    subjects
        .iter()
        .filter(|s| s.axis == Axis::Task.as_str())
        .any(|s| tasks.iter().any(|task| task.translates && Some(&task.id) == s.slugs.last()))
}

/// A conjunction of conditions; always true if empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// One of these tasks.
    #[serde(default)]
    pub task: Option<Vec<Spanned<String>>>,
    /// One of these specialties (`physician.cardiology`).
    #[serde(default)]
    pub specialty: Option<Vec<Spanned<String>>>,
    /// One of these professions.
    #[serde(default)]
    pub profession: Option<Vec<Spanned<String>>>,
    /// One of these domains.
    #[serde(default)]
    pub domain: Option<Vec<Spanned<String>>>,
    /// One of these subtopics.
    #[serde(default)]
    pub subtopic: Option<Vec<Spanned<String>>>,
    /// Whether one of the subjects is emergency medicine.
    #[serde(default)]
    pub emergency: Option<bool>,
    /// Whether the emergency instruction is given.
    #[serde(default)]
    pub emergency_instruction: Option<bool>,
    /// One of these modes.
    #[serde(default)]
    pub mode: Option<Vec<ConversationMode>>,
    /// One of these groups of styles is requested.
    #[serde(default)]
    pub asked_group: Option<Vec<Spanned<String>>>,
}

impl When {
    /// Whether it may be false for some rows.
    pub(crate) fn is_conditional(&self) -> bool {
        self.task.is_some()
            || self.specialty.is_some()
            || self.profession.is_some()
            || self.domain.is_some()
            || self.subtopic.is_some()
            || self.emergency.is_some()
            || self.emergency_instruction.is_some()
            || self.mode.is_some()
            || self.asked_group.is_some()
    }

    /// Whether it is true.
    #[inline]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let axis = |axis: Axis, names: &Option<Vec<Spanned<String>>>| {
            names.as_ref().is_none_or(|names| {
                facts
                    .subjects
                    .iter()
                    .any(|(a, id)| *a == axis && names.iter().any(|name| name.get_ref() == id))
            })
        };
        axis(Axis::Task, &self.task)
            && axis(Axis::Specialty, &self.specialty)
            && axis(Axis::Profession, &self.profession)
            && axis(Axis::Domain, &self.domain)
            && axis(Axis::Subtopic, &self.subtopic)
            && self.emergency.is_none_or(|e| e == facts.emergency)
            && self.emergency_instruction.is_none_or(|e| e == facts.emergency_instruction)
            && self.mode.as_ref().is_none_or(|m| facts.mode.is_some_and(|mode| m.contains(&mode)))
            && self.asked_group.as_ref().is_none_or(|groups| {
                groups.iter().any(|g| facts.asked_groups.contains(&g.get_ref().as_str()))
            })
    }
}

/// Weights of the modes under a condition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRule {
    /// Condition.
    #[serde(default)]
    pub when: When,
    /// Weights, which sum to 1.
    pub weights: Spanned<BTreeMap<ConversationMode, f64>>,
}

/// Weights of one, two and three turns of the assistant under a condition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnsRule {
    /// Condition.
    #[serde(default)]
    pub when: When,
    /// Weights, which sum to 1.
    pub weights: Spanned<[f64; 3]>,
}

/// Answer styles of a prompt.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleRule {
    /// Conversations per prompt.
    pub variants: usize,
    /// Options of each conversation, from as many groups.
    pub options: usize,
    /// Share of the conversations that ask for any.
    #[serde(default = "always")]
    pub share: f64,
}

fn always() -> f64 {
    1.0
}

/// Prompts that become a single conversation with an emergency instruction in place of the styles.
#[derive(Debug, Clone)]
pub struct EmergencyRule {
    /// Share of them among the prompts whose topic can be an emergency.
    pub probability: f64,
    /// The instruction.
    pub instruction: StyleOption,
}

/// The templates of the roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTemplates {
    /// System prompt of the writer of first messages.
    pub prompt_system: String,
    /// System prompt of the assistant.
    pub assistant_system: String,
    /// System message of exported rows.
    pub exported_system: String,
    /// System prompt of the simulated user.
    pub user_system: String,
}

impl Default for RoleTemplates {
    /// Those of conversations with health workers.
    fn default() -> Self {
        let [prompt_system, assistant_system, exported_system, user_system] =
            ["prompt_system.j2", "assistant_system.j2", "exported_system.j2", "user_system.j2"]
                .map(str::to_owned);
        Self { prompt_system, assistant_system, exported_system, user_system }
    }
}

/// A part of the dataset.
#[derive(Debug, Clone)]
pub struct Part {
    /// Slug.
    pub id: PartId,
    /// Stem of its files.
    pub stem: String,
    /// Title, for people.
    pub title: String,
    /// Whether it is made where no part is named.
    pub default: bool,
    /// Whether patients and relatives write, drawn from the catalog's personas, rather than health workers.
    pub personas: bool,
    /// Values of its axes that are left out: those for which one of these holds.
    pub leave_out: Vec<When>,
    /// Lists of axes that are crossed; a list of several axes is their union.
    pub cross: Vec<Vec<Axis>>,
    /// Template of its prompt request.
    pub template: String,
    /// Templates of the roles.
    pub templates: RoleTemplates,
    /// Prompts per request, each for a patient.
    pub prompts_per_request: usize,
    /// Where the patients are.
    pub countries: Countries,
    /// Maximum tokens of the answer to a prompt request.
    pub max_tokens: u32,
    /// Weights of the professions, for rows without one: index and weight.
    pub professions: Vec<(usize, f64)>,
    /// Answer styles.
    pub styles: Option<StyleRule>,
    /// Emergency rule.
    pub emergency: Option<EmergencyRule>,
    /// Modes.
    pub mode: Vec<ModeRule>,
    /// Turns.
    pub turns: Vec<TurnsRule>,
    /// Lengths of answers: option (`None` is `unspecified`) and weight.
    pub assistant_length: Vec<(Option<Slug>, f64)>,
    /// Forms of answers.
    pub assistant_form: Vec<(Option<Slug>, f64)>,
    /// Lengths of the user's messages.
    pub user_length: Vec<(Option<Slug>, f64)>,
    /// Levels of speech: popular, standard, scientific.
    pub register: [f64; 3],
    /// Languages of its conversations.
    pub languages: PartLanguages,
}

impl Part {
    /// Conversations per prompt without the emergency instruction.
    pub fn variants(&self) -> usize {
        self.styles.as_ref().map_or(1, |s| s.variants)
    }

    /// Weights of one, two and three turns: those of the first rule that holds.
    pub fn turn_weights(&self, facts: &Facts<'_>) -> Option<[f64; 3]> {
        self.turns.iter().find(|rule| rule.when.holds(facts)).map(|rule| *rule.weights.get_ref())
    }

    /// The same for a conversation whose first message withholds something, or could have and does not.
    ///
    /// What is withheld has to be asked for and supplied before there is an answer, so that takes two turns. The other
    /// conversations have one turn as much more often, so that the weights hold for all together.
    pub fn turn_weights_of(&self, facts: &Facts<'_>, withholds: bool) -> Option<[f64; 3]> {
        let [one, two, three] = self.turn_weights(facts)?;
        let more = two + three;
        let first = if withholds { 0.0 } else { (one / (1.0 - WITHHOLDS)).min(1.0) };
        if more <= 0.0 {
            return Some([one, two, three]);
        }
        Some([first, two * (1.0 - first) / more, three * (1.0 - first) / more])
    }

    /// Whether a first message can leave out what its decision depends on: it is about a patient, and its conversation
    /// can have a second turn. An emergency leaves no time for that, and a text to translate has no decision.
    ///
    /// What somebody at home writes is incomplete anyway.
    ///
    /// `facts` are those of the row; the frame's mode is used in place of theirs.
    #[inline]
    pub fn can_withhold(&self, facts: &Facts<'_>, frame: &Frame, translates: bool) -> bool {
        let facts = Facts { mode: Some(frame.mode), asked_groups: Vec::new(), ..facts.clone() };
        let urgent = frame.mode == ConversationMode::Emergency || frame.emergency_instruction;
        let goes_on = self.turn_weights(&facts).is_some_and(|[_, two, three]| two + three > 0.0);
        !self.personas && frame.patient.is_some() && !urgent && !translates && goes_on
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEmergency {
    pub(crate) probability: Spanned<f64>,
    pub(crate) id: Slug,
    pub(crate) wordings: Spanned<Vec<Spanned<RawWording>>>,
    pub(crate) constraint: Constraint,
    pub(crate) claims: Vec<Facet>,
}

fn on() -> bool {
    true
}

pub(crate) type Shares = Spanned<BTreeMap<Spanned<String>, f64>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPart {
    pub(crate) id: Spanned<Slug>,
    pub(crate) stem: Spanned<String>,
    pub(crate) title: String,
    #[serde(default = "on")]
    pub(crate) default: bool,
    #[serde(default)]
    pub(crate) personas: bool,
    #[serde(default)]
    pub(crate) leave_out: Vec<When>,
    pub(crate) cross: Spanned<Vec<Vec<Axis>>>,
    pub(crate) template: Spanned<String>,
    #[serde(default)]
    pub(crate) prompt_system: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) assistant_system: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) exported_system: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) user_system: Option<Spanned<String>>,
    pub(crate) prompts_per_request: Spanned<usize>,
    pub(crate) countries: Spanned<Countries>,
    pub(crate) max_tokens: u32,
    #[serde(default)]
    pub(crate) professions: Option<Shares>,
    #[serde(default)]
    pub(crate) styles: Option<Spanned<StyleRule>>,
    #[serde(default)]
    pub(crate) emergency: Option<RawEmergency>,
    pub(crate) mode: Vec<ModeRule>,
    pub(crate) turns: Vec<TurnsRule>,
    pub(crate) assistant_length: Shares,
    pub(crate) assistant_form: Shares,
    pub(crate) user_length: Shares,
    pub(crate) register: Shares,
    /// `shares`, or a list of languages.
    #[serde(default)]
    pub(crate) languages: Option<Spanned<RawLanguages>>,
}

/// The languages of a part: by shares, or a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawLanguages {
    Word(String),
    List(Vec<String>),
}
