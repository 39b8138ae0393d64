//! The hub for models and datasets.

use clinstruct_app::variable;

/// Default hub.
pub(crate) const HUB: &str = "https://huggingface.co";
/// Environment variable of the token, as in the hub's own tools.
pub(crate) const HUB_KEY: &str = "HF_TOKEN";
/// Environment variable of the address, as in the hub's own tools.
pub(crate) const HUB_ENDPOINT: &str = "HF_ENDPOINT";

/// Address of the hub.
pub(crate) fn hub() -> String {
    variable(HUB_ENDPOINT).unwrap_or_else(|| HUB.to_owned())
}
