//! What the tests share.

use std::{fs, path::Path};

use ftp_connect_core::{ConnectParams, RemotePath, Session, Transport as _};
use ftp_connect_testkit::memory::MemoryTransport;
use ftp_connect_transfer::TransferOptions;

pub(crate) fn options() -> TransferOptions {
    TransferOptions::default()
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::new(text).expect("a path")
}

pub(crate) async fn connect() -> Box<dyn Session> {
    let params = ConnectParams::new("memory.example").expect("a name");
    MemoryTransport::new()
        .connect(&params)
        .await
        .expect("memory is always there")
}

#[track_caller]
pub(crate) fn check_left(folder: &Path, expected: &[&str]) {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    assert_eq!(names, expected);
}
