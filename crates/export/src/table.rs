//! Rows as columns of a Parquet file, written without Arrow: strings, numbers, lists of strings and of records.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Rows per row group.
const ROWS: usize = 2_000;
/// Bytes of text at which a row group is written.
const BYTES: usize = 16 << 20;

/// A field of a record: name, whether it is a number instead of a string, whether it is optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) number: bool,
    pub(crate) optional: bool,
}

impl Field {
    pub(crate) const fn text(name: &'static str) -> Self {
        Self { name, number: false, optional: false }
    }

    pub(crate) const fn number(name: &'static str) -> Self {
        Self { name, number: true, optional: false }
    }

    /// A nullable string.
    pub(crate) const fn optional(name: &'static str) -> Self {
        Self { name, number: false, optional: true }
    }
}

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A number.
    Int,
    /// Integer, or null.
    OptionalInt,
    /// True or false.
    Flag,
    /// A list of strings.
    Texts,
    /// A list of records.
    Records(&'static [Field]),
    /// A list of lists of strings.
    TextLists,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Int(i32),
    Flag(bool),
    Texts(Vec<String>),
    Records(Vec<Vec<Cell>>),
    /// No value, for an optional field.
    Null,
    TextLists(Vec<Vec<String>>),
}

/// The stored values of one leaf of the schema.
#[derive(Debug, Default)]
struct Leaf {
    texts: Vec<ByteArray>,
    ints: Vec<i32>,
    flags: Vec<bool>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

/// A column with buffered rows.
#[derive(Debug)]
pub(crate) struct Column {
    name: &'static str,
    kind: Kind,
    leaves: Vec<Leaf>,
}

impl Column {
    pub(crate) fn new(name: &'static str, kind: Kind) -> Self {
        let leaves = if let Kind::Records(fields) = kind { fields.len() } else { 1 };
        Self { name, kind, leaves: (0..leaves).map(|_| Leaf::default()).collect() }
    }

    fn schema(&self) -> String {
        let name = self.name;
        let list = |inner: &str| {
            format!("required group {name} (LIST) {{ repeated group list {{ {inner} }} }}")
        };
        match self.kind {
            Kind::Text => format!("required binary {name} (STRING);"),
            Kind::Int => format!("required int32 {name};"),
            Kind::OptionalInt => format!("optional int32 {name};"),
            Kind::Flag => format!("required boolean {name};"),
            Kind::Texts => list("required binary element (STRING);"),
            Kind::Records(fields) => {
                let one = |f: &Field| {
                    let name = f.name;
                    let presence = if f.optional { "optional" } else { "required" };
                    if f.number {
                        format!("{presence} int32 {name};")
                    } else {
                        format!("{presence} binary {name} (STRING);")
                    }
                };
                let fields: Vec<String> = fields.iter().map(one).collect();
                list(&format!("required group element {{ {} }}", fields.join(" ")))
            }
            Kind::TextLists => list(
                "required group element (LIST) { repeated group list { required binary element (STRING); } }",
            ),
        }
    }

    /// Appends a value; returns the bytes of its strings. A value of another kind is a bug in this crate and is stored
    /// as blank.
    fn push(&mut self, cell: Cell) -> usize {
        let mut bytes = 0;
        let mut text = |t: String| {
            bytes += t.len();
            ByteArray::from(t.into_bytes())
        };
        let first = |i: usize| i16::from(i > 0);
        match (self.kind, cell) {
            (Kind::Int, Cell::Int(n)) => self.leaves[0].ints.push(n),
            (Kind::OptionalInt, Cell::Int(n)) => {
                self.leaves[0].ints.push(n);
                self.leaves[0].definition.push(1);
            }
            (Kind::OptionalInt, Cell::Null) => self.leaves[0].definition.push(0),
            (Kind::Flag, Cell::Flag(f)) => self.leaves[0].flags.push(f),
            (Kind::Text, Cell::Text(t)) => self.leaves[0].texts.push(text(t)),
            (Kind::Texts, Cell::Texts(all)) => {
                let leaf = &mut self.leaves[0];
                if all.is_empty() {
                    leaf.definition.push(0);
                    leaf.repetition.push(0);
                }
                for (i, t) in all.into_iter().enumerate() {
                    leaf.definition.push(1);
                    leaf.repetition.push(first(i));
                    leaf.texts.push(text(t));
                }
            }
            (Kind::Records(fields), Cell::Records(all)) => {
                if all.is_empty() {
                    for leaf in &mut self.leaves {
                        leaf.definition.push(0);
                        leaf.repetition.push(0);
                    }
                }
                for (i, record) in all.into_iter().enumerate() {
                    for ((leaf, field), cell) in self.leaves.iter_mut().zip(fields).zip(record) {
                        // One more level if the field itself is optional.
                        let present = !matches!(cell, Cell::Null);
                        leaf.definition.push(if field.optional && present { 2 } else { 1 });
                        leaf.repetition.push(first(i));
                        match cell {
                            Cell::Null if field.optional => {}
                            Cell::Text(t) => leaf.texts.push(text(t)),
                            Cell::Int(n) => leaf.ints.push(n),
                            other => debug_assert!(false, "{}: a field is {other:?}", self.name),
                        }
                    }
                }
            }
            (Kind::TextLists, Cell::TextLists(all)) => {
                let leaf = &mut self.leaves[0];
                if all.is_empty() {
                    leaf.definition.push(0);
                    leaf.repetition.push(0);
                }
                for (i, list) in all.into_iter().enumerate() {
                    if list.is_empty() {
                        leaf.definition.push(1);
                        leaf.repetition.push(first(i));
                    }
                    for (j, t) in list.into_iter().enumerate() {
                        leaf.definition.push(2);
                        leaf.repetition.push(if j > 0 { 2 } else { first(i) });
                        leaf.texts.push(text(t));
                    }
                }
            }
            (kind, other) => debug_assert!(false, "{}: {kind:?} is given {other:?}", self.name),
        }
        bytes
    }
}

/// A Parquet file that is written row by row, in row groups.
pub(crate) struct Table<W: Write + Send> {
    columns: Vec<Column>,
    writer: SerializedFileWriter<W>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> Table<W> {
    pub(crate) fn new(to: W, columns: Vec<Column>) -> Result<Self> {
        let fields: Vec<String> = columns.iter().map(Column::schema).collect();
        let schema = parse_message_type(&format!("message schema {{ {} }}", fields.join(" ")))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by("clinstruct".to_owned())
            .build();
        let writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { columns, writer, rows: 0, bytes: 0 })
    }

    /// Appends a row: one cell per column.
    pub(crate) fn push(&mut self, cells: Vec<Cell>) -> Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
        if self.rows >= ROWS || self.bytes >= BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let nested =
                !matches!(column.kind, Kind::Text | Kind::Int | Kind::OptionalInt | Kind::Flag);
            for (at, leaf) in column.leaves.iter_mut().enumerate() {
                let Some(mut to) = group.next_column()? else { break };
                let leaf = std::mem::take(leaf);
                let optional = column.kind == Kind::OptionalInt;
                let definition = (nested || optional).then_some(leaf.definition);
                let repetition = nested.then_some(leaf.repetition);
                let (definition, repetition) = (definition.as_deref(), repetition.as_deref());
                let number = match column.kind {
                    Kind::Int | Kind::OptionalInt => true,
                    Kind::Records(fields) => fields.get(at).is_some_and(|f| f.number),
                    _ => false,
                };
                match column.kind {
                    _ if number => {
                        to.typed::<Int32Type>().write_batch(&leaf.ints, definition, repetition)?
                    }
                    Kind::Flag => {
                        to.typed::<BoolType>().write_batch(&leaf.flags, definition, repetition)?
                    }
                    _ => to.typed::<ByteArrayType>().write_batch(
                        &leaf.texts,
                        definition,
                        repetition,
                    )?,
                };
                to.close()?;
            }
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes buffered rows and the footer.
    pub(crate) fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.writer.into_inner()
    }
}
