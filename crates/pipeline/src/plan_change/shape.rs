//! Compact digests of what shapes a row of a plan.

use std::collections::HashMap;

use clinstruct_schema::{Json, RequestId, Stated};
use clinstruct_store::PlannedRow;

use crate::task::{ConversationTask, ExtractionTask, PromptTask, variant_code};
use crate::{Result, RunContext};

/// Placeholder for text that a model has not written yet.
const UNSAID: &str = "\u{2026}";
/// Bytes per digest.
const DIGEST: usize = 8;

/// Bytes per conversation: prompt, variant, digest.
const CONVERSATION: usize = 2 + DIGEST;

/// The conversations that a row can become, by prompt and variant as in the keys of tasks, from its shape in the journal;
/// also of the earlier format, which has one more digest before them. Empty for any other format.
pub(crate) fn conversations_of(shape: &[u8]) -> Vec<(u8, u8)> {
    let all = [2, 3].into_iter().filter_map(|digests| shape.get(digests * DIGEST..));
    let all = all.into_iter().find(|rest| rest.len() % CONVERSATION == 0).unwrap_or_default();
    let one =
        |bytes: &[u8]| bytes.split_first_chunk().map(|([prompt, variant], _)| (*prompt, *variant));
    all.chunks_exact(CONVERSATION).filter_map(one).collect()
}

/// The first bytes of a hash of some pieces.
#[derive(Default)]
struct Digest(blake3::Hasher);

impl Digest {
    fn add(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn add_json(&mut self, value: &impl Json) -> &mut Self {
        let mut text = Vec::new();
        // Our own plain data: it has no maps with keys that JSON does not support.
        let _ = value.append_json(&mut text);
        self.add(&text)
    }

    fn done(&self) -> [u8; DIGEST] {
        let mut short = [0; DIGEST];
        for (to, from) in short.iter_mut().zip(self.0.finalize().as_bytes()) {
            *to = *from;
        }
        short
    }
}

/// A conversation that has its prompt, and thus an accepted answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Prompt, as in its task's key.
    pub(crate) prompt: u8,
    /// Variant, as in its task's key.
    pub(crate) variant: u8,
    /// Most attempts of its prompt or any of its turns; 0 if unknown.
    pub(crate) attempts: u8,
}

/// What shapes a row besides its first request, by component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// The row itself: subjects, patients.
    pub(super) row: [u8; DIGEST],
    /// The message to a model about an answer that failed its checks.
    pub(super) repair: [u8; DIGEST],
    /// For each conversation that the row can become, by prompt and variant as in its task's key: situation, system
    /// prompts, facts for the checks.
    pub(super) conversations: Vec<(u8, u8, [u8; DIGEST])>,
}

impl Shape {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.row, self.repair].concat();
        for (prompt, variant, digest) in &self.conversations {
            bytes.extend([*prompt, *variant]);
            bytes.extend(digest);
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (row, rest) = bytes.split_first_chunk()?;
        let (repair, rest) = rest.split_first_chunk()?;
        if rest.len() % CONVERSATION != 0 {
            return None;
        }
        let one = |bytes: &[u8]| {
            let ([prompt, variant], digest) = bytes.split_first_chunk()?;
            Some((*prompt, *variant, *digest.first_chunk()?))
        };
        let conversations = rest.chunks_exact(CONVERSATION).map(one).collect::<Option<_>>()?;
        Some(Self { row: *row, repair: *repair, conversations })
    }

    pub(super) fn of(&self, prompt: u8, variant: u8) -> Option<[u8; DIGEST]> {
        let mut all = self.conversations.iter();
        all.find(|(p, v, _)| (*p, *v) == (prompt, variant)).map(|(_, _, digest)| *digest)
    }
}

/// Computes the shapes of a plan's rows.
pub(crate) struct Shapes<'a, 'c> {
    context: &'a RunContext<'c>,
    /// Facts for the checks by country code.
    checks: HashMap<&'a str, [u8; DIGEST]>,
    repair: [u8; DIGEST],
}

impl<'a, 'c> Shapes<'a, 'c> {
    pub(crate) fn new(context: &'a RunContext<'c>) -> Self {
        let catalog = context.catalog;
        let one = |country: &'a clinstruct_catalog::Country| {
            let mut digest = Digest::default();
            digest.add(country.emergency.as_bytes());
            for term in
                catalog.country_terms.iter().filter(|b| !b.countries.contains(&country.code))
            {
                digest.add(term.term.as_bytes());
            }
            (country.code.as_str(), digest.done())
        };
        let mut repair = Digest::default();
        let phrases = [
            "repair-head",
            "repair-keep",
            "repair-keep-user",
            "repair-limits",
            "repair-tail",
            "prompt-retry",
            "prompt-openings",
        ];
        for phrase in phrases {
            repair.add(catalog.phrase(phrase).as_bytes());
        }
        Self { context, checks: catalog.countries.iter().map(one).collect(), repair: repair.done() }
    }

    /// Row `index` of a part's plan, as stored in the journal. If a shape is `expected`, only its conversations are
    /// computed, and none if the first request differs.
    pub(crate) fn planned(
        &self,
        part: u8,
        index: usize,
        expected: Option<(RequestId, &[Answered])>,
    ) -> Result<Option<PlannedRow>> {
        let context = self.context;
        let Some(prompts) = PromptTask::planned(context, part, index)? else { return Ok(None) };
        let row = prompts.row();
        let (task, id) = (prompts.key(), row.id.to_string());
        let request = prompts.next_request(context)?.id;
        if expected.is_some_and(|(expected, _)| expected != request) {
            return Ok(Some(PlannedRow { task, id, request, shape: Vec::new() }));
        }
        let mut conversations = Vec::new();
        for (k, frame) in row.frames.iter().enumerate() {
            // A record decides what its conversations are about.
            let asks = context.config.extraction.asks(frame, &Stated::NONE);
            let record = asks
                .then(|| ExtractionTask::request(context, part, row, k, UNSAID, 0))
                .transpose()?
                .map(|request| request.id);
            for (variant, situation) in prompts.situations_of(context, k)? {
                let variant = *variant;
                let (prompt, code) =
                    (u8::try_from(k + 1).unwrap_or(u8::MAX), variant_code(variant));
                let is_wanted = |(_, all): (_, &[Answered])| {
                    all.iter().any(|a| (a.prompt, a.variant) == (prompt, code))
                };
                if expected.is_none_or(is_wanted) {
                    let of = (variant, situation.clone());
                    let conversation =
                        ConversationTask::outlined(context, part, (row, k), of, UNSAID)?;
                    conversations.push((prompt, code, self.conversation(conversation, record)?));
                }
            }
        }
        let shape = Shape {
            row: Digest::default().add_json(&**row).done(),
            repair: self.repair,
            conversations,
        };
        Ok(Some(PlannedRow { task, id, request, shape: shape.to_bytes() }))
    }

    fn conversation(
        &self,
        mut conversation: ConversationTask,
        record: Option<RequestId>,
    ) -> Result<[u8; DIGEST]> {
        let mut digest = Digest::default();
        let about = conversation.dialogue().context();
        digest.add_json(&about.situation);
        let country = about.place.country_code.as_str();
        digest.add(self.checks.get(country).map_or(&[][..], |checks| checks));
        if let Some(record) = record {
            digest.add(&record.0);
        }
        // The first request of each side contains its system prompt; later ones contain the same.
        for _ in 0..2 {
            if let Some(request) = conversation.next_request(self.context)? {
                digest.add(&request.id.0);
            }
            conversation.say(UNSAID);
        }
        Ok(digest.done())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_read_as_it_was_written() {
        let shape = Shape {
            row: [1; DIGEST],
            repair: [3; DIGEST],
            conversations: vec![(1, 1, [4; DIGEST]), (1, 200, [5; DIGEST]), (2, 1, [6; DIGEST])],
        };
        assert_eq!(Shape::from_bytes(&shape.to_bytes()), Some(shape.clone()));
        assert_eq!(shape.of(1, 200), Some([5; DIGEST]));
        assert_eq!(shape.of(2, 2), None);
        assert_eq!(Shape::from_bytes(&[0; 2 * DIGEST - 1]), None);
        let conversations = [(1, 1), (1, 200), (2, 1)];
        assert_eq!(conversations_of(&shape.to_bytes()), conversations);
        // The earlier format is another one, but names its conversations.
        let earlier = [&[9; DIGEST][..], &shape.to_bytes()].concat();
        assert_eq!(Shape::from_bytes(&earlier), None);
        assert_eq!(conversations_of(&earlier), conversations);
        assert_eq!(conversations_of(&[0; 2 * DIGEST - 1]), []);
    }
}
