use clinstruct_batch_client::{
    BackendSettings, Capabilities, Cost, Descriptor, Limits, ModelRule, OpenError, Opened, Pacing,
    PriceRule,
};

use crate::{Rates, Rehearsal};

/// The built-in grammar.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Embedded grammar: offline, free, no model",
    model: ModelRule::Of(model),
    price: PriceRule::Free,
    pacing: Pacing::PER_THREAD,
    limits: |_| limits(),
    capabilities: |settings| capabilities(settings.detached),
    ..Descriptor::new("rehearsal", open)
};

/// The limits of OpenAI's Batch API, so that shards have the same sizes.
pub(crate) fn limits() -> Limits {
    Limits::new(50_000, 200 << 20, 64)
}

pub(crate) fn capabilities(spooled: bool) -> Capabilities {
    let mut all = Capabilities::in_process(Cost::Nothing);
    (all.survives_process, all.finds_jobs, all.synthetic) = (spooled, spooled, true);
    all
}

/// What the grammar writes depends on the injected faults: they count as another model.
fn model(settings: &BackendSettings) -> String {
    match Rates::parse(&settings.misbehave) {
        Ok(rates) if rates != Rates::default() => {
            format!("rehearsal {}", settings.misbehave.join(" "))
        }
        _ => "rehearsal".into(),
    }
}

fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    let rates = Rates::parse(&settings.misbehave)?;
    let folder = settings.folder.join("spool");
    // A run can continue with jobs that another command sent.
    let spool = (settings.detached || folder.exists()).then_some(folder);
    Ok(Opened::new(Rehearsal::new(settings.instructions.clone(), rates, spool)))
}
