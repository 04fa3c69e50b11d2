//! Reading the strings and numbers that SSH's keys are made of (RFC 4251 §5).

use super::der::without_zeros;

/// What is left to read. Every step is `None` where the bytes end too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob<'a>(&'a [u8]);

impl<'a> Blob<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        self.take(length)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// An integer that is not negative: its bytes, the first of which is not zero.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        (!negative).then(|| without_zeros(bytes))
    }
}

/// Appends a string.
pub(super) fn write_string(to: &mut Vec<u8>, bytes: &[u8]) {
    // Nothing here is as long as 4 GiB.
    to.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    to.extend_from_slice(bytes);
}

/// Appends an integer that is not negative.
pub(super) fn write_integer(to: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = without_zeros(bytes);
    let padded = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    to.extend_from_slice(&((bytes.len() + usize::from(padded)) as u32).to_be_bytes());
    to.extend(padded.then_some(0));
    to.extend_from_slice(bytes);
}
