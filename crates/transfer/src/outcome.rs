//! What a finished transfer was.

use std::path::PathBuf;

use ftp_connect_core::RemotePath;
use serde::Serialize;

/// A finished transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Bytes of content that the copy has; 0 if the transfer was skipped.
    pub bytes: u64,
    /// How many of them were there before and were not transferred again.
    pub resumed_at: u64,
    /// How far it is proven that they are the whole file.
    pub integrity: Integrity,
    /// How the copy took its name.
    pub publish: Publish,
    /// Whether nothing was transferred, because what is there is to stay or is the whole file already.
    pub skipped: bool,
    /// Where the copy is, which [`Overwrite::Rename`](crate::Overwrite::Rename) may have chosen.
    pub place: Place,
    /// Whether the data connection's TLS session was resumed; `None` without TLS of its own.
    pub tls_resumed: Option<bool>,
    /// Whether times and permissions that were to be kept are set; `None` if none were.
    pub attributes_kept: Option<bool>,
}

impl Outcome {
    pub(crate) fn new(bytes: u64, integrity: Integrity, publish: Publish, place: Place) -> Self {
        Self {
            bytes,
            resumed_at: 0,
            integrity,
            publish,
            skipped: false,
            place,
            tls_resumed: None,
            attributes_kept: None,
        }
    }

    pub(crate) fn skipped(integrity: Integrity, place: Place) -> Self {
        Self {
            skipped: true,
            ..Self::new(0, integrity, Publish::Atomic, place)
        }
    }
}

/// How far it is proven that a transfer is whole, beyond both ends saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Integrity {
    /// Source and copy have the same checksum.
    Hash,
    /// Source and copy have the same size.
    Size,
    /// The protocol's own end, and no more: the server does not tell sizes, or text was converted.
    Unverified,
}

/// What others could see while a transfer was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Publish {
    /// The old file or the whole new one at every moment.
    Atomic,
    /// The old file, perhaps none for a moment, and then the whole new one: the server does not promise
    /// to replace a file in one step.
    RenameNonAtomic,
    /// A part of the file.
    InPlace,
}

/// Where a copy is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// This file on this machine.
    Local(PathBuf),
    /// This file on the server.
    Remote(RemotePath),
    /// It went to a writer.
    Stream,
}
