//! Patients and relatives who write for themselves: what they are drawn from, and the texts of their conversations.
//!
//! The axes follow two simulators of patients. `PatientSim` has personality, language proficiency, recall of the medical
//! history and confusion (Kyung and others, <https://arxiv.org/abs/2505.17818>); `PatientsWithPersonality` controls
//! disclosure by personality, because simulated patients tell too much unasked (Schlager and others,
//! <https://arxiv.org/abs/2606.17441>). Worry is the overanxious personality of the former, openness the disclosure of the
//! latter; health literacy is ours.

use std::collections::BTreeMap;

use clinstruct_schema::{ConversationMode, Instruction, Meaning, Pattern, PersonaTrait, Sex, Slug};
use serde::Deserialize;
use toml::Spanned;

use crate::voice::RawWeight;
use crate::who::RawWho;
use crate::{Axis, Facts, Move, Phrase, Styles, Voices, When, Who};

/// A value of a trait of a persona.
#[derive(Debug, Clone)]
pub struct PersonaEntry {
    /// Slug, unique in its list.
    pub id: Slug,
    /// Share among the possible entries, by mode; none in a mode that is absent.
    pub weights: BTreeMap<ConversationMode, f64>,
    /// The patients that it goes with.
    pub who: Who,
    /// Topics that it does not go with: those for which one of these holds.
    pub unless: Vec<When>,
    /// What the writer of the first message is told, one of these.
    pub writer: Vec<String>,
    /// What the simulated person is told, one of these.
    pub user: Vec<String>,
}

/// What decides which values of a trait are possible.
#[derive(Debug, Clone, Copy)]
pub struct PersonaFacts<'a> {
    /// The mode of the conversation.
    pub mode: ConversationMode,
    /// The patient's age band, by index.
    pub band: usize,
    /// The patient's recorded sex.
    pub sex: Sex,
    /// The last slug of each subject of the row, and the domains that subtopics are of.
    pub subjects: &'a [(Axis, &'a str)],
}

/// Those who write for themselves, with the texts that differ from those of health workers.
#[derive(Debug, Clone, Default)]
pub struct Personas {
    /// What rows have where others name a profession.
    pub profession: String,
    /// The values of each trait.
    pub lists: BTreeMap<PersonaTrait, Vec<PersonaEntry>>,
    /// Phrases of their templates.
    pub phrases: Vec<Phrase>,
    /// How their first messages are written.
    pub voices: Voices,
    /// Styles that they ask for, and what system prompts say of modes, lengths and forms.
    pub styles: Styles,
    /// What they do in later messages.
    pub moves: Vec<Move>,
}

impl Personas {
    /// The values of a trait; empty if there are none.
    pub fn of(&self, of: PersonaTrait) -> &[PersonaEntry] {
        self.lists.get(&of).map_or(&[], Vec::as_slice)
    }

    /// The value of a trait with this id.
    pub fn entry(&self, of: PersonaTrait, id: &Slug) -> Option<&PersonaEntry> {
        self.of(of).iter().find(|entry| entry.id == *id)
    }

    /// The possible values of a trait, with their weights. Where the topic leaves none, those that fit the patient.
    #[inline]
    pub fn possible(
        &self,
        of: PersonaTrait,
        facts: &PersonaFacts<'_>,
    ) -> Vec<(&PersonaEntry, f64)> {
        let fitting: Vec<(&PersonaEntry, f64)> = self
            .of(of)
            .iter()
            .filter(|entry| entry.who.includes(facts.band, facts.sex))
            .filter_map(|entry| {
                let weight = entry.weights.get(&facts.mode).copied().unwrap_or(0.0);
                (weight > 0.0).then_some((entry, weight))
            })
            .collect();
        let topic = Facts { subjects: facts.subjects.to_vec(), ..Facts::default() };
        let left: Vec<(&PersonaEntry, f64)> = fitting
            .iter()
            .filter(|(entry, _)| !entry.unless.iter().any(|unless| unless.holds(&topic)))
            .copied()
            .collect();
        if left.is_empty() { fitting } else { left }
    }

    /// What each text asks for.
    pub(crate) fn instructions(&self) -> Vec<Instruction> {
        let mut all: Vec<Instruction> = self.phrases.iter().map(Phrase::instruction).collect();
        for (of, list) in &self.lists {
            for entry in list {
                let texts = entry.writer.iter().chain(&entry.user);
                all.extend(texts.map(|text| Instruction {
                    id: format!("{}-{}", of.as_str(), entry.id),
                    text: Pattern(text.clone()),
                    means: vec![Meaning::Be { of: *of, id: entry.id.clone() }],
                    once: false,
                }));
            }
        }
        all.extend(self.voices.instructions());
        all
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPersonaEntry {
    pub(crate) id: Spanned<Slug>,
    pub(crate) weight: Spanned<RawWeight>,
    #[serde(default)]
    pub(crate) ages: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) sexes: Option<Spanned<Vec<Sex>>>,
    #[serde(default)]
    pub(crate) unless: Vec<When>,
    pub(crate) writer: Spanned<Vec<String>>,
    pub(crate) user: Spanned<Vec<String>>,
}

impl RawPersonaEntry {
    /// Its `ages` and `sexes`.
    pub(crate) fn who(&self) -> RawWho {
        RawWho { ages: self.ages.clone(), sexes: self.sexes.clone() }
    }
}
