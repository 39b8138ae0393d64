//! Values of a fixed size, one after the other.

use std::marker::PhantomData;

use super::record::Number;
use super::{Bytes, Spill};
use crate::Result;

/// The bytes of the largest number.
const MOST: usize = 8;

/// Values by their number.
#[derive(Debug)]
pub(crate) struct Column<T> {
    bytes: Bytes,
    /// The bytes of the value that is appended.
    raw: Vec<u8>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Number> Column<T> {
    pub(crate) fn new(spill: &Spill, limit: usize) -> Self {
        Self { bytes: Bytes::new(spill, limit), raw: Vec::new(), len: 0, of: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, value: T) -> Result<()> {
        self.raw.clear();
        value.write(&mut self.raw);
        self.bytes.append(&self.raw)?;
        self.len += 1;
        Ok(())
    }

    /// The value with this number, which must be below the length.
    pub(crate) fn get(&self, number: usize) -> Result<T> {
        let mut raw = [0; MOST];
        let raw = &mut raw[..size_of::<T>()];
        self.bytes.read((number * raw.len()) as u64, raw)?;
        Ok(T::read(&mut &*raw).unwrap_or_default())
    }

    /// All values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<T>> + '_ {
        let mut reader = self.bytes.reader();
        (0..self.len).map(move |_| {
            let mut raw = reader.next(size_of::<T>())?.unwrap_or_default();
            Ok(T::read(&mut raw).unwrap_or_default())
        })
    }
}
