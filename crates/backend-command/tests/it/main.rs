//! The backend with programs of the shell.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_backend_command::{Command, Options};
use clinstruct_batch_client::{BatchBackend, Ended, JobRef, JobState, Shard, ShardTag, Wanted};
use clinstruct_testkit::contract::{Sent, contract, requests};
use futures::StreamExt as _;

/// Answers every line of its input as a model would.
const ANSWERS: &str = r#"sed -n 's/.*"custom_id":"\([0-9a-f]*\)".*/{"id":"r","custom_id":"\1","response":{"status_code":200,"body":{"model":"m","choices":[{"message":{"content":"An answer."},"finish_reason":"stop"}]}},"error":null}/p' "$0" > "$1""#;

fn script(folder: &Path, script: &str) -> Command {
    let command = ["sh", "-c", script, "{input}", "{output}"].map(String::from).to_vec();
    Command::new(Options::new(command, folder.to_owned())).unwrap()
}

async fn ended(backend: &Command, job: &JobRef) -> Ended {
    loop {
        match backend.poll(job).await.unwrap() {
            JobState::Ended(how) => return how,
            JobState::Running { .. } => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn shard(tag: &str) -> Shard {
    Shard::in_memory(ShardTag(tag.into()), requests(5))
}

#[tokio::test]
async fn keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let make = async || Arc::new(script(dir.path(), ANSWERS)) as Arc<dyn BatchBackend>;
    let inputs = || {
        let jobs = std::fs::read_dir(dir.path()).unwrap();
        let input = |job: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(job.unwrap().path().join("input.jsonl")).unwrap()
        };
        jobs.map(input)
            .flat_map(|file| file.lines().map(String::from).collect::<Vec<_>>())
            .collect()
    };
    contract(make, Sent::Seen(&inputs)).await;
}

#[tokio::test]
async fn a_program_that_fails_gives_up_what_it_wrote_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let half = format!(
        "{ANSWERS}; head -2 \"$1\" > \"$1.h\"; mv \"$1.h\" \"$1\"; echo 'out of memory' >&2; exit 9"
    );
    let backend = script(dir.path(), &half);
    let job = backend.submit(&shard("a")).await.unwrap();
    let Ended::Failed(why) = ended(&backend, &job).await else { unreachable!("it must fail") };
    let why = why.to_string();
    assert!(why.contains("code 9") && why.contains("out of memory"), "{why}");
    assert_eq!(backend.rows(&job).count().await, 2);
}

/// Another process finds a program that goes on, and one that was killed.
#[tokio::test]
async fn a_program_outlives_the_process_that_started_it() {
    let dir = tempfile::tempdir().unwrap();
    let slow = script(dir.path(), &format!("sleep 1; {ANSWERS}"));
    let job = slow.submit(&shard("slow")).await.unwrap();
    drop(slow);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let other = script(dir.path(), "exit 1");
    assert_eq!(
        other.find(&Wanted::tagged(ShardTag("slow".into()))).await.unwrap(),
        Some(job.clone())
    );
    assert_eq!(ended(&other, &job).await, Ended::Completed);
    assert_eq!(other.rows(&job).count().await, 5);

    let forever = script(dir.path(), "sleep 600");
    let job = forever.submit(&shard("forever")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(matches!(forever.poll(&job).await.unwrap(), JobState::Running { .. }));
    forever.cancel(&job).await.unwrap();
    assert_eq!(ended(&forever, &job).await, Ended::Cancelled);
}

#[test]
fn a_command_without_its_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for words in [&["prog"][..], &["prog", "{input}"], &["", "{input}", "{output}"], &[]] {
        let command = words.iter().map(|w| (*w).to_owned()).collect();
        assert!(Command::new(Options::new(command, dir.path().to_owned())).is_err(), "{words:?}");
    }
}
