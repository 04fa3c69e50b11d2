//! One parameter set, any file server: FTP, explicit and implicit FTPS, FTPS with TLS session reuse,
//! and SFTP behind one [`Session`].
//!
//! A program fills [`ConnectParams`] — server, port, user, password, mode, encryption, key, host-key
//! fingerprints — and is connected. Which protocols are built in is a matter of Cargo features, and a
//! backend of one's own joins by implementing [`Transport`].
//!
//! ```no_run
//! use ftp_connect::{ConnectParams, Encryption, RemotePath, SessionExt as _};
//!
//! # async fn example() -> ftp_connect::Result<()> {
//! let params = ConnectParams::new("files.example.org")?
//!     .with_username("ada")
//!     .with_password("secret")
//!     .with_encryption(Encryption::ExplicitTls);
//! let mut session = ftp_connect::connect(&params).await?;
//! for entry in session.list_all(&RemotePath::login_folder()).await? {
//!     println!("{}", entry.name);
//! }
//! session.close().await
//! # }
//! ```
//!
//! # Features
//!
//! | feature | serves | built on |
//! |---|---|---|
//! | `plain` (default) | `Encryption::None` | — |
//! | `tls` (default) | `ExplicitTls`, `ImplicitTls` | rustls |
//! | `tls-reuse` | `ExplicitTlsReuse`, and the other two with session reuse or `legacy` | OpenSSL |
//! | `sftp` (default) | `SshPassword`, `SshKeyFile`, `SshKeyContent` | russh |
//! | `transfer` (default) | files, pools of sessions and mirrored folders, over any backend | — |
//! | `doctor` | why a server cannot be reached or used; needs `tls` and `sftp` | — |
//! | `vendored-openssl` | builds the OpenSSL of `tls-reuse` from source | — |
//!
//! Features only add. Without any, [`Registry`], the traits and a backend of one's own still work.
//!
//! Nothing here starts a runtime; the calls run on the caller's tokio. In a runtime of several threads, transfer in a
//! task (`tokio::spawn`) and not in what `block_on` or `#[tokio::main]` runs: that has a thread of its own, which
//! another has to wake for whatever arrives. A large download under TLS took a sixth to a third longer there, on two cores.

#![forbid(unsafe_code)]

#[doc(inline)]
pub use ftp_connect_core::{
    AllowedFingerprints, Capabilities, CertificateProblem, CertificateReport, Challenge, Checksum,
    ChecksumAlgorithm, ConnectParams, ConnectReport, CopyOptions, CreateDirOptions, DataMethod,
    Disposition, Encryption, Entry, EntryKind, Error, ErrorKind, FileContent, FileContents,
    FileToWrite, FileWritten, FilesWritten, Fingerprint, FingerprintTarget, FingerprintType,
    FreeSpace, Host, HostKeyCheck, HostKeyProblem, HostKeyReport, HostProfile, LineEnd,
    ListOptions, ListSummary, Listing, Mode, Operation, Permissions, Precision, Prompt, Prompter,
    ReadBody, ReadOptions, Registry, RemotePath, RenameOptions, Result, Retry, Secret, ServerReply,
    Session, SessionExt, StatOptions, Step, Timestamp, Timings, TlsReport, TransferType,
    Transferred, Transport, WriteBody, WriteOptions, Zone, params,
};
#[cfg(feature = "doctor")]
pub use ftp_connect_doctor as doctor;
#[cfg(feature = "plain")]
pub use ftp_connect_plain as plain;
#[cfg(feature = "sftp")]
pub use ftp_connect_sftp as sftp;
#[cfg(feature = "tls")]
pub use ftp_connect_tls as tls;
#[cfg(feature = "tls-reuse")]
pub use ftp_connect_tls_reuse as tls_reuse;
#[cfg(feature = "transfer")]
pub use ftp_connect_transfer as transfer;

/// Connects with the backends of the enabled features.
///
/// # Errors
/// As [`Registry::connect`].
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub async fn connect(params: &ConnectParams) -> Result<Box<dyn Session>> {
    registry().connect(params).await
}

/// A registry with the backends of the enabled features; add your own with [`Registry::with`].
pub fn registry() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "plain")]
    let registry = registry.with(plain::PlainTransport);
    #[cfg(feature = "tls")]
    let registry = registry.with(tls::TlsTransport::default());
    #[cfg(feature = "tls-reuse")]
    let registry = registry.with(tls_reuse::TlsReuseTransport::default());
    #[cfg(feature = "sftp")]
    let registry = registry.with(sftp::SftpTransport);
    registry
}
