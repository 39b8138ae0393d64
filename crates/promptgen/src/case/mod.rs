//! Completes what the plan fixes and a message states to a case: one patient for all turns and variants.
//!
//! The frame wins over the message, and the message over every draw. A complaint is never drawn. A list that the
//! message states is complete: nobody takes warfarin in a case whose message says "no regular medicines". The rest is
//! drawn by the case's key, each fact with a purpose of its own, so that a stated fact changes only what depends on it.

mod applied;
mod atc;
mod beside;
mod body;
mod cognate;
mod conditions;
mod curve;
mod describing;
mod diagnoses;
mod fill;
mod history;
mod known;
mod least;
#[cfg(test)]
mod lists_tests;
mod local_names;
#[cfg(test)]
mod local_names_tests;
mod medicine;
mod medicine_words;
mod medicines;
mod number;
mod planned;
mod relatives;
mod same;
mod shape;
mod sorted;
mod spaced;
mod stated;
mod status;
mod text;
#[cfg(test)]
mod treatment_tests;
mod untaken;
mod vitals;

use clinstruct_catalog::Catalog;
use clinstruct_schema::{Case, FactName, Frame, FramePatient, Stated};
pub(crate) use conditions::frame_condition;
pub(crate) use local_names::apart;

/// What a case is completed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completion<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) seed: u64,
    /// Key of the case's draws.
    pub(crate) key: &'a str,
    pub(crate) frame: &'a Frame,
    pub(crate) patient: &'a FramePatient,
    pub(crate) stated: &'a Stated,
    /// Index of the age band.
    pub(crate) band: usize,
}

impl Completion<'_> {
    /// What names of conditions are looked up in.
    fn names(&self) -> local_names::Names<'_> {
        local_names::Names { catalog: self.catalog, language: self.frame.language }
    }

    /// Age in months; in the middle of the year where only years are known.
    fn months(&self) -> f64 {
        let age = self.patient.age;
        age.total_months().map_or_else(|| f64::from(age.years) * 12.0 + 6.0, f64::from)
    }

    /// What is for men and what is for women; in between for an intersex patient.
    fn by_sex(&self, men: f64, women: f64) -> f64 {
        use clinstruct_schema::Sex;
        match self.patient.sex {
            Sex::Male => men,
            Sex::Female => women,
            Sex::Intersex => f64::midpoint(men, women),
        }
    }
}

/// The case of the patient of `frame` whose first message states `stated`; `None` for a frame without a patient, or
/// with an age that no band of the catalog includes.
///
/// Pure: all draws are keyed by `seed` and `key`, which is unique to the conversation. Values of `stated` that cannot be
/// read are ignored.
pub fn complete(
    catalog: &Catalog,
    seed: u64,
    key: &str,
    frame: &Frame,
    stated: &Stated,
) -> Option<Case> {
    let patient = frame.patient.as_ref()?;
    let years = patient.age.years;
    let named = catalog.ages.iter().position(|a| a.id == patient.age_band);
    let band =
        named.or_else(|| catalog.ages.iter().position(|a| (a.from..=a.to).contains(&years)))?;
    let ctx = Completion { catalog, seed, key, frame, patient, stated, band };
    let mut case = stated::take_over(&ctx);
    let open = |name| !stated::is_complete(stated, name);

    // A message about a patient has the conditions that matter for it. Another one would change its question.
    if stated.facts.is_empty() {
        let drawn = conditions::conditions(&ctx, &case);
        case.conditions.extend(drawn);
    }
    // Doses depend on weight, weight on conditions, vital signs on all of them.
    body::complete(&ctx, &mut case);
    // A message that states medicines may leave out those without which nobody lives.
    for medicine in medicines::medicines(&ctx, &case) {
        if !case.medicines.iter().any(|m| m.drug.eq_ignore_ascii_case(&medicine.drug)) {
            case.medicines.push(medicine);
        }
    }
    if open(FactName::Allergy) {
        let drawn = history::allergies(&ctx, &case);
        case.allergies.extend(drawn);
    }
    if open(FactName::History) && !stated::rules_out_any(stated, FactName::Condition) {
        let drawn = history::history(&ctx, &case);
        case.history.extend(drawn);
    }
    // A relative's disease would be a clue that the message did not have.
    if stated.facts.is_empty() {
        let drawn = history::family(&ctx, &case);
        case.family.extend(drawn);
    }
    if open(FactName::Social) {
        let drawn = history::social(&ctx, &case);
        case.social.extend(drawn);
    }
    vitals::complete(&ctx, &mut case);
    Some(case)
}
