//! What a client sends.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    Attributes, VERSION, kind,
    wire::{put_string, put_strings},
};

/// How a file is opened (§6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenFlags(pub(crate) u32);

impl OpenFlags {
    pub(crate) const READ: Self = Self(0x01);
    pub(crate) const WRITE: Self = Self(0x02);
    pub(crate) const CREATE: Self = Self(0x08);
    pub(crate) const TRUNCATE: Self = Self(0x10);
    pub(crate) const EXCLUSIVE: Self = Self(0x20);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The bytes of a name, as the server has them.
type Path<'a> = &'a [u8];

/// What the server named an open file or folder.
type Handle<'a> = &'a [u8];

/// A request; its number is given when it is encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request<'a> {
    Open {
        path: &'a [u8],
        flags: OpenFlags,
        /// For a file that is created.
        attributes: Attributes,
    },
    Close(Handle<'a>),
    Read {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    Write {
        handle: &'a [u8],
        offset: u64,
        data: &'a [u8],
    },
    Lstat(Path<'a>),
    Fstat(Handle<'a>),
    FSetStat {
        handle: &'a [u8],
        attributes: Attributes,
    },
    SetStat {
        path: &'a [u8],
        attributes: Attributes,
    },
    OpenDir(Path<'a>),
    ReadDir(Handle<'a>),
    Remove(Path<'a>),
    MakeDir {
        path: &'a [u8],
        attributes: Attributes,
    },
    RemoveDir(Path<'a>),
    RealPath(Path<'a>),
    Stat(Path<'a>),
    ReadLink(Path<'a>),
    /// The two paths in the order that the server wants them: the draft has the link first (§6.10), and
    /// nearly every server, OpenSSH before all, the target.
    Symlink {
        first: &'a [u8],
        second: &'a [u8],
    },
    Rename {
        from: &'a [u8],
        to: &'a [u8],
    },
    /// `posix-rename@openssh.com`: replaces what has the new name.
    PosixRename {
        from: &'a [u8],
        to: &'a [u8],
    },
    /// `limits@openssh.com`.
    Limits,
    /// `hardlink@openssh.com`: the file that is there first.
    HardLink {
        existing: &'a [u8],
        link: &'a [u8],
    },
    /// `fsync@openssh.com`.
    FSync(Handle<'a>),
    /// `statvfs@openssh.com`.
    StatVfs(Path<'a>),
    /// `copy-data`, from beginning to end
    /// (draft-ietf-secsh-filexfer-extensions-00 §7).
    CopyData {
        from: &'a [u8],
        to: &'a [u8],
    },
    /// `expand-path@openssh.com`.
    ExpandPath(Path<'a>),
    /// `check-file-name`, the whole file by one of these algorithms
    /// (draft-ietf-secsh-filexfer-extensions-00 §3).
    CheckFile {
        path: &'a [u8],
        algorithms: &'a [u8],
    },
    /// `md5-hash`, the whole file, from whoever asks (draft-ietf-secsh-filexfer-extensions-00 §2).
    Md5Hash(Path<'a>),
}

impl Request<'_> {
    /// The whole packet, length first.
    pub(crate) fn encode(&self, id: u32) -> Bytes {
        let mut out = BytesMut::with_capacity(64 + self.payload());
        out.put_u32(0);
        out.put_u8(self.kind());
        out.put_u32(id);
        match *self {
            Request::Open {
                path,
                flags,
                attributes,
            } => {
                put_string(&mut out, path);
                out.put_u32(flags.0);
                attributes.encode(&mut out);
            }
            Request::Close(handle) | Request::Fstat(handle) | Request::ReadDir(handle) => {
                put_string(&mut out, handle);
            }
            Request::FSetStat { handle, attributes } => {
                put_string(&mut out, handle);
                attributes.encode(&mut out);
            }
            Request::Read {
                handle,
                offset,
                length,
            } => {
                put_string(&mut out, handle);
                out.put_u64(offset);
                out.put_u32(length);
            }
            Request::Write {
                handle,
                offset,
                data,
            } => {
                put_string(&mut out, handle);
                out.put_u64(offset);
                put_string(&mut out, data);
            }
            Request::Lstat(path)
            | Request::Stat(path)
            | Request::OpenDir(path)
            | Request::Remove(path)
            | Request::RemoveDir(path)
            | Request::RealPath(path)
            | Request::ReadLink(path) => put_string(&mut out, path),
            Request::SetStat { path, attributes } | Request::MakeDir { path, attributes } => {
                put_string(&mut out, path);
                attributes.encode(&mut out);
            }
            Request::Rename { from, to } => put_strings(&mut out, [from, to]),
            Request::Symlink { first, second } => put_strings(&mut out, [first, second]),
            Request::PosixRename { from, to } => {
                put_strings(&mut out, [extension::POSIX_RENAME.as_bytes(), from, to]);
            }
            Request::Limits => put_string(&mut out, extension::LIMITS.as_bytes()),
            Request::HardLink { existing, link } => {
                put_strings(&mut out, [extension::HARD_LINK.as_bytes(), existing, link]);
            }
            Request::FSync(handle) => {
                put_strings(&mut out, [extension::FSYNC.as_bytes(), handle]);
            }
            Request::StatVfs(path) => {
                put_strings(&mut out, [extension::STATVFS.as_bytes(), path]);
            }
            Request::CopyData { from, to } => {
                put_strings(&mut out, [extension::COPY_DATA.as_bytes(), from]);
                out.put_u64(0);
                // 0 is up to the end.
                out.put_u64(0);
                put_string(&mut out, to);
                out.put_u64(0);
            }
            Request::ExpandPath(path) => {
                put_strings(&mut out, [extension::EXPAND_PATH.as_bytes(), path]);
            }
            Request::CheckFile { path, algorithms } => {
                put_strings(&mut out, [b"check-file-name", path, algorithms]);
                out.put_u64(0);
                out.put_u64(0);
                // One digest over all, not one for each block.
                out.put_u32(0);
            }
            Request::Md5Hash(path) => {
                put_strings(&mut out, [extension::MD5_HASH.as_bytes(), path]);
                out.put_u64(0);
                out.put_u64(0);
                // Nothing to compare the first bytes with.
                put_string(&mut out, b"");
            }
        }
        finish(out)
    }

    fn kind(&self) -> u8 {
        match self {
            Request::Open { .. } => kind::OPEN,
            Request::Close(_) => kind::CLOSE,
            Request::Read { .. } => kind::READ,
            Request::Write { .. } => kind::WRITE,
            Request::Lstat(_) => kind::LSTAT,
            Request::Fstat(_) => kind::FSTAT,
            Request::FSetStat { .. } => kind::FSETSTAT,
            Request::SetStat { .. } => kind::SETSTAT,
            Request::OpenDir(_) => kind::OPENDIR,
            Request::ReadDir(_) => kind::READDIR,
            Request::Remove(_) => kind::REMOVE,
            Request::MakeDir { .. } => kind::MKDIR,
            Request::RemoveDir(_) => kind::RMDIR,
            Request::RealPath(_) => kind::REALPATH,
            Request::Stat(_) => kind::STAT,
            Request::Rename { .. } => kind::RENAME,
            Request::ReadLink(_) => kind::READLINK,
            Request::Symlink { .. } => kind::SYMLINK,
            Request::PosixRename { .. }
            | Request::Limits
            | Request::HardLink { .. }
            | Request::FSync(_)
            | Request::StatVfs(_)
            | Request::CopyData { .. }
            | Request::ExpandPath(_)
            | Request::CheckFile { .. }
            | Request::Md5Hash(_) => kind::EXTENDED,
        }
    }

    /// How many bytes of data it carries, so that one allocation does for these; what else there is fits
    /// in the usual room, or makes it grow.
    fn payload(&self) -> usize {
        match self {
            Request::Write { handle, data, .. } => handle.len() + data.len(),
            _ => USUAL,
        }
    }
}

/// The first packet of all: the version, and no extensions (§4).
pub(crate) fn init() -> Bytes {
    let mut out = BytesMut::with_capacity(9);
    out.put_u32(0);
    out.put_u8(kind::INIT);
    out.put_u32(VERSION);
    finish(out)
}

fn finish(mut packet: BytesMut) -> Bytes {
    let length = packet.len() as u32 - 4;
    packet[..4].copy_from_slice(&length.to_be_bytes());
    packet.freeze()
}

/// Room for a path or two.
const USUAL: usize = 128;

/// Names of the extensions that are used where a server announces them. OpenSSH's are in its file PROTOCOL.
pub(crate) mod extension {
    pub(crate) const POSIX_RENAME: &str = "posix-rename@openssh.com";
    pub(crate) const LIMITS: &str = "limits@openssh.com";
    pub(crate) const HARD_LINK: &str = "hardlink@openssh.com";
    pub(crate) const FSYNC: &str = "fsync@openssh.com";
    pub(crate) const STATVFS: &str = "statvfs@openssh.com";
    pub(crate) const COPY_DATA: &str = "copy-data";
    pub(crate) const EXPAND_PATH: &str = "expand-path@openssh.com";
    pub(crate) const CHECK_FILE: &str = "check-file";
    pub(crate) const MD5_HASH: &str = "md5-hash";
}
