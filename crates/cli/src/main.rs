//! The `clinstruct` command with the backends of this repository.

use std::process::ExitCode;

/// Many threads make many short texts; the system's allocator makes them wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    clinstruct_cli::Backends::shipped().main()
}
