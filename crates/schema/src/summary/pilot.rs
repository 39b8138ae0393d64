//! What the whole plan is expected to take and to give, from a sample of its seed rows.

use serde::{Deserialize, Serialize};

/// An expected total, with the interval that has it with 95 % confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// The expected total.
    pub expected: u64,
    /// Low end of the interval; never below what the sample already has.
    pub low: u64,
    /// High end of the interval.
    pub high: u64,
}

/// An extrapolation from a sample to the whole plan of the parts that were sampled.
///
/// Near duplicates are not part of it: their number grows faster than that of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pilot {
    /// Seed rows in the sample.
    pub seed_rows: u64,
    /// Seed rows in the whole plan.
    pub of: u64,
    /// Planned conversations.
    pub planned: Projection,
    /// Answered requests.
    pub requests: Projection,
    /// Tokens of prompts.
    pub prompt_tokens: Projection,
    /// Tokens of answers.
    pub completion_tokens: Projection,
    /// Both.
    pub tokens: Projection,
    /// Cost, in millionths of a US dollar.
    pub micro_usd: Projection,
    /// Conversations that are rejected, or that fail for lack of an answer.
    pub rejected: Projection,
}

/// What one seed row took and gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeedRowTotals {
    /// Planned conversations.
    pub planned: u64,
    /// Answered requests.
    pub requests: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Cost, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Conversations that were rejected or failed.
    pub rejected: u64,
}

/// Number, sum and sum of squares of a quantity.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: u64) {
        let value = value as f64;
        self.sum += value;
        self.squares += value * value;
    }

    /// The variance of one value among `n`.
    fn variance(&self, n: f64) -> f64 {
        ((self.squares - self.sum * self.sum / n) / (n - 1.0)).max(0.0)
    }
}

/// Number of quantities of a seed row.
const QUANTITIES: usize = 7;

/// The place of the rejected rows among the quantities.
const REJECTED: usize = 6;

/// The sampled seed rows of one part, of all its seed rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct PilotPart {
    whole: u64,
    rows: u64,
    moments: [Moments; QUANTITIES],
}

impl PilotPart {
    /// A part of `whole` seed rows, of which none was added yet.
    pub fn of(whole: u64) -> Self {
        Self { whole, ..Self::default() }
    }

    /// Adds a seed row of the sample.
    pub fn add(&mut self, row: &SeedRowTotals) {
        self.rows += 1;
        let values = [
            row.planned,
            row.requests,
            row.prompt_tokens,
            row.completion_tokens,
            row.prompt_tokens + row.completion_tokens,
            row.micro_usd,
            row.rejected,
        ];
        for (moments, value) in self.moments.iter_mut().zip(values) {
            moments.add(value);
        }
    }
}

impl Pilot {
    /// The extrapolation from a sample of each part; `None` unless each has at least two seed rows, or all that it has.
    ///
    /// Each part is a stratum: its total is its mean times its seed rows, its variance that of a simple random sample without
    /// replacement, which is too large for an even one, and so on the safe side (Cochran, Sampling Techniques, 3rd ed., 1977,
    /// sections 2.5 and 5.3). Rejections are rare: their variance is taken to be at least that of a Poisson count of one more
    /// than were found.
    pub fn of(parts: &[PilotPart]) -> Option<Self> {
        if parts.is_empty() || parts.iter().any(|p| p.rows < 2 && p.rows < p.whole) {
            return None;
        }
        let one = |quantity: usize| {
            let (mut total, mut variance, mut found) = (0.0, 0.0, 0.0);
            for part in parts {
                let Some(moments) = part.moments.get(quantity) else { continue };
                found += moments.sum;
                let (n, all) = (part.rows as f64, part.whole as f64);
                if part.rows == 0 {
                    continue;
                }
                total += moments.sum / n * all;
                if part.rows < part.whole {
                    let mut each = moments.variance(n);
                    if quantity == REJECTED {
                        each = each.max((moments.sum + 1.0) / n);
                    }
                    variance += all * all * (1.0 - n / all) * each / n;
                }
            }
            let freedom: f64 = parts.iter().map(|p| p.rows.saturating_sub(1) as f64).sum();
            let around = quantile(freedom) * variance.sqrt();
            Projection {
                expected: total.round() as u64,
                low: (total - around).max(found).round() as u64,
                high: (total + around).round() as u64,
            }
        };
        Some(Self {
            seed_rows: parts.iter().map(|p| p.rows).sum(),
            of: parts.iter().map(|p| p.whole).sum(),
            planned: one(0),
            requests: one(1),
            prompt_tokens: one(2),
            completion_tokens: one(3),
            tokens: one(4),
            micro_usd: one(5),
            rejected: one(REJECTED),
        })
    }
}

/// The 97.5 % quantile of Student's distribution, by the first two terms of its expansion around the normal one (Abramowitz and
/// Stegun, 26.7.5).
fn quantile(freedom: f64) -> f64 {
    const Z: f64 = 1.959_964;
    if freedom < 1.0 {
        return Z;
    }
    let (z3, z5) = (Z.powi(3), Z.powi(5));
    Z + (z3 + Z) / (4.0 * freedom) + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * freedom * freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(requests: u64, rejected: u64) -> SeedRowTotals {
        SeedRowTotals { requests, rejected, ..SeedRowTotals::default() }
    }

    #[test]
    fn parts_are_extrapolated_each_by_its_own_size() {
        let (mut few, mut many) = (PilotPart::of(10), PilotPart::of(1000));
        for requests in [2, 4] {
            few.add(&row(requests, 0));
            many.add(&row(10 * requests, 0));
        }
        let pilot = Pilot::of(&[few, many]).unwrap();
        assert_eq!((pilot.seed_rows, pilot.of), (4, 1010));
        assert_eq!(pilot.requests.expected, 30 + 30_000);
        assert!(pilot.requests.low < 30_030 && pilot.requests.high > 30_030);
        // Two rows say little: the interval is wide, but what was sent was sent.
        assert_eq!(pilot.requests.low, 66);
        assert_eq!(pilot.tokens, Projection::default());
    }

    #[test]
    fn a_part_that_is_whole_has_no_doubt() {
        let mut part = PilotPart::of(3);
        for (requests, rejected) in [(1, 0), (5, 2), (9, 1)] {
            part.add(&row(requests, rejected));
        }
        let pilot = Pilot::of(&[part]).unwrap();
        assert_eq!(pilot.requests, Projection { expected: 15, low: 15, high: 15 });
        assert_eq!(pilot.rejected, Projection { expected: 3, low: 3, high: 3 });
    }

    #[test]
    fn no_rejection_in_a_sample_does_not_promise_none() {
        let mut part = PilotPart::of(5000);
        for _ in 0..100 {
            part.add(&row(3, 0));
        }
        let pilot = Pilot::of(&[part]).unwrap();
        assert_eq!((pilot.rejected.expected, pilot.rejected.low), (0, 0));
        assert!((80..120).contains(&pilot.rejected.high), "{:?}", pilot.rejected);
        assert_eq!(pilot.requests, Projection { expected: 15_000, low: 15_000, high: 15_000 });
    }

    #[test]
    fn one_row_says_nothing_about_others() {
        let mut part = PilotPart::of(5);
        part.add(&row(3, 0));
        assert_eq!(Pilot::of(&[part]), None);
        assert_eq!(Pilot::of(&[]), None);
    }

    #[test]
    fn few_rows_take_a_wider_quantile() {
        // Tables of Student's distribution: 4.303 for 2, 2.228 for 10, 1.984 for 100 degrees of freedom.
        for (freedom, table, off) in [(2.0, 4.303, 0.6), (10.0, 2.228, 0.01), (100.0, 1.984, 0.001)]
        {
            assert!((quantile(freedom) - table).abs() < off, "{freedom}: {}", quantile(freedom));
        }
    }
}
