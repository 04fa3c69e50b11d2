//! What can be said at the prompt.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Commands of the shell. Paths on the server begin at its folder, or with / at the root.
#[derive(Debug, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    subcommand_required = true,
    max_term_width = 100,
    override_usage = "COMMAND [ARGUMENTS]",
    help_template = "{subcommands}"
)]
pub(super) struct Line {
    #[command(subcommand)]
    pub command: Said,
}

impl Line {
    pub(super) fn ends(&self) -> bool {
        matches!(self.command, Said::Quit)
    }

    /// The names of the commands, for completion.
    pub(super) fn names() -> Vec<String> {
        use clap::CommandFactory as _;
        let command = Self::command();
        let names = command
            .get_subcommands()
            .map(|one| one.get_name().to_owned());
        names.collect()
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Said {
    /// List a folder.
    #[command(visible_alias = "dir")]
    Ls {
        /// Print names only.
        #[arg(short = '1')]
        names: bool,
        path: Option<String>,
    },
    /// Go to another folder; without one, to the login folder.
    Cd { path: Option<String> },
    /// Print the folder.
    Pwd,
    /// Go to another folder on this machine.
    Lcd { path: PathBuf },
    /// Print the folder on this machine.
    Lpwd,
    /// List a folder on this machine.
    Lls { path: Option<PathBuf> },
    /// Download a file, what a pattern matches, or with -r a folder.
    Get {
        #[arg(short)]
        recursive: bool,
        /// Go on where an earlier transfer stopped.
        #[arg(long)]
        resume: bool,
        path: String,
        local: Option<PathBuf>,
    },
    /// Upload a file, or with -r a folder.
    Put {
        #[arg(short)]
        recursive: bool,
        /// Go on where an earlier transfer stopped.
        #[arg(long)]
        resume: bool,
        local: PathBuf,
        path: Option<String>,
    },
    /// Print a file.
    Cat { path: String },
    /// Tell about a file or folder.
    Stat { path: String },
    /// Remove a file, or with -r a folder with all that is in it.
    Rm {
        #[arg(short)]
        recursive: bool,
        path: String,
    },
    /// Create a folder, with -p those above it too.
    Mkdir {
        #[arg(short)]
        parents: bool,
        path: String,
    },
    /// Remove an empty folder.
    Rmdir { path: String },
    /// Give a file or folder a new name.
    #[command(visible_alias = "rename")]
    Mv { path: String, new_path: String },
    /// Set permissions, in octal digits.
    Chmod { mode: String, path: String },
    /// Make a symbolic link.
    Ln { target: String, path: String },
    /// Leave.
    #[command(visible_aliases = ["exit", "bye"])]
    Quit,
}
