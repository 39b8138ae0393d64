//! Page headers with claims that are far from their contents.

use std::sync::Arc;

use clinstruct_records::Error;
use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;

use super::{Place, codecs, in_little_memory};
use crate::said;

/// Page heads that claim two gigabytes, two billion values or a dictionary of them.
#[test]
#[cfg(target_os = "linux")]
fn claims_are_not_believed() {
    in_little_memory("damaged::claims::claims");
}

#[test]
#[ignore = "run by the test above, with limits"]
fn claims() {
    // A flat file with one string column and one page, whose header is hand-made.
    let place = Place::new();
    let varint = |n: u64| {
        let (mut n, mut out) = (n, Vec::new());
        loop {
            let byte = (n & 0x7f) as u8;
            n >>= 7;
            if n == 0 {
                out.push(byte);
                return out;
            }
            out.push(byte | 0x80);
        }
    };
    let zigzag = |n: i64| varint((n << 1) as u64);
    let head = |kind: i64, plain: i64, packed: i64, values: i64, encoding: i64| {
        let mut bytes = vec![0x15];
        bytes.extend(zigzag(kind));
        bytes.push(0x15);
        bytes.extend(zigzag(plain));
        bytes.push(0x15);
        bytes.extend(zigzag(packed));
        // Field 5 or 7, then its number of values, encoding, and the encodings of levels.
        bytes.push(if kind == 0 { 0x2c } else { 0x4c });
        bytes.push(0x15);
        bytes.extend(zigzag(values));
        bytes.push(0x15);
        bytes.extend(zigzag(encoding));
        if kind == 0 {
            bytes.extend([0x15, 6, 0x15, 6]);
        }
        bytes.extend([0, 0]);
        bytes
    };
    let huge = i64::from(i32::MAX);
    let text = b"\x05\0\0\0hello";
    for codec in codecs() {
        for (what, mut page, values) in [
            ("bytes", head(0, huge, 9, 1, 0), 1),
            ("values", head(0, 9, 9, huge, 0), huge),
            ("a dictionary", head(2, 9, 9, huge, 0), 1),
            ("lengths", head(0, 9, 9, huge, 6), huge),
            ("prefixes", head(0, 9, 9, huge, 7), huge),
        ] {
            page.extend(text);
            let bytes = by_hand(&page, codec, values);
            let read = place.read(&bytes);
            assert!(matches!(read, Err(Error::Damaged { .. })), "{what}, {codec:?}: {read:?}");
        }
    }
}

/// A file with one required string column of one page, valid except for the page.
fn by_hand(page: &[u8], codec: Compression, values: i64) -> Vec<u8> {
    let schema =
        Arc::new(parse_message_type("message rows { required binary prompt (UTF8); }").unwrap());
    let schema = Arc::new(SchemaDescriptor::new(schema));
    let mut bytes = b"PAR1".to_vec();
    bytes.extend(page);
    let column = ColumnChunkMetaData::builder(schema.column(0))
        .set_compression(codec)
        .set_num_values(values)
        .set_total_compressed_size(page.len() as i64)
        .set_total_uncompressed_size(i64::from(i32::MAX))
        .set_data_page_offset(4)
        .build()
        .unwrap();
    let group = RowGroupMetaData::builder(Arc::clone(&schema))
        .set_num_rows(values)
        .add_column_metadata(column)
        .build()
        .unwrap();
    let file = FileMetaData::new(1, values, None, None, schema, None);
    let metadata = ParquetMetaData::new(file, vec![group]);
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().unwrap();
    bytes
}

/// The page of [`by_hand`] is read if its claims are right.
#[test]
fn a_page_made_by_hand_is_read() {
    let place = Place::new();
    let page = [
        &[0x15, 0, 0x15, 18, 0x15, 18, 0x2c, 0x15, 2, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0][..],
        b"\x05\0\0\0hello",
    ]
    .concat();
    let read = place.read(&by_hand(&page, Compression::UNCOMPRESSED, 1)).unwrap();
    assert_eq!(said(&read.good[0]), ["u hello"]);
}
