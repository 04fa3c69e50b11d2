//! What a client sends.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{Attributes, VERSION, kind, wire::put_string};

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

/// A request; its number is given when it is encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request<'a> {
    Open {
        path: &'a [u8],
        flags: OpenFlags,
    },
    Close {
        handle: &'a [u8],
    },
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
    Lstat {
        path: &'a [u8],
    },
    Fstat {
        handle: &'a [u8],
    },
    SetStat {
        path: &'a [u8],
        attributes: Attributes,
    },
    OpenDir {
        path: &'a [u8],
    },
    ReadDir {
        handle: &'a [u8],
    },
    Remove {
        path: &'a [u8],
    },
    MakeDir {
        path: &'a [u8],
        attributes: Attributes,
    },
    RemoveDir {
        path: &'a [u8],
    },
    RealPath {
        path: &'a [u8],
    },
    Stat {
        path: &'a [u8],
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
}

impl Request<'_> {
    /// The whole packet, length first.
    pub(crate) fn encode(&self, id: u32) -> Bytes {
        let mut out = BytesMut::with_capacity(64 + self.payload());
        out.put_u32(0);
        out.put_u8(self.kind());
        out.put_u32(id);
        match *self {
            Request::Open { path, flags } => {
                put_string(&mut out, path);
                out.put_u32(flags.0);
                Attributes::default().encode(&mut out);
            }
            Request::Close { handle } | Request::Fstat { handle } | Request::ReadDir { handle } => {
                put_string(&mut out, handle);
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
            Request::Lstat { path }
            | Request::Stat { path }
            | Request::OpenDir { path }
            | Request::Remove { path }
            | Request::RemoveDir { path }
            | Request::RealPath { path } => put_string(&mut out, path),
            Request::SetStat { path, attributes } | Request::MakeDir { path, attributes } => {
                put_string(&mut out, path);
                attributes.encode(&mut out);
            }
            Request::Rename { from, to } => {
                put_string(&mut out, from);
                put_string(&mut out, to);
            }
            Request::PosixRename { from, to } => {
                put_string(&mut out, POSIX_RENAME);
                put_string(&mut out, from);
                put_string(&mut out, to);
            }
            Request::Limits => put_string(&mut out, LIMITS),
        }
        finish(out)
    }

    fn kind(&self) -> u8 {
        match self {
            Request::Open { .. } => kind::OPEN,
            Request::Close { .. } => kind::CLOSE,
            Request::Read { .. } => kind::READ,
            Request::Write { .. } => kind::WRITE,
            Request::Lstat { .. } => kind::LSTAT,
            Request::Fstat { .. } => kind::FSTAT,
            Request::SetStat { .. } => kind::SETSTAT,
            Request::OpenDir { .. } => kind::OPENDIR,
            Request::ReadDir { .. } => kind::READDIR,
            Request::Remove { .. } => kind::REMOVE,
            Request::MakeDir { .. } => kind::MKDIR,
            Request::RemoveDir { .. } => kind::RMDIR,
            Request::RealPath { .. } => kind::REALPATH,
            Request::Stat { .. } => kind::STAT,
            Request::Rename { .. } => kind::RENAME,
            Request::PosixRename { .. } | Request::Limits => kind::EXTENDED,
        }
    }

    /// How many bytes the strings take, so that one allocation does.
    fn payload(&self) -> usize {
        match self {
            Request::Write { handle, data, .. } => handle.len() + data.len(),
            Request::Rename { from, to } | Request::PosixRename { from, to } => {
                from.len() + to.len()
            }
            Request::Open { path, .. }
            | Request::Lstat { path }
            | Request::Stat { path }
            | Request::SetStat { path, .. }
            | Request::OpenDir { path }
            | Request::Remove { path }
            | Request::MakeDir { path, .. }
            | Request::RemoveDir { path }
            | Request::RealPath { path } => path.len(),
            Request::Close { handle }
            | Request::Read { handle, .. }
            | Request::Fstat { handle }
            | Request::ReadDir { handle } => handle.len(),
            Request::Limits => 0,
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

pub(super) const POSIX_RENAME: &[u8] = b"posix-rename@openssh.com";
pub(super) const LIMITS: &[u8] = b"limits@openssh.com";
