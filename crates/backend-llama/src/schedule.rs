//! Schedules many texts on one model: new ones join as others end, and shared prefixes are computed once.
//!
//! Each sequence of the engine's cache keeps the tokens that were last fed to it. A request goes to the free sequence
//! with the longest matching prefix; if another sequence, free or not, matches longer, its cache is copied. A request
//! whose prefix is being computed for another one waits for that. So the system prompt of a thousand rows is decoded
//! once, and the next turn of a conversation finds the one before it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clinstruct_batch_client::{Error, ErrorKind, Result};
use clinstruct_schema::RequestId;
use tokio::sync::mpsc::UnboundedSender;

use crate::engine::{Broken, Engine, Fed, Sampling, Token};
use crate::row::{self, Finish, Said};

/// Shared tokens from which a copy, or a short wait, is worth it.
const WORTH_SHARING: usize = 32;
/// Waiting requests that are compared to find the best match for the cache.
const LOOK_AHEAD: usize = 128;

/// A queued request.
#[derive(Debug)]
pub struct Ask {
    /// Its address.
    pub id: RequestId,
    /// Model name from the request.
    pub model: String,
    /// Its prompt.
    pub prompt: Vec<Token>,
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// Sampling parameters.
    pub sampling: Sampling,
    /// Receiver of its row.
    pub reply: UnboundedSender<Result<Vec<u8>>>,
    /// Set when its job is cancelled.
    pub cancelled: Arc<AtomicBool>,
}

impl Ask {
    /// Whether nobody waits for its row any more.
    fn is_moot(&self) -> bool {
        self.reply.is_closed() || self.cancelled.load(Ordering::Relaxed)
    }
}

/// Counters for reports and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Steps of the engine.
    pub steps: u64,
    /// Prompt tokens that were computed.
    pub fed: u64,
    /// Prompt tokens that were cached.
    pub reused: u64,
    /// Tokens generated.
    pub generated: u64,
}

/// A text in progress.
#[derive(Debug)]
struct Work<S> {
    ask: Ask,
    sampler: S,
    reused: usize,
    /// Bytes of the text so far.
    text: Vec<u8>,
    generated: usize,
    /// Token that was sampled but not fed yet.
    next: Option<Token>,
}

#[derive(Debug)]
struct Slot<S> {
    /// Tokens in the sequence's cache.
    cached: Vec<Token>,
    work: Option<Work<S>>,
    /// Step of its last use.
    used: u64,
}

/// Texts in progress and queued requests.
#[derive(Debug)]
pub struct Scheduler<E: Engine> {
    engine: E,
    slots: Vec<Slot<E::Sampler>>,
    waiting: VecDeque<Ask>,
    stop: Vec<String>,
    /// Whether prefixes are shared; otherwise every prompt is computed in full.
    share: bool,
    fingerprint: String,
    counts: Counts,
    step: Vec<Fed>,
    outputs: Vec<(usize, usize)>,
}

/// Length of the common prefix of two texts, in tokens.
fn common(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl<E: Engine> Scheduler<E> {
    /// A scheduler over this engine. A text ends before any of `stop`; `fingerprint` goes into every row.
    pub fn new(engine: E, stop: Vec<String>, share: bool, fingerprint: String) -> Self {
        let slots = (0..engine.sequences())
            .map(|_| Slot { cached: Vec::new(), work: None, used: 0 })
            .collect();
        Self {
            engine,
            slots,
            waiting: VecDeque::new(),
            stop,
            share,
            fingerprint,
            counts: Counts::default(),
            step: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Counters so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether nothing is in progress or queued.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.slots.iter().all(|s| s.work.is_none())
    }

    /// Queues a request. One that the model cannot hold at any setting gets its row at once.
    pub fn take(&mut self, ask: Ask) {
        let needed = ask.prompt.len() + ask.max_tokens;
        let (context, trained) = (self.engine.context(), self.engine.trained_context());
        if ask.prompt.is_empty() {
            let row = row::refusal(ask.id, "empty_prompt", "its prompt is empty");
            let _ = ask.reply.send(Ok(row));
        } else if context >= needed || (context >= trained && ask.prompt.len() < context) {
            self.waiting.push_back(ask);
        } else if ask.prompt.len() >= trained {
            let message = format!(
                "its prompt has {} tokens, and the model was trained for {trained}",
                ask.prompt.len()
            );
            let row = row::refusal(ask.id, "context_length_exceeded", &message);
            let _ = ask.reply.send(Ok(row));
        } else {
            // A larger context would suffice: no attempt is used up, and the run can resume with one.
            let message = format!(
                "request {} needs {needed} tokens (a prompt of {} and an answer of up to {}), and a \
                 conversation has room for {context}; go on with --context {}, or with fewer at once \
                 (--concurrency) where memory is short",
                ask.id,
                ask.prompt.len(),
                ask.max_tokens,
                needed.next_multiple_of(256).min(trained),
            );
            let _ = ask.reply.send(Err(Error::new(ErrorKind::Refused, "ask the model", message)));
        }
    }

    /// Runs one step of the engine, and sends the rows of the texts that end with it.
    pub fn advance(&mut self) -> std::result::Result<(), Broken> {
        self.drop_moot();
        self.admit()?;
        self.fill();
        if self.step.is_empty() {
            return Ok(());
        }
        self.engine.step(&self.step)?;
        self.counts.steps += 1;
        let outputs = std::mem::take(&mut self.outputs);
        for &(slot, index) in &outputs {
            self.sample(slot, index);
        }
        self.outputs = outputs;
        Ok(())
    }

    /// Ends all waiting requests with an error.
    pub fn fail(&mut self, broken: &Broken) {
        let texts = self.slots.iter_mut().filter_map(|s| s.work.take()).map(|w| w.ask);
        for ask in texts.chain(self.waiting.drain(..)) {
            let error = Error::new(broken.kind, "ask the model", broken.message.clone());
            let _ = ask.reply.send(Err(error));
        }
    }

    fn drop_moot(&mut self) {
        self.waiting.retain(|ask| !ask.is_moot());
        for slot in &mut self.slots {
            if slot.work.as_ref().is_some_and(|w| w.ask.is_moot()) {
                slot.work = None;
            }
        }
    }

    /// Assigns queued requests to free sequences.
    fn admit(&mut self) -> std::result::Result<(), Broken> {
        while self.slots.iter().any(|s| s.work.is_none()) {
            let Some((at, source, reused)) = self.choose() else { break };
            let Some(ask) = self.waiting.remove(at) else { break };
            let slot = self.free_slot(source, reused);
            let sampler = match self.engine.sampler(&ask.sampling) {
                Ok(sampler) => sampler,
                Err(message) => {
                    let _ = ask.reply.send(Ok(row::refusal(ask.id, "json_schema", &message)));
                    continue;
                }
            };
            if let Some(source) = source.filter(|s| *s != slot) {
                self.engine.copy(source, slot, reused)?;
                self.slots[slot].cached = self.slots[source].cached[..reused].to_vec();
            } else {
                self.engine.cut(slot, reused)?;
                self.slots[slot].cached.truncate(reused);
            }
            self.counts.reused += reused as u64;
            let work = Work { ask, sampler, reused, text: Vec::new(), generated: 0, next: None };
            self.slots[slot].work = Some(work);
        }
        Ok(())
    }

    /// The queued request to start next: its index, the sequence with the best matching cache, and the number of usable
    /// tokens. `None` if all should wait for a prefix that is being computed.
    fn choose(&self) -> Option<(usize, Option<usize>, usize)> {
        if !self.share {
            return (!self.waiting.is_empty()).then_some((0, None, 0));
        }
        let mut best: Option<(usize, Option<usize>, usize)> = None;
        for (at, ask) in self.waiting.iter().enumerate().take(LOOK_AHEAD) {
            // The last token is always fed, since the next one is sampled after it.
            let usable = ask.prompt.len() - 1;
            let mut source = (None, 0);
            let mut coming = 0;
            for (i, slot) in self.slots.iter().enumerate() {
                let here = common(&slot.cached, &ask.prompt).min(usable);
                // Of two equal matches, a free sequence needs no copy.
                let better = here > source.1
                    || (here == source.1 && here > 0 && slot.work.is_none() && {
                        source.0.is_some_and(|s: usize| self.slots[s].work.is_some())
                    });
                if better {
                    source = (Some(i), here);
                }
                if let Some(work) = &slot.work
                    && slot.cached.len() < work.ask.prompt.len()
                {
                    coming = coming.max(common(&work.ask.prompt, &ask.prompt).min(usable));
                }
            }
            if coming >= source.1 + WORTH_SHARING {
                continue;
            }
            // A copy that saves little is not worth it; a free sequence's own cache costs nothing.
            let free = source.0.is_some_and(|s| self.slots[s].work.is_none());
            if !free && source.1 < WORTH_SHARING {
                source = (None, 0);
            }
            if best.is_none_or(|(_, _, reused)| source.1 > reused) {
                best = Some((at, source.0, source.1));
            }
        }
        best
    }

    /// The sequence to use: the source itself if it is free and would lose little, otherwise the free one that was
    /// least recently used. Low numbers first: an engine computes neighbours together.
    fn free_slot(&self, source: Option<usize>, reused: usize) -> usize {
        if let Some(source) = source
            && self.slots[source].work.is_none()
            && self.slots[source].cached.len() < reused + WORTH_SHARING
        {
            return source;
        }
        let free = self.slots.iter().enumerate().filter(|(_, s)| s.work.is_none());
        let others = free.clone().filter(|(i, _)| Some(*i) != source);
        others
            .min_by_key(|(i, s)| (s.used, *i))
            .or_else(|| free.min_by_key(|(i, s)| (s.used, *i)))
            .map_or(0, |(i, _)| i)
    }

    /// The tokens of the next step: one per growing text, then as much of the prompts as fits.
    fn fill(&mut self) {
        self.step.clear();
        self.outputs.clear();
        let growing =
            self.slots.iter().filter(|s| s.work.as_ref().is_some_and(|w| w.next.is_some()));
        let mut room = self.engine.batch().saturating_sub(growing.count());
        let now = self.counts.steps + 1;
        for (sequence, slot) in self.slots.iter_mut().enumerate() {
            let Some(work) = &mut slot.work else { continue };
            slot.used = now;
            let position = slot.cached.len();
            if let Some(token) = work.next.take() {
                self.outputs.push((sequence, self.step.len()));
                self.step.push(Fed { token, position, sequence, output: true });
                slot.cached.push(token);
                continue;
            }
            let end = work.ask.prompt.len().min(position + room.min(self.engine.piece_of_prompt()));
            for (i, &token) in work.ask.prompt[position..end].iter().enumerate() {
                let output = position + i + 1 == work.ask.prompt.len();
                if output {
                    self.outputs.push((sequence, self.step.len()));
                }
                self.step.push(Fed { token, position: position + i, sequence, output });
                slot.cached.push(token);
            }
            self.counts.fed += (end - position) as u64;
            room -= end - position;
        }
    }

    /// Samples the next token of a text, and sends its row if the text ends.
    fn sample(&mut self, slot: usize, index: usize) {
        let context = self.engine.context();
        let Slot { cached, work: held, .. } = &mut self.slots[slot];
        let Some(work) = held else { return };
        let token = self.engine.sample(&mut work.sampler, index);
        work.generated += 1;
        self.counts.generated += 1;
        let finish = if self.engine.ends(token) {
            Some(Finish::Stop)
        } else {
            let before = work.text.len();
            work.text.extend(self.engine.piece(token));
            if let Some(at) = stop_at(&work.text, before, &self.stop) {
                work.text.truncate(at);
                Some(Finish::Stop)
            } else if work.generated >= work.ask.max_tokens || cached.len() + 1 >= context {
                Some(Finish::Length)
            } else {
                None
            }
        };
        let Some(finish) = finish else {
            work.next = Some(token);
            return;
        };
        if let Some(work) = held.take() {
            let said = Said {
                text: whole_characters(work.text),
                finish,
                prompt_tokens: work.ask.prompt.len(),
                cached_tokens: work.reused,
                completion_tokens: work.generated,
            };
            let row = row::answer(work.ask.id, &work.ask.model, &self.fingerprint, &said);
            let _ = work.ask.reply.send(Ok(row));
        }
    }
}

/// Start of the first stop sequence, searching only where the bytes after `before` can have completed one.
fn stop_at(text: &[u8], before: usize, stops: &[String]) -> Option<usize> {
    stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| {
            let from = (before + 1).saturating_sub(stop.len());
            text[from..].windows(stop.len()).position(|w| w == stop.as_bytes()).map(|at| from + at)
        })
        .min()
}

/// Decodes bytes that may end in the middle of a character; that part is left out. Invalid bytes become the replacement
/// character, which the checks detect.
fn whole_characters(mut bytes: Vec<u8>) -> String {
    if let Err(e) = std::str::from_utf8(&bytes)
        && e.error_len().is_none()
    {
        bytes.truncate(e.valid_up_to());
    }
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_text_is_found_where_it_is_completed() {
        let stops = ["END".to_owned(), "||".to_owned()];
        assert_eq!(stop_at(b"abEND", 4, &stops), Some(2));
        assert_eq!(stop_at(b"abENDEND", 0, &stops), Some(2));
        assert_eq!(stop_at(b"a||END", 5, &stops), Some(3));
        assert_eq!(stop_at(b"abEN", 0, &stops), None);
        assert_eq!(stop_at(b"a", 0, &[String::new()]), None);
    }

    #[test]
    fn half_a_character_at_the_end_is_left_out() {
        assert_eq!(whole_characters("fièvre".as_bytes()[..3].to_vec()), "fi");
        assert_eq!(whole_characters(b"a\xffb".to_vec()), "a\u{fffd}b");
        assert_eq!(whole_characters("é".as_bytes().to_vec()), "é");
    }
}
