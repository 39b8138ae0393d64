//! The `clinstruct` command: arguments, settings, printing and exit codes; everything else is the other
//! crates' work.
//!
//! stdout is data, stderr is everything else. This is the one place that reads the environment, the clock
//! and the terminal. Exit codes are [`exit::Code`].

mod args;
mod backends;
mod commands;
#[cfg(test)]
mod documented;
mod exit;
mod llama;
mod progress;
mod settings;
mod setup;
mod table;
mod terminal;

use std::process::ExitCode;

/// Many threads make many short texts; the system's allocator makes them wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Pages of 2 MB are cleared whole for each thread's few texts: a third of the time and half the memory.
    // Where it cannot be said the run is only slower.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let args = match args::Cli::of_process() {
        Ok(args) => args,
        Err(wrong) => return exit::report_arguments(&wrong),
    };
    match commands::run(args) {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error).into(),
    }
}
