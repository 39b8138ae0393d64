//! JSON files as programs write them.

use clinstruct_records::Error;

use crate::{read_as, said};

const ONE: &str = r#"{"id": "1", "messages": [{"role": "user", "content": "one"}]}"#;
const TWO: &str = r#"{"id": "2", "messages": [{"role": "user", "content": "two"}]}"#;

/// Reads a file that contains exactly [`ONE`] and [`TWO`].
#[track_caller]
fn check(name: &str, content: impl AsRef<[u8]>) {
    let read = read_as(name, &content).unwrap();
    let text = String::from_utf8_lossy(content.as_ref()).into_owned();
    assert_eq!(read.bad, [], "{text}");
    let all: Vec<String> = read.good.iter().flat_map(said).collect();
    assert_eq!(all, ["u one", "u two"], "{text}");
}

fn pretty(row: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(row).unwrap()).unwrap()
}

#[test]
fn rows_are_found_in_any_shape() {
    for name in ["rows.json", "rows.jsonl"] {
        check(name, format!("{ONE}\n{TWO}\n"));
        check(name, format!("\n\n{ONE}\r\n\r\n{TWO}"));
        check(name, format!("[{ONE},{TWO}]"));
        check(name, format!("[\n  {},\n  {}\n]\n", pretty(ONE), pretty(TWO)));
        check(name, format!("{}\n{}\n", pretty(ONE), pretty(TWO)));
        for key in ["data", "rows", "train", "examples"] {
            check(name, format!("{{\"{key}\": [{ONE}, {TWO}]}}"));
            check(name, format!("{{\n\"version\": \"1\",\n\"{key}\": [\n{ONE},\n{TWO}\n]\n}}"));
        }
        check(name, format!("{{\"data\": {{\"train\": [{ONE}], \"test\": [{TWO}]}}}}"));
        check(name, format!("{{\"conversations\": [{ONE}, {TWO}], \"count\": 2}}"));
        check(name, format!("{{\"1\": {ONE}, \"2\": {TWO}}}"));
        check(name, format!("{{\n\"1\": {},\n\"2\": {}\n}}", pretty(ONE), pretty(TWO)));
        check(
            name,
            format!(
                "{{\"features\": [], \"rows\": [{{\"row_idx\": 0, \"row\": {ONE}}}, {{\"row_idx\": 1, \"row\": {TWO}}}]}}"
            ),
        );
    }
    check(
        "rows.jsonl",
        "[{\"role\": \"user\", \"content\": \"one\"}]\n[{\"role\": \"user\", \"content\": \"two\"}]\n",
    );
    check(
        "rows.json",
        "[[{\"role\": \"user\", \"content\": \"one\"}], [{\"role\": \"user\", \"content\": \"two\"}]]",
    );
    check(
        "rows.json",
        "[{\"role\": \"user\", \"content\": \"one\"}, {\"role\": \"user\", \"content\": \"two\"}]",
    );
}

#[test]
fn a_single_object_is_a_row() {
    for name in ["row.json", "row.jsonl"] {
        for content in [ONE.to_owned(), pretty(ONE), format!("\u{feff}{}", pretty(ONE))] {
            let read = read_as(name, &content).unwrap();
            assert_eq!(read.bad, [], "{content}");
            assert_eq!(read.good.len(), 1, "{content}");
            assert_eq!(said(&read.good[0]), ["u one"], "{content}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_row() {
    for name in ["rows.json", "rows.jsonl"] {
        check(name, format!("\u{feff}{ONE}\n{TWO}\n"));
        check(name, format!("\u{feff}[{ONE},\n{TWO}]"));
        check(name, format!("\u{feff}\r\n{ONE}\n\u{feff}{TWO}\n"));
    }
    check("rows.csv", "\u{feff}prompt\none\ntwo\n");
    let utf16: Vec<u8> = ONE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [utf16.clone(), [b"\xff\xfe".to_vec(), utf16].concat()] {
        let told = read_as("rows.jsonl", content).unwrap_err().to_string();
        assert!(told.contains("text in UTF-16: save it as UTF-8"), "{told}");
    }
}

#[test]
fn a_bad_row_is_reported_with_its_line_and_the_others_are_read() {
    let mut bytes = b"{\"prompt\": \"one\"}\n{\"prompt\": \n".to_vec();
    bytes.extend(b"{\"prompt\": \"\xff\"}\n[1]\n{\"text\": \"t\"}\n");
    bytes.extend(
        b"{\"messages\": [{\"role\": \"nobody\", \"content\": \"\"}]}\n{\"prompt\": \"two\"}\n",
    );
    let read = read_as("rows.jsonl", bytes).unwrap();
    assert_eq!(read.good.iter().map(|r| r.row).collect::<Vec<_>>(), [1, 7]);
    let told: Vec<String> = read.bad.iter().map(|b| format!("{} {}", b.row, b.why)).collect();
    assert_eq!(told.len(), 5);
    for (told, part) in told.iter().zip([
        "2 not JSON",
        "3 invalid UTF-8 at byte 13",
        "4 not an object",
        "5 there is neither messages",
        "6 message 1: unknown role \"nobody\"",
    ]) {
        assert!(told.starts_with(part), "{told}");
    }
}

#[test]
fn a_bad_row_is_a_bad_row_wherever_it_stands() {
    let half = r#"{"id": "h", "messages": [{"role": "user", "content": "a \ud83d b"}]}"#;
    let bytes = b"{\"id\": \"b\", \"prompt\": \"\xff\xfe\"}".to_vec();
    let wrong = [
        half.as_bytes().to_vec(),
        bytes,
        b"{\"prompt\": nul}".to_vec(),
        b"{\"prompt\" \"q\"}".to_vec(),
    ];
    for wrong in wrong {
        let join = |before: &str, between: &str, after: &str| {
            let mut all = before.as_bytes().to_vec();
            for (i, row) in [ONE.as_bytes(), &wrong, TWO.as_bytes()].into_iter().enumerate() {
                all.extend_from_slice(if i > 0 { between.as_bytes() } else { b"" });
                all.extend_from_slice(row);
            }
            all.extend_from_slice(after.as_bytes());
            all
        };
        for (name, content) in [
            ("rows.jsonl", join("", "\n", "\n")),
            ("rows.json", join("", "\n", "\n")),
            ("rows.json", join("[", ",", "]")),
            ("rows.json", join("[\n ", ",\n ", "\n]\n")),
            ("rows.json", join("{\"data\": [", ",", "]}")),
            ("rows.json", join("{\n\"data\": [\n", ",\n", "]\n}")),
        ] {
            let read = read_as(name, &content).unwrap();
            let text = String::from_utf8_lossy(&content).into_owned();
            assert_eq!(read.good.len(), 2, "{text}");
            assert_eq!(read.bad.len(), 1, "{text}");
            assert_eq!(read.bad[0].row, 2, "{text}");
        }
    }
}

#[test]
fn a_first_line_that_is_cut_off_does_not_take_the_rest_with_it() {
    for cut in ["{\"prompt\": \"on", "{\"prompt\": ", "{\"messages\": [", "{"] {
        let read = read_as("rows.jsonl", format!("{cut}\n{TWO}\n{ONE}\n")).unwrap();
        assert_eq!((read.good.len(), read.bad.len()), (2, 1), "{cut}");
        assert_eq!(read.bad[0].row, 1, "{cut}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_damaged() {
    for content in [
        format!("[{ONE},\n{TWO}"),
        format!("[{ONE},\n{}", &TWO[..30]),
        format!("[{ONE},"),
        format!("[{ONE}, }}]"),
        format!("{{\"data\": [\n{ONE},\n{TWO}\n"),
    ] {
        let read = read_as("rows.json", &content);
        assert!(matches!(read, Err(Error::Damaged { .. })), "{content}: {read:?}");
        let told = read.unwrap_err().to_string();
        assert!(told.contains("row "), "{told}");
    }
    assert!(matches!(read_as("rows.json", format!("[{ONE}] and more")), Err(Error::Broken { .. })));
    for blank in ["", " \n\n", "\u{feff}", "[]", "[ ]\n"] {
        let read = read_as("rows.json", blank).unwrap();
        assert_eq!((read.good.len(), read.bad.len()), (0, 0), "{blank:?}");
    }
}

#[test]
fn a_file_is_what_its_first_bytes_say() {
    for (content, what) in [
        (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"[..], "a Git LFS pointer"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd\0\0\0\0", "compressed with zstd"),
        (b"PK\x03\x04\0\0\0\0\0\0\0\0", "a ZIP archive"),
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
    ] {
        for name in ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"] {
            let told = read_as(name, content).unwrap_err().to_string();
            assert!(told.contains(what), "{name}: {told}");
        }
    }
    let told = read_as("rows.jsonl", "PAR1 and so on").unwrap_err().to_string();
    assert!(told.contains("a Parquet file"), "{told}");
    assert!(matches!(read_as("rows.txt", "x"), Err(Error::UnknownKind { .. })));
}

#[test]
fn numbers_that_python_writes_do_not_spoil_a_row() {
    let row = ONE.replace("{\"id\"", "{\"score\": NaN, \"low\": -Infinity, \"id\"");
    check("rows.jsonl", format!("{row}\n{TWO}\n"));
    check("rows.json", format!("[{row},{TWO}]"));
}
