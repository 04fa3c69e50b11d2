//! `completions` and `man`: made from the command line's own description.

use clap::CommandFactory as _;

use super::{Outcome, usage};
use crate::{args::Args, output::Failure};

pub(super) fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut command = Args::command();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "ftp-connect", &mut text);
    print(&text)
}

pub(super) fn manual(name: Option<&str>) -> Outcome {
    let mut program = Args::command();
    program.build();
    let command = match name {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            let found = found.ok_or_else(|| {
                usage(
                    &format!("there is no command {name:?}"),
                    "`ftp-connect help` lists them",
                )
            })?;
            // Manual pages of subcommands are named as git has them.
            let title = format!("ftp-connect-{name}");
            found.display_name(title)
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(Failure::from)?;
    print(&text)
}

fn print(text: &[u8]) -> Outcome {
    use std::io::Write as _;
    std::io::stdout().lock().write_all(text)?;
    Ok(())
}
