//! Cuts the byte stream into packets: four bytes of length, then the packet (§3).

use bytes::{Buf as _, Bytes, BytesMut};

/// The longest packet taken from a server. Replies to reads are at most 256 KiB and a little, and
/// the largest batches of names known stay below that too; what is longer is no SFTP.
pub(crate) const MAX_FRAME: usize = 1 << 20;

/// Bytes that have arrived and are not yet a packet.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// Takes what has arrived.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(length) = self.length() {
            // One allocation for a packet that comes in many pieces.
            let whole = (length + 4).min(MAX_FRAME + 4);
            self.buffer
                .reserve(whole.saturating_sub(self.buffer.len()).max(bytes.len()));
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet without its length; `None` until more has arrived.
    ///
    /// # Errors
    /// The length that a packet claims, if it is 0 or over [`MAX_FRAME`].
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, usize> {
        let Some(length) = self.length() else {
            return Ok(None);
        };
        if length == 0 || length > MAX_FRAME {
            return Err(length);
        }
        if self.buffer.len() < length + 4 {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// What has arrived and was not taken, for showing it when it is no packet.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer
    }

    fn length(&self) -> Option<usize> {
        let first = self.buffer.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*first) as usize)
    }
}
