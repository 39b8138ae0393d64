//! Where models and datasets are shared.

use clinstruct_app::variable;

/// The hub where none is named.
pub(crate) const HUB: &str = "https://huggingface.co";
/// Variable of the key, as the hub's own tools have it.
pub(crate) const HUB_KEY: &str = "HF_TOKEN";
/// Variable of the address, as the hub's own tools have it.
pub(crate) const HUB_ENDPOINT: &str = "HF_ENDPOINT";

/// Address of the hub.
pub(crate) fn hub() -> String {
    variable(HUB_ENDPOINT).unwrap_or_else(|| HUB.to_owned())
}
