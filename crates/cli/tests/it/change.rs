//! A second build of a folder: what may change without a flag, and what may not.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{STEMS, append, files, json, resources, rows, run};

/// Runs a command that must fail as wrong use, and returns its stderr.
fn refused(dir: &Path, args: &[&str]) -> String {
    let out = run(dir, args);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {said}");
    assert!(said.contains("--accept-change"), "{args:?}: {said}");
    said
}

/// All files that a build writes, by kind and name.
fn snapshot(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for kind in ["prompts", "situations", "conversations", "rejected", "annotations"] {
        all.extend(
            files(out, kind).into_iter().map(|(name, file)| (format!("{kind}/{name}"), file)),
        );
    }
    for name in ["summary.json", "report.html"] {
        all.push((name.to_owned(), fs::read(out.join(name)).unwrap()));
    }
    all
}

fn requests(summary: &Value) -> [u64; 2] {
    ["found", "requested"].map(|key| summary["call"][key].as_u64().unwrap())
}

const SMALL: [&str; 4] = ["build", "o", "--limit", "6"];

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

#[test]
fn what_would_change_or_drop_rows_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path(), &with(&SMALL, &["--json"]));
    let out = dir.path().join("o");
    let before = snapshot(&out);
    let count: usize = STEMS.iter().map(|s| rows(&out, "conversations", s).len()).sum();
    let more: usize = STEMS.iter().map(|s| rows(&out, "rejected", s).len()).sum();
    let all = count + more;

    let said = refused(dir.path(), &with(&SMALL, &["--seed", "2"]));
    assert!(said.contains("seed 1 -> 2"), "{said}");
    assert!(said.contains(&format!("{all} rows with answers would change\n")), "{said}");
    assert!(said.contains("in task-subtopic: 6 would change"), "{said}");

    let said = refused(dir.path(), &["build", "o", "--limit", "2"]);
    assert!(said.contains("limit 6 -> 2"), "{said}");
    assert!(said.contains("in specialty-domain: 4 would disappear"), "{said}");
    assert!(said.contains("in task-subtopic: 4 would disappear"), "{said}");
    assert!(!said.contains("change\n"), "{said}");

    let said = refused(dir.path(), &with(&SMALL, &["--part", STEMS[0]]));
    for expected in ["part task-subtopic left out", "part task-topic left out"] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(said.contains("in task-subtopic: 6 would disappear"), "{said}");
    assert!(!said.contains("in specialty-domain"), "{said}");

    // Other fault rates are another kind of rehearsal: all its rows would change.
    let said = refused(dir.path(), &with(&SMALL, &["--misbehave", "none"]));
    assert!(said.contains("model rehearsal of rehearsal -> rehearsal none of rehearsal"), "{said}");

    for command in ["submit", "resume", "retry"] {
        let failed: &[&str] = if command == "retry" { &["--failed"] } else { &[] };
        let said = refused(dir.path(), &with(&[command, "o", "--seed", "9"], failed));
        assert!(said.contains("seed 1 -> 9"), "{said}");
    }
    assert!(snapshot(&out) == before, "nothing was written");
    // The run does not continue with rejected settings.
    let again = json(dir.path(), &["resume", "o", "--json"]);
    assert_eq!(requests(&again), [0, 0]);
    assert_eq!(snapshot(&out)[..4], before[..4]);
}

#[test]
fn what_is_accepted_replaces_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path(), &with(&SMALL, &["--json"]));
    json(
        dir.path(),
        &["build", "fresh", "--limit", "2", "--seed", "2", "--part", STEMS[1], "--json"],
    );
    let changed = ["build", "o", "--limit", "2", "--seed", "2", "--part", STEMS[1], "--json"];
    refused(dir.path(), &changed);
    json(dir.path(), &with(&changed, &["--accept-change"]));
    let (out, fresh) = (dir.path().join("o"), dir.path().join("fresh"));
    for kind in ["prompts", "situations", "conversations", "rejected", "annotations"] {
        assert!(files(&out, kind) == files(&fresh, kind), "{kind}");
    }
    // Now these rows are the run's.
    let said = refused(dir.path(), &["build", "o", "--limit", "2", "--part", STEMS[1]]);
    assert!(said.contains("seed 2 -> 1"), "{said}");
    let again = json(dir.path(), &changed);
    assert_eq!(requests(&again), [0, 0]);
}

#[test]
fn growing_needs_no_flag_and_asks_for_new_rows_alone() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o");
    let first = json(dir.path(), &["build", "o", "--limit", "3", "--part", STEMS[0], "--json"]);
    let before = rows(&out, "conversations", STEMS[0]);
    let longer = json(dir.path(), &["build", "o", "--limit", "8", "--part", STEMS[0], "--json"]);
    let [found, asked] = requests(&longer);
    assert_eq!(found, first["requests_answered"].as_u64().unwrap());
    assert!(asked > 0);
    // Another part, and the parts in another order.
    let parts = ["--part", STEMS[1], "--part", "specialty-domain", "--part", STEMS[0]];
    let wider = json(dir.path(), &with(&["build", "o", "--limit", "8", "--json"], &parts));
    assert_eq!(requests(&wider)[0], longer["requests_answered"].as_u64().unwrap());
    let whole = json(dir.path(), &["build", "o", "--limit", "8", "--json"]);
    assert!(requests(&whole)[1] > 0);
    for row in &before {
        assert!(rows(&out, "conversations", STEMS[0]).contains(row), "{} has changed", row["id"]);
    }
    // Parts by their other name, other threads, splits and titles change no row.
    let same = json(
        dir.path(),
        &with(
            &["build", "o", "--limit", "8", "--json", "--jobs", "1", "--split", "0.2,0.2"],
            &["--part", "task-topic", "--part", "task-subtopic", "--part", "specialty-domain"],
        ),
    );
    assert_eq!(requests(&same), [0, 0]);
}

/// The example of the guide's page on resources: a new specialty and a new task only request their own rows.
#[test]
fn the_guides_new_entries_need_no_flag() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("my-resources");
    resources(&mine);
    // After everything that a small limit includes, before the rest.
    let build =
        ["build", "run", "--limit", "120", "--part", STEMS[0], "--resources", "my-resources"];
    let first = json(dir.path(), &with(&build, &["--json"]));
    let before = rows(&dir.path().join("run"), "conversations", STEMS[0]);
    let guide = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src/change.md"),
    )
    .unwrap();
    let entry = |head: &str| {
        let at = guide.find(&format!("```toml\n{head}")).unwrap() + "```toml\n".len();
        guide[at..].split("```").next().unwrap().to_owned()
    };
    let professions = mine.join("professions.toml");
    let text = fs::read_to_string(&professions).unwrap();
    let second = text.match_indices("[[profession]]").nth(1).unwrap().0;
    let specialty = entry("[[profession.specialty]]");
    fs::write(&professions, format!("{}{specialty}\n{}", &text[..second], &text[second..]))
        .unwrap();
    append(&mine.join("tasks.toml"), &format!("\n{}", entry("[[task]]")));

    let again = json(dir.path(), &with(&build, &["--json"]));
    assert_eq!(requests(&again), [first["requests_answered"].as_u64().unwrap(), 0]);
    assert_eq!(rows(&dir.path().join("run"), "conversations", STEMS[0]), before);
    let part = ["build", "run", "--limit", "120", "--resources", "my-resources", "--json"];
    let grown = json(dir.path(), &with(&part, &["--part", STEMS[0], "--part", STEMS[1]]));
    assert_eq!(requests(&grown)[0], first["requests_answered"].as_u64().unwrap());
}

#[test]
fn an_entry_that_pushes_rows_over_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    resources(&mine);
    let build = ["build", "o", "--limit", "10", "--part", STEMS[1], "--resources", "mine"];
    json(dir.path(), &with(&build, &["--json"]));
    let file = mine.join("tasks.toml");
    let text = fs::read_to_string(&file).unwrap();
    let at = text.find("[[task]]").unwrap();
    let entry = "[[task]]\nid = \"shift-planning\"\nname = \"Shift Planning\"\n\
                 patient = \"patient\"\nemergency = \"never\"\n\
                 description = \"Plan shifts.\"\ncase = \"Make up a ward.\"\n\
                 question = \"Ask about shifts.\"\nmax_tokens = 800\n\n";
    fs::write(&file, format!("{}{entry}{}", &text[..at], &text[at..])).unwrap();
    let said = refused(dir.path(), &build);
    assert!(said.contains("resources: 10 rows no longer planned"), "{said}");
    // With room for the new rows nothing is lost.
    let plan = json(dir.path(), &["plan", "--part", STEMS[1], "--resources", "mine", "--json"]);
    let all = plan["parts"][0]["prompt_requests"].as_u64().unwrap();
    let tasks = text.matches("[[task]]").count() as u64 + 1;
    let enough = (all / tasks + 10).to_string();
    let grown = json(
        dir.path(),
        &["build", "o", "--limit", &enough, "--part", STEMS[1], "--resources", "mine", "--json"],
    );
    assert!(requests(&grown)[0] > 0, "{grown}");
}

#[test]
fn edited_resources_say_how_many_rows_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    let build = ["build", "o", "--limit", "12", "--resources", "mine"];
    resources(&mine);
    json(dir.path(), &with(&build, &["--json"]));
    let before = snapshot(&dir.path().join("o"));
    let edit = |file: &str, from: &str, to: &str| {
        let path = mine.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    };

    // The first task's text is only in the requests of part 2: its first twelve rows are of that task.
    let tasks = fs::read_to_string(mine.join("tasks.toml")).unwrap();
    let description = tasks.split("description = \"").nth(1).unwrap().split('"').next().unwrap();
    edit("tasks.toml", description, "Do something else.");
    let said = refused(dir.path(), &build);
    assert!(said.contains("whose request changes"), "{said}");
    assert!(said.contains("the resources in mine have changed since the run was begun"), "{said}");
    // A rehearsal costs nothing, so nothing is said of paying.
    assert!(said.contains("are requested again") && !said.contains("paid"), "{said}");
    assert!(said.contains("in task-subtopic: 12 would change"), "{said}");
    assert!(!said.contains("in specialty-domain"), "{said}");

    // A system prompt of the assistant is in no prompt request, and changes every conversation.
    resources(&mine);
    append(&mine.join("templates/assistant_system.j2"), "\nBe kind.");
    let said = refused(dir.path(), &build);
    assert!(said.contains("whose situation, system prompts or checks change"), "{said}");
    assert!(said.contains("in specialty-domain: 12 would change"), "{said}");

    // What is checked, but sent to no model.
    resources(&mine);
    let text = fs::read_to_string(mine.join("bound.toml")).unwrap();
    fs::write(
        mine.join("bound.toml"),
        format!("[[bound]]\nterm = \"Zzyzx Act\"\ncountries = []\n\n{text}"),
    )
    .unwrap();
    let said = refused(dir.path(), &build);
    assert!(said.contains("checks change"), "{said}");

    // Comments, prices and files that are not resources change nothing.
    resources(&mine);
    append(&mine.join("tasks.toml"), "\n# A note.\n");
    append(&mine.join("templates/assistant_system.j2"), "{# A note. #}");
    fs::write(mine.join("notes.txt"), "for later").unwrap();
    let again = json(dir.path(), &with(&build, &["--json"]));
    assert_eq!(requests(&again)[1], 0, "{again}");
    assert_eq!(snapshot(&dir.path().join("o"))[..10], before[..10]);
}

#[test]
fn commands_that_only_look_do_not_count_the_resource_files() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    let all = dir.path().join("all");
    resources(&all);
    fs::create_dir(&mine).unwrap();
    fs::copy(all.join("tasks.toml"), mine.join("tasks.toml")).unwrap();
    let said = |args: &[&str]| {
        let out = run(dir.path(), args);
        assert!(out.status.success(), "{args:?}");
        String::from_utf8(out.stderr).unwrap()
    };
    let note = "resource files are from mine";
    let built = said(&["build", "o", "--limit", "1", "--resources", "mine"]);
    assert_eq!(built.matches(note).count(), 1, "{built}");
    let planned = said(&["plan", "--resources", "mine"]);
    assert_eq!(planned.matches(note).count(), 1, "{planned}");
    for look in ["status", "show", "jobs"] {
        let said = said(&[look, "o"]);
        assert!(!said.contains("resource files"), "{look}: {said}");
    }
}

#[test]
fn a_run_without_answers_may_become_another() {
    let dir = tempfile::tempdir().unwrap();
    // Every row is refused, so there is nothing to lose.
    let none = ["--misbehave", "none", "--misbehave", "refusal=1"];
    let out = run(dir.path(), &with(&["build", "o", "--limit", "2"], &none));
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    json(dir.path(), &["build", "o", "--limit", "2", "--seed", "2", "--json"]);
    refused(dir.path(), &["build", "o", "--limit", "2", "--seed", "3"]);

    json(dir.path(), &["submit", "p", "--limit", "2", "--json"]);
    json(dir.path(), &["build", "p", "--limit", "2", "--seed", "2", "--json"]);
}

#[test]
fn commands_on_a_run_use_its_settings_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    resources(&mine);
    let settings = ["--limit", "3", "--seed", "7", "--part", STEMS[2], "--resources", "mine"];
    json(dir.path(), &with(&["build", "o", "--json"], &settings));
    let before = snapshot(&dir.path().join("o"));
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for command in ["reparse", "resume", "parse", "situations", "conversations"] {
        // In another folder, so that the path of the resources changes.
        json(&elsewhere, &[command, "../o", "--json"]);
    }
    json(&elsewhere, &["retry", "--failed", "--out", "../o", "--json"]);
    for command in ["turns", "requests", "report", "export", "collect", "submit"] {
        let out = run(&elsewhere, &[command, "../o"]);
        assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
    }
    assert_eq!(snapshot(&dir.path().join("o"))[..5], before[..5]);
    let plan = json(&elsewhere, &["plan", "../o", "--json"]);
    assert_eq!(plan["parts"].as_array().unwrap().len(), 1);
    assert_eq!(plan["parts"][0]["prompt_requests"], 3);
}
