//! What patients and relatives tell without being asked.

use clinstruct_quality::lay::told;
use clinstruct_schema::summary::{Measured, MetricId, Metrics, TextKind};
use clinstruct_schema::{Language, Situation};

use super::super::target;
use crate::Row;

/// Facts that were told unasked, and the turns that were looked at.
#[derive(Debug, Default)]
pub(super) struct Disclosure {
    facts: u64,
    turns: u64,
}

impl Disclosure {
    /// Counts the later turns of somebody at home. A turn whose move is to report something new is left out.
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let Some(attributes) = row.attributes else { return };
        let situation = &attributes.situation;
        let english = situation.language == Language::English;
        let Some(case) = attributes.case.as_ref().filter(|_| english) else { return };
        if situation.persona.is_none() {
            return;
        }
        let (mut earlier, mut answer) = (String::new(), "");
        for (index, kind, message) in row.texts() {
            let text = message.content.as_str();
            if kind == TextKind::FollowUp && !situation.reports.contains(&Situation::turn_of(index))
            {
                let facts = told(text, case, &earlier, answer);
                self.facts += facts.iter().filter(|fact| !fact.asked).count() as u64;
                self.turns += 1;
            }
            if kind == TextKind::Answer {
                answer = text;
            }
            earlier.push_str(text);
            earlier.push('\n');
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.facts += other.facts;
        self.turns += other.turns;
    }

    /// Adds the metric, if there was such a turn.
    pub(super) fn finish(&self, metrics: &mut Metrics) {
        if self.turns > 0 {
            let value = self.facts as f64 / self.turns as f64;
            let id = MetricId::UnaskedFacts;
            metrics.push(id, None, Measured::Value { value, of: self.turns }, target(id, None));
        }
    }
}
