use clinstruct_schema::{Constraint, Situation, Slug};
use serde::Deserialize;

use crate::load::{distinct, sums_to_one, values};
use crate::load_parts::{Axes, when};
use crate::read::Reader;
use crate::{Facts, When};

/// What an answer ends with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// Advice.
    #[default]
    Advice,
    /// A question that a style asked for.
    Question,
    /// Options, one of which the health worker chooses.
    Options,
    /// A question for what the first message withheld.
    Withheld,
}

impl After {
    /// All.
    pub const ALL: [Self; 4] = [Self::Advice, Self::Question, Self::Options, Self::Withheld];

    /// What the answer before the health worker's message of `turn`, from 2, ends with.
    #[inline]
    pub fn of(situation: &Situation, turn: u32) -> Self {
        let answered = turn.saturating_sub(1);
        let asked =
            |wanted: fn(&Constraint) -> bool| situation.constraints_at(answered).any(wanted);
        if situation.withholds && answered == 1 {
            Self::Withheld
        } else if asked(|c| {
            matches!(c, Constraint::ClarifyingQuestions { .. } | Constraint::OneStep)
        }) {
            Self::Question
        } else if asked(|c| matches!(c, Constraint::Judged { aspect } if aspect == "options")) {
            Self::Options
        } else {
            Self::Advice
        }
    }
}

/// What the simulated health worker does in a later message: an entry of `moves.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Slug.
    pub id: Slug,
    /// Share among the moves with the same `after`.
    pub weight: f64,
    /// What the answer before it ends with.
    #[serde(default)]
    pub after: After,
    /// Conversations that it is limited to.
    #[serde(default)]
    pub when: When,
    /// Conversations that it is left out of.
    #[serde(default)]
    pub unless: Option<When>,
    /// Whether the conversation has to be about a patient.
    #[serde(default)]
    pub patient: bool,
    /// Whether it is kept for the last message.
    #[serde(default)]
    pub last: bool,
    /// Whether the message may state something new about the patient.
    #[serde(default)]
    pub reports: bool,
    /// Wordings of the instruction.
    pub texts: Vec<String>,
    /// What the message is not to be, as a sentence.
    #[serde(default)]
    pub not: String,
}

impl Move {
    /// Whether it is possible in the health worker's message, the last one or an earlier one, `after` such an answer.
    #[inline]
    pub fn fits(&self, facts: &Facts<'_>, after: After, patient: bool, last: bool) -> bool {
        self.after == after
            && (patient || !self.patient)
            && (!self.last || last)
            && self.when.holds(facts)
            && self.unless.as_ref().is_none_or(|unless| !unless.holds(facts))
    }

    /// Whether it is possible in every conversation.
    fn is_free(&self) -> bool {
        !self.patient && !self.last && self.unless.is_none() && !self.when.is_conditional()
    }
}

/// Reads `moves.toml`.
pub(crate) fn read_moves(r: &mut Reader<'_>, axes: &Axes<'_>) -> Vec<Move> {
    let moves = r.entries::<Move>("move", true);
    distinct(r, "move", moves.iter().map(|m| (m.value.id.as_str(), m.span.clone())));
    for m in &moves {
        for condition in std::iter::once(&m.value.when).chain(&m.value.unless) {
            when(r, axes, &axes.styles.groups, condition);
        }
        if m.value.texts.iter().all(|text| text.trim().is_empty()) {
            r.mistake(m.span.clone(), format!("the move {} has no text", m.value.id), None);
        }
    }
    for after in After::ALL {
        let of = || moves.iter().filter(|m| m.value.after == after);
        let span = of().next().map_or(0..0, |m| m.span.clone());
        if of().any(|m| m.value.is_free()) {
            sums_to_one(r, span, of().map(|m| m.value.weight));
        } else {
            let name = format!("{after:?}").to_lowercase();
            let message = format!("no move after \"{name}\" is possible in every conversation");
            let help = "add one without `when`, `unless`, `patient` and `last`";
            r.mistake(span, message, Some(help.into()));
        }
    }
    values(moves)
}
