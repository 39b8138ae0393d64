//! The checks on labelled examples: `corpus/`.

mod checks;
mod doses;
mod real_answers;
mod sentences;
