//! Measures the remaining rows: each metric with its target.

mod accumulator;
mod every;
mod faults;
mod texts;

use std::collections::BTreeMap;

use clinstruct_quality::CountryTerms;
use clinstruct_schema::Dropped;
use clinstruct_schema::summary::{MetricId, Target, TextKind};
use rayon::prelude::*;

pub use accumulator::MetricsAccumulator;
pub use every::Faults;
pub use faults::{Fault, excerpt};

use super::{Annotates, Pass};
use crate::spill::Spill;
use crate::{Curated, Fields, Result, Row, Source};

/// Number of openings whose shares are added.
const TOP: usize = 10;
/// Size of the sample of prompts for variety.
const SAMPLE: usize = 950;
/// Shorter texts may repeat: `Yes.`
pub(crate) const FEWEST_WORDS: usize = 8;

/// Metrics that are listed even if no text was there to measure.
const LISTED: [MetricId; 25] = [
    MetricId::BlankTexts,
    MetricId::TruncatedAnswers,
    MetricId::ControlCharacters,
    MetricId::Mojibake,
    MetricId::NotNfc,
    MetricId::ControlTokens,
    MetricId::HashHeadings,
    MetricId::MetaCommentary,
    MetricId::DuplicateIds,
    MetricId::RoleOrder,
    MetricId::InstructionsNotFollowed,
    MetricId::ContradictingInstructions,
    MetricId::OtherLanguage,
    MetricId::DosesWithoutWarning,
    MetricId::WarningsWithoutDose,
    MetricId::DosesAboveRange,
    MetricId::OtherPatient,
    MetricId::OtherCountryTerms,
    MetricId::OtherEmergencyNumber,
    MetricId::UnansweredQuestions,
    MetricId::UnsolicitedQuestions,
    MetricId::SeveralQuestions,
    MetricId::FillerOpeners,
    MetricId::ClosingOffers,
    MetricId::OverlongAnswers,
];

/// The target of a metric of this pass.
fn target(id: MetricId, kind: Option<TextKind>) -> Target {
    match id {
        MetricId::TopOpenings if kind == Some(TextKind::Prompt) => Target::AtMost(0.05),
        MetricId::TopOpenings => Target::AtMost(0.08),
        MetricId::DistinctPairs => Target::AtLeast(0.5),
        MetricId::ZlibRatio => Target::AtMost(3.0),
        MetricId::InstructionsNotFollowed
        | MetricId::DosesAboveRange
        | MetricId::FillerOpeners
        | MetricId::ClosingOffers
        | MetricId::CaseContradictions
        | MetricId::RepeatedStatement => Target::AtMost(0.01),
        // A warning too many harms nobody, and taking it away might. Health workers ask several things at once, too. What
        // they find out later adds to a case, and a turn may ask about something else.
        MetricId::WarningsWithoutDose
        | MetricId::SeveralQuestions
        | MetricId::AddedFacts
        | MetricId::DerailedTurns => Target::None,
        // Nobody begins a message with a card, and a local does not say in which country this is. A handover does, and a
        // question on national policy may.
        MetricId::AgeFirst => Target::AtMost(0.15),
        // At most one turn in two volunteers something, on average.
        MetricId::UnaskedFacts => Target::AtMost(0.5),
        MetricId::OtherLanguage => Target::AtMost(0.005),
        MetricId::OwnCountry | MetricId::UnsolicitedQuestions => Target::AtMost(0.05),
        MetricId::UnansweredQuestions | MetricId::OverlongAnswers => Target::AtMost(0.02),
        _ => Target::AtMost(0.0),
    }
}

/// Facts about a medicine.
#[derive(Debug, Clone, PartialEq)]
pub struct DrugRange {
    /// Generic name, lower case.
    pub name: String,
    /// Unit of the doses, such as `mg`.
    pub unit: String,
    /// Largest single dose, in that unit.
    pub high: f64,
}

/// Facts that texts are compared with. Without them, the metrics that need them are empty.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Medicines.
    pub drugs: Vec<DrugRange>,
    /// Emergency number by country code.
    pub emergency: BTreeMap<String, String>,
    /// Terms that apply to some countries only.
    pub country_terms: CountryTerms,
}

/// The pass.
#[derive(Debug)]
pub struct Measure {
    /// One per thread; their results are independent.
    accumulators: Vec<MetricsAccumulator>,
}

impl Measure {
    /// A pass that compares texts with these facts.
    pub fn new(facts: &Facts, spill: &Spill) -> Self {
        let threads = rayon::current_num_threads().max(1);
        let new = |_| MetricsAccumulator::new(facts.clone()).with_spill(spill, threads);
        Self { accumulators: (0..threads).map(new).collect() }
    }
}

impl Pass for Measure {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn reads(&self) -> Fields {
        Fields::Attributes
    }

    fn annotates(&self) -> Annotates {
        Annotates::Dataset
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>> {
        let share = rows.len().div_ceil(self.accumulators.len()).max(1);
        let shares = rows.par_chunks(share).zip(self.accumulators.par_iter_mut());
        shares.try_for_each(|(rows, own)| rows.iter().try_for_each(|row| own.add(row)))?;
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>, _: &dyn Source, curated: &mut Curated) -> Result<()> {
        if let Some(all) = self.accumulators.into_iter().reduce(MetricsAccumulator::and) {
            all.finish(&mut curated.quality.metrics)?;
        }
        Ok(())
    }
}
