//! The program `ftp-connect` beside curl, lftp, rclone and OpenSSH's `sftp`: round trips, throughput at both ends of a
//! long line, small files, mirrored folders, with the processor's time and memory of each.
//!
//! ```text
//! cargo xtask bench --baseline
//! ```
//!
//! does all that this needs as root: it gives the lab an address that is not loopback, and builds the program. The
//! long line is made here: a network namespace for the clients, and a tunnel into it whose packets a relay holds
//! back, so that the kernel's own TCP runs over it.
//!
//! Each measurement is a process; the programs take turns, so that what else the machine does falls on all alike.

#![allow(clippy::print_stdout)] // its tables are what it is for

#[path = "peers/line.rs"]
mod line;
#[path = "peers/measure.rs"]
mod measure;
#[path = "peers/programs.rs"]
mod programs;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// What to measure; all of it by default.
#[derive(Debug, Parser)]
struct Flags {
    #[command(subcommand)]
    role: Option<Role>,
    /// The program `ftp-connect` to measure
    #[arg(long, default_value = "target/release/ftp-connect")]
    program: PathBuf,
    /// Only these: trips, large, small, mirror
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these protocols: ftp, ftps, sftp
    #[arg(long, value_delimiter = ',')]
    protocols: Vec<String>,
    /// How often each is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The round trip of the long line, in milliseconds
    #[arg(long, default_value_t = 50)]
    delay: u64,
    /// The size of the large file in MiB
    #[arg(long, default_value_t = 256)]
    size: u64,
    /// What cargo gives to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One direction of the long line, called by this program itself
    #[command(hide = true)]
    Relay {
        from: SocketAddr,
        to: SocketAddr,
        milliseconds: f64,
    },
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let outcome = match flags.role {
        Some(Role::Relay {
            from,
            to,
            milliseconds,
        }) => line::relay(from, to, milliseconds),
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
