//! The newest TLS session of one control connection.
//!
//! Servers that require reuse want to see the session of *this* control connection on each data
//! connection: ProFTPD refuses another one's. Under TLS 1.3 sessions come as tickets, on the control
//! connection and on most data connections (ProFTPD sends none on uploads), and the server may have
//! forgotten the first of them after a while: so the newest is kept, and used until a newer one comes.

use std::sync::{Mutex, PoisonError};

use ftp_connect_core::Secret;
use openssl::ssl::SslSessionRef;

/// Where the new-session callback puts sessions. As DER: the bytes cannot be spoilt by a connection that
/// ends abruptly, as a session object is.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Option<Secret<Vec<u8>>>>);

impl Sessions {
    pub(crate) fn keep(&self, session: &SslSessionRef) {
        match session.to_der() {
            Ok(der) => *self.lock() = Some(Secret::new(der)),
            Err(error) => tracing::debug!(%error, "a TLS session cannot be kept"),
        }
    }

    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    pub(crate) fn newest(&self) -> Option<Secret<Vec<u8>>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Secret<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
