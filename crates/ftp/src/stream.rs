//! What the engine reads from and writes to: a socket, or a socket inside TLS.
//!
//! [`Socket`] is a TCP connection that remembers the first bytes it read, so that a TLS handshake
//! that fails because the server speaks in the clear can be told from one that fails otherwise.
//! [`Stream`] is what a backend makes of it. No TLS library is known here.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use ftp_connect_core::{TlsReport, dial};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A control or data connection, in the clear or secured.
///
/// What the engine relies on, beyond the two traits:
///
/// - A read of 0 bytes means that the sender ended the stream: FIN in the clear, close_notify under
///   TLS. A TLS stream that ends without close_notify gives [`io::ErrorKind::UnexpectedEof`].
/// - `shutdown` ends the writing direction and only that: under TLS it sends close_notify, then the
///   TCP connection is half-closed. Reading goes on until the peer ends its side.
/// - Dropping it closes the connection at once.
pub trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {
    /// What TLS negotiated; `None` in the clear.
    fn tls(&self) -> Option<&TlsReport>;
}

/// A TCP connection as the engine hands it to a backend to be secured.
#[derive(Debug)]
pub struct Socket {
    tcp: TcpStream,
    first: FirstBytes,
    /// Whether dropping it now would cut something off that matters to the server.
    under_way: bool,
    /// How many more reads are to be acknowledged to the peer at once.
    prompt_reads: u8,
    /// Whether an end of what is spoken on the connection is to leave the connection itself open.
    kept_open: Arc<AtomicBool>,
}

impl Socket {
    /// Takes a connection from which nothing has been read.
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            first: FirstBytes::default(),
            under_way: false,
            prompt_reads: 0,
            kept_open: Arc::default(),
        }
    }

    /// A second handle on the connection, to go on with when TLS on the first one has ended.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn twin(&self) -> io::Result<Twin> {
        let tcp: std::net::TcpStream = socket2::SockRef::from(&self.tcp).try_clone()?.into();
        Ok(Twin {
            tcp: TcpStream::from_std(tcp)?,
            kept_open: Arc::clone(&self.kept_open),
        })
    }

    /// The same for a data connection. One that is dropped before either side has ended it is reset:
    /// to the receiver of an upload a mere end would look like the end of the file, and ProFTPD with
    /// TLS closes the session when it writes to a connection that was ended (EPIPE), but not when
    /// it writes to one that was reset (ECONNRESET).
    pub(crate) fn for_data(tcp: TcpStream) -> Self {
        let mut socket = Self::new(tcp);
        socket.under_way = true;
        socket.prompt_reads = PROMPT_READS;
        socket
    }

    /// Leaves the connection open both ways until it is dropped, for TLS behind a proxy. microsocks takes
    /// the end of one direction for the end of both and closes; tickets that it has not passed on then make
    /// a reset of that, and vsftpd and pyftpdlib lose the end of an upload. close_notify tells the server
    /// already that nothing more comes.
    pub(crate) fn ending_late(self) -> Self {
        self.kept_open.store(true, Ordering::Relaxed);
        self
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }

    /// The TCP connection, to look at or to set options.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Where the first bytes read will be found.
    pub(crate) fn first_bytes(&self) -> FirstBytes {
        self.first.clone()
    }

    /// Forgets the first bytes: those that follow are read by another protocol.
    pub(crate) fn restart(&mut self) {
        self.first = FirstBytes::default();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.under_way {
            // Where it cannot be set, the connection ends as it would have.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl Stream for Socket {
    fn tls(&self) -> Option<&TlsReport> {
        None
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buf.filled().len(), buf.remaining());
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        if buf.filled().len() == before && room > 0 {
            self.under_way = false;
        }
        if self.prompt_reads > 0 {
            self.prompt_reads -= 1;
            dial::acknowledge(&self.tcp);
        }
        self.first.note(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.under_way = false;
        if self.kept_open.load(Ordering::Relaxed) {
            return Pin::new(&mut self.tcp).poll_flush(cx);
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// A second handle on a connection whose first one was given away.
#[derive(Debug)]
pub(crate) struct Twin {
    tcp: TcpStream,
    kept_open: Arc<AtomicBool>,
}

impl Twin {
    /// From now on, an end that is written by the first handle does not end the connection.
    pub(crate) fn keep_open(&self) {
        self.kept_open.store(true, Ordering::Relaxed);
    }

    /// The connection, for whatever is spoken next.
    pub(crate) fn into_socket(self) -> Socket {
        Socket::new(self.tcp)
    }
}

/// The first bytes of a socket, shared with whoever wants to know them after the socket was
/// given away.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl FirstBytes {
    /// Whether they look like an FTP reply in the clear.
    pub(crate) fn are_a_reply(&self) -> bool {
        matches!(
            self.bytes().as_slice(),
            [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', ..]
        )
    }

    /// What was read, as text, shortened.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).trim().to_owned()
    }

    fn note(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn bytes(&self) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

/// How many reads of a data connection are acknowledged at once: enough for a handshake and a folder,
/// and nothing to a large file, where segments are acknowledged as they come.
const PROMPT_READS: u8 = 32;

/// How many of the first bytes are kept.
const KEPT: usize = 120;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: bool) {
        let first = FirstBytes::default();
        for byte in bytes {
            first.note(&[*byte]);
        }
        first.note(&[b' '; 2 * KEPT]);
        assert_eq!(first.are_a_reply(), expected);
    }

    #[test]
    fn a_greeting_is_told_from_tls() {
        check(b"220 hello\r\n", true);
        check(b"421-no\r\n", true);
        check(b"\x16\x03\x03\x00\x7a", false);
        check(b"\x15\x03\x01\x00\x02\x02\x46", false);
        check(b"SSH-2.0-x", false);
        check(b"22", false);
    }

    /// What the server sees when a data connection with a socket like that is dropped.
    async fn seen_after(end: bool) -> io::Result<usize> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut socket = Socket::for_data(tcp);
        if end {
            socket.shutdown().await.unwrap();
        }
        drop(socket);
        server.read(&mut [0]).await
    }

    #[tokio::test]
    async fn behind_a_proxy_a_tls_connection_is_not_half_closed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut socket = Socket::for_data(tcp).ending_late();
        socket.shutdown().await.unwrap();
        // What is written after it still arrives, so no end was sent.
        socket.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0]).await.unwrap(), 1);
        drop(socket);
        assert_eq!(
            server.read(&mut [0]).await.unwrap(),
            0,
            "an end, not a reset"
        );
    }

    #[tokio::test]
    async fn a_data_connection_that_is_abandoned_is_reset_and_not_ended() {
        let error = seen_after(false).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(seen_after(true).await.unwrap(), 0);
    }
}
