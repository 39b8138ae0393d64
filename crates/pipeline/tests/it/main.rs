//! Tests of whole runs of the driver.

mod caught;
mod latencies;
mod replan;
mod simulated;
mod spent;
