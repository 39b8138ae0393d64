//! What holds before and after it is opened.

use clinstruct_batch_client::{Capabilities, Cost, Limits};

pub(crate) fn limits() -> Limits {
    Limits::new(10_000, 256 << 20, 8)
}

pub(crate) fn capabilities(structured_output: bool) -> Capabilities {
    Capabilities::in_process(Cost::Money).with_structured_output(structured_output)
}
