//! The backend fulfils the contract.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clinstruct_batch_client::BatchBackend;
use clinstruct_batch_client::openai::read_line;
use clinstruct_testkit::contract::{Sent, contract};
use folder_backend::Folder;
use serde_json::json;

/// All requests of all jobs, one per line.
fn requests(folder: &Path) -> Vec<(std::path::PathBuf, String)> {
    let jobs = fs::read_dir(folder).into_iter().flatten().flatten();
    jobs.filter_map(|job| {
        Some((job.path(), fs::read_to_string(job.path().join("requests.jsonl")).ok()?))
    })
    .collect()
}

/// Answers every open job.
fn answer(folder: &Path) {
    for (job, requests) in requests(folder) {
        if job.join("answers.jsonl").exists() {
            continue;
        }
        let mut rows = String::new();
        for line in requests.lines() {
            let (id, request) = read_line(line.as_bytes()).unwrap();
            let row = json!({"custom_id": id, "response": {"status_code": 200, "body": {
                "model": request.model,
                "choices": [{"message": {"content": "An answer."}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 3},
            }}, "error": null});
            rows.push_str(&format!("{row}\n"));
        }
        fs::write(job.join("partial"), rows).unwrap();
        fs::rename(job.join("partial"), job.join("answers.jsonl")).unwrap();
    }
}

#[tokio::test]
async fn keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_owned();
    let done = Arc::new(AtomicBool::new(false));
    let worker = std::thread::spawn({
        let (folder, done) = (folder.clone(), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Relaxed) {
                answer(&folder);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    let make = async || Arc::new(Folder { folder: folder.clone() }) as Arc<dyn BatchBackend>;
    let sent = || requests(&folder).into_iter().map(|(_, requests)| requests).collect();
    contract(make, Sent::Seen(&sent)).await;
    done.store(true, Ordering::Relaxed);
    worker.join().unwrap();
}
