//! Rows in the format of a batch output file.

use std::borrow::Cow;

use clinstruct_schema::RequestId;
use serde_json::json;

/// The row of a reply with its body: JSON as JSON with line ends replaced by spaces, anything else as a string.
pub(crate) fn row(id: RequestId, status: u16, body: &[u8]) -> Vec<u8> {
    let is_json = looks_like_json(body);
    let body = if is_json {
        // Outside of strings a line end is white space; inside, the body would not be valid JSON.
        let is_end = |b: &u8| matches!(b, b'\n' | b'\r');
        if body.iter().any(is_end) {
            Cow::Owned(body.iter().map(|b| if is_end(b) { b' ' } else { *b }).collect())
        } else {
            Cow::Borrowed(body)
        }
    } else {
        let text = String::from_utf8_lossy(body);
        Cow::Owned(serde_json::to_vec(&text).unwrap_or_else(|_| b"null".to_vec()))
    };
    let mut row =
        format!("{{\"custom_id\":\"{id}\",\"response\":{{\"status_code\":{status},\"body\":")
            .into_bytes();
    row.extend_from_slice(&body);
    row.extend_from_slice(b"},\"error\":null}");
    row
}

/// Whether a body is an object, even with broken bytes: the reader of rows handles those.
fn looks_like_json(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => true,
        Err(_) => {
            body.starts_with(b"{")
                && serde_json::from_str::<serde::de::IgnoredAny>(&String::from_utf8_lossy(body))
                    .is_ok()
        }
    }
}

/// The row of a request without a usable reply.
pub(crate) fn failure(id: RequestId, code: &str, message: &str) -> Vec<u8> {
    let error = json!({ "code": code, "message": message });
    json!({ "custom_id": id, "response": null, "error": error }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use clinstruct_parser::decode;
    use clinstruct_schema::{RowFormat, RowOutcome};

    use super::*;

    #[test]
    fn a_row_is_one_line_and_keeps_its_id_whatever_came() {
        let id = RequestId([7; 16]);
        let bodies: [&[u8]; 7] = [
            b"{\n  \"choices\": [{\"message\": {\"content\": \"a\\nb\"}, \"finish_reason\": \"stop\"}]\r\n}",
            b"<html>\n<h1>Hello</h1></html>",
            b"",
            b"{\"choices\": [{\"message\": {\"content\": \"\xe2\x82\"}}]}",
            b"\xff\xfe",
            b"null",
            b"{\"choices\": [",
        ];
        for body in bodies {
            let row = row(id, 200, body);
            assert!(!row.contains(&b'\n'), "{}", String::from_utf8_lossy(&row));
            assert_eq!(decode(RowFormat::OpenaiBatch, &row).id, Some(id));
        }
        let RowOutcome::Answer(answer) =
            decode(RowFormat::OpenaiBatch, &row(id, 200, bodies[0])).outcome
        else {
            panic!("the first is an answer");
        };
        assert_eq!(answer.text, "a\nb");
    }
}
