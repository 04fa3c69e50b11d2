//! What this server can do and how it wants to be spoken to, learned once when SFTP begins.

use bytes::Bytes;
use ftp_connect_core::Capabilities;

use crate::proto::{Version, extension};

/// The server's extensions and ways.
#[derive(Debug)]
pub(super) struct Server {
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
    pub(super) fn new(version: &Version, greeting: &str) -> Self {
        Self {
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
