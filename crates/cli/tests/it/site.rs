//! Embedded servers with the same files on each, and calls of the program that trust them.

use std::{fs, path::Path};

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

/// Writes files below a folder; each holds its own name, so many times.
pub(crate) fn write(root: &Path, names: &[&str]) {
    for (times, name) in names.iter().enumerate() {
        let path = root.join(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("folders can be made");
        fs::write(path, name.repeat(times + 1)).expect("files can be written");
    }
}

/// The names of all files below a folder, with what they hold.
pub(crate) fn content(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).expect("it is below");
            let bytes = fs::read(&path).expect("it can be read");
            all.push((name.to_string_lossy().into_owned(), bytes));
        }
    }
    all.sort();
    all
}
