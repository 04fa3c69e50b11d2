//! `cargo xtask bench`: the benches of the workspace, with criterion's own arguments.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::Outcome;
use crate::process::{cargo, finish, workspace};

/// The arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// These benches only
    #[arg(long = "bench", value_name = "NAME")]
    benches: Vec<String>,
    /// For criterion, such as `-- --quick handshake`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the benches.
///
/// # Errors
/// cargo cannot be started.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    let mut bench = Command::new(cargo());
    bench
        .current_dir(workspace())
        .args(["bench", "--package", "ftp-connect-benches"]);
    if flags.benches.is_empty() {
        // All of them, and not the library's unit tests, which do not know criterion's arguments.
        bench.arg("--benches");
    }
    for name in &flags.benches {
        bench.args(["--bench", name]);
    }
    finish(bench.arg("--").args(&flags.arguments))
}
