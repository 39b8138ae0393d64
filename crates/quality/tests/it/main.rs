//! The checks on labelled examples: `corpus/`.

mod answers;
mod case;
mod checks;
mod doses;
mod planted;
mod questions;
mod real_answers;
mod record;
mod sentences;
mod wording;
