use std::fmt;

/// Characters of a key that a masked quote must show to be recognized.
const TELLING: usize = 4;
/// Shorter keys could be part of any word.
const SHORT: usize = 8;
/// Replacement for a key in a text.
const TAKEN_OUT: &str = "[key]";

/// A key. It is never shown: not by `Debug`, in errors, or in the journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key from the environment; surrounding white space is removed.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    /// The key itself, for a header.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A fingerprint that distinguishes this key from others without revealing it.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::derive_key("clinstruct 2026 key fingerprint", self.0.as_bytes());
        format!("key {:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
    }

    /// Redacts this key from a text, also where it is partly masked: a provider may quote its first and last
    /// characters. Words that merely share a part with the key stay.
    pub fn removed_from(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        self.without_quotes(&self.without_whole(text))
    }

    /// Redacts the whole key. A short or purely alphabetic one may occur in a longer word by chance, and is only
    /// redacted as a word of its own.
    fn without_whole(&self, text: &str) -> String {
        let key = self.0.as_str();
        let anywhere = key.chars().count() >= SHORT && !key.chars().all(char::is_alphabetic);
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(key) {
            let (before, from) = rest.split_at(at);
            let behind = &from[key.len()..];
            out.push_str(before);
            if anywhere || (ends_word(&out) && begins_word(behind)) {
                out.push_str(TAKEN_OUT);
                rest = behind;
            } else {
                let first = key.chars().next().map_or(1, char::len_utf8);
                out.push_str(&from[..first]);
                rest = &from[first..];
            }
        }
        out.push_str(rest);
        out
    }

    /// Redacts quotes of the key with a masked middle: `sk-ab***89`, `sk-ab...89`, `***6789`.
    fn without_quotes(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, length)) = mask(rest) {
            let (before, from) = rest.split_at(at);
            let (masked, behind) = from.split_at(length);
            out.push_str(before);
            let (head, tail) = (self.head_of(&out), self.tail_of(behind));
            let quoted = |part: &str| !part.is_empty();
            let shown = head.chars().count() + tail.chars().count();
            // Dots may be an ellipsis, and an `x` is a letter.
            let is_mark = !masked.starts_with(['.', '…', 'x', 'X']);
            let is_letters = head.chars().chain(tail.chars()).all(char::is_alphabetic);
            let alone = match (quoted(head), quoted(tail)) {
                (true, true) => true,
                (true, false) => begins_word(behind) && (is_mark || !is_letters && !is_x(masked)),
                (false, true) => ends_word(&out) && (is_mark || !is_letters && !is_x(masked)),
                (false, false) => false,
            };
            if shown >= TELLING.min(self.0.chars().count()) && alone {
                let taken = tail.len();
                out.truncate(out.len() - head.len());
                out.push_str(TAKEN_OUT);
                rest = &behind[taken..];
            } else {
                out.push_str(masked);
                rest = behind;
            }
        }
        out.push_str(rest);
        out
    }

    /// The longest prefix of the key that `text` ends with, as a word of its own.
    fn head_of<'t>(&self, text: &'t str) -> &'t str {
        let ends = self.0.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
        ends.filter_map(|end| text.strip_suffix(&self.0[..end]))
            .find(|before| ends_word(before))
            .map_or("", |before| &text[before.len()..])
    }

    /// The longest suffix of the key that `text` begins with, as a word of its own.
    fn tail_of<'t>(&self, text: &'t str) -> &'t str {
        let begins = self.0.char_indices().map(|(i, _)| i);
        begins
            .filter_map(|begin| text.strip_prefix(&self.0[begin..]))
            .find(|behind| begins_word(behind))
            .map_or("", |behind| &text[..text.len() - behind.len()])
    }
}

/// Whether a word can begin after this text.
fn ends_word(text: &str) -> bool {
    let mut last = text.chars().rev();
    match (last.next(), last.next()) {
        (Some(c), _) if is_of_word(c) => false,
        // `api.test`, `v1/test`: part of a longer name.
        (Some('.' | '/'), Some(c)) if is_of_word(c) => false,
        _ => true,
    }
}

/// Whether a word can end before this text.
fn begins_word(text: &str) -> bool {
    let mut first = text.chars();
    match (first.next(), first.next()) {
        (Some(c), _) if is_of_word(c) => false,
        (Some('.' | '/'), Some(c)) if is_of_word(c) => false,
        _ => true,
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn is_x(masked: &str) -> bool {
    masked.starts_with(['x', 'X'])
}

/// Start and length in bytes of the first mask in a text: what providers put in place of the middle of a key.
fn mask(text: &str) -> Option<(usize, usize)> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, first)) = chars.next() {
        let least = match first {
            '*' | '•' | '●' | '…' => 1,
            '.' => 2,
            'x' | 'X' => 4,
            _ => continue,
        };
        let (mut end, mut count) = (at + first.len_utf8(), 1);
        while let Some((_, c)) = chars.next_if(|(_, c)| *c == first) {
            end += c.len_utf8();
            count += 1;
        }
        if count >= least {
            return Some((at, end - at));
        }
    }
    None
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TAKEN_OUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, cases: &[(&str, &str)]) {
        let key = Secret::new(key);
        for (text, expected) in cases {
            assert_eq!(key.removed_from(text), *expected, "{} in {text}", key.expose());
        }
    }

    #[test]
    fn a_key_is_taken_out_wherever_it_stands() {
        check(
            "sk-test-0123456789",
            &[
                ("Incorrect key sk-test-0123456789.", "Incorrect key [key]."),
                ("key=sk-test-0123456789&x=1", "key=[key]&x=1"),
                ("Bearersk-test-0123456789abc", "Bearer[key]abc"),
                ("sk-test-0123456789sk-test-0123456789", "[key][key]"),
                ("{\"key\":\"sk-test-0123456789\"}", "{\"key\":\"[key]\"}"),
            ],
        );
        check("clé-secrète-1", &[("la clé-secrète-1, donc", "la [key], donc")]);
    }

    #[test]
    fn a_masked_quote_of_a_key_is_taken_out() {
        check(
            "sk-abcdef0123456789",
            &[
                ("provided: sk-abc***6789.", "provided: [key]."),
                ("provided: sk-abc************6789. You", "provided: [key]. You"),
                ("key 'sk-...6789' is wrong", "key '[key]' is wrong"),
                ("key sk-abc…789", "key [key]"),
                ("key sk-abcXXXXXXXX6789", "key [key]"),
                ("key sk-abc••••", "key [key]"),
                ("key sk-abcdef...", "key [key]"),
                ("key ****6789", "key [key]"),
                ("key ...6789", "key [key]"),
                ("(sk-abc***6789)", "([key])"),
                // Nothing is known of another key.
                ("key sk-xyz***4321", "key sk-xyz***4321"),
                ("key sk-...4321", "key sk-...4321"),
            ],
        );
    }

    #[test]
    fn words_that_look_like_a_part_of_the_key_stay() {
        check(
            "sk-test-0123",
            &[
                ("task-team... is gone", "task-team... is gone"),
                ("a desk-test... done", "a desk-test... done"),
                ("the task-test **must** end", "the task-test **must** end"),
                ("room 40123 ... room 0123", "room 40123 ... room 0123"),
                ("from 2020...0123", "from 2020...0123"),
                ("keys look like sk-...", "keys look like sk-..."),
                ("2 ** 3, see https://a.b/sk-x***", "2 ** 3, see https://a.b/sk-x***"),
            ],
        );
        check(
            "testing-0123456789",
            &[
                ("The test... failed", "The test... failed"),
                ("testing... 1, 2", "testing... 1, 2"),
                ("We are testing *this*", "We are testing *this*"),
            ],
        );
        check("internal", &[("internally an internal error", "internally an [key] error")]);
    }

    #[test]
    fn a_short_key_is_taken_out_only_as_a_word() {
        check(
            "none",
            &[
                ("nonexistent model, nonetheless", "nonexistent model, nonetheless"),
                ("key none.", "key [key]."),
                ("key 'none'", "key '[key]'"),
                ("Bearer:none", "Bearer:[key]"),
            ],
        );
        check(
            "test",
            &[
                (
                    "the latest test-model of api.test.org/v1/test/x",
                    "the latest test-model of api.test.org/v1/test/x",
                ),
                ("invalid key: test", "invalid key: [key]"),
                ("contest... tests***", "contest... tests***"),
            ],
        );
        check("abc", &[("abcess, sk-abc, dabc abc***", "abcess, sk-abc, dabc [key]***")]);
        check("-", &[("a-b, well - no", "a-b, well [key] no")]);
        check("", &[("anything *** at all", "anything *** at all")]);
    }
}
