//! The OpenAI chat format, which many providers, servers and programs accept.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat/create> for the body,
//! <https://platform.openai.com/docs/api-reference/batch/request-input> for the line of a batch file.

use std::io::{self, Write};

use clinstruct_schema::{ChatRequest, JsonSchema, Message, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Differences between implementations of the format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    /// `max_completion_tokens`, required by OpenAI's newer models, instead of `max_tokens`.
    pub max_completion_tokens: bool,
    /// Whether `seed` is supported.
    pub seed: bool,
    /// Whether `response_format` with a JSON schema is supported.
    pub structured_output: bool,
    /// The `url` of a batch line.
    pub url: String,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            max_completion_tokens: true,
            seed: true,
            structured_output: true,
            url: "/v1/chat/completions".into(),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    custom_id: RequestId,
    method: &'static str,
    url: &'a str,
    body: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: Bound<'a>,
}

#[derive(Serialize)]
struct Bound<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a RawValue,
}

fn body<'a>(request: &'a ChatRequest, dialect: &Dialect) -> io::Result<Body<'a>> {
    let schema = request.json_schema.as_ref().filter(|_| dialect.structured_output);
    let response_format = match schema {
        None => None,
        Some(schema) => Some(ResponseFormat {
            r#type: "json_schema",
            json_schema: Bound {
                name: &schema.name,
                strict: true,
                schema: serde_json::from_str(&schema.schema)?,
            },
        }),
    };
    let tokens = Some(request.max_tokens);
    Ok(Body {
        model: &request.model,
        messages: &request.messages,
        max_completion_tokens: tokens.filter(|_| dialect.max_completion_tokens),
        max_tokens: tokens.filter(|_| !dialect.max_completion_tokens),
        temperature: request.temperature,
        // Implementations use signed or floating-point numbers: 53 bits survive all of them.
        seed: dialect.seed.then_some(request.seed >> 11),
        response_format,
    })
}

/// The body of a chat request, as JSON.
pub fn chat_body(request: &ChatRequest, dialect: &Dialect) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&body(request, dialect)?)?)
}

/// Writes a line of a batch input file, line end included, and returns its length in bytes.
pub fn write_line(
    to: &mut impl Write,
    id: RequestId,
    request: &ChatRequest,
    dialect: &Dialect,
) -> io::Result<u64> {
    let body = body(request, dialect)?;
    let line = Line { custom_id: id, method: "POST", url: &dialect.url, body };
    let mut counted = Counted { to, bytes: 0 };
    serde_json::to_writer(&mut counted, &line)?;
    counted.write_all(b"\n")?;
    Ok(counted.bytes)
}

#[derive(Deserialize)]
struct ReadLine {
    custom_id: String,
    body: ReadBody,
}

#[derive(Deserialize)]
struct ReadBody {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    max_completion_tokens: Option<u32>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    response_format: Option<ReadFormat>,
}

#[derive(Deserialize)]
struct ReadFormat {
    #[serde(default)]
    json_schema: Option<ReadSchema>,
}

#[derive(Deserialize)]
struct ReadSchema {
    name: String,
    schema: Box<RawValue>,
}

impl From<ReadBody> for ChatRequest {
    fn from(body: ReadBody) -> Self {
        let schema = body.response_format.and_then(|f| f.json_schema);
        Self {
            model: body.model,
            messages: body.messages,
            max_tokens: body.max_completion_tokens.or(body.max_tokens).unwrap_or(u32::MAX),
            temperature: body.temperature,
            seed: body.seed.unwrap_or(0),
            json_schema: schema
                .map(|s| JsonSchema { name: s.name, schema: s.schema.get().to_owned() }),
        }
    }
}

/// Parses a line of a batch input file into its `custom_id` and its request.
///
/// The seed is the 53-bit one of the format, not the one that [`write_line`] was given.
pub fn read_line(line: &[u8]) -> serde_json::Result<(String, ChatRequest)> {
    let line: ReadLine = serde_json::from_slice(line)?;
    Ok((line.custom_id, line.body.into()))
}

struct Counted<'a, W> {
    to: &'a mut W,
    bytes: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Role;

    use super::*;
    use crate::{request_id, wire_size};

    fn request() -> ChatRequest {
        ChatRequest {
            model: "gpt-4o".into(),
            messages: vec![Message { role: Role::User, content: "\"Fièvre\"\n\t\u{1}".into() }],
            max_tokens: 700,
            temperature: Some(0.5),
            seed: 1 << 20,
            json_schema: Some(JsonSchema {
                name: "p".into(),
                schema: "{\"type\":\"object\"}".into(),
            }),
        }
    }

    #[test]
    fn a_line_is_as_documented() {
        let request = request();
        let mut line = Vec::new();
        let bytes = write_line(&mut line, request_id(&request), &request, &Dialect::default());
        assert_eq!(bytes.unwrap(), line.len() as u64);
        let line = String::from_utf8(line).unwrap();
        insta::assert_snapshot!(line.trim_end(), @r#"{"custom_id":"5e18aaf64f80b7b8bb5291db39e1ef05","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o","messages":[{"role":"user","content":"\"Fièvre\"\n\t\u0001"}],"max_completion_tokens":700,"temperature":0.5,"seed":512,"response_format":{"type":"json_schema","json_schema":{"name":"p","strict":true,"schema":{"type":"object"}}}}}"#);
        assert!(wire_size(&request) >= line.len() as u64);
        let (id, read) = read_line(line.as_bytes()).unwrap();
        assert_eq!(id, request_id(&request).to_string());
        assert_eq!(read, ChatRequest { seed: request.seed >> 11, ..request });
    }

    #[test]
    fn a_dialect_leaves_out_what_is_not_understood() {
        let dialect = Dialect {
            max_completion_tokens: false,
            seed: false,
            structured_output: false,
            ..Dialect::default()
        };
        let body = chat_body(&request(), &dialect).unwrap();
        insta::assert_snapshot!(String::from_utf8(body).unwrap(), @r#"{"model":"gpt-4o","messages":[{"role":"user","content":"\"Fièvre\"\n\t\u0001"}],"max_tokens":700,"temperature":0.5}"#);
    }
}
