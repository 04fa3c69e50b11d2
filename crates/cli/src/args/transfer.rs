//! The options of the commands that transfer files.

use std::{num::NonZeroU64, path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use ftp_connect::{
    Result, TransferType,
    transfer::{
        Overwrite, PoolOptions, RateLimit, Staging, TransferOptions, Verify,
        mirror::{Compare, Filter, Links, Mirror},
    },
};

use super::Connection;

/// What all transfers share.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Transfer")]
pub(crate) struct Transfer {
    /// Compare checksums where the server has them, not sizes alone.
    #[arg(long)]
    pub checksum: bool,
    /// At most so many bytes in a second, such as 500k or 2M.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub limit_rate: Option<NonZeroU64>,
    /// How many files at once, each over a session of its own [default: 1].
    #[arg(long, value_name = "N")]
    pub parallel: Option<usize>,
    /// How many times in a row something may be tried again that brought nothing [default: 3].
    #[arg(long, value_name = "N")]
    pub retries: Option<usize>,
}

impl Transfer {
    /// The options that are common, on top of these.
    pub(crate) fn options(&self, options: TransferOptions) -> TransferOptions {
        let verify = if self.checksum {
            Verify::Checksum
        } else {
            Verify::Size
        };
        options
            .with_verify(verify)
            .with_rate_limit(self.limit_rate.map(RateLimit::per_second))
    }

    pub(crate) fn parallel(&self) -> usize {
        self.parallel.unwrap_or(1).max(1)
    }

    pub(crate) fn pool(&self) -> PoolOptions {
        PoolOptions::default()
            .with_sessions(self.parallel())
            .with_attempts(self.retries.unwrap_or(3) + 1)
            .with_pause(Duration::from_secs(1))
    }
}

/// What `get` and `put` have beside that.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Transfer")]
pub(crate) struct Files {
    /// What becomes of a file that is there already [default: replace].
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["no_overwrite", "resume"])]
    pub overwrite: Option<OnConflict>,
    /// Refuse to replace a file that is there already; as --overwrite refuse.
    #[arg(long, conflicts_with = "resume")]
    pub no_overwrite: bool,
    /// Go on where an earlier transfer stopped, if the beginning is proven to be the same; as
    /// --overwrite resume.
    #[arg(long)]
    pub resume: bool,
    /// Transfer folders with all that is in them.
    #[arg(short, long)]
    pub recursive: bool,
    /// Give the copy the modification time and the permissions of the original.
    #[arg(short, long)]
    pub preserve: bool,
    /// Write the file under its own name from the beginning; others can then see a part of it (put only).
    #[arg(long)]
    pub in_place: bool,
    /// Transfer as text, converting line ends (FTP only).
    #[arg(long)]
    pub ascii: bool,
    #[command(flatten)]
    pub transfer: Transfer,
}

impl Files {
    /// Whether what has come before an interruption stays for the next time.
    pub(crate) fn resumes(&self) -> bool {
        self.resume || self.overwrite == Some(OnConflict::Resume)
    }

    pub(crate) fn options(&self) -> TransferOptions {
        let overwrite = match (self.overwrite, self.no_overwrite, self.resume) {
            (Some(policy), ..) => policy.into(),
            (None, true, _) => Overwrite::Refuse,
            (None, _, true) => Overwrite::Resume,
            _ => Overwrite::Replace,
        };
        let kind = match self.ascii {
            true => TransferType::Ascii,
            false => TransferType::Binary,
        };
        let staging = match self.in_place {
            true => Staging::InPlace,
            false => Staging::Renamed,
        };
        let options = TransferOptions::default()
            .with_overwrite(overwrite)
            .with_transfer_type(kind)
            .with_staging(staging)
            .with_keep_times(self.preserve)
            .with_keep_permissions(self.preserve);
        self.transfer.options(options)
    }
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// It stays, and that is an error.
    Refuse,
    /// It is replaced.
    Replace,
    /// It is replaced if the original is newer.
    Newer,
    /// It is replaced if it has another size.
    Size,
    /// It is taken for the beginning of the original, if that is proven.
    Resume,
    /// It stays, and the copy gets another name.
    Rename,
}

impl From<OnConflict> for Overwrite {
    fn from(policy: OnConflict) -> Self {
        match policy {
            OnConflict::Refuse => Self::Refuse,
            OnConflict::Replace => Self::Replace,
            OnConflict::Newer => Self::IfNewer,
            OnConflict::Size => Self::IfSizeDiffers,
            OnConflict::Resume => Self::Resume,
            OnConflict::Rename => Self::Rename,
        }
    }
}

/// What a mirror is to be.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Mirror")]
pub(crate) struct Mirroring {
    /// Remove from the target what the source does not have.
    #[arg(long)]
    pub delete: bool,
    /// Count only files that this pattern matches; can be given more than once. One without / is for
    /// names, one with / for paths below the folder.
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,
    /// Leave out what this pattern matches, folders with all that is in them; can be given more than
    /// once.
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// When a file counts as changed [default: newer].
    #[arg(long, value_name = "RULE")]
    pub compare: Option<Changed>,
    /// What becomes of symbolic links in the source [default: skip].
    #[arg(long, value_name = "RULE")]
    pub links: Option<OnLink>,
}

impl Mirroring {
    pub(crate) fn applied_to(&self, mirror: Mirror) -> Result<Mirror> {
        let mut filter = Filter::default();
        for pattern in &self.include {
            filter = filter.including(pattern)?;
        }
        for pattern in &self.exclude {
            filter = filter.excluding(pattern)?;
        }
        let compare = match self.compare {
            None | Some(Changed::Newer) => Compare::NewerOrSize,
            Some(Changed::Time) => Compare::TimeOrSize,
            Some(Changed::Size) => Compare::Size,
            Some(Changed::Content) => Compare::Content,
        };
        let links = match self.links {
            None | Some(OnLink::Skip) => Links::Skip,
            Some(OnLink::Follow) => Links::Follow,
            Some(OnLink::Copy) => Links::Copy,
        };
        Ok(mirror
            .with_filter(filter)
            .with_delete(self.delete)
            .with_compare(compare)
            .with_links(links))
    }
}

/// When a file counts as changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Changed {
    /// Its size is another, or the source is newer.
    Newer,
    /// Its size or its time is another.
    Time,
    /// Its size is another.
    Size,
    /// Its content is another: by checksum, or by reading it.
    Content,
}

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLink {
    /// They are left out.
    Skip,
    /// What they point to is copied.
    Follow,
    /// They become links with the same target.
    Copy,
}

/// The two halves of a mirror.
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Compare both sides and write what is to be done, as JSON.
    #[command(
        after_help = "Example: ftp-connect sync plan site/ sftp://ada@files.example.org/www/ --out site.plan"
    )]
    Plan {
        /// The source: a local folder, or a folder on the server as a URL.
        from: String,
        /// The target: the other of the two.
        to: String,
        /// Where the plan goes [default: standard output].
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        mirroring: Mirroring,
        #[command(flatten)]
        transfer: Transfer,
        #[command(flatten)]
        connection: Connection,
    },
    /// Do what a plan says. What is done is noted beside it, so that it goes on after an interruption.
    #[command(
        after_help = "Example: ftp-connect sync apply site.plan sftp://ada@files.example.org"
    )]
    Apply {
        /// The plan.
        plan: PathBuf,
        /// The server, as a URL; the folders are the plan's.
        url: Option<String>,
        #[command(flatten)]
        transfer: Transfer,
        #[command(flatten)]
        connection: Connection,
    },
}

/// A number of bytes with a unit of 1,024: `500k`, `2M`, `1G`.
fn bytes(text: &str) -> std::result::Result<NonZeroU64, String> {
    let wrong = || format!("{text:?} is no number of bytes: write 500k, 2M or 1G");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let bytes = number.checked_mul(unit).ok_or_else(wrong)?;
    NonZeroU64::new(bytes).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes() {
        #[track_caller]
        fn check(text: &str, expected: Option<u64>) {
            assert_eq!(bytes(text).ok().map(NonZeroU64::get), expected, "{text}");
        }
        check("1", Some(1));
        check("500k", Some(512_000));
        check("2M", Some(2 << 20));
        check("1GiB", Some(1 << 30));
        for bad in ["", "0", "k", "2x", "-1", "99999999999G", "1.5M"] {
            check(bad, None);
        }
    }
}
