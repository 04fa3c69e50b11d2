//! What the engine calls for each handshake of one session.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use ftp_connect_core::{ConnectParams, Error, ErrorKind, Host, Result};
use ftp_connect_ftp::{ChannelSecurity, Socket, Stream};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    config::{self, Configured},
    stream::{self, TlsStream},
    trust::SystemRoots,
};

/// The TLS of one control connection and its data connections.
#[derive(Debug)]
pub(crate) struct Channels {
    config: Configured,
}

impl Channels {
    /// Reads what files the parameters name, away from the runtime's own threads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] or [`ErrorKind::KeyUnusable`].
    pub(crate) async fn new(params: &ConnectParams, system: &Arc<SystemRoots>) -> Result<Self> {
        let (params, system) = (params.clone(), Arc::clone(system));
        let config = tokio::task::spawn_blocking(move || config::client_config(&params, &system))
            .await
            .map_err(|error| Error::new(ErrorKind::Io).with_source(error))??;
        Ok(Self { config })
    }

    /// The same for control and data connections: both have the one configuration.
    pub(crate) async fn secure<IO>(&self, io: IO, host: &Host) -> Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Debug + Send + Unpin,
    {
        stream::handshake(&self.config, io, host).await
    }
}

#[async_trait]
impl ChannelSecurity for Channels {
    async fn secure_control(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>> {
        Ok(Box::new(self.secure(socket, host).await?))
    }

    async fn secure_data(&self, socket: Socket, host: &Host) -> Result<Box<dyn Stream>> {
        Ok(Box::new(self.secure(socket, host).await?))
    }

    fn can_spare_session(&self) -> bool {
        self.config.can_spare_session()
    }

    fn can_cap_at_tls12(&self) -> bool {
        self.config.can_cap_at_tls12()
    }

    fn cap_at_tls12(&self) {
        self.config.cap_at_tls12();
    }
}
