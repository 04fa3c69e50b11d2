//! One embedded server of each kind, for demonstrations and for tests that go through all of them.

use std::io;

use crate::ca::{CertificateRequest, TestCa};
use crate::ftp::{FtpSecurity, FtpServer};
use crate::sftp::{SftpServer, UserKey};

/// All embedded servers. They share user `tester` and password `secret`; each has a folder of its
/// own. They stop when this is dropped.
///
/// ```
/// use ftp_connect_testkit::Embedded;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let servers = Embedded::start().await?;
/// assert_eq!(servers.plain.user(), servers.sftp.user());
/// assert!(servers.ca.pem_file().exists());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Embedded {
    /// The authority that both FTPS servers' certificates come from.
    pub ca: TestCa,
    /// FTP in the clear.
    pub plain: FtpServer,
    /// Explicit FTPS; it resumes sessions on data connections for clients that want that.
    pub explicit: FtpServer,
    /// Implicit FTPS.
    pub implicit: FtpServer,
    /// SFTP, by password or by [`key`](Self::key).
    pub sftp: SftpServer,
    /// The key pair that the SFTP server lets in.
    pub key: UserKey,
}

impl Embedded {
    /// Starts all of them.
    ///
    /// # Errors
    /// When one cannot start.
    pub async fn start() -> io::Result<Self> {
        let ca = TestCa::new()?;
        let certificate = ca.issue(&CertificateRequest::default())?;
        let secured = |security| {
            FtpServer::builder(security)
                .with_certificate(certificate.clone())
                .start()
        };
        let key = UserKey::generate()?;
        Ok(Self {
            plain: FtpServer::builder(FtpSecurity::Plain).start().await?,
            explicit: secured(FtpSecurity::Explicit).await?,
            implicit: secured(FtpSecurity::Implicit).await?,
            sftp: SftpServer::builder()
                .with_authorized_key(key.public())
                .start()
                .await?,
            key,
            ca,
        })
    }
}
