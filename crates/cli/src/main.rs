//! The program `ftp-connect`: one parameter set, any file server, from the command line.
//!
//! This file parses, runs one command and turns what happened into an exit status. What the options
//! mean for the connection is in [`connection`], what is printed in [`output`], each command in
//! [`command`].

#![forbid(unsafe_code)]

mod args;
mod command;
mod connection;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Args, output::Output};

fn main() -> ExitCode {
    let args = Args::parse();
    start_log(
        args.command
            .connection()
            .map_or(0, |connection| connection.verbose),
    );
    let mut output = Output::new(args.command.name(), args.command.json());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return output.fail(&output::Failure::operation(error.into())),
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            // Dropping the command takes a half-written temporary file with it.
            result = command::run(args.command, &mut output) => Some(result),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    // A blocking read of standard input cannot be ended; it must not keep the program alive.
    runtime.shutdown_background();
    match ended {
        Some(Ok(())) => output.succeed(),
        Some(Err(failure)) => output.fail(&failure),
        None => output.interrupted(),
    }
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "ftp_connect=error",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}
