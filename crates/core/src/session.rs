//! The contract of a session, written once for those who implement it and those who use it.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    Capabilities, ConnectReport, CopyOptions, CreateDirOptions, Entry, Error, ErrorKind,
    FileContents, FileToWrite, FilesWritten, HostProfile, ListOptions, Listing, Operation,
    Permissions, ReadBody, ReadOptions, RemotePath, RenameOptions, Result, StatOptions, Timestamp,
    WriteBody, WriteOptions, many::OneByOne,
};

/// A logged-in connection to a file server.
///
/// One operation runs at a time, which `&mut self` and the borrowed bodies enforce. For backend
/// authors, the contract beside the methods' own words:
///
/// - An operation that fails leaves the session usable, or every later one says
///   [`ErrorKind::Closed`].
/// - Dropping the future of any operation is allowed at every await point: the next operation works
///   or says [`ErrorKind::Closed`], and never takes an answer that was meant for the dropped one.
/// - Every await has a deadline from the parameters and ends in [`ErrorKind::TimedOut`].
/// - What a backend cannot do, it leaves to the provided method, which answers
///   [`ErrorKind::Unsupported`], and [`Session::capabilities`] says so.
/// - Errors name the operation and the path.
#[async_trait]
pub trait Session: Debug + Send {
    /// What was negotiated when connecting.
    fn report(&self) -> &ConnectReport;

    /// What this session can do.
    fn capabilities(&self) -> Capabilities;

    /// What was learnt about the server so far, to be given to the next connect by
    /// [`ConnectParams::with_profile`](crate::ConnectParams::with_profile). A profile that this
    /// connect was given is part of it.
    fn profile(&self) -> Option<HostProfile> {
        None
    }

    /// What is known of one file or folder; the entry's name is `path` as given.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is nothing of that name.
    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry>;

    /// Begins to list a folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] or [`ErrorKind::NotADirectory`], here or from the listing.
    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>>;

    /// Begins to read a file, or a range of it. Reading from beyond the end gives no bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::IsADirectory`], here or from the body;
    /// [`ErrorKind::Unsupported`] for text where there is none.
    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>>;

    /// Begins to write a file.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where the options refuse to replace,
    /// [`ErrorKind::Unsupported`] for text where there is none, and what the server says.
    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>>;

    /// Reads many files, each whole and with at most `limit` bytes; larger ones give
    /// [`ErrorKind::LimitExceeded`]. Backends that can keep several files under way at once do, so that many
    /// small files cost few round trips; all others read one after the other.
    ///
    /// What is dropped with the returned value is not read; the session goes on as after a dropped body.
    fn read_files<'s>(
        &'s mut self,
        paths: Vec<RemotePath>,
        limit: u64,
    ) -> Box<dyn FileContents + 's> {
        Box::new(OneByOne::reading(self, paths, limit))
    }

    /// Writes many files, each whole and from memory. Backends that can keep several files under way at once
    /// do, so that many small files cost few round trips; all others write one after the other.
    ///
    /// Nothing is written but by waiting for [`FilesWritten::next`]. What is dropped with the returned value
    /// may have been begun, up to some tens of files, and the session goes on as after a dropped body.
    fn write_files<'s>(&'s mut self, files: Vec<FileToWrite>) -> Box<dyn FilesWritten + 's> {
        Box::new(OneByOne::writing(self, files))
    }

    /// Opens a second session over the same connection, as the same user: nothing is dialled and nobody
    /// logs in again. The connection ends with the last of its sessions.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if the server allows no more of them, [`ErrorKind::Unsupported`] where a
    /// connection carries one session only (FTP).
    async fn open_another(&mut self) -> Result<Box<dyn Session>> {
        Err(unsupported(Operation::Connect))
    }

    /// Takes leave of the server politely and briefly, and closes the connection.
    ///
    /// # Errors
    /// Only what matters: a peer that just closes is no error.
    async fn close(self: Box<Self>) -> Result<()>;

    /// Gives a file or folder a new name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::AlreadyExists`], [`ErrorKind::Unsupported`].
    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let _ = (to, options);
        Err(unsupported(Operation::Rename).with_path(from))
    }

    /// Gives many files new names, each as [`rename`](Self::rename) does: pairs of the name that it has and the
    /// one that it gets. What became of each is told in the same order; a failure does not keep the others from
    /// being renamed, and none may need another to be done before. Backends that can have several renames under way
    /// do, so that they cost few round trips.
    ///
    /// # Cancel safety
    /// Some of them may have been renamed.
    async fn rename_files(
        &mut self,
        names: &[(RemotePath, RemotePath)],
        options: RenameOptions,
    ) -> Vec<Result<()>> {
        let mut renamed = Vec::with_capacity(names.len());
        for (from, to) in names {
            renamed.push(self.rename(from, to, options).await);
        }
        renamed
    }

    /// Removes a file; of a symbolic link the link, never what it points to.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it is not there, [`ErrorKind::IsADirectory`] where the server lets one
    /// tell, [`ErrorKind::Unsupported`].
    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        Err(unsupported(Operation::RemoveFile).with_path(path))
    }

    /// Creates a folder in an existing one.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where the server lets one tell, [`ErrorKind::Unsupported`].
    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        let _ = options;
        Err(unsupported(Operation::CreateDir).with_path(path))
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::DirectoryNotEmpty`] where the server lets one tell,
    /// [`ErrorKind::Unsupported`].
    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        Err(unsupported(Operation::RemoveDir).with_path(path))
    }

    /// Sets when a file was modified; a time that is not UTC is refused.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a time in an unknown zone, [`ErrorKind::Unsupported`].
    async fn set_modified(&mut self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let _ = modified;
        Err(unsupported(Operation::SetModified).with_path(path))
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// What the server says, [`ErrorKind::Unsupported`].
    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        let _ = permissions;
        Err(unsupported(Operation::SetPermissions).with_path(path))
    }

    /// Where a symbolic link points, as it is stored: a relative target begins at the link's folder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], what the server says of a path that is no link,
    /// [`ErrorKind::Unsupported`].
    async fn read_link(&mut self, path: &RemotePath) -> Result<RemotePath> {
        Err(unsupported(Operation::ReadLink).with_path(path))
    }

    /// Makes `link` a symbolic link to `target`, which is stored as given and need not be there.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] where the server lets one tell, [`ErrorKind::Unsupported`].
    async fn create_symlink(&mut self, link: &RemotePath, target: &RemotePath) -> Result<()> {
        let _ = target;
        Err(unsupported(Operation::CreateLink).with_path(link))
    }

    /// Makes `link` another name of the file `existing`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::AlreadyExists`] where the server lets one tell,
    /// [`ErrorKind::Unsupported`].
    async fn create_hard_link(&mut self, link: &RemotePath, existing: &RemotePath) -> Result<()> {
        let _ = existing;
        Err(unsupported(Operation::CreateLink).with_path(link))
    }

    /// Copies a file from one place on the server to another; its bytes do not come here.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::AlreadyExists`] where the options refuse to replace,
    /// [`ErrorKind::Unsupported`].
    async fn copy_file(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: CopyOptions,
    ) -> Result<()> {
        let _ = (to, options);
        Err(unsupported(Operation::CopyFile).with_path(from))
    }

    /// The path that the server itself has for this one: absolute, and with links and `..` resolved as far
    /// as the server does that. Of a name that is not there, some servers say so and others give a path.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Unsupported`].
    async fn real_path(&mut self, path: &RemotePath) -> Result<RemotePath> {
        Err(unsupported(Operation::RealPath).with_path(path))
    }

    /// A path that begins with `~` (this user's folder) or `~name`, made absolute as the server's shell
    /// would. All other operations take a `~` for what it is, a character.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown user, [`ErrorKind::Unsupported`].
    async fn expand_home(&mut self, path: &RemotePath) -> Result<RemotePath> {
        Err(unsupported(Operation::RealPath).with_path(path))
    }

    /// Asks the server for the checksum of a file's content.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the server has none of that algorithm.
    async fn checksum(
        &mut self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        let _ = algorithm;
        Err(unsupported(Operation::Checksum).with_path(path))
    }

    /// The folder where relative paths begin, absolute.
    ///
    /// # Errors
    /// What the server says, [`ErrorKind::Unsupported`].
    async fn current_dir(&mut self) -> Result<RemotePath> {
        Err(unsupported(Operation::CurrentDir))
    }

    /// Sets the folder where relative paths begin; from then on it is also what the empty path means.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotADirectory`], [`ErrorKind::Unsupported`]; the folder is then
    /// the one before.
    async fn set_current_dir(&mut self, path: &RemotePath) -> Result<()> {
        Err(unsupported(Operation::SetCurrentDir).with_path(path))
    }

    /// How much room there is for new files in a folder.
    ///
    /// # Errors
    /// What the server says, [`ErrorKind::Unsupported`].
    async fn free_space(&mut self, path: &RemotePath) -> Result<FreeSpace> {
        Err(unsupported(Operation::FreeSpace).with_path(path))
    }

    /// Shows the server that the session is alive, and the caller that the server is.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::TimedOut`], [`ErrorKind::Unsupported`].
    async fn keep_alive(&mut self) -> Result<()> {
        Err(unsupported(Operation::KeepAlive))
    }

    /// Sends a command of the protocol's own (FTP: one line, without its end) and gives the reply,
    /// whatever it says. Commands that open a data connection or change how the connection works are
    /// refused.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a command that cannot be sent,
    /// [`ErrorKind::Unsupported`].
    async fn raw(&mut self, command: &[u8]) -> Result<crate::ServerReply> {
        let _ = command;
        Err(unsupported(Operation::Raw))
    }
}

fn unsupported(operation: Operation) -> Error {
    Error::new(ErrorKind::Unsupported).with_operation(operation)
}

/// How a [`Checksum`] is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the documentation
pub enum ChecksumAlgorithm {
    Crc32,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl fmt::Display for ChecksumAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crc32 => "CRC32",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// A checksum told by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it was computed.
    pub algorithm: ChecksumAlgorithm,
    /// The digest, most significant byte first.
    pub digest: Vec<u8>,
}

/// Room for new files, as the server tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FreeSpace {
    /// Bytes that this user may still write.
    pub available: u64,
    /// Bytes that the file system has in all, where the server tells.
    pub total: Option<u64>,
}

impl FreeSpace {
    /// Room for so many bytes.
    pub fn new(available: u64) -> Self {
        Self {
            available,
            total: None,
        }
    }

    /// Sets [`FreeSpace::total`].
    #[must_use]
    pub fn with_total(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }
}
