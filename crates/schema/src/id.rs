use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a string is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError {
    /// The expected kind of id, such as `slug`.
    pub kind: &'static str,
    /// The text as given.
    pub text: String,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a valid {}", self.text, self.kind)
    }
}

impl std::error::Error for IdError {}

/// What a slug is, for those who wrote none.
const SLUG: &str = "slug; use only a-z, 0-9 and single hyphens between them";

/// A short name of `a-z`, `0-9` and single inner hyphens: `beta-blockers`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// Checks that `text` is a slug.
    pub fn new(text: &str) -> Result<Self, IdError> {
        let fine = !text.is_empty()
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--")
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError { kind: SLUG, text: text.to_owned() })
        }
    }

    /// Turns any name into a slug: ASCII letters in lower case, every other run of characters as one hyphen.
    ///
    /// Fails if the name has no ASCII letter or digit.
    pub fn of_name(name: &str) -> Result<Self, IdError> {
        let mut slug = String::with_capacity(name.len());
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if c != '\'' && !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        while slug.ends_with('-') {
            slug.pop();
        }
        Self::new(&slug).map_err(|_| IdError { kind: SLUG, text: name.to_owned() })
    }

    /// The slug's text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl std::borrow::Borrow<str> for Slug {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A part of the dataset: `specialty-domain`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartId(pub Slug);

impl PartId {
    /// The id's text.
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stable, readable name of a planned row: slugs joined by dots, the part's first.
///
/// `specialty-domain.physician.cardiology.genetics` is a seed row (one prompt request);
/// `task-topic.emergency-triage.domain.genetics.p2.s1` is a conversation (second patient, first answer style). Unique
/// over the dataset. An id only contains what a row combines, so other rows never affect it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowId(String);

impl RowId {
    /// Checks that `text` is slugs joined by dots.
    pub fn new(text: &str) -> Result<Self, IdError> {
        if text.split('.').all(|s| Slug::new(s).is_ok()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError { kind: "row id", text: text.to_owned() })
        }
    }

    /// The id of a part's row that combines `slugs`.
    pub fn of<'a>(part: &PartId, slugs: impl IntoIterator<Item = &'a Slug>) -> Self {
        let mut text = part.as_str().to_owned();
        for slug in slugs {
            text.push('.');
            text.push_str(slug.as_str());
        }
        Self(text)
    }

    /// The id with another letter-and-number component: `id.child('p', 2)` ends in `.p2`.
    #[must_use]
    pub fn child(&self, letter: char, number: usize) -> Self {
        debug_assert!(letter.is_ascii_lowercase());
        Self(format!("{}.{letter}{number}", self.0))
    }

    /// The id's text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RowId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(&text)
    }
}

impl From<RowId> for String {
    fn from(id: RowId) -> Self {
        id.0
    }
}

/// The first 128 bits of the hash of a request; as text 32 lower-case hexadecimal digits.
///
/// It is the `custom_id` at providers (OpenAI allows any string, Anthropic 1 to 64 characters of `[a-zA-Z0-9_-]`), so
/// that a row is matched to its request by content and never by position.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(pub [u8; 16]);

impl RequestId {
    /// Parses the 32 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bad = || IdError { kind: "request id", text: text.chars().take(80).collect() };
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return Err(bad());
        }
        let mut out = [0; 16];
        for (i, pair) in bytes.chunks_exact(2).enumerate() {
            let digit = |b: u8| match b {
                b'0'..=b'9' => Some(b - b'0'),
                b'a'..=b'f' => Some(b - b'a' + 10),
                _ => None,
            };
            out[i] = match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(bad()),
            };
        }
        Ok(Self(out))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 32];
        for (i, byte) in self.0.iter().enumerate() {
            text[2 * i] = DIGITS[usize::from(byte >> 4)];
            text[2 * i + 1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.to_string()
    }
}

/// The name of a backend: `rehearsal`, `openai`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackendId(pub String);

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
