//! The cases of `oddities_generated`: fields of replies crossed with wrong values, places and durations.

use clinstruct_testkit::{Oddity, Place, Reply, Twist, When};
use serde_json::{Value, json};

use crate::oddities::Way;
use crate::oddities_fields::{
    ANTHROPIC_BATCH, COMPLETION, FILE, Field, MESSAGE, OPENAI_BATCH, RESULT, ROW, Use, field, text,
    values,
};

/// Expected result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The same rows as without it, each paid for once.
    AsWithout,
    /// The run waits and says why; without the oddity it ends with the rows of an undisturbed run.
    WaitedOut,
    /// Every row is accounted for, and none was paid for more than twice.
    Accounted,
}

fn expected(field: Field, value: &str, when: When) -> Expected {
    let is_nothing =
        matches!(value, "null" | "missing" | "an empty string" | "a list" | "an object");
    let is_readable = !matches!(value, "broken UTF-8" | "half a surrogate");
    let as_without = match field.used {
        Use::Idle => is_readable,
        Use::Usage => !matches!(value, "huge" | "2^64 - 1"),
        Use::Answer => false,
        Use::Body => value == "JSON in a string",
        Use::Status => matches!(value, "null" | "missing" | "JSON in a string"),
        Use::Error => is_nothing,
        Use::NoFile => is_readable && !matches!(value, "a string" | "HTML" | "JSON in a string"),
        Use::Looked => when == When::First(1),
    };
    if as_without { Expected::AsWithout } else { Expected::Accounted }
}

/// One run.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) way: Way,
    pub(crate) oddities: Vec<Oddity>,
    pub(crate) expected: Expected,
    /// Whether odd but plausible token counts are booked as they are.
    pub(crate) believed: bool,
}

fn when_in_words(place: Place, when: When) -> &'static str {
    let is_row = matches!(
        place,
        Place::ChatBody | Place::OpenAiRow | Place::AnthropicRow | Place::CommandRow
    );
    match when {
        When::First(_) if is_row => "the first time",
        When::EveryThing(_) if is_row => "of every second row",
        When::First(_) | When::Calls(_) => "at first",
        When::EveryThing(_) => "of every second one",
        When::Always => "always",
    }
}

/// Crosses a field of `place` with all values, alternating durations.
fn cross(
    way: Way,
    place: Place,
    name: &str,
    fields: &[(Field, String)],
    whens: &[When],
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, (field, at)) in fields.iter().enumerate() {
        for (j, (value, twist)) in values(*field, at).into_iter().enumerate() {
            for k in 0..whens.len() {
                let when = whens[(i + j + k) % whens.len()];
                // Any string is a text, also in place of its message.
                let is_text = ["/0/message", "/message/content", "/0/text"]
                    .iter()
                    .any(|end| at.ends_with(end));
                if is_text && matches!(value, "a string" | "JSON in a string") {
                    continue;
                }
                // Replacing all of it is an empty body, which is among the replies.
                if at.is_empty() && value == "missing" {
                    continue;
                }
                // A batch in an unknown state is polled for as long as it is in it.
                if field.used == Use::Looked && when == When::Always {
                    continue;
                }
                let expected = expected(*field, value, when);
                let mut oddity = Oddity::new(place, when, twist.clone());
                oddity.usable = expected == Expected::AsWithout;
                if place == Place::Batch && !at.ends_with("status") {
                    oddity = oddity.only(|moment| {
                        let batch = moment.reply;
                        batch["status"] == "completed" || batch["processing_status"] == "ended"
                    });
                }
                let path = at.trim_start_matches('/').replace('/', ".");
                cases.push(Case {
                    name: format!("{name}: `{path}` is {value}, {}", when_in_words(place, when)),
                    way,
                    oddities: vec![oddity],
                    expected,
                    believed: field.used == Use::Usage,
                });
            }
        }
    }
    cases
}

fn below<const N: usize>(prefix: &str, fields: [Field; N]) -> Vec<(Field, String)> {
    fields.into_iter().map(|field| (field, format!("{prefix}{}", field.at))).collect()
}

const ROW_WHENS: [When; 3] = [When::First(1), When::Always, When::EveryThing(2)];
const LOOK_WHENS: [When; 3] = [When::First(1), When::Always, When::First(2)];

/// Lines of a batch's output that are not rows, or not the requested ones.
pub(crate) fn odd_lines(way: Way, place: Place, name: &str) -> Vec<Case> {
    let stranger: &[u8] = match way {
        Way::Anthropic => {
            br#"{"custom_id":"00112233445566778899aabbccddeeff","result":{"type":"succeeded","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"of another run"}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":9}}}}"#
        }
        _ => {
            br#"{"id":"r","custom_id":"00112233445566778899aabbccddeeff","response":{"status_code":200,"body":{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"of another run"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":9}}},"error":null}"#
        }
    };
    let whole = |line: &str| Twist::Whole(line.as_bytes().to_vec());
    let mut cases = Vec::new();
    for (value, twist, expected) in [
        ("comes twice", Twist::Repeat, Expected::AsWithout),
        ("comes with a row of another run", Twist::Before(stranger.into()), Expected::AsWithout),
        ("comes before a row of another run", Twist::After(stranger.into()), Expected::AsWithout),
        ("comes after an empty line", Twist::Before(Vec::new()), Expected::AsWithout),
        (
            "comes after a line that is no JSON",
            Twist::Before(b"INFO 12:00 done".to_vec()),
            Expected::AsWithout,
        ),
        ("comes after a byte that is no UTF-8", Twist::Before(vec![0xff]), Expected::AsWithout),
        ("does not come", Twist::Drop, Expected::Accounted),
        ("is an empty line", whole(""), Expected::Accounted),
        ("is null", whole("null"), Expected::Accounted),
        ("is a list", whole("[]"), Expected::Accounted),
        ("is an empty object", whole("{}"), Expected::Accounted),
        ("is a number", whole("7"), Expected::Accounted),
        ("is HTML", whole("<html><body>502 Bad Gateway</body></html>"), Expected::Accounted),
        ("is a string of its JSON", Twist::Stringify(String::new()), Expected::Accounted),
    ] {
        for when in ROW_WHENS {
            let mut oddity = Oddity::new(place, when, twist.clone());
            oddity.usable = expected == Expected::AsWithout;
            cases.push(Case {
                name: format!("{name}: it {value}, {}", when_in_words(place, when)),
                way,
                oddities: vec![oddity],
                expected,
                believed: false,
            });
        }
    }
    cases
}

/// Meaning of a whole reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Nothing intelligible.
    Malformed,
    /// What passes.
    Passing,
    /// Possibly temporary, possibly permanent.
    Broken,
    /// Not found.
    NotFound,
}

/// Whole replies instead of the requested ones, at first or always.
pub(crate) fn odd_replies(way: Way, place: Place, name: &str) -> Vec<Case> {
    use Meaning::{Broken, Malformed, NotFound, Passing};
    let raw = |text: &str| Reply { status: 200, headers: vec![], body: text.into() };
    let error = |status: u16, message: &str| {
        Reply::json(status, &json!({"type": "error", "error": {"message": message, "type": "odd"}}))
    };
    let wrapped = |error: Value| Reply::json(200, &json!({ "error": error }));
    let mut limited = error(429, "slow down");
    limited.headers.push(("retry-after", "0".into()));
    let mut cases = Vec::new();
    for (value, meaning, reply) in [
        ("an empty body", Malformed, raw("")),
        ("`null`", Malformed, raw("null")),
        ("`[]`", Malformed, raw("[]")),
        ("`{}`", Malformed, raw("{}")),
        ("`7`", Malformed, raw("7")),
        ("a string", Malformed, raw(r#""odd""#)),
        ("half an object", Malformed, raw(r#"{"id": "x", "#)),
        (
            "bytes that are no UTF-8",
            Malformed,
            Reply { body: b"{\"id\": \"\xe2\x82\"}".to_vec(), ..raw("") },
        ),
        ("200 and HTML", Malformed, Reply::html(200, "One moment, please")),
        ("200 and an error as a string", Malformed, wrapped(json!("odd things happen"))),
        ("200 and an error as a list", Malformed, wrapped(json!(["odd things happen"]))),
        (
            "200 and an error of the code 429",
            Passing,
            wrapped(json!({"code": 429, "message": "upstream is busy"})),
        ),
        ("429", Passing, limited),
        ("503", Passing, error(503, "loading model")),
        ("529", Passing, error(529, "overloaded")),
        ("408", Broken, error(408, "timed out")),
        ("500", Broken, error(500, "internal")),
        ("502 and HTML", Broken, Reply::html(502, "Bad Gateway")),
        ("404", NotFound, error(404, "not found")),
    ] {
        let is_chat = place == Place::ChatBody;
        let first = if is_chat || matches!(place, Place::Create | Place::Upload) {
            When::Calls(1)
        } else {
            When::First(1)
        };
        let at_first = match (meaning, place) {
            (Passing | Broken, _) => Expected::AsWithout,
            // A missing answer and a wrong address both deserve a message.
            (_, Place::ChatBody | Place::Upload) => Expected::Accounted,
            (NotFound, Place::Create) if way == Way::Anthropic => Expected::Accounted,
            // It is the first call to it, and a wrong address returns HTML pages.
            (_, Place::Create) if way == Way::Anthropic && value == "200 and HTML" => {
                Expected::Accounted
            }
            _ => Expected::AsWithout,
        };
        let always = match meaning {
            Passing => Expected::WaitedOut,
            // It is the first call: a backend that has only returned errors is not waited for.
            Broken if place == Place::Upload => Expected::Accounted,
            Broken if !is_chat => Expected::WaitedOut,
            _ => Expected::Accounted,
        };
        for (when, expected) in [(first, at_first), (When::Always, always)] {
            cases.push(Case {
                name: format!("{name}: {value}, {}", when_in_words(place, when)),
                way,
                oddities: vec![Oddity::new(place, when, Twist::Instead(reply.clone())).free()],
                expected,
                believed: false,
            });
        }
    }
    cases
}

pub(crate) fn chats() -> Vec<Case> {
    let place = Place::ChatBody;
    let mut cases = cross(Way::Chat, place, "chat", &below("/", COMPLETION), &ROW_WHENS);
    let whole = [(field("", Use::Body), String::new())];
    cases.extend(cross(Way::Chat, place, "chat, all of it", &whole, &ROW_WHENS));
    let error = [(field("error", Use::Error), "/error".to_owned())];
    cases.extend(cross(Way::Chat, place, "chat, beside the answer", &error, &ROW_WHENS));
    cases.extend(odd_replies(Way::Chat, place, "chat"));
    cases
}

pub(crate) fn openai_rows(way: Way, place: Place, name: &str) -> Vec<Case> {
    let mut fields = below("", ROW);
    fields.extend(below("/response/body/", COMPLETION));
    let mut cases = cross(way, place, name, &fields, &ROW_WHENS);
    cases.extend(odd_lines(way, place, name));
    cases
}

pub(crate) fn anthropic_rows() -> Vec<Case> {
    let mut fields = below("", RESULT);
    fields.extend(below("/result/message/", MESSAGE));
    let mut cases =
        cross(Way::Anthropic, Place::AnthropicRow, "Anthropic row", &fields, &ROW_WHENS);
    cases.extend(odd_lines(Way::Anthropic, Place::AnthropicRow, "Anthropic row"));
    cases
}

pub(crate) fn openai_objects() -> Vec<Case> {
    let way = Way::OpenAi;
    let mut cases = cross(way, Place::Batch, "batch", &below("", OPENAI_BATCH), &LOOK_WHENS);
    cases.extend(cross(way, Place::FileObject, "file", &below("", FILE), &LOOK_WHENS));
    let id = [(text("/id", Use::Idle), "/id".to_owned())];
    cases.extend(cross(way, Place::Create, "created batch", &id, &[When::Calls(1)]));
    let id = [(text("/id", Use::Answer), "/id".to_owned())];
    cases.extend(cross(way, Place::Upload, "upload", &id, &[When::Calls(1), When::Always]));
    for (place, name) in [
        (Place::Batch, "batch"),
        (Place::FileObject, "file"),
        (Place::Upload, "upload"),
        (Place::Create, "created batch"),
    ] {
        cases.extend(odd_replies(way, place, name));
    }
    cases.extend(listings(way));
    cases
}

pub(crate) fn anthropic_objects() -> Vec<Case> {
    let way = Way::Anthropic;
    let fields = below("", ANTHROPIC_BATCH);
    let mut cases = cross(way, Place::Batch, "Anthropic batch", &fields, &LOOK_WHENS);
    let id = [(text("/id", Use::Idle), "/id".to_owned())];
    cases.extend(cross(way, Place::Create, "created Anthropic batch", &id, &[When::Calls(1)]));
    cases.extend(odd_replies(way, Place::Batch, "Anthropic batch"));
    cases.extend(odd_replies(way, Place::Create, "created Anthropic batch"));
    cases.extend(listings(way));
    cases
}

/// A batch is created, its reply is lost, and the listing that is searched for it is odd.
pub(crate) fn listings(way: Way) -> Vec<Case> {
    let fields = [
        field("/data", Use::Looked),
        field("/has_more", Use::Looked),
        text("/first_id", Use::Idle),
        text("/last_id", Use::Idle),
        text("/data/0/id", Use::Looked),
        field("/data/0/request_counts", Use::Idle),
        field("/data/0/metadata", Use::Looked),
    ];
    let fields = below("", fields);
    let name = if way == Way::Anthropic { "Anthropic listing" } else { "listing" };
    let mut cases = cross(way, Place::List, name, &fields, &[When::First(1)]);
    for case in &mut cases {
        let lost = Twist::Answer(Reply::html(502, "Bad Gateway"));
        case.oddities.push(Oddity::new(Place::Create, When::Calls(1), lost).harmless());
    }
    cases
}
