//! A path on the server: bytes as the server has them, because names are not always text.

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::{Error, ErrorKind, Result};

/// A path on the server, `/`-separated bytes without CR, LF or NUL, which no FTP command could
/// carry (RFC 959 §5.3).
///
/// A path that begins with `/` is absolute; any other begins at the login folder (or where
/// [`Session::set_current_dir`](crate::Session::set_current_dir) went), and the empty path *is* that
/// folder. Nothing is normalised: what the server listed is sent back byte for
/// byte.
///
/// `Display` is lossless: bytes that are not printable UTF-8 appear as `\xNN` and a backslash as
/// `\\`; [`RemotePath::from_display`] reads that form back.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RemotePath(Vec<u8>);

impl RemotePath {
    /// Takes the bytes of a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if it holds CR, LF or NUL.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes = bytes.into();
        match bytes.iter().find(|b| matches!(b, b'\r' | b'\n' | 0)) {
            None => Ok(Self(bytes)),
            Some(bad) => {
                let name = match bad {
                    b'\r' => "a carriage return",
                    b'\n' => "a line feed",
                    _ => "a NUL byte",
                };
                Err(Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("the path {} holds {name}", escape(&bytes)))
                    .with_hint(
                        "a remote path cannot hold CR, LF or NUL: take them out of the name",
                    ))
            }
        }
    }

    /// The folder one is in after logging in: the empty path.
    pub fn login_folder() -> Self {
        Self::default()
    }

    /// Reads the path part of a URL, from the `/` after the server on: percent-decoded; `/a` begins
    /// at the login folder and `//a` (or `/%2Fa`, RFC 1738 §3.2.2) at the root.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if the decoded path holds CR, LF or NUL.
    pub fn from_url_path(path: &str) -> Result<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        Self::new(percent_decode_str(path).collect::<Vec<u8>>())
    }

    /// The path as the path part of a URL; [`RemotePath::from_url_path`] reads it back.
    pub fn to_url_path(&self) -> String {
        format!("/{}", percent_encode(&self.0, URL_PATH))
    }

    /// Reads the form that `Display` prints.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for an unknown escape, CR, LF or NUL.
    pub fn from_display(text: &str) -> Result<Self> {
        Self::new(unescape(text, |part| Ok(part.as_bytes().to_vec()))?)
    }

    /// The bytes, as they go to the server.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether the path begins at the root of the server.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Whether this is the login folder, written as the empty path.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with `tail` after it; an absolute `tail` replaces it.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        if tail.is_absolute() || self.is_empty() {
            return tail.clone();
        }
        let mut bytes = self.0.clone();
        if !bytes.ends_with(b"/") && !tail.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(&tail.0);
        Self(bytes)
    }

    /// The last component, without slashes; `None` for the root and the login folder.
    pub fn file_name(&self) -> Option<Self> {
        let name = self.trimmed().rsplit(|&b| b == b'/').next()?;
        (!name.is_empty()).then(|| Self(name.to_vec()))
    }

    /// The path without its last component: `/` for `/a`, the login folder for `a`, and `None` for
    /// the root and the login folder themselves.
    pub fn parent(&self) -> Option<Self> {
        self.file_name()?;
        let trimmed = self.trimmed();
        let cut = trimmed.iter().rposition(|&b| b == b'/');
        Some(match cut {
            None => Self::login_folder(),
            Some(0) => Self(b"/".to_vec()),
            Some(at) => Self(trimmed[..at].to_vec()),
        })
    }

    fn trimmed(&self) -> &[u8] {
        let end = self
            .0
            .iter()
            .rposition(|&b| b != b'/')
            .map_or(0, |at| at + 1);
        &self.0[..end]
    }
}

impl FromStr for RemotePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for RemotePath {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&[u8]> for RemotePath {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self> {
        Self::new(bytes)
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(&self.0))
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Prints bytes without loss: printable UTF-8 as it is, a backslash doubled, all else as `\xNN`.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' {
                out.push_str("\\\\");
            } else if c.is_control() {
                for b in c.encode_utf8(&mut [0; 4]).bytes() {
                    push_hex(&mut out, b);
                }
            } else {
                out.push(c);
            }
        }
        for b in chunk.invalid() {
            push_hex(&mut out, *b);
        }
    }
    out
}

/// Writes a byte as `\xNN`.
pub(crate) fn push_hex(out: &mut String, byte: u8) {
    use fmt::Write as _;
    let _ = write!(out, "\\x{byte:02x}");
}

/// Undoes the escapes of a display form; `encode` makes bytes of the text between them.
pub(crate) fn unescape(text: &str, encode: impl Fn(&str) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(encode(plain)?);
        rest = match escape.strip_prefix('\\') {
            Some(after) => {
                bytes.push(b'\\');
                after
            }
            None => {
                let (byte, after) = hex_escape(escape).ok_or_else(|| {
                    Error::new(ErrorKind::InvalidParameter)
                        .with_message(format!("{text:?} has an unknown escape"))
                        .with_hint(r"write a backslash as \\ and a byte as \xNN")
                })?;
                bytes.push(byte);
                after
            }
        };
    }
    bytes.extend(encode(rest)?);
    Ok(bytes)
}

/// The byte of `xNN` and what follows.
fn hex_escape(text: &str) -> Option<(u8, &str)> {
    let digits = text.strip_prefix('x')?.get(..2)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u8::from_str_radix(digits, 16).ok()?, &text[3..]))
}

/// What stands unencoded in a URL path: unreserved characters and the separator.
const URL_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text).unwrap()
    }

    #[test]
    fn what_no_command_can_carry_is_refused() {
        for bad in ["a\rb", "a\nb", "a\0b", "\r\nDELE x"] {
            let error = RemotePath::new(bad).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
            assert!(!error.to_string().contains(['\r', '\n']), "{error}");
        }
    }

    #[track_caller]
    fn check_url(url_path: &str, expected: &[u8]) {
        let path = RemotePath::from_url_path(url_path).unwrap();
        assert_eq!(path.as_bytes(), expected, "{url_path}");
        assert_eq!(
            RemotePath::from_url_path(&path.to_url_path()).unwrap(),
            path
        );
    }

    #[test]
    fn url_paths_begin_at_the_login_folder() {
        check_url("", b"");
        check_url("/", b"");
        check_url("/a/b", b"a/b");
        check_url("//a", b"/a");
        check_url("/%2Fa", b"/a");
        check_url("/a%20b%e9?x#y", b"a b\xe9?x#y");
    }

    #[track_caller]
    fn check_parts(text: &str, parent: Option<&str>, name: Option<&str>) {
        assert_eq!(path(text).parent(), parent.map(path), "parent of {text:?}");
        assert_eq!(path(text).file_name(), name.map(path), "name of {text:?}");
    }

    #[test]
    fn parts() {
        check_parts("", None, None);
        check_parts("/", None, None);
        check_parts("a", Some(""), Some("a"));
        check_parts("/a", Some("/"), Some("a"));
        check_parts("/a/b/", Some("/a"), Some("b"));
        check_parts("a/b", Some("a"), Some("b"));
        assert_eq!(path("/a").join(&path("b")), path("/a/b"));
        assert_eq!(path("/").join(&path("b")), path("/b"));
        assert_eq!(path("").join(&path("b")), path("b"));
        assert_eq!(path("a").join(&path("/b")), path("/b"));
    }

    proptest! {
        #[test]
        fn display_and_url_forms_lose_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(path) = RemotePath::new(bytes) {
                prop_assert_eq!(&RemotePath::from_display(&path.to_string()).unwrap(), &path);
                prop_assert_eq!(&RemotePath::from_url_path(&path.to_url_path()).unwrap(), &path);
            }
        }

        #[test]
        fn a_path_is_its_parent_and_its_name(text in "[a-c./]{0,12}") {
            let path = path(&text);
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                let joined = parent.join(&name);
                prop_assert_eq!(joined.file_name(), path.file_name());
                prop_assert!(path.as_bytes().starts_with(parent.as_bytes()));
            }
        }
    }
}
