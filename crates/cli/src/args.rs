//! The command line: a fixed interface, because scripts rely on it.

mod connection;
mod transfer;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use ftp_connect::ChecksumAlgorithm;

pub(crate) use self::{
    connection::Connection,
    transfer::{Files, Mirroring, Sync, Transfer},
};

/// Connects to FTP, FTPS and SFTP servers with one set of parameters.
#[derive(Debug, Parser)]
#[command(name = "ftp-connect", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in, print what was negotiated, and leave.
    #[command(after_help = "Example: ftp-connect connect ftpes://ada@files.example.org")]
    Connect {
        /// The server, as a URL or @NAME; not needed where --params names one.
        url: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List a folder.
    #[command(after_help = "Example: ftp-connect ls sftp://ada@files.example.org/in")]
    Ls {
        /// The folder, as a URL.
        url: Option<String>,
        /// Print names only, one a line.
        #[arg(short = '1', long)]
        names: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a folder with all that is below it.
    #[command(after_help = "Example: ftp-connect tree sftp://ada@files.example.org/in --depth 2")]
    Tree {
        /// The folder, as a URL.
        url: Option<String>,
        /// How many folders deep [default: 64].
        #[arg(long, value_name = "N")]
        depth: Option<usize>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Add up the sizes of the files in a folder and in each folder below it.
    #[command(after_help = "Example: ftp-connect du sftp://ada@files.example.org/in")]
    Du {
        /// The folder, as a URL.
        url: Option<String>,
        /// How many folders deep sums are printed; all that is below counts.
        #[arg(long, value_name = "N", default_value_t = 1)]
        depth: usize,
        /// Print numbers of bytes.
        #[arg(short, long)]
        bytes: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Tell about one file or folder.
    #[command(after_help = "Example: ftp-connect stat sftp://ada@files.example.org/in/a.txt")]
    Stat {
        /// The file or folder, as a URL.
        url: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Download files. A local file is the old one or the whole new one, never a part.
    #[command(after_help = "\
Example: ftp-connect get ftps://ada@files.example.org/in/a.txt a.txt
Example: ftp-connect get 'sftp://ada@files.example.org/in/*.csv' reports/
Example: ftp-connect get -r sftp://ada@files.example.org/in/2024 .")]
    Get {
        /// The remote file, folder (with -r) or pattern, as a URL. In a pattern * and ? stand for any
        /// characters, ** for any folders, [a-z] for one of a set, {a,b} for one or the other; \ before
        /// such a sign makes it stand for itself.
        url: String,
        /// The local file, a folder to put files in, or - for standard output.
        #[arg(default_value = ".")]
        local: PathBuf,
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        connection: Connection,
    },
    /// Upload files. A remote file is the old one or the whole new one, as far as the server allows.
    #[command(after_help = "\
Example: ftp-connect put a.txt sftp://ada@files.example.org/in/
Example: ftp-connect put -r site sftp://ada@files.example.org/www/")]
    Put {
        /// The local files, folders (with -r) or - for standard input, and last the remote file or, with
        /// a / at its end, folder, as a URL.
        #[arg(required = true, num_args = 1.., value_name = "LOCAL… URL")]
        what: Vec<PathBuf>,
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        connection: Connection,
    },
    /// Print files to standard output.
    #[command(after_help = "Example: ftp-connect cat sftp://ada@files.example.org/in/a.txt")]
    Cat {
        /// The file or pattern, as a URL.
        url: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Make a folder like another: the one here like the server's, or the other way round.
    #[command(after_help = "\
Example: ftp-connect mirror site/ sftp://ada@files.example.org/www/
Example: ftp-connect mirror ftpes://ada@files.example.org/in/ in/ --delete --dry-run")]
    Mirror {
        /// The source: a local folder, or a folder on the server as a URL.
        from: String,
        /// The target: the other of the two. What is in the source's folder comes into it.
        to: String,
        /// Say what would be done, and do nothing.
        #[arg(short = 'n', long)]
        dry_run: bool,
        #[command(flatten)]
        mirroring: Mirroring,
        #[command(flatten)]
        transfer: Transfer,
        #[command(flatten)]
        connection: Connection,
    },
    /// Mirror in two steps: a plan that can be looked at, and doing what it says.
    #[command(subcommand)]
    Sync(Sync),
    /// Remove a file.
    #[command(after_help = "Example: ftp-connect rm ftp://ada@files.example.org/in/a.txt")]
    Rm {
        /// The file, as a URL.
        url: String,
        /// Remove a folder with all that is in it. Symbolic links are removed, not followed.
        #[arg(short, long)]
        recursive: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Create a folder.
    #[command(after_help = "Example: ftp-connect mkdir ftp://ada@files.example.org/new")]
    Mkdir {
        /// The folder, as a URL.
        url: String,
        /// Create the folders above it too; a folder that is there already is no error.
        #[arg(short, long)]
        parents: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Remove an empty folder.
    #[command(after_help = "Example: ftp-connect rmdir ftp://ada@files.example.org/new")]
    Rmdir {
        /// The folder, as a URL.
        url: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give a file or folder a new name.
    #[command(after_help = "Example: ftp-connect mv ftp://ada@files.example.org/a.txt old/a.txt")]
    Mv {
        /// What to rename, as a URL.
        url: String,
        /// The new path, as in a URL: from the login folder, or //from the root.
        new_path: String,
        /// Replace what has that name already, instead of refusing.
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Set when a file was modified; create an empty one if there is none.
    #[command(after_help = "\
Example: ftp-connect touch sftp://ada@files.example.org/in/a.txt --time 2024-02-29T12:00:00Z")]
    Touch {
        /// The file, as a URL.
        url: String,
        /// The time in UTC [default: now].
        #[arg(long, value_name = "TIME")]
        time: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Set the permissions of a file or folder.
    #[command(after_help = "Example: ftp-connect chmod 640 sftp://ada@files.example.org/in/a.txt")]
    Chmod {
        /// The permissions, in octal digits.
        permissions: String,
        /// The file or folder, as a URL.
        url: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Make a link: another name of a file, or a symbolic link.
    #[command(
        after_help = "Example: ftp-connect ln -s a.txt sftp://ada@files.example.org/in/latest"
    )]
    Ln {
        /// What the link leads to, as in a URL; of a symbolic link it is stored as given, and a relative
        /// one begins at the link's folder.
        target: String,
        /// The link, as a URL.
        url: String,
        /// Make a symbolic link.
        #[arg(short, long)]
        symbolic: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Print the checksum of a file: the server's own, or computed here from what it sends.
    #[command(
        after_help = "Example: ftp-connect checksum sftp://ada@files.example.org/in/a.txt --here"
    )]
    Checksum {
        /// The file, as a URL.
        url: String,
        /// How it is computed.
        #[arg(long, value_enum, default_value = "sha256")]
        algorithm: Algorithm,
        /// Read the file and compute it here, for servers that have no checksums.
        #[arg(long)]
        here: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Work on a server at a prompt, with history and completion.
    #[command(after_help = "Example: ftp-connect shell sftp://ada@files.example.org/in")]
    Shell {
        /// The server and the folder to begin in, as a URL.
        url: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Print the hashes of the server's SSH host key or TLS certificate, without logging in.
    #[command(after_help = "Example: ftp-connect fingerprint sftp://files.example.org")]
    Fingerprint {
        /// The server, as a URL.
        url: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Find out why a server cannot be reached or used, step by step, and what works.
    #[command(after_help = "Example: ftp-connect doctor ftpes://ada@files.example.org")]
    Doctor {
        /// The server, as a URL; its path is the folder that is listed.
        url: Option<String>,
        /// Log in with the password even where nothing protects it.
        #[arg(long)]
        danger_clear_login: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Print a script for a shell, by which it completes this program's commands and options.
    #[command(after_help = "Example: ftp-connect completions bash")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of the program or of one command.
    #[command(after_help = "Example: ftp-connect man mirror")]
    Man {
        /// The command.
        command: Option<String>,
    },
    /// Start embedded servers on this machine and connect to them in each of the seven ways.
    #[cfg(feature = "demo")]
    #[command(after_help = "Example: ftp-connect demo")]
    Demo {
        /// One JSON document on standard output.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// The name as typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Ls { .. } => "ls",
            Self::Tree { .. } => "tree",
            Self::Du { .. } => "du",
            Self::Stat { .. } => "stat",
            Self::Get { .. } => "get",
            Self::Put { .. } => "put",
            Self::Cat { .. } => "cat",
            Self::Mirror { .. } => "mirror",
            Self::Sync(Sync::Plan { .. }) => "sync plan",
            Self::Sync(Sync::Apply { .. }) => "sync apply",
            Self::Rm { .. } => "rm",
            Self::Mkdir { .. } => "mkdir",
            Self::Rmdir { .. } => "rmdir",
            Self::Mv { .. } => "mv",
            Self::Touch { .. } => "touch",
            Self::Chmod { .. } => "chmod",
            Self::Ln { .. } => "ln",
            Self::Checksum { .. } => "checksum",
            Self::Shell { .. } => "shell",
            Self::Fingerprint { .. } => "fingerprint",
            Self::Doctor { .. } => "doctor",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
            #[cfg(feature = "demo")]
            Self::Demo { .. } => "demo",
        }
    }

    /// Whether standard output is JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            #[cfg(feature = "demo")]
            Self::Demo { json } => *json,
            _ => self.connection().is_some_and(|connection| connection.json),
        }
    }

    /// The options of the connection, where the command makes one from them.
    pub(crate) fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Connect { connection, .. }
            | Self::Ls { connection, .. }
            | Self::Tree { connection, .. }
            | Self::Du { connection, .. }
            | Self::Stat { connection, .. }
            | Self::Get { connection, .. }
            | Self::Put { connection, .. }
            | Self::Cat { connection, .. }
            | Self::Mirror { connection, .. }
            | Self::Sync(Sync::Plan { connection, .. } | Sync::Apply { connection, .. })
            | Self::Rm { connection, .. }
            | Self::Mkdir { connection, .. }
            | Self::Rmdir { connection, .. }
            | Self::Mv { connection, .. }
            | Self::Touch { connection, .. }
            | Self::Chmod { connection, .. }
            | Self::Ln { connection, .. }
            | Self::Checksum { connection, .. }
            | Self::Shell { connection, .. }
            | Self::Fingerprint { connection, .. }
            | Self::Doctor { connection, .. } => Some(connection),
            Self::Completions { .. } | Self::Man { .. } => None,
            #[cfg(feature = "demo")]
            Self::Demo { .. } => None,
        }
    }

    /// How to go on after an interruption.
    pub(crate) fn how_to_go_on(&self) -> &'static str {
        match self {
            Self::Get { files, .. } | Self::Put { files, .. } if files.resumes() => {
                "run the same command again: it goes on where it stopped"
            }
            Self::Get { .. } => {
                "the local file is as it was; run the same command again, with --resume a later \
                 interruption loses nothing"
            }
            Self::Put { .. } => {
                "the remote file is as it was, and what had come lies beside it until the next upload; \
                 run the same command again, with --resume it goes on"
            }
            Self::Mirror { .. } | Self::Sync(Sync::Apply { .. }) => {
                "no file is half; run the same command again: it goes on with what is missing"
            }
            _ => "run the same command again",
        }
    }
}

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // the names are the documentation
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl From<Algorithm> for ChecksumAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha1 => Self::Sha1,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512 => Self::Sha512,
        }
    }
}

const AFTER_HELP: &str = "\
URLs:
  ftp:// (in the clear), ftpes:// (explicit TLS), ftps:// (implicit TLS)
  or sftp://, then [user[:password]@]host[:port][/path]. The path is
  percent-decoded and begins at the login folder; //path at the root.
  @NAME[/path] is a server of the configuration file.

Exit status:
  0 done              1 operation failed    2 usage
  3 could not connect 4 login refused       5 host key or certificate not
  6 not found         7 timed out             trusted by either side
  8 transfer not whole                    130 interrupted";
