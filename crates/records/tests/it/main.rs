//! Files as people have them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_records::{BadRow, Error, Record, chats, texts};
use clinstruct_schema::Role;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

fn read(path: &Path) -> (Vec<Record>, Vec<BadRow>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let read = chats(path, |row| match row {
        Ok(row) => good.push(row),
        Err(row) => bad.push(row),
    });
    assert!(read.is_ok(), "{read:?}");
    (good, bad)
}

fn roles(record: &Record) -> Vec<Role> {
    record.messages.iter().map(|m| m.role).collect()
}

#[test]
fn every_known_row_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.jsonl");
    let rows = [
        r#"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}"#,
        r#"{"id": "x", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}"#,
        r#"{"id": 7, "conversation": [{"role": "user", "value": "q"}, {"role": "chatbot", "value": "a"}]}"#,
        r#"{"id": "p", "prompt": "q", "context": "c"}"#,
        r#"{"instruction": "q", "output": "a"}"#,
    ];
    fs::write(&path, rows.join("\n\n")).unwrap();
    let (good, bad) = read(&path);
    assert_eq!(bad, []);
    let ids: Vec<_> = good.iter().map(|r| (r.id.as_str(), r.row)).collect();
    // Rows are named by the lines that they stand on.
    assert_eq!(ids, [("1", 1), ("x", 3), ("7", 5), ("p", 7), ("9", 9)]);
    assert_eq!(roles(&good[0]), [Role::System, Role::User, Role::Assistant]);
    assert_eq!(roles(&good[3]), [Role::User]);
    assert!(
        good.iter()
            .filter(|r| r.messages.len() > 1)
            .all(|r| r.messages.last().unwrap().content == "a")
    );

    let array = dir.path().join("rows.json");
    fs::write(&array, format!("[{}]", rows.join(","))).unwrap();
    assert_eq!(read(&array).0.len(), 5);
}

#[test]
fn a_bad_row_is_told_with_its_line_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.jsonl");
    let mut bytes = b"{\"prompt\": \"one\"}\n{\"prompt\": \n".to_vec();
    bytes.extend(b"{\"prompt\": \"\xff\"}\n[1]\n{\"text\": \"t\"}\n");
    bytes.extend(
        b"{\"messages\": [{\"role\": \"nobody\", \"content\": \"\"}]}\n{\"prompt\": \"two\"}\n",
    );
    fs::write(&path, bytes).unwrap();
    let (good, bad) = read(&path);
    assert_eq!(good.iter().map(|r| r.row).collect::<Vec<_>>(), [1, 7]);
    let told: Vec<String> = bad.iter().map(|b| format!("{} {}", b.row, b.why)).collect();
    assert_eq!(told.len(), 5);
    for (told, part) in told.iter().zip([
        "2 no JSON",
        "3 no UTF-8 from byte 13",
        "4 no object",
        "5 there is neither messages",
        "6 the role \"nobody\" is not known",
    ]) {
        assert!(told.starts_with(part), "{told}");
    }
}

/// A Parquet file of two text columns, without anything but the Parquet library.
fn parquet(path: &Path, rows: &[(&str, &str)]) -> Result<(), Box<dyn std::error::Error>> {
    let schema = "message rows { required binary id (UTF8); required binary prompt (UTF8); }";
    let schema = Arc::new(parse_message_type(schema)?);
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(fs::File::create(path)?, schema, properties)?;
    let mut group = writer.next_row_group()?;
    for column in 0..2 {
        let values: Vec<ByteArray> = rows
            .iter()
            .map(|(id, prompt)| ByteArray::from(if column == 0 { *id } else { *prompt }))
            .collect();
        let mut next = group.next_column()?.ok_or("a column")?;
        next.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        next.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

#[test]
fn parquet_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    parquet(&path, &[("a", "What now?"), ("b", "And then?")]).unwrap();
    let (good, bad) = read(&path);
    assert_eq!(bad, []);
    assert_eq!(good[1].id, "b");
    assert_eq!(good[1].messages[0].content, "And then?");
    fs::write(&path, "no parquet").unwrap();
    assert!(matches!(chats(&path, |_| ()), Err(Error::Broken { .. })));
}

#[test]
fn a_column_is_read_and_a_missing_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("eval.csv");
    fs::write(&path, "no,question\n1,\"What, now?\"\n2,And then?\n").unwrap();
    let mut all = Vec::new();
    texts(&path, None, |t| all.push(t.unwrap())).unwrap();
    assert_eq!(all, ["What, now?", "And then?"]);
    let told = texts(&path, Some("stem"), |_| ()).unwrap_err().to_string();
    assert!(told.contains("no column \"stem\"; it has: no, question"), "{told}");
    fs::write(&path, "question\n").unwrap();
    assert!(matches!(texts(&path, None, |_| ()), Err(Error::Empty { .. })));
    let other = dir.path().join("eval.txt");
    fs::write(&other, "x").unwrap();
    assert!(matches!(texts(&other, None, |_| ()), Err(Error::UnknownKind { .. })));
}
