use clinstruct_schema::Sex;

use crate::{AgeBand, Who};

/// Whether a prompt is about a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AboutPatient {
    /// About one patient.
    Patient,
    /// A question about methods, rules, equipment or mechanisms, without a patient.
    None,
    /// Both occur.
    Either,
}

impl AboutPatient {
    /// Of two values of a row. `None` wins: a topic that has no patient is asked about as methods or systems, also by a
    /// task that otherwise needs a patient (emergency triage of biostatistics is how triage is measured). Between the
    /// other two, `Patient` wins.
    ///
    /// | | `Patient` | `Either` | `None` |
    /// |---|---|---|---|
    /// | `Patient` | `Patient` | `Patient` | `None` |
    /// | `Either` | `Patient` | `Either` | `None` |
    /// | `None` | `None` | `None` | `None` |
    #[must_use]
    #[inline]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Patient, _) | (_, Self::Patient) => Self::Patient,
            (Self::Either, Self::Either) => Self::Either,
        }
    }
}

/// Whether the patient is pregnant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PregnancyRule {
    /// May be, if age and sex allow it.
    Possible,
    /// Is.
    Required,
    /// Is not: it cannot be, or it would lead away from the topic.
    Never,
}

/// Which prompts a task, profession, specialty, domain or subtopic allows, or a row that combines them.
///
/// A row is resolved by [`Scope::resolve`]: the scopes of its values are combined from left to right with
/// [`Scope::and`]. [`Catalog::row_scope`](crate::Catalog::row_scope) does that for the values of a row.
///
/// Of a scope that has a patient:
/// - the bands of `who.ages` are exactly those that `months` touches, so [`Scope::months_in`] of each is not `None`;
/// - if pregnancy is required, nobody male and no age outside [`Scope::CHILDBEARING`] is included;
/// - if pregnancy is possible, there is at least one age and sex at which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Ages, as bands, and sexes of the patient.
    pub who: Who,
    /// Youngest and oldest age in completed months, inclusive.
    pub months: (u32, u32),
    /// Whether there is a patient.
    pub patient: AboutPatient,
    /// Whether the patient is pregnant.
    pub pregnancy: PregnancyRule,
    /// Fewest and most completed weeks of a pregnancy, inclusive.
    pub weeks: (u32, u32),
    /// Whether it can be an emergency. Always false without a patient.
    pub can_be_emergency: bool,
    /// Indices of long-standing conditions that belong to the topic. They are alternatives: the patient has one of those
    /// that fit age and sex, or none of them if none fits.
    pub conditions: Vec<usize>,
}

impl Scope {
    /// No restriction.
    pub const ANYONE: Self = Self {
        who: Who::ANYONE,
        months: (0, u32::MAX),
        patient: AboutPatient::Either,
        pregnancy: PregnancyRule::Possible,
        weeks: Self::WEEKS,
        can_be_emergency: true,
        conditions: Vec::new(),
    };

    /// Ages in completed months at which a patient can be pregnant: 15 to 49 years, the reproductive age of the WHO's
    /// indicators.
    pub const CHILDBEARING: (u32, u32) = (15 * 12, 49 * 12 + 11);

    /// Completed weeks at which a pregnancy is known and not yet overdue.
    pub const WEEKS: (u32, u32) = (5, 41);

    /// The scope of a row with these values, in the row's order. Without values, no restriction.
    #[must_use]
    pub fn resolve(values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(Self::ANYONE, |row, value| row.and(&value))
    }

    /// What both allow.
    ///
    /// If no patient fits both (no common age or sex, or one requires a pregnancy and the other excludes it), the prompt
    /// has no patient: a pediatric nurse asks about geriatrics in general. The ages are then the first one's, since a
    /// specialist's patients outweigh a domain's; the sexes are those of both unless that excludes everyone.
    #[must_use]
    #[inline]
    pub fn and(&self, other: &Self) -> Self {
        let months = overlap(self.months, other.months);
        let weeks = overlap(self.weeks, other.weeks).unwrap_or(self.weeks);
        let pregnancy = pregnancy(self.pregnancy, other.pregnancy);
        let mut conditions = self.conditions.clone();
        conditions.extend(other.conditions.iter().filter(|c| !self.conditions.contains(c)));
        let mut both = Self {
            who: self.who,
            months: self.months,
            patient: AboutPatient::None,
            pregnancy: self.pregnancy,
            weeks,
            can_be_emergency: false,
            conditions,
        };
        if let (Some(who), Some(months), Some(pregnancy)) =
            (self.who.and(&other.who), months, pregnancy)
        {
            both.who = who;
            both.months = months;
            both.pregnancy = pregnancy;
            both.patient = self.patient.and(other.patient);
            both.can_be_emergency = both.patient != AboutPatient::None
                && self.can_be_emergency
                && other.can_be_emergency;
        } else {
            let sexes = Who { ages: self.who.ages, sexes: other.who.sexes };
            both.who = self.who.and(&sexes).unwrap_or(self.who);
        }
        both.without_impossible_pregnancy()
    }

    /// The youngest and oldest age in months of patients of `band`; `None` if the scope excludes all of them.
    pub fn months_in(&self, band: &AgeBand) -> Option<(u32, u32)> {
        overlap(self.months, months_of(band))
    }

    /// Whether a patient of this age, in completed months, and sex can be pregnant.
    pub fn can_be_pregnant(&self, months: u32, sex: Sex) -> bool {
        self.pregnancy != PregnancyRule::Never
            && sex != Sex::Male
            && (Self::CHILDBEARING.0..=Self::CHILDBEARING.1).contains(&months)
    }

    /// `Possible` becomes `Never` if no age and sex allows it.
    pub(crate) fn without_impossible_pregnancy(mut self) -> Self {
        let [_, female, intersex] = self.who.sexes;
        let nobody = !(female || intersex) || overlap(self.months, Self::CHILDBEARING).is_none();
        if self.pregnancy == PregnancyRule::Possible && nobody {
            self.pregnancy = PregnancyRule::Never;
        }
        self
    }
}

/// `None` if one requires a pregnancy and the other excludes it.
fn pregnancy(a: PregnancyRule, b: PregnancyRule) -> Option<PregnancyRule> {
    use PregnancyRule::{Never, Possible, Required};
    match (a, b) {
        (Required, Never) | (Never, Required) => None,
        (Required, _) | (_, Required) => Some(Required),
        (Never, _) | (_, Never) => Some(Never),
        (Possible, Possible) => Some(Possible),
    }
}

pub(crate) fn overlap(a: (u32, u32), b: (u32, u32)) -> Option<(u32, u32)> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 <= both.1).then_some(both)
}

/// The ages of a band in completed months.
pub(crate) fn months_of(band: &AgeBand) -> (u32, u32) {
    (band.from.saturating_mul(12), band.to.saturating_mul(12).saturating_add(11))
}

/// The bands that a range of months touches; `None` if it touches none.
pub(crate) fn bands_of(ages: &[AgeBand], months: (u32, u32)) -> Option<(usize, usize)> {
    let mut touched = (0..ages.len())
        .filter(|i| ages.get(*i).is_some_and(|b| overlap(months_of(b), months).is_some()));
    let first = touched.next()?;
    Some((first, touched.next_back().unwrap_or(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn women(months: (u32, u32), pregnancy: PregnancyRule) -> Scope {
        Scope {
            who: Who { ages: (0, 9), sexes: [false, true, true] },
            months,
            pregnancy,
            ..Scope::ANYONE
        }
    }

    #[test]
    fn the_combination_of_two_values_does_not_depend_on_their_order() {
        use AboutPatient::{Either, None, Patient};
        for a in [Patient, None, Either] {
            for b in [Patient, None, Either] {
                assert_eq!(a.and(b), b.and(a));
                assert_eq!(a.and(b) == None, a == None || b == None);
            }
        }
        assert_eq!(Patient.and(Either), Patient);
        assert_eq!(Either.and(Either), Either);
    }

    #[test]
    fn a_value_alone_is_its_row() {
        let scope = Scope {
            who: Who { ages: (2, 4), sexes: [true, true, false] },
            months: (36, 200),
            patient: AboutPatient::Patient,
            pregnancy: PregnancyRule::Never,
            weeks: (10, 20),
            can_be_emergency: true,
            conditions: vec![3],
        };
        assert_eq!(Scope::resolve([scope.clone()]), scope);
        assert_eq!(Scope::resolve([]), Scope::ANYONE);
    }

    #[test]
    fn without_a_common_age_there_is_no_patient_and_the_first_ones_ages_stay() {
        let child = Scope {
            who: Who { ages: (0, 4), sexes: [true; 3] },
            months: (0, 227),
            patient: AboutPatient::Patient,
            ..Scope::ANYONE
        };
        let old = Scope {
            who: Who { ages: (8, 10), sexes: [false, true, true] },
            months: (732, 1259),
            ..child.clone()
        };
        let both = child.and(&old);
        assert_eq!(both.patient, AboutPatient::None);
        assert!(!both.can_be_emergency);
        assert_eq!((both.who.ages, both.months), ((0, 4), (0, 227)));
        assert_eq!(both.who.sexes, [false, true, true]);
        // The same band, but no common month.
        let newborn = Scope { months: (0, 1), ..child.clone() };
        let weaned = Scope { months: (6, 11), ..child };
        assert_eq!(newborn.and(&weaned).patient, AboutPatient::None);
    }

    #[test]
    fn a_required_pregnancy_outweighs_a_possible_one_and_has_no_patient_where_it_is_excluded() {
        let required = women(Scope::CHILDBEARING, PregnancyRule::Required);
        let both = Scope::ANYONE.and(&required);
        assert_eq!(both.pregnancy, PregnancyRule::Required);
        assert_eq!(both.who.sexes, [false, true, true]);
        let excluded = women(Scope::CHILDBEARING, PregnancyRule::Never);
        assert_eq!(required.and(&excluded).patient, AboutPatient::None);
        // Possible in each, but not at a common age.
        let young = women((0, 250), PregnancyRule::Possible);
        let older = Scope { months: (0, 170), ..Scope::ANYONE };
        assert_eq!(young.and(&older).pregnancy, PregnancyRule::Never);
        assert!(young.can_be_pregnant(200, Sex::Female));
        assert!(!young.can_be_pregnant(200, Sex::Male));
        assert!(!young.can_be_pregnant(170, Sex::Female));
    }

    #[test]
    fn an_emergency_needs_every_value_and_a_patient() {
        let never = Scope { can_be_emergency: false, ..Scope::ANYONE };
        let general = Scope { patient: AboutPatient::None, ..Scope::ANYONE };
        assert!(Scope::ANYONE.and(&Scope::ANYONE).can_be_emergency);
        assert!(!Scope::ANYONE.and(&never).can_be_emergency);
        assert!(!never.and(&Scope::ANYONE).can_be_emergency);
        assert!(!Scope::ANYONE.and(&general).can_be_emergency);
    }
}
