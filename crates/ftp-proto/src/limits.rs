//! Bounds on what a server may make us hold in memory.
//!
//! Every buffer of this crate that grows with what the peer sends is bounded by a field here. The
//! defaults are generous towards real servers (long banners, deep paths) and small for a client.

/// Bounds on the size of replies and listing lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest line of a reply, in bytes, line end excluded.
    ///
    /// Default 16 KiB: a path of 4096 bytes with all quotes doubled fits with room to spare.
    pub reply_line: usize,
    /// Most lines one reply may have.
    ///
    /// Default 4096: banners and `SITE HELP` texts of some hundred lines exist.
    pub reply_lines: usize,
    /// Most bytes one reply may have, all its lines together.
    ///
    /// Default 256 KiB: banners can be long, not endless.
    pub reply_bytes: usize,
    /// Longest line of a listing, in bytes.
    ///
    /// Default 64 KiB: facts, a name and a link target of 4096 bytes each, with room for odd servers.
    pub listing_line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply_line: 16 * 1024,
            reply_lines: 4096,
            reply_bytes: 256 * 1024,
            listing_line: 64 * 1024,
        }
    }
}

impl Limits {
    /// Sets the longest line of a reply, in bytes.
    #[must_use]
    pub fn with_reply_line(mut self, bytes: usize) -> Self {
        self.reply_line = bytes;
        self
    }

    /// Sets the most lines one reply may have.
    #[must_use]
    pub fn with_reply_lines(mut self, lines: usize) -> Self {
        self.reply_lines = lines;
        self
    }

    /// Sets the most bytes one reply may have.
    #[must_use]
    pub fn with_reply_bytes(mut self, bytes: usize) -> Self {
        self.reply_bytes = bytes;
        self
    }

    /// Sets the longest line of a listing, in bytes.
    #[must_use]
    pub fn with_listing_line(mut self, bytes: usize) -> Self {
        self.listing_line = bytes;
        self
    }
}
