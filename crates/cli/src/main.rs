//! The program `ftp-connect`: one parameter set, any file server, from the command line.
//!
//! This file parses, runs one command and turns what happened into an exit status. What the options
//! mean for the connection is in [`connection`], what is printed in [`output`], each command in
//! [`command`].

#![forbid(unsafe_code)]

mod args;
mod command;
mod config;
mod connection;
mod netrc;
mod output;
mod pattern;
mod profile;
mod progress;
mod prompt;
mod ssh_config;

use std::{io::IsTerminal as _, process::ExitCode, time::Duration};

use clap::Parser as _;

use crate::{args::Args, output::Output};

/// With the one of glibc 2.36 a transfer costs a third more of the processor: it places the buffers so that copying
/// them is slow on some processors.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    start_log(
        args.command
            .connection()
            .map_or(0, |connection| connection.verbose),
    );
    let mut output = Output::new(args.command.name(), args.command.json())
        .with_how_to_go_on(args.command.how_to_go_on());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return output.fail(&output::Failure::operation(error.into())),
    };
    // Not here: the thread that sleeps until there is something to read would have to wake this one each time.
    let running = runtime.spawn(async move {
        // At a prompt an interruption ends what is being done there, and not the program.
        let ended = if let args::Command::Shell { .. } = args.command {
            Some(command::run(args.command, &mut output).await)
        } else {
            tokio::select! {
                // Dropping the command takes a half-written temporary file with it.
                result = command::run(args.command, &mut output) => Some(result),
                _ = tokio::signal::ctrl_c() => None,
            }
        };
        (ended, output)
    });
    let (ended, output) = match runtime.block_on(running) {
        Ok(ended) => ended,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    // A blocking read of standard input cannot be ended; it must not keep the program alive. Tasks that an
    // interruption ended take their temporary files with them, for which they get a moment.
    match ended {
        Some(_) => runtime.shutdown_background(),
        None => runtime.shutdown_timeout(Duration::from_millis(500)),
    }
    match ended {
        Some(Ok(())) => output.succeed(),
        Some(Err(failure)) => output.fail(&failure),
        None => {
            prompt::restore();
            output.interrupted()
        }
    }
}

/// Help and version go to standard output; what cannot be parsed is an error like any other.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A reader that went away wants no help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(2);
    }
    let words: Vec<String> = std::env::args().collect();
    let command = words.get(1).map_or("", String::as_str);
    let json = words.iter().any(|word| word == "--json");
    Output::new(command, json).fail(&output::Failure::usage(&error.to_string(), &words))
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
        .with_ansi(
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()),
        )
        .without_time()
        .init();
}
