//! The options of the operations. Each has a default that does what one expects, and `with_*`.

use crate::{Permissions, Timestamp};

/// Options of [`Session::stat`](crate::Session::stat).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StatOptions {
    /// Tell about the target of a symbolic link instead of the link. Off by default: a link is what
    /// is there. FTP servers decide for themselves.
    pub follow_links: bool,
}

impl StatOptions {
    /// Sets [`StatOptions::follow_links`].
    #[must_use]
    pub fn with_follow_links(mut self, follow_links: bool) -> Self {
        self.follow_links = follow_links;
        self
    }
}

/// Options of [`Session::list`](crate::Session::list).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListOptions {
    /// Ask for names that begin with a dot too. On by default, as a listing that leaves something
    /// out is a bad base for copying; servers may hide them all the same.
    pub hidden: bool,
    /// Find out the server's clock where it tells times in its own zone, so that they can be given in
    /// UTC ([`Zone::Utc`](crate::Zone)). Off by default: it takes one or two more round trips with the first such
    /// listing (FTP servers without MLSD), and whoever only shows names shall not wait for them. Whoever
    /// compares times should switch it on.
    pub utc_times: bool,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            hidden: true,
            utc_times: false,
        }
    }
}

impl ListOptions {
    /// Sets [`ListOptions::hidden`].
    #[must_use]
    pub fn with_hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Sets [`ListOptions::utc_times`].
    #[must_use]
    pub fn with_utc_times(mut self, utc_times: bool) -> Self {
        self.utc_times = utc_times;
        self
    }
}

/// How the bytes of a file are represented on the way (RFC 959 §3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TransferType {
    /// As they are. The default: nothing is changed.
    #[default]
    Binary,
    /// As lines of text, which end in CR LF on the way and on either side as that side has it. What is
    /// written here may end its lines in LF or CR LF; what is read ends them as [`LineEnd`] says. Sizes and
    /// offsets then mean little, and nothing can be proven by them.
    Ascii,
}

/// How lines end in what is read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LineEnd {
    /// By LF.
    Lf,
    /// By CR LF.
    CrLf,
}

impl Default for LineEnd {
    /// As this operating system has it.
    fn default() -> Self {
        if cfg!(windows) { Self::CrLf } else { Self::Lf }
    }
}

/// Options of [`Session::read`](crate::Session::read).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The first byte to read, counted from 0.
    pub offset: u64,
    /// How many bytes to read at most; to the end of the file by default.
    pub length: Option<u64>,
    /// Binary or text.
    pub transfer_type: TransferType,
    /// How lines end in what is given as text.
    pub line_end: LineEnd,
}

impl ReadOptions {
    /// Sets [`ReadOptions::offset`].
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Sets [`ReadOptions::length`].
    #[must_use]
    pub fn with_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Sets [`ReadOptions::transfer_type`].
    #[must_use]
    pub fn with_transfer_type(mut self, transfer_type: TransferType) -> Self {
        self.transfer_type = transfer_type;
        self
    }

    /// Sets [`ReadOptions::line_end`].
    #[must_use]
    pub fn with_line_end(mut self, line_end: LineEnd) -> Self {
        self.line_end = line_end;
        self
    }
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Disposition {
    /// It is replaced. The default, as a copy command does.
    #[default]
    Replace,
    /// It stays, and the write is refused with
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists).
    CreateNew,
    /// The bytes are added to its end; it is created if missing.
    Append,
    /// The bytes are added to its end if it has exactly this many; otherwise the write is refused
    /// ([`ErrorKind::Refused`](crate::ErrorKind::Refused)). This continues a cut upload.
    Resume(u64),
}

/// Options of [`Session::write`](crate::Session::write).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// What becomes of a file that is there already.
    pub disposition: Disposition,
    /// Binary or text.
    pub transfer_type: TransferType,
    /// How many bytes will be written, if known, for servers that want to reserve room.
    pub size_hint: Option<u64>,
    /// The permissions of the file once it is whole, where they can be set without another round trip.
    /// [`Transferred::attributes_set`](crate::Transferred::attributes_set) says whether they were: a server
    /// that refuses them has the file all the same.
    pub permissions: Option<Permissions>,
    /// When the file was modified, under the same terms as the permissions. A time that is not UTC is not set.
    pub modified: Option<Timestamp>,
}

impl WriteOptions {
    /// Sets [`WriteOptions::disposition`].
    #[must_use]
    pub fn with_disposition(mut self, disposition: Disposition) -> Self {
        self.disposition = disposition;
        self
    }

    /// Sets [`WriteOptions::transfer_type`].
    #[must_use]
    pub fn with_transfer_type(mut self, transfer_type: TransferType) -> Self {
        self.transfer_type = transfer_type;
        self
    }

    /// Sets [`WriteOptions::size_hint`], in bytes.
    #[must_use]
    pub fn with_size_hint(mut self, size_hint: u64) -> Self {
        self.size_hint = Some(size_hint);
        self
    }

    /// Sets [`WriteOptions::permissions`].
    #[must_use]
    pub fn with_permissions(mut self, permissions: impl Into<Option<Permissions>>) -> Self {
        self.permissions = permissions.into();
        self
    }

    /// Sets [`WriteOptions::modified`].
    #[must_use]
    pub fn with_modified(mut self, modified: impl Into<Option<Timestamp>>) -> Self {
        self.modified = modified.into();
        self
    }
}

/// Options of [`Session::rename`](crate::Session::rename).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RenameOptions {
    /// Replace a file that has the new name. Off by default: the rename is then refused with
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists). FTP has no such choice, most of its
    /// servers replace; there it is looked first, and another client can come in between.
    pub replace: bool,
}

impl RenameOptions {
    /// Sets [`RenameOptions::replace`].
    #[must_use]
    pub fn with_replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }
}

/// Options of [`Session::create_dir`](crate::Session::create_dir).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreateDirOptions {
    /// The permissions of the new folder; the server's own default otherwise.
    pub permissions: Option<Permissions>,
}

impl CreateDirOptions {
    /// Sets [`CreateDirOptions::permissions`].
    #[must_use]
    pub fn with_permissions(mut self, permissions: Permissions) -> Self {
        self.permissions = Some(permissions);
        self
    }
}

/// Options of [`Session::copy_file`](crate::Session::copy_file).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Replace a file that has the new name. Off by default, as with a rename: the copy is then refused with
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists).
    pub replace: bool,
}

impl CopyOptions {
    /// Sets [`CopyOptions::replace`].
    #[must_use]
    pub fn with_replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }
}
