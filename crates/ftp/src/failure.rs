//! From replies, flow errors and IO errors to the error that a caller sees: the one table.
//!
//! Codes come first, words second: 550 alone says almost nothing, and most servers say in words
//! whether a file is missing, there already or not allowed. What neither tells is
//! [`ErrorKind::Refused`], which the session may look into further.

use std::time::Duration;

use ftp_connect_core::{Error, ErrorKind, ServerReply};
use ftp_connect_ftp_proto::flow::FlowError;
use ftp_connect_ftp_proto::{Reply, ReplyError};

/// The error for a negative reply to a command on a file or folder.
pub(crate) fn from_reply(reply: &Reply) -> Error {
    Error::new(kind_of(reply)).with_reply(server_reply(reply))
}

/// The error for a flow that failed.
pub(crate) fn from_flow(error: FlowError) -> Error {
    let kind = match &error {
        FlowError::Refused { reply, .. } => kind_of(reply),
        FlowError::Closing(_) => ErrorKind::Closed,
        FlowError::TooManyConnections(_) => ErrorKind::TooManyConnections,
        FlowError::TlsNotOffered(_) | FlowError::ProtectionRefused(_) => ErrorKind::TlsNotOffered,
        FlowError::TlsRequired(_) => ErrorKind::TlsRequired,
        FlowError::LoginRefused(_) | FlowError::AccountRequired(_) => ErrorKind::LoginRefused,
        FlowError::NoDataConnection(_) => ErrorKind::DataConnectionFailed,
        _ => ErrorKind::Protocol,
    };
    let made = Error::new(kind);
    let made = match &error {
        FlowError::ProtectionRefused(_) => {
            made.with_message("the server does not protect data connections")
        }
        FlowError::AccountRequired(_) => made.with_message("the server wants an account"),
        FlowError::NoDataConnection(_) | FlowError::BadAddress { .. } => {
            return made.with_message(error.to_string());
        }
        FlowError::Unexpected { verb, .. } => {
            made.with_message(format!("unexpected answer to {verb}"))
        }
        _ => made,
    };
    match error.reply() {
        Some(reply) => made.with_reply(server_reply(reply)),
        None => made,
    }
}

/// The error for bytes that are no replies.
pub(crate) fn from_reply_error(error: ReplyError) -> Error {
    let kind = match error {
        ReplyError::Tls => ErrorKind::TlsOnPlaintextPort,
        ReplyError::NotAReply(_) => ErrorKind::Protocol,
        _ => ErrorKind::LimitExceeded,
    };
    let message = error.to_string();
    Error::new(kind).with_message(message).with_source(error)
}

/// The error for a connection that broke.
pub(crate) fn from_io(what: &str, error: std::io::Error) -> Error {
    let cause = error.to_string();
    let made = Error::from(error);
    match made.kind() {
        ErrorKind::Closed | ErrorKind::TimedOut | ErrorKind::Io => {
            made.with_message(format!("{what}: {cause}"))
        }
        _ => made,
    }
}

pub(crate) fn timed_out(what: &str, limit: Duration) -> Error {
    let seconds = limit.as_secs_f32();
    Error::new(ErrorKind::TimedOut).with_message(format!("{what} took more than {seconds} s"))
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed)
}

pub(crate) fn protocol(message: &str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(message)
}

pub(crate) fn not_whole(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::TransferNotWhole).with_message(message)
}

pub(crate) fn server_reply(reply: &Reply) -> ServerReply {
    ServerReply {
        code: reply.code().into(),
        text: reply.text(),
    }
}

fn kind_of(reply: &Reply) -> ErrorKind {
    match reply.code() {
        421 => ErrorKind::Closed,
        425 | 426 => ErrorKind::DataConnectionFailed,
        430 | 530 | 532 => ErrorKind::LoginRefused,
        452 | 552 => ErrorKind::NoSpace,
        500 | 502 | 504 => ErrorKind::Unsupported,
        521 | 522 | 533 | 534 => ErrorKind::TlsRequired,
        450 | 451 | 501 | 550 | 551 | 553 | 554 => by_words(reply),
        code if code < 500 => ErrorKind::RefusedForNow,
        _ => ErrorKind::Refused,
    }
}

fn by_words(reply: &Reply) -> ErrorKind {
    let said = |words: &[&str]| words.iter().any(|word| reply.mentions(word));
    if said(&["not a directory", "not a folder", "isn't a directory"]) {
        ErrorKind::NotADirectory
    } else if said(&[
        "is a directory",
        "not a regular",
        "not a plain",
        "not a file",
        "is a folder",
    ]) {
        ErrorKind::IsADirectory
    } else if said(&["not empty", "non-empty", "nonempty"]) {
        ErrorKind::DirectoryNotEmpty
    } else if said(&[
        "no such",
        "not found",
        "not exist",
        "doesn't exist",
        "cannot find",
        "can't find",
        "unable to find",
    ]) {
        ErrorKind::NotFound
    } else if said(&["exists", "already exist"]) {
        ErrorKind::AlreadyExists
    } else if said(&["quota", "no space", "disk full", "insufficient"]) {
        ErrorKind::NoSpace
    } else if said(&[
        "permission",
        "denied",
        "not permitted",
        "not allowed",
        "forbidden",
        "prohibited",
        "read-only",
        "privilege",
    ]) {
        ErrorKind::PermissionDenied
    } else if reply.code() < 500 {
        ErrorKind::RefusedForNow
    } else {
        ErrorKind::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &ErrorKind) {
        let reply = Reply::from_lines(vec![line.as_bytes().to_vec()]).unwrap();
        let error = from_reply(&reply);
        assert_eq!(error.kind(), expected, "{line}");
        assert_eq!(
            error.reply().map(|reply| reply.code),
            line[..3].parse().ok()
        );
    }

    #[test]
    fn codes_and_words() {
        check(
            "550 nosuch: No such file or directory",
            &ErrorKind::NotFound,
        );
        check("550 Can't check for file existence", &ErrorKind::Refused);
        check("450 x: No such file or directory", &ErrorKind::NotFound);
        check("550 Permission denied.", &ErrorKind::PermissionDenied);
        check("550 x: File exists", &ErrorKind::AlreadyExists);
        check("550 x: Directory not empty", &ErrorKind::DirectoryNotEmpty);
        check("550 x: Not a directory", &ErrorKind::NotADirectory);
        check("550 x: not a regular file", &ErrorKind::IsADirectory);
        check("550 Failed to open file.", &ErrorKind::Refused);
        check("552 Disk full", &ErrorKind::NoSpace);
        check("451 try later", &ErrorKind::RefusedForNow);
        check("421 idle", &ErrorKind::Closed);
        check("425 no data connection", &ErrorKind::DataConnectionFailed);
        check("502 unknown", &ErrorKind::Unsupported);
        check("530 not logged in", &ErrorKind::LoginRefused);
        check("522 must be encrypted", &ErrorKind::TlsRequired);
        check("599 what", &ErrorKind::Refused);
    }
}
