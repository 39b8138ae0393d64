//! The passes alone, and over the folder of a run.
#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "helpers of tests; halves are exact")]

mod passes;
mod run;
