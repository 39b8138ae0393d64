//! Counts the repetition and definition levels of a page before the Parquet library reads them.
//!
//! They determine how many rows and values a page has. A run of two billion levels takes five bytes, and a row group
//! with a wrong number of rows loses some, so both are compared with the other metadata
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE>).

/// Summary of repetition levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rows {
    /// Rows that start.
    pub(super) begun: u64,
    /// Items of the row that the last level belongs to.
    pub(super) open_items: u64,
    /// Largest number of items of a row.
    pub(super) most_items: u64,
}

/// Bits of levels up to `most`.
fn width(most: i16) -> u32 {
    u16::BITS - most.unsigned_abs().leading_zeros()
}

/// Counts rows; the current row has `open` items so far.
pub(super) fn rows(data: &[u8], most: i16, levels: u64, open: u64) -> Result<Rows, &'static str> {
    let mut rows = Rows { begun: 0, open_items: open, most_items: open };
    runs(data, most, levels, |level, times| {
        if level == 0 {
            rows.begun += times;
            rows.open_items = 1;
        } else {
            rows.open_items += times;
        }
        rows.most_items = rows.most_items.max(rows.open_items);
    })?;
    if open == 0 && levels > 0 && !starts_a_row(data, most) {
        return Err("its first row has no start");
    }
    Ok(rows)
}

fn starts_a_row(data: &[u8], most: i16) -> bool {
    let mut first = None;
    let _ = runs(data, most, 1, |level, _| first = first.or(Some(level)));
    first == Some(0)
}

/// Counts non-null values.
pub(super) fn values(data: &[u8], most: i16, levels: u64) -> Result<u64, &'static str> {
    let mut values = 0;
    runs(data, most, levels, |level, times| {
        if level == most.unsigned_abs() {
            values += times;
        }
    })?;
    Ok(values)
}

/// Passes runs of equal levels to the callback, up to `levels` in total.
fn runs(
    data: &[u8],
    most: i16,
    levels: u64,
    mut each: impl FnMut(u16, u64),
) -> Result<(), &'static str> {
    const SHORT: &str = "it has fewer levels than values";
    let width = width(most);
    let (mut at, mut left) = (0_usize, levels);
    while left > 0 {
        let (head, bytes) = varint(data.get(at..).unwrap_or_default()).ok_or(SHORT)?;
        at += bytes;
        let rest = data.get(at..).unwrap_or_default();
        if head & 1 == 0 {
            let times = (head >> 1).min(left);
            let bytes = width.div_ceil(8) as usize;
            let value = rest.get(..bytes).ok_or(SHORT)?;
            let level = value.iter().rev().fold(0_u16, |level, b| level << 8 | u16::from(*b));
            if times == 0 {
                return Err(SHORT);
            }
            if level > most.unsigned_abs() {
                return Err("its levels are invalid for its column");
            }
            each(level, times);
            at += bytes;
            left -= times;
        } else {
            let bytes = (head >> 1).saturating_mul(u64::from(width));
            // Some writers omit the end of the last block.
            let here = &rest[..rest.len().min(usize::try_from(bytes).unwrap_or(usize::MAX))];
            let whole = here.len() as u64 * 8 / u64::from(width.max(1));
            let times = whole.min(left);
            if times == 0 {
                return Err(SHORT);
            }
            for i in 0..times as usize {
                let level = unpack(here, i, width as usize);
                if level > most.unsigned_abs() {
                    return Err("its levels are invalid for its column");
                }
                each(level, 1);
            }
            at += here.len();
            left -= times;
        }
    }
    Ok(())
}

/// The `i`th number of `width` bits, least significant bit first.
fn unpack(data: &[u8], i: usize, width: usize) -> u16 {
    (0..width).fold(0, |level, bit| {
        let place = i * width + bit;
        let set = data.get(place / 8).is_some_and(|b| b >> (place % 8) & 1 == 1);
        level | u16::from(set) << bit
    })
}

fn varint(data: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, byte) in data.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_blocks_are_counted() {
        // Three times 0, then a block of eight: 1 1 0 1 0 0 1 1 with one bit each.
        let data = [3 << 1, 0, 1 << 1 | 1, 0b1100_1011];
        let counted = rows(&data, 1, 11, 0).unwrap();
        assert_eq!(counted, Rows { begun: 6, open_items: 3, most_items: 3 });
        assert_eq!(values(&data, 1, 11), Ok(5));
        // The rest of a block is ignored.
        assert_eq!(values(&data, 1, 5), Ok(2));
        assert!(values(&data, 1, 12).is_err());
    }

    #[test]
    fn levels_beyond_the_column_are_refused() {
        assert!(values(&[2 << 1, 3], 2, 2).is_err());
        assert!(values(&[1 << 1 | 1, 0xff, 0xff], 2, 8).is_err());
        assert!(rows(&[2 << 1, 1], 1, 2, 0).is_err());
        assert_eq!(rows(&[2 << 1, 1], 1, 2, 4).unwrap().open_items, 6);
    }

    #[test]
    fn a_run_of_billions_takes_no_time() {
        let data = [0xfe, 0xff, 0xff, 0xff, 0x1f, 0];
        assert_eq!(values(&data, 1, 1 << 31), Ok(0));
        assert_eq!(rows(&data, 1, 1 << 31, 0).unwrap().begun, 1 << 31);
        assert!(values(&[], 1, 1).is_err());
        assert!(values(&[0, 0], 1, 1).is_err());
    }
}
