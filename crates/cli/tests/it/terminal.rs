//! Terminal output: no control sequences, and no error when the reader stops.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_testkit::Answer;
use serde_json::Value;

use crate::provider::{Loopback, config};
use crate::{STEMS, clinstruct, run};

/// Sequences that clear the screen, change the title, fill the clipboard, hide a link, move back and reverse text.
const SEQUENCES: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}]52;c;AAAA\u{7}\u{1b}]8;;http://x/\u{1b}\\link\u{1b}]8;;\u{1b}\\\
                         \u{9b}31m\u{7f}\u{8}\rover\u{202e}txet\u{2066}";

fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Both outputs, asserted to be free of control sequences.
#[track_caller]
fn shown(out: &Output) -> (String, String) {
    let [out, err] = [&out.stdout, &out.stderr].map(|b| String::from_utf8(b.clone()).unwrap());
    for text in [&out, &err] {
        assert!(!text.contains(is_obeyed), "{text:?}");
    }
    (out, err)
}

#[test]
fn a_record_shows_no_sequences() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run(dir.path(), &["build", "--limit", "1", "--out", "o"]).status.success());
    for kind in ["conversations", "prompts", "rejected"] {
        let path = dir.path().join("o").join(kind).join(format!("{}.jsonl", STEMS[0]));
        let mut row = match fs::read_to_string(&path).unwrap().lines().next() {
            Some(line) => serde_json::from_str::<Value>(line).unwrap(),
            None => serde_json::json!({"id": "", "stage": "", "reason": "", "detail": ""}),
        };
        for key in ["id", "prompt", "stage", "reason", "detail"] {
            if row.get(key).is_some() {
                row[key] = format!("{key} {SEQUENCES}").into();
            }
        }
        if row.get("messages").is_some() {
            row["messages"][0]["role"] = SEQUENCES.into();
            row["messages"][1]["content"] = format!("line\none\ttab {SEQUENCES}").into();
        }
        fs::write(&path, row.to_string() + "\n").unwrap();
        let show = ["show", "--out", "o", "--kind", kind, "--part", STEMS[0]];
        let (out, _) = shown(&run(dir.path(), &show));
        assert!(out.contains("\\u{1b}[2J") && out.contains("\\u{9b}31m"), "{kind}: {out}");
        if kind == "conversations" {
            assert!(out.contains("line\none\ttab "), "{out}");
        }
        // JSON stays the same JSON.
        let (out, _) = shown(&run(dir.path(), &[&show[..], &["--json"]].concat()));
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), row, "{kind}");
    }
}

#[test]
fn errors_and_tables_show_no_sequences() {
    let dir = tempfile::tempdir().unwrap();
    // Without a slash, which would be a folder separator.
    let name = SEQUENCES.replace('/', "");
    let file = format!("{name}.jsonl");
    let row = |id: &str, text: &str| {
        serde_json::json!({"id": id, "prompt": text, name.as_str(): "a text of a few words more"})
            .to_string()
    };
    let prompt = format!("{SEQUENCES} A question that has eight words and some more?");
    let lines =
        [row(SEQUENCES, &prompt), row("b", &prompt), format!("{{\"{name}\": 1"), row("c", "d")];
    fs::write(dir.path().join(&file), lines.join("\n")).unwrap();
    let (out, err) = shown(&run(dir.path(), &["check", &file]));
    assert!(out.contains("b repeats \\u{1b}[2J"), "{out}");
    assert!(err.contains("row 3: not JSON") && err.contains("is not read"), "{err}");
    let (out, _) = shown(&run(dir.path(), &["check", &file, "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["files"][0], file.as_str());
    for (args, code) in [
        (vec!["check", &name], 2),
        (vec!["check", &file, "--eval", &name], 2),
        (vec!["show", "--out", &name], 2),
        (vec!["build", "--part", &name], 2),
        (vec!["build", "--limit", &name], 2),
        (vec![name.as_str()], 2),
        (vec!["build", "--resources", &name], 2),
        (vec!["status", "--out", &name], 2),
    ] {
        let out = run(dir.path(), &args);
        let (_, err) = shown(&out);
        assert!(err.contains("error: ") && err.contains("\\u{9b}"), "{args:?}: {err}");
        assert_eq!(out.status.code(), Some(code), "{args:?}: {err}");
    }
}

/// Colours are ours only: they come neither from arguments nor from resources.
#[test]
fn colours_let_nothing_else_through() {
    let dir = tempfile::tempdir().unwrap();
    let resources = dir.path().join("resources");
    crate::resources(&resources);
    let run = |args: &[&str]| {
        let mut command = clinstruct(dir.path());
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1").env("FORCE_COLOR", "1");
        let out = command.args(args).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        // The colours of the labels.
        let mut err = String::from_utf8(out.stderr).unwrap();
        for label in ["error: ", "hint: "] {
            for color in ["\u{1b}[1m\u{1b}[31m", "\u{1b}[1m\u{1b}[36m"] {
                err = err.replace(&format!("{color}{label}\u{1b}[0m"), label);
            }
        }
        err
    };
    assert!(run(&["build", "--limit", "x"]).contains('\u{1b}'));
    let typed = run(&["build", "--limit", "\u{1b}[2J\u{1b}]0;t\u{7}"]);
    assert!(!typed.contains(is_obeyed), "{typed:?}");
    crate::append(&resources.join("tasks.toml"), "\n[[task]]\nnot_a_key = \"\u{9b}2J\"\n");
    let mistake = run(&["plan", "--resources", "resources"]);
    assert!(!mistake.contains(is_obeyed), "{mistake:?}");
}

#[test]
fn a_log_in_json_is_one_object_per_line() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["build", "o", "--limit", "2", "--misbehave", "none", "--log-format", "json"];
    let out = run(dir.path(), &words);
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "");
    let text = String::from_utf8(out.stderr).unwrap();
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let name = |event: &Value| event["event"].as_str().unwrap().to_owned();
    for event in &events {
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
        assert_ne!(event["text"], "");
        let seconds = event["seconds"].as_f64().unwrap_or_default().to_string();
        assert!(seconds.split('.').nth(1).is_none_or(|d| d.len() <= 3), "{event}");
    }
    let phases: Vec<&str> =
        events.iter().filter(|e| name(e) == "phase").map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(phases, ["plan", "generate", "write", "curate", "summary", "dataset"]);
    let of = |wanted: &str| events.iter().filter(|e| name(e) == wanted).count();
    assert!(of("sent") > 0);
    assert_eq!(of("sent"), of("ended"));
    let end = events.last().unwrap();
    assert_eq!((name(end).as_str(), &end["was_finished"]), ("finished", &false.into()));
    assert_eq!(end["planned"], end["in_dataset"]);

    let again = run(dir.path(), &words);
    let text = String::from_utf8(again.stderr).unwrap();
    let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(end["was_finished"], true);
    let before = end["requests_answered"].as_u64().unwrap();
    assert!(
        text.contains(&format!("\"{before} requests answered: {before} before, 0 new\"")),
        "{text}"
    );

    // A run that grows counts what was there when it began.
    let more = ["build", "o", "--limit", "3", "--misbehave", "none", "--log-format", "json"];
    let text = String::from_utf8(run(dir.path(), &more).stderr).unwrap();
    let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let all = end["requests_answered"].as_u64().unwrap();
    let sum = format!("\"{all} requests answered: {before} before, {} new\"", all - before);
    assert!(all > before && text.contains(&sum), "{sum}: {text}");

    let wrong = run(dir.path(), &["status", "nowhere", "--log-format", "json"]);
    assert_eq!(wrong.status.code(), Some(2));
    let error: Value = serde_json::from_slice(&wrong.stderr).unwrap();
    assert_eq!(error["event"], "error");
    assert_eq!((&error["exit_code"], error["hint"].is_string()), (&2.into(), true));
}

#[test]
fn quiet_prints_errors_only_and_verbose_every_job() {
    let dir = tempfile::tempdir().unwrap();
    let build = ["build", "o", "--limit", "2", "--misbehave", "none"];
    let (out, err) = shown(&run(dir.path(), &[&build[..], &["-q"]].concat()));
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
    let (out, err) = shown(&run(dir.path(), &["status", "nowhere", "-q"]));
    assert!(out.is_empty() && err.starts_with("error: ") && err.contains("\nhint: "), "{err}");
    let (out, err) = shown(&run(dir.path(), &["build", "p", "--limit", "2", "-v"]));
    assert!(out.contains("all parts: ") && err.contains(" sent clinstruct-"), "{out}{err}");
    // The faults that a rehearsal injects are for those who want to see everything.
    let faults = ["--limit", "2", "--misbehave", "row_error=0.2"];
    let (_, err) = shown(&run(dir.path(), &[&["build", "q"][..], &faults].concat()));
    assert!(!err.contains("fault") && !err.contains("the provider"), "{err}");
    let (_, err) = shown(&run(dir.path(), &[&["build", "r", "-v"][..], &faults].concat()));
    assert!(err.contains("rehearsed fault of a row: "), "{err}");
    // The table is data; who wants it later gets it from the status.
    let (out, err) = shown(&run(dir.path(), &["status", "o", "-v"]));
    assert!(out.contains("all parts: ") && err.is_empty(), "{out}{err}");
}

#[test]
fn colors_are_chosen_by_flag_and_environment() {
    let dir = tempfile::tempdir().unwrap();
    for (flag, variables, has_colors) in [
        (None, &[][..], false),
        (Some("always"), &[("NO_COLOR", "1")][..], true),
        (Some("never"), &[("CLICOLOR_FORCE", "1")][..], false),
        (Some("auto"), &[("CLICOLOR_FORCE", "1")][..], true),
        (Some("auto"), &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")][..], false),
    ] {
        for words in [&["status", "nowhere"][..], &["status", "--nonsense"]] {
            let mut command = clinstruct(dir.path());
            command.env_remove("NO_COLOR").args(words).envs(variables.iter().copied());
            command.args(flag.iter().flat_map(|flag| ["--color", flag]));
            let err = String::from_utf8(command.output().unwrap().stderr).unwrap();
            assert_eq!(err.contains('\u{1b}'), has_colors, "{flag:?} {variables:?}: {err:?}");
        }
    }
}

#[test]
fn mistakes_in_resources_show_no_sequences() {
    let dir = tempfile::tempdir().unwrap();
    let resources = dir.path().join("resources");
    crate::resources(&resources);
    crate::append(
        &resources.join("tasks.toml"),
        &format!("\n# {SEQUENCES}\n[[task]]\nnot_a_key = \"{SEQUENCES}\"\n"),
    );
    let out = run(dir.path(), &["plan", "--resources", "resources"]);
    let (_, err) = shown(&out);
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains("tasks.toml"), "{err}");
}

#[test]
fn what_a_model_or_a_provider_says_is_shown_without_sequences() {
    let dir = tempfile::tempdir().unwrap();
    let mut answers = config();
    let engine = Rehearsal::new(Catalog::embedded().unwrap().instructions(), Rates::none(), None);
    answers.answer = Arc::new(move |request, id| {
        let text = engine.answer(request, id);
        // As a model would write it in its text; in JSON it is escaped.
        let text = if text.starts_with('{') {
            text.replacen("\"I", &format!("\"{} I", "\\u009b31m\\u202e"), 1)
        } else {
            text.replace(' ', " \u{202e}\u{2066}")
        };
        Answer::of_text(request, text)
    });
    let server = Loopback::start(answers);
    let out = server.run(dir.path(), "chat", &["try"]);
    let (out, err) = shown(&out);
    assert!(out.contains("[user]") && (out + &err).contains("\\u{202e}"), "{err}");

    // A provider's error, quoted from its body.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut vec![0; 1 << 16]);
            let body = serde_json::json!({"error": {"message": format!("no {SEQUENCES}"), "type": "invalid_request_error", "code": "invalid_api_key"}}).to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let base = format!("http://{address}/v1");
    let out = clinstruct(dir.path())
        .args(["try", "--backend", "chat", "--model", "m", "--yes", "--base-url", &base])
        .env("CLINSTRUCT_API_KEY", "sk-none")
        .output()
        .unwrap();
    let (_, err) = shown(&out);
    assert!(!out.status.success() && err.contains("error: "), "{err}");
}

/// Runs a command whose stdout nobody reads.
fn unread(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run(dir.path(), &["build", "--limit", "3", "--out", "o"]).status.success());
    fs::write(dir.path().join("d.jsonl"), "{\"prompt\": \"One question here?\"}\nno json\n")
        .unwrap();
    let quiet: [&[&str]; 12] = [
        &["plan", "--rows"],
        &["plan", "--json"],
        &["requests"],
        &["estimate", "--backend", "openai", "--model", "gpt-4o", "--limit", "2"],
        &["show", "--out", "o", "--random", "9"],
        &["show", "--out", "o", "--random", "9", "--json"],
        &["status", "--out", "o"],
        &["jobs", "--out", "o"],
        &["model", "list"],
        &["completions", "bash"],
        &["--help"],
        &["export", "--out", "o", "--format", "alpaca"],
    ];
    for args in quiet {
        let mut command = clinstruct(dir.path());
        command.args(args).env("HOME", dir.path());
        let out = unread(command);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {err}");
        assert_eq!(err, "", "{args:?}");
    }
    // The result is reported all the same.
    let mut command = clinstruct(dir.path());
    command.args(["check", "d.jsonl"]);
    let out = unread(command);
    assert_eq!(out.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&out.stderr).contains("error"));
    let mut command = clinstruct(dir.path());
    command.args(["build", "--limit", "1", "--out", "p"]);
    let out = unread(command);
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{err}");
    assert!(err.contains("report: p/report.html") && !err.contains("error"), "{err}");
}

/// `head` run by a shell, with the status of every command of the pipe.
#[test]
#[cfg(unix)]
fn head_ends_a_pipe_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let script = "set -o pipefail; \"$0\" plan --rows | head -n 1 | wc -l";
    let out = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_clinstruct")])
        .current_dir(Path::new(dir.path()))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "1");
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    assert_eq!(out.status.code(), Some(0));
}
