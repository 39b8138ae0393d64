//! How first messages are written: what voices are drawn from.

use std::collections::BTreeMap;

use clinstruct_schema::{ConversationMode, Instruction, Meaning, Pattern, Slug, VoiceTrait};
use serde::Deserialize;
use toml::Spanned;

/// A value of a trait of a voice.
#[derive(Debug, Clone)]
pub struct VoiceEntry {
    /// Slug, unique in its list.
    pub id: Slug,
    /// Share among the possible entries, by mode; none in a mode that is absent.
    pub weights: BTreeMap<ConversationMode, f64>,
    /// What the writer is told, one of these; numbers are filled in.
    pub writer: Vec<String>,
    /// Whether it needs a message about a patient, or one that is not.
    pub patient: Option<bool>,
    /// Tasks of which the row has one; any where empty.
    pub tasks: Vec<Slug>,
    /// Tasks that the row does not have.
    pub without_tasks: Vec<Slug>,
    /// The fewest and the most words, if it is a length.
    pub words: Option<(u32, u32)>,
    /// How many, if it is a number of questions.
    pub n: Option<u32>,
}

/// A trait with one of its values.
pub type VoiceValue = (VoiceTrait, Slug);

/// Values that do not go together.
#[derive(Debug, Clone)]
pub struct VoiceExclusion {
    /// Each of these,
    pub one: Vec<VoiceValue>,
    /// and each of these.
    pub other: Vec<VoiceValue>,
    /// The reason, for people.
    pub why: String,
}

/// What decides which values of a trait are possible.
#[derive(Debug, Clone, Copy)]
pub struct VoiceFacts<'a> {
    /// The mode in which the message is written.
    pub mode: ConversationMode,
    /// Whether it is about a patient.
    pub patient: bool,
    /// The task of its row, if it has one.
    pub task: Option<&'a str>,
}

/// All that voices are drawn from.
#[derive(Debug, Clone, Default)]
pub struct Voices {
    /// The values of each trait.
    pub lists: BTreeMap<VoiceTrait, Vec<VoiceEntry>>,
    /// What the writer is told of a mode.
    pub modes: BTreeMap<ConversationMode, Vec<String>>,
    /// What does not go together.
    pub exclusions: Vec<VoiceExclusion>,
}

impl Voices {
    /// The values of a trait; empty if there are none.
    #[inline]
    pub fn of(&self, of: VoiceTrait) -> &[VoiceEntry] {
        self.lists.get(&of).map_or(&[], Vec::as_slice)
    }

    /// Why two values do not go together; `None` if they do.
    #[inline]
    pub fn clash(&self, a: &VoiceValue, b: &VoiceValue) -> Option<&VoiceExclusion> {
        self.exclusions.iter().find(|exclusion| {
            let has = |list: &[VoiceValue], value: &VoiceValue| list.contains(value);
            has(&exclusion.one, a) && has(&exclusion.other, b)
                || has(&exclusion.one, b) && has(&exclusion.other, a)
        })
    }

    /// The values of a trait that are possible beside those already drawn, with their weights. Where exclusions leave none,
    /// those that only the facts allow.
    #[inline]
    pub fn possible(
        &self,
        of: VoiceTrait,
        facts: &VoiceFacts<'_>,
        drawn: &[VoiceValue],
    ) -> Vec<(&VoiceEntry, f64)> {
        let allowed: Vec<(&VoiceEntry, f64)> = self
            .of(of)
            .iter()
            .filter(|entry| {
                let is_task = |task: &Slug| facts.task == Some(task.as_str());
                entry.patient.is_none_or(|patient| patient == facts.patient)
                    && (entry.tasks.is_empty() || entry.tasks.iter().any(is_task))
                    && !entry.without_tasks.iter().any(is_task)
            })
            .filter_map(|entry| {
                let weight = entry.weights.get(&facts.mode).copied().unwrap_or(0.0);
                (weight > 0.0).then_some((entry, weight))
            })
            .collect();
        // What the values that were drawn exclude; the others need not be compared with each of them.
        let has = |list: &[VoiceValue]| list.iter().any(|value| drawn.contains(value));
        let excluded: Vec<&[VoiceValue]> = self
            .exclusions
            .iter()
            .flat_map(|exclusion| {
                let (one, other) = (exclusion.one.as_slice(), exclusion.other.as_slice());
                [has(one).then_some(other), has(other).then_some(one)]
            })
            .flatten()
            .collect();
        let clashes = |entry: &VoiceEntry| {
            excluded.iter().copied().flatten().any(|(with, id)| *with == of && *id == entry.id)
        };
        let beside: Vec<(&VoiceEntry, f64)> =
            allowed.iter().filter(|(entry, _)| !clashes(entry)).copied().collect();
        if beside.is_empty() { allowed } else { beside }
    }

    /// What each sentence asks of the writer.
    pub fn instructions(&self) -> impl Iterator<Item = Instruction> {
        let traits = self.lists.iter().flat_map(|(of, list)| list.iter().map(|e| (*of, e)));
        let traits = traits.flat_map(|(of, entry)| {
            entry.writer.iter().map(move |text| Instruction {
                id: format!("{}-{}", of.as_str(), entry.id),
                text: Pattern(text.clone()),
                means: vec![Meaning::Write { of, id: entry.id.clone(), words: entry.words }],
                once: false,
            })
        });
        let modes = self.modes.iter().flat_map(|(mode, texts)| {
            texts.iter().map(|text| Instruction {
                id: format!("{}-writer", mode.as_str()),
                text: Pattern(text.clone()),
                means: vec![Meaning::Tell],
                once: false,
            })
        });
        traits.chain(modes)
    }
}

/// A weight in all modes, or by mode.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawWeight {
    All(f64),
    ByMode(BTreeMap<ConversationMode, f64>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVoiceEntry {
    pub(crate) id: Spanned<Slug>,
    pub(crate) weight: Spanned<RawWeight>,
    pub(crate) writer: Spanned<Vec<String>>,
    #[serde(default)]
    pub(crate) patient: Option<bool>,
    #[serde(default)]
    pub(crate) task: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) without_task: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) words: Option<(u32, u32)>,
    #[serde(default)]
    pub(crate) n: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVoiceMode {
    pub(crate) id: ConversationMode,
    pub(crate) writer: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExclusion {
    pub(crate) one: Vec<Spanned<String>>,
    pub(crate) other: Vec<Spanned<String>>,
    pub(crate) why: String,
}
