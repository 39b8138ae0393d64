//! Kind of an object by its keys: a row, a message, or a wrapper of rows.

use crate::columns::{CONTENTS, MESSAGES, QUESTIONS, SPEAKERS};
use crate::scan::{fields, first_entry};

/// Whether an object with these fields is a row; others may have rows below a key.
pub(crate) fn is_row(fields: &[(String, &[u8])], wanted: Option<&str>) -> bool {
    fields.iter().any(|(key, value)| {
        let among = |names: &[&str]| names.iter().any(|n| key.trim().eq_ignore_ascii_case(n));
        if wanted == Some(key) {
            return true;
        }
        match value.first() {
            Some(b'"') => {
                among(&QUESTIONS) || among(&MESSAGES) || among(&crate::COLUMNS) || key == "chosen"
            }
            Some(b'[') if among(&MESSAGES) || among(&QUESTIONS) || key == "chosen" => {
                let first = first_entry(value);
                let inner = self::fields(&first);
                // Other rows can be below `conversations` too.
                first.first() != Some(&b'{') || !is_row_of_messages(&inner)
            }
            Some(b'{') => {
                among(&MESSAGES)
                    && self::fields(value).iter().any(|(k, _)| SPEAKERS.contains(&k.as_str()))
            }
            _ => false,
        }
    })
}

fn is_row_of_messages(fields: &[(String, &[u8])]) -> bool {
    let keys: Vec<String> = fields.iter().map(|(k, _)| k.clone()).collect();
    !is_message(&keys) && fields.iter().any(|(k, _)| MESSAGES.contains(&k.as_str()) || k == "id")
}

/// Whether an object with these keys is a message.
pub(crate) fn is_message(keys: &[String]) -> bool {
    let has = |names: &[&str]| keys.iter().any(|k| names.contains(&k.as_str()));
    has(&SPEAKERS) && (has(&CONTENTS) || has(&["tool_calls"]))
}
