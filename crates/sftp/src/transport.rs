//! The backend as others see it: [`SftpTransport`], and [`host_key`] for looking at a server's key.

use async_trait::async_trait;
use ftp_connect_core::{
    ConnectParams, ConnectReport, Fingerprint, FingerprintType, Operation, Result, Session,
    Transport,
};

use crate::{session::SftpSession, ssh, ssh::Ssh};

/// SFTP on russh: serves the three SSH encryption values.
///
/// ```no_run
/// use ftp_connect_core::{ConnectParams, Encryption, SessionExt as _, Transport as _};
/// use ftp_connect_sftp::SftpTransport;
///
/// # async fn example() -> ftp_connect_core::Result<()> {
/// let params = ConnectParams::new("files.example.org")?
///     .with_encryption(Encryption::SshPassword)
///     .with_username("ada")
///     .with_password("secret");
/// let mut session = SftpTransport.connect(&params).await?;
/// for entry in session.list_all(&"".parse()?).await? {
///     println!("{}", entry.name);
/// }
/// session.close().await
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SftpTransport;

#[async_trait]
impl Transport for SftpTransport {
    fn name(&self) -> &'static str {
        "sftp"
    }

    fn serves(&self, params: &ConnectParams) -> bool {
        params.encryption().is_ssh()
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        let fail = |error: ftp_connect_core::Error| error.with_operation(Operation::Connect);
        params.validate().map_err(fail)?;
        // A key or an agent that cannot be used is told before anybody is bothered.
        let proofs = ssh::Proofs::gather(params).await?;
        let mut ssh = Ssh::connect(params).await.map_err(fail)?;
        ssh.log_in(params, proofs).await?;
        let mut report = ConnectReport::new(
            self.name(),
            params.server().clone(),
            params.port(),
            params.encryption(),
        );
        report.proxy = params.proxy().map(ToString::to_string);
        params
            .username()
            .unwrap_or_default()
            .clone_into(&mut report.username);
        let session = SftpSession::start(ssh, params, report).await;
        Ok(Box::new(session.map_err(fail)?))
    }
}

/// A server's host key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostKey {
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
    /// MD5, SHA-1 and SHA-256 of the key, as `ssh-keygen -l` shows them.
    pub fingerprints: [Fingerprint; 3],
}

/// Takes the server's host key without judging it and without logging in; the connection is closed
/// as soon as the key has proved itself. The hash goes to the parameters' target too.
///
/// # Errors
/// What keeps the key exchange from ending; see [`ErrorKind`](ftp_connect_core::ErrorKind).
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub async fn host_key(params: &ConnectParams) -> Result<HostKey> {
    let key = ssh::host_key(params).await?.key;
    let hash = |kind: FingerprintType| key.fingerprint(kind);
    params
        .fingerprint_target()
        .set(hash(params.fingerprint_type()));
    Ok(HostKey {
        fingerprints: FingerprintType::ALL.map(hash),
        algorithm: key.algorithm().to_owned(),
    })
}
