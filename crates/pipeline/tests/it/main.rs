//! Tests of whole runs of the driver.

mod latencies;
mod simulated;
