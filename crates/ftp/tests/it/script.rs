//! Scripted sessions, and a security object that secures nothing.
//!
//! What the engine does around TLS (when it hands connections over, how it judges their ends) does
//! not depend on what the bytes look like. So [`Pretended`] passes them through, and scripts stay
//! readable; the real handshakes are tested with the backends.

use std::io;
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use ftp_connect_core::params::Timeouts;
use ftp_connect_core::{
    ConnectParams, Encryption, Error, ErrorKind, Host, Mode, RemotePath, Result, Session,
    TlsReport, Transport,
};
use ftp_connect_ftp::{ChannelSecurity, Socket, Stream};
use ftp_connect_testkit::peer::{Peer, Script};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Logging in to a server whose FEAT has the lines given, each ended by a line feed.
pub(crate) fn login(features: &str) -> String {
    let features = feat(features);
    format!(
        "S: 220 hello\nC: USER ada\nS: 331 go on\nC: PASS pw\nS: 230 in\nC: FEAT\nS: 211-x\n\
         {features}S: 211 end\nC: TYPE I\nS: 200 ok\nC: PWD\nS: 257 \"/\"\n"
    )
}

/// The same to a server that is known to bear commands together.
pub(crate) fn login_together(features: &str) -> String {
    let features = feat(features);
    format!(
        "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 go on\nC: PASS pw\nC: PWD\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\n\
         S: 230 in\nS: 257 \"/\"\nS: 211-x\n{features}S: 211 end\nS: 501 what\nS: 200 ok\n"
    )
}

/// The same over explicit TLS that is only pretended.
pub(crate) fn secured_login(features: &str) -> String {
    login(features)
        .replace("C: USER", "C: AUTH TLS\nS: 234 go\nC: USER")
        .replace(
            "C: FEAT",
            "C: PBSZ 0\nS: 200 ok\nC: PROT P\nS: 200 ok\nC: FEAT",
        )
}

fn feat(features: &str) -> String {
    features
        .lines()
        .map(|line| format!("S:  {line}\n"))
        .collect()
}

/// Leaving politely.
pub(crate) const QUIT: &str = "C: QUIT\nS: 221 bye\nend\n";

/// Starts a server that plays the script.
pub(crate) async fn peer(script: &str) -> Peer {
    let script = Script::parse(script).expect("the script is well formed");
    script.start().await.expect("a port is free")
}

/// Parameters that lead to the server, with short deadlines.
pub(crate) fn params(peer: &Peer) -> ConnectParams {
    let second = Duration::from_secs(1);
    ConnectParams::new(peer.addr().ip().to_string())
        .unwrap()
        .with_port(NonZeroU16::new(peer.addr().port()))
        .with_username("ada")
        .with_password("pw".to_owned())
        .with_mode(Mode::Passive)
        .with_timeouts(
            Timeouts::default()
                .with_connect(second)
                .with_reply(2 * second)
                .with_data(second)
                .with_idle(2 * second),
        )
}

/// A backend that does FTP in the clear, under the name of `test`.
#[derive(Debug)]
struct Clear;

#[async_trait]
impl Transport for Clear {
    fn name(&self) -> &'static str {
        "test"
    }

    fn serves(&self, _params: &ConnectParams) -> bool {
        true
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        ftp_connect_ftp::connect(params, Arc::new(Self), None).await
    }
}

/// That backend.
pub(crate) fn transport() -> Arc<dyn Transport> {
    Arc::new(Clear)
}

/// Connects in the clear.
pub(crate) async fn connect(peer: &Peer) -> Result<Box<dyn Session>> {
    connect_with(&params(peer)).await
}

/// Connects in the clear with these parameters.
pub(crate) async fn connect_with(params: &ConnectParams) -> Result<Box<dyn Session>> {
    Clear.connect(params).await
}

/// Connects with TLS that is only pretended.
pub(crate) async fn connect_secured(
    peer: &Peer,
    encryption: Encryption,
    pretended: Pretended,
) -> Result<Box<dyn Session>> {
    let params = params(peer).with_encryption(encryption);
    ftp_connect_ftp::connect(&params, transport(), Some(Box::new(pretended))).await
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::new(text).unwrap()
}

/// Plays a session to its end: leaves politely and checks that the script was played to its end.
pub(crate) async fn leave(session: Box<dyn Session>, peer: Peer) {
    session.close().await.unwrap();
    if let Err(error) = peer.finish().await {
        panic!("{error}");
    }
}

/// Security in name only.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pretended {
    /// Whether data connections count as resumed.
    pub(crate) resumed: bool,
    /// Whether the ends of data connections come without close_notify.
    pub(crate) cut: bool,
    /// Whether the handshake reads first, and fails unless it is a TLS record's header.
    pub(crate) handshake: bool,
    /// Whether data connections are shaken hands on by `hello` and `hi`, and ended by `bye`.
    pub(crate) speaks: bool,
}

#[async_trait]
impl ChannelSecurity for Pretended {
    async fn secure_control(&self, mut socket: Socket, _host: &Host) -> Result<Box<dyn Stream>> {
        if self.handshake {
            let mut header = [0; 5];
            socket.read_exact(&mut header).await?;
            if header[0] != 0x16 {
                return Err(Error::new(ErrorKind::TlsFailed));
            }
        }
        Ok(Box::new(PretendedStream::new(socket, Self::default())))
    }

    async fn secure_data(&self, mut socket: Socket, _host: &Host) -> Result<Box<dyn Stream>> {
        if self.speaks {
            socket.write_all(b"hello").await?;
            socket.read_exact(&mut [0; 2]).await?;
        }
        Ok(Box::new(PretendedStream::new(socket, *self)))
    }
}

#[derive(Debug)]
struct PretendedStream {
    socket: Socket,
    report: TlsReport,
    cut: bool,
    /// What is still to be said at the end.
    bye: &'static [u8],
}

impl PretendedStream {
    fn new(socket: Socket, pretended: Pretended) -> Self {
        let mut report = TlsReport::default();
        report.version = "pretended".to_owned();
        report.resumed = pretended.resumed;
        Self {
            socket,
            report,
            cut: pretended.cut,
            bye: if pretended.speaks { b"bye" } else { b"" },
        }
    }
}

impl Stream for PretendedStream {
    fn tls(&self) -> Option<&TlsReport> {
        Some(&self.report)
    }
}

impl AsyncRead for PretendedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        let ended = matches!(read, Poll::Ready(Ok(()))) && buf.filled().len() == before;
        if ended && self.cut {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        read
    }
}

impl AsyncWrite for PretendedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let bye = self.bye;
        if !bye.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_write(cx, bye))?;
            self.bye = b"";
        }
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
