//! Text that is not in Unicode normalisation form C.

use unicode_normalization::is_nfc;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "not_nfc",
    former_ids: &[],
    repair_name: None,
    summary: "Text that is not in Unicode normalisation form C.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["caf\u{e9}"],
    bad: &["cafe\u{301}"],
};

/// Whether all characters are such as form C changes in no place: those before U+0300, and quotation marks and dashes.
fn is_plain(text: &str) -> bool {
    if text.is_ascii() {
        return true;
    }
    let bytes = text.as_bytes();
    (0..bytes.len()).all(|at| match bytes[at] {
        0..0xcc => true,
        // U+2010 to U+203F.
        0xe2 => bytes.get(at + 1..at + 3).is_some_and(|rest| rest[0] == 0x80 && rest[1] >= 0x90),
        _ => false,
    })
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let wrong = !is_plain(turn.text) && !is_nfc(turn.text);
    wrong.then(|| Finding::new("text is not in form C")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_in_form_c_beside_anything_plain() {
        let plain: Vec<String> = (0..0x11_0000_u32)
            .filter_map(char::from_u32)
            .map(String::from)
            .filter(|text| is_plain(text))
            .collect();
        assert_eq!(plain.len(), 0x300 + 0x30);
        for one in &plain {
            for other in &plain {
                assert!(is_nfc(&format!("{one}{other}")), "{one}{other}");
            }
        }
    }
}
