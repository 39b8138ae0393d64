//! Files that no longer belong to the rows beside them.

use crate::{STEMS, json, run};

#[test]
fn what_a_finished_run_wrote_is_set_aside_while_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let part = ["--part", STEMS[1]];
    json(dir.path(), &[&["build", "run", "--limit", "1", "--json"], &part[..]].concat());
    assert!(out.join("dataset").is_dir() && out.join("report.html").is_file());
    run(dir.path(), &[&["submit", "run", "--limit", "3"], &part[..]].concat());
    let said = run(dir.path(), &["conversations", "run"]);
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    for name in ["dataset", "report.html", "summary.json"] {
        assert!(stderr.contains(name), "{stderr}");
        assert!(out.join("stale").join(name).exists(), "{name}");
        assert!(!out.join(name).exists(), "{name}");
    }
    // Nothing is there to be moved a second time.
    let said = run(dir.path(), &["conversations", "run"]);
    assert!(!String::from_utf8_lossy(&said.stderr).contains("moved"));
    json(dir.path(), &[&["build", "run", "--limit", "3", "--json"], &part[..]].concat());
    assert!(out.join("dataset").is_dir() && out.join("stale/dataset").is_dir());
}

#[test]
fn files_of_a_part_that_is_left_out_are_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let both = ["--part", STEMS[0], "--part", STEMS[1]];
    json(dir.path(), &[&["build", "run", "--limit", "1", "--json"], &both[..]].concat());
    let name = format!("conversations/{}.jsonl", STEMS[1]);
    let before = std::fs::read(out.join(&name)).unwrap();
    let fewer = ["build", "run", "--limit", "1", "--part", STEMS[0], "--accept-change"];
    let said = run(dir.path(), &fewer);
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && stderr.contains(&name), "{stderr}");
    assert_eq!(std::fs::read(out.join("stale").join(&name)).unwrap(), before);
    assert!(!out.join(&name).exists());
}
