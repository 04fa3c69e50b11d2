//! Development tasks, run as `cargo xtask COMMAND`: one file per command.
//!
//! Nothing here is part of the published crates. The tasks start programs and look at their exit status;
//! they use the standard library for that, so that a fresh clone builds them quickly.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    reason = "a development task talks to the person who started it"
)]

mod bench;
mod corpus;
mod fuzz;
mod lab;
mod process;
mod release;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every task returns; the text of the error is all that the person sees.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One variant per file.
#[derive(Debug, Subcommand)]
enum Command {
    /// Real FTP, FTPS and SFTP servers on loopback, for tests
    Lab(lab::Flags),
    /// Everything that is checked, step by step
    Test(test::Flags),
    /// The rules of the repository that no compiler checks
    Tidy,
    /// The benches
    Bench(bench::Flags),
    /// Every fuzz target for a while
    Fuzz(fuzz::Flags),
    /// Answers to a folder of test cases, one JSON line each
    Corpus(corpus::Flags),
    /// What a release is, as a dry run
    Release(release::Flags),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Lab(flags) => lab::run(&flags),
        Command::Test(flags) => test::run(&flags),
        Command::Tidy => tidy::run(),
        Command::Bench(flags) => bench::run(&flags),
        Command::Fuzz(flags) => fuzz::run(&flags),
        Command::Corpus(flags) => corpus::run(&flags),
        Command::Release(flags) => release::run(&flags),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
