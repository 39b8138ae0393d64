use clinstruct_schema::summary::TextKind;
use clinstruct_schema::{Attributes, Message, Role, RowId};

use crate::Result;
use crate::spill::{Seen, Spill};
use crate::tokens::mix;

/// A conversation as input of the passes.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Index in the dataset, from 0; assigned by [`curate`](crate::curate()).
    pub number: usize,
    /// Id.
    pub id: &'a str,
    /// Part of the dataset; blank if there is none.
    pub part: &'a str,
    /// Messages; the first may be a system message.
    pub messages: &'a [Message],
    /// Base prompt, shared by its variants.
    pub base: Option<&'a RowId>,
    /// Patient, situation and subjects, if known and requested: see [`Fields`].
    pub attributes: Option<&'a Attributes>,
    /// Whether an earlier row has the same base prompt: see [`Variants`].
    pub variant: bool,
}

impl<'a> Row<'a> {
    /// A row with messages only.
    pub fn new(id: &'a str, messages: &'a [Message]) -> Self {
        Self { number: 0, id, part: "", messages, base: None, attributes: None, variant: false }
    }

    /// A row with its attributes.
    #[must_use]
    pub fn with_attributes(self, attributes: &'a Attributes) -> Self {
        Self { base: Some(&attributes.base), attributes: Some(attributes), ..self }
    }

    /// Its messages with their kinds and indices; without the system message.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, TextKind, &'a Message)> + use<'a> {
        let spoken = self.messages.iter().enumerate().filter(|(_, m)| m.role != Role::System);
        spoken.enumerate().map(|(turn, (place, message))| {
            let kind = match (message.role, turn) {
                (Role::Assistant, _) => TextKind::Answer,
                (_, 0) => TextKind::Prompt,
                _ => TextKind::FollowUp,
            };
            (place, kind, message)
        })
    }
}

/// The fields of a row that a pass reads. More fields take longer to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fields {
    /// Id, part, messages and base prompt.
    Messages,
    /// These, and the attributes.
    Attributes,
}

/// Rows that can be read several times, always in the same order.
pub trait Source: Sync {
    /// Passes all rows to the callback, in order and in chunks, with at least these fields.
    ///
    /// # Errors
    /// Rows that cannot be read, and errors of `each`.
    fn scan(
        &mut self,
        fields: Fields,
        each: &mut dyn FnMut(&[Row<'_>]) -> Result<()>,
    ) -> Result<()>;

    /// A message of a scanned row, by row number and message index; blank if there is none.
    ///
    /// # Errors
    /// A row that cannot be read again.
    fn text(&self, row: usize, message: usize) -> Result<String>;

    /// Passes the attributes of all planned rows to the callback, whatever became of them, except those to `skip`, by id.
    ///
    /// # Errors
    /// A plan that cannot be read, and errors of `skip`.
    fn planned(
        &self,
        skip: &mut dyn FnMut(&str) -> Result<bool>,
        each: &mut dyn FnMut(&Attributes),
    ) -> Result<()>;
}

/// Rows in memory, without a plan.
impl Source for Vec<Row<'_>> {
    fn scan(&mut self, _: Fields, each: &mut dyn FnMut(&[Row<'_>]) -> Result<()>) -> Result<()> {
        each(self)
    }

    fn text(&self, row: usize, message: usize) -> Result<String> {
        let message = self.get(row).and_then(|r| r.messages.get(message));
        Ok(message.map_or_else(String::new, |m| m.content.clone()))
    }

    fn planned(
        &self,
        _: &mut dyn FnMut(&str) -> Result<bool>,
        _: &mut dyn FnMut(&Attributes),
    ) -> Result<()> {
        Ok(())
    }
}

/// Detects variants of a base prompt that was seen before.
#[derive(Debug)]
pub struct Variants(Seen);

impl Variants {
    /// No base prompts yet.
    pub fn new(spill: &Spill) -> Self {
        Self(Seen::new(spill, spill.share(16)))
    }

    /// Whether a conversation with this base prompt was seen before.
    ///
    /// # Errors
    /// A temporary file that cannot be written or read.
    pub fn is_variant(&mut self, base: &RowId) -> Result<bool> {
        self.0.insert(Self::key(base)).map(|is_new| !is_new)
    }

    /// The key by which base prompts are told apart.
    pub fn key(base: &RowId) -> u64 {
        base.as_str().bytes().fold(2, |h, b| mix(h ^ u64::from(b)))
    }
}
