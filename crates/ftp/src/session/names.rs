//! Paths as arguments.
//!
//! A path goes to the server byte for byte. The exceptions are names that a server would take for
//! something else: an option, a home folder, or a time to be set.

use ftp_connect_core::{Error, ErrorKind, RemotePath, Result};
use ftp_connect_ftp_proto::{Argument, ArgumentError};

use super::FtpSession;

impl FtpSession {
    /// The path as an argument; the empty path is the folder where relative paths begin.
    pub(super) fn argument(&self, path: &RemotePath) -> Result<Argument> {
        let bytes = match (path.as_bytes(), &self.home) {
            (b"", Some(folder)) => folder.clone(),
            (b"", None) => b".".to_vec(),
            (bytes, _) if self.changes_names() && is_changed(bytes) => return Err(changed(path)),
            (bytes, _) => guarded(bytes),
        };
        Argument::new(bytes).map_err(refused)
    }

    /// Whether this is Pure-FTPd, by its greeting or a feature that it alone has.
    fn changes_names(&self) -> bool {
        self.features.has("ESTP") || self.report.banner.contains("Pure-FTPd")
    }
}

/// Whether Pure-FTPd would take the path for another one: it reads `_` for control characters, and for blanks at the
/// end. What it would then replace or remove is somebody's file.
fn is_changed(bytes: &[u8]) -> bool {
    bytes.ends_with(b" ") || bytes.iter().any(u8::is_ascii_control)
}

fn changed(path: &RemotePath) -> Error {
    Error::new(ErrorKind::InvalidParameter)
        .with_path(path)
        .with_message(
            "this server would take it for another name, with _ for a blank at the end and for control characters",
        )
        .with_hint("give it another name, or use another server or protocol for it")
}

/// Whether a server may take the path for a pattern or an option when it lists it.
pub(super) fn is_odd(path: &RemotePath) -> bool {
    let bytes = path.as_bytes();
    bytes.first() == Some(&b'-')
        || bytes
            .iter()
            .any(|byte| byte.is_ascii_whitespace() || b"*?[]{}~\\\"'`$".contains(byte))
}

/// The error for bytes that no command can carry.
pub(super) fn refused(error: ArgumentError) -> Error {
    Error::new(ErrorKind::InvalidParameter).with_message(error.to_string())
}

/// A name that no server takes for an option, a home folder or a time.
pub(super) fn guarded(bytes: &[u8]) -> Vec<u8> {
    let starts_like_a_time =
        bytes.len() > 15 && bytes[..14].iter().all(u8::is_ascii_digit) && bytes[14] == b' ';
    if matches!(bytes.first(), Some(b'-' | b'~' | b' ' | b'\t')) || starts_like_a_time {
        [b"./", bytes].concat()
    } else {
        bytes.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(guarded(path.as_bytes()), expected.as_bytes());
    }

    #[test]
    fn names_that_look_like_something_else() {
        check("a b", "a b");
        check("/-x", "/-x");
        check("-x", "./-x");
        check("~root", "./~root");
        check(" x", "./ x");
        check("\tx", "./\tx");
        check("20210102030405 x", "./20210102030405 x");
        check("20210102030405", "20210102030405");
    }

    #[test]
    fn odd_paths() {
        for (path, odd) in [
            ("a/b.c", false),
            ("a b", true),
            ("-l", true),
            ("x[1]", true),
            ("", false),
        ] {
            assert_eq!(is_odd(&RemotePath::new(path).unwrap()), odd, "{path:?}");
        }
    }
}
