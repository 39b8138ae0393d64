//! The formats, one file each, and the list that names them.

mod alpaca;
mod messages;
mod openai_finetune;
mod seed;
mod sharegpt;

use crate::format::Format;

impl Format {
    /// All formats. One is added as a file in this folder and a line in this list.
    pub const ALL: &'static [Self] = &[
        messages::FORMAT,
        sharegpt::FORMAT,
        alpaca::FORMAT,
        openai_finetune::FORMAT,
        seed::FORMAT,
    ];

    /// The format of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|format| format.name == name).copied()
    }
}
