//! Records that are sorted: how they are written.

/// A record that a [`Sorter`](super::Sorter) can write to a file.
pub(crate) trait Record: Ord + Clone + Send + Sync {
    /// Appends its bytes.
    fn write(&self, to: &mut Vec<u8>);

    /// Reads it from the front of some bytes, which it shortens; `None` if they are too few.
    fn read(from: &mut &[u8]) -> Option<Self>;

    /// Memory beyond its own size, in bytes.
    fn heap(&self) -> usize {
        0
    }
}

/// A number, whose bytes are always as many as it has.
pub(crate) trait Number: Record + Copy + Default {}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Record for $number {
            fn write(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                let (bytes, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(Self::from_le_bytes(*bytes))
            }
        }

        impl Number for $number {}
    )*};
}

numbers! { u32 u64 }

impl Record for String {
    fn write(&self, to: &mut Vec<u8>) {
        write_text(self, to);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        read_text(from)
    }

    fn heap(&self) -> usize {
        self.capacity()
    }
}

impl<A: Record, B: Record> Record for (A, B) {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }

    fn heap(&self) -> usize {
        self.0.heap() + self.1.heap()
    }
}

impl<A: Record, B: Record, C: Record> Record for (A, B, C) {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
        self.1.write(to);
        self.2.write(to);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?, C::read(from)?))
    }

    fn heap(&self) -> usize {
        self.0.heap() + self.1.heap() + self.2.heap()
    }
}

/// Appends a text with its length before it.
pub(crate) fn write_text(text: &str, to: &mut Vec<u8>) {
    (text.len() as u64).write(to);
    to.extend_from_slice(text.as_bytes());
}

/// Reads what [`write_text`] wrote.
pub(crate) fn read_text(from: &mut &[u8]) -> Option<String> {
    let length = u64::read(from)? as usize;
    let (bytes, rest) = from.split_at_checked(length)?;
    *from = rest;
    String::from_utf8(bytes.to_vec()).ok()
}
