//! Turns values of a TOML file into records.
//!
//! `toml` has a deserializer that does this. It hands a visitor its maps in three types, so that the code of each record is
//! compiled three times; with the many records here that was most of the time that this crate took to compile. This one has
//! one type for maps, one for sequences and one for enums, and asks a visitor only for what its type can be made of: code
//! that makes a record of a number is not compiled.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Range;

use serde::de::{self, DeserializeSeed, Deserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Why a value is not a record, and where.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) span: Option<Range<usize>>,
}

impl Wrong {
    fn at(message: &str, span: Range<usize>) -> Self {
        Self { message: message.to_owned(), span: Some(span) }
    }

    /// The same with a place, unless it has one that is nearer.
    fn within(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: Display>(message: T) -> Self {
        Self { message: message.to_string(), span: None }
    }
}

/// A value or a key, with its position.
pub(crate) struct Node<'a> {
    what: What<'a>,
    span: Range<usize>,
}

enum What<'a> {
    Value(DeValue<'a>),
    /// A start or an end, for a value that has its position.
    Position(u64),
}

impl<'a> From<Spanned<DeValue<'a>>> for Node<'a> {
    fn from(value: Spanned<DeValue<'a>>) -> Self {
        Self { span: value.span(), what: What::Value(value.into_inner()) }
    }
}

impl<'a> Node<'a> {
    fn of_key(key: Spanned<DeString<'a>>) -> Self {
        Self { span: key.span(), what: What::Value(DeValue::String(key.into_inner())) }
    }
}

/// What a value is.
enum Kind<'a> {
    Text(Cow<'a, str>),
    Whole(i64),
    Fraction(f64),
    Truth(bool),
    Date,
    List(DeArray<'a>),
    Table(DeTable<'a>),
    Position(u64),
}

impl<'a> Kind<'a> {
    fn of(node: Node<'a>) -> Result<Self, Wrong> {
        let value = match node.what {
            What::Value(value) => value,
            What::Position(place) => return Ok(Self::Position(place)),
        };
        Ok(match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Self::Whole(number),
                    Err(_) => return Err(Wrong::at("integer number overflowed", node.span)),
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Self::Fraction(number),
                Err(_) => return Err(Wrong::at("floating-point number overflowed", node.span)),
            },
            DeValue::Boolean(value) => Self::Truth(value),
            DeValue::Datetime(_) => Self::Date,
            DeValue::Array(items) => Self::List(items),
            DeValue::Table(table) => Self::Table(table),
        })
    }

    fn unexpected(&self, expected: &dyn de::Expected) -> Wrong {
        let found = match self {
            Self::Text(text) => Unexpected::Str(text),
            Self::Whole(number) => Unexpected::Signed(*number),
            Self::Fraction(number) => Unexpected::Float(*number),
            Self::Truth(value) => Unexpected::Bool(*value),
            Self::Date => Unexpected::Other("date"),
            Self::List(_) => Unexpected::Seq,
            Self::Table(_) => Unexpected::Map,
            Self::Position(place) => Unexpected::Unsigned(*place),
        };
        de::Error::invalid_type(found, expected)
    }
}

/// A method that visits a value of the kinds that are listed; another one is a mistake. The others do the same.
macro_rules! visit {
    ($method:ident $($same:ident)*, $visitor:ident: $($kind:pat => $visit:expr),*) => {
        fn $method<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value, Wrong> {
            let span = self.span.clone();
            match Kind::of(self)? {
                $($kind => $visit,)*
                other => Err(other.unexpected(&$visitor)),
            }
            .map_err(|wrong: Wrong| wrong.within(span))
        }

        $(fn $same<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            self.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let span = self.span.clone();
        match Kind::of(self)? {
            // `Spanned` accepts only names that are borrowed.
            Kind::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Kind::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Kind::Whole(number) => visitor.visit_i64(number),
            Kind::Fraction(number) => visitor.visit_f64(number),
            Kind::Truth(value) => visitor.visit_bool(value),
            Kind::List(items) => visitor.visit_seq(Items(items.into_iter())),
            Kind::Table(table) => visitor.visit_map(Fields::of(table)),
            Kind::Position(place) => visitor.visit_u64(place),
            Kind::Date => Err(Kind::Date.unexpected(&visitor)),
        }
        .map_err(|wrong: Wrong| wrong.within(span))
    }

    visit! { deserialize_bool, visitor: Kind::Truth(value) => visitor.visit_bool(value) }

    visit! {
        deserialize_f64 deserialize_f32 deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128,
        visitor:
            Kind::Whole(number) => visitor.visit_i64(number),
            Kind::Fraction(number) => visitor.visit_f64(number),
            Kind::Position(place) => visitor.visit_u64(place)
    }

    visit! {
        deserialize_str deserialize_string deserialize_char deserialize_identifier,
        visitor:
            Kind::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Kind::Text(Cow::Owned(text)) => visitor.visit_string(text)
    }

    visit! { deserialize_seq, visitor: Kind::List(items) => visitor.visit_seq(Items(items.into_iter())) }

    visit! { deserialize_map, visitor: Kind::Table(table) => visitor.visit_map(Fields::of(table)) }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let span = self.span.clone();
        visitor.visit_some(self).map_err(|wrong| wrong.within(span))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let span = self.span.clone();
        visitor.visit_newtype_struct(self).map_err(|wrong| wrong.within(span))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name == SPANNED && fields.len() == 3 {
            return visitor.visit_map(Fields::of_spanned(fields, self));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let span = self.span;
        let variant = match self.what {
            What::Value(DeValue::String(name)) => {
                Variant { name: Self::of_key(Spanned::new(span.clone(), name)), of: None }
            }
            What::Value(DeValue::Table(table)) => {
                let many = table.len();
                let mut entries = table.into_iter();
                match (entries.next(), many) {
                    (Some((key, of)), 1) => {
                        Variant { name: Self::of_key(key), of: Some(of.into()) }
                    }
                    (_, 0) => {
                        let message = "wanted exactly 1 element, found 0 elements";
                        return Err(Wrong::at(message, span));
                    }
                    _ => {
                        let message = "wanted exactly 1 element, more than 1 element";
                        return Err(Wrong::at(message, span));
                    }
                }
            }
            _ => return Err(Wrong::at("wanted string or table", span)),
        };
        visitor.visit_enum(variant).map_err(|wrong: Wrong| wrong.within(span))
    }

    forward_to_deserialize_any! {
        bytes byte_buf unit ignored_any unit_struct tuple_struct tuple
    }
}

/// Name by which [`Spanned`] asks for a position; its fields are start, end and value.
/// Source: <https://docs.rs/serde_spanned/1.1/src/serde_spanned/spanned.rs.html>. A test reads one.
const SPANNED: &str = "$__serde_spanned_private_Spanned";

/// The fields of a table, or those of a position.
enum Fields<'a> {
    Table { left: <DeTable<'a> as IntoIterator>::IntoIter, value: Option<Node<'a>> },
    Spanned { names: &'static [&'static str], at: usize, value: Option<Node<'a>> },
}

impl<'a> Fields<'a> {
    fn of(table: DeTable<'a>) -> Self {
        Self::Table { left: table.into_iter(), value: None }
    }

    fn of_spanned(names: &'static [&'static str], value: Node<'a>) -> Self {
        Self::Spanned { names, at: 0, value: Some(value) }
    }

    /// The next key; its value is the next of [`next_value`](Self::next_value).
    fn next_key(&mut self) -> Option<Node<'a>> {
        match self {
            Self::Table { left, value } => {
                let (key, next) = left.next()?;
                *value = Some(next.into());
                Some(Node::of_key(key))
            }
            Self::Spanned { names, at, .. } => {
                let name = names.get(*at)?;
                *at += 1;
                Some(Node::of_key(Spanned::new(0..0, (*name).into())))
            }
        }
    }

    fn next_value(&mut self) -> Result<Node<'a>, Wrong> {
        let missing = || de::Error::custom("a value was asked for without its key");
        match self {
            Self::Table { value, .. } | Self::Spanned { at: 3, value, .. } => {
                value.take().ok_or_else(missing)
            }
            Self::Spanned { at, value: Some(value), .. } => {
                let place = if *at == 1 { value.span.start } else { value.span.end };
                Ok(Node { what: What::Position(place as u64), span: 0..0 })
            }
            Self::Spanned { .. } => Err(missing()),
        }
    }
}

impl<'de> de::MapAccess<'de> for Fields<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some(key) = self.next_key() else { return Ok(None) };
        let span = key.span.clone();
        seed.deserialize(key).map(Some).map_err(|wrong| wrong.within(span))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let value = self.next_value()?;
        let span = value.span.clone();
        seed.deserialize(value).map_err(|wrong| wrong.within(span))
    }

    fn size_hint(&self) -> Option<usize> {
        match self {
            Self::Table { left, .. } => Some(left.len()),
            Self::Spanned { .. } => Some(3),
        }
    }
}

/// The items of an array.
struct Items<'a>(<DeArray<'a> as IntoIterator>::IntoIter);

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        self.0.next().map(|item| seed.deserialize(Node::from(item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// A name alone, or a table whose only key it is.
struct Variant<'a> {
    name: Node<'a>,
    of: Option<Node<'a>>,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'de>), Wrong> {
        let span = self.name.span.clone();
        let name = seed.deserialize(self.name).map_err(|wrong| wrong.within(span))?;
        Ok((name, Content(self.of)))
    }
}

/// What a variant has; nothing for a name alone.
struct Content<'a>(Option<Node<'a>>);

impl<'de> Content<'de> {
    fn there(self, expected: &dyn de::Expected) -> Result<Node<'de>, Wrong> {
        self.0.ok_or_else(|| de::Error::invalid_type(Unexpected::UnitVariant, expected))
    }
}

impl<'de> de::VariantAccess<'de> for Content<'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        let Some(Node { what: What::Value(value), span }) = self.0 else { return Ok(()) };
        match value {
            DeValue::Table(table) if table.is_empty() => Ok(()),
            DeValue::Array(items) if items.is_empty() => Ok(()),
            DeValue::Table(_) => Err(Wrong::at("expected empty table", span)),
            DeValue::Array(_) => Err(Wrong::at("expected empty array", span)),
            other => Err(Wrong::at(&format!("expected table, found {}", other.type_str()), span)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(self.there(&"newtype variant")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.there(&"tuple variant")?.deserialize_any(visitor)
    }

    /// Unknown fields of a variant are mistakes, also where its type does not say so.
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let node = self.there(&"struct variant")?;
        if let What::Value(DeValue::Table(table)) = &node.what {
            let is_unknown =
                |key: &&Spanned<DeString<'_>>| !fields.contains(&key.get_ref().as_ref());
            let unknown: Vec<_> = table.keys().filter(is_unknown).collect();
            if let Some(first) = unknown.first() {
                let names: Vec<&str> = unknown.iter().map(|key| key.get_ref().as_ref()).collect();
                let message = format!(
                    "unexpected keys in table: {}, available keys: {}",
                    names.join(", "),
                    fields.join(", ")
                );
                return Err(Wrong::at(&message, first.span()));
            }
        }
        node.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Record {
        name: Spanned<String>,
        #[serde(default)]
        many: BTreeMap<Spanned<Sort>, Option<i64>>,
        #[serde(default)]
        kinds: Vec<Sort>,
    }

    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
    #[serde(rename_all = "lowercase")]
    enum Sort {
        Plain,
        Of(u8),
        Field { x: bool },
    }

    fn read(text: &str) -> Result<Record, Wrong> {
        let table = DeTable::parse(text).unwrap();
        let span = table.span();
        Record::deserialize(Node::from(Spanned::new(span, DeValue::Table(table.into_inner()))))
    }

    #[test]
    fn a_record_has_positions_and_variants() {
        let text = "name = 'a'\nmany = { plain = 3 }\nkinds = ['plain', { of = 2 }, { field = { x = true } }]";
        let record = read(text).unwrap();
        assert_eq!((record.name.span(), record.name.get_ref().as_str()), (7..10, "a"));
        let (key, value) = record.many.first_key_value().unwrap();
        assert_eq!((key.span(), key.get_ref(), *value), (20..25, &Sort::Plain, Some(3)));
        assert_eq!(record.kinds, [Sort::Plain, Sort::Of(2), Sort::Field { x: true }]);
    }

    #[test]
    fn a_mistake_is_what_and_where_it_is_for_toml() {
        for text in [
            "",
            "name = 3",
            "name = 'a'\nother = 1",
            "name = 'a'\nkinds = ['none']",
            "name = 'a'\nkinds = ['of']",
            "name = 'a'\nkinds = [{ of = 300 }]",
            "name = 'a'\nkinds = [{ of = 'x' }]",
            "name = 'a'\nkinds = [{ plain = 1 }]",
            "name = 'a'\nkinds = [{}]",
            "name = 'a'\nkinds = [{ plain = {}, of = 1 }]",
            "name = 'a'\nkinds = [1]",
            "name = 'a'\nkinds = 'plain'",
            "name = 'a'\nkinds = [{ field = { y = 1 } }]",
            "name = 'a'\nmany = { plain = 'x' }",
            "name = 'a'\nmany = { none = 1 }",
        ] {
            let theirs = toml::from_str::<Record>(text).unwrap_err();
            let ours = read(text).unwrap_err();
            assert_eq!(ours.message, theirs.message(), "{text}");
            assert_eq!(ours.span, theirs.span(), "{text}");
        }
    }
}
