//! What the engine calls for each handshake of one session.

use std::{
    fmt::Debug,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use ftp_connect_core::{
    CertificateReport, ConnectParams, Error, ErrorKind, Host, Result, params::SessionReuse,
};
use ftp_connect_ftp::{ChannelSecurity, Socket, Stream};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::{
    context::Context,
    roots::SystemRoots,
    stream::{self, TlsStream},
};

/// The TLS of one control connection and its data connections.
#[derive(Debug)]
pub(crate) struct Channels {
    context: Context,
    reuse: SessionReuse,
    /// The chain that the control connection saw.
    certificates: OnceLock<Vec<CertificateReport>>,
}

impl Channels {
    /// Reads what files the parameters name, away from the runtime's own threads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] or [`ErrorKind::KeyUnusable`].
    pub(crate) async fn new(params: &ConnectParams, system: &Arc<SystemRoots>) -> Result<Self> {
        let reuse = params.session_reuse().unwrap_or(SessionReuse::Prefer);
        let (params, system) = (params.clone(), Arc::clone(system));
        let context = tokio::task::spawn_blocking(move || Context::new(&params, &system))
            .await
            .map_err(|error| Error::new(ErrorKind::Io).with_source(error))??;
        Ok(Self {
            context,
            reuse,
            certificates: OnceLock::new(),
        })
    }
}

#[async_trait]
impl ChannelSecurity for Channels {
    async fn secure_control(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>> {
        Ok(Box::new(self.control(socket, host).await?))
    }

    async fn secure_data(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>> {
        // OpenSSL reads the head of each record by itself.
        let socket = BufReader::with_capacity(READ, socket);
        Ok(Box::new(self.data(socket, host).await?))
    }

    fn can_cap_at_tls12(&self) -> bool {
        self.context.can_cap_at_tls12()
    }

    fn cap_at_tls12(&self) {
        self.context.cap_at_tls12();
    }
}

impl Channels {
    pub(crate) async fn control<IO>(&self, io: IO, host: &Host) -> Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Debug + Send + Unpin,
    {
        let stream = stream::handshake(&self.context, io, host, None).await?;
        self.certificates
            .get_or_init(|| stream.certificates().to_vec());
        Ok(stream)
    }

    pub(crate) async fn data<IO>(&self, io: IO, host: &Host) -> Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Debug + Send + Unpin,
    {
        let known = self.certificates.get();
        let stream = stream::handshake(&self.context, io, host, known).await?;
        if !stream.resumed() {
            if self.reuse == SessionReuse::Require {
                return Err(Error::new(ErrorKind::SessionNotResumed));
            }
            tracing::debug!("the server did not resume the TLS session on a data connection");
        }
        Ok(stream)
    }
}

/// How much is read from a data connection at once.
const READ: usize = 64 * 1024;
