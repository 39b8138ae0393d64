//! Providers that deviate from their documentation: how such a run is started, ended and counted.
//!
//! `oddities_cases` and `oddities_texts` have reported deviations, `oddities_generated` crosses the fields of
//! `oddities_fields` with values, places and durations, and `oddities_money` checks the spending limit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clinstruct_testkit::{Asked, Oddity, Place, ProviderConfig, RUN_BATCH, Reply, Twist, When};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clinstruct;
use crate::provider::{Loopback, config};

/// Time after which a run counts as hanging.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// US dollars per million tokens of requests and of answers; batches cost half.
const PRICE: (f64, f64) = (2.5, 10.0);
/// Where [`batch_program`] finds the provider.
const PROVIDER: &str = "CLINSTRUCT_TEST_PROVIDER";

/// Routes to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Way {
    OpenAi,
    Anthropic,
    Chat,
    Command,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Chat, Self::Command];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Chat => "chat",
            Self::Command => "command",
        }
    }

    /// Cost relative to the price.
    fn factor(self) -> f64 {
        match self {
            Self::OpenAi | Self::Anthropic => 0.5,
            Self::Chat => 1.0,
            Self::Command => 0.0,
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if it was still running at the time limit.
    pub(crate) code: Option<i32>,
    /// Its output on stdout and stderr.
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Ended {
    pub(crate) fn count(&self, what: &str) -> usize {
        self.text.matches(what).count()
    }

    #[track_caller]
    pub(crate) fn assert_code(&self, expected: i32) {
        assert_eq!(self.code, Some(expected), "after {:?}: {}", self.took, self.text);
    }

    #[track_caller]
    pub(crate) fn assert_contains(&self, what: &str) {
        assert!(self.text.contains(what), "no {what:?} in: {}", self.text);
    }
}

/// The rows that a run wrote, by id.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) conversations: BTreeMap<String, Value>,
    pub(crate) rejected: BTreeMap<String, Value>,
}

impl Rows {
    fn read(out: &Path) -> Self {
        let kind = |kind: &str| {
            let Ok(files) = fs::read_dir(out.join(kind)) else { return BTreeMap::new() };
            let mut rows = BTreeMap::new();
            for file in files {
                for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
                    let row: Value = serde_json::from_str(line).unwrap();
                    let id = row["id"].as_str().unwrap().to_owned();
                    assert!(rows.insert(id.clone(), row).is_none(), "{kind}/ has {id} twice");
                }
            }
            rows
        };
        Self { conversations: kind("conversations"), rejected: kind("rejected") }
    }

    pub(crate) fn len(&self) -> usize {
        let twice = self.rejected.keys().find(|id| self.conversations.contains_key(*id));
        assert_eq!(twice, None, "in conversations/ and in rejected/");
        self.conversations.len() + self.rejected.len()
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let messages =
            self.conversations.values().filter_map(|row| row["messages"].as_array()).flatten();
        messages.filter_map(|message| message["content"].as_str())
    }

    /// The messages of each conversation, and the reason of each rejected row.
    pub(crate) fn result(&self) -> BTreeMap<&str, &Value> {
        let conversations = self.conversations.iter().map(|(id, row)| (&**id, &row["messages"]));
        let rejected = self.rejected.iter().map(|(id, row)| (&**id, &row["reason"]));
        conversations.chain(rejected).collect()
    }

    /// Rows without a conversation.
    pub(crate) fn failures(&self) -> Vec<&Value> {
        self.rejected.values().collect()
    }
}

/// A run against a provider, in a folder of its own.
pub(crate) struct Trial {
    pub(crate) served: Loopback,
    pub(crate) way: Way,
    dir: TempDir,
    options: Vec<String>,
    /// Spending limit, in US dollars.
    pub(crate) cap: f64,
}

impl Trial {
    /// Three rows of the first part, with a limit that none of them should approach.
    pub(crate) fn new(way: Way, oddities: Vec<Oddity>) -> Self {
        Self::of(way, oddities, config(), &["--limit", "3"])
    }

    pub(crate) fn of(
        way: Way,
        oddities: Vec<Oddity>,
        config: ProviderConfig,
        options: &[&str],
    ) -> Self {
        let served = Loopback::start(config);
        served.provider.set_oddities(oddities);
        let price = format!("{}:{}", PRICE.0, PRICE.1);
        // With this seed, the first of three conversations has two turns.
        let options =
            [&["--part", "specialty-domain", "--seed", "2", "--price", &price], options].concat();
        let options = options.into_iter().map(String::from).collect();
        Self { served, way, dir: tempfile::tempdir().unwrap(), options, cap: 1.0 }
    }

    /// Removes the oddity.
    pub(crate) fn end_oddities(&self) {
        self.served.provider.set_oddities(Vec::new());
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("o")
    }

    /// Runs the command with the run's options, then these.
    pub(crate) fn command(&self, words: &[&str], more: &[&str]) -> Command {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let cap = self.cap.to_string();
        let args = [words, &options, &["--max-cost", &cap], more].concat();
        if self.way != Way::Command {
            return self.served.command(self.dir.path(), self.way.name(), &args);
        }
        let program = std::env::current_exe().unwrap();
        let program = format!(
            "{} --exact oddities::batch_program --include-ignored {{input}} {{output}}",
            program.display()
        );
        let mut command = clinstruct(self.dir.path());
        command
            .args(args)
            .args(["--backend", "command", "--model", "gpt-4o", "--command", &program])
            .args(["--out", "o", "--yes", "--pause", "20"])
            .env(PROVIDER, self.served.provider.url());
        command
    }

    pub(crate) fn build(&self) -> Ended {
        self.run(&["build"], &[])
    }

    pub(crate) fn run(&self, words: &[&str], more: &[&str]) -> Ended {
        self.run_at_most(PATIENCE, words, more)
    }

    pub(crate) fn run_at_most(&self, patience: Duration, words: &[&str], more: &[&str]) -> Ended {
        // A pipe that nobody reads would block it.
        let log = self.dir.path().join("log.txt");
        let to = File::create(&log).unwrap();
        let mut command = self.command(words, more);
        command.stdin(Stdio::null()).stdout(to.try_clone().unwrap()).stderr(to);
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if begun.elapsed() > patience {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
        Ended { code, text, took: begun.elapsed() }
    }

    pub(crate) fn rows(&self) -> Rows {
        Rows::read(&self.folder())
    }

    /// Output of `jobs --json` or `status --json`; empty if there is no run yet.
    pub(crate) fn show(&self, what: &str) -> Value {
        let mut command = clinstruct(self.dir.path());
        let out = command.args([what, "--out", "o", "--json"]).output().unwrap();
        serde_json::from_slice(&out.stdout).unwrap_or_default()
    }

    /// US dollars in the ledger: spent, and spent or in flight.
    pub(crate) fn booked(&self) -> (f64, f64) {
        let status = self.show("status");
        let usd = |key: &str| status[key].as_f64().unwrap_or(0.0);
        (usd("usd_spent"), usd("usd_spent") + usd("usd_reserved"))
    }

    /// US dollars that the provider charges.
    pub(crate) fn billed(&self) -> f64 {
        let counts = self.served.provider.counts();
        let usd = counts.prompt_tokens as f64 * PRICE.0 + counts.completion_tokens as f64 * PRICE.1;
        usd / 1e6 * self.way.factor()
    }

    pub(crate) fn contents(&self) -> Vec<Asked> {
        self.served.provider.contents().into_values().collect()
    }

    /// Most payments for one list of messages.
    pub(crate) fn most_paid(&self) -> u32 {
        self.contents().iter().map(|content| content.paid).max().unwrap_or(0)
    }

    /// Most sends of one list of messages.
    pub(crate) fn most_asked(&self) -> u32 {
        self.contents().iter().map(|content| content.asked).max().unwrap_or(0)
    }

    /// The rows are those of a run without an oddity, and each was paid for once.
    #[track_caller]
    pub(crate) fn assert_as_without(&self) {
        let (rows, calm) = (self.rows(), without_oddities(self.way));
        assert_eq!(rows.result(), calm.result());
        assert_eq!(self.most_paid(), 1, "{:#?}", self.contents());
    }
}

/// The rows of a run of [`Trial::new`] against a provider without oddities.
pub(crate) fn without_oddities(way: Way) -> &'static Rows {
    static ROWS: [std::sync::OnceLock<Rows>; 4] = [const { std::sync::OnceLock::new() }; 4];
    ROWS[way as usize].get_or_init(|| {
        let trial = Trial::new(way, Vec::new());
        trial.build().assert_code(0);
        let rows = trial.rows();
        assert_eq!((rows.len(), rows.failures()), (3, vec![]));
        for content in trial.contents() {
            assert_eq!((content.asked, content.paid, content.usable), (1, 1, 1), "{content:?}");
        }
        assert!(trial.billed() > 0.0 || way == Way::Command);
        rows
    })
}

/// Texts that are useless for training.
const POLLUTION: [&str; 14] = [
    "<think",
    "</think",
    "<|",
    "|>",
    "</s>",
    "<s>",
    "[INST]",
    "[/INST]",
    "<start_of_turn>",
    "<end_of_turn>",
    "\u{fffd}",
    "<!DOCTYPE",
    "<html",
    "</html>",
];

/// What pollutes a text of a conversation, if anything.
pub(crate) fn pollution(rows: &Rows) -> Option<String> {
    rows.texts().find_map(|text| {
        let found = POLLUTION.iter().find(|odd| text.contains(**odd)).copied();
        let found = found.or_else(|| text.trim().is_empty().then_some("nothing"));
        found.map(|odd| format!("{odd:?} in {text:?}"))
    })
}

#[track_caller]
pub(crate) fn assert_clean(rows: &Rows) {
    assert_eq!(pollution(rows), None);
}

/// JSON pointer to an answer's fields in a reply of this kind.
pub(crate) fn body(place: Place) -> &'static str {
    match place {
        Place::OpenAiRow | Place::CommandRow => "/response/body",
        Place::AnthropicRow => "/result/message",
        _ => "",
    }
}

pub(crate) fn answer_place(way: Way) -> Place {
    match way {
        Way::OpenAi => Place::OpenAiRow,
        Way::Anthropic => Place::AnthropicRow,
        Way::Chat => Place::ChatBody,
        Way::Command => Place::CommandRow,
    }
}

/// JSON pointer to the text of an answer.
pub(crate) fn text_at(way: Way) -> String {
    let field = if way == Way::Anthropic { "content/0/text" } else { "choices/0/message/content" };
    format!("{}/{field}", body(answer_place(way)))
}

pub(crate) fn set(at: &str, value: Value) -> Twist {
    Twist::Set(at.into(), value)
}

pub(crate) fn edit(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Twist {
    Twist::Edit(Arc::new(edit))
}

/// An edit of the text of each answer.
pub(crate) fn texts(way: Way, change: impl Fn(&str) -> String + Send + Sync + 'static) -> Oddity {
    let at = text_at(way);
    let twist = edit(move |reply| {
        if let Some(Value::String(text)) = reply.pointer_mut(&at) {
            *text = change(text);
        }
    });
    Oddity::new(answer_place(way), When::Always, twist).harmless()
}

pub(crate) fn openai_error(message: &str, kind: &str, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

pub(crate) fn anthropic_error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// A refusal of a row or a chat.
pub(crate) fn refused(way: Way, status: u16, kind: &str, message: &str) -> Twist {
    match way {
        Way::Chat => Twist::Instead(Reply::json(status, &openai_error(message, kind, Some(kind)))),
        Way::OpenAi | Way::Command => {
            let body = openai_error(message, kind, Some(kind));
            set("/response", json!({"status_code": status, "request_id": "r", "body": body}))
        }
        Way::Anthropic => {
            set("/result", json!({"type": "errored", "error": anthropic_error(kind, message)}))
        }
    }
}

/// Requests of conversations that have begun; a prompt request has one user message.
pub(crate) fn has_history(request: &str) -> bool {
    request.contains(r#""assistant""#)
}

/// The first `error:` line quotes the provider, and there is only one such line.
#[track_caller]
pub(crate) fn assert_one_error(ended: &Ended, words: &str) {
    assert_eq!(ended.text.lines().filter(|l| l.starts_with("error:")).count(), 1, "{}", ended.text);
    ended.assert_contains(words);
}

/// Turns a batch input file into an output file, as the provider does: started by `--command`.
#[test]
#[ignore = "a program that other tests start"]
#[expect(clippy::disallowed_methods, reason = "a program is told by its environment")]
fn batch_program() {
    let Ok(url) = std::env::var(PROVIDER) else { return };
    let mut args = std::env::args().rev();
    let output = args.next().unwrap();
    let input = fs::read(args.next().unwrap()).unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {RUN_BATCH} HTTP/1.0\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n",
        input.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&input).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let (head, body) = reply.split_at(end + 4);
    assert!(head.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&reply));
    fs::write(output, body).unwrap();
}

#[test]
fn without_an_oddity_every_way_gives_all_rows() {
    for way in Way::ALL {
        assert_clean(without_oddities(way));
    }
}
