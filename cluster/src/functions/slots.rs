//! `slots(place, bands, from, to)`: the buckets of a text, for some of its bands.

use std::sync::Arc;

use clinstruct_curate::minhash::BANDS;
use datafusion::arrow::array::{Array as _, ListArray, UInt64Array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::cast::as_fixed_size_binary_array;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{constant, numbers};
use crate::rows::Place;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Slots {
    signature: Signature,
}

impl Slots {
    pub(super) fn new() -> Self {
        let bands = DataType::FixedSizeBinary(4 * BANDS as i32);
        let types = vec![DataType::UInt64, bands, DataType::Int64, DataType::Int64];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Slots {
    fn name(&self) -> &'static str {
        "slots"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::UInt64, false))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let places = numbers(&args, 0)?;
        let bands = args.args.get(1).map(|bands| bands.to_array(args.number_rows)).transpose()?;
        let Some(bands) = bands else { return exec_err!("slots has no bands") };
        let bands = as_fixed_size_binary_array(&bands)?;
        let band = |at| match constant(&args, at)? {
            ScalarValue::Int64(Some(band)) if (0..=BANDS as i64).contains(band) => {
                Ok(*band as usize)
            }
            _ => exec_err!("argument {at} of slots is not a band"),
        };
        let (from, to) = (band(2)?, band(3)?);
        let mut slots = Vec::with_capacity(places.len() * (to - from.min(to)));
        let mut lengths = Vec::with_capacity(places.len());
        for (i, place) in places.values().iter().enumerate() {
            let before = slots.len();
            if bands.is_valid(i) {
                // Texts of different kinds are not compared.
                let kind = Place(*place).kind() as u64;
                let (keys, _) = bands.value(i).as_chunks::<4>();
                for (band, key) in keys.iter().enumerate().take(to).skip(from) {
                    let key = u64::from(u32::from_le_bytes(*key));
                    slots.push(kind << 40 | (band as u64) << 32 | key);
                }
            }
            lengths.push(slots.len() - before);
        }
        let field = Arc::new(Field::new_list_field(DataType::UInt64, false));
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = ListArray::new(field, offsets, Arc::new(UInt64Array::from(slots)), None);
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}
