//! The newest TLS session of one control connection.
//!
//! Servers that require reuse want to see the session of *this* control connection on each data
//! connection: ProFTPD refuses another one's. Under TLS 1.3 sessions come as tickets, on the control
//! connection and on most data connections (ProFTPD sends none on uploads), and the server may have
//! forgotten the first of them after a while: so the newest is kept, and used until a newer one comes.

use std::sync::{Mutex, PoisonError};

use ftp_connect_core::Secret;
use openssl::{
    error::ErrorStack,
    ssl::{SslSession, SslVersion},
};

/// Where the new-session callback puts sessions.
///
/// A session object is shared with the connections that use it or brought it, and OpenSSL marks it as not
/// resumable when one of them ends abruptly, and under TLS 1.2 also when the server renews its ticket, which it
/// then does not give out. So a connection gets a copy, made by way of the DER form, which has no such mark;
/// but for the first connection after a ticket of TLS 1.3, if the one that brought it ended well:
/// reading a session back, with the certificate in it, is a seventh of the work of transferring a small
/// file.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    newest: Option<SslSession>,
    /// Whether a connection may have spoilt it.
    doubtful: bool,
}

impl Sessions {
    pub(crate) fn keep(&self, session: SslSession) {
        let mut kept = self.lock();
        kept.doubtful = session.protocol_version() != SslVersion::TLS1_3;
        kept.newest = Some(session);
    }

    pub(crate) fn forget(&self) {
        self.lock().newest = None;
    }

    /// Says that a connection of these sessions has not ended well.
    pub(crate) fn doubt(&self) {
        self.lock().doubtful = true;
    }

    /// The newest session, marked by no connection.
    ///
    /// # Errors
    /// What OpenSSL says of a session that it cannot write or read.
    pub(crate) fn newest(&self) -> Result<Option<SslSession>, ErrorStack> {
        let mut kept = self.lock();
        if let Some(session) = &kept.newest
            && kept.doubtful
        {
            let der = Secret::new(session.to_der()?);
            kept.newest = Some(SslSession::from_der(der.expose())?);
        }
        // From now on a connection has it that may spoil it.
        kept.doubtful = true;
        Ok(kept.newest.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("newest", &self.newest.is_some())
            .field("doubtful", &self.doubtful)
            .finish()
    }
}
