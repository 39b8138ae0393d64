//! Counts of tokens for estimates, by OpenAI's `o200k` vocabulary. Other models' tokens are close enough.
//!
//! The feature `tokens` counts exactly. Without it, a rule estimates them from the words of the text; a test compares the two.

/// Whether `count` is exact in this program.
pub const IS_EXACT: bool = cfg!(feature = "tokens");

/// The tokens of a text.
#[cfg(feature = "tokens")]
pub(crate) fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// The tokens of a text, estimated.
#[cfg(not(feature = "tokens"))]
pub(crate) fn count(text: &str) -> u64 {
    estimated(text)
}

/// Letters that the first token of a word has at most; the average of English text.
#[cfg(any(test, not(feature = "tokens")))]
const FIRST: f64 = 9.0;
/// Letters of each further token of a word.
#[cfg(any(test, not(feature = "tokens")))]
const FURTHER: f64 = 5.0;
/// Digits of a token: the vocabulary has all numbers of three digits.
#[cfg(any(test, not(feature = "tokens")))]
const DIGITS: f64 = 3.0;
/// Tokens of a letter of a script whose words are not in the vocabulary as a whole.
#[cfg(any(test, not(feature = "tokens")))]
const OTHER_SCRIPT: f64 = 0.4;

/// Estimates tokens from runs of letters, digits, signs and line ends, as the vocabulary's own first step splits a text. A
/// single space belongs to the word after it.
#[cfg(any(test, not(feature = "tokens")))]
fn estimated(text: &str) -> u64 {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Latin,
        Letter,
        Digit,
        Space,
        Sign,
        LineEnd,
    }
    let kind = |c: char| match c {
        '\n' | '\r' => Kind::LineEnd,
        _ if c.is_whitespace() => Kind::Space,
        _ if c.is_ascii_digit() => Kind::Digit,
        _ if c.is_ascii() && !c.is_ascii_alphabetic() => Kind::Sign,
        // Latin letters with accents included.
        _ if c.is_alphabetic() && (c as u32) < 0x250 => Kind::Latin,
        _ if (c as u32) < 0x300 || (0x2000..0x2070).contains(&(c as u32)) => Kind::Sign,
        _ => Kind::Letter,
    };
    let tokens_of = |of: Kind, length: f64, accents: f64| match of {
        Kind::Latin => 1.0 + (length + accents * 2.0 - FIRST).max(0.0) / FURTHER,
        Kind::Letter => (length * OTHER_SCRIPT).max(1.0),
        Kind::Digit => (length / DIGITS).ceil(),
        Kind::Sign => (length / 2.0).ceil(),
        Kind::LineEnd => 1.0,
        Kind::Space => {
            if length > 1.0 {
                1.0
            } else {
                0.0
            }
        }
    };
    let mut tokens = 0.0;
    let mut run: Option<(Kind, f64, f64)> = None;
    for c in text.chars() {
        let of = kind(c);
        let accent = f64::from(u8::from(of == Kind::Latin && !c.is_ascii()));
        run = match run {
            Some((last, length, accents)) if last == of => {
                Some((of, length + 1.0, accents + accent))
            }
            other => {
                tokens += other.map_or(0.0, |(last, n, accents)| tokens_of(last, n, accents));
                Some((of, 1.0, accent))
            }
        };
    }
    tokens += run.map_or(0.0, |(last, n, accents)| tokens_of(last, n, accents));
    tokens.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as requests have them: templates, resources, and answers in the languages of the dataset.
    fn texts() -> Vec<String> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        let mut files = vec!["docs/guide/src/first-run.md".to_owned(), "README.md".to_owned()];
        let templates = std::fs::read_dir(format!("{root}resources/templates")).unwrap();
        files.extend(templates.map(|file| {
            format!("resources/templates/{}", file.unwrap().file_name().to_string_lossy())
        }));
        files.sort();
        let read = |file: String| std::fs::read_to_string(format!("{root}{file}")).unwrap();
        let corpus = "crates/quality/corpus/answers";
        let mut answers: Vec<_> = std::fs::read_dir(format!("{root}{corpus}"))
            .unwrap()
            .map(|file| format!("{corpus}/{}", file.unwrap().file_name().to_string_lossy()))
            .collect();
        answers.sort();
        files.into_iter().chain(answers).map(read).collect()
    }

    #[test]
    #[cfg(feature = "tokens")]
    fn the_estimate_is_close_to_the_count() {
        let (mut all, mut exact) = (0.0, 0.0);
        for text in texts() {
            let (estimated, counted) = (estimated(&text) as f64, count(&text) as f64);
            let off = estimated / counted - 1.0;
            // A few words may be off by more.
            assert!(off.abs() < 0.25 || counted < 20.0, "{off:+.3} for {text:.60}");
            all += estimated;
            exact += counted;
        }
        let off: f64 = all / exact - 1.0;
        assert!(off.abs() < 0.05, "{off:+.3} of all texts");
    }

    #[test]
    fn every_text_has_an_estimate() {
        assert_eq!(estimated(""), 0);
        assert_eq!(estimated("Stop."), 2);
        assert_eq!(estimated("12345"), 2);
        assert!(estimated("ให้ยาพาราเซตามอล") > 3);
    }
}
