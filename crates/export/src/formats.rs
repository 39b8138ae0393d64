//! The formats, one file each, and their list.

mod alpaca;
mod messages;
mod openai_finetune;
mod seed;
mod sharegpt;

use crate::format::Format;

impl Format {
    /// All formats. To add one, add a file to this folder and a line to this list.
    pub const ALL: &'static [Self] = &[
        messages::FORMAT,
        sharegpt::FORMAT,
        alpaca::FORMAT,
        openai_finetune::FORMAT,
        seed::FORMAT,
    ];

    /// The format with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|format| format.name == name).copied()
    }
}
