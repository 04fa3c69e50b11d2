//! FTPS on rustls: explicit TLS (`AUTH TLS`, RFC 4217) and implicit TLS.
//!
//! [`TlsTransport`] is the backend. The FTP conversation is the engine's, in `ftp-connect-ftp`; here
//! are the handshakes, the judgement of certificates, and what is reported of them.
//!
//! ```text
//!  TlsTransport::connect ──► Channels ─── secure_control ──► rustls ──► control connection
//!   reads CA, pins, keys       one config,    secure_data ──► rustls ──► each data connection
//!                              one session store
//! ```
//!
//! - A certificate is trusted by a chain to an authority of the system or of the CA file, or by its
//!   SHA-256 if pins are given. Data connections are checked by the control connection's host name.
//! - A client certificate comes from PEM files, with PKCS #8 keys also encrypted, or from a PKCS #12 file.
//! - Data connections resume the control connection's session while rustls has tickets. Under TLS 1.3 it
//!   uses each ticket once (RFC 8446 appendix C.4, and its interface allows no other), and ProFTPD hands out none on
//!   uploads. A server that *requires* reuse is then connected anew with TLS 1.2, once; to stay with TLS 1.3
//!   take the backend `tls-reuse`. This one does not serve parameters that ask for reuse.
//!
//! ```no_run
//! use ftp_connect_core::{ConnectParams, Encryption, Transport};
//! use ftp_connect_tls::TlsTransport;
//!
//! # async fn run() -> ftp_connect_core::Result<()> {
//! let params = ConnectParams::new("files.example.org")?.with_encryption(Encryption::ExplicitTls);
//! let mut session = TlsTransport::default().connect(&params).await?;
//! println!("{:?}", session.report().tls);
//! session.close().await
//! # }
//! ```

#![forbid(unsafe_code)]

mod channel;
mod config;
mod failure;
mod sessions;
mod stream;
mod trust;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use ftp_connect_core::{
    ConnectParams, Encryption, Result, Session, TlsReport, Transport, params::SessionReuse,
};
use ftp_connect_ftp::certificate;

use crate::{channel::Channels, trust::SystemRoots};

/// The backend for explicit and implicit TLS without session reuse.
///
/// It keeps the system's certificate authorities for an hour, so one that is used many times is
/// cheaper than many; the default is ready to use.
#[derive(Debug, Clone, Default)]
pub struct TlsTransport {
    system: Arc<SystemRoots>,
}

#[async_trait]
impl Transport for TlsTransport {
    fn name(&self) -> &'static str {
        NAME
    }

    fn serves(&self, params: &ConnectParams) -> bool {
        matches!(
            params.encryption(),
            Encryption::ExplicitTls | Encryption::ImplicitTls
        ) && matches!(params.session_reuse(), None | Some(SessionReuse::Never))
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

const NAME: &str = "tls";
