use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use crate::config::{Asked, Counts, Faults, ProviderConfig};
use crate::oddity::{Armed, Oddity, Place, RUN_BATCH, Reply};
use crate::state::{Api, Server};
use crate::{anthropic, fault, openai, wire};

/// A provider on its own port and threads, until it is dropped.
pub struct Provider {
    server: Arc<Server>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Provider {
    /// Starts one on a free loopback port.
    #[expect(clippy::unused_async, reason = "binding is instant here; callers need not know")]
    pub async fn start(config: ProviderConfig) -> io::Result<Self> {
        let server = Arc::new(Server::new(config)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // Its own runtime: it answers even while a test blocks, and closes all connections when dropped.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("provider")
            .enable_all()
            .build()?;
        let app = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::disable())
            .with_state((Arc::clone(&server), format!("http://{address}")));
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(Self { server, address, runtime: Some(runtime) })
    }

    /// Its address, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Statistics so far.
    pub fn counts(&self) -> Counts {
        let state = self.server.state();
        let kept = state.files.values().filter(|f| f.purpose == "batch").count() as u64;
        Counts { uploads_kept: kept, ..state.counts }
    }

    /// While it is down, every call gets 503.
    pub fn set_down(&self, down: bool) {
        self.server.down.store(down, Ordering::SeqCst);
    }

    /// Changes the fault rates of future calls and jobs.
    pub fn set_faults(&self, faults: Faults) {
        self.server.state().faults = faults;
    }

    /// Sets the current oddities; none if empty.
    pub fn set_oddities(&self, oddities: Vec<Oddity>) {
        self.server.state().oddities = oddities.into_iter().map(Armed::new).collect();
    }

    /// How often each of the oddities occurred since they were set.
    pub fn oddity_hits(&self) -> Vec<u64> {
        self.server.state().oddities.iter().map(|armed| armed.hits).collect()
    }

    /// Statistics of each list of messages, by hash.
    pub fn contents(&self) -> BTreeMap<String, Asked> {
        self.server.state().contents.clone()
    }

    /// How often each request was billed, by `custom_id`; for a chat, the header `x-clinstruct-id`, or the hash of its
    /// body.
    pub fn requests_seen(&self) -> HashMap<String, u32> {
        self.server.state().billed.clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The requested page of a listing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    pub(crate) after: Option<String>,
    #[serde(default)]
    pub(crate) after_id: Option<String>,
}

impl Page {
    pub(crate) fn size(&self, most: usize) -> usize {
        self.limit.unwrap_or(20).clamp(1, most.max(1))
    }
}

/// The id under which a chat is counted.
pub(crate) fn chat_id(id: Option<&str>, body: &str) -> String {
    id.map_or_else(|| wire::request_id(body).to_string(), str::to_owned)
}

/// Closes the connection: unwinding ends the task that serves it, without a panic message.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("the connection is dropped"))
}

/// The path without its prefix: from the first segment that an API starts with.
fn segments(path: &str) -> Vec<&str> {
    let all: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let roots = ["files", "batches", "chat", "models", "messages"];
    match all.iter().position(|s| roots.contains(s)) {
        Some(at) => all[at..].to_vec(),
        None => Vec::new(),
    }
}

/// The subject of a call, and the id of the batch or file. Chats are inspected once they are read.
fn place_of(method: &Method, segments: &[&str]) -> Option<(Place, String)> {
    let get = method == Method::GET;
    let post = method == Method::POST;
    let (place, thing) = match segments {
        ["files"] if post => (Place::Upload, ""),
        ["files", id] if get => (Place::FileObject, *id),
        ["files", id, "content"] if get => (Place::FileContent, *id),
        ["batches"] | ["messages", "batches"] if post => (Place::Create, ""),
        ["batches"] | ["messages", "batches"] if get => (Place::List, ""),
        ["batches", id] | ["messages", "batches", id] if get => (Place::Batch, *id),
        ["messages", "batches", id, "results"] if get => (Place::Results, *id),
        ["chat", "completions"] | ["messages"] if post => (Place::ChatBody, ""),
        _ => return None,
    };
    Some((place, thing.to_owned()))
}

async fn handle(State((server, url)): State<(Arc<Server>, String)>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path == RUN_BATCH {
        return match axum::body::to_bytes(request.into_body(), usize::MAX).await {
            Ok(body) => openai::run_batch(&server, &body),
            Err(_) => hang_up(),
        };
    }
    let segments = segments(&path);
    let root = segments.first().copied().unwrap_or_default();
    let api = if root == "messages" { Api::Anthropic } else { Api::OpenAi };
    let what = format!("{} {root} {}", request.method(), segments.len());
    let (faults, count) = {
        let mut state = server.state();
        (state.faults, state.called(&what))
    };
    let hit = |fault, rate| server.hit(fault, rate, &what, count);
    let refusal = |status, kind: &str, message: &str| match api {
        Api::OpenAi => openai::error(status, kind, None, message),
        Api::Anthropic => anthropic::error(status, kind, message),
    };
    if hit("dropped", faults.dropped) {
        hang_up();
    }
    let headers = request.headers();
    let refused = if server.is_down() {
        let kind = if api == Api::OpenAi { "server_error" } else { "overloaded_error" };
        Some(refusal(503, kind, "The service is down."))
    } else if let Some(refused) = check_headers(&server, api, headers) {
        Some(refused)
    } else if hit("status_429", faults.status_429) {
        let kind = if api == Api::OpenAi { "rate_limit_exceeded" } else { "rate_limit_error" };
        let mut response = refusal(429, kind, "Rate limit reached.");
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("0"));
        Some(response)
    } else if hit("status_500", faults.status_500) {
        let kind = if api == Api::OpenAi { "server_error" } else { "api_error" };
        Some(refusal(500, kind, "The server had an error while processing your request."))
    } else if let Some((place, thing)) = place_of(request.method(), &segments) {
        fault::of_call(&server, place, &thing, api).map(Reply::into_response)
    } else {
        None
    };
    if let Some(refused) = refused {
        // A client that is still sending would see a broken connection instead of the refusal.
        let mut body = request.into_body().into_data_stream();
        while let Some(Ok(_)) = body.next().await {}
        return refused;
    }
    let lost = hit("lost_reply", faults.lost_reply);
    let response = match answer(&server, &url, &segments, request).await {
        Some(response) => response,
        None => refusal(404, "invalid_request_error", &format!("Invalid URL ({what})")),
    };
    if lost {
        hang_up();
    }
    response
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn check_headers(server: &Server, api: Api, headers: &HeaderMap) -> Option<Response> {
    let accepted = |key: Option<&str>| {
        let keys = &server.config.keys;
        keys.is_empty() || key.is_some_and(|key| keys.iter().any(|k| k == key))
    };
    match api {
        Api::OpenAi => {
            let bearer =
                text_of(headers, "authorization").and_then(|text| text.strip_prefix("Bearer "));
            let key = bearer.or_else(|| text_of(headers, "api-key"));
            (!accepted(key)).then(|| openai::unauthorised(key))
        }
        Api::Anthropic => {
            if !accepted(text_of(headers, "x-api-key")) {
                return Some(anthropic::error(401, "authentication_error", "invalid x-api-key"));
            }
            text_of(headers, "anthropic-version").is_none().then(|| {
                let message = "anthropic-version: header is required";
                anthropic::error(400, "invalid_request_error", message)
            })
        }
    }
}

/// Performs the call; `None` if no API has it.
async fn answer(
    server: &Server,
    url: &str,
    segments: &[&str],
    request: Request,
) -> Option<Response> {
    let method = request.method().clone();
    let get = method == Method::GET;
    let post = method == Method::POST;
    let page = Query::<Page>::try_from_uri(request.uri()).map(|q| q.0).unwrap_or_default();
    let id = text_of(request.headers(), "x-clinstruct-id").map(str::to_owned);
    let place = place_of(&method, segments).filter(|(place, _)| *place != Place::ChatBody);
    if post && *segments == ["files"] {
        if let Some(reply) = server.instead(Place::Upload, "", "") {
            let mut body = request.into_body().into_data_stream();
            while let Some(Ok(_)) = body.next().await {}
            return Some(reply);
        }
        let response = openai::upload(server, request).await;
        return Some(rewritten(server, Place::Upload, "", "", response).await);
    }
    let body: Bytes = match axum::body::to_bytes(request.into_body(), usize::MAX).await {
        Ok(body) => body,
        // The client has gone.
        Err(_) => hang_up(),
    };
    let is_chat = post && matches!(segments, ["chat", "completions"] | ["messages"]);
    if is_chat && !server.config.latency.is_zero() {
        tokio::time::sleep(server.config.latency).await;
    }
    let text = String::from_utf8_lossy(&body);
    if let Some((place, thing)) = &place
        && let Some(reply) = server.instead(*place, thing, &text)
    {
        return Some(reply);
    }
    let response = match segments {
        ["files", id] if get => openai::file(server, id),
        ["files", id] if method == Method::DELETE => openai::delete_file(server, id),
        ["files", id, "content"] if get => openai::content(server, id),
        ["batches"] if post => openai::create(server, &body),
        ["batches"] if get => openai::list(server, &page),
        ["batches", id] if get => openai::retrieve(server, id),
        ["batches", id, "cancel"] if post => openai::cancel(server, id),
        ["chat", "completions"] if post => openai::chat(server, id.as_deref(), &text),
        ["models"] if get => openai::models(server),
        ["messages"] if post => anthropic::message(server, id.as_deref(), &text),
        ["messages", "batches"] if post => anthropic::create(server, &body),
        ["messages", "batches"] if get => anthropic::list(server, &page, url),
        ["messages", "batches", id] if get => anthropic::retrieve(server, id, url),
        ["messages", "batches", id, "results"] if get => anthropic::results(server, id),
        ["messages", "batches", id, "cancel"] if post => anthropic::cancel(server, id, url),
        _ => return None,
    };
    Some(match place {
        Some((place, thing)) => rewritten(server, place, &thing, &text, response).await,
        None => response,
    })
}

/// A response with oddities applied.
async fn rewritten(
    server: &Server,
    place: Place,
    thing: &str,
    request: &str,
    response: Response,
) -> Response {
    // Only responses that an oddity may apply to are held in memory.
    if !server.state().oddities.iter().any(|armed| armed.oddity.place == place) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { hang_up() };
    let reply = serde_json::from_slice(&bytes).unwrap_or_default();
    let hits = server.hits(place, thing, request, &reply);
    if let Some(reply) = hits.reply() {
        return reply.clone().into_response();
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(hits.lines(bytes.to_vec()).concat()))
}

/// Most bytes of a file in memory.
const CHUNK: u64 = 64 << 10;
/// Time limit for written bytes to be sent.
const FLUSH: Duration = Duration::from_millis(10);

/// A file as a response body, truncated by the fault.
pub(crate) fn download(
    server: &Server,
    path: &Path,
    id: &str,
    content_type: &'static str,
) -> io::Result<Response> {
    let mut file = File::open(path)?;
    let whole = file.metadata()?.len();
    let (rate, count) = {
        let mut state = server.state();
        (state.faults.cut_download, state.asked(&format!("download {id}")))
    };
    let cut = whole > 2 && server.hit("cut_download", rate, id, count);
    let mut draw = server.draw("cut_at", id, count);
    let end = if cut { within_a_line(&mut file, whole, draw.unit())? } else { whole };
    let says_length = !cut || draw.chance(0.5);
    let chunks = stream::unfold((file, end), move |(mut file, left)| async move {
        if left == 0 {
            if !(cut && says_length) {
                return None;
            }
            // The connection breaks at an error at once; written bytes must be sent before.
            tokio::time::sleep(FLUSH).await;
            let broken = || io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose");
            return Some((Err(broken()), (file, u64::MAX)));
        }
        if left == u64::MAX {
            return None;
        }
        let mut chunk = vec![0; left.min(CHUNK) as usize];
        match file.read_exact(&mut chunk) {
            Ok(()) => {
                let left = left - chunk.len() as u64;
                Some((Ok(chunk), (file, left)))
            }
            Err(e) => Some((Err(e), (file, u64::MAX))),
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if says_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(whole));
    }
    Ok(response)
}

/// An offset in the middle of a line; rewinds the file.
fn within_a_line(file: &mut File, length: u64, unit: f64) -> io::Result<u64> {
    let at = ((length as f64 * unit) as u64).clamp(1, length - 2);
    let mut around = [0; 2];
    file.seek(SeekFrom::Start(at - 1))?;
    file.read_exact(&mut around)?;
    file.rewind()?;
    Ok(match around {
        [b'\n', _] => at + 1,
        [_, b'\n'] => at - 1,
        _ => at,
    })
}
