//! One connection, in the clear or under TLS.
//!
//! Reading goes byte by byte without a buffer of our own: what follows a line stays in the socket, so
//! that a TLS handshake can begin there.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::script::Leave;

#[derive(Debug)]
pub(super) enum Wire {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::Clear(stream))
    }

    pub(super) async fn secure(self, acceptor: &TlsAcceptor) -> io::Result<Self> {
        match self {
            Self::Clear(stream) => Ok(Self::Tls(Box::new(acceptor.accept(stream).await?))),
            Self::Tls(_) => Err(io::Error::other("TLS is on already")),
        }
    }

    /// Ends TLS from both sides, the client's first: what it says next would else be read along with its end.
    pub(super) async fn clear(self) -> io::Result<Self> {
        let Self::Tls(mut stream) = self else {
            return Err(io::Error::other("TLS is not on"));
        };
        if stream.read(&mut [0]).await? > 0 {
            return Err(io::Error::other("the client goes on in TLS"));
        }
        stream.get_mut().1.send_close_notify();
        stream.flush().await?;
        Ok(Self::Clear(stream.into_inner().0))
    }

    /// Reads some bytes; 0 is the end.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8], one_at_a_time: bool) -> io::Result<()> {
        let size = if one_at_a_time { 1 } else { bytes.len().max(1) };
        for piece in bytes.chunks(size) {
            match self {
                Self::Clear(stream) => stream.write_all(piece).await?,
                Self::Tls(stream) => {
                    stream.write_all(piece).await?;
                    stream.flush().await?;
                }
            }
            if one_at_a_time {
                // Lets the client run, so that it most likely sees the byte alone.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    pub(super) async fn leave(mut self, how: Leave) -> io::Result<()> {
        match (how, &mut self) {
            (Leave::Cut, _) => Ok(()),
            (Leave::Close, Self::Clear(stream)) => stream.shutdown().await,
            (Leave::Close, Self::Tls(stream)) => stream.shutdown().await,
            (Leave::Reset, Self::Clear(stream)) => stream.set_zero_linger(),
            (Leave::Reset, Self::Tls(stream)) => stream.get_ref().0.set_zero_linger(),
        }
    }
}
