//! A TLS server in memory and checks against it, for handshakes that the embedded FTP servers do not ask for.
//!
//! Why: that tickets resume what they should, that a cut is told from an end, and that a client
//! certificate is sent is shown by a handshake and five bytes; no FTP is needed for it.
//!
//! Everything panics on failure: it is for tests only. Not here: FTP, for which there is
//! [`ftp`](crate::ftp).

pub mod checks;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

use crate::ca::{CertificateRequest, ServerCertificate, TestCa, TlsVersions};
use crate::client::ClientIdentity;

/// A TLS server that says `hello` to whoever comes through the handshake.
#[derive(Clone, Debug)]
pub struct TlsServer(Arc<ServerConfig>);

impl TlsServer {
    /// A server that resumes its sessions, and no other server's.
    ///
    /// # Panics
    /// If the certificate cannot be used.
    pub fn resuming(certificate: &ServerCertificate, versions: TlsVersions) -> Self {
        Self(
            certificate
                .server_config(versions)
                .expect("a configuration"),
        )
    }

    /// A server that wants a client certificate, and one that it accepts.
    ///
    /// # Panics
    /// If no certificate or file can be made.
    pub fn asking(of_server: &ServerCertificate, version: TlsVersions) -> (Self, ClientIdentity) {
        let clients = TestCa::new().expect("an authority");
        let config = of_server
            .server_config_asking(version, &clients)
            .expect("a configuration");
        (Self(config), ClientIdentity::issued_by(&clients))
    }

    /// A new connection to the server.
    pub fn connect(&self, then: Then) -> DuplexStream {
        self.connect_through(then, None)
    }

    /// The same, whose line breaks after the server has sent this many bytes; gives also how many it has sent.
    pub fn connect_cut_after(&self, bytes: usize) -> (DuplexStream, Arc<AtomicUsize>) {
        let sent = Arc::new(AtomicUsize::new(0));
        let cut = Cut {
            after: bytes,
            sent: Arc::clone(&sent),
        };
        (self.connect_through(Then::Close, Some(cut)), sent)
    }

    fn connect_through(&self, then: Then, cut: Option<Cut>) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        let server = match cut {
            None => server,
            Some(cut) => cut.relay(server),
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0));
        tokio::spawn(async move {
            let mut stream = acceptor.accept(server).await?;
            stream.write_all(b"hello").await?;
            stream.flush().await?;
            match then {
                Then::Close => {
                    stream.shutdown().await?;
                    stream.read_to_end(&mut Vec::new()).await?;
                }
                Then::Cut => drop(stream.into_inner().0),
            }
            io::Result::Ok(())
        });
        client
    }
}

/// Where the line to the client breaks.
#[derive(Debug)]
struct Cut {
    after: usize,
    sent: Arc<AtomicUsize>,
}

impl Cut {
    /// Gives the server's end of a line that breaks.
    fn relay(self, client: DuplexStream) -> DuplexStream {
        let (near, server) = duplex(64 * 1024);
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = tokio::io::split(near);
        tokio::spawn(async move {
            let upwards = tokio::io::copy(&mut from_client, &mut to_server);
            let downwards = async {
                let mut byte = [0];
                for _ in 0..self.after {
                    if from_server.read(&mut byte).await? == 0 {
                        break;
                    }
                    self.sent.fetch_add(1, Ordering::Relaxed);
                    to_client.write_all(&byte).await?;
                }
                io::Result::Ok(())
            };
            tokio::select! {
                _ = downwards => {}
                // The client is gone.
                _ = upwards => {}
            }
        });
        server
    }
}

/// What the server does after its `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It says close_notify, then waits for the client's end.
    Close,
    /// It ends without close_notify.
    Cut,
}

/// A good certificate of an authority of its own.
///
/// # Panics
/// If none can be made.
pub fn certificate() -> ServerCertificate {
    TestCa::new()
        .and_then(|ca| ca.issue(&CertificateRequest::default()))
        .expect("a certificate")
}
