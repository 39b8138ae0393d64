//! A row of a file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use clinstruct_schema::{Attributes, Conversation, Dropped, Json, Rejected};

use crate::facets::FACETS;
use crate::text::TextHash;
use crate::{Error, Result};

/// Characters of a row's first text in a list.
const OPENING: usize = 200;
/// Status of a row that is in the dataset.
pub(crate) const IN_DATASET: &str = "in dataset";

/// Location of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) rejected: bool,
}

/// A row of either kind.
#[derive(Debug)]
pub(crate) enum StoredRow {
    Conversation(Box<Conversation>),
    Rejected(Box<Rejected>),
}

impl StoredRow {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Conversation(row) => row.id.as_str(),
            Self::Rejected(row) => row.id.as_str(),
        }
    }

    /// Hash of its readable text.
    pub(crate) fn text_hash(&self) -> TextHash {
        match self {
            Self::Conversation(row) => TextHash::of(&row.messages),
            Self::Rejected(row) => TextHash::of_rejected(row),
        }
    }
}

impl Place {
    /// The current row at this location; `None` if the file has something else there, as after a rebuild.
    pub(crate) fn read(&self) -> Result<Option<StoredRow>> {
        let failed = |source| Error::Io { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.start)).map_err(failed)?;
        let mut line = Vec::new();
        file.take(self.length).read_to_end(&mut line).map_err(failed)?;
        let Ok(line) = String::from_utf8(line) else { return Ok(None) };
        Ok(if self.rejected {
            Rejected::of_json(&line).ok().map(Box::new).map(StoredRow::Rejected)
        } else {
            Conversation::of_json(&line).ok().map(Box::new).map(StoredRow::Conversation)
        })
    }
}

/// The start of a text, with an ellipsis if it is longer.
fn opening(text: &str) -> String {
    match text.char_indices().nth(OPENING) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// Indexed data of a row.
pub(crate) struct Indexed {
    pub(crate) id: String,
    pub(crate) base: String,
    pub(crate) attempts: i64,
    pub(crate) opening: String,
    pub(crate) body: String,
    pub(crate) text_hash: TextHash,
    pub(crate) rehearsal: bool,
    /// The pass that dropped it, as JSON; blank if none did.
    pub(crate) dropped: String,
    pub(crate) facets: [String; FACETS.len()],
}

impl Indexed {
    /// Marks it as dropped by a pass.
    pub(crate) fn drop(&mut self, dropped: &Dropped) {
        self.facets[0] = format!("dropped: {}", dropped.reason);
        self.dropped = dropped.to_json().unwrap_or_default();
    }

    pub(crate) fn of(line: &str, rejected: bool) -> serde_json::Result<Self> {
        if rejected {
            let row = Rejected::of_json(line)?;
            let mut facets: [String; FACETS.len()] = Default::default();
            facets[0].clone_from(&row.reason);
            facets[1] = row.part.to_string();
            return Ok(Self {
                text_hash: TextHash::of_rejected(&row),
                rehearsal: false,
                dropped: String::new(),
                id: row.id.to_string(),
                base: String::new(),
                attempts: 0,
                opening: row.detail.clone(),
                body: row.detail,
                facets,
            });
        }
        let row = Conversation::of_json(line)?;
        let situation = &row.attributes.situation;
        let (who, place) = (row.attributes.who(), row.attributes.place());
        let none = Attributes::NO_PATIENT;
        let texts: Vec<&str> = row.messages.iter().map(|m| m.content.as_str()).collect();
        let attempts = row.provenance.turns.iter().map(|t| t.attempts).max().unwrap_or(1);
        Ok(Self {
            id: row.id.to_string(),
            base: row.attributes.base.to_string(),
            attempts: attempts.into(),
            opening: opening(texts.first().unwrap_or(&"")),
            body: texts.join("\n"),
            text_hash: TextHash::of(&row.messages),
            rehearsal: row.provenance.rehearsal,
            dropped: String::new(),
            facets: [
                IN_DATASET.to_owned(),
                row.part.to_string(),
                situation.mode.as_str().to_owned(),
                situation.answer_language().code().to_owned(),
                situation.turns.to_string(),
                situation.profession.clone(),
                who.map_or(none, |who| who.sex.as_str()).to_owned(),
                who.map_or(none, |who| who.age_band.as_str()).to_owned(),
                place.as_ref().map(|place| place.country.clone()).unwrap_or_default(),
                place.as_ref().map(|place| place.setting.to_string()).unwrap_or_default(),
            ],
        })
    }
}
