//! The `clinstruct` command with one backend more.

fn main() -> std::process::ExitCode {
    clinstruct_cli::Backends::shipped().with(folder_backend::DESCRIPTOR).main()
}
