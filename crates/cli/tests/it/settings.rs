//! Commands on a run use the settings that it was built with, wherever they are run.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::provider::{KEY, Loopback, config};
use crate::{STEMS, clinstruct, files, json, run};

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// Runs a command with the provider's key but without its address.
fn with_key(dir: &Path, args: &[&str]) -> Output {
    clinstruct(dir).args(args).env("OPENAI_API_KEY", KEY).output().unwrap()
}

fn slow() -> Loopback {
    let mut slow = config();
    slow.polls_until_done = 1_000_000;
    Loopback::start(slow)
}

/// Nothing listens here.
const NOWHERE: &str = "http://127.0.0.1:9/v1";

#[test]
fn cancel_asks_the_provider_that_has_the_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let served = slow();
    assert!(served.run(dir.path(), "openai", &["submit", "--limit", "2"]).status.success());
    let jobs = json(dir.path(), &["jobs", "o", "--json"]);
    let tag = jobs["jobs"][0]["tag"].as_str().unwrap().to_owned();
    let unknown = with_key(dir.path(), &["cancel", "o", "no-such-tag"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    assert!(text(&unknown).contains("no job \"no-such-tag\" in o"), "{}", text(&unknown));

    // The environment describes another provider.
    let out = clinstruct(dir.path())
        .args(["cancel", "--out", "o"])
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_BASE_URL", NOWHERE)
        .env("CLINSTRUCT_BACKEND", "anthropic")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains(&format!("{tag}: cancelled")), "{}", text(&out));
    // A cancelled job ends at the next poll.
    let out = with_key(dir.path(), &["collect", "o"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let jobs = json(dir.path(), &["jobs", "--out", "o", "--json"]);
    assert_eq!(jobs["jobs"][0]["ended"], "cancelled");

    for args in [&["cancel", "o"][..], &["cancel", "o", &tag], &["cancel", &tag, "--out", "o"]] {
        let out = with_key(dir.path(), args);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", text(&out));
        assert!(text(&out).contains("nothing to cancel"), "{args:?}: {}", text(&out));
    }
    let other = run(dir.path(), &["cancel", "o", "--backend", "openai", "--model", "gpt-4o-mini"]);
    assert!(text(&other).contains("nothing to cancel"), "{}", text(&other));
}

#[test]
fn a_job_of_other_settings_is_not_asked_for_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let served = slow();
    assert!(served.run(dir.path(), "openai", &["submit", "--limit", "2"]).status.success());
    let out = with_key(dir.path(), &["cancel", "o", "--model", "gpt-4o-mini"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(
        text(&out).contains("openai gpt-4o, which these settings do not lead to"),
        "{}",
        text(&out)
    );
}

#[test]
fn an_address_of_the_environment_is_kept_with_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    let base = format!("{}/v1", served.provider.url());
    let build = ["build", "o", "--backend", "openai", "--model", "gpt-4o", "--limit", "2"];
    let out = clinstruct(dir.path())
        .args(build)
        .args(["--role", "user=chat:tiny", "--yes", "--pause", "20", "--rows-per-job", "5"])
        .args(["--max-cost", "0.05"])
        .env("OPENAI_API_KEY", KEY)
        .env("CLINSTRUCT_API_KEY", KEY)
        .env("OPENAI_BASE_URL", &base)
        .env("CLINSTRUCT_BASE_URL", &base)
        .output()
        .unwrap();
    assert!(matches!(out.status.code(), Some(0 | 1)), "{}", text(&out));
    let out = clinstruct(dir.path())
        .args(["resume", "o", "--yes", "--max-cost", "5"])
        .env("OPENAI_API_KEY", KEY)
        .env("CLINSTRUCT_API_KEY", KEY)
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(served.provider.counts().rows_billed_twice, 0);
}

#[test]
fn the_secret_in_an_address_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let served = slow();
    let base = format!("{}/v1?key=gateway-secret", served.provider.url());
    let submit =
        ["submit", "o", "--backend", "openai", "--model", "gpt-4o", "--limit", "2", "--yes"];
    let out = with_key(dir.path(), &[&submit[..], &["--base-url", &base]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let journal = fs::read(dir.path().join("o/run.sqlite")).unwrap();
    let log = fs::read(dir.path().join("o/run.sqlite-wal")).unwrap_or_default();
    for bytes in [journal, log] {
        assert!(!String::from_utf8_lossy(&bytes).contains("gateway-secret"));
    }
    // Without it, a gateway would refuse: the run says what is missing.
    let out = with_key(dir.path(), &["cancel", "o"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("--base-url"), "{}", text(&out));
    // Commands that send nothing need no address.
    for command in ["status", "jobs", "turns"] {
        let out = run(dir.path(), &[command, "o"]);
        assert_eq!(out.status.code(), Some(0), "{command}: {}", text(&out));
    }
    let out = with_key(dir.path(), &["cancel", "o", "--base-url", &base]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains("cancelled"), "{}", text(&out));
}

#[test]
fn what_sends_nothing_needs_no_key_and_no_flag() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    let out = served.run(dir.path(), "openai", &["build", "--limit", "2", "--price", "1:2"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let before = files(&dir.path().join("o"), "conversations");
    let calls = served.provider.counts().calls;
    for command in [
        "status",
        "jobs",
        "turns",
        "requests",
        "plan",
        "parse",
        "situations",
        "conversations",
        "reparse",
    ] {
        let out = run(dir.path(), &[command, "o"]);
        assert_eq!(out.status.code(), Some(0), "{command}: {}", text(&out));
    }
    assert_eq!(served.provider.counts().calls, calls);
    assert_eq!(files(&dir.path().join("o"), "conversations"), before);
    let told = json(dir.path(), &["estimate", "o", "--json"]);
    assert!(told["models"].as_str().unwrap().contains("gpt-4o of openai"), "{told}");
    assert!(told["usd"].as_f64().unwrap() > 0.0, "{told}");
    // The folder as an argument or as a flag, never two of them.
    assert_eq!(
        json(dir.path(), &["status", "o", "--json"]),
        json(dir.path(), &["status", "--out", "o", "--json"])
    );
    let out = run(dir.path(), &["status", "o", "--out", "p"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("two folders are named"), "{}", text(&out));
}

#[test]
fn flags_come_before_what_is_saved_and_that_before_environment_and_project() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path(), &["build", "o", "--limit", "2", "--part", STEMS[0], "--seed", "5", "--json"]);
    fs::write(dir.path().join("clinstruct.toml"), "seed = 8\nlimit = 1\nbackend = \"openai\"\n")
        .unwrap();
    let environment = |args: &[&str]| {
        clinstruct(dir.path())
            .args(args)
            .env("CLINSTRUCT_SEED", "9")
            .env("CLINSTRUCT_MODEL", "gpt-4o")
            .env("CLINSTRUCT_OUT", "elsewhere")
            .output()
            .unwrap()
    };
    let out = environment(&["resume", "o", "--limit", "4", "--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let summary: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(summary["seed"], 5);
    assert_eq!(summary["parts"].as_array().unwrap().len(), 1);
    assert_eq!(summary["parts"][0]["seed_rows"], 4);
    // It keeps the size that it was grown to.
    let plan = json(dir.path(), &["plan", "o", "--json"]);
    assert_eq!(plan["parts"][0]["prompt_requests"], 4);
    // `build` defines a run, so it reads all sources: flags, environment, project.
    let out = environment(&["build", "o", "--backend", "rehearsal"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(
        text(&out).contains("seed 5 -> 9") && text(&out).contains("limit 4 -> 1"),
        "{}",
        text(&out)
    );
    let out = environment(&["plan", "--backend", "rehearsal", "--json"]);
    let plan: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        plan["parts"].as_array().unwrap().len(),
        3,
        "a plan without a folder is of the flags"
    );
}

#[test]
fn a_folder_without_a_run_is_said() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    for folder in ["empty", "nowhere"] {
        for command in [
            "status",
            "jobs",
            "cancel",
            "resume",
            "reparse",
            "collect",
            "parse",
            "situations",
            "conversations",
            "turns",
            "show",
            "export",
            "report",
            "retry",
        ] {
            let mut args = vec![command, folder];
            if command == "retry" {
                args.push("--failed");
            }
            let out = run(dir.path(), &args);
            assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out));
            assert!(text(&out).contains(folder) && text(&out).contains("hint: "), "{}", text(&out));
        }
    }
    assert!(!dir.path().join("nowhere").exists(), "nothing was made");
    assert!(fs::read_dir(dir.path().join("empty")).unwrap().next().is_none());
}

#[test]
fn a_run_whose_rows_all_fail_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let all_refused = ["--misbehave", "none", "--misbehave", "refusal=1"];
    let out = run(
        dir.path(),
        &[&["build", "o", "-v", "--limit", "2", "--part", STEMS[0]][..], &all_refused].concat(),
    );
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    let said = text(&out);
    let line = said.lines().find(|l| l.starts_with("no row reached the dataset")).unwrap_or(&said);
    assert!(
        line.contains("2 rows rejected, failed or dropped, 2 of them for \"refused\" ("),
        "{said}"
    );
    // Failed prompt requests are in the table, by role.
    let table = said.lines().find(|l| l.trim_start().starts_with("refused ")).unwrap_or(&said);
    assert!(
        table.contains("+     2 rejected") && table.contains("first attempts: prompt writer 2;"),
        "{said}"
    );
    assert!(table.contains(" 8 failed requests"), "{said}");
    // The same from the responses alone.
    let again = run(dir.path(), &["reparse", "o"]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    assert!(text(&again).contains(line), "{}", text(&again));
}

#[test]
fn prompt_requests_that_were_repeated_are_counted_with_the_turns() {
    let dir = tempfile::tempdir().unwrap();
    let kinds = ["--misbehave", "none", "--misbehave", "malformed_json=0.5"];
    let summary =
        json(dir.path(), &[&["build", "o", "--limit", "20", "--json"][..], &kinds].concat());
    let repairs = summary["repairs"].as_object().unwrap();
    let counts = &repairs["malformed_json"];
    let n = |key: &str| counts[key].as_u64().unwrap();
    assert!(n("first") > 10 && n("first") < 60, "{counts}");
    // A later attempt can be the first one with this fault.
    assert!(n("first") <= n("repaired") + n("rejected"));
    assert_eq!(counts["speakers"]["prompt_writer"], counts["first"]);
    // Every answer that was received is counted: as accepted, as failed, or as both where some of its prompts are good.
    let status = json(dir.path(), &["status", "o", "--json"]);
    let accepted: u64 =
        status["turns"].as_array().unwrap().iter().map(|t| t["answered"].as_u64().unwrap()).sum();
    let failed: u64 = repairs.values().map(|c| c["requests"].as_u64().unwrap()).sum();
    let answered = status["answered"].as_u64().unwrap();
    assert!(accepted < answered && answered <= accepted + failed, "{answered}: {repairs:#?}");
}

#[test]
fn a_proxy_is_not_asked_for_what_is_on_this_machine() {
    let served = Loopback::start(config());
    let (backend, url) = ("openai", served.provider.url());
    for host in ["127.0.0.1", "localhost"] {
        let dir = tempfile::tempdir().unwrap();
        let base = format!("{}/v1", url.replace("127.0.0.1", host));
        let mut command = clinstruct(dir.path());
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env(name, "http://127.0.0.1:9");
        }
        let args = ["build", "o", "--limit", "1", "--yes", "--pause", "20", "--base-url", &base];
        command.args(args).args(["--backend", backend, "--model", "gpt-4o"]);
        let out = command.env("OPENAI_API_KEY", KEY).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{host}: {}", text(&out));
    }
}

/// A server that forwards what it receives, and answers with `answer`, or not at all.
fn listener(answer: Option<&'static str>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
            loop {
                let read = stream.read(&mut piece).unwrap_or(0);
                seen.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&seen).into_owned();
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
                if let Some(body) = body.filter(|b| serde_json::from_str::<Value>(b).is_ok()) {
                    if sender.send(body).is_err() {
                        return;
                    }
                    break;
                }
                if read == 0 {
                    break;
                }
            }
            if let Some(answer) = answer {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                let _ =
                    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
            } else {
                open.push(stream);
            }
        }
    });
    (base, receiver)
}

#[test]
fn how_requests_are_written_can_be_said_and_is_kept() {
    let answer =
        r#"{"choices":[{"message":{"role":"assistant","content":"no"},"finish_reason":"stop"}]}"#;
    for (flags, environment, expected) in [
        (&[][..], None, ["max_tokens", "seed"].as_slice()),
        (&["--no-seed"], None, &["max_tokens"]),
        (&[], Some(("CLINSTRUCT_NO_SEED", "1")), &["max_tokens"]),
        (&["--token-parameter", "max_completion_tokens"], None, &["max_completion_tokens", "seed"]),
        (
            &["--no-seed"],
            Some(("CLINSTRUCT_TOKEN_PARAMETER", "max_completion_tokens")),
            &["max_completion_tokens"],
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (base, bodies) = listener(Some(answer));
        let mut command = clinstruct(dir.path());
        command
            .args(["build", "o", "--backend", "chat", "--model", "m", "--limit", "1"])
            .args(flags);
        command.args(["--part", STEMS[0], "--base-url", &base, "--pause", "20", "--yes"]);
        command.envs(environment).output().unwrap();
        let has_exactly = |body: &Value| {
            for name in ["max_tokens", "max_completion_tokens", "seed"] {
                assert_eq!(
                    body.get(name).is_some(),
                    expected.contains(&name),
                    "{flags:?}: {name} in {body}"
                );
            }
        };
        let body: Value = serde_json::from_str(&bodies.recv().unwrap()).unwrap();
        has_exactly(&body);
        // Saved with the run, and used by a command that is given none of it.
        for _ in bodies.try_iter() {}
        clinstruct(dir.path()).args(["resume", "o", "--limit", "2", "--yes"]).output().unwrap();
        let body: Value = serde_json::from_str(&bodies.recv().unwrap()).unwrap();
        has_exactly(&body);
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_after_the_timeout() {
    let dir = tempfile::tempdir().unwrap();
    let (base, bodies) = listener(None);
    let mut child = clinstruct(dir.path())
        .args(["build", "o", "--backend", "chat", "--model", "m", "--limit", "1", "--timeout", "1"])
        .args(["--part", STEMS[0], "--base-url", &base, "--pause", "20", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let twice = (0..2).all(|_| bodies.recv_timeout(Duration::from_mins(1)).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(twice, "a request is sent again once its answer has not come in time");
    let out = run(dir.path(), &["build", "p", "--timeout", "0"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
}

#[test]
fn rehearse_answers_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["0123456789abcdef0123456789abcdef", "row 1", "a/ü \"b\"\\n", "", "{}"];
    let mut input = String::new();
    for name in names {
        let line = serde_json::json!({
            "custom_id": name, "method": "POST", "url": "/v1/chat/completions",
            "body": { "model": "m", "messages": [{ "role": "user", "content": "Hello." }] },
        });
        input.push_str(&line.to_string());
        input.push_str("\n\n");
    }
    fs::write(dir.path().join("in.jsonl"), input).unwrap();
    let out = run(dir.path(), &["rehearse", "in.jsonl", "out.jsonl", "--misbehave", "none"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let output = fs::read_to_string(dir.path().join("out.jsonl")).unwrap();
    let rows: Vec<Value> = output.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let told: Vec<&str> = rows.iter().map(|r| r["custom_id"].as_str().unwrap()).collect();
    assert_eq!(told, names);
    assert!(rows.iter().all(|r| r["response"]["status_code"] == 200), "{output}");
}
