//! What is known of a file on the server before it is touched.

use ftp_connect_core::{
    Entry, EntryKind, Error, ErrorKind, Operation, Permissions, RemotePath, Result, Session,
    StatOptions, Timestamp,
};

use crate::failure;

/// What the server told about a file that is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) size: Option<u64>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) permissions: Option<Permissions>,
}

impl Source {
    /// Asks. A folder is refused here, because some servers let one read a folder as an empty file.
    ///
    /// # Errors
    /// [`ErrorKind::IsADirectory`]; [`ErrorKind::Closed`] and [`ErrorKind::TimedOut`].
    pub(crate) async fn ask(session: &mut dyn Session, path: &RemotePath) -> Result<Self> {
        let follow = StatOptions::default().with_follow_links(true);
        match session.stat(path, follow).await {
            Ok(entry) if entry.is_dir() => Err(Error::new(ErrorKind::IsADirectory)
                .with_operation(Operation::Read)
                .with_path(path)),
            Ok(entry) if entry.is_file() => Ok(Self::of(&entry)),
            Ok(_) => Ok(Self::default()),
            // Not every server can tell about a file it will give; reading it decides.
            Err(error) if failure::is_lost(&error) => Err(error),
            Err(_) => Ok(Self::default()),
        }
    }

    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            size: entry.size,
            modified: entry.modified,
            permissions: entry.permissions,
        }
    }
}

/// What has the name that a file is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Old {
    /// Nothing has it.
    Missing,
    /// A file.
    File(Source),
    /// A symbolic link, a device, or what cannot be told: nothing that a rename may put aside.
    Other,
    /// The server does not tell.
    Unknown,
}

impl Old {
    /// Looks.
    ///
    /// # Errors
    /// [`ErrorKind::IsADirectory`]; [`ErrorKind::Closed`] and [`ErrorKind::TimedOut`].
    pub(crate) async fn look(session: &mut dyn Session, path: &RemotePath) -> Result<Self> {
        match session.stat(path, StatOptions::default()).await {
            Ok(entry) if entry.is_dir() => Err(Error::new(ErrorKind::IsADirectory)
                .with_operation(Operation::Write)
                .with_path(path)
                .with_hint("give the name of a file in it")),
            Ok(entry) if entry.kind == EntryKind::File => Ok(Self::File(Source::of(&entry))),
            Ok(_) => Ok(Self::Other),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(Self::Missing),
            Err(error) if failure::is_lost(&error) => Err(error),
            Err(_) => Ok(Self::Unknown),
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        matches!(self, Self::File(_) | Self::Other)
    }
}
