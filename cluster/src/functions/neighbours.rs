//! `neighbours(place)`: the pairs of texts in a bucket that are to be compared.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use clinstruct_curate::minhash::Neighbours;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, ListArray, StructArray, UInt64Array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

static PAIR: LazyLock<Fields> =
    LazyLock::new(|| ["a", "b"].iter().map(|n| Field::new(*n, DataType::UInt64, false)).collect());

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Closest {
    signature: Signature,
}

impl Closest {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::UInt64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Closest {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Null where a bucket has one text only.
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Struct(PAIR.clone()), false))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let places = DataType::new_list(DataType::UInt64, false);
        Ok(vec![Arc::new(Field::new(format!("{}[places]", args.name), places, false))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneBucket(Buckets::default())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Buckets::default()))
    }
}

/// No place has this number: see [`Place`](crate::rows::Place).
const NONE: u64 = u64::MAX;

/// The places of each bucket. Nearly all buckets have one: only others need a vector.
#[derive(Debug, Default)]
struct Buckets {
    first: Vec<u64>,
    more: HashMap<usize, Vec<u64>>,
    /// Bytes of these vectors.
    more_bytes: usize,
}

impl Buckets {
    fn resize(&mut self, buckets: usize) {
        self.first.resize(buckets, NONE);
    }

    fn push(&mut self, bucket: usize, place: u64) {
        match self.first.get_mut(bucket) {
            Some(first) if *first == NONE => *first = place,
            _ => {
                let places = self.more.entry(bucket).or_default();
                let before = places.capacity();
                places.push(place);
                self.more_bytes += (places.capacity() - before) * size_of::<u64>();
            }
        }
    }

    /// Removes buckets: their places, in the order of the buckets.
    fn take(&mut self, emit_to: EmitTo) -> (Vec<u64>, Vec<Vec<u64>>) {
        let first = emit_to.take_needed(&mut self.first);
        let taken = first.len();
        let mut more: Vec<Vec<u64>> = Vec::new();
        more.resize_with(taken, Vec::new);
        let mut kept = HashMap::new();
        self.more_bytes = 0;
        for (bucket, places) in self.more.drain() {
            match more.get_mut(bucket) {
                Some(to) => *to = places,
                None => {
                    self.more_bytes += places.capacity() * size_of::<u64>();
                    kept.insert(bucket - taken, places);
                }
            }
        }
        self.more = kept;
        (first, more)
    }

    fn lists(&mut self, emit_to: EmitTo) -> ListArray {
        let (first, more) = self.take(emit_to);
        let mut values = Vec::with_capacity(first.len());
        let mut lengths = Vec::with_capacity(first.len());
        for (first, more) in first.into_iter().zip(more) {
            let before = values.len();
            if first != NONE {
                values.push(first);
            }
            values.extend(more);
            lengths.push(values.len() - before);
        }
        places(values, lengths)
    }

    fn pairs(&mut self, emit_to: EmitTo) -> ListArray {
        let (first, more) = self.take(emit_to);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(first.len());
        let mut recent = Neighbours::default();
        for (first, mut places) in first.into_iter().zip(more) {
            let before = a.len();
            if !places.is_empty() {
                places.push(first);
                // Places come in any order from several tasks.
                places.sort_unstable();
                recent.clear();
                for place in places {
                    a.extend(recent.iter().copied());
                    b.resize(a.len(), place);
                    recent.push(place);
                }
            }
            lengths.push(a.len() - before);
        }
        let nulls: NullBuffer = lengths.iter().map(|length| *length > 0).collect();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(UInt64Array::from(a)), Arc::new(UInt64Array::from(b))];
        let pairs = StructArray::new(PAIR.clone(), columns, None);
        let field = Field::new_list_field(DataType::Struct(PAIR.clone()), false);
        let offsets = OffsetBuffer::from_lengths(lengths);
        ListArray::new(Arc::new(field), offsets, Arc::new(pairs), Some(nulls))
    }
}

fn places(values: Vec<u64>, lengths: Vec<usize>) -> ListArray {
    let field = Arc::new(Field::new_list_field(DataType::UInt64, false));
    let offsets = OffsetBuffer::from_lengths(lengths);
    ListArray::new(field, offsets, Arc::new(UInt64Array::from(values)), None)
}

/// The only argument, which has no nulls.
fn only(values: &[ArrayRef]) -> Result<&ArrayRef> {
    match values {
        [one] if one.null_count() == 0 => Ok(one),
        _ => exec_err!("neighbours takes one column without nulls"),
    }
}

impl GroupsAccumulator for Buckets {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        if opt_filter.is_some() {
            return not_impl_err!("neighbours with a filter");
        }
        self.resize(total_num_groups);
        let places = only(values)?.as_primitive::<UInt64Type>();
        for (bucket, place) in group_indices.iter().zip(places.values()) {
            self.push(*bucket, *place);
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let lists = only(values)?.as_list::<i32>();
        let places = lists.values().as_primitive::<UInt64Type>();
        for (bucket, ends) in group_indices.iter().zip(lists.offsets().windows(2)) {
            for place in &places.values()[ends[0] as usize..ends[1] as usize] {
                self.push(*bucket, *place);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(self.pairs(emit_to)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.lists(emit_to))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        if opt_filter.is_some() {
            return not_impl_err!("neighbours with a filter");
        }
        let all = only(values)?.as_primitive::<UInt64Type>();
        Ok(vec![Arc::new(places(all.values().to_vec(), vec![1; all.len()]))])
    }

    fn size(&self) -> usize {
        let entry = size_of::<(usize, Vec<u64>)>() + 1;
        self.first.capacity() * size_of::<u64>() + self.more.capacity() * entry + self.more_bytes
    }
}

/// One bucket: what the engine asks for where it does not group.
#[derive(Debug)]
struct OneBucket(Buckets);

impl OneBucket {
    fn all(&self) -> Buckets {
        Buckets { first: self.0.first.clone(), more: self.0.more.clone(), more_bytes: 0 }
    }
}

impl Accumulator for OneBucket {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, Array::len);
        self.0.update_batch(values, &vec![0; rows], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, Array::len);
        self.0.merge_batch(states, &vec![0; rows], 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut all = self.all();
        all.resize(1);
        Ok(ScalarValue::List(Arc::new(all.pairs(EmitTo::All))))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut all = self.all();
        all.resize(1);
        Ok(vec![ScalarValue::List(Arc::new(all.lists(EmitTo::All)))])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.size()
    }
}
