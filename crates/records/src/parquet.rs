//! Rows of a Parquet file, which may be damaged, truncated or not Parquet at all.
//!
//! The first error ends a file. Memory is never reserved on the file's word: see [`thrift`] and [`pages`].

mod levels;
mod pages;
mod thrift;

use std::cell::Cell;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Once};

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::reader::TreeBuilder;
use parquet::record::{Field, Row};
use serde_json::{Map, Value};

use crate::Error;
use crate::take::Take;
use pages::{Group, plain};
use thrift::Fault;

/// First and last bytes of a file.
const MAGIC: &[u8] = b"PAR1";
/// The same for an encrypted footer.
const ENCRYPTED: &[u8] = b"PARE";
/// Length of the footer and [`MAGIC`].
const TAIL: u64 = 8;
/// Rows that each column decodes at once.
const BATCH: usize = 256;

/// Passes the rows of a file to the callback.
pub(crate) fn rows(path: &Path, mut file: File, take: Take<'_>) -> Result<(), Error> {
    let data_ends = footer_start(path, &mut file)?;
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), place: None, why };
    let file = Arc::new(file);
    let again = file.try_clone().map_err(|e| Error::io(path, e))?;
    let reader = guard(|| SerializedFileReader::new(again)).map_err(damaged)?;
    let groups = reader.num_row_groups();
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let claimed = reader.metadata().file_metadata().num_rows();
    if claimed
        != reader
            .metadata()
            .row_groups()
            .iter()
            .map(RowGroupMetaData::num_rows)
            .fold(0, i64::saturating_add)
    {
        return Err(damaged("its footer and its row groups differ in the number of rows".into()));
    }
    let mut number = 0;
    for at in 0..groups {
        let in_group = |number: u64| {
            move |why: String| Error::Damaged {
                path: path.to_owned(),
                place: Some(format!("row group {} of {groups}, after {number} rows", at + 1)),
                why,
            }
        };
        let metadata =
            guard(|| with_offsets(reader.metadata().row_group(at))).map_err(in_group(number))?;
        let group = guard(|| Group::new(&metadata, Arc::clone(&file), data_ends))
            .map_err(in_group(number))?;
        let builder = TreeBuilder::new().with_batch_size(BATCH);
        let mut rows =
            guard(|| builder.as_iter(Arc::clone(&schema), &group)).map_err(in_group(number))?;
        while let Some(row) = guard(|| rows.next().transpose()).map_err(in_group(number))? {
            number += 1;
            take(number, Ok(object(&row)));
        }
        guard(|| group.finish()).map_err(in_group(number))?;
    }
    Ok(())
}

/// A row group without the offset 0 that some writers give if a column has no dictionary
/// (<https://issues.apache.org/jira/browse/PARQUET-1402>).
fn with_offsets(group: &RowGroupMetaData) -> parquet::errors::Result<RowGroupMetaData> {
    let none = |c: &ColumnChunkMetaData| c.dictionary_page_offset() == Some(0);
    if !group.columns().iter().any(none) {
        return Ok(group.clone());
    }
    let columns = group.columns().iter().map(|column| {
        let offset = column.dictionary_page_offset().filter(|offset| *offset != 0);
        column.clone().into_builder().set_dictionary_page_offset(offset).build()
    });
    let columns = columns.collect::<parquet::errors::Result<Vec<_>>>()?;
    group.clone().into_builder().set_column_metadata(columns).build()
}

/// Offset of the footer, once it is known to be readable.
fn footer_start(path: &Path, file: &mut File) -> Result<u64, Error> {
    let io = |e| Error::io(path, e);
    let broken = |why: &str| Error::Broken { path: path.to_owned(), why: why.to_owned() };
    let damaged =
        |why: &str| Error::Damaged { path: path.to_owned(), place: None, why: why.to_owned() };
    let length = file.metadata().map_err(io)?.len();
    let mut first = [0; 4];
    let mut tail = [0; TAIL as usize];
    if length < MAGIC.len() as u64 + TAIL {
        return Err(broken(&format!("{length} bytes are not a Parquet file")));
    }
    file.rewind().and_then(|()| file.read_exact(&mut first)).map_err(io)?;
    let start_of_tail = length - TAIL;
    file.seek(SeekFrom::Start(start_of_tail))
        .and_then(|_| file.read_exact(&mut tail))
        .map_err(io)?;
    let (size, magic) = tail.split_at(4);
    if first == ENCRYPTED || magic == ENCRYPTED {
        return Err(Error::Encrypted { path: path.to_owned() });
    }
    if first != MAGIC {
        return Err(broken("not a Parquet file: it does not start with PAR1"));
    }
    if magic != MAGIC {
        return Err(damaged("it does not end with a footer"));
    }
    let size = size.iter().rev().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let start = start_of_tail.checked_sub(size).filter(|start| *start >= 4);
    let start = start.ok_or_else(|| damaged("its footer is longer than the file"))?;
    let mut footer = vec![0; size as usize];
    file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut footer)).map_err(io)?;
    match thrift::check_footer(&footer) {
        Ok(()) => Ok(start),
        Err(Fault::Short) => Err(damaged("its footer is damaged")),
        Err(Fault::Bad(why)) => Err(damaged(&format!("its footer is damaged: {why}"))),
    }
}

thread_local! {
    /// Whether panics of this thread are caught, and not printed.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls the Parquet library, and turns its panics into errors.
///
/// Its decoders index and assert while reading pages, so a damaged page that passes the checks before can still make
/// them panic. None of their state is used after that.
fn guard<T>(call: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                loud(panic);
            }
        }));
    });
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(false);
    match result {
        Ok(result) => result.map_err(|e| plain(&e)),
        Err(_) => Err("its pages cannot be decoded".into()),
    }
}

fn object(row: &Row) -> Value {
    let fields = row.get_column_iter().map(|(name, field)| (name.clone(), value(field)));
    Value::Object(fields.collect())
}

/// A field as JSON; dates and similar types, which no message contains, as null.
fn value(field: &Field) -> Value {
    match field {
        Field::Bool(v) => (*v).into(),
        Field::Byte(v) => (*v).into(),
        Field::Short(v) => (*v).into(),
        Field::Int(v) => (*v).into(),
        Field::Long(v) => (*v).into(),
        Field::UByte(v) => (*v).into(),
        Field::UShort(v) => (*v).into(),
        Field::UInt(v) => (*v).into(),
        Field::ULong(v) => (*v).into(),
        Field::Float(v) => (*v).into(),
        Field::Double(v) => (*v).into(),
        Field::Str(text) => text.clone().into(),
        // Text that its writer did not mark as text.
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).map_or(Value::Null, Value::from),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let mut object = Map::new();
            for (key, of) in map.entries() {
                let key = match value(key) {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                object.insert(key, value(of));
            }
            Value::Object(object)
        }
        _ => Value::Null,
    }
}
