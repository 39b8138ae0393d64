//! In this process.

use clinstruct_cluster::{Options, curate};

use crate::data::{Written, built, inputs, write};

#[test]
fn a_run_is_curated_as_by_a_build() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 3000);
    let expected = built(dir.path());
    let outcome = curate(dir.path(), &inputs(), &Options::default()).unwrap();
    assert!(outcome.candidates > 1000, "{outcome:?}");
    assert_eq!(Written::of(dir.path()), expected);
    // Again, with the summary of a run that is curated, in many small queries and one task.
    let options = Options { group: 50_000, partitions: 1, ..Options::default() };
    curate(dir.path(), &inputs(), &options).unwrap();
    assert_eq!(Written::of(dir.path()), expected);
    // Nothing else is left behind.
    let mut names: Vec<_> =
        dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["annotations", "conversations", "situations", "summary.json"]);
}

#[test]
fn what_does_not_fit_goes_to_files() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 12_000);
    let expected = built(dir.path());
    // Small groups: a Parquet writer holds the rows of one, which do not spill.
    let (memory, group) = (6_000_000, 300_000);
    let options = Options { memory, group, partitions: 2, ..Options::default() };
    let outcome = curate(dir.path(), &inputs(), &options).unwrap();
    assert!(outcome.spilled > 100_000, "{outcome:?}");
    assert_eq!(Written::of(dir.path()), expected);
}

#[test]
fn a_run_without_rows_and_one_without_pairs() {
    let dir = tempfile::tempdir().unwrap();
    for rows in [0, 2] {
        write(dir.path(), rows);
        curate(dir.path(), &inputs(), &Options::default()).unwrap();
        let written = Written::taken(dir.path());
        assert_eq!(written.dropped("\"id\""), rows as usize);
        assert_eq!(written.dropped("near_duplicate"), 0);
    }
}

#[test]
fn a_line_that_is_no_row_is_an_error_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 100);
    let path = dir.path().join("conversations/second.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "{\"id\": 1}\n").unwrap();
    let error = curate(dir.path(), &inputs(), &Options::default()).unwrap_err();
    let mut causes = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let all = causes.join(": ");
    assert!(
        all.contains("second.jsonl, byte ") && all.contains("not a row of clinstruct"),
        "{all}"
    );
}
