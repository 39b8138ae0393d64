//! The `clinstruct` command with the backends of this repository.

use std::process::ExitCode;

/// Many threads allocate many short strings; with the system's allocator they wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    clinstruct_cli::Backends::shipped().main()
}
