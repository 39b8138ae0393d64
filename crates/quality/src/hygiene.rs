//! What no text may have, whoever wrote it.

use unicode_normalization::is_nfc;

use crate::Violation;

/// A role tag at the start of a line.
pub const ROLE_TAG: &str = "role_tag";
/// Three or more number signs at the start of a line.
pub const HASH_HEADING: &str = "hash_heading";
/// One pair of quotation marks around the whole text.
pub const WRAPPING_QUOTES: &str = "wrapping_quotes";
/// A control character or U+FFFD.
pub const CONTROL: &str = "control_character";
/// Text that is not in Unicode normalisation form C.
pub const NOT_NFC: &str = "not_nfc";

const TAGS: [&str; 14] = [
    "(user)",
    "(chatbot)",
    "(assistant)",
    "user:",
    "assistant:",
    "chatbot:",
    "human:",
    "ai:",
    "system:",
    "<|user|>",
    "<|assistant|>",
    "<|im_start|>",
    "[user]",
    "[assistant]",
];

const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('«', '»'), ('„', '“'), ('「', '」')];

pub(crate) fn check(text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut at = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let start = whole.trim_start();
        let from = at + (whole.len() - start.len());
        at += whole.len();
        let lower: String = start.chars().take(16).flat_map(char::to_lowercase).collect();
        if let Some(tag) = TAGS.iter().find(|t| lower.starts_with(**t)) {
            let detail = format!("line {} starts with {tag}", number + 1);
            let span = Some(from..from + tag.len().min(start.len()));
            found.push(Violation { check: ROLE_TAG, detail, span });
        }
        if start.starts_with("###") {
            let detail = format!("line {} starts with ###", number + 1);
            found.push(Violation { check: HASH_HEADING, detail, span: Some(from..from + 3) });
        }
    }
    let trimmed = text.trim();
    for (open, close) in QUOTES {
        let inner = trimmed.strip_prefix(open).and_then(|t| t.strip_suffix(close));
        if inner.is_some_and(|t| !t.contains(open) && !t.contains(close)) {
            let detail = format!("{open}…{close} around the text");
            found.push(Violation { check: WRAPPING_QUOTES, detail, span: None });
        }
    }
    let control =
        |c: &char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || *c == '\u{fffd}';
    if let Some((at, c)) = text.char_indices().find(|(_, c)| control(c)) {
        let detail = format!("U+{:04X}", u32::from(c));
        found.push(Violation { check: CONTROL, detail, span: Some(at..at + c.len_utf8()) });
    }
    if !is_nfc(text) {
        let detail = "text is not in form C".into();
        found.push(Violation { check: NOT_NFC, detail, span: None });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        check(text).into_iter().map(|v| v.check).collect()
    }

    #[test]
    fn finds_what_it_names_and_nothing_else() {
        assert_eq!(
            names("Give fluids.\n- one\n- two\n\n## Next\nC:\\temp and \\frac{1}{2}"),
            [""; 0]
        );
        assert_eq!(names("User: give fluids."), [ROLE_TAG]);
        assert_eq!(names("Fluids.\n(chatbot) more"), [ROLE_TAG]);
        assert_eq!(names("### Plan\nGive fluids."), [HASH_HEADING]);
        assert_eq!(names("\"Give fluids.\""), [WRAPPING_QUOTES]);
        assert_eq!(names("\"Give\" and \"take\""), [""; 0]);
        assert_eq!(names("«Donnez des liquides.»"), [WRAPPING_QUOTES]);
        assert_eq!(names("Give\u{7} fluids\u{fffd}."), [CONTROL]);
        assert_eq!(names("cafe\u{301}"), [NOT_NFC]);
        assert_eq!(names("The user: a nurse of the ward."), [""; 0]);
    }
}
