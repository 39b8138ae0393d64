//! `texts(manifest, start, bytes)`: the texts of a group of conversations that are to be compared, with their bands.

use std::sync::{Arc, LazyLock};

use clinstruct_curate::Variants;
use clinstruct_curate::minhash::BANDS;
use clinstruct_curate::near_duplicates::collect;
use clinstruct_schema::summary::TextKind;
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeBinaryBuilder, ListArray, StringBuilder, StructArray,
    UInt32Builder, UInt64Builder,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{external, numbers, text};
use crate::rows::{Group, Place, Rows};

/// The columns of its rows.
///
/// Each conversation has exactly one row with `head`: that of its prompt, or one without bands if its prompt is not
/// compared. `chat` is where its line starts, `base` is its base prompt as a hash. A conversation with an evaluation item has only that
/// row, with the item's set and a description.
pub(crate) const COLUMNS: [&str; 7] =
    ["head", "chat", "base", "place", "bands", "item_set", "item"];

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let types = [
        DataType::Boolean,
        DataType::UInt64,
        DataType::UInt64,
        DataType::UInt64,
        DataType::FixedSizeBinary(4 * BANDS as i32),
        DataType::UInt32,
        DataType::Utf8,
    ];
    COLUMNS.iter().zip(types).map(|(name, kind)| Field::new(*name, kind, true)).collect()
});

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Texts {
    signature: Signature,
}

impl Texts {
    pub(super) fn new() -> Self {
        let types = vec![DataType::Utf8, DataType::UInt64, DataType::UInt64];
        // It reads files, so it must not be computed while a query is planned.
        Self { signature: Signature::exact(types, Volatility::Volatile) }
    }
}

struct Columns {
    head: BooleanBuilder,
    chat: UInt64Builder,
    base: UInt64Builder,
    place: UInt64Builder,
    bands: FixedSizeBinaryBuilder,
    item_set: UInt32Builder,
    item: StringBuilder,
    rows: usize,
}

impl Columns {
    fn new() -> Self {
        Self {
            head: BooleanBuilder::new(),
            chat: UInt64Builder::new(),
            base: UInt64Builder::new(),
            place: UInt64Builder::new(),
            bands: FixedSizeBinaryBuilder::new(4 * BANDS as i32),
            item_set: UInt32Builder::new(),
            item: StringBuilder::new(),
            rows: 0,
        }
    }

    fn push(
        &mut self,
        place: Place,
        base: u64,
        bands: Option<&[u32; BANDS]>,
        item: Option<(u32, String)>,
    ) -> Result<()> {
        self.head.append_value(place.kind() == TextKind::Prompt);
        self.chat.append_value(place.chat());
        self.base.append_value(base);
        self.place.append_value(place.0);
        match bands {
            Some(bands) => {
                let mut bytes = [0; 4 * BANDS];
                for (to, band) in bytes.chunks_exact_mut(4).zip(bands) {
                    to.copy_from_slice(&band.to_le_bytes());
                }
                self.bands.append_value(bytes)?;
            }
            None => self.bands.append_null(),
        }
        let (set, item) = item.unzip();
        self.item_set.append_option(set);
        self.item.append_option(item);
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self) -> StructArray {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.head.finish()),
            Arc::new(self.chat.finish()),
            Arc::new(self.base.finish()),
            Arc::new(self.place.finish()),
            Arc::new(self.bands.finish()),
            Arc::new(self.item_set.finish()),
            Arc::new(self.item.finish()),
        ];
        StructArray::new(FIELDS.clone(), columns, None)
    }
}

impl ScalarUDFImpl for Texts {
    fn name(&self) -> &'static str {
        "texts"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Struct(FIELDS.clone()), true))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = Rows::open(text(&args, 0)?).map_err(external)?;
        let (starts, bytes) = (numbers(&args, 1)?, numbers(&args, 2)?);
        let mut columns = Columns::new();
        let mut lengths = Vec::with_capacity(starts.len());
        for (start, bytes) in starts.values().iter().zip(bytes.values()) {
            let (before, mut result) = (columns.rows, Ok(()));
            let each = rows.each(Group { start: *start, bytes: *bytes }, |at, chat| {
                if result.is_ok() {
                    result = add(&rows, at, &chat.row(), &mut columns);
                }
            });
            each.map_err(external)?;
            result?;
            lengths.push(columns.rows - before);
        }
        let field = Field::new_list_field(DataType::Struct(FIELDS.clone()), true);
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = ListArray::new(Arc::new(field), offsets, Arc::new(columns.finish()), None);
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}

/// Adds the rows of a conversation.
fn add(rows: &Rows, at: u64, row: &clinstruct_curate::Row<'_>, to: &mut Columns) -> Result<()> {
    let base = row.base.map_or(0, Variants::key);
    let head = Place::new(TextKind::Prompt, at, 0);
    let item = rows.eval_items.first(row.messages);
    if item.is_some() {
        return to.push(head, base, None, item);
    }
    let collected = collect(row);
    if collected.texts().all(|(kind, ..)| kind != TextKind::Prompt) {
        to.push(head, base, None, None)?;
    }
    for (kind, message, signature) in collected.texts() {
        let place = Place::new(kind, at, message);
        to.push(place, base, Some(signature.bands()), None)?;
    }
    Ok(())
}
