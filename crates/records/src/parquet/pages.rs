//! Checks the pages of a column before and after the Parquet library decodes them.
//!
//! The library trusts a page's metadata: it reserves memory for as many bytes and values, and panics if they are
//! missing. So the metadata is compared with the file, the column and the row group.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::basic::{Compression, Encoding, Type};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedRowGroupReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::{ColumnDescPtr, Type as SchemaType};

use super::levels;
use super::thrift::{Fault, PageHead, page_head};

/// Page size in bytes that is always accepted. A larger page must fit into the size of its column.
const USUAL_PAGE: i64 = 64 << 20;
/// Values per page. Writers stop at some ten thousand, or at a row group.
const MOST_VALUES: u64 = 1 << 26;
/// Items in a list of one row.
const MOST_ITEMS: u64 = 1 << 20;
/// Bytes in which a page header is first searched for; statistics can make it longer.
const HEAD: u64 = 8 << 10;

fn wrong(column: &ColumnDescPtr, why: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("column \"{}\": {why}", column.path().string()))
}

/// A row group whose pages are checked.
pub(super) struct Group<'a> {
    inner: SerializedRowGroupReader<'a, File>,
    file: Arc<File>,
    /// Values of each column that are not read yet.
    left: Vec<Arc<AtomicU64>>,
}

impl<'a> Group<'a> {
    /// Checks the footer's metadata of a row group.
    pub(super) fn new(
        group: &'a RowGroupMetaData,
        file: Arc<File>,
        data_ends: u64,
    ) -> Result<Self> {
        let rows = group.num_rows();
        let columns = group.schema_descr().num_columns();
        if rows < 0 || columns != group.num_columns() {
            return Err(ParquetError::General("the footer is damaged".into()));
        }
        let mut left = Vec::with_capacity(columns);
        for chunk in group.columns() {
            let values = check_chunk(chunk, rows, data_ends)
                .map_err(|why| wrong(&chunk.column_descr_ptr(), why))?;
            left.push(Arc::new(AtomicU64::new(values)));
        }
        let properties = Arc::new(ReaderProperties::builder().build());
        let inner = SerializedRowGroupReader::new(Arc::clone(&file), group, None, properties)?;
        Ok(Self { inner, file, left })
    }

    /// Reports a column with more values than its rows, once they are read.
    pub(super) fn finish(&self) -> Result<()> {
        for (chunk, left) in self.inner.metadata().columns().iter().zip(&self.left) {
            if left.load(Ordering::Relaxed) > 0 {
                let why = format!(
                    "it has values beyond the {} rows of its row group",
                    self.inner.metadata().num_rows()
                );
                return Err(wrong(&chunk.column_descr_ptr(), why));
            }
        }
        Ok(())
    }
}

/// The number of its values, if the footer's other metadata of the column is plausible.
fn check_chunk(
    chunk: &ColumnChunkMetaData,
    rows: i64,
    data_ends: u64,
) -> std::result::Result<u64, String> {
    if chunk.file_path().is_some_and(|p| !p.is_empty()) {
        return Err("it is in another file".into());
    }
    let column = chunk.column_descr();
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let (Ok(start), Ok(length), Ok(values)) = (
        u64::try_from(start),
        u64::try_from(chunk.compressed_size()),
        u64::try_from(chunk.num_values()),
    ) else {
        return Err("the footer has a negative offset, size or number".into());
    };
    if start.checked_add(length).is_none_or(|end| end > data_ends) {
        return Err("the footer places it outside of the file".into());
    }
    if column.max_rep_level() == 0 && values != rows as u64 {
        return Err(format!("it has {values} values, its row group {rows} rows"));
    }
    if column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY && column.type_length() <= 0 {
        return Err("its values have no length".into());
    }
    Ok(values)
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.inner.metadata()
    }

    fn num_columns(&self) -> usize {
        self.inner.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let group = self.inner.metadata();
        let (Some(chunk), Some(left)) = (group.columns().get(i), self.left.get(i)) else {
            return Err(ParquetError::IndexOutOfBound(i, group.num_columns()));
        };
        let column = chunk.column_descr_ptr();
        let inner = self.inner.get_column_page_reader(i).map_err(|e| wrong(&column, e))?;
        let (at, length) = chunk.byte_range();
        Ok(Box::new(Pages {
            inner,
            file: Arc::clone(&self.file),
            at,
            ends: at + length,
            column,
            compression: chunk.compression(),
            largest: chunk.uncompressed_size().max(USUAL_PAGE),
            left: Arc::clone(left),
            rows_left: group.num_rows() as u64,
            open_items: 0,
            counts_rows: true,
        }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&Sbbf> {
        self.inner.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<SchemaType>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// The pages of one column of a row group.
struct Pages {
    inner: Box<dyn PageReader>,
    file: Arc<File>,
    /// Offset of the next page, and of the column's end.
    at: u64,
    ends: u64,
    column: ColumnDescPtr,
    compression: Compression,
    /// Bytes that a page may have.
    largest: i64,
    /// Values not in any page yet.
    left: Arc<AtomicU64>,
    rows_left: u64,
    /// Items of the last row so far.
    open_items: u64,
    /// Whether rows can be counted: not with levels packed as before 2013.
    counts_rows: bool,
}

impl Pages {
    fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Reads the next page header.
    fn head(&self) -> std::result::Result<PageHead, String> {
        let whole = self.ends - self.at;
        let mut wanted = HEAD.min(whole);
        loop {
            let mut bytes = vec![0; wanted as usize];
            let mut file: &File = &self.file;
            file.seek(SeekFrom::Start(self.at))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|e| format!("a page cannot be read: {e}"))?;
            match page_head(&bytes) {
                Ok(head) => return Ok(head),
                Err(Fault::Short) if wanted < whole => wanted = (wanted * 16).min(whole),
                Err(Fault::Short) => return Err("a page header is damaged".into()),
                Err(Fault::Bad(why)) => {
                    return Err(format!("a page header is damaged: {why}"));
                }
            }
        }
    }

    /// Checks the next page header.
    fn check_head(&self, head: &PageHead) -> std::result::Result<(), String> {
        let there = (self.ends - self.at - head.length as u64) as i64;
        if !(0..=there).contains(&head.compressed) {
            return Err(format!("a page has {} bytes, of which {there} exist", head.compressed));
        }
        // The maximum expansion of a byte; other encodings expand it a thousandfold.
        let most = match self.compression {
            Compression::UNCOMPRESSED => head.compressed,
            Compression::SNAPPY => head.compressed.saturating_mul(32),
            Compression::LZ4 | Compression::LZ4_RAW => head.compressed.saturating_mul(256),
            Compression::GZIP(_) => head.compressed.saturating_mul(1100),
            _ => i64::MAX,
        };
        if !(0..=self.largest.min(most.saturating_add(1024))).contains(&head.uncompressed) {
            return Err(format!(
                "a page of {} bytes claims an uncompressed size of {}",
                head.compressed, head.uncompressed
            ));
        }
        let values = u64::try_from(head.values).unwrap_or(u64::MAX);
        match head.kind {
            2 if values.saturating_mul(self.least_bits()).div_ceil(8)
                > head.uncompressed as u64 =>
            {
                Err(format!("its dictionary claims {} values", head.values))
            }
            0 | 3 if values > self.left() || values > MOST_VALUES => {
                Err(format!("a page claims {} values, but {} are left", head.values, self.left()))
            }
            0..=3 => Ok(()),
            kind => Err(format!("unknown page type {kind}")),
        }
    }

    /// Minimum bits of a plain value.
    fn least_bits(&self) -> u64 {
        match self.column.physical_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 32,
            Type::INT64 | Type::DOUBLE => 64,
            Type::INT96 => 96,
            Type::FIXED_LEN_BYTE_ARRAY => {
                8 * u64::from(self.column.type_length().unsigned_abs().max(1))
            }
        }
    }

    /// Counts levels and values of a decoded page.
    fn check_page(&mut self, page: &Page) -> std::result::Result<(), String> {
        let (most_repetition, most_definition) =
            (self.column.max_rep_level(), self.column.max_def_level());
        let levels = u64::from(page.num_values());
        let mut data: &[u8] = page.buffer();
        let mut repetition: Option<&[u8]> = None;
        let mut definition: Option<&[u8]> = None;
        let nulls = match page {
            Page::DictionaryPage { .. } => return Ok(()),
            Page::DataPage { def_level_encoding, rep_level_encoding, .. } => {
                if most_repetition > 0 {
                    repetition =
                        first_levels(&mut data, *rep_level_encoding, most_repetition, levels)?;
                    self.counts_rows &= repetition.is_some();
                }
                if most_definition > 0 {
                    definition =
                        first_levels(&mut data, *def_level_encoding, most_definition, levels)?;
                }
                None
            }
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, num_nulls, .. } => {
                let mut take = |bytes: u32| {
                    let (levels, rest) = data
                        .split_at_checked(bytes as usize)
                        .ok_or("a page is shorter than its levels")?;
                    data = rest;
                    Ok::<_, String>(levels)
                };
                let (of_rows, of_values) =
                    (take(*rep_levels_byte_len)?, take(*def_levels_byte_len)?);
                repetition = (most_repetition > 0).then_some(of_rows);
                definition = (most_definition > 0).then_some(of_values);
                Some(u64::from(*num_nulls))
            }
        };
        let in_page = |why: &str| format!("a page is damaged: {why}");
        if most_repetition == 0 {
            self.rows_left = self.rows_left.saturating_sub(levels);
        }
        if let Some(data) = repetition {
            let rows =
                levels::rows(data, most_repetition, levels, self.open_items).map_err(in_page)?;
            if rows.most_items > MOST_ITEMS {
                return Err(format!("a row has more than {MOST_ITEMS} items"));
            }
            self.open_items = rows.open_items;
            self.rows_left = self
                .rows_left
                .checked_sub(rows.begun)
                .ok_or("it has more rows than its row group")?;
        }
        let mut values = levels;
        if let Some(data) = definition {
            values = levels::values(data, most_definition, levels).map_err(in_page)?;
        }
        if nulls.is_some_and(|nulls| levels.checked_sub(nulls) != Some(values)) {
            return Err("a page's number of nulls differs from its header".into());
        }
        check_encoding(page.encoding(), data, values)
    }

    fn next_page(&mut self) -> std::result::Result<Option<Page>, String> {
        if self.left() == 0 {
            return if self.counts_rows && self.rows_left > 0 {
                Err(format!("it lacks {} rows of its row group", self.rows_left))
            } else {
                Ok(None)
            };
        }
        loop {
            if self.at >= self.ends {
                return Err(format!("it ends with {} values missing", self.left()));
            }
            let head = self.head()?;
            self.check_head(&head)?;
            self.at += head.length as u64 + head.compressed as u64;
            // The library skips these too, when the next page is requested.
            if head.kind == 1 {
                continue;
            }
            let page = self
                .inner
                .get_next_page()
                .map_err(|e| format!("a page is damaged: {}", plain(&e)))?
                .ok_or("a page is missing")?;
            self.check_page(&page)?;
            if page.is_data_page() {
                self.left.fetch_sub(u64::from(page.num_values()), Ordering::Relaxed);
            }
            return Ok(Some(page));
        }
    }
}

/// Checks the number of values in delta encodings, for which memory is reserved.
fn check_encoding(encoding: Encoding, data: &[u8], values: u64) -> std::result::Result<(), String> {
    let check = |data| match delta(data) {
        Some((claimed, length)) if claimed <= values => Ok(length),
        _ => Err("a page is damaged: its lengths do not match its values".to_owned()),
    };
    match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BINARY_PACKED if values > 0 => {
            check(data).map(drop)
        }
        Encoding::DELTA_BYTE_ARRAY if values > 0 => {
            let prefixes = check(data)?;
            check(data.get(prefixes..).unwrap_or_default()).map(drop)
        }
        _ => Ok(()),
    }
}

/// The library's message without its name in front.
pub(super) fn plain(error: &ParquetError) -> String {
    match error {
        // The library says so of a codec that it was compiled without; all others are always compiled in.
        ParquetError::General(why) if !cfg!(feature = "brotli") && why.contains("brotli") => {
            "it is compressed with Brotli, and this clinstruct was built without; the wheel of the release page has it, \
             and so has `cargo install --path crates/cli`"
                .into()
        }
        ParquetError::General(why) | ParquetError::EOF(why) | ParquetError::NYI(why) => why.clone(),
        ParquetError::External(e) => e.to_string(),
        other => other.to_string(),
    }
}

/// Removes the levels from the start of a version 1 page; `None` if they cannot be counted.
fn first_levels<'a>(
    data: &mut &'a [u8],
    encoding: Encoding,
    most: i16,
    levels: u64,
) -> std::result::Result<Option<&'a [u8]>, String> {
    const SHORT: &str = "a page is shorter than its levels";
    if encoding == Encoding::RLE {
        let (length, rest) = data.split_first_chunk::<4>().ok_or(SHORT)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (levels, rest) = rest.split_at_checked(length).ok_or(SHORT)?;
        *data = rest;
        return Ok(Some(levels));
    }
    let bits = u64::from(u16::BITS - most.unsigned_abs().leading_zeros());
    let bytes = (levels * bits).div_ceil(8) as usize;
    *data = data.get(bytes..).ok_or(SHORT)?;
    Ok(None)
}

/// Number of values claimed by a delta encoding, and its size in bytes
/// (<https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5>).
fn delta(data: &[u8]) -> Option<(u64, usize)> {
    let mut at = 0;
    let varint = |at: &mut usize| -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *data.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    let (block, mini_blocks) = (varint(&mut at)?, varint(&mut at)?);
    let numbers = varint(&mut at)?;
    varint(&mut at)?;
    let each = block.checked_div(mini_blocks)?;
    if each == 0 || each % 8 != 0 || each > 1 << 20 {
        return None;
    }
    let mut left = numbers.saturating_sub(1);
    while left > 0 {
        varint(&mut at)?;
        let widths = data.get(at..at.checked_add(usize::try_from(mini_blocks).ok()?)?)?;
        at += widths.len();
        for width in widths {
            if left == 0 {
                break;
            }
            at = at.checked_add(usize::from(*width) * each as usize / 8)?;
            left = left.saturating_sub(each);
        }
    }
    Some((numbers, at))
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next_page().map_err(|why| wrong(&self.column, why))
    }

    // Only readers that skip rows look ahead.
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::NYI("looking ahead of pages".into()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::NYI("skipping of pages".into()))
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // Called once a page is consumed: a later one may continue its last row.
        Ok(self.left() == 0)
    }
}
