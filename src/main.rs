//! Parse, run, and on failure one line and an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    haggle::internals::cli::run()
}
