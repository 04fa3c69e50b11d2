//! The charset of names: how bytes of a server become text for people, and typed text bytes.
//!
//! Names are bytes ([`RemotePath`]), and no conversion here ever changes one that a server sent. What a
//! charset shows is lossless, in this form: text as the charset has it, a backslash doubled, control
//! characters as `\xNN`; a name that would not come back from its text the same (it is no text of that
//! charset, or the charset has two forms of it) as ASCII with all other bytes as `\xNN`.
//!
//! The charsets and their labels are those of the WHATWG Encoding Standard, by the crate `encoding_rs`.
//! Those in which an ASCII character is not its own byte (UTF-16, ISO-2022-JP) are refused: a `/` or a
//! line end could then hide in them.

use std::{borrow::Cow, fmt, str::FromStr};

use encoding_rs::{Encoding as Charset, UTF_8, WINDOWS_1252};
use percent_encoding::percent_decode;

use crate::{
    Error, ErrorKind, RemotePath, Result,
    path::{push_hex, unescape},
};

/// The charset in which names are shown and typed; it changes no byte that a server sent.
///
/// It is read from a label such as `utf-8`, `latin1`, `windows-1251` or `shift_jis`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding(&'static Charset);

impl Encoding {
    /// UTF-8, the default (RFC 2640).
    pub const UTF_8: Self = Self(UTF_8);
    /// Windows-1252, which the label `latin1` means too: ISO 8859-1 with letters and signs in the place
    /// of its second set of control characters.
    pub const WINDOWS_1252: Self = Self(WINDOWS_1252);

    /// The lossless display form of a path; [`from_display`](Self::from_display) reads it back.
    pub fn show(self, path: &RemotePath) -> String {
        if self == Self::UTF_8 {
            return path.to_string();
        }
        let bytes = path.as_bytes();
        let mut out = String::with_capacity(bytes.len());
        match self.text(path) {
            Some(text) => {
                for c in text.chars() {
                    match c {
                        '\\' => out.push_str("\\\\"),
                        c if c.is_control() => {
                            let c = c.to_string();
                            let (bytes, _, _) = self.0.encode(&c);
                            bytes.iter().for_each(|byte| push_hex(&mut out, *byte));
                        }
                        c => out.push(c),
                    }
                }
            }
            None => {
                for byte in bytes {
                    match byte {
                        b'\\' => out.push_str("\\\\"),
                        b' '..=b'~' => out.push(char::from(*byte)),
                        byte => push_hex(&mut out, *byte),
                    }
                }
            }
        }
        out
    }

    /// Reads the form that [`show`](Self::show) writes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a broken escape, for a character that the charset does not
    /// have, and if the path holds CR, LF or NUL.
    pub fn from_display(self, text: &str) -> Result<RemotePath> {
        RemotePath::new(unescape(text, |part| {
            self.encode(part).map(Cow::into_owned)
        })?)
    }

    /// The path as text, if exactly this text is what these bytes say in this charset.
    pub fn text(self, path: &RemotePath) -> Option<Cow<'_, str>> {
        let bytes = path.as_bytes();
        let text = self
            .0
            .decode_without_bom_handling_and_without_replacement(bytes)?;
        let back = self.encode(&text).ok()?;
        (*back == *bytes).then_some(text)
    }

    /// The path that a text means, such as a local file's name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a character that the charset does not have, and if the path
    /// holds CR, LF or NUL.
    pub fn path(self, text: &str) -> Result<RemotePath> {
        RemotePath::new(self.encode(text)?)
    }

    /// As [`RemotePath::from_url_path`], where characters that are typed and not percent-encoded are
    /// text of this charset. What is percent-encoded is bytes and stays what it is.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn url_path(self, path: &str) -> Result<RemotePath> {
        let path = path.strip_prefix('/').unwrap_or(path);
        RemotePath::new(percent_decode(&self.encode(path)?).collect::<Vec<u8>>())
    }

    fn encode(self, text: &str) -> Result<Cow<'_, [u8]>> {
        match self.0.encode(text) {
            (bytes, _, false) => Ok(bytes),
            _ => Err(Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("{text:?} cannot be written in {self}"))
                .with_hint("choose another encoding, or give the bytes percent-encoded")),
        }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Self::UTF_8
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(label: &str) -> Result<Self> {
        let refuse = |message: String| {
            Error::new(ErrorKind::InvalidParameter)
                .with_message(message)
                .with_hint("use a label of the WHATWG Encoding Standard, such as utf-8 or latin1")
        };
        match Charset::for_label(label.as_bytes()) {
            None => Err(refuse(format!("unknown encoding {label:?}"))),
            Some(charset) if !charset.is_ascii_compatible() => Err(refuse(format!(
                "names cannot be in {}: its ASCII characters are not their own bytes",
                charset.name()
            ))),
            Some(charset) => Ok(Self(charset)),
        }
    }
}

impl fmt::Display for Encoding {
    /// The label, in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.name().to_ascii_lowercase())
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(bytes: &[u8]) -> RemotePath {
        RemotePath::new(bytes).unwrap()
    }

    #[track_caller]
    fn check(label: &str, bytes: &[u8], shown: &str) {
        let encoding: Encoding = label.parse().unwrap();
        assert_eq!(encoding.show(&path(bytes)), shown);
        assert_eq!(encoding.from_display(shown).unwrap().as_bytes(), bytes);
    }

    #[test]
    fn names_are_shown_in_their_charset_and_read_back() {
        check("utf-8", "naïve".as_bytes(), "naïve");
        check("utf-8", b"na\xefve", r"na\xefve");
        check("latin1", b"na\xefve", "naïve");
        check("iso-8859-1", b"\x80 5", "€ 5");
        check("latin1", b"a\\b\x81\t", r"a\\b\x81\x09");
        check("windows-1251", b"\xef\xf0\xe8", "при");
        check("shift_jis", b"\x83\x5c\\", r"ソ\\");
        check("gb18030", b"\x81\x30\x81\x30", r"\x81\x30\x81\x30");
        check("euc-jp", b"\xa4\xa2", "あ");
    }

    #[test]
    fn what_is_no_text_of_the_charset_is_escaped() {
        check("shift_jis", b"a\xff", r"a\xff");
        // UTF-8 text on a server that is said to be Shift_JIS: not shown as what typing it would not give.
        check("shift_jis", "aあ\\".as_bytes(), r"a\xe3\x81\x82\\");
    }

    #[track_caller]
    fn check_url(label: &str, url_path: &str, bytes: &[u8]) {
        let encoding: Encoding = label.parse().unwrap();
        assert_eq!(encoding.url_path(url_path).unwrap().as_bytes(), bytes);
    }

    #[test]
    fn typed_characters_are_text_and_percent_codes_are_bytes() {
        check_url("latin1", "/caf\u{e9}/%C3%A9%25", b"caf\xe9/\xc3\xa9%");
        check_url("utf-8", "/caf\u{e9}", "caf\u{e9}".as_bytes());
        check_url("shift_jis", "//ソ%2F", b"/\x83\x5c/");
        let error = Encoding::WINDOWS_1252.url_path("/при").unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
    }

    #[test]
    fn labels() {
        for (label, name) in [
            ("UTF8", "utf-8"),
            (" latin1 ", "windows-1252"),
            ("cp1251", "windows-1251"),
            ("ibm866", "ibm866"),
        ] {
            assert_eq!(label.parse::<Encoding>().unwrap().to_string(), name);
        }
        for refused in ["utf-16le", "iso-2022-jp", "replacement", "latin-0", ""] {
            let error = refused.parse::<Encoding>().unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::InvalidParameter, "{refused}");
        }
    }

    proptest! {
        #[test]
        fn no_charset_loses_a_byte(
            label in proptest::sample::select(&[
                "utf-8", "latin1", "windows-1251", "ibm866", "koi8-r", "shift_jis", "euc-jp", "euc-kr",
                "gbk", "gb18030", "big5", "x-user-defined",
            ][..]),
            bytes in proptest::collection::vec(any::<u8>(), 0..24),
        ) {
            let encoding: Encoding = label.parse().unwrap();
            if let Ok(path) = RemotePath::new(bytes) {
                let shown = encoding.show(&path);
                prop_assert_eq!(&encoding.from_display(&shown).unwrap(), &path, "{}", shown);
                prop_assert!(!shown.contains(char::is_control));
                if let Some(text) = encoding.text(&path) {
                    prop_assert_eq!(encoding.path(&text).unwrap(), path);
                }
            }
        }
    }
}
