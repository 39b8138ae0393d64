//! What the texts of a conversation say of its case.

use clinstruct_quality::case::{Corrected, Reader, added, contradictions_in, left_topic};
use clinstruct_quality::compare;
use clinstruct_schema::Situation;
use clinstruct_schema::summary::{MetricId, TextKind};

use super::super::faults::{Place, Seen};
use super::MetricsAccumulator;
use crate::Row;

impl MetricsAccumulator {
    /// Measures age and sex against the patient's.
    pub(super) fn card(&mut self, at: Place<'_>) {
        if let Some(attributes) = at.row.attributes {
            let Some(who) = attributes.who() else { return };
            let wrong = compare::patient(at.text, who);
            let place = wrong.map(|(_, place)| place);
            self.share(MetricId::OtherPatient, at, place);
        }
    }

    /// Measures what the texts after the first say of the case of their conversation.
    pub(super) fn case(&mut self, row: &Row<'_>, whole: Place<'_>) {
        let Some(attributes) = row.attributes else { return };
        let (Some(case), Some(care)) = (&attributes.case, attributes.place()) else { return };
        let subjects: Vec<&str> = attributes.subjects.iter().map(|s| s.name.as_str()).collect();
        let mut contrary = None;
        let mut before = String::new();
        for (index, kind, message) in row.texts() {
            let text = message.content.as_str();
            let at = Place { row, message: index, text };
            // Answers speak of other people, of what is usual at an age, and of what may come.
            if kind == TextKind::FollowUp {
                let corrected = Corrected::of(text);
                let reader = Reader::new(corrected.text());
                if contrary.is_none() {
                    let all = contradictions_in(&reader, case, Some(&care.country_code));
                    contrary = all.into_iter().next().map(|c| (at, c));
                }
                // A move that reports a result has to add one.
                let turn = Situation::turn_of(index);
                let reports = attributes.situation.reports.contains(&turn);
                let added = added(&reader, case).into_iter().next().filter(|_| !reports);
                let detail = added.as_ref().map_or("", |read| read.fact.name.as_str());
                let seen = Seen::from(added.as_ref().map(|read| read.span.clone()));
                self.noted((MetricId::AddedFacts, None), at, seen, detail);
                let left = left_topic(text, &before, &subjects);
                self.share(MetricId::DerailedTurns, at, left);
            }
            before.push_str(text);
            before.push('\n');
        }
        let key = (MetricId::CaseContradictions, None);
        match contrary {
            Some((at, found)) => self.noted(key, at, Seen::At(found.span), &found.detail),
            None => self.noted(key, whole, Seen::No, ""),
        }
    }
}
