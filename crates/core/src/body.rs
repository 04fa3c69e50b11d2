//! What `list`, `read` and `write` give: bodies that borrow the session until they are finished.
//!
//! A body has an explicit `finish`, because the last word of a transfer is the server's and a drop
//! cannot wait for it. The borrow keeps a second operation from starting in the middle of a
//! transfer at compile time, which FTP could not carry.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{Entry, Error, ErrorKind, Operation, Result};

/// The entries of a folder as they arrive. `.` and `..` are not among them.
///
/// Dropping a listing before `finish` abandons it: the session resynchronises with its next
/// operation, or that says [`ErrorKind::Closed`](crate::ErrorKind::Closed).
#[async_trait]
pub trait Listing: Debug + Send {
    /// The next entry, in the server's order; `None` after the last.
    ///
    /// # Errors
    /// As the transfer fails; `None` is only ever said of a listing that the server ended.
    ///
    /// # Cancel safety
    /// Cancel safe: an entry is either returned or still there.
    async fn next(&mut self) -> Result<Option<Entry>>;

    /// Waits for the server's word that the listing is whole. What was not read is skipped.
    ///
    /// # Errors
    /// [`ErrorKind::ListingTruncated`](crate::ErrorKind::ListingTruncated) if the server says that it
    /// left entries out, or as the transfer failed.
    async fn finish(self: Box<Self>) -> Result<ListSummary>;
}

/// The bytes of a file as they arrive.
///
/// Dropping a body before `finish` abandons the transfer: the session resynchronises with its next
/// operation, or that says [`ErrorKind::Closed`](crate::ErrorKind::Closed).
#[async_trait]
pub trait ReadBody: Debug + Send {
    /// Reads up to `buffer.len()` bytes and says how many; 0 at the end, or for an empty buffer.
    ///
    /// # Errors
    /// As the transfer fails. 0 alone does not prove that the file is whole: `finish` does.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has taken no bytes.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// Ends the transfer. After the end was read, this proves that it is whole; before, it stops the
    /// transfer and leaves the session usable.
    ///
    /// # Errors
    /// [`ErrorKind::TransferNotWhole`](crate::ErrorKind::TransferNotWhole) if the end was read and
    /// the transfer cannot be shown to be whole.
    async fn finish(self: Box<Self>) -> Result<Transferred>;
}

/// The way for the bytes of a file to the server.
///
/// Dropping a body before `finish` abandons the transfer; the file is then in an unknown state.
#[async_trait]
pub trait WriteBody: Debug + Send {
    /// Writes some of `data` and says how many bytes were taken, at least one unless `data` is empty.
    ///
    /// # Errors
    /// As the transfer fails, with the server's own reason where it gave one.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has taken no bytes.
    async fn write(&mut self, data: &[u8]) -> Result<usize>;

    /// Waits until all that was written so far is on the server's disk, so that it outlasts a crash of the
    /// server. `finish` is called after it all the same.
    ///
    /// # Errors
    /// As the transfer fails, [`ErrorKind::Unsupported`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost, and what was written may or may not be on disk.
    async fn sync(&mut self) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported).with_operation(Operation::Write))
    }

    /// Ends the file and waits for the server's word that it has all of it.
    ///
    /// # Errors
    /// [`ErrorKind::TransferNotWhole`](crate::ErrorKind::TransferNotWhole) if that cannot be shown.
    async fn finish(self: Box<Self>) -> Result<Transferred>;
}

/// What a finished transfer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Transferred {
    /// Bytes of content that went over.
    pub bytes: u64,
    /// Whether the end of the file was reached, so that nothing is missing after these bytes.
    pub to_end: bool,
    /// Whether the TLS session of the data connection was resumed; `None` without TLS of its own.
    pub tls_resumed: Option<bool>,
    /// Of a write: whether the permissions and the time that the options name were set with it. `None` if
    /// that was not tried; then they may be set by the session's own operations.
    pub attributes_set: Option<bool>,
    /// Of a write: how many bytes the server says that the file has afterwards. `None` where it was not asked
    /// or does not tell.
    pub size_after: Option<u64>,
}

impl Transferred {
    /// A transfer of this many bytes.
    pub fn new(bytes: u64, to_end: bool) -> Self {
        Self {
            bytes,
            to_end,
            tls_resumed: None,
            attributes_set: None,
            size_after: None,
        }
    }

    /// Sets [`Transferred::size_after`].
    #[must_use]
    pub fn with_size_after(mut self, size: impl Into<Option<u64>>) -> Self {
        self.size_after = size.into();
        self
    }

    /// Sets [`Transferred::attributes_set`].
    #[must_use]
    pub fn with_attributes_set(mut self, set: impl Into<Option<bool>>) -> Self {
        self.attributes_set = set.into();
        self
    }

    /// Sets [`Transferred::tls_resumed`].
    #[must_use]
    pub fn with_tls_resumed(mut self, resumed: Option<bool>) -> Self {
        self.tls_resumed = resumed;
        self
    }
}

/// What a finished listing was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ListSummary {
    /// How many entries there were.
    pub entries: u64,
    /// How many lines or names could not be understood; they are in no entry.
    pub unparsed: u64,
    /// The first of those, as they came, at most 100.
    pub unparsed_samples: Vec<Vec<u8>>,
    /// Whether the TLS session of the data connection was resumed; `None` without TLS of its own.
    pub tls_resumed: Option<bool>,
}

impl ListSummary {
    /// Counts what could not be understood and keeps it while there is room.
    pub fn add_unparsed(&mut self, line: &[u8]) {
        self.unparsed += 1;
        if self.unparsed_samples.len() < 100 {
            self.unparsed_samples.push(line.to_vec());
        }
    }
}
