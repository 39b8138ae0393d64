//! The passes alone, and over a run folder.
#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "helpers of tests; halves are exact")]

mod case;
mod disclosure;
mod passes;
mod run;
mod spill;
