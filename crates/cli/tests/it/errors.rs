//! Every error that the command line can be brought to, with its hint and its exit code, pinned in `errors.txt`. Hints of
//! errors that cannot be brought about from outside are pinned beside the errors.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use clinstruct_store::{Durability, Store};

use crate::pinned::{self, Transcript};
use crate::provider::{KEY, Loopback, config};
use crate::{append, clinstruct, json, resources};

const ROWS: &str = "multiturn_specialty_x_domain.jsonl";

/// The command with these words.
fn with(dir: &Path, words: &str) -> Command {
    let mut command = clinstruct(dir);
    command.args(shlex::split(words).unwrap()).env("CLINSTRUCT_MODELS", dir.join("models"));
    command.stdin(Stdio::null());
    command
}

/// A copy of a run that a test may damage.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

fn settings(dir: &Path, all: &mut Transcript<'_>) {
    all.about("flags and settings");
    for words in [
        "build --nonsense",
        "build --wibble",
        "build --sampel 3",
        "build --limit 3 --sample 3 --out x",
        "build --shard 0/4",
        "build --shard 5/4",
        "build --shard 1/0",
        "build --shard a/b",
        "build --shard 3",
        "merge",
        "merge nowhere",
        "build --limit 0",
        "build --limit many",
        "build --limit -3",
        "build --seed -1",
        "build --rows-per-job 2.5",
        "build --backend openia",
        "build --part nonsense",
        "build --part task-topik",
        "build --jobs 0",
        "build --max-cost=-1",
        "build --split 0.9,0.9",
        "build --misbehave sulk=0.1",
        "build --misbehave cut=7",
        "build --role user",
        "build --role nobody=m",
        "build --backend-option nonsense",
        "build --backend openai",
        "build --backend chat --base-url http://127.0.0.1:9/v1",
        "build --backend chat --model m",
        "build --backend chat --model m --base-url localhost:8000",
        "build --backend openai --profile nobody",
        "build --backend command --model m",
        "submit --backend chat --model m --base-url http://127.0.0.1:9/v1",
        "estimate --backend openai --model unheard-of",
        "estimate --backend openai --model gpt4o-mini",
        "estimate --model gpt-4o --price cheap",
        "estimate --model gpt-4o --answer-tokens user",
        "estimate --model gpt-4o --answer-tokens user=many",
        "estimate --model gpt-4o --answer-tokens nobody=5",
        "status one --out two",
        "build --out ftp://host/run",
        "build --out 's3://bucket/run?key=secret'",
        "build --out file://data/run",
        "build --work here --out there",
        "resume s3://bucket/run",
        "export s3://bucket/run",
        "export s3://bucket/run --only accepted --to x",
        "check file:///nowhere/run",
        "check file:///nowhere/rows.jsonl",
        "merge file:///nowhere/shard",
    ] {
        all.add(&mut with(dir, words));
    }
    let variables = [
        ("AWS_ACCESS_KEY_ID", "me"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    for allowed in ["false", "true"] {
        let mut command = with(dir, "build --limit 2 --pause 1 --out s3://bucket/run");
        all.add(command.envs(variables).env("AWS_ALLOW_HTTP", allowed));
    }
    let file = dir.join("clinstruct.toml");
    for text in ["nonsense = 1\n", "backend = \"nobody\"\n"] {
        fs::write(&file, text).unwrap();
        all.add(&mut with(dir, "plan"));
    }
    fs::remove_file(file).unwrap();
}

fn of_resources(dir: &Path, all: &mut Transcript<'_>) {
    all.about("resources");
    all.add(&mut with(dir, "plan --resources absent"));
    let mine = dir.join("mine");
    resources(&mine);
    append(&mine.join("tasks.toml"), "\n[[task]]\nid = \"half\"\nname = \"Half\"\n");
    let part = mine.join("parts/1-specialty-x-domain.toml");
    let text = fs::read_to_string(&part).unwrap();
    fs::write(&part, text.replace("chat = 0.35", "chat = 0.25")).unwrap();
    all.add(&mut with(dir, "check --resources mine nothing.jsonl"));
    fs::write(mine.join("tasks.toml"), b"\xff").unwrap();
    all.add(&mut with(dir, "plan --resources mine"));
    fs::remove_dir_all(&mine).unwrap();
    resources(&mine);
    append(&mine.join("templates/user_system.j2"), "{{ phrases[\"no-such-phrase\"] }}");
    all.add(&mut with(dir, "build --resources mine --out unbegun"));
}

fn folders(dir: &Path, all: &mut Transcript<'_>) {
    all.about("folders and files of a run");
    for words in [
        "status nowhere",
        "resume nowhere",
        "show nowhere",
        "cancel nowhere",
        "report nowhere",
        "export nowhere",
        "serve nowhere",
        "show run nothing",
        "cancel run nothing",
        "requests --row nothing",
        "try --row nothing",
        "reviews run",
        "build run --limit 2 --seed 2",
        "conversations run --limit 1",
        "man --to file/man",
        "build --limit 1 --out file/run",
    ] {
        all.add(&mut with(dir, words));
    }
    let damaged = dir.join("damaged");
    copy(&dir.join("run"), &damaged);
    fs::write(damaged.join("summary.json"), "{}").unwrap();
    all.add(&mut with(dir, "report damaged"));
    fs::write(damaged.join("summary.json"), "{\"schema_version\": 77}").unwrap();
    all.add(&mut with(dir, "report damaged"));
    fs::copy(dir.join("run/summary.json"), damaged.join("summary.json")).unwrap();
    let annotations = damaged.join("annotations").join(ROWS);
    append(&annotations, "{}\n");
    all.add(&mut with(dir, "export damaged"));
    fs::remove_file(&annotations).unwrap();
    all.add(&mut with(dir, "export damaged"));
    fs::copy(dir.join("run/annotations").join(ROWS), &annotations).unwrap();
    fs::write(damaged.join("conversations").join(ROWS), "{}\n").unwrap();
    all.add(&mut with(dir, "export damaged"));
    fs::create_dir_all(damaged.join("viewer")).unwrap();
    fs::write(damaged.join("viewer/reviews.sqlite"), "no reviews at all, but a text").unwrap();
    fs::copy(dir.join("run/conversations").join(ROWS), damaged.join("conversations").join(ROWS))
        .unwrap();
    all.add(&mut with(dir, "reviews damaged"));

    fs::create_dir(dir.join("journal")).unwrap();
    let journal = dir.join("journal/run.sqlite");
    fs::write(&journal, "no journal at all, but a text that is long enough").unwrap();
    all.add(&mut with(dir, "status journal"));
    fs::write(&journal, "").unwrap();
    all.add(&mut with(dir, "status journal"));
    let mut bytes = fs::read(dir.join("run/run.sqlite")).unwrap();
    // Offset 60 of a SQLite file holds the user version: https://www.sqlite.org/fileformat.html.
    bytes[60..64].copy_from_slice(&77_u32.to_be_bytes());
    fs::write(&journal, &bytes).unwrap();
    all.add(&mut with(dir, "build --limit 1 --out journal"));
    let _first = Store::open(&dir.join("locked"), Durability::Fast).unwrap();
    all.add(&mut with(dir, "build --limit 1 --out locked"));
}

fn datasets(dir: &Path, all: &mut Transcript<'_>) {
    all.about("datasets, servers and models");
    for (name, text) in [
        ("rows.xyz", "text"),
        ("broken.json", "{"),
        ("empty.jsonl", ""),
        ("other.jsonl", "{\"a\": 1}\n"),
        ("short.jsonl", "{\"question\": \"too short\"}\n"),
        ("damaged.parquet", "PAR1 and no more PAR1"),
        ("weights.gguf", "GGUF and no more"),
    ] {
        fs::write(dir.join(name), text).unwrap();
    }
    fs::create_dir(dir.join("nothing")).unwrap();
    for words in [
        "check absent.jsonl",
        "check rows.xyz",
        "check broken.json",
        "check empty.jsonl",
        "check other.jsonl",
        "check damaged.parquet",
        "check short.jsonl --similar 7",
        "check short.jsonl --eval short.jsonl",
        "check short.jsonl --eval short.jsonl:answer",
        "rehearse absent.jsonl out.jsonl",
        "rehearse other.jsonl out.jsonl",
        "serve nothing",
        "publish unnamed run --rehearsal",
        "publish lab/chats --folder nothing",
        "publish lab/chats run",
        "publish lab/chats run --rehearsal",
        "model path nothing",
        "model path smollm2-135m",
        "model fetch nothing",
        "model path smollm2-315m",
        "model fetch weights.gguf --sha256 short",
    ] {
        all.add(&mut with(dir, words));
    }
    let sum = "0".repeat(64);
    all.add(&mut with(dir, &format!("model fetch weights.gguf --sha256 {sum}")));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut serve = with(dir, "serve run --port");
    // The port is not the same twice, so the line of the command is told without it.
    let output = serve.arg(port.to_string()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("hint: name another port with --port"), "{text}");
    assert_eq!(output.status.code(), Some(2), "{text}");
}

fn providers(dir: &Path, all: &mut Transcript<'_>) {
    all.about("providers");
    let mut slow = config();
    slow.polls_until_done = 1_000_000;
    let served = Loopback::start(slow);
    let command = |backend: &str, words: &str| {
        let words = shlex::split(words).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = served.command(dir, backend, &words);
        command.stdin(Stdio::null());
        command
    };
    let keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CLINSTRUCT_API_KEY"];
    for backend in ["openai", "anthropic", "chat"] {
        let mut wrong = command(backend, "build --limit 2");
        for name in keys {
            wrong.env(name, "sk-wrong-9876543210zyxwvuTSRQ");
        }
        all.add(&mut wrong);
    }
    let mut nobody = clinstruct(dir);
    nobody.env("OPENAI_API_KEY", KEY).stdin(Stdio::null());
    all.add(nobody.args(["build", "--backend", "openai", "--limit", "1", "--out", "unpaid"]));
    let mut nobody = with(dir, "try --backend openai");
    all.add(nobody.env("OPENAI_API_KEY", KEY));

    fs::remove_dir_all(dir.join("o")).unwrap();
    assert!(command("openai", "submit --limit 2").status().unwrap().success());
    all.add(command("openai", "submit --limit 2").env("OPENAI_API_KEY", "sk-of-another-project"));
    drop(served);

    fs::remove_dir_all(dir.join("o")).unwrap();
    let served = Loopback::start(config());
    let small = ["build", "--limit", "1", "--part", "specialty-domain"];
    let built = served.command(dir, "openai", &small).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    all.add(served.command(dir, "openai", &small).args(["--role", "user=gpt-4o-mini"]));

    let mut known = config();
    known.models = vec!["another".into()];
    fs::remove_dir_all(dir.join("o")).unwrap();
    let served = Loopback::start(known);
    all.add(served.command(dir, "openai", &["build", "--limit", "2"]).stdin(Stdio::null()));
    all.add(&mut with(
        dir,
        "build --backend command --command 'false {input} {output}' --model m --limit 2 --out failed --pause 1",
    ));
    all.add(&mut with(
        dir,
        "try --backend command --command 'false {input} {output}' --model m --out failed --pause 1",
    ));
}

/// A device that is always full takes nothing from stdout.
#[cfg(target_os = "linux")]
fn full_disk(dir: &Path, all: &mut Transcript<'_>) {
    all.about("a full disk");
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = with(dir, "plan").stdout(full()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    all.text.push_str("$ clinstruct plan > /dev/full\n");
    all.text.push_str(&text.replace("28", "N"));
}

#[cfg(target_os = "linux")]
#[test]
fn every_error_is_pinned_with_its_hint() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let small = ["build", "--limit", "2", "--part", "specialty-domain", "--out", "run", "--json"];
    json(dir, &small);
    fs::write(dir.join("file"), "text").unwrap();
    let mut all = Transcript::new(dir);
    settings(dir, &mut all);
    of_resources(dir, &mut all);
    folders(dir, &mut all);
    datasets(dir, &mut all);
    providers(dir, &mut all);
    full_disk(dir, &mut all);
    let text = all.text;
    for block in text.split("\n$ ").filter(|block| block.contains("error: ")) {
        // The parser of arguments has sentences of its own.
        let of_clap = block.contains("For more information, try '--help'.");
        assert!(of_clap || block.contains("\nhint: "), "an error without a hint: {block}");
    }
    pinned::compare("errors.txt", &text);
}
