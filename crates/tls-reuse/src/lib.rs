//! FTPS on OpenSSL, with the control connection's TLS session resumed on every data connection.
//!
//! Many servers (vsftpd `require_ssl_reuse`, ProFTPD by default, FileZilla Server) accept a data
//! connection only if it resumes the TLS session of its control connection; it proves that both come
//! from the same client. [`TlsReuseTransport`] is the backend for them. The FTP conversation is the
//! engine's, in `ftp-connect-ftp`.
//!
//! ```text
//!              new-session callback                fresh copy
//!  control  ──────────────────────►  newest      ────────────►  next data connection
//!  data     ──────────────────────►  session, DER
//! ```
//!
//! - The newest session of *this* control connection is kept as bytes, from control and data
//!   connections, and each data connection gets a copy of its own. One session kept for ever, one object
//!   shared by all, or a store shared by several control connections each fail with some server.
//! - [`SessionReuse::Require`](ftp_connect_core::params::SessionReuse) refuses a data connection that the
//!   server did not resume; `Prefer`, the default, goes on. Each connection's report says whether it was.
//! - Certificates are judged as by the backend `tls`: authorities of the system and of the CA file, pins,
//!   and the control connection's host name on data connections too. Encrypted client keys are opened by
//!   the key's passphrase.
//! - With the parameter `legacy` also TLS 1.0 and 1.1 and whatever ciphers this OpenSSL was built with, for
//!   servers that have no other; the report then says what was chosen. No other backend can that, so such
//!   parameters are served here whatever they say of reuse.
//! - OpenSSL 3.0 or later is needed; the feature `vendored` builds one from source and links it in.
//!
//! ```no_run
//! use ftp_connect_core::{ConnectParams, Encryption, Transport};
//! use ftp_connect_tls_reuse::TlsReuseTransport;
//!
//! # async fn run() -> ftp_connect_core::Result<()> {
//! let params =
//!     ConnectParams::new("files.example.org")?.with_encryption(Encryption::ExplicitTlsReuse);
//! let mut session = TlsReuseTransport::default().connect(&params).await?;
//! println!("{:?}", session.report().tls);
//! session.close().await
//! # }
//! ```

// Not `forbid`: `resume` has the one call that cannot be made otherwise, and says why it is sound.
#![deny(unsafe_code)]

mod channel;
mod context;
mod failure;
mod resume;
mod roots;
mod session;
mod stream;
mod trust;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use ftp_connect_core::{
    ConnectParams, Result, Session, TlsReport, Transport, params::SessionReuse,
};
use ftp_connect_ftp::certificate;

use crate::{channel::Channels, roots::SystemRoots};

/// The backend for TLS with session reuse and for outdated TLS, explicit or implicit.
///
/// It keeps the system's certificate authorities for an hour, so one that is used many times is
/// cheaper than many; the default is ready to use.
#[derive(Debug, Clone, Default)]
pub struct TlsReuseTransport {
    system: Arc<SystemRoots>,
}

#[async_trait]
impl Transport for TlsReuseTransport {
    fn name(&self) -> &'static str {
        NAME
    }

    fn serves(&self, params: &ConnectParams) -> bool {
        let never = params.session_reuse() == Some(SessionReuse::Never);
        params.encryption().is_tls()
            && ((params.session_reuse().is_some() && !never) || params.legacy())
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        certificate::warn_if_unchecked(params);
        let channels = Channels::new(params, &self.system).await?;
        ftp_connect_ftp::connect(params, Arc::new(self.clone()), Some(Box::new(channels))).await
    }
}

/// Does the TLS handshake with a server, whatever its certificate, and hangs up without logging in:
/// to see the certificates and the SHA-256 to pin.
///
/// # Errors
/// [`InvalidParameter`](ftp_connect_core::ErrorKind::InvalidParameter) if the encryption is not TLS;
/// otherwise what kept the handshake from being done.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub async fn server_certificate(params: &ConnectParams) -> Result<TlsReport> {
    let params = ftp_connect_ftp::for_inspection(params)?;
    let channels = Channels::new(&params, &Arc::default()).await?;
    ftp_connect_ftp::inspect(&params, NAME, Box::new(channels)).await
}

const NAME: &str = "tls-reuse";
