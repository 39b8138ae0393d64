//! Single deviations of a reply: where, how often, and what.
//!
//! [`Faults`](crate::Faults) occur at random; these occur exactly where a test places them, until it removes them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

/// Which replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The body of a chat completion, or of an Anthropic message. Counted per list of messages.
    ChatBody,
    /// A line of the output of an OpenAI batch. Counted per list of messages.
    OpenAiRow,
    /// A line of the results of an Anthropic batch. Counted per list of messages.
    AnthropicRow,
    /// A line that a program writes for [`RUN_BATCH`]. Counted per list of messages.
    CommandRow,
    /// The reply to an upload.
    Upload,
    /// A file object. Counted per file.
    FileObject,
    /// The content of a file. Counted per file.
    FileContent,
    /// The reply to the creation of a batch.
    Create,
    /// A retrieved batch object. Counted per batch.
    Batch,
    /// A page of the listing of batches.
    List,
    /// The results of an Anthropic batch. Counted per batch.
    Results,
}

/// Path that turns an OpenAI batch input file into its output file, like a program of `--command`.
pub const RUN_BATCH: &str = "/testkit/run-batch";

/// How often an oddity occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Each time.
    Always,
    /// The first `n` times for each thing.
    First(u32),
    /// Every time, for the first thing and every n-th after it.
    EveryThing(u32),
    /// The first `n` times, for any thing.
    Calls(u32),
}

/// A fixed reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply with this status and JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// A gateway's page.
    pub fn html(status: u16, text: &str) -> Self {
        let headers = vec![("content-type", "text/html".into())];
        let body = format!("<!DOCTYPE html><html><body><h1>{text}</h1></body></html>").into_bytes();
        Self { status, headers, body }
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// The deviation. Pointers are JSON pointers into the reply; an empty one means the whole reply.
#[derive(Clone)]
pub enum Twist {
    /// Sets a value, even if there was none.
    Set(String, Value),
    /// The field is missing.
    Remove(String),
    /// The value becomes a string with its JSON.
    Stringify(String),
    /// Inserts raw bytes into the middle of the string.
    Splice(String, Vec<u8>),
    /// Applies a function.
    Edit(Edit),
    /// Replaces the body or line with these bytes.
    Whole(Vec<u8>),
    /// Duplicates the line.
    Repeat,
    /// Drops the line.
    Drop,
    /// Inserts a line before it.
    Before(Vec<u8>),
    /// Inserts a line after it.
    After(Vec<u8>),
    /// Replies with this, and does nothing. Not for rows.
    Instead(Reply),
    /// Does what was requested, and replies with this. Not for rows.
    Answer(Reply),
}

impl fmt::Debug for Twist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Self::Set(at, value) => write!(f, "{at} = {value}"),
            Self::Remove(at) => write!(f, "{at} is missing"),
            Self::Stringify(at) => write!(f, "{at} is a string of JSON"),
            Self::Splice(at, bytes) => write!(f, "{at} with {}", bytes.escape_ascii()),
            Self::Edit(_) => write!(f, "edited"),
            Self::Whole(bytes) => write!(f, "{:?}", text(bytes)),
            Self::Repeat => write!(f, "twice"),
            Self::Drop => write!(f, "not at all"),
            Self::Before(line) => write!(f, "after the line {:?}", text(line)),
            Self::After(line) => write!(f, "before the line {:?}", text(line)),
            Self::Instead(r) => write!(f, "refused with {} {:?}", r.status, text(&r.body)),
            Self::Answer(r) => write!(f, "{} {:?}", r.status, text(&r.body)),
        }
    }
}

/// Placeholder for invalid UTF-8 until the JSON is written.
const MARK: &str = "\u{e0dd}";

fn set(value: &mut Value, pointer: &str, new: Value) {
    if let Some(place) = value.pointer_mut(pointer) {
        *place = new;
        return;
    }
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(parent)) = value.pointer_mut(parent)
    {
        parent.insert(name.to_owned(), new);
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(parent)) => {
            parent.remove(name);
        }
        Some(Value::Array(parent)) => {
            if let Some(at) = name.parse().ok().filter(|at| *at < parent.len()) {
                parent.remove(at);
            }
        }
        _ => {}
    }
}

impl Twist {
    /// Whether it applies before anything is done.
    fn is_early(&self) -> bool {
        matches!(self, Self::Instead(_))
    }

    /// Turns one line into several; for a body, returns the body.
    fn apply(&self, line: Vec<u8>) -> Vec<Vec<u8>> {
        let edited = |edit: &dyn Fn(&mut Value)| {
            let Ok(mut value) = serde_json::from_slice(&line) else { return line.clone() };
            edit(&mut value);
            value.to_string().into_bytes()
        };
        match self {
            Self::Set(at, new) => vec![edited(&|v| set(v, at, new.clone()))],
            Self::Remove(at) => vec![edited(&|v| remove(v, at))],
            Self::Stringify(at) => vec![edited(&|v| {
                if let Some(place) = v.pointer_mut(at) {
                    *place = Value::String(place.to_string());
                }
            })],
            Self::Splice(at, bytes) => vec![splice(&line, at, bytes)],
            Self::Edit(edit) => vec![edited(&|v| edit(v))],
            Self::Whole(bytes) => vec![bytes.clone()],
            Self::Repeat => vec![line.clone(), line],
            Self::Drop => Vec::new(),
            Self::Before(other) => vec![other.clone(), line],
            Self::After(other) => vec![line, other.clone()],
            Self::Instead(reply) | Self::Answer(reply) => vec![reply.body.clone()],
        }
    }
}

fn splice(line: &[u8], pointer: &str, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(line) else { return line.to_vec() };
    let Some(Value::String(text)) = value.pointer_mut(pointer) else { return line.to_vec() };
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.insert_str(middle, MARK);
    let marked = value.to_string();
    let Some((before, after)) = marked.split_once(MARK) else { return line.to_vec() };
    [before.as_bytes(), bytes, after.as_bytes()].concat()
}

/// A reply that an oddity may apply to.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The request: the body of the call, or the line of the batch. Empty for an upload.
    pub request: &'a str,
    /// The normal reply; null if nothing is done yet, or if it is not JSON.
    pub reply: &'a Value,
}

type Filter = Arc<dyn Fn(&Moment<'_>) -> bool + Send + Sync>;

/// An oddity of a provider.
#[derive(Clone)]
pub struct Oddity {
    /// Where it applies.
    pub place: Place,
    /// How often.
    pub when: When,
    /// The deviation.
    pub twist: Twist,
    /// Whether the provider bills what it applies to.
    pub billed: bool,
    /// Whether what it applies to is still a usable answer.
    pub usable: bool,
    filter: Option<Filter>,
}

impl fmt::Debug for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}: {:?}", self.place, self.when, self.twist)
    }
}

impl Oddity {
    /// One that is billed and leaves nothing usable.
    pub fn new(place: Place, when: When, twist: Twist) -> Self {
        Self { place, when, twist, billed: true, usable: false, filter: None }
    }

    /// Makes it free.
    #[must_use]
    pub fn free(mut self) -> Self {
        self.billed = false;
        self
    }

    /// Makes its answers usable.
    #[must_use]
    pub fn harmless(mut self) -> Self {
        self.usable = true;
        self
    }

    /// Limits it to some replies. The function must not call the provider.
    #[must_use]
    pub fn only(mut self, filter: impl Fn(&Moment<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }
}

/// An oddity with its counters.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(crate) oddity: Oddity,
    /// How often each thing occurred, and the order of first occurrences.
    seen: HashMap<String, (u32, u32)>,
    calls: u32,
    pub(crate) hits: u64,
}

impl Armed {
    pub(crate) fn new(oddity: Oddity) -> Self {
        Self { oddity, seen: HashMap::new(), calls: 0, hits: 0 }
    }

    fn strikes(&mut self, place: Place, thing: &str, moment: &Moment<'_>, early: bool) -> bool {
        let Oddity { when, twist, filter, .. } = &self.oddity;
        if self.oddity.place != place
            || twist.is_early() != early
            || filter.as_ref().is_some_and(|filter| !filter(moment))
        {
            return false;
        }
        let number = self.seen.len() as u32;
        let (times, first) = self.seen.entry(thing.to_owned()).or_insert((0, number));
        let strikes = match when {
            When::Always => true,
            When::First(n) => *times < *n,
            When::EveryThing(n) => *first % (*n).max(1) == 0,
            When::Calls(n) => self.calls < *n,
        };
        *times += 1;
        self.calls += 1;
        self.hits += u64::from(strikes);
        strikes
    }
}

/// Everything that applies to one reply.
#[derive(Debug)]
pub(crate) struct Hits {
    twists: Vec<Twist>,
    pub(crate) billed: bool,
    pub(crate) usable: bool,
}

impl Default for Hits {
    fn default() -> Self {
        Self { twists: Vec::new(), billed: true, usable: true }
    }
}

impl Hits {
    /// The oddities among them.
    pub(crate) fn of(
        oddities: &mut [Armed],
        place: Place,
        thing: &str,
        moment: &Moment<'_>,
        early: bool,
    ) -> Self {
        let mut hits = Self::default();
        for armed in oddities {
            if armed.strikes(place, thing, moment, early) {
                let Oddity { twist, billed, usable, .. } = &armed.oddity;
                hits.billed &= billed;
                hits.usable &= usable;
                hits.twists.push(twist.clone());
            }
        }
        hits
    }

    pub(crate) fn push(&mut self, twist: Twist, usable: bool) {
        self.twists.push(twist);
        self.usable &= usable;
    }

    /// The reply that replaces all others.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        self.twists.iter().find_map(|twist| match twist {
            Twist::Instead(reply) | Twist::Answer(reply) => Some(reply),
            _ => None,
        })
    }

    /// The result for a line or body.
    pub(crate) fn lines(&self, line: Vec<u8>) -> Vec<Vec<u8>> {
        self.twists.iter().fold(vec![line], |lines, twist| {
            lines.into_iter().flat_map(|line| twist.apply(line)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn twisted(twist: &Twist, value: &Value) -> String {
        let lines = twist.apply(value.to_string().into_bytes());
        let lines: Vec<_> = lines.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect();
        lines.join(" ")
    }

    #[test]
    fn each_twist_changes_what_it_names() {
        let value = json!({"a": {"b": "text"}, "list": [1, 2]});
        for (twist, expected) in [
            (Twist::Set("/a/b".into(), json!(-3)), r#"{"a":{"b":-3},"list":[1,2]}"#),
            (Twist::Set("/a/new".into(), json!([])), r#"{"a":{"b":"text","new":[]},"list":[1,2]}"#),
            (Twist::Set(String::new(), json!(null)), "null"),
            (Twist::Remove("/a".into()), r#"{"list":[1,2]}"#),
            (Twist::Remove("/list/0".into()), r#"{"a":{"b":"text"},"list":[2]}"#),
            (Twist::Stringify("/a".into()), r#"{"a":"{\"b\":\"text\"}","list":[1,2]}"#),
            (
                Twist::Splice("/a/b".into(), b"\\ud83d".to_vec()),
                r#"{"a":{"b":"te\ud83dxt"},"list":[1,2]}"#,
            ),
            (Twist::Whole(b"<html>".to_vec()), "<html>"),
            (Twist::Drop, ""),
        ] {
            assert_eq!(twisted(&twist, &value), expected, "{twist:?}");
        }
        let twice = Twist::Repeat.apply(b"x".to_vec());
        assert_eq!(twice, [b"x", b"x"]);
        let broken = Twist::Splice("/a/b".into(), vec![0xe2, 0x82]);
        let line = broken.apply(value.to_string().into_bytes()).concat();
        assert!(std::str::from_utf8(&line).is_err());
    }

    #[test]
    fn an_oddity_comes_as_often_as_it_says() {
        let nothing = Moment { request: "", reply: &Value::Null };
        let pattern = |when| {
            let mut armed = Armed::new(Oddity::new(Place::OpenAiRow, when, Twist::Drop));
            ["a", "b", "a", "c", "b", "a"]
                .map(|thing| u8::from(armed.strikes(Place::OpenAiRow, thing, &nothing, false)))
        };
        assert_eq!(pattern(When::Always), [1; 6]);
        assert_eq!(pattern(When::First(1)), [1, 1, 0, 1, 0, 0]);
        assert_eq!(pattern(When::EveryThing(2)), [1, 0, 1, 1, 0, 1]);
        assert_eq!(pattern(When::Calls(2)), [1, 1, 0, 0, 0, 0]);
        let mut armed = Armed::new(Oddity::new(Place::List, When::Always, Twist::Drop));
        assert!(!armed.strikes(Place::Batch, "a", &nothing, false), "another place");
        assert!(!armed.strikes(Place::List, "a", &nothing, true), "not in place of anything");
    }
}
