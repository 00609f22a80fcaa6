//! The `revlab` command.

fn main() -> std::process::ExitCode {
    revlab::cli::main()
}
