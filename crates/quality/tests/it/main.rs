//! The checks on labelled examples: `corpus/`.

mod checks;
mod real_answers;
mod sentences;
mod wording;
