//! Requests as the JSON whose hash is their address.

use std::io::Write as _;

use clinstruct_schema::{ChatRequest, Json as _, Role};

/// Bytes of a request besides its texts.
const FRAME: usize = 256;
/// Bytes of a message besides its content.
const AROUND: usize = 40;

/// A request as JSON, byte for byte as [`clinstruct_schema::Json`] writes it.
///
/// Texts are nearly all of a request. They are copied here up to the next letter that JSON escapes, where serde looks at
/// each letter; numbers and schemas, of which there are few, are written by serde.
pub(crate) fn canonical(request: &ChatRequest) -> Vec<u8> {
    let texts: usize = request.messages.iter().map(|m| m.content.len() + AROUND).sum();
    let mut json = Vec::with_capacity(FRAME + texts + texts / 16);
    json.extend_from_slice(b"{\"model\":");
    string(&request.model, &mut json);
    json.extend_from_slice(b",\"messages\":[");
    for (at, message) in request.messages.iter().enumerate() {
        let role: &[u8] = match message.role {
            Role::System => b"{\"role\":\"system\",\"content\":",
            Role::User => b"{\"role\":\"user\",\"content\":",
            Role::Assistant => b"{\"role\":\"assistant\",\"content\":",
        };
        if at > 0 {
            json.push(b',');
        }
        json.extend_from_slice(role);
        string(&message.content, &mut json);
        json.push(b'}');
    }
    // The rest of the same request without its texts.
    let rest =
        ChatRequest { model: String::new(), messages: Vec::new(), json_schema: None, ..*request };
    let mut short = Vec::new();
    // It consists of numbers; writing it to memory cannot fail.
    let _ = rest.append_json(&mut short);
    json.extend_from_slice(
        short.strip_prefix(b"{\"model\":\"\",\"messages\":[").unwrap_or_default(),
    );
    if let Some(schema) = &request.json_schema {
        json.pop();
        json.extend_from_slice(b",\"json_schema\":{\"name\":");
        string(&schema.name, &mut json);
        json.extend_from_slice(b",\"schema\":");
        string(&schema.schema, &mut json);
        json.extend_from_slice(b"}}");
    }
    json
}

/// A text between quotation marks.
fn string(text: &str, json: &mut Vec<u8>) {
    json.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')) {
        let (plain, escaped) = rest.split_at(at);
        json.extend_from_slice(plain);
        let byte = escaped.first().copied().unwrap_or_default();
        let short = match byte {
            b'"' | b'\\' => Some(byte),
            b'\n' => Some(b'n'),
            b'\r' => Some(b'r'),
            b'\t' => Some(b't'),
            0x08 => Some(b'b'),
            0x0c => Some(b'f'),
            _ => None,
        };
        match short {
            Some(letter) => json.extend_from_slice(&[b'\\', letter]),
            None => {
                let _ = write!(json, "\\u{byte:04x}");
            }
        }
        rest = escaped.get(1..).unwrap_or_default();
    }
    json.extend_from_slice(rest);
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{JsonSchema, Message};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_serde_writes(
            model in "\\PC{0,12}",
            texts in prop::collection::vec("[\\x00-\\x7f\u{e9}\u{915}\u{1f600}\\PC]{0,40}", 0..5),
            temperature in prop::option::of(0.0_f32..2.0),
            (max_tokens, seed) in (any::<u32>(), any::<u64>()),
            schema in prop::option::of("[\\x00-\\x7f]{0,40}"),
        ) {
            let roles = [Role::System, Role::User, Role::Assistant].into_iter().cycle();
            let message = |(role, content)| Message { role, content };
            let request = ChatRequest {
                model,
                messages: roles.zip(texts).map(message).collect(),
                max_tokens,
                temperature,
                seed,
                json_schema: schema.map(|schema| JsonSchema { name: "a\"b".into(), schema }),
            };
            prop_assert_eq!(String::from_utf8(canonical(&request)).unwrap(), request.to_json().unwrap());
        }
    }
}
