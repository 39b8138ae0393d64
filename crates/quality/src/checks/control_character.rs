//! A control character or U+FFFD.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "control_character",
    former_ids: &[],
    repair_name: None,
    summary: "A control character or U+FFFD.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["One line.\n", "A\tcolumn."],
    bad: &["Give\u{7} fluids.", "Give fluids\u{fffd}."],
};

/// Where a control character or U+FFFD begins.
fn control(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| match bytes[*at] {
        b'\n' | b'\r' | b'\t' => false,
        0..0x20 | 0x7f => true,
        // U+0080 to U+009F.
        0xc2 => bytes.get(at + 1).is_some_and(|next| *next < 0xa0),
        0xef => bytes[*at..].starts_with("\u{fffd}".as_bytes()),
        _ => false,
    })
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let found = control(turn.text.as_bytes());
    let found = found.and_then(|at| Some((at, turn.text.get(at..)?.chars().next()?)));
    found
        .map(|(at, c)| Finding::at(at..at + c.len_utf8(), format!("U+{:04X}", u32::from(c))))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_what_characters_do() {
        for c in (0..0x11_0000_u32).filter_map(char::from_u32) {
            let is = c.is_control() && !matches!(c, '\n' | '\r' | '\t') || c == '\u{fffd}';
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            assert_eq!(control(bytes).is_some(), is, "{c:?}");
        }
    }
}
