//! Looking at a server's certificate without logging in.
//!
//! The engine connects as ever and comes as far as the TLS handshake of the control connection; there
//! the security it was given says no, so that no name and no password leaves.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ftp_connect_core::{ConnectParams, Error, ErrorKind, Host, Result, TlsReport};
use tokio::io::AsyncWriteExt as _;

use crate::connect::connect_as;
use crate::{ChannelSecurity, Socket, Stream};

/// The same parameters, but for looking: any certificate will do, pinned or not.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] if the encryption is not TLS.
pub fn for_inspection(params: &ConnectParams) -> Result<ConnectParams> {
    if !params.encryption().is_tls() {
        return Err(Error::new(ErrorKind::InvalidParameter)
            .with_message("only servers with TLS have a certificate")
            .with_hint("use encryption explicit-tls or implicit-tls"));
    }
    let mut trust = params.tls().clone();
    trust.pins.clear();
    trust.danger_accept_any_certificate = true;
    Ok(params.clone().with_tls(trust))
}

/// Connects, does the TLS handshake by `security`, and hangs up.
///
/// # Errors
/// Whatever keeps the handshake from being done, as [`connect`](crate::connect) says.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub async fn inspect(
    params: &ConnectParams,
    transport: &'static str,
    security: Box<dyn ChannelSecurity>,
) -> Result<TlsReport> {
    let seen = Arc::new(Mutex::new(None));
    let stopping = Stopping {
        inner: security,
        seen: Arc::clone(&seen),
    };
    let outcome = connect_as(params, transport, None, Some(Box::new(stopping))).await;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (seen, outcome) {
        (Some(report), _) => Ok(report),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(Error::new(ErrorKind::TlsFailed)
            .with_message("the connection came to stand without a TLS handshake")),
    }
}

/// Keeps what the first handshake negotiated, and then refuses to go on.
#[derive(Debug)]
struct Stopping {
    inner: Box<dyn ChannelSecurity>,
    seen: Arc<Mutex<Option<TlsReport>>>,
}

#[async_trait]
impl ChannelSecurity for Stopping {
    async fn secure_control(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>> {
        let mut stream = self.inner.secure_control(socket, host).await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stream.tls().cloned();
        // What the server thinks of being left does not matter here.
        let _ = stream.shutdown().await;
        Err(Error::new(ErrorKind::Closed).with_message("hung up after the TLS handshake"))
    }

    async fn secure_data(&self, _: Socket, _: &Host) -> Result<Box<dyn Stream>> {
        Err(Error::new(ErrorKind::Closed))
    }
}
