//! Parquet files that are damaged, truncated, forged or encrypted: reading terminates, with rows or an error.

mod claims;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use clinstruct_records::Error;
use clinstruct_schema::Hint as _;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use crate::{Read, said, try_read};

/// How a file is written.
#[derive(Debug, Clone, Copy)]
struct Form {
    codec: Compression,
    version: WriterVersion,
    /// Encoding of strings; a dictionary if `None`.
    encoding: Option<Encoding>,
}

fn codecs() -> [Compression; 7] {
    [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ]
}

const VERSIONS: [WriterVersion; 2] = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
const ENCODINGS: [Option<Encoding>; 4] = [
    None,
    Some(Encoding::PLAIN),
    Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
    Some(Encoding::DELTA_BYTE_ARRAY),
];

/// Every codec with every version and encoding.
fn forms() -> Vec<Form> {
    let mut all = Vec::new();
    for codec in codecs() {
        for version in VERSIONS {
            all.extend(ENCODINGS.map(|encoding| Form { codec, version, encoding }));
        }
    }
    all
}

/// Rows of a row group.
const ROWS: usize = 5;
const GROUPS: usize = 3;

fn question(row: usize) -> String {
    format!("May I walk with a swollen knee, and for how long? ({row})")
}

/// A file of three row groups with an id, a source and a list of two messages in each row.
fn file(form: Form) -> Vec<u8> {
    let schema = "message rows {
        required int64 id;
        optional binary source (UTF8);
        optional group messages (LIST) { repeated group list { optional group element {
            optional binary role (UTF8);
            optional binary content (UTF8);
        } } }
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(form.codec)
        .set_writer_version(form.version)
        .set_dictionary_enabled(form.encoding.is_none())
        .set_data_page_row_count_limit(2)
        .set_write_batch_size(2);
    let properties = match form.encoding {
        Some(encoding) => {
            let texts = ["source", "messages.list.element.role", "messages.list.element.content"];
            texts.iter().fold(properties, |p, c| p.set_column_encoding((*c).into(), encoding))
        }
        None => properties,
    };
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build())).unwrap();
    for group in 0..GROUPS {
        let rows: Vec<usize> = (group * ROWS..(group + 1) * ROWS).collect();
        let mut to = writer.next_row_group().unwrap();
        let ids: Vec<i64> = rows.iter().map(|r| *r as i64).collect();
        let mut column = to.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
        column.close().unwrap();
        let mut texts = |texts: Vec<String>, definition: &[i16], repetition: Option<&[i16]>| {
            let texts: Vec<ByteArray> = texts.into_iter().map(|t| t.into_bytes().into()).collect();
            let mut column = to.next_column().unwrap().unwrap();
            column
                .typed::<ByteArrayType>()
                .write_batch(&texts, Some(definition), repetition)
                .unwrap();
            column.close().unwrap();
        };
        // Every other row has no source.
        let definition: Vec<i16> = rows.iter().map(|r| i16::from(r % 2 == 0)).collect();
        let sources = rows.iter().filter(|r| *r % 2 == 0).map(|_| "ward".to_owned());
        texts(sources.collect(), &definition, None);
        let (definition, repetition) = ([4; 2 * ROWS], [0, 1].repeat(ROWS));
        let each =
            |text: &dyn Fn(usize) -> [String; 2]| rows.iter().flat_map(|r| text(*r)).collect();
        texts(each(&|_| ["user", "assistant"].map(str::to_owned)), &definition, Some(&repetition));
        texts(
            each(&|r| [question(r), format!("As long as it does not hurt. ({r})")]),
            &definition,
            Some(&repetition),
        );
        to.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

/// Path of a file that is rewritten many times.
struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.parquet");
        Self { _dir: dir, path }
    }

    fn read(&self, bytes: &[u8]) -> Result<Read, Error> {
        fs::write(&self.path, bytes).unwrap();
        try_read(&self.path)
    }
}

fn is_whole(read: &Read) -> bool {
    read.bad.is_empty()
        && read.good.len() == ROWS * GROUPS
        && read.good.iter().enumerate().all(|(i, r)| {
            r.id == i.to_string()
                && said(r)
                    == [
                        format!("u {}", question(i)),
                        format!("a As long as it does not hurt. ({i})"),
                    ]
        })
}

#[test]
fn every_codec_version_and_encoding_is_read() {
    let place = Place::new();
    for form in forms() {
        let read = place.read(&file(form)).unwrap();
        assert!(is_whole(&read), "{form:?}: {read:?}");
    }
}

/// Whether the result of a damaged file is plausible: no more rows than there were, or an error that names the file.
#[track_caller]
fn ends_well(read: &Result<Read, Error>, what: impl Fn() -> String) {
    match read {
        Ok(read) => {
            let rows = read.good.len() + read.bad.len();
            assert!(rows <= ROWS * GROUPS, "{}: {rows} rows", what());
        }
        Err(Error::Damaged { why, .. } | Error::Broken { why, .. }) => {
            assert!(!why.is_empty() && why.len() < 1000, "{}: {why}", what());
        }
        Err(Error::Encrypted { .. }) => {}
        Err(_) => assert!(read.is_ok(), "{}: {read:?}", what()),
    }
}

/// The damage test below, in a process with little memory and time, which is killed if it exceeds them.
fn in_little_memory(test: &str) {
    let limits = "ulimit -v 1500000 -t 300; exec \"$0\" --exact \"$1\" --ignored --test-threads 1";
    let out = Command::new("sh")
        .args(["-c", limits])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .output()
        .unwrap();
    let (told, err) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && told.contains("1 passed"), "{}\n{told}\n{err}", out.status);
}

#[test]
#[cfg(target_os = "linux")]
fn any_changed_byte_ends_with_rows_or_an_error() {
    in_little_memory("damaged::changed_bytes");
}

#[test]
#[ignore = "run by the test above, with limits"]
fn changed_bytes() {
    let place = Place::new();
    for (i, form) in forms().into_iter().enumerate() {
        let whole = file(form);
        // One format in full; of the others a sample that differs by format.
        let step = if i == 0 { 1 } else { 101 };
        for at in (i % step..whole.len()).step_by(step) {
            for flip in [0xff, 0x01] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                ends_well(&place.read(&bytes), || format!("{form:?}, byte {at} ^ {flip:x}"));
            }
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn many_changed_bytes_end_with_rows_or_an_error() {
    in_little_memory("damaged::many_changed_bytes");
}

#[test]
#[ignore = "run by the test above, with limits"]
fn many_changed_bytes() {
    let place = Place::new();
    let files: Vec<Vec<u8>> = forms().into_iter().map(file).collect();
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let changes =
        (any::<prop::sample::Index>(), prop::collection::vec(change, 1..12), any::<bool>());
    proptest!(ProptestConfig::with_cases(2000), |((of, changes, in_footer) in changes)| {
        let mut bytes = of.get(&files).clone();
        for (at, to) in changes {
            // The footer and page headers are a small part, and are trusted first.
            let from = if in_footer { bytes.len() * 2 / 3 } else { 0 };
            let at = from + at.index(bytes.len() - from);
            bytes[at] = to;
        }
        ends_well(&place.read(&bytes), || format!("{bytes:?}"));
    });
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    let place = Place::new();
    for form in [forms()[0], forms()[19]] {
        let whole = file(form);
        for end in 0..whole.len() {
            let read = place.read(&whole[..end]);
            assert!(
                matches!(read, Err(Error::Damaged { .. } | Error::Broken { .. })),
                "{end}: {read:?}"
            );
        }
        // The middle is missing, the end is present.
        for gone in [1, 100, whole.len() / 2] {
            let bytes = [&whole[..200], &whole[200 + gone..]].concat();
            assert!(matches!(place.read(&bytes), Err(Error::Damaged { .. })), "{gone}");
        }
    }
}

#[track_caller]
fn told(read: Result<Read, Error>) -> String {
    let error = read.unwrap_err();
    assert!(error.hint().is_some());
    error.to_string()
}

#[test]
fn what_is_wrong_is_said() {
    let place = Place::new();
    assert!(told(place.read(b"")).contains("0 bytes are not a Parquet file"));
    assert!(told(place.read(b"PAR1PAR1")).contains("8 bytes are not a Parquet file"));
    assert!(told(place.read(b"no parquet at all")).contains("it does not start with PAR1"));
    assert!(told(place.read(b"PAR1and so on and on")).contains("it does not end with a footer"));
    assert!(
        told(place.read(b"PAR1 and so on\xff\xff\xff\xffPAR1")).contains("longer than the file")
    );
    assert!(told(place.read(b"PAR1\0\0\0\0\0\0\0\0\x04\0\0\0PARE")).contains("is encrypted"));
    assert!(told(place.read(b"PARE\0\0\0\0\0\0\0\0\x04\0\0\0PARE")).contains("is encrypted"));
    assert!(told(place.read(b"PAR1\x15\x02\x00\x03\0\0\0PAR1")).contains("is damaged"));
}

/// Offset of the first page of the second row group.
fn second_group(bytes: &[u8]) -> usize {
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::copy_from_slice(bytes))
        .unwrap();
    usize::try_from(metadata.row_group(1).column(3).byte_range().0).unwrap()
}

#[test]
fn a_damaged_second_row_group_is_named() {
    let place = Place::new();
    for codec in codecs() {
        let mut bytes = file(Form { codec, version: VERSIONS[0], encoding: None });
        let at = second_group(&bytes);
        // Header of its first page.
        bytes[at] = 0xff;
        let told = told(place.read(&bytes));
        assert!(
            told.contains("is damaged in row group 2 of 3, after 5 rows: column \"messages.list.element.content\""),
            "{codec:?}: {told}"
        );
    }
}

/// The file with other row group metadata in the footer.
fn with_footer(
    bytes: &[u8],
    rows: impl Fn(i64) -> i64,
    column: impl Fn(ColumnChunkMetaData) -> ColumnChunkMetaData,
) -> Vec<u8> {
    let whole = bytes::Bytes::copy_from_slice(bytes);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&whole).unwrap();
    let old = metadata.file_metadata();
    let group = |g: &RowGroupMetaData| {
        let columns = g.columns().iter().cloned().map(&column).collect();
        let group = g.clone().into_builder().set_num_rows(rows(g.num_rows()));
        group.set_column_metadata(columns).build().unwrap()
    };
    let groups: Vec<_> = metadata.row_groups().iter().map(group).collect();
    let all = groups.iter().map(RowGroupMetaData::num_rows).sum();
    let file = FileMetaData::new(old.version(), all, None, None, old.schema_descr_ptr(), None);
    let length = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap());
    let mut out = bytes[..bytes.len() - 8 - length as usize].to_vec();
    let metadata = ParquetMetaData::new(file, groups);
    ParquetMetaDataWriter::new(&mut out, &metadata).finish().unwrap();
    out
}

fn with_rows(bytes: &[u8], rows: i64) -> Vec<u8> {
    with_footer(bytes, |_| rows, |column| column)
}

/// Old writers write 0 if there is no dictionary, or if it comes first.
#[test]
fn an_offset_of_zero_is_none() {
    let place = Place::new();
    for encoding in [None, Some(Encoding::PLAIN)] {
        let bytes = file(Form { codec: Compression::SNAPPY, version: VERSIONS[0], encoding });
        let bytes = with_footer(
            &bytes,
            |rows| rows,
            |column| {
                let first = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
                let column = column.into_builder().set_data_page_offset(first);
                column.set_dictionary_page_offset(Some(0)).build().unwrap()
            },
        );
        assert!(is_whole(&place.read(&bytes).unwrap()), "{encoding:?}");
    }
}

/// Statistics of long strings make page headers long.
#[test]
fn the_head_of_a_page_can_be_long() {
    let place = Place::new();
    let schema = "message rows { required binary prompt (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(None)
        .set_dictionary_enabled(false)
        .set_write_page_header_statistics(true);
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let texts = ["x", "y"].map(|t| ByteArray::from(t.repeat(300_000).into_bytes()));
    column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let read = place.read(&bytes).unwrap();
    assert_eq!(read.good[1].messages[0].content.len(), 300_000);
    assert!(bytes.len() > 1_200_000, "the head has no statistics: {} bytes", bytes.len());
}

#[test]
fn a_wrong_number_of_rows_is_an_error() {
    let place = Place::new();
    for version in VERSIONS {
        let bytes = file(Form { codec: Compression::SNAPPY, version, encoding: None });
        assert!(is_whole(&place.read(&with_rows(&bytes, ROWS as i64)).unwrap()));
        for rows in [-1, 0, 1, 4, 6, 1 << 40] {
            let told = told(place.read(&with_rows(&bytes, rows)));
            assert!(told.contains("row group 1 of 3"), "{rows}: {told}");
        }
    }
}

/// A file with messages only, without a column that has one value per row.
fn only_messages(rows: i64) -> Vec<u8> {
    let schema = "message rows { repeated group messages {
        required binary role (UTF8); required binary content (UTF8); } }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for texts in [["user", "assistant", "user"], ["q", "a", "only asked"]] {
        let mut column = group.next_column().unwrap().unwrap();
        let texts = texts.map(|t| ByteArray::from(t.as_bytes().to_vec()));
        column
            .typed::<ByteArrayType>()
            .write_batch(&texts, Some(&[1, 1, 1]), Some(&[0, 1, 0]))
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    if rows == 2 { bytes } else { with_rows(&bytes, rows) }
}

#[test]
fn rows_of_lists_are_counted_too() {
    let place = Place::new();
    let read = place.read(&only_messages(2)).unwrap();
    assert_eq!(said(&read.good[0]), ["u q", "a a"]);
    assert_eq!(said(&read.good[1]), ["u only asked"]);
    for rows in [0, 1, 3] {
        let told = told(place.read(&only_messages(rows)));
        assert!(
            told.contains("column \"messages.role\": it has values beyond")
                || told.contains("it has more rows")
                || told.contains("it lacks 1 rows"),
            "{rows}: {told}"
        );
    }
}

#[test]
fn a_file_without_rows_has_none() {
    let place = Place::new();
    let schema =
        Arc::new(parse_message_type("message rows { required binary prompt (UTF8); }").unwrap());
    let mut bytes = Vec::new();
    SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap().close().unwrap();
    let read = place.read(&bytes).unwrap();
    assert_eq!((read.good.len(), read.bad.len()), (0, 0));
}

/// The kind of the samples: a page of strings with a flipped byte, alone in a folder.
#[test]
fn a_path_is_in_every_error() {
    let place = Place::new();
    let read = place.read(b"nothing");
    assert!(told(read).contains(&Path::new("rows.parquet").display().to_string()));
}
