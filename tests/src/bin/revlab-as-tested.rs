//! The `revlab` command for the tests of this package: Cargo builds it before them and tells them
//! where it is, which it does not do for the binaries of other packages.

use std::process::ExitCode;

fn main() -> ExitCode {
    revlab::cli::main()
}
