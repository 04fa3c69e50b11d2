//! The one call that the compiler cannot check: handing a session to a connection.
//!
//! `SslRef::set_session` is `unsafe` and has no safe sister, and without it a client of OpenSSL cannot
//! resume anything. It is called here and nowhere else; the rest of the crate is denied unsafe code.

use openssl::{error::ErrorStack, ssl::Ssl};

use crate::session::Sessions;

/// Lets a new connection resume the newest of its context's sessions; says whether there was one.
///
/// # Errors
/// What OpenSSL says of a session that it cannot read or use.
#[allow(unsafe_code)]
pub(crate) fn resume(ssl: &mut Ssl, sessions: &Sessions) -> Result<bool, ErrorStack> {
    let Some(session) = sessions.newest()? else {
        return Ok(false);
    };
    // SAFETY: the session must belong to the context of this connection. `Sessions` is filled by the
    // new-session callback of one context alone, or with a copy of what that brought, and
    // `Context::ssl`, the only caller, makes `ssl` from that same context. The callback owns what it is
    // given, and OpenSSL takes its own reference here.
    unsafe { ssl.set_session(&session) }?;
    Ok(true)
}
