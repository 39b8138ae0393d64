//! Drops conversations that nearly repeat another one: the one with the least id of each cluster is kept.
//!
//! Prompts are compared with prompts, answers with answers, follow-ups with follow-ups. Variants share their prompt on
//! purpose, so their prompts are not compared; their answers are.

use clinstruct_schema::Dropped;
use clinstruct_schema::summary::{DuplicateCounts, Measured, MetricId, Target, TextKind};
use rayon::prelude::*;
use serde::Serialize;

use super::metrics::FEWEST_WORDS;
use super::{Annotates, Pass};
use crate::minhash::{Signature, losers, pairs, signature_of};
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
#[derive(Debug, Default)]
pub struct Collector {
    ids: Vec<String>,
    /// Positions of each kind of text: conversation, message.
    texts: [Vec<(u32, u16)>; 3],
    signatures: [Vec<Option<Signature>>; 3],
    variants: u64,
}

/// Texts to compare of one conversation: kind, message, signature.
#[derive(Debug, Clone)]
pub struct Collected {
    id: String,
    variant: bool,
    texts: Vec<(TextKind, u16, Option<Signature>)>,
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

impl Collector {
    /// Adds a conversation.
    pub fn add(&mut self, collected: Collected) {
        let number = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.variants += u64::from(collected.variant);
        for (kind, message, signature) in collected.texts {
            if collected.variant && kind == TextKind::Prompt {
                continue;
            }
            self.texts[kind as usize].push((number, message));
            self.signatures[kind as usize].push(signature);
        }
        self.ids.push(collected.id);
    }

    /// Finds the duplicates. `text` returns a message by conversation and message index.
    pub fn find(&self, least: f64, text: &(dyn Fn(usize, usize) -> String + Sync)) -> Duplicates {
        let mut found = Duplicates { variants: self.variants, ..Duplicates::default() };
        let mut all: Vec<(u32, u32)> = Vec::new();
        for (kind, texts) in self.texts.iter().enumerate() {
            let of = |i: usize| {
                let (chat, message) = texts[i];
                text(chat as usize, usize::from(message))
            };
            let near = pairs(&self.signatures[kind], least, &of);
            found.pairs[kind] = near.len() as u64;
            all.extend(near.into_iter().map(|(a, b)| (texts[a as usize].0, texts[b as usize].0)));
        }
        // A conversation that repeats itself is not dropped for that.
        let mut itself: Vec<u32> = all.iter().filter(|(a, b)| a == b).map(|(a, _)| *a).collect();
        itself.sort_unstable();
        itself.dedup();
        all.retain(|(a, b)| a != b);
        let ids: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        let dropped = losers(&ids, &all);
        let dropped: Vec<(usize, usize)> = dropped
            .into_iter()
            .chain(itself.into_iter().map(|i| (i as usize, i as usize)))
            .collect();
        let mut kept: Vec<usize> = dropped.iter().map(|(_, kept)| *kept).collect();
        kept.sort_unstable();
        kept.dedup();
        found.clusters = kept.len() as u64;
        let one = |(row, kept): (usize, usize)| Duplicate {
            row,
            id: self.ids[row].clone(),
            repeats: self.ids[kept].clone(),
        };
        found.duplicates = dropped.into_iter().map(one).collect();
        found.duplicates.sort_by(|a, b| (&a.id, a.row).cmp(&(&b.id, b.row)));
        found.duplicates.dedup_by(|a, b| a.row == b.row);
        found
    }
}

/// The pass.
#[derive(Debug, Default)]
pub struct NearDuplicates {
    collector: Collector,
    /// Numbers of the collected rows, in order.
    rows: Vec<usize>,
}

impl Pass for NearDuplicates {
    fn name(&self) -> &'static str {
        "near_duplicates"
    }

    fn reads(&self) -> Fields {
        Fields::Messages
    }

    fn annotates(&self) -> Annotates {
        Annotates::DropsAtEnd
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Vec<(usize, Dropped)> {
        let collected: Vec<Collected> = rows.par_iter().map(collect).collect();
        for (row, collected) in rows.iter().zip(collected) {
            self.rows.push(row.number);
            self.collector.add(collected);
        }
        Vec::new()
    }

    fn finish(self: Box<Self>, source: &dyn Source, curated: &mut Curated) -> Result<()> {
        let text = |row: usize, message: usize| source.text(self.rows[row], message);
        let found = self.collector.find(SIMILAR, &text);
        for duplicate in &found.duplicates {
            if let Some(annotation) = curated.annotation(self.rows[duplicate.row]) {
                annotation.dropped = Some(Dropped {
                    pass: self.name().into(),
                    reason: "near_duplicate".into(),
                    detail: format!("repeats {}", duplicate.repeats),
                });
            }
        }
        curated.quality.duplicates = found.counts();
        // Duplicates are dropped; none remain.
        let left = curated.kept().count() as u64;
        let metrics = &mut curated.quality.metrics;
        let measured = Measured::Counted { count: 0, of: left };
        metrics.push(MetricId::NearDuplicates, None, measured, Target::AtMost(0.0));
        Ok(())
    }
}
