//! Conversations that say what another one says.

use clinstruct_schema::Role;
use serde::{Deserialize, Serialize};

use super::metrics::{Chat, FEWEST_WORDS};
use super::near::{Signature, losers, pairs, signature_of};
use super::tokens::tokens;

/// Least similarity of near duplicates.
pub const SIMILAR: f64 = 0.7;

/// A conversation that goes, in favour of one that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Id of the one that goes.
    pub goes: String,
    /// Id of the one that stays.
    pub stays: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// Pairs of near duplicates among prompts, answers and follow-ups.
    pub pairs: [u64; 3],
    /// Prompts that are the same because they are variants of one base prompt.
    pub twins: u64,
    /// Clusters.
    pub clusters: u64,
    /// Conversations that go.
    pub duplicates: Vec<Duplicate>,
}

/// Signatures of a dataset's texts, with where each stands.
#[derive(Debug, Default)]
pub struct Collector {
    ids: Vec<String>,
    /// Texts of each kind: conversation, message.
    texts: [Vec<(u32, u16)>; 3],
    signatures: [Vec<Option<Signature>>; 3],
    twins: u64,
}

/// What is compared of one conversation: kind, message, signature.
#[derive(Debug, Clone)]
pub struct Collected {
    id: String,
    twin: bool,
    texts: Vec<(usize, u16, Option<Signature>)>,
}

/// Makes the signatures of a conversation; can run on any thread.
pub fn collect(chat: &Chat<'_>) -> Collected {
    let mut texts = Vec::new();
    let mut words = Vec::new();
    let mut turn = 0;
    for (i, message) in chat.messages.iter().enumerate() {
        let kind = match (message.role, turn) {
            (Role::System, _) => continue,
            (Role::Assistant, _) => 1,
            (Role::User, 0) => 0,
            (Role::User, _) => 2,
        };
        turn += 1;
        tokens(&message.content, &mut words);
        if words.len() >= FEWEST_WORDS {
            texts.push((kind, u16::try_from(i).unwrap_or(u16::MAX), signature_of(&words)));
        }
    }
    Collected { id: chat.id.to_owned(), twin: chat.twin, texts }
}

impl Collector {
    /// Adds a conversation.
    pub fn add(&mut self, collected: Collected) {
        let number = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let twin = collected.twin;
        self.twins += u64::from(twin);
        for (kind, message, signature) in collected.texts {
            if twin && kind == 0 {
                continue;
            }
            self.texts[kind].push((number, message));
            self.signatures[kind].push(signature);
        }
        self.ids.push(collected.id);
    }

    /// Finds the duplicates. `text` gives a message by the numbers of its conversation and of itself.
    pub fn find(&self, least: f64, text: &(dyn Fn(usize, usize) -> String + Sync)) -> Duplicates {
        let mut found = Duplicates { twins: self.twins, ..Duplicates::default() };
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
        // A conversation that repeats itself goes in its own favour.
        let mut itself: Vec<u32> = all.iter().filter(|(a, b)| a == b).map(|(a, _)| *a).collect();
        itself.sort_unstable();
        itself.dedup();
        all.retain(|(a, b)| a != b);
        let ids: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        let go = losers(&ids, &all);
        let go: Vec<(usize, usize)> =
            go.into_iter().chain(itself.into_iter().map(|i| (i as usize, i as usize))).collect();
        let mut stay: Vec<usize> = go.iter().map(|(_, stays)| *stays).collect();
        stay.sort_unstable();
        stay.dedup();
        found.clusters = stay.len() as u64;
        found.duplicates = go
            .into_iter()
            .map(|(goes, stays)| Duplicate {
                goes: self.ids[goes].clone(),
                stays: self.ids[stays].clone(),
            })
            .collect();
        found.duplicates.sort_by(|a, b| a.goes.cmp(&b.goes));
        found.duplicates.dedup_by(|a, b| a.goes == b.goes);
        found
    }
}
