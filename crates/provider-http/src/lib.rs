//! What the backends that speak HTTP share: a client with its key, errors that say what to do, rows as
//! lines of a stream.
//!
//! A key is a [`Secret`]: it is in a header and nowhere else. Whatever a provider answers is searched for
//! it before it becomes part of an error.

mod address;
mod lines;
mod secret;

use std::time::Duration;

pub use address::{is_loopback, without_secrets};
use clinstruct_batch_client::{Error, ErrorKind, Result};
pub use lines::{cut, lines};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
pub use secret::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// Longest silence within a response.
const SILENCE: Duration = Duration::from_mins(5);
/// Bytes of a file that are read and sent at once.
const PIECE: usize = 256 * 1024;
/// Most characters of a provider's message that an error repeats.
const MESSAGE: usize = 400;

/// A request's body that is read from a file while it is sent.
pub fn file_body(file: std::fs::File) -> reqwest::Body {
    let file = tokio::fs::File::from_std(file);
    reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(file, PIECE))
}

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `api-key: KEY`, as Azure wants it.
    ApiKey,
    /// `x-api-key: KEY`, as Anthropic wants it.
    XApiKey,
}

/// A client of one provider: its address and its key.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// The base, parsed once.
    url: reqwest::Url,
    key: Option<Secret>,
}

impl Client {
    /// A client of the provider at `base`, such as `https://api.openai.com/v1`.
    ///
    /// Without a key nothing is sent for it. `extra` are further headers.
    pub fn new(
        base: &str,
        key: Option<Secret>,
        auth: Auth,
        extra: &[(&str, &str)],
    ) -> Result<Self> {
        Self::with_timeout(base, key, auth, extra, None)
    }

    /// A client as [`new`](Self::new) makes it, with another longest silence within a response.
    pub fn with_timeout(
        base: &str,
        key: Option<Secret>,
        auth: Auth,
        extra: &[(&str, &str)],
        timeout: Option<Duration>,
    ) -> Result<Self> {
        let bad = |what: String| Error::new(ErrorKind::Refused, "make a client", what);
        let parsed = reqwest::Url::parse(base)
            .map_err(|e| bad(format!("the base URL {base} is none: {e}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad(format!("the base URL {base} is neither http nor https")));
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = &key {
            let (name, text) = match auth {
                Auth::Bearer => ("authorization", format!("Bearer {}", key.expose())),
                Auth::ApiKey => ("api-key", key.expose().to_owned()),
                Auth::XApiKey => ("x-api-key", key.expose().to_owned()),
            };
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| bad("the key has characters that no header can carry".into()))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        for (name, text) in extra {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| bad(format!("{name} is no header")))?;
            let value = HeaderValue::from_str(text)
                .map_err(|_| bad(format!("the header {name} cannot be {text}")))?;
            headers.insert(name, value);
        }
        // The first client sets it for the process; the others find it set.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder();
        if address::is_loopback_host(&parsed) {
            // A proxy has a loopback of its own: it would ask another machine.
            http = http.no_proxy();
        }
        let http = http
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .read_timeout(timeout.unwrap_or(SILENCE))
            .user_agent(concat!("clinstruct/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| bad(e.to_string()).caused_by(e))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), url: parsed, key })
    }

    /// The provider's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address with a mark of the key: changes when either does, and does not tell the key.
    pub fn account(&self) -> String {
        let key = self.key.as_ref().map_or_else(|| "no key".to_owned(), Secret::fingerprint);
        format!("{} with {key}", without_secrets(&self.base))
    }

    /// A request to a path below the address.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        if query.is_some() {
            url.set_query(query);
        }
        self.http.request(method, url)
    }

    /// Sends a request; an answer that is no success becomes an error.
    pub async fn send(&self, what: &'static str, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|e| self.broken(what, e))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(what, response).await)
    }

    /// Sends a request and reads its answer as JSON.
    pub async fn json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<T> {
        let response = self.send(what, request).await?;
        let body = response.bytes().await.map_err(|e| self.broken(what, e))?;
        serde_json::from_slice(&body).map_err(|e| {
            let seen = self.told(&String::from_utf8_lossy(&body));
            Error::new(ErrorKind::Protocol, what, format!("{e} in the answer: {seen}")).caused_by(e)
        })
    }

    /// An error of the connection.
    pub fn broken(&self, what: &'static str, e: reqwest::Error) -> Error {
        let e = e.without_url();
        Error::new(
            ErrorKind::Unavailable,
            what,
            format!("{} does not answer", without_secrets(&self.base)),
        )
        .caused_by(e)
    }

    async fn refusal(&self, what: &'static str, response: Response) -> Error {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = response.text().await.unwrap_or_default();
        let parsed: Problem = serde_json::from_str(&body).unwrap_or_default();
        let problem = parsed.error.unwrap_or_default();
        let code = problem.code();
        let message = problem.message.clone().unwrap_or(body);
        let text = format!("{}, {}: {}", status.as_u16(), code, self.told(&message));
        let mut error = Error::new(kind(status, &code), what, text);
        error.retry_after = retry_after;
        error
    }

    /// A provider's text as it may be shown: short, and without the key.
    pub fn told(&self, text: &str) -> String {
        let text = match &self.key {
            Some(key) => key.removed_from(text),
            None => text.to_owned(),
        };
        let mut short: String = text.trim().chars().take(MESSAGE).collect();
        if short.len() < text.trim().len() {
            short.push('…');
        }
        short
    }
}

/// `Retry-After` in seconds. A date is not read: clocks differ.
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..86_400.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

/// The error frame that OpenAI, Anthropic and those who copied them answer with.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    error: Option<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    code: Option<serde_json::Value>,
    r#type: Option<String>,
    message: Option<String>,
}

impl Detail {
    fn code(&self) -> String {
        match (&self.code, &self.r#type) {
            (Some(serde_json::Value::String(code)), _) => code.clone(),
            (_, Some(kind)) => kind.clone(),
            _ => "no code".into(),
        }
    }
}

/// The code in a provider's error, or its type.
pub fn code_of(body: &str) -> String {
    let parsed: Problem = serde_json::from_str(body).unwrap_or_default();
    parsed.error.unwrap_or_default().code()
}

/// What kind of trouble a status and code mean.
/// Sources: <https://platform.openai.com/docs/guides/error-codes>, <https://docs.anthropic.com/en/api/errors>.
pub fn kind(status: StatusCode, code: &str) -> ErrorKind {
    match code {
        "insufficient_quota" | "billing_error" | "billing_hard_limit_reached" => {
            return ErrorKind::QuotaExhausted;
        }
        "model_not_found" => return ErrorKind::UnknownModel,
        "token_limit_exceeded" => return ErrorKind::RateLimited,
        _ => {}
    }
    match status.as_u16() {
        401 | 403 => ErrorKind::Unauthorised,
        402 => ErrorKind::QuotaExhausted,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        408 | 409 | 425 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_no_text() {
        let key = Secret::new("sk-abcdef0123456789");
        let client =
            Client::new("http://127.0.0.1:9", Some(key.clone()), Auth::Bearer, &[]).unwrap();
        let shown = format!(
            "{client:?} {key:?} {} {}",
            client.account(),
            client.told("Incorrect key sk-abcdef0123456789 or sk-abc***6789")
        );
        assert!(!shown.contains("abcdef"), "{shown}");
        assert!(!shown.contains("6789"), "{shown}");
        let other = Client::new("http://127.0.0.1:9", Some(Secret::new("sk-b")), Auth::Bearer, &[]);
        assert_ne!(other.unwrap().account(), client.account());
    }

    #[test]
    fn paths_go_below_the_base() {
        let asked = |base: &str, path: &str| {
            let client = Client::new(base, None, Auth::Bearer, &[]).unwrap();
            client.request(Method::GET, path).build().unwrap().url().to_string()
        };
        let (base, batches) = ("http://127.0.0.1:9/v1", "/batches?limit=3&after=b%2F1");
        assert_eq!(asked(base, batches), "http://127.0.0.1:9/v1/batches?limit=3&after=b%2F1");
        assert_eq!(asked("http://127.0.0.1:9/", "/files"), "http://127.0.0.1:9/files");
        // What a gateway's address asks for stays.
        let gateway = "http://127.0.0.1:9/v1?key=a";
        assert_eq!(asked(gateway, "/files"), "http://127.0.0.1:9/v1/files?key=a");
    }

    #[test]
    fn a_base_url_that_is_none_is_refused() {
        for base in ["", "api.openai.com", "ftp://x/", "file:///etc"] {
            assert!(Client::new(base, None, Auth::Bearer, &[]).is_err(), "{base}");
        }
    }
}
