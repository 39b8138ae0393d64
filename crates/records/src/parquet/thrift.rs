//! Walks Thrift's compact protocol before the Parquet library reads it.
//!
//! The library reserves as much memory as a list or a string claims to need. With a damaged byte that can exceed any
//! machine, which ends the process and cannot be caught. So every length is first compared with the remaining bytes
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).

/// Nesting limit of structures; Parquet's own have fewer than ten levels.
const DEEPEST: u8 = 32;
/// Nesting limit of schema groups, which the library reads recursively.
const DEEPEST_SCHEMA: usize = 64;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Why a structure cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It continues after the given bytes.
    Short,
    /// It is malformed.
    Bad(&'static str),
}

type Result<T> = std::result::Result<T, Fault>;

/// The parts of a page header that determine how much is read and reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PageHead {
    /// Size of the header itself, in bytes.
    pub(super) length: usize,
    /// Page type: 0 data, 1 index, 2 dictionary, 3 data version 2.
    pub(super) kind: i64,
    /// Uncompressed size in bytes.
    pub(super) uncompressed: i64,
    /// Size in the file, in bytes.
    pub(super) compressed: i64,
    /// Number of values, including nulls.
    pub(super) values: i64,
}

/// Reads a page header from the start of `bytes`.
pub(super) fn page_head(bytes: &[u8]) -> Result<PageHead> {
    let mut walk = Walk { bytes, at: 0 };
    let mut head = PageHead { kind: -1, uncompressed: -1, compressed: -1, values: -1, length: 0 };
    walk.fields(0, &mut |walk, id, kind| {
        match id {
            1 => head.kind = walk.int(kind)?,
            2 => head.uncompressed = walk.int(kind)?,
            3 => head.compressed = walk.int(kind)?,
            // Headers of data, dictionary and version 2 pages; all start with the number of values.
            5 | 7 | 8 if kind == STRUCT => walk.fields(1, &mut |walk, id, kind| {
                if id == 1 {
                    head.values = walk.int(kind)?;
                }
                Ok(id == 1)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    head.length = walk.at;
    Ok(head)
}

/// Walks the footer of a file; returns what is wrong with it.
pub(super) fn check_footer(bytes: &[u8]) -> Result<()> {
    let mut walk = Walk { bytes, at: 0 };
    walk.fields(0, &mut |walk, id, kind| {
        if id != 2 || kind != LIST {
            return Ok(false);
        }
        let (elements, kind) = walk.list()?;
        if kind != STRUCT {
            return Err(Fault::Bad("the schema is not a list of fields"));
        }
        // Fields are visited depth first, each with its own id.
        let mut open: Vec<i64> = Vec::new();
        for _ in 0..elements {
            let mut children = 0;
            walk.fields(1, &mut |walk, id, kind| {
                if id == 5 {
                    children = walk.int(kind)?;
                }
                Ok(id == 5)
            })?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > DEEPEST_SCHEMA {
                return Err(Fault::Bad("the schema is nested too deeply"));
            }
        }
        Ok(true)
    })
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Visits a field of a structure, with its id and type; returns whether it has read its value.
type EachField<'a, 'b> = &'a mut dyn FnMut(&mut Walk<'b>, i16, u8) -> Result<bool>;

impl<'a> Walk<'a> {
    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or(Fault::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let left = (self.bytes.len() - self.at) as u64;
        if bytes > left {
            return Err(Fault::Short);
        }
        self.at += bytes as usize;
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Bad("a number has more than ten bytes"))
    }

    fn signed(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn int(&mut self, kind: u8) -> Result<i64> {
        match kind {
            BYTE => self.byte().map(|b| i64::from(b as i8)),
            4..=I64 => self.signed(),
            _ => Err(Fault::Bad("a number is missing")),
        }
    }

    /// Number of elements and their type.
    fn list(&mut self) -> Result<(u64, u8)> {
        let head = self.byte()?;
        let elements = match head >> 4 {
            15 => self.unsigned()?,
            few => u64::from(few),
        };
        // Every element takes at least a byte.
        if elements > (self.bytes.len() - self.at) as u64 {
            return Err(Fault::Short);
        }
        Ok((elements, head & 15))
    }

    fn fields(&mut self, depth: u8, each: EachField<'_, 'a>) -> Result<()> {
        let mut id = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let kind = head & 15;
            id = match head >> 4 {
                0 => i16::try_from(self.signed()?).map_err(|_| Fault::Bad("a field has no id"))?,
                more => id.checked_add(i16::from(more)).ok_or(Fault::Bad("a field has no id"))?,
            };
            if !each(self, id, kind)? {
                self.value(kind, depth + 1, false)?;
            }
        }
    }

    /// Skips a value.
    fn value(&mut self, kind: u8, depth: u8, element: bool) -> Result<()> {
        if depth > DEEPEST {
            return Err(Fault::Bad("structures are nested too deeply"));
        }
        match kind {
            // A boolean field has its value in its header, an element has a byte.
            TRUE | FALSE => self.skip(u64::from(element)),
            BYTE => self.skip(1),
            4..=I64 => self.unsigned().map(drop),
            DOUBLE => self.skip(8),
            UUID => self.skip(16),
            BINARY => {
                let length = self.unsigned()?;
                self.skip(length)
            }
            LIST | SET => {
                let (elements, kind) = self.list()?;
                for _ in 0..elements {
                    self.value(kind, depth + 1, true)?;
                }
                Ok(())
            }
            MAP => {
                let entries = self.unsigned()?;
                if entries == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                if entries > (self.bytes.len() - self.at) as u64 {
                    return Err(Fault::Short);
                }
                for _ in 0..entries {
                    self.value(kinds >> 4, depth + 1, true)?;
                    self.value(kinds & 15, depth + 1, true)?;
                }
                Ok(())
            }
            STRUCT => self.fields(depth, &mut |_, _, _| Ok(false)),
            _ => Err(Fault::Bad("unknown value type")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of 300 bytes in the file, 1000 uncompressed, with 7 values.
    const HEAD: [u8; 15] =
        [0x15, 0, 0x15, 0xd0, 0x0f, 0x15, 0xd8, 0x04, 0x2c, 0x15, 14, 0x15, 0, 0, 0];

    #[test]
    fn a_head_of_a_page_is_read() {
        let head = page_head(&HEAD).unwrap();
        let expected =
            PageHead { length: 15, kind: 0, uncompressed: 1000, compressed: 300, values: 7 };
        assert_eq!(head, expected);
        for end in 0..HEAD.len() {
            assert_eq!(page_head(&HEAD[..end]), Err(Fault::Short), "{end} bytes");
        }
    }

    #[test]
    fn nothing_longer_than_the_bytes_is_believed() {
        // A list of 2^40 structures, a string of 2^40 bytes, a map of 2^40 entries.
        for kind in [0x19_u8, 0x18, 0x1b] {
            let mut bytes = vec![kind];
            if kind == 0x19 {
                bytes.push(0xfc);
            }
            bytes.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
            if kind == 0x1b {
                bytes.push(0x88);
            }
            bytes.push(0);
            assert_eq!(check_footer(&bytes), Err(Fault::Short), "{kind:x}");
        }
        let endless = [0x1c; 100];
        assert!(matches!(check_footer(&endless), Err(Fault::Bad(_))));
    }

    #[test]
    fn a_schema_has_a_limit() {
        let schema = |depth: u8| {
            let mut bytes = vec![0x29, 0xfc, depth + 1];
            for _ in 0..depth {
                // One child each.
                bytes.extend([0x55, 2, 0]);
            }
            bytes.extend([0, 0]);
            bytes
        };
        assert_eq!(check_footer(&schema(60)), Ok(()));
        assert!(matches!(check_footer(&schema(80)), Err(Fault::Bad(_))));
    }
}
