//! What this server can do and how it wants to be spoken to, learned once when SFTP begins.

use bytes::Bytes;
use ftp_connect_core::Capabilities;

use crate::proto::{ServerLimits, Version, extension};

/// The server's extensions, limits and ways.
#[derive(Debug)]
pub(super) struct Server {
    /// Bytes that one READ asks for.
    pub(super) read_chunk: u32,
    /// Bytes that one WRITE carries.
    pub(super) write_chunk: usize,
    /// Files that may be open at once, as far as is known.
    pub(super) open_files: usize,
    pub(super) posix_rename: bool,
    pub(super) hard_link: bool,
    pub(super) fsync: bool,
    pub(super) statvfs: bool,
    pub(super) copy_data: bool,
    pub(super) expand_path: bool,
    pub(super) md5_hash: bool,
    /// The algorithms of `check-file`; empty if the server does not name them, `None` if it has none.
    pub(super) check_file: Option<Bytes>,
    /// SYMLINK has the link first.
    pub(super) link_first: bool,
}

impl Server {
    /// `greeting` is the server's SSH version line.
    pub(super) fn new(version: &Version, greeting: &str, limits: Option<ServerLimits>) -> Self {
        let limits = limits.unwrap_or(USUAL);
        Self {
            read_chunk: chunk(limits.read, limits.packet),
            write_chunk: chunk(limits.write, limits.packet) as usize,
            open_files: match limits.handles {
                0 => USUAL_HANDLES,
                told => usize::try_from(told).unwrap_or(usize::MAX),
            },
            posix_rename: version.offers(extension::POSIX_RENAME),
            hard_link: version.offers(extension::HARD_LINK),
            fsync: version.offers(extension::FSYNC),
            statvfs: version.offers(extension::STATVFS),
            copy_data: version.offers(extension::COPY_DATA),
            expand_path: version.offers(extension::EXPAND_PATH),
            md5_hash: version.offers(extension::MD5_HASH),
            check_file: version.data_of(extension::CHECK_FILE).cloned(),
            // asyncssh follows the draft unless it knows the client; all others follow OpenSSH.
            link_first: greeting.starts_with("SSH-2.0-AsyncSSH"),
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::default();
        can.read_offset = true;
        can.append = true;
        can.rename = true;
        can.rename_replaces = self.posix_rename;
        can.remove_file = true;
        can.create_dir = true;
        can.remove_dir = true;
        can.set_modified = true;
        can.set_permissions = true;
        can.symlinks = true;
        can.hard_links = self.hard_link;
        can.copy_file = self.copy_data;
        can.real_path = true;
        can.expand_home = self.expand_path;
        can.sync = self.fsync;
        can.checksum = self.md5_hash || self.check_file.is_some();
        can.current_dir = true;
        can.set_current_dir = true;
        can.free_space = self.statvfs;
        can.open_another = true;
        can.any_name_bytes = true;
        can
    }
}

/// How much one request moves, from what the server tells; 0 means that it has no limit to tell.
fn chunk(told: u64, packet: u64) -> u32 {
    let told = if told == 0 {
        u64::from(MOST_CHUNK)
    } else {
        told
    };
    let packet = if packet == 0 { u64::MAX } else { packet };
    // The head of a data packet: type, number, handle, offset, lengths.
    let fits = packet.saturating_sub(HEAD).min(u64::from(MOST_CHUNK));
    (told.min(fits) as u32).max(LEAST_CHUNK)
}

/// What every server takes in one request (draft §3).
const USUAL: ServerLimits = ServerLimits {
    packet: 0,
    read: 32 * 1024,
    write: 32 * 1024,
    handles: 0,
};

/// More than this in one request gains nothing.
const MOST_CHUNK: u32 = 256 * 1024;

/// A server that tells less than this is not believed.
const LEAST_CHUNK: u32 = 1024;

/// Room for the head of a WRITE with the longest handle (256 bytes, draft §6.2).
const HEAD: u64 = 1 + 4 + 4 + 256 + 8 + 4;

/// OpenSSH had 100 before it took what the system allows, and tells; servers with fewer are not known.
const USUAL_HANDLES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_chunk(told: u64, packet: u64, expected: u32) {
        assert_eq!(chunk(told, packet), expected, "{told} {packet}");
    }

    #[test]
    fn what_a_server_tells_of_its_limits_is_kept_within_reason() {
        check_chunk(261_120, 262_144, 261_120);
        check_chunk(0, 0, MOST_CHUNK);
        check_chunk(u64::MAX, 34_000, 34_000 - 277);
        check_chunk(1, 262_144, LEAST_CHUNK);
        check_chunk(32_768, 1, LEAST_CHUNK);
    }
}
