//! SFTP against its peers: OpenSSH's `sftp` and the `ssh2` crate, on one server, at several delays.
//!
//! ```text
//! cargo xtask lab up
//! FTP_CONNECT_LAB=target/lab/lab.json cargo bench -p ftp-connect-benches --bench sftp -- --help
//! ```
//!
//! Each measurement is a process of its own that connects, does its work and leaves, the peer's and ours in
//! turn, so that what else the machine does falls on all of them alike; what counts is the ratio of the medians.
//! Every process has an end by a watchdog.

#![allow(clippy::print_stdout)] // its tables are what it is for

#[path = "sftp/child.rs"]
mod child;
#[path = "sftp/delay.rs"]
mod delay;
#[path = "sftp/measure.rs"]
mod measure;
#[path = "sftp/place.rs"]
mod place;
#[path = "sftp/trips.rs"]
mod trips;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What to measure; all of it by default.
#[derive(Debug, Parser)]
struct Flags {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these: down, up, small-down, small-up, trips, memory, rekey
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Round trips in milliseconds that the line takes longer
    #[arg(long, value_delimiter = ',', default_value = "0,20,60")]
    delays: Vec<u64>,
    /// How often each is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The size of the large file in MiB
    #[arg(long, default_value_t = 512)]
    size: u64,
    /// Leave the ssh2 crate out
    #[arg(long)]
    without_ssh2: bool,
    /// What cargo gives to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One measurement, called by this program itself
    #[command(hide = true)]
    Child(child::Work),
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let outcome = match &flags.role {
        Some(Role::Child(work)) => child::run(work),
        None => measure::all(&flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
