//! The register of backends, and what a program does with it.

use std::process::ExitCode;

use clinstruct_app::{Annotator, Host, Registry};
use clinstruct_batch_client::{Descriptor, Restart};

use crate::{args, commands, exit, terminal};

/// The backends that a program has, and the annotators that it adds.
#[derive(Debug, Clone, Default)]
pub struct Backends {
    registry: Registry,
    annotators: Vec<&'static dyn Annotator>,
}

impl Backends {
    /// Those of this repository. The first is used where none is named.
    pub fn shipped() -> Self {
        let registry = Registry::new(&[
            clinstruct_backend_rehearsal::DESCRIPTOR,
            clinstruct_backend_openai::DESCRIPTOR,
            clinstruct_backend_anthropic::DESCRIPTOR,
            clinstruct_backend_chat::DESCRIPTOR,
            clinstruct_backend_command::DESCRIPTOR,
            clinstruct_backend_llama::DESCRIPTOR,
        ]);
        Self { registry, annotators: Vec::new() }
    }

    /// The same with one more. It takes the place of one that has its name.
    #[must_use]
    pub fn with(self, backend: Descriptor) -> Self {
        Self { registry: self.registry.with(backend), ..self }
    }

    /// The same with one more stage: what `annotator` asks a model about each finished conversation.
    #[must_use]
    pub fn annotating(mut self, annotator: &'static dyn Annotator) -> Self {
        self.annotators.push(annotator);
        self
    }

    /// Runs the command of this process's arguments with these backends.
    ///
    /// The exit code is 0 where everything that was asked is done, 1 where the run has failures or missed a gate, 2 for
    /// wrong use or wrong input, 3 where the provider or the environment is in the way, and 130 after Ctrl-C.
    pub fn main(self) -> ExitCode {
        // Pages of 2 MB are cleared whole for each thread's few texts: a third of the time and half the memory.
        // Where it cannot be said the run is only slower.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::disable_transparent_huge_pages(true);
        let Self { registry: backends, annotators } = self;
        let host = Host { backends, annotators, notify: terminal::line, restart };
        let args = match args::Cli::of_process(&host) {
            Ok(args) => args,
            Err(wrong) => return exit::report_arguments(&wrong),
        };
        terminal::set(&args.global);
        match commands::run(args, &host.backends) {
            Ok(code) => code.into(),
            Err(error) => exit::report(&error).into(),
        }
    }

    /// The register itself.
    #[cfg(test)]
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// Starts this program again with a variable, before anything is asked. Where that cannot be, it goes on as it is.
fn restart(with: &Restart) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;
        let Ok(program) = std::env::current_exe() else { return };
        let mut again = std::process::Command::new(program);
        let _ = again.args(std::env::args_os().skip(1)).env(with.variable, &with.value).exec();
    }
    #[cfg(not(target_os = "linux"))]
    let _ = with;
}
