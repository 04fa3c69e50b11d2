//! The one call that the compiler cannot check: handing a session to a connection.
//!
//! `SslRef::set_session` is `unsafe` and has no safe sister, and without it a client of OpenSSL cannot
//! resume anything. It is called here and nowhere else; the rest of the crate is denied unsafe code.

use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslSession},
};

use crate::session::Sessions;

/// Lets a new connection resume the newest of its context's sessions; says whether there was one.
///
/// The session is parsed afresh from its DER form, so the connection gets an object of its own. A shared
/// one is spoilt for all when one connection ends abruptly: OpenSSL marks it as not resumable.
///
/// # Errors
/// What OpenSSL says of a session that it cannot read or use.
#[allow(unsafe_code)]
pub(crate) fn resume(ssl: &mut Ssl, sessions: &Sessions) -> Result<bool, ErrorStack> {
    let Some(der) = sessions.newest() else {
        return Ok(false);
    };
    let session = SslSession::from_der(der.expose())?;
    // SAFETY: the session must belong to the context of this connection. `Sessions` is filled by the
    // new-session callback of one context alone, and `Context::ssl`, the only caller, makes `ssl` from
    // that same context. The object itself was parsed a line above: no other connection, context
    // or cache knows it, and OpenSSL takes its own reference to it.
    unsafe { ssl.set_session(&session) }?;
    Ok(true)
}
