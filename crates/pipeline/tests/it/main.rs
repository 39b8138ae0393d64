//! Tests of whole runs of the driver.

mod annotations;
mod caught;
mod extraction;
mod languages;
mod latencies;
mod layperson;
mod played;
mod previous;
mod replan;
mod simulated;
mod spent;
mod stand_in;
mod window;
