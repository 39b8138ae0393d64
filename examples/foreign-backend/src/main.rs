//! The `clinstruct` command with an additional backend.

fn main() -> std::process::ExitCode {
    clinstruct_cli::Backends::shipped().with(folder_backend::DESCRIPTOR).main()
}
