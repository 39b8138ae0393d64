use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use clinstruct_schema::{ChatRequest, Json, RequestId};
use serde::{Deserialize, Serialize};

use crate::Limits;

/// The address of a request and its response: the first 128 bits of the BLAKE3 hash of the request's canonical JSON.
pub fn request_id(request: &ChatRequest) -> RequestId {
    // A request consists of plain strings and numbers; writing it to memory cannot fail. Hashed as a whole, its parts are
    // hashed side by side, and not one after the other in the pieces in which it is written.
    let mut json = Vec::new();
    let _ = request.append_json(&mut json);
    let hash = blake3::hash(&json);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.as_bytes()[..16]);
    RequestId(id)
}

/// A generous estimate of a request's bytes in an OpenAI batch input file.
///
/// Counts the text with its JSON escapes, plus 512 bytes for the rest of the line.
pub fn wire_size(request: &ChatRequest) -> u64 {
    // Counts of a byte each, which the compiler vectorizes; a chunk is too short for one to overflow.
    let escaped = |text: &str| -> u64 {
        let of_chunk = |chunk: &[u8]| {
            let count = |n: [u8; 3], byte: &u8| {
                let (byte, one) = (*byte, u8::from);
                [
                    n[0] + one(matches!(byte, b'"' | b'\\')),
                    n[1] + one(matches!(byte, b'\n' | b'\r' | b'\t')),
                    n[2] + one(byte < 0x20),
                ]
            };
            let [marked, short, control] = chunk.iter().fold([0; 3], count).map(u64::from);
            marked + short + 5 * (control - short)
        };
        text.len() as u64 + text.as_bytes().chunks(usize::from(u8::MAX)).map(of_chunk).sum::<u64>()
    };
    let messages: u64 = request.messages.iter().map(|m| escaped(&m.content) + 40).sum();
    let schema = request.json_schema.as_ref().map_or(0, |s| s.schema.len() as u64 + 120);
    512 + messages + schema
}

/// A request with its address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchRequest {
    /// Its address.
    pub id: RequestId,
    /// The request itself.
    pub request: ChatRequest,
}

/// The name under which a job is sent: unique in a run, and searchable at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardTag(pub String);

impl fmt::Display for ShardTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a shard's requests are stored.
#[derive(Debug, Clone)]
pub enum ShardBody {
    /// In memory.
    Memory(Arc<[BatchRequest]>),
    /// In a file, one [`BatchRequest`] as JSON per line.
    File(PathBuf),
}

/// Requests that form one job.
#[derive(Debug, Clone)]
pub struct Shard {
    /// Its name.
    pub tag: ShardTag,
    /// Number of requests.
    pub rows: usize,
    /// The requests.
    pub body: ShardBody,
}

/// Iterates over the requests of a shard.
pub type RequestIter = Box<dyn Iterator<Item = io::Result<BatchRequest>> + Send>;

impl Shard {
    /// A shard held in memory.
    pub fn in_memory(tag: ShardTag, requests: Vec<BatchRequest>) -> Self {
        Self { tag, rows: requests.len(), body: ShardBody::Memory(requests.into()) }
    }

    /// Its requests in order.
    pub fn requests(&self) -> io::Result<RequestIter> {
        match &self.body {
            ShardBody::Memory(requests) => {
                let requests = Arc::clone(requests);
                Ok(Box::new((0..requests.len()).map(move |i| Ok(requests[i].clone()))))
            }
            ShardBody::File(path) => {
                let lines = BufReader::new(File::open(path)?).lines();
                Ok(Box::new(lines.map(|line| {
                    serde_json::from_str(&line?)
                        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
                })))
            }
        }
    }
}

/// A queued request.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Its address.
    pub id: RequestId,
    /// Upper bound of its bytes in the provider's format.
    pub size: u64,
    /// Its token limit.
    pub max_tokens: u32,
    /// The request itself, if kept in memory; it can be rebuilt.
    pub request: Option<ChatRequest>,
}

/// Queues requests and cuts them into jobs within a backend's limits.
///
/// Keeps a limited number of request bytes in memory; beyond that, only addresses.
#[derive(Debug)]
pub struct Sharder {
    rows: usize,
    bytes: u64,
    memory: u64,
    held: VecDeque<Held>,
    held_bytes: u64,
    in_memory: u64,
}

impl Sharder {
    /// A sharder for these limits, with at most `rows` rows per job, that keeps at most `memory` bytes of requests.
    pub fn new(limits: &Limits, rows: usize, memory: u64) -> Self {
        Self {
            rows: limits.rows_per_job.min(rows).max(1),
            bytes: limits.bytes_per_job,
            memory,
            held: VecDeque::new(),
            held_bytes: 0,
            in_memory: 0,
        }
    }

    /// Adds a request.
    pub fn hold(&mut self, request: BatchRequest) {
        let size = wire_size(&request.request);
        let max_tokens = request.request.max_tokens;
        let keep = self.in_memory + size <= self.memory;
        let BatchRequest { id, request } = request;
        self.hold_again(Held { id, size, max_tokens, request: keep.then_some(request) });
    }

    /// Adds queued requests back.
    pub fn hold_again(&mut self, held: Held) {
        self.held_bytes += held.size;
        if held.request.is_some() {
            self.in_memory += held.size;
        }
        self.held.push_back(held);
    }

    /// Number of queued requests.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether the queue makes a full job.
    pub fn is_full(&self) -> bool {
        self.held.len() >= self.rows || self.held_bytes >= self.bytes
    }

    /// The next job's requests, oldest first: as many as the limits and `fits` allow. A single request above the byte
    /// limit goes alone, for the provider to judge.
    pub fn take(&mut self, mut fits: impl FnMut(&Held) -> bool) -> Vec<Held> {
        let mut job = Vec::new();
        let mut bytes = 0;
        while job.len() < self.rows {
            match self.held.front() {
                Some(next) if (job.is_empty() || bytes + next.size <= self.bytes) && fits(next) => {
                }
                _ => break,
            }
            if let Some(next) = self.held.pop_front() {
                bytes += next.size;
                self.held_bytes -= next.size;
                if next.request.is_some() {
                    self.in_memory -= next.size;
                }
                job.push(next);
            }
        }
        job
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{Message, Role};
    use proptest::prelude::*;

    use super::*;

    fn request(length: usize) -> BatchRequest {
        let request = ChatRequest {
            model: "m".into(),
            messages: vec![Message { role: Role::User, content: "x".repeat(length) }],
            max_tokens: 10,
            temperature: None,
            seed: length as u64,
            json_schema: None,
        };
        BatchRequest { id: request_id(&request), request }
    }

    proptest! {
        #[test]
        fn shards_add_up_and_keep_to_the_limits(
            lengths in prop::collection::vec(0_usize..4000, 0..200),
            rows in 1_usize..40,
            bytes in 5_000_u64..40_000,
            memory in 0_u64..50_000,
        ) {
            let mut sharder = Sharder {
                rows, bytes, memory, held: VecDeque::new(), held_bytes: 0, in_memory: 0,
            };
            let all: Vec<_> = lengths.iter().map(|l| request(*l)).collect();
            let mut shards = Vec::new();
            for r in &all {
                sharder.hold(r.clone());
                prop_assert!(sharder.in_memory <= memory);
                if sharder.is_full() {
                    shards.push(sharder.take(|_| true));
                }
            }
            prop_assert!(sharder.take(|_| false).is_empty());
            while sharder.held() > 0 {
                shards.push(sharder.take(|_| true));
            }
            prop_assert_eq!((sharder.held_bytes, sharder.in_memory), (0, 0));
            for shard in &shards {
                prop_assert!(shard.len() <= rows);
                prop_assert!(shard.len() == 1 || shard.iter().map(|r| r.size).sum::<u64>() <= bytes);
            }
            let ids: Vec<_> = shards.concat().into_iter().map(|h| h.id).collect();
            prop_assert_eq!(ids, all.into_iter().map(|r| r.id).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_changes_a_request_changes_its_address() {
        let base = request(5);
        let mut other = base.request.clone();
        other.seed += 1;
        assert_ne!(request_id(&other), base.id);
        assert_eq!(request_id(&base.request), base.id);
    }
}
