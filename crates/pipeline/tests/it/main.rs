//! Tests of whole runs of the driver.

mod caught;
mod latencies;
mod simulated;
mod spent;
