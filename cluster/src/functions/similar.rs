//! `similar(manifest, a, b)`: whether two texts are near duplicates.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use clinstruct_curate::Chat;
use clinstruct_curate::minhash::{Signature as MinHash, jaccard, runs, signature};
use clinstruct_curate::near_duplicates::SIMILAR;
use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{external, numbers, text};
use crate::rows::{Place, Rows};

/// Pairs that are compared together. Pairs come sorted, so most of their texts are in several of them.
const AT_ONCE: usize = 1024;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Similar {
    signature: Signature,
}

impl Similar {
    pub(super) fn new() -> Self {
        let types = vec![DataType::Utf8, DataType::UInt64, DataType::UInt64];
        // It reads files.
        Self { signature: Signature::exact(types, Volatility::Volatile) }
    }
}

/// What is computed of a text while pairs with it are compared.
struct Text {
    content: String,
    signature: Option<MinHash>,
    runs: OnceCell<Vec<u64>>,
}

impl Text {
    fn of(chat: &Chat, place: Place) -> Self {
        let message = chat.row().messages.get(place.message());
        let content = message.map_or_else(String::new, |m| m.content.clone());
        Self { signature: signature(&content), content, runs: OnceCell::new() }
    }

    fn runs(&self) -> &[u64] {
        self.runs.get_or_init(|| runs(&self.content))
    }

    fn is_similar(&self, other: &Self) -> bool {
        let signatures = self.signature.as_ref().zip(other.signature.as_ref());
        signatures.is_some_and(|(own, other)| own.may_reach(other, SIMILAR))
            && jaccard(self.runs(), other.runs()) >= SIMILAR
    }
}

impl ScalarUDFImpl for Similar {
    fn name(&self) -> &'static str {
        "similar"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = Rows::open(text(&args, 0)?).map_err(external)?;
        let (a, b) = (numbers(&args, 1)?, numbers(&args, 2)?);
        let mut similar = Vec::with_capacity(a.len());
        for (a, b) in a.values().chunks(AT_ONCE).zip(b.values().chunks(AT_ONCE)) {
            // In the order of the files.
            let mut texts: BTreeMap<(u64, Place), Option<Text>> = BTreeMap::new();
            for place in a.iter().chain(b).map(|place| Place(*place)) {
                texts.insert((place.chat(), place), None);
            }
            let mut last: Option<(u64, Chat)> = None;
            for ((at, place), text) in &mut texts {
                let chat = match last.take() {
                    Some((same, chat)) if same == *at => chat,
                    _ => rows.chat(*at).map_err(external)?,
                };
                *text = Some(Text::of(&chat, *place));
                last = Some((*at, chat));
            }
            let text = |place: &u64| {
                let place = Place(*place);
                texts.get(&(place.chat(), place)).and_then(Option::as_ref)
            };
            similar.extend(
                a.iter()
                    .zip(b)
                    .map(|(a, b)| text(a).zip(text(b)).is_some_and(|(a, b)| a.is_similar(b))),
            );
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(similar))))
    }
}
