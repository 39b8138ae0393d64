//! Columns of evaluation sets, and CSV.

use std::fs;

use clinstruct_records::{Error, texts};

use crate::read_as;

fn column(name: &str, content: &str, wanted: Option<&str>) -> Result<Vec<String>, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    let mut all = Vec::new();
    texts(&path, wanted, |t| all.push(t.unwrap_or_else(|bad| format!("! {}", bad.why))))?;
    Ok(all)
}

#[test]
fn a_column_is_read_and_a_missing_one_is_named() {
    let csv = "no,question\n1,\"What, now?\"\n2,And then?\n";
    assert_eq!(column("e.csv", csv, None).unwrap(), ["What, now?", "And then?"]);
    let told = column("e.csv", csv, Some("stem")).unwrap_err().to_string();
    assert!(told.contains("no column \"stem\"; it has: no, question"), "{told}");
    assert!(matches!(column("e.csv", "question\n", None), Err(Error::Empty { .. })));
    assert!(matches!(column("e.json", "[]", None), Err(Error::Empty { .. })));
    assert!(matches!(column("e.txt", "x", None), Err(Error::UnknownKind { .. })));
}

#[test]
fn evaluation_sets_have_many_shapes() {
    for (name, content) in [
        ("e.jsonl", "{\"question\": \"one\"}\n{\"question\": \"two\"}\n"),
        ("e.json", "[\"one\", \"two\"]"),
        ("e.json", "{\"data\": [{\"question\": \"one\"}, {\"question\": \"two\"}]}"),
        ("e.json", "[{\"question\": null, \"input\": \"one\"}, {\"input\": \"two\"}]"),
        ("e.json", "{\"7\": {\"QUESTION\": \"one\"}, \"8\": {\"QUESTION\": \"two\"}}"),
        ("e.jsonl", "\u{feff}{\"question\": \"one\"}\n{\"question\": \"two\"}"),
    ] {
        assert_eq!(column(name, content, None).unwrap(), ["one", "two"], "{content}");
    }
    let choices = "{\n\"stem\": \"one\",\n\"choices\": [{\"text\": \"a\"}, {\"text\": \"b\"}]\n}";
    assert_eq!(column("e.json", choices, Some("stem")).unwrap(), ["one"]);
    let rows = "{\"question\": null}\n{\"question\": 5}\n{\"question\": \"one\"}\n";
    assert_eq!(
        column("e.jsonl", rows, None).unwrap(),
        ["! \"question\" is null", "! \"question\" is not a string", "one"]
    );
}

#[test]
fn chats_are_read_from_csv() {
    let read = read_as("rows.csv", "id,instruction,input,output\n1,q,,a\n2,q,i,a\n").unwrap();
    assert_eq!(read.bad, []);
    assert_eq!(read.good[1].messages[0].content, "q\ni");
    // An unquoted comma shifts all cells after it.
    let read = read_as("rows.csv", "prompt,response\nNo, why?,a\nq,a\n").unwrap();
    assert_eq!((read.good.len(), read.bad.len()), (1, 1));
    assert!(read.bad[0].why.contains("3 cells, the header has 2 columns"), "{:?}", read.bad);
}
