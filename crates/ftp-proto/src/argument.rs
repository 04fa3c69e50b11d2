//! The argument of a command: bytes that cannot end the line they stand in.
//!
//! RFC 959 §5.3 ends a command at CR LF. A name that holds one of them would be read by the server
//! as a second command, and a NUL ends the string early in servers written in C. The type makes all
//! three impossible, so that no caller has to remember to check.
//!
//! RFC 959 §3.1 also runs the control connection over Telnet, where a data byte 0xFF would be sent
//! twice. Servers in use do not undo that: vsftpd, ProFTPD and Pure-FTPd pass raw 8-bit names
//! through unchanged, so the bytes are sent as they are.

use std::fmt;

use zeroize::Zeroize as _;

/// Bytes without CR, LF or NUL, fit to stand after a command's verb.
///
/// They are overwritten when it is dropped, since one of them is a password.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Argument(Vec<u8>);

impl Argument {
    /// Takes the bytes as an argument.
    ///
    /// # Errors
    /// [`ArgumentError`] if they hold CR, LF or NUL.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, ArgumentError> {
        let mut bytes = bytes.into();
        match bytes
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n' | 0))
        {
            Some(position) => {
                let byte = bytes[position];
                bytes.zeroize();
                Err(ArgumentError { byte, position })
            }
            None => Ok(Self(bytes)),
        }
    }

    /// The bytes as they are sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// An argument made of digits, separators and the like, all chosen by this crate.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        debug_assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        );
        Self(text.into_bytes())
    }
}

impl Drop for Argument {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl TryFrom<&[u8]> for Argument {
    type Error = ArgumentError;

    fn try_from(bytes: &[u8]) -> Result<Self, ArgumentError> {
        Self::new(bytes)
    }
}

impl TryFrom<&str> for Argument {
    type Error = ArgumentError;

    fn try_from(text: &str) -> Result<Self, ArgumentError> {
        Self::new(text)
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// The bytes cannot be sent as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    byte: u8,
    position: usize,
}

impl ArgumentError {
    /// Where the offending byte stands, counted from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.byte {
            b'\r' => "a carriage return",
            b'\n' => "a line feed",
            _ => "a NUL",
        };
        write!(
            f,
            "{name} at byte {} cannot be part of a command",
            self.position
        )
    }
}

impl std::error::Error for ArgumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_nul_are_refused_where_they_stand() {
        for (bytes, position) in [(&b"a\rb"[..], 1), (b"\nx", 0), (b"name\0", 4)] {
            assert_eq!(Argument::new(bytes).unwrap_err().position(), position);
        }
    }

    #[test]
    fn any_other_byte_is_kept() {
        let all: Vec<u8> = (1..=255u8)
            .filter(|byte| !matches!(byte, b'\r' | b'\n'))
            .collect();
        assert_eq!(Argument::new(all.clone()).unwrap().as_bytes(), all);
    }
}
