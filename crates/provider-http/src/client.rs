//! A client of one provider.

use std::time::Duration;

use clinstruct_batch_client::{Error, ErrorKind, Result, Secret};
use clinstruct_parser::{ProviderError, error_in_success, is_own_code, provider_error};
use clinstruct_schema::Fault;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::address::{is_loopback_host, without_secrets};

/// Connection timeout.
const CONNECT: Duration = Duration::from_secs(20);
/// Longest silence within a response.
const SILENCE: Duration = Duration::from_mins(5);
/// Chunk size for reading and sending a file, in bytes.
const PIECE: usize = 256 * 1024;
/// Most characters of a provider's message in an error.
const MESSAGE: usize = 400;

/// A request body that is streamed from a file.
pub fn file_body(file: std::fs::File) -> reqwest::Body {
    let file = tokio::fs::File::from_std(file);
    reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(file, PIECE))
}

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `api-key: KEY`, for Azure.
    ApiKey,
    /// `x-api-key: KEY`, for Anthropic.
    XApiKey,
}

/// A client of one provider: its address and its key.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// The parsed base URL.
    url: reqwest::Url,
    key: Option<Secret>,
}

impl Client {
    /// A client of the provider at `base`, such as `https://api.openai.com/v1`.
    ///
    /// Without a key, no such header is sent. `extra` are further headers.
    pub fn new(
        base: &str,
        key: Option<Secret>,
        auth: Auth,
        extra: &[(&str, &str)],
    ) -> Result<Self> {
        Self::with_timeout(base, key, auth, extra, None)
    }

    /// Like [`new`](Self::new), with another limit on silence within a response.
    pub fn with_timeout(
        base: &str,
        key: Option<Secret>,
        auth: Auth,
        extra: &[(&str, &str)],
        timeout: Option<Duration>,
    ) -> Result<Self> {
        let bad = |what: String| Error::new(ErrorKind::Refused, "make a client", what);
        let parsed = reqwest::Url::parse(base)
            .map_err(|e| bad(format!("the base URL {base} is invalid: {e}")))?;
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
                .map_err(|_| bad("the key has characters that are invalid in a header".into()))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        for (name, text) in extra {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| bad(format!("{name} is not a header")))?;
            let value = HeaderValue::from_str(text)
                .map_err(|_| bad(format!("the header {name} has the invalid value {text}")))?;
            headers.insert(name, value);
        }
        // The first client installs it for the process; later ones find it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder();
        if is_loopback_host(&parsed) {
            // A proxy has its own loopback: it would reach another machine.
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

    /// The provider's base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address with a fingerprint of the key: changes with either, and does not reveal the key.
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

    /// Sends a request; an unsuccessful response becomes an error.
    pub async fn send(&self, what: &'static str, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|e| self.broken(what, e))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.unwrap_or_default();
        Err(self.refusal(what, status, &headers, &body))
    }

    /// Sends a request and parses its response as JSON; `read` extracts what is needed, and returns `None` if it is
    /// missing.
    ///
    /// A body that reports an error is that error, whatever its status.
    pub async fn object<T>(
        &self,
        what: &'static str,
        request: RequestBuilder,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T> {
        let response = self.send(what, request).await?;
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|e| self.broken(what, e))?;
        if let Some(value) = serde_json::from_slice::<Value>(&body).ok().as_ref().and_then(read) {
            return Ok(value);
        }
        if let Some(problem) = error_in_success(&body) {
            let mut error = self.error(what, &problem, &headers);
            // Without a status that marks it as temporary, it may be permanent.
            if error.kind == ErrorKind::Server && problem.status.is_none() {
                error.kind = ErrorKind::Protocol;
            }
            return Err(error);
        }
        let seen = self.shown(&String::from_utf8_lossy(&body));
        let seen = if seen.is_empty() { "nothing".to_owned() } else { seen };
        Err(Error::new(ErrorKind::Protocol, what, format!("undocumented response: {seen}")))
    }

    /// Sends a request and deserializes its JSON response.
    pub async fn json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<T> {
        self.object(what, request, |value| T::deserialize(value).ok()).await
    }

    /// A connection error. If the connection was never made, nothing was done.
    pub fn broken(&self, what: &'static str, e: reqwest::Error) -> Error {
        let e = e.without_url();
        let base = without_secrets(&self.base);
        let unreached = e.is_connect() || e.is_builder();
        let message = if e.is_timeout() && !unreached {
            format!("{base} did not answer in time")
        } else {
            format!("{base} does not answer")
        };
        let mut error = Error::new(ErrorKind::Unavailable, what, message).caused_by(e);
        error.may_have_acted = !unreached;
        error
    }

    /// The error for a response with this status and body.
    pub fn refusal(
        &self,
        what: &'static str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Error {
        self.error(what, &provider_error(Some(status.as_u16()), body), headers)
    }

    /// A provider's error, in its own words and without the key.
    pub fn error(&self, what: &'static str, problem: &ProviderError, headers: &HeaderMap) -> Error {
        let kind = match (problem.fault, problem.status) {
            // The service is starting or temporarily down.
            (Fault::Busy, Some(503)) => ErrorKind::Unavailable,
            (fault, _) => fault.into(),
        };
        let status = problem.status.map(|s| s.to_string());
        let code =
            Some(problem.code.as_str()).filter(|c| is_own_code(c) && Some(*c) != status.as_deref());
        let marks: Vec<&str> = [status.as_deref(), code].into_iter().flatten().collect();
        let words = self.shown(&problem.message);
        let text = if marks.is_empty() { words } else { format!("{}: {words}", marks.join(", ")) };
        let mut error = Error::new(kind, what, text);
        error.retry_after = retry_after(headers).or_else(|| seconds(problem.retry_after_s?));
        error
    }

    /// A provider's text for display: shortened, and without the key.
    pub fn shown(&self, text: &str) -> String {
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

/// Longest wait that a provider may ask for.
const LONGEST_WAIT: f64 = 86_400.0;

fn seconds(seconds: f64) -> Option<Duration> {
    (0.0..=LONGEST_WAIT).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

/// How long a provider asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
///
/// A date is compared with the `Date` of the same response: this machine's clock may be wrong. Source:
/// <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    if let Some(wait) = number("retry-after-ms").and_then(|ms| seconds(ms / 1000.0)) {
        return Some(wait);
    }
    if let Some(wait) = number("retry-after") {
        return seconds(wait);
    }
    let until = httpdate::parse_http_date(text("retry-after")?).ok()?;
    let now = httpdate::parse_http_date(text("date")?).ok()?;
    let wait = until.duration_since(now).unwrap_or_default();
    seconds(wait.as_secs_f64())
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
            client.shown("Incorrect key sk-abcdef0123456789 or sk-abc***6789")
        );
        assert!(!shown.contains("abcdef"), "{shown}");
        assert!(!shown.contains("6789"), "{shown}");
        let other = Client::new("http://127.0.0.1:9", Some(Secret::new("sk-b")), Auth::Bearer, &[]);
        assert_ne!(other.unwrap().account(), client.account());
    }

    #[test]
    fn a_pause_is_read_however_it_is_written() {
        let asked = |pairs: &[(&'static str, &str)]| {
            let headers = pairs
                .iter()
                .map(|(name, text)| (HeaderName::from_static(name), text.parse().unwrap()))
                .collect();
            retry_after(&headers).map(|wait| wait.as_millis())
        };
        assert_eq!(asked(&[("retry-after", "20")]), Some(20_000));
        assert_eq!(asked(&[("retry-after", " 0.5 ")]), Some(500));
        assert_eq!(asked(&[("retry-after", "9"), ("retry-after-ms", "250")]), Some(250));
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        let later = ("retry-after", "Wed, 21 Oct 2026 07:30:00 GMT");
        assert_eq!(asked(&[later, date]), Some(120_000));
        assert_eq!(asked(&[later]), None);
        assert_eq!(asked(&[("retry-after", "-1")]), None);
        assert_eq!(asked(&[("retry-after", "soon")]), None);
    }

    #[test]
    fn an_error_says_who_is_at_fault_and_whether_anything_was_made() {
        let client = Client::new("http://127.0.0.1:9", None, Auth::Bearer, &[]).unwrap();
        let read = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let e = client.refusal("ask", status, &HeaderMap::new(), body.as_bytes());
            (e.kind, e.may_have_acted)
        };
        assert_eq!(
            read(529, r#"{"type":"error","error":{"type":"overloaded_error"}}"#),
            (ErrorKind::RateLimited, false)
        );
        assert_eq!(read(503, "Loading model"), (ErrorKind::Unavailable, true));
        assert_eq!(read(502, "<html><h1>502 Bad Gateway</h1></html>"), (ErrorKind::Server, true));
        assert_eq!(read(401, ""), (ErrorKind::Unauthorised, false));
        assert_eq!(read(400, r#"{"error":"no"}"#), (ErrorKind::Refused, false));
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
        // The query of a gateway's address is kept.
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
