//! MinHash over five-word shingles, with locality-sensitive hashing.
//!
//! A signature uses one permutation: the hash of each shingle falls into one of 128 bins, the smallest per bin counts,
//! and an empty bin borrows from a full one (Shrivastava 2017, optimal densification). Two texts are candidates if one
//! of 32 bands of four bins is equal, and duplicates if the exact Jaccard similarity of their shingles reaches the
//! threshold. At 0.8 a pair is missed once in ten million, at 0.7 twice in ten thousand.

mod store;

use std::collections::VecDeque;

pub(crate) use store::{SIZE, Signatures};

use crate::Result;
use crate::spill::Spill;
use crate::tokens::{grams, mix, tokens};

/// Words per shingle.
pub const RUN: usize = 5;
const BINS: usize = 128;
/// Bands of a signature: texts that have one in common are candidates.
pub const BANDS: usize = 32;
const ROWS: usize = BINS / BANDS;
/// Margin below the threshold for signatures: four standard deviations.
const SLACK: f64 = 0.16;
/// Within a bucket of a band, a text is compared with this many that follow it.
const NEIGHBOURS: usize = 64;

/// The shingles of a text, sorted, without repetitions.
pub fn runs(text: &str) -> Vec<u64> {
    let mut words = Vec::new();
    tokens(text, &mut words);
    let mut runs = Vec::with_capacity(words.len());
    grams(&words, RUN, |g| runs.push(g));
    runs.sort_unstable();
    runs.dedup();
    runs
}

/// Jaccard similarity of two sorted sets: size of the intersection divided by size of the union, 0 to 1.
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0_usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                (i, j) = (i + 1, j + 1);
                both += 1;
            }
        }
    }
    let either = a.len() + b.len() - both;
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

/// Bands and bins of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    bands: [u32; BANDS],
    bins: [u16; BINS],
}

impl Signature {
    /// The bands, as hashes.
    pub fn bands(&self) -> &[u32; BANDS] {
        &self.bands
    }

    /// Whether the texts of two signatures may have a similarity of at least `least`, from 0 to 1; the shingles decide.
    pub fn may_reach(&self, other: &Self, least: f64) -> bool {
        may_reach(&self.bins, &other.bins, least)
    }
}

/// Whether the share of equal bins, which is the similarity within 0.04, is not far below `least`.
fn may_reach(one: &[u16; BINS], other: &[u16; BINS], least: f64) -> bool {
    let same = one.iter().zip(other).filter(|(a, b)| a == b).count();
    same as f64 / BINS as f64 >= least - SLACK
}

/// The last texts of a bucket, which is the texts that have a band in common, in order. Each text is compared with these.
#[derive(Debug, Clone)]
pub struct Neighbours<T>(VecDeque<T>);

impl<T> Default for Neighbours<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Neighbours<T> {
    /// Those that the next text is compared with: at most 64.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// Whether no text was added yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the next text of the bucket.
    pub fn push(&mut self, text: T) {
        if self.0.len() == NEIGHBOURS {
            self.0.pop_front();
        }
        self.0.push_back(text);
    }

    /// Starts another bucket.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The signature of a text.
pub fn signature(text: &str) -> Option<Signature> {
    let mut words = Vec::new();
    tokens(text, &mut words);
    signature_of(&words)
}

/// The signature of a text that is already split into words.
pub(crate) fn signature_of(words: &[u64]) -> Option<Signature> {
    if words.is_empty() {
        return None;
    }
    let mut bins = [u64::MAX; BINS];
    grams(words, RUN, |g| {
        let bin = (g >> 57) as usize;
        bins[bin] = bins[bin].min(g);
    });
    let full = bins;
    for (at, bin) in bins.iter_mut().enumerate() {
        // The walk of an empty bin depends on the bin alone.
        let mut step = 0_u64;
        while *bin == u64::MAX {
            step += 1;
            let from = mix(at as u64 ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15)) as usize % BINS;
            *bin = full[from];
        }
    }
    let mut bands = [0; BANDS];
    for (band, rows) in bands.iter_mut().zip(bins.chunks_exact(ROWS)) {
        let hash = rows.iter().fold(0_u64, |h, r| mix(h ^ r));
        *band = (hash >> 32) as u32;
    }
    let bins = bins.map(|b| (b >> 20) as u16);
    Some(Signature { bands, bins })
}

/// Pairs of texts with a similarity of at least `least`, each once, in order, the lower number first.
///
/// `text` returns a text by its number; it is called again for candidates only. The pairs do not depend on the number
/// of threads.
///
/// # Errors
/// Those of `text`.
pub fn pairs(
    signatures: &[Option<Signature>],
    least: f64,
    text: &(dyn Fn(usize) -> Result<String> + Sync),
) -> Result<Vec<(u32, u32)>> {
    let mut all = Signatures::new(&Spill::in_memory());
    let mut numbers = Vec::with_capacity(signatures.len());
    for (number, signature) in (0..).zip(signatures) {
        if let Some(signature) = signature {
            all.push(signature)?;
            numbers.push(number);
        }
    }
    let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
    let mut found = Vec::new();
    all.pairs(least, &|at| text(number(at) as usize), &mut |a, b| {
        found.push((number(a as usize), number(b as usize)));
        Ok(())
    })?;
    Ok(found)
}

/// A union-find structure.
#[derive(Debug, Clone)]
pub struct Sets(Vec<u32>);

impl Sets {
    /// `n` singletons.
    pub fn new(n: usize) -> Self {
        Self((0..u32::try_from(n).unwrap_or(u32::MAX)).collect())
    }

    /// The set of `i`, by its representative.
    pub fn of(&mut self, i: usize) -> usize {
        let mut root = i;
        while self.0[root] as usize != root {
            // Path halving.
            self.0[root] = self.0[self.0[root] as usize];
            root = self.0[root] as usize;
        }
        root
    }

    /// Merges the sets of `a` and `b`.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        if a != b {
            let (low, high) = (a.min(b), a.max(b));
            self.0[high] = low as u32;
        }
    }
}
