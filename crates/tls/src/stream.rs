//! One connection inside TLS, and the handshake that makes it.

use std::{
    fmt::Debug,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ftp_connect_core::{Error, ErrorKind, Host, Result, TlsReport};
use ftp_connect_ftp::{Stream, certificate};
use rustls::{ClientConnection, HandshakeKind, ProtocolVersion, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client};

use crate::{config::Configured, failure};

/// A connection inside TLS. Ends as [`Stream`] asks: `shutdown` sends close_notify and half-closes; a
/// connection that ends without the peer's close_notify gives [`io::ErrorKind::UnexpectedEof`].
#[derive(Debug)]
pub(crate) struct TlsStream<IO> {
    inner: client::TlsStream<IO>,
    report: TlsReport,
}

/// Does the handshake on a connection to this host.
///
/// # Errors
/// [`ErrorKind::CertificateNotTrusted`], [`ErrorKind::TlsFailed`], or what the connection says.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub(crate) async fn handshake<IO>(config: &Configured, io: IO, host: &Host) -> Result<TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Debug + Send + Unpin,
{
    let connector = TlsConnector::from(Arc::clone(config.config()));
    let inner = connector
        .connect(server_name(host)?, io)
        .await
        .map_err(|error| failure::handshake(error, host, config.client.was_asked()))?;
    let report = report(inner.get_ref().1, config.trusted_by);
    Ok(TlsStream { inner, report })
}

impl<IO> Stream for TlsStream<IO>
where
    IO: AsyncRead + AsyncWrite + Debug + Send + Unpin,
{
    fn tls(&self) -> Option<&TlsReport> {
        Some(&self.report)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner)
            .poll_read(cx, buf)
            .map_err(failure::established)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner)
            .poll_write(cx, buf)
            .map_err(failure::established)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner)
            .poll_write_vectored(cx, bufs)
            .map_err(failure::established)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner)
            .poll_flush(cx)
            .map_err(failure::established)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner)
            .poll_shutdown(cx)
            .map_err(failure::established)
    }
}

/// The name sent as SNI and looked for in the certificate; an address is looked for and not sent
/// (RFC 6066 §3).
fn server_name(host: &Host) -> Result<ServerName<'static>> {
    match host {
        Host::Ip(ip) => Ok(ServerName::IpAddress((*ip).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| {
            Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("{name} is not a name that a certificate can have"))
                .with_source(error)
        }),
    }
}

fn report(connection: &ClientConnection, trust: &'static str) -> TlsReport {
    let mut report = TlsReport::default();
    report.version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    };
    report.cipher = connection
        .negotiated_cipher_suite()
        .map(|suite| iana_name(&format!("{:?}", suite.suite())))
        .unwrap_or_default();
    report.key_exchange = connection
        .negotiated_key_exchange_group()
        .map(|group| format!("{:?}", group.name()).to_ascii_lowercase());
    report.resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
    report.trust = trust.to_owned();
    report.certificates = connection
        .peer_certificates()
        .unwrap_or_default()
        .iter()
        .map(|der| certificate::report(der))
        .collect();
    report
}

/// rustls writes `TLS13_…` where the registry has `TLS_…`.
fn iana_name(name: &str) -> String {
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name.to_owned(),
    }
}
