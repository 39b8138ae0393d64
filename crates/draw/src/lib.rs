//! Draws keyed by `(seed, row, purpose)`.
//!
//! All random choices in clinstruct use this crate, so that any row can be generated alone, in any order, on any
//! machine: a draw depends on its key and not on earlier draws. [`choose`] picks from a list by each item's own key, so
//! that an added item takes only the draws that it wins and leaves the others unchanged (rendezvous hashing; Thaler and
//! Ravishankar, 1998).
//!
//! No clock, no thread-local generator, no floating-point functions of the system: logarithms come from `libm`, with
//! the same bits everywhere.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A stream of draws for one `(seed, row, purpose)`.
#[derive(Debug, Clone)]
pub struct Draw {
    generator: Xoshiro256PlusPlus,
}

impl Draw {
    /// The stream for this key.
    pub fn new(seed: u64, row: &str, purpose: &str) -> Self {
        Self { generator: Xoshiro256PlusPlus::from_seed(hash(seed, row, purpose)) }
    }

    /// The stream for a well-mixed number, such as part of a request's hash.
    pub fn from_u64(number: u64) -> Self {
        Self { generator: Xoshiro256PlusPlus::seed_from_u64(number) }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// An integer in `0..n`; 0 if `n` is 0. Bias below 2^-32.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// An integer in `low..=high`; `low` if the range is empty.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low) as usize + 1) as u32
    }

    /// A number in `0.0..1.0`, 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A standard normal number (Box and Muller, 1958). Takes two draws.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// The index of one of `weights`, in proportion; 0 if all are 0.
    pub fn weighted(&mut self, weights: impl IntoIterator<Item = f64> + Clone) -> usize {
        let total: f64 = weights.clone().into_iter().sum();
        let mut left = self.unit() * total;
        let mut last = 0;
        for (i, weight) in weights.into_iter().enumerate() {
            if weight > 0.0 {
                last = i;
                if left < weight {
                    return i;
                }
                left -= weight;
            }
        }
        last
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// Shuffles `items` (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// 256 bits for a key. Lengths are hashed too, so that different keys never collide by concatenation.
fn hash(seed: u64, row: &str, purpose: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&(row.len() as u64).to_le_bytes());
    hasher.update(row.as_bytes());
    hasher.update(purpose.as_bytes());
    *hasher.finalize().as_bytes()
}

/// 64 bits for a key, such as the sampling seed of a request.
pub fn number(seed: u64, row: &str, purpose: &str) -> u64 {
    let bytes = hash(seed, row, purpose);
    u64::from_le_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ])
}

/// The finisher of splitmix64 (Steele, Lea and Flood, 2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// FNV-1a, 64 bits.
fn text_hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// A number above 0.0 and below 1.0 for an item.
fn unit(key: u64, name: &str) -> f64 {
    let bits = mix(key ^ mix(text_hash(name)));
    ((bits >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64)
}

/// The score of an item: exponential with rate `weight`; the smallest wins.
fn score(unit: f64, weight: f64) -> f64 {
    -libm::log(unit) / weight
}

/// Whether an item may win against a score. A logarithm is never above `unit - 1.0`, which rules out nearly all items of a
/// long list; the margin is wider than any rounding.
fn may_win(unit: f64, weight: f64, best: f64) -> bool {
    (1.0 - unit) / weight * (1.0 - 1e-9) < best
}

/// One of `items`, each a `(name, weight, value)`, in proportion to the weights; `None` if no weight is above 0. Adding
/// an item changes only the draws that it wins.
pub fn choose<'a, T>(
    seed: u64,
    row: &str,
    purpose: &str,
    items: impl IntoIterator<Item = (&'a str, f64, T)>,
) -> Option<T> {
    let key = number(seed, row, purpose);
    let mut best: Option<(f64, T)> = None;
    for (name, weight, value) in items {
        if weight > 0.0 {
            let unit = unit(key, name);
            if best.as_ref().is_none_or(|(best, _)| may_win(unit, weight, *best)) {
                let score = score(unit, weight);
                if best.as_ref().is_none_or(|(best, _)| score < *best) {
                    best = Some((score, value));
                }
            }
        }
    }
    best.map(|(_, value)| value)
}

/// All `items` with a weight above 0, in the order in which [`choose`] would draw them without replacement.
pub fn order<'a, T>(
    seed: u64,
    row: &str,
    purpose: &str,
    items: impl IntoIterator<Item = (&'a str, f64, T)>,
) -> Vec<T> {
    let key = number(seed, row, purpose);
    let mut scored: Vec<(f64, &str, T)> = items
        .into_iter()
        .filter(|(_, weight, _)| *weight > 0.0)
        .map(|(name, weight, value)| (score(unit(key, name), weight), name, value))
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    scored.into_iter().map(|(_, _, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    fn chosen(row: usize, n: usize) -> &'static str {
        choose(7, &format!("row.{row}"), "country", NAMES[..n].iter().map(|x| (*x, 1.0, *x)))
            .unwrap()
    }

    #[test]
    fn an_added_item_changes_only_the_draws_it_wins() {
        let mut won = 0;
        for row in 0..3000 {
            let (before, after) = (chosen(row, 5), chosen(row, 6));
            if before != after {
                assert_eq!(after, "f");
                won += 1;
            }
        }
        assert!((400..600).contains(&won), "{won} of 3000 with one in six expected");
    }

    #[test]
    fn choices_follow_their_weights() {
        let mut counts = [0; 3];
        for row in 0..10_000 {
            let items = [("x", 0.7, 0), ("y", 0.3, 1), ("z", 0.0, 2)];
            counts[choose(1, &row.to_string(), "w", items).unwrap()] += 1;
        }
        assert!((6850..7150).contains(&counts[0]), "{counts:?}");
        assert_eq!(counts[2], 0);
    }

    #[test]
    fn order_starts_with_the_choice() {
        for row in 0..200 {
            let row = row.to_string();
            let items = || NAMES.iter().map(|x| (*x, 1.0, *x));
            let all = order(3, &row, "p", items());
            assert_eq!(all[0], choose(3, &row, "p", items()).unwrap());
            assert_eq!(all.len(), 6);
        }
    }

    #[test]
    fn the_same_key_gives_the_same_bits_for_ever() {
        // A changed value here changes every seeded plan of every user.
        let mut draw = Draw::new(42, "specialty-domain.nurse.emergency-nursing.genetics", "mode");
        assert_eq!(
            (draw.bits(), draw.below(1000), draw.between(3, 9)),
            (4_404_608_567_492_725_794, 996, 6)
        );
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut draw = Draw::from_u64(8);
        let numbers: Vec<f64> = (0..20_000).map(|_| draw.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
        let beyond = numbers.iter().filter(|x| x.abs() > 1.96).count();
        assert!((900..1100).contains(&beyond), "{beyond} of 20000 with 1000 expected");
    }

    #[test]
    fn weighted_takes_no_zero_weight() {
        let mut draw = Draw::from_u64(5);
        for _ in 0..1000 {
            assert_eq!(draw.weighted([0.0, 1.0, 0.0]), 1);
        }
    }
}
