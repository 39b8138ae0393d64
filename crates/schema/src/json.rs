//! Stored records as JSON.
//!
//! Rust compiles the code that reads or writes a type as JSON in each crate that asks for it, and stored records are asked
//! for in most crates: that was a fifth of what all crates took to compile. The functions here are compiled once.

use serde::Serialize;
use serde::de::{Deserialize as _, Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Error, from_str, to_writer};

use crate::{
    Annotation, Attributes, BaseRow, Case, ChatRequest, Conversation, Dropped, Frame, PatientCard,
    Rejected, Situation, SituationRow, Stated, TurnProvenance,
};

/// A record that is stored as JSON.
pub trait Json: Sized {
    /// Reads one.
    ///
    /// # Errors
    /// A text that is not JSON, or not of this record.
    fn of_json(text: &str) -> Result<Self, Error>;

    /// Appends it on one line, without the end of the line.
    ///
    /// # Errors
    /// None of our records: they have no maps with keys that JSON does not support.
    fn append_json(&self, to: &mut Vec<u8>) -> Result<(), Error>;

    /// It on one line, without the end of the line.
    ///
    /// # Errors
    /// As [`Json::append_json`].
    fn to_json(&self) -> Result<String, Error> {
        let mut text = Vec::new();
        self.append_json(&mut text)?;
        String::from_utf8(text).map_err(serde::ser::Error::custom)
    }
}

macro_rules! records {
    ($($record:ty),* $(,)?) => {$(
        impl Json for $record {
            #[inline(never)]
            fn of_json(text: &str) -> Result<Self, Error> {
                from_str(text)
            }

            #[inline(never)]
            fn append_json(&self, to: &mut Vec<u8>) -> Result<(), Error> {
                to_writer(to, self)
            }
        }
    )*};
}

records! {
    Annotation,
    Attributes,
    BaseRow,
    Case,
    ChatRequest,
    Conversation,
    Dropped,
    Frame,
    PatientCard,
    Rejected,
    Situation,
    SituationRow,
    Stated,
    TurnProvenance,
}

/// A record that is a field of another one that is written as JSON.
#[derive(Debug)]
pub struct Field<'a, T>(pub &'a T);

impl<T: Json> Serialize for Field<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_json().and_then(RawValue::from_string).map_err(S::Error::custom)?;
        text.serialize(to)
    }
}

/// Reads a record that is a field of another one, for `#[serde(deserialize_with)]`. Only where the other one is read from a
/// text in memory.
///
/// # Errors
/// As [`Json::of_json`].
pub fn field<'de, D: Deserializer<'de>, T: Json>(from: D) -> Result<T, D::Error> {
    let text = <&RawValue>::deserialize(from)?;
    T::of_json(text.get()).map_err(D::Error::custom)
}

/// The same for a field that may be missing or `null`; use it with `#[serde(default)]`.
///
/// # Errors
/// As [`Json::of_json`].
pub fn optional_field<'de, D: Deserializer<'de>, T: Json>(from: D) -> Result<Option<T>, D::Error> {
    let text = <Option<&RawValue>>::deserialize(from)?;
    text.map(|text| T::of_json(text.get())).transpose().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    const REJECTED: &str = r#"{"id":"a","part":"p","stage":"turn","failed":true,"reason":"refused","detail":"","schema_version":2}"#;

    #[test]
    fn a_record_is_what_serde_makes_of_it() {
        let row = Rejected::of_json(REJECTED).unwrap();
        assert_eq!(row, from_str(REJECTED).unwrap());
        assert_eq!(row.to_json().unwrap(), REJECTED);
        let wrong = REJECTED.replace("turn", "none");
        let (ours, theirs) = (Rejected::of_json(&wrong), from_str::<Rejected>(&wrong));
        assert_eq!(ours.unwrap_err().to_string(), theirs.unwrap_err().to_string());
    }

    #[test]
    fn a_field_is_read_and_written_in_place() {
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[serde(deserialize_with = "field")]
            row: Rejected,
            #[serde(default, deserialize_with = "optional_field")]
            other: Option<Rejected>,
        }
        #[derive(Serialize)]
        struct Written<'a> {
            row: Field<'a, Rejected>,
            n: u8,
        }
        let text = format!(r#"{{"row":{REJECTED},"n":1}}"#);
        let outer: Outer = from_str(&text).unwrap();
        assert_eq!((outer.row.reason.as_str(), outer.other.is_none()), ("refused", true));
        let written = Written { row: Field(&outer.row), n: 1 };
        assert_eq!(serde_json::to_string(&written).unwrap(), text);
        let outer = from_str::<Outer>(&format!(r#"{{"row":{REJECTED},"other":null}}"#)).unwrap();
        assert_eq!(outer.other, None);
        let outer =
            from_str::<Outer>(&format!(r#"{{"row":{REJECTED},"other":{REJECTED}}}"#)).unwrap();
        assert_eq!(outer.other, Some(outer.row));
        let e = from_str::<Outer>(r#"{"row":{"id":"a"},"n":1}"#).unwrap_err();
        assert!(e.to_string().contains("missing field `part`"), "{e}");
    }
}
