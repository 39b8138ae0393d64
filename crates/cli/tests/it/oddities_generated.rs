//! Deviations made by crossing the fields of a provider's replies with wrong values, places and durations.
//!
//! By default a sample of them runs; `CLINSTRUCT_ODDITIES=all` runs each. With `CLINSTRUCT_ODDITIES_TABLE=FILE` the
//! result of each is appended to that file, as a row of a Markdown table.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use clinstruct_testkit::{Oddity, Place, Reply, Twist, When};
use serde_json::{Value, json};

use crate::oddities::{Ended, Trial, Way, pollution, without_oddities};
use crate::oddities_fields::{
    ANTHROPIC_BATCH, COMPLETION, FILE, Field, MESSAGE, OPENAI_BATCH, RESULT, ROW, Use, field, text,
    values,
};

/// Spending limit of each run, in US dollars. A run without an oddity costs at most a fifth.
const CAP: f64 = 0.06;
/// Concurrent runs in each test.
const AT_ONCE: usize = 3;

/// Expected result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
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
struct Case {
    name: String,
    way: Way,
    oddities: Vec<Oddity>,
    expected: Expected,
    /// Whether odd but plausible token counts are booked as they are.
    believed: bool,
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
fn odd_lines(way: Way, place: Place, name: &str) -> Vec<Case> {
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
fn odd_replies(way: Way, place: Place, name: &str) -> Vec<Case> {
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

fn chats() -> Vec<Case> {
    let place = Place::ChatBody;
    let mut cases = cross(Way::Chat, place, "chat", &below("/", COMPLETION), &ROW_WHENS);
    let whole = [(field("", Use::Body), String::new())];
    cases.extend(cross(Way::Chat, place, "chat, all of it", &whole, &ROW_WHENS));
    let error = [(field("error", Use::Error), "/error".to_owned())];
    cases.extend(cross(Way::Chat, place, "chat, beside the answer", &error, &ROW_WHENS));
    cases.extend(odd_replies(Way::Chat, place, "chat"));
    cases
}

fn openai_rows(way: Way, place: Place, name: &str) -> Vec<Case> {
    let mut fields = below("", ROW);
    fields.extend(below("/response/body/", COMPLETION));
    let mut cases = cross(way, place, name, &fields, &ROW_WHENS);
    cases.extend(odd_lines(way, place, name));
    cases
}

fn anthropic_rows() -> Vec<Case> {
    let mut fields = below("", RESULT);
    fields.extend(below("/result/message/", MESSAGE));
    let mut cases =
        cross(Way::Anthropic, Place::AnthropicRow, "Anthropic row", &fields, &ROW_WHENS);
    cases.extend(odd_lines(Way::Anthropic, Place::AnthropicRow, "Anthropic row"));
    cases
}

fn openai_objects() -> Vec<Case> {
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

fn anthropic_objects() -> Vec<Case> {
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
fn listings(way: Way) -> Vec<Case> {
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

/// Every n-th case, or all.
fn sample(cases: Vec<Case>, every: usize) -> Vec<Case> {
    #[expect(clippy::disallowed_methods, reason = "how many runs is for the caller to say")]
    let all = std::env::var("CLINSTRUCT_ODDITIES").is_ok_and(|which| which == "all");
    if all { cases } else { cases.into_iter().step_by(every).collect() }
}

/// Result of a run.
struct Report {
    what: String,
    most_paid: u32,
    problems: Vec<String>,
}

fn examine(case: Case) -> Report {
    let mut problems = Vec::new();
    let mut trial = Trial::new(case.way, case.oddities);
    trial.cap = CAP;
    let mut what = String::new();
    let first = if case.expected == Expected::WaitedOut { wait(&trial) } else { trial.build() };
    let hits = trial.served.provider.oddity_hits();
    let mut check = |holds: bool, problem: &dyn Fn() -> String| {
        if !holds {
            problems.push(problem());
        }
    };
    check(hits.iter().all(|n| *n > 0), &|| format!("it did not come: {hits:?}"));
    check(matches!(first.code, Some(0 | 1 | 3)), &|| {
        format!("ended with {:?} after {:?}: {}", first.code, first.took, tail(&first.text))
    });
    let errors: Vec<&str> = first.text.lines().filter(|l| l.starts_with("error:")).collect();
    check((errors.len() == 1) == (first.code == Some(3)), &|| {
        format!("{:?} with the errors {errors:?}", first.code)
    });
    let planned = without_oddities(case.way).len();
    let rows = trial.rows();
    if first.code == Some(3) {
        let cause = first.text.lines().find(|l| l.contains("caused by:")).unwrap_or_default();
        let _ = write!(what, "stops: {} {}", errors.concat(), cause.trim());
    } else {
        check(rows.len() == planned || is_capped(&first.text), &|| {
            format!("{} of {planned} rows", rows.len())
        });
        let reasons: Vec<String> = rows
            .failures()
            .iter()
            .map(|row| format!("{} ({})", row["reason"], row["detail"]))
            .collect();
        let _ = match reasons.first() {
            None => write!(what, "all rows come"),
            Some(reason) => write!(what, "{} of {planned} rows rejected: {reason}", reasons.len()),
        };
    }
    for row in rows.failures() {
        let said = row["detail"].as_str().is_some_and(|detail| !detail.trim().is_empty());
        check(said, &|| format!("no reason: {row}"));
    }
    let paid = trial.most_paid();
    check(paid <= 2, &|| format!("a row was paid for {paid} times"));
    money(&trial, first.code == Some(3), case.believed, &mut check);
    clean(&trial, &mut check);
    if case.expected != Expected::Accounted {
        check(first.code == Some(0), &|| format!("{:?}: {}", first.code, tail(&first.text)));
        check(rows.result() == without_oddities(case.way).result(), &|| {
            "not the rows of a run without it".into()
        });
        check(paid == 1, &|| format!("a row was paid for {paid} times, and every answer was good"));
    }

    trial.end_oddities();
    if is_capped(&first.text) {
        trial.cap = 5.0;
    }
    let again = trial.build();
    check(matches!(again.code, Some(0 | 1)), &|| {
        format!("once it is gone: {:?}: {}", again.code, tail(&again.text))
    });
    let rows = trial.rows();
    check(rows.len() == planned, &|| format!("once it is gone: {} of {planned} rows", rows.len()));
    clean(&trial, &mut check);
    money(&trial, false, case.believed, &mut check);
    if first.code == Some(3) {
        let _ = write!(what, "; once it is gone, the same command finishes");
        check(rows.failures().is_empty(), &|| {
            format!("once it is gone, still rejected: {:?}", rows.failures())
        });
    }
    let contents = trial.contents();
    let twice = contents.iter().find(|content| content.usable > 1);
    check(twice.is_none(), &|| format!("a usable answer was asked for again: {twice:?}"));
    let most_paid = trial.most_paid();
    check(most_paid <= 2, &|| format!("in all, a row was paid for {most_paid} times"));
    Report { what, most_paid, problems }
}

/// A run that waits until the oddity is gone.
fn wait(trial: &Trial) -> Ended {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| trial.build());
        std::thread::sleep(Duration::from_millis(1500));
        let waits = !run.is_finished();
        let hits = trial.served.provider.oddity_hits();
        trial.end_oddities();
        let mut ended = run.join().unwrap();
        if !waits || hits == [0] {
            ended.code = None;
            let _ = write!(ended.text, "\nit did not wait, after {hits:?} such replies");
        }
        ended
    })
}

fn is_capped(text: &str) -> bool {
    text.contains("--max-cost")
}

fn tail(text: &str) -> String {
    let lines: VecDeque<&str> = text.lines().collect();
    lines.iter().rev().take(6).rev().copied().collect::<Vec<_>>().join(" / ")
}

/// The limit holds, and what is billed is in the ledger; for a stopped run, as spent or in flight.
fn money(
    trial: &Trial,
    stopped: bool,
    believed: bool,
    check: &mut dyn FnMut(bool, &dyn Fn() -> String),
) {
    let (billed, (spent, booked)) = (trial.billed(), trial.booked());
    let ledger = if stopped { booked } else { spent };
    check(billed <= trial.cap, &|| format!("${billed} billed under a cap of ${}", trial.cap));
    check(booked <= trial.cap + 1e-6, &|| {
        format!("${booked} booked or under way under a cap of ${}", trial.cap)
    });
    check(believed || ledger >= billed * 0.5, &|| {
        format!("${ledger} in the ledger, ${billed} billed")
    });
}

fn clean(trial: &Trial, check: &mut dyn FnMut(bool, &dyn Fn() -> String)) {
    let found = pollution(&trial.rows());
    check(found.is_none(), &|| found.clone().unwrap_or_default());
}

/// Runs all of them, and fails with all errors.
fn run(title: &str, cases: Vec<Case>) {
    let many = cases.len();
    let queue = Mutex::new(cases.into_iter().enumerate().collect::<VecDeque<_>>());
    let lines = Mutex::new(Vec::new());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop_front();
                    let Some((i, case)) = next else { break };
                    let name = case.name.clone();
                    let report = examine(case);
                    let row = format!("| {name} | {} | {} |", report.what, report.most_paid);
                    lines.lock().unwrap().push((i, row));
                    if !report.problems.is_empty() {
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("{name}\n    {}", report.problems.join("\n    ")));
                    }
                }
            });
        }
    });
    let mut lines = lines.into_inner().unwrap();
    lines.sort();
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    table(title, &lines, &wrong);
    assert!(wrong.is_empty(), "{} of {many} went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "where the table goes is for the caller to say")]
fn table(title: &str, lines: &[String], wrong: &[String]) {
    let Ok(path) = std::env::var("CLINSTRUCT_ODDITIES_TABLE") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let head = "| oddity | what happens | paid for a row |\n| --- | --- | --- |";
    write!(file, "## {title}\n\n{head}\n{}\n\n", lines.join("\n")).unwrap();
    if !wrong.is_empty() {
        write!(file, "Wrong:\n\n- {}\n\n", wrong.join("\n- ")).unwrap();
    }
}

fn all() -> [(&'static str, Vec<Case>, usize); 6] {
    let openai = openai_rows(Way::OpenAi, Place::OpenAiRow, "row");
    let program = openai_rows(Way::Command, Place::CommandRow, "row of a program");
    [
        ("Rows of OpenAI batches", openai, 23),
        ("Rows of programs", program, 37),
        ("Rows of Anthropic batches", anthropic_rows(), 23),
        ("Chats", chats(), 19),
        ("OpenAI batches and files", openai_objects(), 17),
        ("Anthropic batches", anthropic_objects(), 13),
    ]
}

fn group(at: usize) {
    let (title, cases, every) = all().into_iter().nth(at).unwrap();
    run(title, sample(cases, every));
}

#[test]
fn odd_rows_of_openai_batches() {
    group(0);
}

#[test]
fn odd_rows_of_programs() {
    group(1);
}

#[test]
fn odd_rows_of_anthropic_batches() {
    group(2);
}

#[test]
fn odd_chats() {
    group(3);
}

#[test]
fn odd_openai_batches_and_files() {
    group(4);
}

#[test]
fn odd_anthropic_batches() {
    group(5);
}

/// The sample is large enough, and has each field, value and duration.
#[test]
fn the_sample_goes_through_everything() {
    let mut names = Vec::new();
    let mut every_field = 0;
    for (_, cases, every) in all() {
        every_field += cases.len();
        names.extend(cases.into_iter().step_by(every).map(|case| case.name));
    }
    assert!(names.len() >= 60 && every_field > 1500, "{} of {every_field}", names.len());
    let some = |part: &str| assert!(names.iter().any(|n| n.contains(part)), "{part}: {names:#?}");
    for (value, _) in values(text("x", Use::Idle), "/x") {
        some(&format!("is {value},"));
    }
    for when in ["the first time", "of every second row", "always", "at first"] {
        some(when);
    }
    for field in [
        "choices`",
        "usage",
        "content",
        "finish_reason",
        "error_file_id",
        "bytes",
        "custom_id",
        "status",
    ] {
        some(field);
    }
}

/// The guide's table covers each field that is crossed.
#[test]
fn the_guide_names_each_field() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src/oddities.md");
    let page = std::fs::read_to_string(page).unwrap();
    for case in all().into_iter().flat_map(|(_, cases, _)| cases) {
        let Some(path) = case.name.split('`').nth(1).filter(|_| case.name.contains("` is ")) else {
            continue;
        };
        let field =
            path.rsplit('.').find(|name| name.parse::<usize>().is_err()).unwrap_or_default();
        assert!(field.is_empty() || page.contains(&format!("`{field}`")), "{field}: {}", case.name);
    }
}
