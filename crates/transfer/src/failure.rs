//! How failures on this side and on that are told.

use std::path::Path;

use ftp_connect_core::{Error, ErrorKind, Operation, RemotePath, Retry};

/// Something about a local file failed.
pub(crate) fn local(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => "is not there".to_owned(),
        _ => error.to_string(),
    };
    Error::new(ErrorKind::Io)
        .with_message(format!("local file {}: {kind}", path.display()))
        .with_hint("check the path and its permissions, and the room on the disk")
        .with_source(error)
}

/// The writer that a download goes to failed; that is not the connection's end.
pub(crate) fn target(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io)
        .with_message(format!("writing what was downloaded: {error}"))
        .with_source(error)
}

/// The reader that an upload comes from failed.
pub(crate) fn source(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io)
        .with_message(format!("reading what is to be uploaded: {error}"))
        .with_source(error)
}

pub(crate) fn not_whole(operation: Operation, path: &RemotePath, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::TransferNotWhole)
        .with_operation(operation)
        .with_path(path)
        .with_message(why)
}

pub(crate) fn taken(name: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::AlreadyExists)
        .with_message(format!("{name} exists already"))
        .with_hint("allow overwriting, or choose another name")
}

/// What failed with the name that a file has until it is whole, told of the file itself.
pub(crate) fn told_of(path: &RemotePath, operation: Operation, error: Error) -> Error {
    if error.path() == Some(path) {
        return error;
    }
    let mut told = Error::new(error.kind().clone())
        .with_operation(error.operation().unwrap_or(operation))
        .with_path(path)
        .with_retry(error.retry());
    if let Some(reply) = error.reply() {
        told = told.with_reply(reply.clone());
    }
    if let Some(hint) = error.hint() {
        told = told.with_hint(hint);
    }
    told.with_source(error)
}

/// Whether the session can be of no more use.
pub(crate) fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Closed | ErrorKind::TimedOut)
        || error.retry() == Retry::NewSession && *error.kind() != ErrorKind::TransferNotWhole
}
