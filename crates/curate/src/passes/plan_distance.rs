//! Measures the distance of the dataset from its plan: planned and realised shares of each attribute's values.

use std::collections::{BTreeMap, HashMap, HashSet};

use clinstruct_schema::summary::{Measured, MetricId, Target};
use clinstruct_schema::{Attributes, Dropped, Situation};

use super::{Annotates, Pass};
use crate::{Curated, Fields, Result, Row, Source};

/// Largest allowed distance of a distribution.
const DISTANCE: Target = Target::AtMost(0.02);
/// Largest allowed ratio of the realised to the planned share of an age.
const CONCENTRATION: Target = Target::AtMost(1.5);
/// The attribute whose values are checked individually.
const AGE: &str = "age";

type Counts = HashMap<(&'static str, String), u64>;

/// The pass.
#[derive(Debug, Default)]
pub struct PlanDistance {
    rows: u64,
    realised: Counts,
}

fn count(counts: &mut Counts, attributes: &Attributes) {
    for key in traits(attributes) {
        *counts.entry(key).or_default() += 1;
    }
}

/// What distributions are compared of: more than pictures show.
fn traits(attributes: &Attributes) -> impl Iterator<Item = (&'static str, String)> {
    let age = attributes.who().map(|who| (AGE, who.age.measure()));
    let country = attributes.place().map(|place| ("country", place.country_code.clone()));
    let subject = attributes.subjects.first().and_then(|s| s.slugs.last());
    let others = [("style", styles(&attributes.situation))];
    let subject = subject.map(|slug| ("subject", slug.to_string()));
    attributes.traits().chain(others).chain(age).chain(country).chain(subject)
}

fn styles(situation: &Situation) -> String {
    let all: Vec<&str> = situation.asked_styles.iter().map(|s| s.id.as_str()).collect();
    all.join("+")
}

/// The counts of the kept rows and of those that were planned besides.
fn planned(realised: &Counts, source: &dyn Source, curated: &Curated) -> Result<Counts> {
    // The rows of a run have the order of its plan, so that only one id of each is needed at a time.
    let mut planned = realised.clone();
    let mut kept = curated.kept_ids();
    let (mut last, mut next) = (None, kept.next().transpose()?);
    let mut skip = |id: &str| {
        if next.as_deref() == Some(id) {
            last = next.take();
            next = kept.next().transpose()?;
            return Ok(true);
        }
        Ok(last.as_deref() == Some(id))
    };
    source.planned(&mut skip, &mut |attributes| count(&mut planned, attributes))?;
    if next.is_none() {
        return Ok(planned);
    }
    // Another order.
    let kept: HashSet<String> = curated.kept_ids().collect::<Result<_>>()?;
    let mut planned = realised.clone();
    let mut skip = |id: &str| Ok(kept.contains(id));
    source.planned(&mut skip, &mut |attributes| count(&mut planned, attributes))?;
    Ok(planned)
}

impl Pass for PlanDistance {
    fn name(&self) -> &'static str {
        "plan_distance"
    }

    fn reads(&self) -> Fields {
        Fields::Attributes
    }

    fn annotates(&self) -> Annotates {
        Annotates::Dataset
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>> {
        self.rows += rows.len() as u64;
        for attributes in rows.iter().filter_map(|r| r.attributes) {
            count(&mut self.realised, attributes);
        }
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>, source: &dyn Source, curated: &mut Curated) -> Result<()> {
        if self.realised.is_empty() {
            return Ok(());
        }
        let planned = planned(&self.realised, source, curated)?;
        // In a fixed order, so that equal runs have equal sums.
        let mut by_name: BTreeMap<&str, BTreeMap<&str, [u64; 2]>> = BTreeMap::new();
        for ((name, value), count) in &planned {
            by_name.entry(name).or_default().entry(value).or_default()[0] = *count;
        }
        for ((name, value), count) in &self.realised {
            by_name.entry(name).or_default().entry(value).or_default()[1] = *count;
        }
        let mut most = 0.0_f64;
        for (name, values) in by_name {
            let of = |which: usize| values.values().map(|n| n[which]).sum::<u64>();
            let totals = [of(0), of(1)];
            let share = |n: [u64; 2], which: usize| n[which] as f64 / totals[which].max(1) as f64;
            let apart = |n: &[u64; 2]| (share(*n, 0) - share(*n, 1)).abs() / 2.0;
            let distance: f64 = values.values().map(apart).sum();
            if name == AGE {
                let ages = values.values().filter(|n| n[0] > 0);
                most = ages.map(|n| share(*n, 1) / share(*n, 0)).fold(0.0, f64::max);
            }
            let quality = &mut curated.quality;
            quality.distances.insert(name.to_owned(), distance);
            let measured = Measured::Value { value: distance, of: totals[1] };
            quality.metrics.push(MetricId::PlanDistance, Some(name), measured, DISTANCE);
        }
        let metrics = &mut curated.quality.metrics;
        let measured = Measured::Value { value: most, of: self.rows };
        metrics.push(MetricId::AgeConcentration, None, measured, CONCENTRATION);
        Ok(())
    }
}
