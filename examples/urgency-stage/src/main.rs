//! The `clinstruct` command with one more stage.

mod urgency;

fn main() -> std::process::ExitCode {
    clinstruct_cli::Backends::shipped().annotating(&urgency::Urgency).main()
}
