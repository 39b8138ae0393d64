//! What a measured value says about its target: whether it is met, and how much has to be measured to tell.

use serde::{Deserialize, Serialize};

use super::id::{MetricId, Target};

/// Whether a metric meets its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The target is met, and enough was measured to say so.
    Met,
    /// The target is missed.
    Missed,
    /// Fewer texts or rows were measured than the least number of the metric.
    TooFew,
    /// There was nothing to measure.
    NotMeasured,
    /// The metric has no target.
    NoTarget,
}

impl Verdict {
    /// The verdict on a value measured on `of` texts or rows, of which `least` are needed.
    pub(super) fn on(value: f64, of: u64, target: Target, least: u64) -> Self {
        match target {
            _ if of == 0 => Self::NotMeasured,
            Target::None => Self::NoTarget,
            // One fault is one too many, however little was measured.
            Target::AtMost(most) if most <= 0.0 && !target.is_met(value) => Self::Missed,
            _ if of < least => Self::TooFew,
            _ if target.is_met(value) => Self::Met,
            _ => Self::Missed,
        }
    }

    /// The verdict, for people; blank if there is no target.
    pub fn label(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::TooFew => "too few to tell",
            Self::NotMeasured => "not measured",
            Self::NoTarget => "",
        }
    }
}

/// Fewest texts or rows without a fault that count as none.
const LEAST_FOR_NONE: u64 = 30;

/// The least number of texts or rows for a verdict on a metric; 0 if it has no target.
///
/// A share below p can be claimed with 95% confidence once none of 3/p texts has the fault (the rule of three: Hanley and
/// Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983).
pub(super) fn least(id: MetricId, target: Target) -> u64 {
    match (id, target) {
        (_, Target::None) => 0,
        // All rows are accounted for, or one is not: no sample.
        (MetricId::PartsNotAddingUp, _) => 1,
        // Of fewer, the most common openings are always a large share, and a dropped row a large distance.
        (MetricId::TopOpenings | MetricId::PlanDistance | MetricId::AgeConcentration, _) => 500,
        // One of some hundred sentences is above its share by chance in a smaller dataset.
        (MetricId::RepeatedStatement, _) => 2_000,
        // Their targets are for a sample of this size.
        (MetricId::DistinctPairs | MetricId::ZlibRatio, _) => 950,
        (_, Target::AtMost(most)) if most > 0.0 => (3.0 / most).round() as u64,
        _ => LEAST_FOR_NONE,
    }
}

/// The 95% interval of a share of which `count` of `of` were seen.
///
/// Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American Statistical
/// Association 22 (1927), 209-212. Unlike the normal approximation, it holds for few texts and for no fault at all.
pub fn wilson(count: u64, of: u64) -> [f64; 2] {
    const Z: f64 = 1.959_964;
    if of == 0 {
        return [0.0, 1.0];
    }
    let n = of as f64;
    let share = (count as f64 / n).min(1.0);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let rounded = |x: f64| (x.clamp(0.0, 1.0) * 1e6).round() / 1e6;
    [rounded((middle - half) / scale), rounded((middle + half) / scale)]
}

/// A share in percent, such as `3.1%`. A small share is not rounded to none, nor a large one to all.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let near = percent.min(100.0 - percent);
    if near >= 0.1 || near == 0.0 {
        let text = format!("{percent:.1}");
        return format!("{}%", text.strip_suffix(".0").unwrap_or(&text));
    }
    format!("{percent:.4}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        let shown = |count, of| wilson(count, of).map(percent).join(" to ");
        assert_eq!(shown(3, 97), "1.1% to 8.7%");
        // Method 3 in table I of Newcombe, Statistics in Medicine 17 (1998), 857-872, which has four digits.
        let close = |count, of, published: [f64; 2]| {
            wilson(count, of).iter().zip(published).all(|(own, other)| (own - other).abs() < 1e-4)
        };
        assert!(close(81, 263, [0.2553, 0.3662]) && close(15, 148, [0.0624, 0.1605]));
        assert!(close(0, 20, [0.0, 0.1611]) && close(1, 29, [0.0061, 0.1718]));
        assert_eq!(shown(4, 4), "51% to 100%");
        assert_eq!(shown(0, 0), "0% to 100%");
    }

    #[test]
    fn a_small_share_is_not_rounded_to_none() {
        let all = [0.0, 1e-5, 0.0009, 0.002, 0.5, 0.99999, 1.0].map(percent);
        assert_eq!(all, ["0%", "0.0010%", "0.0900%", "0.2%", "50%", "99.9990%", "100%"]);
    }

    #[test]
    fn a_target_is_met_only_where_enough_was_measured() {
        let none = Target::AtMost(0.0);
        assert_eq!(Verdict::on(0.0, 29, none, 30), Verdict::TooFew);
        assert_eq!(Verdict::on(0.0, 30, none, 30), Verdict::Met);
        assert_eq!(Verdict::on(1.0, 1, none, 30), Verdict::Missed);
        assert_eq!(Verdict::on(0.0, 0, none, 30), Verdict::NotMeasured);
        let few = Target::AtMost(0.01);
        assert_eq!(Verdict::on(0.5, 299, few, 300), Verdict::TooFew);
        assert_eq!(Verdict::on(0.02, 300, few, 300), Verdict::Missed);
        assert_eq!(Verdict::on(0.01, 300, few, 300), Verdict::Met);
        assert_eq!(Verdict::on(0.4, 950, Target::AtLeast(0.5), 950), Verdict::Missed);
        assert_eq!(Verdict::on(0.4, 9, Target::None, 0), Verdict::NoTarget);
    }

    #[test]
    fn the_least_number_follows_from_the_target() {
        let of = |id, most| least(id, Target::AtMost(most));
        assert_eq!(of(MetricId::FillerOpeners, 0.01), 300);
        assert_eq!(of(MetricId::OtherLanguage, 0.005), 600);
        assert_eq!(of(MetricId::UnsolicitedQuestions, 0.05), 60);
        assert_eq!(of(MetricId::OverlongAnswers, 0.02), 150);
        assert_eq!(of(MetricId::RepeatedStatement, 0.01), 2_000);
        assert_eq!(of(MetricId::Mojibake, 0.0), 30);
        assert_eq!(of(MetricId::PartsNotAddingUp, 0.0), 1);
        assert_eq!(least(MetricId::WarningsWithoutDose, Target::None), 0);
    }
}
