//! The `clinstruct` command with the backends of this repository.

use std::process::ExitCode;

use clinstruct_allocator as _;

fn main() -> ExitCode {
    clinstruct_cli::Backends::shipped().main()
}
