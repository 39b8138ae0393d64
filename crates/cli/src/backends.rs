//! What commands need from backends without a run.

use clinstruct_app::usage;
use clinstruct_backend_rehearsal::Rates;
use clinstruct_batch_client::OpenError;

/// The fault rates in the settings.
pub(crate) fn rates(misbehave: &[String]) -> anyhow::Result<Rates> {
    Rates::parse(misbehave).map_err(|e| match e {
        OpenError::Setting { message, hint } => usage(message, hint),
        OpenError::Backend(e) => e.into(),
    })
}
