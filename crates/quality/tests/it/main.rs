//! The checks against examples with known answers: `corpus/`.

mod checks;
mod real_answers;
mod sentences;
