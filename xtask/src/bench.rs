//! `cargo xtask bench`: the benches of the workspace, with criterion's own arguments; with `--baseline` the program
//! beside its peers, whose tables go into the README of the benches.

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::Outcome;
use crate::lab;
use crate::process::{cargo, command, finish, quietly, telling, workspace};

/// The arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The program beside curl, lftp, rclone and sftp, on real servers at both ends of a long line; writes the tables
    /// into benches/README.md (root)
    #[arg(long, conflicts_with = "benches")]
    baseline: bool,
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
/// cargo cannot be started; of the baseline whatever stops it.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    if flags.baseline {
        return baseline(&flags.arguments);
    }
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

/// The lab gets an address that is not loopback for it, since loopback cannot be reached from another network namespace.
fn baseline(arguments: &[String]) -> Outcome<ExitCode> {
    let mut build = Command::new(cargo());
    build.current_dir(workspace());
    quietly(build.args(["build", "--release", "--package", "ftp-connect-cli"]))?;
    lab::down(false)?;
    let address = format!("{SERVERS}/32");
    // It may be there from a run that was ended.
    let _ = quietly(&mut command("ip", &["addr", "add", &address, "dev", "lo"]));
    let measured = lab::up(SERVERS).and_then(|()| {
        let mut bench = Command::new(cargo());
        let program = workspace().join("target/release/ftp-connect");
        bench
            .current_dir(workspace())
            .env("FTP_CONNECT_LAB", lab::Lab::file())
            .args(["bench", "--quiet", "--package", "ftp-connect-benches"])
            .args(["--bench", "peers", "--", "--program"])
            .arg(program)
            .args(arguments);
        telling(&mut bench)
    });
    let _ = quietly(&mut command("ip", &["addr", "del", &address, "dev", "lo"]));
    lab::down(false)?;
    let tables = measured?;
    let readme = workspace().join("benches/README.md");
    let text = fs::read_to_string(&readme)?;
    let replaced = replaced(&text, tables.trim()).ok_or("benches/README.md lost its marks")?;
    fs::write(&readme, replaced)?;
    Ok(ExitCode::SUCCESS)
}

/// The text with something else between the two marks.
fn replaced(text: &str, between: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{between}\n{END}{after}"))
}

const SERVERS: Ipv4Addr = Ipv4Addr::new(10, 79, 0, 1);

/// The tables of the README are between these.
const BEGIN: &str = "<!-- baseline -->";
const END: &str = "<!-- end of baseline -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let expected = format!("a\n{BEGIN}\nnew\n{END}\nb\n");
        assert_eq!(replaced(&text, "new"), Some(expected));
        assert_eq!(replaced("no marks", "new"), None);
    }
}
