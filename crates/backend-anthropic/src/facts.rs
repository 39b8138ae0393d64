//! What holds before and after it is opened.

use clinstruct_batch_client::{Capabilities, Limits};

/// Its capabilities.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities::batch_api().with_structured_output(false);

/// Its limits. Source: <https://docs.anthropic.com/en/docs/build-with-claude/batch-processing#batch-limitations>.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::new(100_000, 256_000_000, 50);
    limits.price_factor = 0.5;
    limits
}
