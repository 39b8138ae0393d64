//! Uploads that stop at every request, and what readers make of what they leave.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde_json::json;
use tempfile::TempDir;

use crate::faults::{Fault, Faulty};
use crate::{
    ErrorKind, LocalFile, Location, MANIFEST, Patience, Progress, Result, Storage, Upload, Uploaded,
};

/// Size of a part in these tests.
const PART: u64 = 8;
/// A server that does not answer is not waited for.
const NONE: Patience = Patience { pause: Duration::ZERO, attempts: 1 };

type Files = BTreeMap<String, Vec<u8>>;

fn files(of: &[(&str, &str)]) -> Files {
    of.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_owned())).collect()
}

/// A run, and the same once it has grown: a file is gone, one is new, one has changed, one has not.
fn versions() -> [Files; 2] {
    [
        files(&[
            ("summary.json", "{1}"),
            ("conversations/a.jsonl", "rows of the first version, in some parts"),
            ("conversations/b c%.jsonl", "unchanged rows, in some parts too"),
            ("dataset/data/old.parquet", "gone"),
            ("empty", ""),
        ]),
        files(&[
            ("summary.json", "{2}"),
            ("conversations/a.jsonl", "rows of the second version, in some more parts"),
            ("conversations/b c%.jsonl", "unchanged rows, in some parts too"),
            ("dataset/data/new.parquet", "new, and as long as three parts"),
            ("empty", ""),
        ]),
    ]
}

/// A machine with the folder of a run.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &FilePath {
        self.0.path()
    }

    async fn upload(&self, to: &Storage, files: &Files) -> Result<Uploaded> {
        let listed: Vec<LocalFile> = files
            .iter()
            .map(|(name, bytes)| {
                let path = self.path().join("run").join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, bytes).unwrap();
                LocalFile { name: name.clone(), path }
            })
            .collect();
        let state = self.path().join("state.json");
        let upload = Upload { files: &listed, run: &json!({ "name": "test" }), state: &state };
        let mut last = Progress { bytes: 0, of: 0 };
        let done = to
            .upload_in_parts_of(PART, &upload, &mut |now: Progress| {
                assert!(now.bytes >= last.bytes && now.bytes <= now.of, "{now:?} after {last:?}");
                last = now;
            })
            .await;
        if done.is_ok() {
            assert_eq!(last.bytes, last.of);
        }
        done
    }
}

fn storage(server: &Arc<Faulty>, patience: Patience) -> Storage {
    let location = Location::parse("s3://bucket/runs/a%20run").unwrap();
    Storage::of_stores(location, server.clone(), server.clone(), patience, |_| {})
}

/// What a reader gets: the files of a complete run, each compared with its digest.
async fn read(from: &Storage) -> Result<Files> {
    let folder = tempfile::tempdir().unwrap();
    let manifest = from.finished().await?;
    from.download(&manifest, |_| true, folder.path()).await?;
    let read = |name: &String| (name.clone(), fs::read(folder.path().join(name)).unwrap());
    Ok(manifest.files.keys().map(read).collect())
}

/// The objects of a store, without manifests.
async fn objects(store: &InMemory) -> Files {
    use futures::StreamExt as _;
    let listed: Vec<_> = store.list(None).collect().await;
    let mut all = Files::new();
    for object in listed {
        let path = object.unwrap().location;
        let name = path.as_ref().strip_prefix("runs/a run/").unwrap().to_owned();
        if name != MANIFEST {
            all.insert(name, store.get(&path).await.unwrap().bytes().await.unwrap().to_vec());
        }
    }
    all
}

/// A server that has the first version, and the machine that uploaded it.
async fn first() -> (Arc<InMemory>, Machine) {
    let (store, machine) = (Arc::new(InMemory::new()), Machine::new());
    let server = Arc::new(Faulty::sound(&store));
    let done = machine.upload(&storage(&server, NONE), &versions()[0]).await.unwrap();
    assert_eq!((done.files, done.sent, done.removed), (5, 5, 0));
    (store, machine)
}

#[tokio::test]
async fn a_run_is_uploaded_and_read_and_what_has_not_changed_is_not_sent_again() {
    let [one, two] = versions();
    let (store, machine) = first().await;
    let server = Arc::new(Faulty::sound(&store));
    let at = storage(&server, NONE);
    assert_eq!(read(&at).await.unwrap(), one);

    let done = machine.upload(&at, &one).await.unwrap();
    assert_eq!((done.sent, done.bytes), (0, 0));
    server.asked.lock().unwrap().clear();
    let done = machine.upload(&at, &two).await.unwrap();
    assert_eq!((done.files, done.sent, done.removed), (5, 3, 1));
    let asked = server.asked.lock().unwrap().join("\n");
    assert!(!asked.contains("b c%") && !asked.contains("empty"), "{asked}");
    assert_eq!(read(&at).await.unwrap(), two);
    assert_eq!(objects(&store).await, two);

    // Another machine with the same run has nothing to send, and one with the first version sends it again.
    let other = Machine::new();
    assert_eq!(other.upload(&at, &two).await.unwrap().sent, 0);
    assert_eq!(other.upload(&at, &one).await.unwrap().sent, 3);
    assert_eq!(machine.upload(&at, &two).await.unwrap().sent, 3);
    assert_eq!(read(&at).await.unwrap(), two);
}

#[tokio::test]
async fn an_upload_that_stops_at_any_request_is_never_read_and_resumes() {
    let [one, two] = versions();
    for (lists_no_tags, forgets) in [(false, false), (true, false), (false, true)] {
        for fault in [Fault::Lost, Fault::Unanswered] {
            let mut at = 0;
            loop {
                let (store, machine) = first().await;
                let server = |fails_at| {
                    let mut server = Faulty::failing(&store, fails_at, fault);
                    (server.lists_no_tags, server.forgets) = (lists_no_tags, forgets);
                    Arc::new(server)
                };
                let failing = server(at);
                let stopped = machine.upload(&storage(&failing, NONE), &two).await;

                // What the reader gets is one version or the other, or an error.
                let sound = server(u64::MAX);
                match read(&storage(&sound, NONE)).await {
                    Ok(files) => assert!(files == one || files == two, "{at}: {files:?}"),
                    Err(e) => assert_eq!(e.kind, ErrorKind::Incomplete, "{at}: {e}"),
                }
                if stopped.is_ok() {
                    assert!(at >= failing.requests(), "{at}");
                    break;
                }

                // The machine goes on where it stopped.
                let before = failing.asked.lock().unwrap().clone();
                let again = server(u64::MAX);
                machine.upload(&storage(&again, NONE), &two).await.unwrap();
                assert_eq!(read(&storage(&sound, NONE)).await.unwrap(), two, "{at}");
                assert_eq!(objects(&store).await, two, "{at}");
                if !forgets {
                    let parts = |asked: &[String]| {
                        asked.iter().filter(|what| what.starts_with("part")).count()
                    };
                    let sent = parts(&before) + parts(&again.asked.lock().unwrap());
                    // All parts of both files, and again those that were in flight, or all of a file that was completed
                    // without an answer.
                    let again = if fault == Fault::Lost { 4 } else { 6 };
                    assert!(sent <= 6 + 4 + again, "{fault:?} {lists_no_tags} {at}: {sent}");
                }
                at += 1;
            }
            assert!(at > 20, "{at}");
        }
    }
}

#[tokio::test]
async fn an_upload_resumes_without_its_state_and_on_another_machine() {
    let [_, two] = versions();
    for at in [5, 9, 14] {
        let (store, machine) = first().await;
        let failing = Arc::new(Faulty::failing(&store, at, Fault::Lost));
        assert!(machine.upload(&storage(&failing, NONE), &two).await.is_err());
        let sound = storage(&Arc::new(Faulty::sound(&store)), NONE);
        Machine::new().upload(&sound, &two).await.unwrap();
        assert_eq!(read(&sound).await.unwrap(), two);
        // What the first machine remembers is no longer there: at worst it is sent again.
        machine.upload(&sound, &two).await.unwrap();
        assert_eq!(machine.upload(&sound, &two).await.unwrap().sent, 0);
        assert_eq!(read(&sound).await.unwrap(), two);
        assert_eq!(objects(&store).await, two);
    }
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let [_, two] = versions();
    let (store, machine) = first().await;
    let failing = Arc::new(Faulty::failing(&store, 3, Fault::Lost));
    let patient = Patience { pause: Duration::from_millis(1), attempts: 4 };
    let e = machine.upload(&storage(&failing, patient), &two).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unreachable);
    assert!(e.to_string().starts_with("cannot write s3://bucket/runs/a%20run/"), "{e}");

    for fails_at in 0..20 {
        for fault in [Fault::Lost, Fault::Unanswered] {
            let (store, machine) = first().await;
            let mut away = Faulty::failing(&store, fails_at, fault);
            away.recovers_at = fails_at + 3;
            let away = storage(&Arc::new(away), patient);
            machine.upload(&away, &two).await.unwrap();
            assert_eq!(read(&away).await.unwrap(), two);
            assert_eq!(objects(&store).await, two);
        }
    }
}

#[tokio::test]
async fn objects_that_are_not_what_was_sent_are_not_read_and_sent_again() {
    let [one, _] = versions();
    let key = Path::from("runs/a run/conversations/a.jsonl");
    for (wrong, is_seen) in [
        ("rows of the first version, in some part", true),
        ("rows of the first version, in some parts.", true),
        ("rows of the first version, in same parts", true),
        ("", true),
    ] {
        let (store, machine) = first().await;
        store.put(&key, wrong.as_bytes().to_vec().into()).await.unwrap();
        let at = storage(&Arc::new(Faulty::sound(&store)), NONE);
        let e = read(&at).await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::Changed, "{wrong}: {e}");
        let done = machine.upload(&at, &one).await.unwrap();
        assert_eq!(done.sent == 1, is_seen, "{wrong}");
        assert_eq!(read(&at).await.unwrap(), one);
    }
    let (store, machine) = first().await;
    store.delete(&key).await.unwrap();
    let at = storage(&Arc::new(Faulty::sound(&store)), NONE);
    assert_eq!(read(&at).await.unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(machine.upload(&at, &one).await.unwrap().sent, 1);
}

#[tokio::test]
async fn a_server_that_loses_what_it_has_acknowledged_is_sent_it_again() {
    let [one, two] = versions();
    let key = |name: &str| Path::parse(format!("runs/a run/{name}")).unwrap();
    // What it has forgotten when it is started again: files, or the manifest that says that an upload is under way.
    for lost in ["conversations/a.jsonl", "summary.json", MANIFEST] {
        for is_rolled_back in [false, true] {
            let (store, machine) = first().await;
            let before = store.get(&key(lost)).await.unwrap().bytes().await.unwrap();
            // Stopped before the last two requests.
            let failing = Arc::new(Faulty::failing(&store, 20, Fault::Lost));
            assert!(machine.upload(&storage(&failing, NONE), &two).await.is_err());
            if is_rolled_back {
                store.put(&key(lost), before.into()).await.unwrap();
            } else {
                store.delete(&key(lost)).await.unwrap();
            }
            let sound = storage(&Arc::new(Faulty::sound(&store)), NONE);
            match read(&sound).await {
                Ok(files) => assert!(files == one || files == two, "{lost}"),
                Err(e) => assert!(
                    matches!(
                        e.kind,
                        ErrorKind::Incomplete
                            | ErrorKind::NoRun
                            | ErrorKind::Changed
                            | ErrorKind::Missing
                    ),
                    "{lost}: {e}"
                ),
            }
            machine.upload(&sound, &two).await.unwrap();
            assert_eq!(read(&sound).await.unwrap(), two, "{lost}");
            assert_eq!(objects(&store).await, two, "{lost}");
        }
    }
}

#[tokio::test]
async fn of_two_uploads_at_once_none_is_taken_for_finished_that_is_not() {
    let [_, two] = versions();
    let (store, machine) = first().await;
    // The first is stopped before its manifest, the second begins, and the first goes on.
    for at in 6..20 {
        let failing = Arc::new(Faulty::failing(&store, at, Fault::Lost));
        let _ = machine.upload(&storage(&failing, NONE), &two).await;
        let other = Machine::new();
        let third = files(&[("summary.json", "{3}"), ("conversations/a.jsonl", &"x".repeat(46))]);
        let failing = Arc::new(Faulty::failing(&store, at, Fault::Lost));
        let _ = other.upload(&storage(&failing, NONE), &third).await;
        let sound = storage(&Arc::new(Faulty::sound(&store)), NONE);
        let done = machine.upload(&sound, &two).await;
        match read(&sound).await {
            Ok(files) => assert!(done.is_ok() && files == two, "{at}"),
            Err(e) => panic!("{at}: {e}"),
        }
    }
}

#[tokio::test]
async fn an_upload_that_another_one_has_overtaken_does_not_say_that_the_run_is_complete() {
    use futures::FutureExt as _;
    let (store, machine) = first().await;
    let at = storage(&Arc::new(Faulty::sound(&store)), NONE);
    let file = machine.path().join("run/summary.json");
    fs::write(&file, "{3}").unwrap();
    let files = [LocalFile { name: "summary.json".into(), path: file }];
    let state = machine.path().join("state.json");
    let upload = Upload { files: &files, run: &json!({}), state: &state };
    // Somebody else begins while the file is sent.
    let key = Path::parse(format!("runs/a run/{MANIFEST}")).unwrap();
    let theirs = r#"{"version": 1, "complete": false, "id": "theirs", "run": {}, "files": {}}"#;
    let mut begin = |_: Progress| {
        store.put(&key, theirs.into()).now_or_never().unwrap().unwrap();
    };
    let e = at.upload_in_parts_of(PART, &upload, &mut begin).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Overtaken);
    assert_eq!(read(&at).await.unwrap_err().kind, ErrorKind::Incomplete);
    at.upload(&upload, &mut |_| {}).await.unwrap();
    assert_eq!(read(&at).await.unwrap().keys().collect::<Vec<_>>(), ["summary.json"]);
}

#[tokio::test]
async fn a_server_that_comes_back_with_an_earlier_manifest_of_the_run_is_not_somebody_else() {
    use futures::FutureExt as _;
    let (store, machine) = first().await;
    let at = storage(&Arc::new(Faulty::sound(&store)), NONE);
    let key = Path::parse(format!("runs/a run/{MANIFEST}")).unwrap();
    let earliest = store.get(&key).await.unwrap().bytes().await.unwrap();
    let [_, two] = versions();
    machine.upload(&at, &two).await.unwrap();

    let file = machine.path().join("run/summary.json");
    fs::write(&file, "{4}").unwrap();
    let files = [LocalFile { name: "summary.json".into(), path: file }];
    let state = machine.path().join("state.json");
    let upload = Upload { files: &files, run: &json!({}), state: &state };
    let mut back = |_: Progress| {
        store.put(&key, earliest.clone().into()).now_or_never().unwrap().unwrap();
    };
    at.upload_in_parts_of(PART, &upload, &mut back).await.unwrap();
    assert_eq!(read(&at).await.unwrap().keys().collect::<Vec<_>>(), ["summary.json"]);
}

#[tokio::test]
async fn nothing_is_there_and_a_file_is_no_run() {
    let (store, machine) = (Arc::new(InMemory::new()), Machine::new());
    let at = storage(&Arc::new(Faulty::sound(&store)), NONE);
    assert_eq!(read(&at).await.unwrap_err().kind, ErrorKind::NoRun);
    store.put(&Path::from("runs/a run").join(MANIFEST), "{}".into()).await.unwrap();
    assert_eq!(read(&at).await.unwrap_err().kind, ErrorKind::Manifest);
    // A manifest of something else is not overwritten.
    let e = machine.upload(&at, &versions()[0]).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Manifest);
    assert_eq!(objects(&store).await, Files::new());
    let e = machine.upload(&at, &files(&[(MANIFEST, "mine")])).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Refused);
}

#[tokio::test]
async fn a_single_file_is_read_if_its_run_is_complete_or_it_is_of_none() {
    let [one, two] = versions();
    let (store, machine) = first().await;
    let at = storage(&Arc::new(Faulty::sound(&store)), NONE);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| at.at(at.location().join(name));
    let name = "conversations/a.jsonl";
    let copy = file(name).download_file(folder.path()).await.unwrap();
    assert_eq!(
        (copy.file_name().unwrap(), &fs::read(&copy).unwrap()),
        ("a.jsonl".as_ref(), &one[name])
    );

    let failing = Arc::new(Faulty::failing(&store, 8, Fault::Lost));
    assert!(machine.upload(&storage(&failing, NONE), &two).await.is_err());
    let e = file("conversations/b c%.jsonl").download_file(folder.path()).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Incomplete);
    store.put(&Path::from("elsewhere/x.jsonl"), "row".into()).await.unwrap();
    let elsewhere = at.at(Location::parse("s3://bucket/elsewhere/x.jsonl").unwrap());
    let copy = elsewhere.download_file(folder.path()).await.unwrap();
    assert_eq!(fs::read(copy).unwrap(), b"row");
    let nothing = at.at(Location::parse("s3://bucket/elsewhere/y.jsonl").unwrap());
    assert_eq!(nothing.download_file(folder.path()).await.unwrap_err().kind, ErrorKind::Missing);
}
