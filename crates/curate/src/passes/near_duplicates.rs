//! Drops conversations that nearly repeat another one: the one with the least id of each cluster is kept.
//!
//! Prompts are compared with prompts, answers with answers, follow-ups with follow-ups. Variants share their prompt on
//! purpose, so their prompts are not compared; their answers are.

mod found;

use clinstruct_schema::Dropped;
use clinstruct_schema::summary::{DuplicateCounts, Measured, MetricId, Target, TextKind};
use rayon::prelude::*;
use serde::Serialize;

pub use self::found::{FoundPairs, Pair};

use super::metrics::FEWEST_WORDS;
use super::{Annotates, Pass};
use crate::minhash::{SIZE, Sets, Signature, Signatures, signature_of};
use crate::spill::{Column, Sorter, Spill, Texts};
use crate::tokens::tokens;
use crate::{Curated, Fields, Result, Row, Source};

/// Similarity threshold of near duplicates.
pub const SIMILAR: f64 = 0.7;

/// A conversation that nearly repeats another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Index of the conversation, from 0 in the order of [`Collector::add`].
    #[serde(skip)]
    pub row: usize,
    /// Its id.
    pub id: String,
    /// Id of the conversation that it repeats.
    pub repeats: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Pairs of near duplicates among prompts, answers and follow-ups.
    pub pairs: [u64; 3],
    /// Prompts that are equal because they are variants of one base prompt.
    pub variants: u64,
    /// Clusters.
    pub clusters: u64,
    /// Conversations that nearly repeat a kept one, by id.
    pub duplicates: Vec<Duplicate>,
}

impl Duplicates {
    /// Their numbers.
    pub fn counts(&self) -> DuplicateCounts {
        DuplicateCounts {
            pairs: self.pairs,
            variants: self.variants,
            clusters: self.clusters,
            rows: self.duplicates.len() as u64,
        }
    }
}

/// Signatures of a dataset's texts, with their positions.
#[derive(Debug)]
pub struct Collector {
    spill: Spill,
    ids: Texts,
    /// Places of each kind of text.
    texts: [Column<u64>; 3],
    signatures: [Signatures; 3],
    variants: u64,
}

/// Texts to compare of one conversation: kind, message, signature.
#[derive(Debug, Clone)]
pub struct Collected {
    id: String,
    variant: bool,
    texts: Vec<(TextKind, u16, Option<Signature>)>,
}

impl Collected {
    /// The texts with a signature: kind, index of the message, signature. The prompt of a variant is not compared.
    pub fn texts(&self) -> impl Iterator<Item = (TextKind, u16, &Signature)> {
        let compared = self.texts.iter();
        let compared = compared.filter(|(kind, ..)| !self.variant || *kind != TextKind::Prompt);
        compared
            .filter_map(|(kind, message, signature)| Some((*kind, *message, signature.as_ref()?)))
    }
}

/// Computes the signatures of a conversation; can run on any thread.
pub fn collect(row: &Row<'_>) -> Collected {
    let mut texts = Vec::new();
    let mut words = Vec::new();
    for (place, kind, message) in row.texts() {
        tokens(&message.content, &mut words);
        if words.len() >= FEWEST_WORDS {
            let place = u16::try_from(place).unwrap_or(u16::MAX);
            texts.push((kind, place, signature_of(&words)));
        }
    }
    Collected { id: row.id.to_owned(), variant: row.variant, texts }
}

/// Conversation and message of a text, as one number.
fn place(chat: u32, message: u16) -> u64 {
    u64::from(chat) << 16 | u64::from(message)
}

fn chat_of(place: u64) -> usize {
    (place >> 16) as usize
}

/// A conversation repeats another one.
const REPEATS: u8 = 1;
/// Two of its texts are alike.
const REPEATS_ITSELF: u8 = 2;

impl Collector {
    /// Nothing yet. What does not fit into the memory of `spill` goes to its files.
    pub fn new(spill: &Spill) -> Self {
        Self {
            spill: spill.clone(),
            ids: Texts::new(spill, 16),
            texts: std::array::from_fn(|_| Column::new(spill, spill.share(64))),
            signatures: std::array::from_fn(|_| Signatures::new(spill)),
            variants: 0,
        }
    }

    /// Adds a conversation.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn add(&mut self, collected: &Collected) -> Result<()> {
        let number = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.variants += u64::from(collected.variant);
        for (kind, message, signature) in collected.texts() {
            self.texts[kind as usize].push(place(number, message))?;
            self.signatures[kind as usize].push(signature)?;
        }
        let memory: usize = self.signatures.iter().map(Signatures::memory).sum();
        if memory >= self.spill.share(2).max(SIZE) {
            self.signatures.iter_mut().try_for_each(Signatures::spill)?;
        }
        self.ids.push(&collected.id)
    }

    /// Finds the duplicates. `text` returns a message by conversation and message index.
    ///
    /// # Errors
    /// Those of `text`, and temporary files that cannot be written or read.
    pub fn find(
        &self,
        least: f64,
        text: &(dyn Fn(usize, usize) -> Result<String> + Sync),
    ) -> Result<Duplicates> {
        let mut duplicates = Vec::new();
        let counts = self.find_each(least, text, &mut |duplicate| {
            duplicates.push(duplicate);
            Ok(())
        })?;
        duplicates.sort_by(|a, b| (&a.id, a.row).cmp(&(&b.id, b.row)));
        let DuplicateCounts { pairs, variants, clusters, .. } = counts;
        Ok(Duplicates { pairs, variants, clusters, duplicates })
    }

    /// Passes on the duplicates, in no particular order.
    fn find_each(
        &self,
        least: f64,
        text: &(dyn Fn(usize, usize) -> Result<String> + Sync),
        each: &mut dyn FnMut(Duplicate) -> Result<()>,
    ) -> Result<DuplicateCounts> {
        let mut counts = DuplicateCounts { variants: self.variants, ..DuplicateCounts::default() };
        let mut clusters = Clusters::new(self.ids.len());
        for ((texts, signatures), pairs) in
            self.texts.iter().zip(&self.signatures).zip(&mut counts.pairs)
        {
            let of = |number: usize| {
                let place = texts.get(number)?;
                text(chat_of(place), usize::from(place as u16))
            };
            signatures.pairs(least, &of, &mut |a, b| {
                *pairs += 1;
                let (a, b) = (chat_of(texts.get(a as usize)?), chat_of(texts.get(b as usize)?));
                clusters.connect(a, b);
                Ok(())
            })?;
        }
        clusters.duplicates(&self.ids, &self.spill, &mut counts, each)?;
        Ok(counts)
    }
}

/// Conversations that pairs of similar texts connect.
struct Clusters {
    sets: Sets,
    flags: Vec<u8>,
}

impl Clusters {
    /// This many conversations, none of them connected.
    fn new(conversations: usize) -> Self {
        Self { sets: Sets::new(conversations), flags: vec![0; conversations] }
    }

    /// A text of `a` is similar to another one, of `b`.
    fn connect(&mut self, a: usize, b: usize) {
        if a == b {
            self.flags[a] |= REPEATS_ITSELF;
        } else {
            self.sets.join(a, b);
            self.flags[a] |= REPEATS;
            self.flags[b] |= REPEATS;
        }
    }

    /// Passes on the duplicates, in no particular order, and adds to the counts of rows and clusters.
    fn duplicates(
        self,
        ids: &Texts,
        spill: &Spill,
        counts: &mut DuplicateCounts,
        each: &mut dyn FnMut(Duplicate) -> Result<()>,
    ) -> Result<()> {
        let Self { mut sets, flags } = self;
        let mut found = |duplicate| {
            counts.rows += 1;
            each(duplicate)
        };
        // The members of each cluster, the one with the least id first: it is kept.
        let mut members = Sorter::new(spill, spill.share(16));
        for ((row, id), flags) in ids.iter().enumerate().zip(&flags) {
            if flags & REPEATS != 0 {
                members.push((sets.of(row) as u32, (id?, row as u32)))?;
            } else if flags & REPEATS_ITSELF != 0 {
                let id = id?;
                counts.clusters += 1;
                found(Duplicate { row, repeats: id.clone(), id })?;
            }
        }
        let mut cluster: Option<(u32, String)> = None;
        for member in members.sorted().records()? {
            let (set, (id, row)) = member?;
            let row = row as usize;
            let repeats_itself = flags[row] & REPEATS_ITSELF != 0;
            match &cluster {
                Some((same, kept)) if *same == set => {
                    counts.clusters += u64::from(repeats_itself);
                    found(Duplicate { row, id, repeats: kept.clone() })?;
                }
                _ => {
                    counts.clusters += 1;
                    if repeats_itself {
                        found(Duplicate { row, id: id.clone(), repeats: id.clone() })?;
                    }
                    cluster = Some((set, id));
                }
            }
        }
        Ok(())
    }
}

/// Name of the pass.
const NAME: &str = "near_duplicates";

fn repeats(duplicate: &Duplicate) -> Dropped {
    Dropped {
        pass: NAME.into(),
        reason: "near_duplicate".into(),
        detail: format!("repeats {}", duplicate.repeats),
    }
}

/// Duplicates are dropped; none remain.
fn add_metric(curated: &mut Curated) {
    let measured = Measured::Counted { count: 0, of: curated.kept() };
    let metrics = &mut curated.quality.metrics;
    metrics.push(MetricId::NearDuplicates, None, measured, Target::AtMost(0.0));
}

/// The pass.
#[derive(Debug)]
pub struct NearDuplicates {
    collector: Collector,
    /// Numbers of the collected rows, in order.
    rows: Column<u32>,
}

impl NearDuplicates {
    /// A pass that drops all but one of each cluster.
    pub fn new(spill: &Spill) -> Self {
        Self { collector: Collector::new(spill), rows: Column::new(spill, spill.share(64)) }
    }
}

impl Pass for NearDuplicates {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Fields {
        Fields::Messages
    }

    fn annotates(&self) -> Annotates {
        Annotates::DropsAtEnd
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>> {
        let collected: Vec<Collected> = rows.par_iter().map(collect).collect();
        for (row, collected) in rows.iter().zip(collected) {
            self.rows.push(row.number as u32)?;
            self.collector.add(&collected)?;
        }
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>, source: &dyn Source, curated: &mut Curated) -> Result<()> {
        let text = |row: usize, message: usize| source.text(self.rows.get(row)? as usize, message);
        curated.quality.duplicates =
            self.collector.find_each(SIMILAR, &text, &mut |duplicate| {
                let row = self.rows.get(duplicate.row)? as usize;
                curated.drop_row(row, repeats(&duplicate))
            })?;
        add_metric(curated);
        Ok(())
    }
}
