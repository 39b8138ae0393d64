use clinstruct_batch_client::{
    BackendSettings, Capabilities, Cost, Descriptor, Limits, OpenError, Opened, PriceRule,
};

use crate::{Command, Options, ROWS_PER_JOB};

/// A program that answers batch files.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Any program that turns a batch file into an output file",
    price: PriceRule::Free,
    limits: |_| Limits::new(ROWS_PER_JOB, u64::MAX, 1),
    capabilities: |_| CAPABILITIES,
    ..Descriptor::new("command", open)
};

/// Its capabilities: a program outlives this process.
pub(crate) const CAPABILITIES: Capabilities = {
    let mut all = Capabilities::batch_api();
    all.cost = Cost::Compute;
    all
};

fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    let line = settings.command.as_deref().ok_or_else(|| {
        OpenError::setting(
            "--backend command needs --command",
            "such as --command 'vllm run-batch -i {input} -o {output} --model M'",
        )
    })?;
    let words = shlex::split(line).ok_or_else(|| {
        OpenError::setting("--command has a quote that is not closed", "close it")
    })?;
    let mut options = Options::new(words, settings.folder.join("command"));
    settings.adapt(&mut options.dialect);
    Ok(Opened::new(Command::new(options)?))
}
