use clinstruct_schema::{Sex, Slug};
use serde::Deserialize;
use toml::Spanned;

/// Who can be the patient: the ages and sexes of a topic or condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// First and last age band, by index, inclusive.
    pub ages: (usize, usize),
    /// Male, female, intersex.
    pub sexes: [bool; 3],
}

impl Who {
    /// Everyone.
    pub const ANYONE: Self = Self { ages: (0, usize::MAX), sexes: [true; 3] };

    /// Whether it includes a patient of this age band and sex.
    #[inline]
    pub fn includes(&self, band: usize, sex: Sex) -> bool {
        self.ages.0 <= band && band <= self.ages.1 && self.sexes[sex as usize]
    }

    /// The intersection of both rules; `None` if it is empty.
    #[must_use]
    #[inline]
    pub fn and(&self, other: &Self) -> Option<Self> {
        let ages = (self.ages.0.max(other.ages.0), self.ages.1.min(other.ages.1));
        let sexes = std::array::from_fn(|i| self.sexes[i] && other.sexes[i]);
        (ages.0 <= ages.1 && sexes.contains(&true)).then_some(Self { ages, sexes })
    }
}

/// An age band in whole years, both ends included.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeBand {
    /// Slug.
    pub id: Slug,
    /// Name.
    pub name: String,
    /// Youngest age in years.
    pub from: u32,
    /// Oldest age in years.
    pub to: u32,
    /// Weight among all bands.
    pub weight: f64,
}

/// `ages` and `sexes` of an entry, as written.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RawWho {
    pub(crate) ages: Option<Spanned<String>>,
    pub(crate) sexes: Option<Spanned<Vec<Sex>>>,
}
