//! The checks against examples with known answers: `corpus/`.
#![expect(clippy::float_cmp, reason = "halves are exact")]

mod checks;
mod dataset;
mod sentences;
