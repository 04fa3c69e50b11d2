//! The one table from negative replies to what a caller is told: kind, advice, and who says it.
//!
//! Codes come first, words second: 550 alone says almost nothing, and most servers say in words whether
//! a file is missing, there already or not allowed. The first row that fits counts. 4yz and 5yz differ
//! in the advice: what was refused for now may be tried again on the same session, what was refused for
//! good may not (RFC 959 §4.2.1).

use std::ops::RangeInclusive;

use ftp_connect_core::{ErrorKind, Retry};
use ftp_connect_ftp_proto::Reply;

/// Kind and advice for a negative reply to a command on a file or folder.
pub(super) fn judge(reply: &Reply) -> (ErrorKind, Retry) {
    let row = TABLE.iter().find(|row| row.fits(reply));
    row.map_or((ErrorKind::Refused, Retry::Never), |row| {
        (row.kind.clone(), row.retry)
    })
}

/// One row.
pub(super) struct Row {
    codes: RangeInclusive<u16>,
    /// One of these is in the text, whatever its case; empty for any text.
    words: &'static [&'static str],
    kind: ErrorKind,
    retry: Retry,
    /// Replies that have been seen, each with the server or document it is from.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the sources are for readers and the test")
    )]
    seen: &'static [(&'static str, &'static str)],
}

impl Row {
    fn fits(&self, reply: &Reply) -> bool {
        self.codes.contains(&reply.code())
            && (self.words.is_empty() || self.words.iter().any(|word| reply.mentions(word)))
    }
}

const fn row(
    codes: RangeInclusive<u16>,
    words: &'static [&'static str],
    kind: ErrorKind,
    retry: Retry,
    seen: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        codes,
        words,
        kind,
        retry,
        seen,
    }
}

const NOT_A_DIRECTORY: &[&str] = &["not a directory", "not a folder", "isn't a directory"];
const IS_A_DIRECTORY: &[&str] = &[
    "is a directory",
    "not a regular",
    "not a plain",
    "not a file",
    "is a folder",
];
const NOT_EMPTY: &[&str] = &["not empty", "non-empty", "nonempty"];
const NOT_FOUND: &[&str] = &[
    "no such",
    "not found",
    "not exist",
    "doesn't exist",
    "cannot find",
    "can't find",
    "unable to find",
];
const EXISTS: &[&str] = &["exists", "already exist"];
const NO_SPACE: &[&str] = &["quota", "no space", "disk full", "insufficient"];
const DENIED: &[&str] = &[
    "permission",
    "denied",
    "not permitted",
    "not allowed",
    "forbidden",
    "prohibited",
    "read-only",
    "privilege",
];
const BUSY: &[&str] = &[
    "busy",
    "locked",
    "in use",
    "being used",
    "try again",
    "temporarily",
];

const TABLE: &[Row] = &[
    row(
        421..=421,
        &[],
        ErrorKind::Closed,
        Retry::NewSession,
        &[
            ("421 Timeout.", "vsftpd, idle"),
            (
                "421 Service not available, closing control connection.",
                "RFC 959",
            ),
            (
                "421 No transfer timeout (600 seconds): closing control connection",
                "ProFTPD",
            ),
        ],
    ),
    row(
        425..=426,
        &[],
        ErrorKind::DataConnectionFailed,
        Retry::SameSession,
        &[
            ("425 Failed to establish connection.", "vsftpd"),
            (
                "425 Unable to build data connection: Connection refused",
                "ProFTPD",
            ),
            ("426 Failure writing network stream.", "vsftpd"),
        ],
    ),
    row(
        430..=430,
        &[],
        ErrorKind::LoginRefused,
        Retry::Never,
        &[("430 Invalid username or password", "FileZilla Server")],
    ),
    row(
        450..=451,
        NOT_FOUND,
        ErrorKind::NotFound,
        Retry::Never,
        &[("450 nosuch: No such file or directory", "ProFTPD, LIST")],
    ),
    row(
        450..=451,
        NOT_A_DIRECTORY,
        ErrorKind::NotADirectory,
        Retry::Never,
        &[("450 x: Not a directory", "ProFTPD")],
    ),
    row(
        450..=451,
        IS_A_DIRECTORY,
        ErrorKind::IsADirectory,
        Retry::Never,
        &[("451 x: Is a directory", "ProFTPD, RETR")],
    ),
    row(
        450..=451,
        NO_SPACE,
        ErrorKind::NoSpace,
        Retry::SameSession,
        &[("451 No space left on device", "ProFTPD, Pure-FTPd")],
    ),
    row(
        450..=451,
        BUSY,
        ErrorKind::RefusedForNow,
        Retry::SameSession,
        &[("450 File busy, access denied for now", "RFC 959")],
    ),
    row(
        450..=451,
        DENIED,
        ErrorKind::PermissionDenied,
        Retry::Never,
        &[("450 x: Permission denied", "ProFTPD, LIST")],
    ),
    row(
        452..=452,
        &[],
        ErrorKind::NoSpace,
        Retry::SameSession,
        &[("452 Insufficient storage space in system", "RFC 959")],
    ),
    row(
        400..=499,
        &[],
        ErrorKind::RefusedForNow,
        Retry::SameSession,
        &[
            (
                "450 Requested file action not taken. File unavailable",
                "RFC 959",
            ),
            (
                "451 Requested action aborted: local error in processing",
                "RFC 959",
            ),
            ("434 Requested host unavailable", "RFC 2228 servers"),
        ],
    ),
    row(
        500..=500,
        &[],
        ErrorKind::Unsupported,
        Retry::Never,
        &[
            ("500 Unknown command.", "vsftpd"),
            ("500 SITE FOO not understood", "ProFTPD"),
        ],
    ),
    row(
        502..=502,
        &[],
        ErrorKind::Unsupported,
        Retry::Never,
        &[("502 Command not implemented.", "RFC 959, IIS")],
    ),
    row(
        504..=504,
        &[],
        ErrorKind::Unsupported,
        Retry::Never,
        &[("504 Command not implemented for that parameter.", "RFC 959")],
    ),
    row(
        530..=530,
        &[],
        ErrorKind::LoginRefused,
        Retry::Never,
        &[("530 Please login with USER and PASS.", "vsftpd")],
    ),
    row(
        532..=532,
        &[],
        ErrorKind::LoginRefused,
        Retry::Never,
        &[("532 Need account for storing files.", "RFC 959")],
    ),
    row(
        521..=521,
        EXISTS,
        ErrorKind::AlreadyExists,
        Retry::Never,
        &[(
            "521 \"/d\" directory already exists; taking no action.",
            "RFC 959, appendix II",
        )],
    ),
    row(
        521..=522,
        &[],
        ErrorKind::TlsRequired,
        Retry::Never,
        &[
            ("521 Data connections must be encrypted.", "pyftpdlib"),
            ("522 Data connections must be encrypted.", "vsftpd"),
        ],
    ),
    row(
        533..=534,
        &[],
        ErrorKind::TlsRequired,
        Retry::Never,
        &[
            (
                "533 Command protection level denied for policy reasons.",
                "RFC 2228",
            ),
            ("534 Unwilling to accept security arguments", "ProFTPD"),
        ],
    ),
    row(
        552..=552,
        &[],
        ErrorKind::NoSpace,
        Retry::Never,
        &[
            (
                "552 Transfer aborted. Disk quota exceeded",
                "ProFTPD, mod_quotatab",
            ),
            (
                "552 Requested file action aborted. Exceeded storage allocation",
                "RFC 959",
            ),
        ],
    ),
    row(
        501..=554,
        NOT_A_DIRECTORY,
        ErrorKind::NotADirectory,
        Retry::Never,
        &[("550 x: Not a directory", "ProFTPD, Pure-FTPd")],
    ),
    row(
        501..=554,
        IS_A_DIRECTORY,
        ErrorKind::IsADirectory,
        Retry::Never,
        &[
            ("550 x: not a regular file", "ProFTPD, SIZE"),
            (
                "550 I can only retrieve regular files. x is not a regular file",
                "Pure-FTPd",
            ),
            ("550 Is a directory.", "pyftpdlib"),
        ],
    ),
    row(
        501..=554,
        NOT_EMPTY,
        ErrorKind::DirectoryNotEmpty,
        Retry::Never,
        &[
            ("550 x: Directory not empty", "ProFTPD"),
            (
                "550 Can't remove directory: Directory not empty",
                "Pure-FTPd",
            ),
        ],
    ),
    row(
        501..=554,
        NOT_FOUND,
        ErrorKind::NotFound,
        Retry::Never,
        &[
            ("550 nosuch: No such file or directory", "ProFTPD"),
            ("550 No such file or directory.", "pyftpdlib"),
            ("550 The system cannot find the file specified.", "IIS"),
        ],
    ),
    row(
        501..=554,
        EXISTS,
        ErrorKind::AlreadyExists,
        Retry::Never,
        &[
            ("550 x: File exists", "ProFTPD"),
            ("553 File already exists.", "Serv-U"),
        ],
    ),
    row(
        501..=554,
        NO_SPACE,
        ErrorKind::NoSpace,
        Retry::Never,
        &[
            ("550 Quota exceeded", "Pure-FTPd"),
            ("553 Disk full - please upload later", "Pure-FTPd"),
        ],
    ),
    row(
        501..=554,
        BUSY,
        ErrorKind::RefusedForNow,
        Retry::SameSession,
        &[
            (
                "550 The process cannot access the file because it is being used by another process.",
                "IIS",
            ),
            ("550 x: Text file busy", "ProFTPD"),
        ],
    ),
    row(
        501..=554,
        DENIED,
        ErrorKind::PermissionDenied,
        Retry::Never,
        &[
            ("550 Permission denied.", "vsftpd"),
            ("550 x: Operation not permitted", "ProFTPD"),
            ("553 Prohibited file name: x", "Pure-FTPd"),
            ("550 Not enough privileges.", "pyftpdlib"),
        ],
    ),
    row(
        500..=599,
        &[],
        ErrorKind::Refused,
        Retry::Never,
        &[
            (
                "550 Failed to open file.",
                "vsftpd: missing, a folder, or not allowed",
            ),
            ("550 Can't check for file existence", "Pure-FTPd, SIZE"),
            ("501 Syntax error in parameters or arguments.", "RFC 959"),
            ("503 Bad sequence of commands.", "RFC 959"),
            ("554 Restart offset reset to 0", "ProFTPD"),
            ("599 what", "nobody"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_reached_by_what_was_seen() {
        for (number, row) in TABLE.iter().enumerate() {
            assert!(!row.seen.is_empty(), "row {number} has no source");
            for (line, source) in row.seen {
                let reply = Reply::from_lines(vec![line.as_bytes().to_vec()]);
                let reply = reply.unwrap_or_else(|| panic!("{line:?} is no reply"));
                let found = TABLE.iter().position(|row| row.fits(&reply));
                assert_eq!(found, Some(number), "{line:?} of {source}");
                assert_eq!(judge(&reply), (row.kind.clone(), row.retry), "{line:?}");
            }
        }
    }

    #[test]
    fn every_negative_code_has_a_row_and_what_is_for_good_is_not_tried_again() {
        for code in 400..600u16 {
            let reply = Reply::from_lines(vec![format!("{code} x").into_bytes()]).unwrap();
            assert!(TABLE.iter().any(|row| row.fits(&reply)), "{code}");
            let (_, retry) = judge(&reply);
            assert_eq!(retry == Retry::Never, code >= 500 || code == 430, "{code}");
        }
    }
}
