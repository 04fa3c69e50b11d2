//! The one object by which a backend secures an FTP session.

use std::fmt::Debug;

use async_trait::async_trait;
use ftp_connect_core::{Host, Result};

use crate::stream::{Socket, Stream};

/// Does the TLS handshakes of one FTP session: one on the control connection, then one on each data
/// connection.
///
/// There is one such object for each control connection, and it dies with it. TLS state (session
/// tickets, the control connection's session) belongs in here: some servers refuse a data connection
/// that resumes a session of *another* control connection, so nothing is shared between objects.
///
/// The engine has set TCP_NODELAY and puts a deadline on each call; dropping the future must only
/// lose the connection. Certificates are checked against `host`, the name of the control
/// connection, on data connections too.
#[async_trait]
pub trait ChannelSecurity: Debug + Send + Sync {
    /// Secures the control connection.
    ///
    /// # Errors
    /// [`CertificateNotTrusted`](ftp_connect_core::ErrorKind::CertificateNotTrusted) or
    /// [`TlsFailed`](ftp_connect_core::ErrorKind::TlsFailed). That the server spoke in the clear is
    /// found out by the engine, whatever the error here.
    async fn secure_control(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>>;

    /// Secures a data connection. The server has been sent the command and may have answered; most
    /// servers do their handshake only then.
    ///
    /// # Errors
    /// As [`secure_control`](Self::secure_control).
    async fn secure_data(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>>;

    /// Whether a handshake that comes to nothing would leave a session for the next one to resume, if there is any.
    fn can_spare_session(&self) -> bool {
        true
    }

    /// Whether TLS 1.3 is allowed now and could be done without.
    fn can_cap_at_tls12(&self) -> bool {
        false
    }

    /// From now on negotiates TLS 1.2 at most, and offers no session from before. The engine asks for it
    /// where a server demands that sessions are resumed and resumes none under TLS 1.3.
    fn cap_at_tls12(&self) {}
}
