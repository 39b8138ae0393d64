//! Runs against paid providers: requests, payments, and messages on refusal.

use std::process::Output;

use serde_json::Value;

use crate::provider::{KEY, Loopback, config};
use crate::{files, json};

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn lines(file: &[u8]) -> usize {
    String::from_utf8_lossy(file).lines().count()
}

const SMALL: [&str; 3] = ["build", "--limit", "3"];

#[test]
fn each_backend_makes_the_dataset() {
    let mut seen = Vec::new();
    for backend in ["openai", "anthropic", "chat"] {
        let dir = tempfile::tempdir().unwrap();
        let served = Loopback::start(config());
        let out = served.run(dir.path(), backend, &SMALL);
        assert_eq!(out.status.code(), Some(0), "{backend}: {}", text(&out));
        let counts = served.provider.counts();
        assert_eq!(counts.rows_billed_twice, 0, "{backend}");
        // Uploaded files are deleted; output files remain at the provider.
        assert_eq!((counts.uploads > 0, counts.uploads_kept), (backend == "openai", 0));
        let status = json(dir.path(), &["status", "--out", "o", "--json"]);
        assert_eq!(status["usage"]["prompt_tokens"].as_u64(), Some(counts.prompt_tokens));
        assert_eq!(status["answered"].as_u64(), Some(counts.rows_billed), "{backend}");
        assert!(status["usd_spent"].as_f64().unwrap() > 0.0, "{backend}");
        assert_eq!(status["usd_reserved"].as_f64(), Some(0.0), "{backend}");
        let turns = status["turns"].as_array().unwrap();
        let sum = |key: &str| turns.iter().filter_map(|t| t[key].as_u64()).sum::<u64>();
        assert_eq!((sum("answered"), sum("waiting")), (counts.rows_billed, 0), "{status:#}");
        // Conversation lengths are drawn: with so few rows the expectation is close, not exact.
        assert!(
            sum("expected").abs_diff(counts.rows_billed) * 20 < counts.rows_billed,
            "{status:#}"
        );
        let rows: usize =
            files(&dir.path().join("o"), "conversations").values().map(|f| lines(f)).sum();
        seen.push(rows);
        // A second call requests nothing.
        let again = served.run(dir.path(), backend, &SMALL);
        assert_eq!(again.status.code(), Some(0), "{}", text(&again));
        assert_eq!(served.provider.counts().rows_billed, counts.rows_billed);
    }
    // Two prompts have the emergency instruction, and one conversation each.
    assert_eq!(seen, [28, 28, 28]);
}

#[test]
fn roles_can_have_models_and_backends_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    let base = format!("{}/v1", served.provider.url());
    let mut command = served.command(dir.path(), "openai", &SMALL);
    command.args(["--role", "user=chat:tiny:1b", "--role", "prompt-writer=gpt-4o-mini"]);
    let out = command.env("CLINSTRUCT_BASE_URL", base).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let jobs = json(dir.path(), &["jobs", "--out", "o", "--json"]);
    let mut routes: Vec<&str> =
        jobs["jobs"].as_array().unwrap().iter().map(|j| j["route"].as_str().unwrap()).collect();
    routes.sort_unstable();
    routes.dedup();
    assert_eq!(routes, ["chat tiny:1b", "openai gpt-4o", "openai gpt-4o-mini"]);
}

#[test]
fn nothing_is_sent_before_somebody_agrees_to_pay() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    let mut command = crate::clinstruct(dir.path());
    let base = format!("{}/v1", served.provider.url());
    command.args(["build", "--backend", "openai", "--limit", "2", "--out", "o"]);
    let out = command.args(["--base-url", &base]).env("OPENAI_API_KEY", KEY).output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("--yes"), "{}", text(&out));
    assert!(text(&out).contains("the whole run: about $"), "{}", text(&out));
    assert_eq!(served.provider.counts().calls, 0);
}

#[test]
fn the_cap_holds_and_the_run_goes_on_with_a_higher_one() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    let capped = [&SMALL[..], &["--max-cost", "0.09", "--rows-per-job", "5"]].concat();
    let out = served.run(dir.path(), "openai", &capped);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("--max-cost"), "{}", text(&out));
    let spent = |dir: &std::path::Path| {
        json(dir, &["status", "--out", "o", "--json"])["usd_spent"].as_f64().unwrap()
    };
    let first = spent(dir.path());
    assert!(first > 0.0 && first <= 0.09, "{first}");
    let more = [&SMALL[..], &["--max-cost", "5"]].concat();
    let out = served.run(dir.path(), "openai", &more);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(served.provider.counts().rows_billed_twice, 0);
    assert!(spent(dir.path()) > first);
}

/// The ledger of a run and an estimate with known answer lengths agree.
#[test]
fn estimate_and_ledger_agree() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    let said = std::sync::Arc::clone(&config.answer);
    config.answer = std::sync::Arc::new(move |request, id| {
        let mut answer = said(request, id);
        let count = |t: &str| bpe_openai::o200k_base().count(t) as u64;
        let schema = request.json_schema.as_ref().map_or(0, |s| count(&s.schema));
        answer.prompt_tokens =
            request.messages.iter().map(|m| 4 + count(&m.content)).sum::<u64>() + 3 + schema;
        answer.completion_tokens = count(&answer.text);
        answer
    });
    let served = Loopback::start(config);
    let limit = ["--limit", "60"];
    let out = served.run(dir.path(), "openai", &[&["build"][..], &limit].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    // Mean lengths of the texts, by speaker.
    let mut lengths = std::collections::BTreeMap::<String, (f64, f64)>::new();
    for (_, file) in files(&dir.path().join("o"), "conversations") {
        for line in String::from_utf8(file).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            for turn in row["provenance"]["turns"].as_array().unwrap() {
                let tokens = turn["usage"]["completion_tokens"].as_f64().unwrap();
                let speaker = turn["speaker"].as_str().unwrap().replace('_', "-");
                let slot = lengths.entry(speaker).or_default();
                *slot = (slot.0 + tokens, slot.1 + 1.0);
            }
        }
    }
    let mut args: Vec<String> =
        ["estimate", "--model", "gpt-4o", "--json"].map(String::from).to_vec();
    args.extend(limit.map(String::from));
    for (speaker, (sum, n)) in &lengths {
        // A request of part 3 asks for four prompts at once: its length is that of all of them.
        if speaker != "prompt-writer" {
            args.extend(["--answer-tokens".into(), format!("{speaker}={}", sum / n)]);
        }
    }
    let prompts: f64 = files(&dir.path().join("o"), "prompts")
        .values()
        .flat_map(|f| {
            String::from_utf8(f.clone()).unwrap().lines().map(String::from).collect::<Vec<_>>()
        })
        .map(|l| {
            bpe_openai::o200k_base()
                .count(serde_json::from_str::<Value>(&l).unwrap()["prompt"].as_str().unwrap())
                as f64
                + 6.0
        })
        .sum::<f64>();
    let many: usize = files(&dir.path().join("o"), "prompts").values().map(|f| lines(f)).sum();
    args.extend(["--answer-tokens".into(), format!("prompt-writer={}", prompts / many as f64)]);
    // Facts come with the messages about a patient only.
    let rows: Vec<Value> = files(&dir.path().join("o"), "prompts")
        .values()
        .flat_map(|file| {
            let text = String::from_utf8(file.clone()).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        })
        .filter(|row: &Value| !row["frame"]["patient"].is_null())
        .collect();
    let tokens =
        |row: &Value| bpe_openai::o200k_base().count(&row["stated"]["facts"].to_string()) as f64;
    let records = rows.iter().map(tokens).sum::<f64>() / rows.len() as f64;
    args.extend(["--answer-tokens".into(), format!("record={records}")]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let estimated = json(dir.path(), &args)["usd"].as_f64().unwrap();
    let spent =
        json(dir.path(), &["status", "--out", "o", "--json"])["usd_spent"].as_f64().unwrap();
    let ratio = estimated / spent;
    assert!((0.95..1.05).contains(&ratio), "estimated {estimated}, spent {spent}");
}

/// A program of one's own sends no bill: ledger and estimate show that.
#[test]
fn what_costs_nothing_is_estimated_so() {
    let dir = tempfile::tempdir().unwrap();
    for backend in ["rehearsal", "command", "llama"] {
        let args =
            ["estimate", "--backend", backend, "--model", "M", "--price", "2.5:10", "--json"];
        let told = json(dir.path(), &[&args[..], &["--limit", "2"]].concat());
        for name in ["usd", "usd_low", "usd_high"] {
            assert_eq!(told[name], 0.0, "{backend}, {name}");
        }
        assert!(told["requests"].as_u64().unwrap() > 0, "{backend}");
    }
    let program = format!(
        "{} rehearse {{input}} {{output}} --misbehave none",
        env!("CARGO_BIN_EXE_clinstruct")
    );
    let args =
        ["build", "--backend", "command", "--model", "M", "--price", "2.5:10", "--limit", "1"];
    let args = [&args[..], &["--out", "o", "--pause", "20", "--command", &program]].concat();
    let out = crate::run(dir.path(), &args);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let told = json(dir.path(), &["status", "--out", "o", "--json"]);
    assert_eq!(told["usd_spent"], 0.0);
}

#[test]
fn what_a_provider_refuses_is_one_clear_error() {
    for backend in ["openai", "anthropic", "chat"] {
        let dir = tempfile::tempdir().unwrap();
        let served = Loopback::start(config());
        let wrong = "sk-wrong-9876543210zyxwvuTSRQ";
        let mut command = served.command(dir.path(), backend, &SMALL);
        for name in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CLINSTRUCT_API_KEY"] {
            command.env(name, wrong);
        }
        let out = command.output().unwrap();
        let said = text(&out);
        assert_eq!(out.status.code(), Some(3), "{backend}: {said}");
        assert!(said.contains("hint: check the key"), "{backend}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        for place in [said.clone(), everything(dir.path())] {
            for secret in [wrong, KEY, "9876543210", "TSRQ"] {
                assert!(!place.contains(secret), "{backend}: {secret} is told");
            }
        }

        let dir = tempfile::tempdir().unwrap();
        let mut known = config();
        known.models = vec!["another".into()];
        let served = Loopback::start(known);
        let out = served.run(dir.path(), backend, &SMALL);
        assert_eq!(out.status.code(), Some(3), "{backend}: {}", text(&out));
        assert!(text(&out).contains("gpt-4o"), "{backend}: {}", text(&out));

        let dir = tempfile::tempdir().unwrap();
        let mut poor = config();
        poor.quota_rows = Some(10);
        let served = Loopback::start(poor);
        let out = served.run(dir.path(), backend, &SMALL);
        assert_eq!(out.status.code(), Some(3), "{backend}: {}", text(&out));
        assert!(text(&out).contains("hint: add quota"), "{backend}: {}", text(&out));
        assert!(everything(dir.path()).len() > 100);
        assert!(!everything(dir.path()).contains(KEY));
    }
}

/// All bytes of all files of a run, raw responses decompressed.
fn everything(dir: &std::path::Path) -> String {
    let mut all = String::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let bytes = if path.extension().is_some_and(|e| e == "zst") {
                zstd::decode_all(&bytes[..]).unwrap_or(bytes)
            } else {
                bytes
            };
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    all
}

#[test]
fn another_model_or_account_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut slow = config();
    slow.polls_until_done = 1_000_000;
    let served = Loopback::start(slow);
    let out = served.run(dir.path(), "openai", &["submit", "--limit", "2"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let mut command = served.command(dir.path(), "openai", &["submit", "--limit", "2"]);
    let out = command.env("OPENAI_API_KEY", "sk-of-another-project").output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("--accept-change"), "{}", text(&out));

    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    assert_eq!(served.run(dir.path(), "openai", &SMALL).status.code(), Some(0));
    let mut command = served.command(dir.path(), "openai", &SMALL);
    let out = command.args(["--role", "user=gpt-4o-mini"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("gpt-4o-mini"), "{}", text(&out));
    // `resume` does not use rejected settings.
    let mut command = crate::clinstruct(dir.path());
    command.args(["resume", "--out", "o", "--yes"]).env("OPENAI_API_KEY", KEY);
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
}

#[test]
fn the_queue_of_the_provider_is_learnt_and_kept_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut narrow = config();
    narrow.queued_tokens = Some(6_000);
    let served = Loopback::start(narrow);
    let out = served.run(dir.path(), "openai", &["build", "--limit", "6"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(served.provider.counts().rows_billed_twice, 0);
}

#[test]
fn a_provider_that_is_away_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    served.provider.set_down(true);
    let mut child = served.command(dir.path(), "openai", &SMALL).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    served.provider.set_down(false);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_cancelled_job_gives_up_what_it_has_and_the_rest_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut slow = config();
    slow.polls_until_done = 3;
    let served = Loopback::start(slow);
    assert_eq!(
        served.run(dir.path(), "openai", &["submit", "--limit", "10"]).status.code(),
        Some(0)
    );
    let out = served.run(dir.path(), "openai", &["cancel"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let out = served.run(dir.path(), "openai", &["resume"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    let jobs = json(dir.path(), &["jobs", "--out", "o", "--json"]);
    assert_eq!(jobs["jobs"][0]["ended"], "cancelled");
    let (rows, answered) = (&jobs["jobs"][0]["rows"], &jobs["jobs"][0]["answered"]);
    assert!(
        answered.as_u64().unwrap() > 0 && answered.as_u64() < rows.as_u64(),
        "{}",
        jobs["jobs"][0]
    );
}

#[test]
fn reparse_asks_for_nothing_and_retry_asks_for_what_failed() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    assert_eq!(served.run(dir.path(), "openai", &SMALL).status.code(), Some(0));
    let before = files(&dir.path().join("o"), "conversations");
    let calls = served.provider.counts().calls;
    std::fs::remove_dir_all(dir.path().join("o/conversations")).unwrap();
    let out = served.run(dir.path(), "openai", &["reparse"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert_eq!(files(&dir.path().join("o"), "conversations"), before);
    assert_eq!(served.provider.counts().calls, calls);
    let out = served.run(dir.path(), "openai", &["retry", "--failed"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains("nothing failed that could be retried"), "{}", text(&out));
}
