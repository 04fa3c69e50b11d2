//! The vocabulary of FTP Connect: what a user may say ([`ConnectParams`]), what a backend does
//! ([`Transport`], [`Session`]), and what comes back ([`Entry`], [`ConnectReport`], [`Error`]).
//!
//! No protocol lives here and no runtime is started here; the only input and output is the one
//! [`dial`] that every backend shares, so that timeouts, socket options and the order in which
//! addresses are tried are the same for FTP and SSH.
//!
//! ```text
//!  ConnectParams ──► Registry ──► Transport::connect ──► Box<dyn Session>
//!  (URL, text,        picks the                          stat  list  read  write …
//!   serde, builder)   backend                            report: what was negotiated
//! ```
//!
//! A backend needs this crate alone: implement [`Transport`] and [`Session`], add it to a
//! [`Registry`], and everything written against the traits works with it.
//!
//! ```
//! use ftp_connect_core::{ConnectParams, Encryption, Mode};
//!
//! let built = ConnectParams::new("files.example.org")?
//!     .with_username("ada")
//!     .with_encryption(Encryption::ExplicitTls)
//!     .with_mode(Mode::Passive);
//! let (parsed, path) = ConnectParams::from_url("ftpes://ada;mode=passive@files.example.org/in")?;
//! assert_eq!(built, parsed);
//! assert_eq!(path.as_bytes(), b"in");
//! # Ok::<(), ftp_connect_core::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod dial;
pub mod params;

mod body;
mod capabilities;
mod encryption;
mod entry;
mod error;
mod ext;
mod fingerprint;
mod host;
mod many;
mod options;
mod path;
mod profile;
mod prompt;
mod registry;
mod report;
mod secret;
mod session;
mod timestamp;
mod transport;

pub use body::{ListSummary, Listing, ReadBody, Transferred, WriteBody};
pub use capabilities::Capabilities;
pub use encryption::{DataMethod, Encryption, Mode};
pub use entry::{Entry, EntryKind, Permissions};
pub use error::{
    CertificateProblem, Error, ErrorKind, HostKeyProblem, Operation, Result, Retry, ServerReply,
};
pub use ext::SessionExt;
pub use fingerprint::{AllowedFingerprints, Fingerprint, FingerprintTarget, FingerprintType};
pub use host::Host;
pub use many::{FileContent, FileContents, FileToWrite, FileWritten, FilesWritten};
pub use options::{
    CopyOptions, CreateDirOptions, Disposition, LineEnd, ListOptions, ReadOptions, RenameOptions,
    StatOptions, TransferType, WriteOptions,
};
pub use params::ConnectParams;
pub use path::RemotePath;
pub use profile::HostProfile;
pub use prompt::{Challenge, Prompt, Prompter};
pub use registry::Registry;
pub use report::{
    CertificateReport, ConnectReport, HostKeyCheck, HostKeyReport, Step, Timings, TlsReport,
};
pub use secret::Secret;
pub use session::{Checksum, ChecksumAlgorithm, FreeSpace, Session};
pub use timestamp::{Precision, Timestamp, Zone};
pub use transport::Transport;
