//! The formats, one file each, and the list that names them.

mod alpaca;
mod messages;
mod openai_finetune;
mod seed;
mod sharegpt;

use crate::format::Format;

pub(crate) const ALL: &[Format] =
    &[messages::FORMAT, sharegpt::FORMAT, alpaca::FORMAT, openai_finetune::FORMAT, seed::FORMAT];
