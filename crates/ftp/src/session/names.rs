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
            (bytes, _) if self.is_pure_ftpd() && is_changed(bytes) => return Err(changed(path)),
            (bytes, _) => guarded(bytes),
        };
        Argument::new(bytes).map_err(refused)
    }

    /// Whether this is a server that refuses some names before it looks for them, and this may be one of those.
    pub(super) fn may_refuse_name(&self, name: &[u8]) -> bool {
        self.is_pure_ftpd() && !is_plain(name)
    }

    /// By its greeting or a feature that it alone has.
    fn is_pure_ftpd(&self) -> bool {
        self.features.has("ESTP") || self.report.banner.contains("Pure-FTPd")
    }
}

/// Whether Pure-FTPd would take the path for another one: it reads `_` for control characters, and for blanks at the
/// end. What it would then replace or remove is somebody's file.
fn is_changed(bytes: &[u8]) -> bool {
    bytes.ends_with(b" ") || bytes.iter().any(u8::is_ascii_control)
}

/// Whether Pure-FTPd takes the name however it is set up: it can be told to refuse names that begin with a dot, and
/// built to refuse all but letters, digits and three signs; some of its own files are under a name of its own.
fn is_plain(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte);
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    name.iter().all(plain) && !name.starts_with(b".") && !has(b"/.") && !has(b".ftpquota")
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
    fn plain_names() {
        for (name, plain) in [
            ("a/b-c_9.txt", true),
            ("/x", true),
            (".x", false),
            ("/a/.x/y", false),
            ("a/..", false),
            ("a b", false),
            ("\u{e4}", false),
            ("a\\b", false),
            ("a.ftpquota", false),
        ] {
            assert_eq!(is_plain(name.as_bytes()), plain, "{name:?}");
        }
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
