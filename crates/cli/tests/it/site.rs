//! Embedded servers with the same files on each, and calls of the program that trust them.

use std::path::Path;

use ftp_connect_testkit::Embedded;
use tempfile::TempDir;

use crate::program::Call;

/// The servers, and a folder here.
pub(crate) struct Site {
    pub servers: Embedded,
    pub here: TempDir,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let servers = Embedded::start().await.expect("ports are free");
        let here = tempfile::tempdir().expect("a folder can be made");
        Self { servers, here }
    }

    /// The folder of each server.
    pub(crate) fn roots(&self) -> [&Path; 4] {
        [
            self.servers.plain.root(),
            self.servers.explicit.root(),
            self.servers.implicit.root(),
            self.servers.sftp.root(),
        ]
    }

    /// A URL with another's scheme, of the server that speaks that.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        let addr = match scheme {
            "ftp" => self.servers.plain.addr(),
            "ftpes" => self.servers.explicit.addr(),
            "ftps" => self.servers.implicit.addr(),
            _ => self.servers.sftp.addr(),
        };
        format!("{scheme}://tester@{addr}{path}")
    }

    /// What makes all of them trusted.
    pub(crate) fn trust(&self) -> [String; 4] {
        [
            "--ca-file".to_owned(),
            self.servers.ca.pem_file().to_string_lossy().into_owned(),
            "--allowed-fingerprints".to_owned(),
            self.servers.sftp.host_key_sha256(),
        ]
    }

    /// A call that runs in the folder here, with trust and password.
    pub(crate) fn call(&self, arguments: &[&str]) -> Call {
        let trust = self.trust();
        let arguments = arguments.iter().copied();
        let trust = trust.iter().map(String::as_str);
        Call::new(arguments.chain(trust))
            .env("FTP_CONNECT_PASSWORD", self.servers.plain.password())
            .within(self.here.path())
    }
}
