//! One connection inside TLS, and the handshake that makes it.

use std::{
    fmt::Debug,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context as Cx, Poll, ready},
};

use ftp_connect_core::{CertificateReport, Host, Result, TlsReport};
use ftp_connect_ftp::{Stream, certificate};
use openssl::{
    nid::Nid,
    pkey::Id,
    ssl::{ErrorCode, SslRef},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use crate::{context::Context, failure, session::Sessions};

/// A connection inside TLS. Ends as [`Stream`] asks: `shutdown` sends close_notify and half-closes; a
/// connection that ends without the peer's close_notify gives [`io::ErrorKind::UnexpectedEof`].
#[derive(Debug)]
pub(crate) struct TlsStream<IO> {
    inner: SslStream<IO>,
    report: TlsReport,
    ending: Ending,
    /// What went wrong after bytes that had to be given first.
    later: Option<io::Error>,
}

/// Tells the sessions when a connection is dropped that has not ended well.
#[derive(Debug)]
struct Ending {
    sessions: Arc<Sessions>,
    shut_down: bool,
    failed: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.failed || !self.shut_down {
            self.sessions.doubt();
        }
    }
}

impl Ending {
    fn established(&mut self, error: io::Error) -> io::Error {
        self.failed = true;
        failure::established(error)
    }
}

/// Does the handshake on a connection to this host, resuming the newest session of the context. The report
/// of a resumed connection has the certificates that are `known`: it brings the server's own at most.
///
/// # Errors
/// [`CertificateNotTrusted`](ftp_connect_core::ErrorKind::CertificateNotTrusted),
/// [`TlsFailed`](ftp_connect_core::ErrorKind::TlsFailed), or what the connection says.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub(crate) async fn handshake<IO>(
    context: &Context,
    io: IO,
    host: &Host,
    known: Option<&Vec<CertificateReport>>,
) -> Result<TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Debug + Send + Unpin,
{
    let (ssl, verdict) = context.ssl(host)?;
    let ending = Ending {
        sessions: Arc::clone(&context.sessions),
        shut_down: false,
        failed: false,
    };
    let mut inner =
        SslStream::new(ssl, io).map_err(|error| failure::handshake(error.into(), false))?;
    if let Err(error) = Pin::new(&mut inner).connect().await {
        return Err(verdict.refused(host).unwrap_or_else(|| {
            failure::handshake(error, inner.ssl().peer_certificate().is_some())
        }));
    }
    context.trust.confirm(inner.ssl(), host)?;
    let report = report(inner.ssl(), context.trust.name(), known);
    Ok(TlsStream {
        inner,
        report,
        ending,
        later: None,
    })
}

impl<IO> TlsStream<IO> {
    pub(crate) fn resumed(&self) -> bool {
        self.report.resumed
    }

    pub(crate) fn certificates(&self) -> &[CertificateReport] {
        &self.report.certificates
    }
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
        cx: &mut Cx<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.later.take() {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        // One record at a time is what OpenSSL gives.
        while buf.remaining() > 0 {
            let had = buf.filled().len();
            match Pin::new(&mut self.inner).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > had => {}
                Poll::Pending if had == before => return Poll::Pending,
                Poll::Ready(Err(error)) => {
                    let error = self.ending.established(error);
                    if had == before {
                        return Poll::Ready(Err(error));
                    }
                    self.later = Some(error);
                    break;
                }
                _ => break,
            }
        }
        if buf.filled().len() > before || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // The end, clean or not: reading reports both alike where OpenSSL is older than 3, looking
        // ahead does not.
        match ready!(Pin::new(&mut self.inner).poll_peek(cx, &mut [0])) {
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Poll::Ready(Ok(())),
            _ => {
                self.ending.failed = true;
                Poll::Ready(Err(failure::unexpected_end()))
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Cx<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, buf);
        outcome.map_err(|error| self.ending.established(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        outcome.map_err(|error| self.ending.established(error))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<io::Result<()>> {
        // A second SSL_shutdown would wait for the peer's close_notify and eat what comes before it.
        if !self.ending.shut_down {
            let outcome = ready!(Pin::new(&mut self.inner).poll_shutdown(cx));
            outcome.map_err(|error| self.ending.established(error))?;
            self.ending.shut_down = true;
        }
        Poll::Ready(Ok(()))
    }
}

fn report(ssl: &SslRef, trust: &'static str, known: Option<&Vec<CertificateReport>>) -> TlsReport {
    let mut report = TlsReport::default();
    report.version = ssl.version_str().to_owned();
    report.cipher = ssl
        .current_cipher()
        .map(|cipher| cipher.standard_name().unwrap_or_else(|| cipher.name()))
        .unwrap_or_default()
        .to_owned();
    report.key_exchange = key_exchange(ssl).map(str::to_owned);
    report.resumed = ssl.session_reused();
    report.trust = trust.to_owned();
    report.certificates = match known {
        Some(known) if report.resumed => known.clone(),
        _ => certificates(ssl),
    };
    report
}

fn certificates(ssl: &SslRef) -> Vec<CertificateReport> {
    let reported = |der: Result<Vec<u8>, _>| der.ok().map(|der| certificate::report(&der));
    match ssl.peer_cert_chain() {
        Some(chain) => chain.iter().filter_map(|c| reported(c.to_der())).collect(),
        None => ssl
            .peer_certificate()
            .and_then(|c| reported(c.to_der()))
            .into_iter()
            .collect(),
    }
}

/// The group by the name of the IANA registry, as rustls tells it.
fn key_exchange(ssl: &SslRef) -> Option<&'static str> {
    let key = ssl.peer_tmp_key().ok()?;
    match key.id() {
        Id::X25519 => Some("x25519"),
        Id::X448 => Some("x448"),
        Id::DH => Some("dh"),
        Id::EC => match key.ec_key().ok()?.group().curve_name()? {
            Nid::X9_62_PRIME256V1 => Some("secp256r1"),
            Nid::SECP384R1 => Some("secp384r1"),
            Nid::SECP521R1 => Some("secp521r1"),
            other => other.short_name().ok(),
        },
        _ => None,
    }
}
