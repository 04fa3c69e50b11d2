//! `cargo xtask bench`: the benches of the workspace, with criterion's own arguments.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::Outcome;
use crate::process::{cargo, finish, workspace};

/// The arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Passed on to `cargo bench`, such as `-- --quick handshake`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the benches.
///
/// # Errors
/// cargo cannot be started.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    finish(
        Command::new(cargo())
            .current_dir(workspace())
            .args(["bench", "--package", "ftp-connect-benches"])
            .args(&flags.arguments),
    )
}
