//! Values of a fixed size, one after the other.

use std::marker::PhantomData;

use super::{Bytes, Spill};
use crate::Result;

/// A value of a fixed size.
pub(crate) trait Fixed: Copy {
    /// Its bytes.
    type Raw: AsRef<[u8]> + AsMut<[u8]> + Default;

    fn raw(self) -> Self::Raw;
    fn of(raw: &Self::Raw) -> Self;
}

impl Fixed for u32 {
    type Raw = [u8; 4];

    fn raw(self) -> [u8; 4] {
        self.to_le_bytes()
    }

    fn of(raw: &[u8; 4]) -> Self {
        Self::from_le_bytes(*raw)
    }
}

impl Fixed for u64 {
    type Raw = [u8; 8];

    fn raw(self) -> [u8; 8] {
        self.to_le_bytes()
    }

    fn of(raw: &[u8; 8]) -> Self {
        Self::from_le_bytes(*raw)
    }
}

/// Values by their number.
#[derive(Debug)]
pub(crate) struct Column<T> {
    bytes: Bytes,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Fixed> Column<T> {
    pub(crate) fn new(spill: &Spill, limit: usize) -> Self {
        Self { bytes: Bytes::new(spill, limit), len: 0, of: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, value: T) -> Result<()> {
        self.bytes.append(value.raw().as_ref())?;
        self.len += 1;
        Ok(())
    }

    /// The value with this number, which must be below the length.
    pub(crate) fn get(&self, number: usize) -> Result<T> {
        let mut raw = T::Raw::default();
        let size = raw.as_ref().len() as u64;
        self.bytes.read(number as u64 * size, raw.as_mut())?;
        Ok(T::of(&raw))
    }

    /// All values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<T>> + '_ {
        let mut reader = self.bytes.reader();
        (0..self.len).map(move |_| {
            let mut raw = T::Raw::default();
            let size = raw.as_ref().len();
            if let Some(bytes) = reader.next(size)? {
                raw.as_mut().copy_from_slice(bytes);
            }
            Ok(T::of(&raw))
        })
    }
}
