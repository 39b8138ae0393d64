use std::fmt;

/// Shortest beginning or end of a key that is taken out of texts.
const TELLING: usize = 4;

/// A key. It is shown nowhere: not by `Debug`, not in errors, not in the journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key as it stands in the environment; white space around it is no part of it.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    /// The key itself, for a header.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A mark that tells this key from others and does not tell the key.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::derive_key("clinstruct 2026 key fingerprint", self.0.as_bytes());
        format!("key {:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
    }

    /// A text with this key taken out, also where it is partly masked: a provider may quote its first and
    /// last characters.
    pub fn removed_from(&self, text: &str) -> String {
        let mut text = text.replace(&self.0, "[key]");
        if self.0.len() >= 3 * TELLING && self.0.is_ascii() {
            let (start, end) = (&self.0[..TELLING], &self.0[self.0.len() - TELLING..]);
            if text.contains(start) || text.contains(end) {
                let words: Vec<&str> = text
                    .split(' ')
                    .map(|word| {
                        let masked =
                            word.contains('*') || word.contains('…') || word.contains("...");
                        let quoted = word.contains(start) || word.contains(end);
                        if masked && quoted { "[key]" } else { word }
                    })
                    .collect();
                text = words.join(" ");
            }
        }
        text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}
