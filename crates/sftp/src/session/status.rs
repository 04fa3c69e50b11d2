//! What replies mean: status codes as errors, and each reply of the kind that was asked for.

use bytes::Bytes;
use ftp_connect_core::{Error, ErrorKind, Result, ServerReply};

use crate::proto::{Attributes, Name, Response, Status};

/// The status as an error. Codes above 8 belong to later versions of the protocol; ProFTPD and others
/// send them at version 3 (draft-ietf-secsh-filexfer-13 §9.1).
pub(super) fn error(status: &Status) -> Error {
    let text = String::from_utf8_lossy(&status.text).into_owned();
    let kind = match status.code {
        2 | 10 => ErrorKind::NotFound,
        3 | 12 | 22 => ErrorKind::PermissionDenied,
        4 => failure(&text),
        // "Bad message": OpenSSH says so where the system says "invalid argument".
        5 => ErrorKind::Refused,
        6 | 7 => ErrorKind::Closed,
        8 => ErrorKind::Unsupported,
        11 => ErrorKind::AlreadyExists,
        14 | 15 => ErrorKind::NoSpace,
        17 | 25 => ErrorKind::RefusedForNow,
        18 => ErrorKind::DirectoryNotEmpty,
        19 => ErrorKind::NotADirectory,
        24 => ErrorKind::IsADirectory,
        _ => ErrorKind::Refused,
    };
    Error::new(kind).with_reply(ServerReply {
        code: status.code,
        text,
    })
}

/// "Failure" says nothing by itself; some servers give the system's words with it.
fn failure(text: &str) -> ErrorKind {
    let text = text.to_ascii_lowercase();
    if text.contains("no space left") || text.contains("quota") || text.contains("disk full") {
        ErrorKind::NoSpace
    } else if text.contains("directory not empty") {
        ErrorKind::DirectoryNotEmpty
    } else {
        ErrorKind::Refused
    }
}

/// What is said of a transfer that goes on being used after it failed.
pub(super) fn failed_before() -> Error {
    Error::new(ErrorKind::TransferNotWhole).with_message("the transfer failed before")
}

/// Whether the error is the status that says nothing, behind which there can be anything.
pub(super) fn says_nothing(error: &Error) -> bool {
    error.kind() == &ErrorKind::Refused
}

pub(super) fn done(response: Response) -> Result<()> {
    match response {
        Response::Status(status) if status.code == Status::OK => Ok(()),
        other => Err(refused(&other)),
    }
}

pub(super) fn handle(response: Response) -> Result<Bytes> {
    match response {
        Response::Handle(handle) => Ok(handle),
        other => Err(refused(&other)),
    }
}

pub(super) fn attributes(response: Response) -> Result<Attributes> {
    match response {
        Response::Attributes(attributes) => Ok(attributes),
        other => Err(refused(&other)),
    }
}

/// Data; `None` at the end of the file.
pub(super) fn data(response: Response) -> Result<Option<Bytes>> {
    match response {
        Response::Data(data) => Ok(Some(data)),
        Response::Status(status) if status.code == Status::EOF => Ok(None),
        other => Err(refused(&other)),
    }
}

/// Names; `None` after the last.
pub(super) fn names(response: Response) -> Result<Option<Vec<Name>>> {
    match response {
        Response::Names(names) => Ok(Some(names)),
        Response::Status(status) if status.code == Status::EOF => Ok(None),
        other => Err(refused(&other)),
    }
}

pub(super) fn extended(response: Response) -> Result<Bytes> {
    match response {
        Response::Extended(body) => Ok(body),
        other => Err(refused(&other)),
    }
}

fn refused(response: &Response) -> Error {
    match response {
        Response::Status(status) if status.code > Status::EOF => error(status),
        _ => Error::new(ErrorKind::Protocol)
            .with_message("the server gave an answer of another kind than was asked for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u32, text: &'static str, expected: ErrorKind) {
        let status = Status {
            code,
            text: Bytes::from_static(text.as_bytes()),
        };
        let error = done(Response::Status(status)).unwrap_err();
        assert_eq!(error.kind(), &expected, "{code} {text}");
        if code > 1 {
            assert_eq!(error.reply().unwrap().code, code);
        }
    }

    #[test]
    fn codes_of_all_versions_have_a_meaning() {
        check(1, "", ErrorKind::Protocol);
        check(2, "No such file", ErrorKind::NotFound);
        check(3, "", ErrorKind::PermissionDenied);
        check(4, "Failure", ErrorKind::Refused);
        check(4, "No space left on device", ErrorKind::NoSpace);
        check(8, "", ErrorKind::Unsupported);
        check(11, "File exists", ErrorKind::AlreadyExists);
        check(18, "", ErrorKind::DirectoryNotEmpty);
        check(4711, "?", ErrorKind::Refused);
    }

    #[test]
    fn an_answer_of_another_kind_is_a_broken_protocol() {
        let kinds = [
            done(Response::Data(Bytes::new())).unwrap_err(),
            handle(Response::Status(Status {
                code: 0,
                text: Bytes::new(),
            }))
            .unwrap_err(),
            attributes(Response::Names(Vec::new())).unwrap_err(),
        ];
        for error in kinds {
            assert_eq!(error.kind(), &ErrorKind::Protocol);
        }
    }
}
