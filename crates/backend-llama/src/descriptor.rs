use clinstruct_batch_client::{
    BackendSettings, Capabilities, Cost, Descriptor, Limits, ModelRule, OpenError, Opened, Pacing,
    PriceRule, Unavailable,
};

/// Models in this process.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "A GGUF model in this process",
    model: ModelRule::Weights,
    price: PriceRule::Free,
    pacing: Pacing::jobs(64, 256),
    limits: |_| limits(),
    capabilities: |_| CAPABILITIES,
    unavailable: if cfg!(feature = "llama") { None } else { Some(LEFT_OUT) },
    ..Descriptor::new("llama", open)
};

const LEFT_OUT: Unavailable = Unavailable {
    message: "this clinstruct was built without the llama backend",
    hint: "build it in, which needs cmake, clang and a C++ compiler: cargo build --release -p clinstruct-cli \
           --features llama; `cargo xtask build-dataset --backend llama` does so by itself. Or give --backend \
           chat and the address of a llama.cpp server",
};

pub(crate) const CAPABILITIES: Capabilities = Capabilities::in_process(Cost::Compute);

/// A job is the unit that is lost if the process ends; small jobs let turns follow each other. Answers arrive one by
/// one, and their next requests are sent at once.
pub(crate) fn limits() -> Limits {
    Limits::new(256, 64 << 20, 64)
}

#[cfg(not(feature = "llama"))]
fn open(_: &BackendSettings) -> Result<Opened, OpenError> {
    Err(OpenError::setting(LEFT_OUT.message, LEFT_OUT.hint))
}

#[cfg(feature = "llama")]
fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    use clinstruct_batch_client::{Error, ErrorKind, Restart};

    use crate::{Llama, LlamaCpp, Options, Plan, Settings, waiting};

    let options = Options {
        file: settings.weights.clone().unwrap_or_default(),
        threads: settings.threads,
        context: settings.context,
        at_once: settings.concurrency,
        taken: settings.reserved_memory,
    };
    let plan = Plan::new(&options).map_err(|broken| match broken.kind {
        ErrorKind::Refused => OpenError::setting(
            broken.message,
            "`clinstruct model list` shows models with their sizes; the guide has a page on them",
        ),
        kind => OpenError::Backend(Error::new(kind, "open the model", broken.message)),
    })?;
    let memory = plan.total();
    let note = format!(
        "{}: {} conversations at once, of up to {} tokens, in about {} MiB of memory",
        options.file.display(),
        plan.at_once,
        plan.context,
        memory.div_ceil(1 << 20),
    );
    let (variable, value) = waiting(options.threads);
    let of_rows = Settings {
        stop: settings.stop.clone(),
        account: plan.fingerprint.clone(),
        ..Settings::default()
    };
    let mut opened = Opened::new(Llama::new(of_rows, move || LlamaCpp::open(&options, &plan)));
    opened.notes.push(note);
    opened.memory = memory;
    // OpenMP reads its wait policy at process start.
    if cfg!(target_os = "linux") {
        opened.restart = Some(Restart {
            variable,
            value: value.to_owned(),
            unless_set: &["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"],
        });
    }
    Ok(opened)
}
