//! The signatures of many texts, and the pairs of similar ones.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::{BANDS, BINS, Neighbours, Signature, jaccard, may_reach, runs};
use crate::Result;
use crate::spill::{Sorter, Spill, SpillFile};

/// Signatures that are written together: a band of them is read at once.
const CHUNK: usize = 1 << 12;
/// Bytes of the bands of a signature, and of its bins.
const OF_BANDS: usize = 4 * BANDS;
const OF_BINS: usize = 2 * BINS;
/// Bytes of a signature.
pub(crate) const SIZE: usize = OF_BANDS + OF_BINS;
/// Candidates that are compared together.
const AT_ONCE: usize = 1 << 13;

type Bins = [u16; BINS];

/// Signatures by number, in memory until [`Signatures::spill`] moves them to a file.
#[derive(Debug)]
pub(crate) struct Signatures {
    spill: Spill,
    /// Whole chunks, each with its bands one after the other, then its bins.
    file: Option<SpillFile>,
    /// Chunks in the file.
    written: usize,
    /// Those after them. Only the last one is not full.
    held: Vec<Chunk>,
    len: usize,
}

#[derive(Debug, Default)]
struct Chunk {
    bands: [Vec<u32>; BANDS],
    bins: Vec<Bins>,
}

impl Signatures {
    pub(crate) fn new(spill: &Spill) -> Self {
        Self { spill: spill.clone(), file: None, written: 0, held: Vec::new(), len: 0 }
    }

    /// Memory of the signatures, in bytes.
    pub(crate) fn memory(&self) -> usize {
        (self.len - self.written * CHUNK) * SIZE
    }

    pub(crate) fn push(&mut self, signature: &Signature) -> Result<()> {
        if self.len.is_multiple_of(CHUNK) {
            if self.file.is_some() {
                self.spill()?;
            }
            self.held.push(Chunk::default());
        }
        if let Some(chunk) = self.held.last_mut() {
            for (column, band) in chunk.bands.iter_mut().zip(signature.bands) {
                column.push(band);
            }
            chunk.bins.push(signature.bins);
        }
        self.len += 1;
        Ok(())
    }

    /// Moves the signatures to a file, except some of the last, and those that are added to it as well.
    pub(crate) fn spill(&mut self) -> Result<()> {
        let full = self.held.iter().take_while(|chunk| chunk.bins.len() == CHUNK).count();
        if full == 0 {
            return Ok(());
        }
        let file = SpillFile::opened(&mut self.file, &self.spill)?;
        let mut bytes = Vec::with_capacity(CHUNK * SIZE);
        for chunk in self.held.drain(..full) {
            bytes.clear();
            bytes.extend(chunk.bands.iter().flatten().flat_map(|band| band.to_le_bytes()));
            bytes.extend(chunk.bins.iter().flatten().flat_map(|bin| bin.to_le_bytes()));
            file.append(&bytes)?;
        }
        self.written += full;
        Ok(())
    }

    fn bins(&self, number: usize) -> Result<Cow<'_, Bins>> {
        let (chunk, at) = (number / CHUNK, number % CHUNK);
        let mut bins = [0; BINS];
        if let Some(held) = chunk.checked_sub(self.written) {
            let found = self.held.get(held).and_then(|chunk| chunk.bins.get(at));
            return Ok(found.map_or(Cow::Owned(bins), Cow::Borrowed));
        }
        if let Some(file) = &self.file {
            let mut raw = [0; OF_BINS];
            let place = chunk * CHUNK * SIZE + CHUNK * OF_BANDS + at * OF_BINS;
            file.read(place as u64, &mut raw)?;
            let (pairs, _) = raw.as_chunks();
            for (bin, raw) in bins.iter_mut().zip(pairs) {
                *bin = u16::from_le_bytes(*raw);
            }
        }
        Ok(Cow::Owned(bins))
    }

    /// Passes one band of each signature to a sorter, with its number.
    fn band(&self, band: usize, to: &mut Sorter<(u32, u32)>) -> Result<()> {
        let mut number = 0;
        let mut push = |key| {
            number += 1;
            to.push((key, number - 1))
        };
        if let Some(file) = &self.file {
            let mut raw = vec![0; CHUNK * 4];
            for chunk in 0..self.written {
                file.read((chunk * CHUNK * SIZE + band * CHUNK * 4) as u64, &mut raw)?;
                let (keys, _) = raw.as_chunks();
                keys.iter().try_for_each(|key| push(u32::from_le_bytes(*key)))?;
            }
        }
        let held = self.held.iter().filter_map(|chunk| chunk.bands.get(band));
        held.flatten().try_for_each(|key| push(*key))
    }

    /// Pairs of one band whose bins are similar enough.
    fn candidates(&self, band: usize, least: f64, all: &Mutex<Sorter<(u32, u32)>>) -> Result<()> {
        let threads = rayon::current_num_threads().max(1);
        let mut keyed = Sorter::new(&self.spill, self.spill.share(8) / threads);
        self.band(band, &mut keyed)?;
        let mut found = Vec::new();
        let pass = |found: &mut Vec<(u32, u32)>| {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            found.drain(..).try_for_each(|pair| all.push(pair))
        };
        // Of the texts with the same key.
        let mut bucket: Neighbours<(u32, Cow<'_, Bins>)> = Neighbours::default();
        let mut last: Option<(u32, u32)> = None;
        for next in keyed.sorted().records()? {
            let (key, number) = next?;
            match last.replace((key, number)) {
                Some((same, first)) if same == key => {
                    if bucket.is_empty() {
                        bucket.push((first, self.bins(first as usize)?));
                    }
                    let own = self.bins(number as usize)?;
                    let alike = bucket.iter().filter(|(_, bins)| may_reach(bins, &own, least));
                    found.extend(alike.map(|(before, _)| (*before, number)));
                    bucket.push((number, own));
                }
                _ => bucket.clear(),
            }
            if found.len() >= AT_ONCE {
                pass(&mut found)?;
            }
        }
        pass(&mut found)
    }

    /// Passes on all pairs of texts with a similarity of at least `least`, each once, in order, the lower number first.
    pub(crate) fn pairs(
        &self,
        least: f64,
        text: &(dyn Fn(usize) -> Result<String> + Sync),
        each: &mut dyn FnMut(u32, u32) -> Result<()>,
    ) -> Result<()> {
        let candidates = Mutex::new(Sorter::new(&self.spill, self.spill.share(16)));
        (0..BANDS)
            .into_par_iter()
            .try_for_each(|band| self.candidates(band, least, &candidates))?;
        let candidates = candidates.into_inner().unwrap_or_else(PoisonError::into_inner).sorted();
        let mut some: Vec<(u32, u32)> = Vec::new();
        let mut last = None;
        for next in candidates.records()? {
            let pair = next?;
            // Several bands can have the same pair.
            if last.replace(pair) == Some(pair) {
                continue;
            }
            some.push(pair);
            if some.len() >= AT_ONCE {
                similar(&some, least, text, each)?;
                some.clear();
            }
        }
        similar(&some, least, text, each)
    }
}

/// Passes on those of some candidates, which are sorted, whose texts are similar.
fn similar(
    candidates: &[(u32, u32)],
    least: f64,
    text: &(dyn Fn(usize) -> Result<String> + Sync),
    each: &mut dyn FnMut(u32, u32) -> Result<()>,
) -> Result<()> {
    // The shingles of each text are computed once for the candidates that begin with it.
    let groups: Vec<&[(u32, u32)]> = candidates.chunk_by(|a, b| a.0 == b.0).collect();
    let of_group = |group: &&[(u32, u32)]| {
        let first = group.first().map_or(0, |pair| pair.0);
        let own = runs(&text(first as usize)?);
        let mut found = Vec::new();
        for pair in *group {
            if jaccard(&own, &runs(&text(pair.1 as usize)?)) >= least {
                found.push(*pair);
            }
        }
        Ok(found)
    };
    let found: Vec<Vec<(u32, u32)>> = groups.par_iter().map(of_group).collect::<Result<_>>()?;
    found.into_iter().flatten().try_for_each(|(a, b)| each(a, b))
}
