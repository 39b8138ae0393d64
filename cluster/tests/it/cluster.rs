//! On a cluster of processes on this machine.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clinstruct_cluster::{Error, Options, curate};

use crate::data::{Written, built, inputs, write};

/// How long to wait for what a process is expected to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that ends with the test.
struct Process(Child);

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clinstruct-cluster"));
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// As `kill -9` does.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Ports that were free a moment ago.
fn ports<const N: usize>() -> [String; N] {
    let bound = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    bound.map(|listener| listener.local_addr().unwrap().port().to_string())
}

/// Waits until something is so.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Cluster {
    address: String,
    _scheduler: Process,
    executors: [Process; 2],
    folders: [tempfile::TempDir; 2],
}

impl Cluster {
    fn start() -> Self {
        let [port, first, second] = ports();
        let address = format!("127.0.0.1:{port}");
        let scheduler = Process::start(&["scheduler", "--port", &port, "--lost-after", "10"]);
        wait_for("the scheduler listens", || std::net::TcpStream::connect(&address).is_ok());
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let executors = [(&first, &folders[0]), (&second, &folders[1])].map(|(port, folder)| {
            let folder = folder.path().to_str().unwrap();
            let common = ["executor", "--scheduler", &address, "--memory", "300MB", "--tasks", "1"];
            Process::start(&[&common[..], &["--port", port, "--folder", folder]].concat())
        });
        Self { address, _scheduler: scheduler, executors, folders }
    }

    fn options(&self) -> Options {
        let scheduler = Some(self.address.clone());
        let limit = PATIENCE;
        Options { scheduler, partitions: 4, group: 1 << 20, limit, ..Options::default() }
    }
}

/// Whether an executor has data that tasks of another stage read.
fn has_shuffled(folder: &Path) -> bool {
    let entries = |folder: &Path| folder.read_dir().into_iter().flatten().flatten();
    // Job, stage, file.
    entries(folder)
        .flat_map(|job| entries(&job.path()).collect::<Vec<_>>())
        .any(|stage| entries(&stage.path()).next().is_some())
}

#[test]
fn two_executors_curate_a_run_as_a_build_does() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 3000);
    let expected = built(dir.path());
    let cluster = Cluster::start();
    curate(dir.path(), &inputs(), &cluster.options()).unwrap();
    assert_eq!(Written::of(dir.path()), expected);
    assert!(cluster.folders.iter().all(|folder| has_shuffled(folder.path())));
}

#[test]
fn an_executor_that_is_killed_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 12_000);
    let expected = built(dir.path());
    let mut cluster = Cluster::start();
    let options = cluster.options();
    std::thread::scope(|scope| {
        let curating = scope.spawn(|| curate(dir.path(), &inputs(), &options));
        // It dies with data that later stages need.
        wait_for("the first executor has data", || {
            assert!(!curating.is_finished(), "it ended too early");
            has_shuffled(cluster.folders[0].path())
        });
        cluster.executors[0].kill();
        assert!(!curating.is_finished());
        curating.join().unwrap().unwrap();
    });
    assert_eq!(Written::of(dir.path()), expected);
}

#[test]
fn a_scheduler_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 20);
    let [port] = ports();
    let scheduler = Some(format!("127.0.0.1:{port}"));
    let error = curate(dir.path(), &inputs(), &Options { scheduler, ..Options::default() });
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().ends_with(&port));
    assert!(error.hint().unwrap().contains("clinstruct-cluster scheduler"));
}

#[test]
fn a_scheduler_without_executors_does_not_wait_forever() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 20);
    let [port] = ports();
    let address = format!("127.0.0.1:{port}");
    let _scheduler = Process::start(&["scheduler", "--port", &port]);
    wait_for("the scheduler listens", || std::net::TcpStream::connect(&address).is_ok());
    let (scheduler, limit) = (Some(address), Duration::from_millis(200));
    let options = Options { scheduler, limit, ..Options::default() };
    let error = curate(dir.path(), &inputs(), &options).unwrap_err();
    assert!(matches!(error, Error::Slow { .. }), "{error}");
}
