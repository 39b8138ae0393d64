//! Cases of the patients of all plans.

use clinstruct_catalog::Catalog;
use clinstruct_draw as draw;
use clinstruct_promptgen::{Plan, complete};
use clinstruct_schema::{Case, Frame, RecordSource, Sex, Stated, StatedFact};

use super::data::{Data, Scenario};

/// A case with what it was drawn from.
#[derive(Debug)]
pub(crate) struct Drawn<'d> {
    pub(crate) key: String,
    pub(crate) frame: Frame,
    pub(crate) scenario: &'d Scenario,
    pub(crate) case: Case,
}

impl Drawn<'_> {
    pub(crate) fn years(&self) -> u32 {
        self.case.patient.age.years
    }

    /// Body mass index, without what a pregnancy adds.
    pub(crate) fn bmi(&self) -> Option<f64> {
        let metres = self.case.vitals.height? / 100.0;
        self.case
            .patient
            .pregnancy_weeks
            .is_none()
            .then_some(self.case.vitals.weight? / metres / metres)
    }

    /// Index of men and women in references; `None` for intersex patients.
    pub(crate) fn sex(&self) -> Option<usize> {
        match self.case.patient.sex {
            Sex::Male => Some(0),
            Sex::Female => Some(1),
            Sex::Intersex => None,
        }
    }
}

/// `number` cases, evenly over the rows of the parts that are made by default.
pub(crate) fn draw<'d>(
    catalog: &Catalog,
    data: &'d Data,
    seed: u64,
    number: usize,
) -> impl Iterator<Item = Drawn<'d>> {
    let plans: Vec<Plan<'_>> =
        catalog.default_parts().map(|part| Plan::new(catalog, part, seed, None)).collect();
    let of = |plan: &Plan<'_>| plan.len() * plan.part().prompts_per_request;
    let total: usize = plans.iter().map(of).sum();
    // Questions without a patient have no case; a catalog of nothing else ends too.
    let drawn = (0..number.saturating_mul(20)).filter_map(move |i| {
        // More cases than patients go round again, under other keys.
        let mut at = (i as u128 * total as u128 / number.min(total) as u128) as usize % total;
        let plan = plans.iter().find(|plan| {
            let here = at < of(plan);
            at -= if here { 0 } else { of(plan) };
            here
        })?;
        let row = plan.row(at / plan.part().prompts_per_request)?;
        let k = at % plan.part().prompts_per_request;
        let key = format!("{}.{i}", row.id.child('p', k + 1));
        let frame = row.frames.into_iter().nth(k)?;
        let (scenario, stated) = stated(data, &frame, seed, &key)?;
        let case = complete(catalog, seed, &key, &frame, &stated)?;
        Some(Drawn { key, frame, scenario, case })
    });
    drawn.take(number)
}

fn stated<'d>(
    data: &'d Data,
    frame: &Frame,
    seed: u64,
    key: &str,
) -> Option<(&'d Scenario, Stated)> {
    let patient = frame.patient.as_ref()?;
    let fits = |s: &&Scenario| {
        s.ages.is_none_or(|[from, to]| (from..=to).contains(&patient.age.years))
            && (!s.pregnant || patient.pregnancy_weeks.is_some_and(|w| w >= 20))
    };
    let fitting = data.scenario.iter().filter(fits).map(|s| (s.id.as_str(), s.weight, s));
    let scenario = draw::choose(seed, key, "scenario", fitting)?;
    let facts = scenario
        .facts
        .iter()
        .map(|f| StatedFact {
            name: f.name,
            value: f.value.clone(),
            unit: f.unit.clone().unwrap_or_else(|| "1".to_owned()),
        })
        .collect();
    Some((scenario, Stated { facts, source: RecordSource::Writer }))
}
