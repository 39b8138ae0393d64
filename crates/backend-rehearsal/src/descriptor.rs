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

/// Those of OpenAI's Batch API, so that shards come out as they would there.
pub(crate) fn limits() -> Limits {
    Limits::new(50_000, 200 << 20, 64)
}

pub(crate) fn capabilities(spooled: bool) -> Capabilities {
    let mut all = Capabilities::in_process(Cost::Nothing);
    (all.survives_process, all.finds_jobs, all.synthetic) = (spooled, spooled, true);
    all
}

/// What a grammar writes depends on the faults that are injected: another model, so to speak.
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
    // A run that another command has sent jobs of goes on with them.
    let spool = (settings.detached || folder.exists()).then_some(folder);
    Ok(Opened::new(Rehearsal::new(settings.instructions.clone(), rates, spool)))
}
