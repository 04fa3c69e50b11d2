//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), without input or output.
//!
//! Why our own: names are bytes here, data is not copied once it stands in memory, a listing arrives
//! batch by batch, and the extensions this project uses are typed. What the server sends is never
//! trusted: every length is checked against what is there, and nothing panics.
//!
//! Not here: which request waits for which reply (`client`), and what a reply means for a user
//! (`session`).

mod attributes;
mod frames;
mod request;
mod response;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use attributes::Attributes;
pub(crate) use frames::{Frames, MAX_FRAME};
pub(crate) use request::{OpenFlags, Request, extension, init};
pub(crate) use response::{Digest, DiskSpace, Name, Response, ServerLimits, Status, Version};
pub(crate) use wire::Malformed;

/// The version this client speaks, and nearly every server with it.
pub(crate) const VERSION: u32 = 3;

/// Packet types (§3).
mod kind {
    pub(super) const INIT: u8 = 1;
    pub(super) const VERSION: u8 = 2;
    pub(super) const OPEN: u8 = 3;
    pub(super) const CLOSE: u8 = 4;
    pub(super) const READ: u8 = 5;
    pub(super) const WRITE: u8 = 6;
    pub(super) const LSTAT: u8 = 7;
    pub(super) const FSTAT: u8 = 8;
    pub(super) const SETSTAT: u8 = 9;
    pub(super) const FSETSTAT: u8 = 10;
    pub(super) const OPENDIR: u8 = 11;
    pub(super) const READDIR: u8 = 12;
    pub(super) const REMOVE: u8 = 13;
    pub(super) const MKDIR: u8 = 14;
    pub(super) const RMDIR: u8 = 15;
    pub(super) const REALPATH: u8 = 16;
    pub(super) const STAT: u8 = 17;
    pub(super) const RENAME: u8 = 18;
    pub(super) const READLINK: u8 = 19;
    pub(super) const SYMLINK: u8 = 20;
    pub(super) const STATUS: u8 = 101;
    pub(super) const HANDLE: u8 = 102;
    pub(super) const DATA: u8 = 103;
    pub(super) const NAME: u8 = 104;
    pub(super) const ATTRS: u8 = 105;
    pub(super) const EXTENDED: u8 = 200;
    pub(super) const EXTENDED_REPLY: u8 = 201;
}
