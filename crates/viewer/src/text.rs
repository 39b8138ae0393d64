//! Identifies the text that a review is of.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use clinstruct_schema::{Json, Message, Rejected, Role};
use serde::{Deserialize, Serialize};

use crate::files::files_of;
use crate::{Error, Result};

/// Hash of the text of a row as a reviewer reads it, such as `v1:3f0c..`.
///
/// `v1` is BLAKE3, in hexadecimal digits, over a sequence of strings, each preceded by its length in bytes as 64 bits,
/// little endian. For a conversation these are `messages`, then role (`system`, `user`, `assistant`) and content of
/// each message. For a rejected row, which has no messages, they are `rejected`, its reason and its detail. Nothing is
/// normalized: a text that differs in one space is another text. Card, styles and provenance are not included.
///
/// Reviews are stored with this hash. A changed definition needs another version, and a migration of the reviews.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TextHash(String);

impl TextHash {
    /// Hash of the messages of a conversation.
    pub fn of(messages: &[Message]) -> Self {
        let role = |role| match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let all = messages.iter().flat_map(|m| [role(m.role), m.content.as_str()]);
        Self::of_strings(std::iter::once("messages").chain(all))
    }

    /// Hash of the readable text of a rejected row.
    pub(crate) fn of_rejected(row: &Rejected) -> Self {
        Self::of_strings(["rejected", &row.reason, &row.detail].into_iter())
    }

    fn of_strings<'a>(strings: impl Iterator<Item = &'a str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for string in strings {
            hasher.update(&(string.len() as u64).to_le_bytes());
            hasher.update(string.as_bytes());
        }
        Self(format!("v1:{}", hasher.finalize().to_hex()))
    }

    /// Its stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

/// The current texts of rows, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(HashMap<String, TextHash>);

impl FromIterator<(String, TextHash)> for Texts {
    fn from_iter<I: IntoIterator<Item = (String, TextHash)>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

/// The fields of a line that the hash needs.
#[derive(Deserialize)]
struct Line {
    id: String,
    messages: Vec<Message>,
}

impl Texts {
    /// Reads the rows of the run in `run`, including rejected ones.
    ///
    /// # Errors
    /// No rows, or a row that is not one of ours.
    pub fn read(run: &Path) -> Result<Self> {
        let mut texts = HashMap::new();
        for (path, rejected) in files_of(run)? {
            let failed = |source| Error::Io { path: path.clone(), source };
            let mut reader = BufReader::with_capacity(1 << 20, File::open(&path).map_err(failed)?);
            let (mut text, mut line) = (String::new(), 0);
            loop {
                text.clear();
                line += 1;
                if reader.read_line(&mut text).map_err(failed)? == 0 {
                    break;
                }
                let of = |e: serde_json::Error| Error::Row {
                    path: path.clone(),
                    line,
                    why: e.to_string(),
                };
                let (id, hash) = if rejected {
                    let row = Rejected::of_json(&text).map_err(of)?;
                    (row.id.to_string(), TextHash::of_rejected(&row))
                } else {
                    let row: Line = serde_json::from_str(&text).map_err(of)?;
                    (row.id, TextHash::of(&row.messages))
                };
                // Ids are unique; if not, the first row counts, as in the viewer.
                texts.entry(id).or_insert(hash);
            }
        }
        Ok(Self(texts))
    }

    /// The current text of a row; `None` if the run has no such row.
    pub fn get(&self, id: &str) -> Option<&TextHash> {
        self.0.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(messages: &[(Role, &str)]) -> TextHash {
        let messages: Vec<Message> = messages
            .iter()
            .map(|(role, content)| Message { role: *role, content: (*content).to_owned() })
            .collect();
        TextHash::of(&messages)
    }

    /// Stored reviews depend on it: a failure here means that every review of every user becomes one of an earlier
    /// text. Do not update it; give the hash another version.
    #[test]
    fn the_hash_never_changes() {
        let messages = [(Role::User, "Fièvre?"), (Role::Assistant, "Repos.\n")];
        assert_eq!(
            hash(&messages).as_str(),
            "v1:67609bc87be65756616599f18b9c60ee9c06141fd9be33fa97c8d83c0d678807"
        );
    }

    #[test]
    fn every_change_of_the_text_changes_the_hash() {
        use Role::{Assistant, System, User};
        let texts: [&[(Role, &str)]; 10] = [
            &[(User, "ab"), (Assistant, "c")],
            &[(User, "a"), (Assistant, "bc")],
            &[(User, "ab"), (Assistant, "c ")],
            &[(User, "ab"), (Assistant, "C")],
            &[(Assistant, "ab"), (User, "c")],
            &[(System, ""), (User, "ab"), (Assistant, "c")],
            &[(User, "ab"), (Assistant, "c"), (User, "")],
            &[(User, "ab")],
            &[(User, "abassistantc")],
            &[],
        ];
        let hashes: std::collections::HashSet<TextHash> = texts.iter().map(|t| hash(t)).collect();
        assert_eq!(hashes.len(), texts.len());
        assert_eq!(hash(texts[0]), hash(&[(User, "ab"), (Assistant, "c")]));
    }
}
