//! The relay of data connections.
//!
//! Why: libunftp under TLS gives up a transfer without a word when the handshake fails, closes uploads
//! without close_notify, and cannot ask for a resumed session. So it transfers in the clear to a
//! loopback port, and TLS with the client is ours. The same way `EPRT` and active mode under TLS come
//! about.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::HandshakeKind;
use tokio::io::{AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::front::Io;

/// A data connection that has been arranged, and perhaps opened.
#[derive(Debug)]
pub(super) struct Data {
    /// The port that stands for it: the client's for passive, libunftp's for active mode.
    pub(super) port: u16,
    done: oneshot::Receiver<()>,
    verdict: Verdict,
    opened: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Data {
    /// Listens for the client, on behalf of libunftp which listens at `inner`.
    pub(super) async fn passive(
        inner: SocketAddr,
        security: Option<Security>,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<Self> {
        Self::spawn(Some(inner), None, security, tasks).await
    }

    /// Listens for libunftp, on behalf of the client which listens at `client`.
    pub(super) async fn active(
        client: SocketAddr,
        security: Option<Security>,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<Self> {
        Self::spawn(None, Some(client), security, tasks).await
    }

    /// Waits until the last byte has been sent, and says what the server should say instead of
    /// libunftp's own word.
    pub(super) async fn finish(mut self) -> Option<&'static str> {
        self.ended().await;
        self.verdict.get().copied()
    }

    /// Resolves once there is nothing more to come, without using up the result.
    pub(super) async fn ended(&mut self) {
        if !self.done.is_terminated() {
            let _ = (&mut self.done).await;
        }
    }

    /// Whether libunftp has got its connection, so that it will say how the transfer ended.
    pub(super) fn opened(&self) -> bool {
        self.opened.load(Ordering::SeqCst)
    }

    /// Ends the connection at once, if it has not ended yet.
    pub(super) fn abandon(&self, verdict: &'static str) {
        let _ = self.verdict.set(verdict);
        self.task.abort();
    }

    async fn spawn(
        inner: Option<SocketAddr>,
        client: Option<SocketAddr>,
        security: Option<Security>,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (signal, done) = oneshot::channel();
        let verdict = Verdict::default();
        let own = Arc::clone(&verdict);
        let opened = Arc::new(AtomicBool::new(false));
        let open_mark = Arc::clone(&opened);
        let task = tasks.spawn(async move {
            let streams = timeout(OPEN_LIMIT, open(listener, inner, client)).await;
            let Ok(Ok((client, inner))) = streams else {
                let _ = own.set(NOT_OPENED);
                return;
            };
            open_mark.store(true, Ordering::SeqCst);
            if let Err(error) = carry(client, inner, security, &own, signal).await {
                tracing::debug!(%error, "embedded FTP data connection ended");
            }
        });
        Ok(Self {
            port,
            done,
            verdict,
            opened,
            task,
        })
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        // One that was never used. A used one goes on to see the client leave.
        if !self.done.is_terminated() && self.done.try_recv() == Err(TryRecvError::Empty) {
            self.task.abort();
        }
    }
}

/// TLS on data connections.
#[derive(Clone)]
pub(super) struct Security {
    pub(super) acceptor: TlsAcceptor,
    pub(super) reuse_required: bool,
}

type Verdict = Arc<OnceLock<&'static str>>;

async fn open(
    listener: TcpListener,
    inner: Option<SocketAddr>,
    client: Option<SocketAddr>,
) -> io::Result<(TcpStream, TcpStream)> {
    let (accepted, _) = listener.accept().await?;
    let streams = match (inner, client) {
        (Some(inner), _) => (accepted, TcpStream::connect(inner).await?),
        (None, Some(client)) => (TcpStream::connect(client).await?, accepted),
        (None, None) => return Err(io::Error::other("nobody to connect to")),
    };
    streams.0.set_nodelay(true)?;
    streams.1.set_nodelay(true)?;
    Ok(streams)
}

async fn carry(
    client: TcpStream,
    mut inner: TcpStream,
    security: Option<Security>,
    verdict: &Verdict,
    signal: oneshot::Sender<()>,
) -> io::Result<()> {
    let client = match secure(client, security, verdict).await {
        Ok(client) => client,
        Err(error) => {
            // RST: what libunftp has of an upload must not pass for the whole.
            inner.set_zero_linger()?;
            return Err(error);
        }
    };
    let (mut from_client, mut to_client) = split(client);
    let outcome = {
        let (mut from_inner, mut to_inner) = inner.split();
        let mut up = pin!(async {
            copy(&mut from_client, &mut to_inner).await?;
            to_inner.shutdown().await
        });
        let mut down = pin!(async {
            copy(&mut from_inner, &mut to_client).await?;
            to_client.shutdown().await
        });
        let mut up_ended = false;
        let outcome = loop {
            tokio::select! {
                ended = &mut up, if !up_ended => match ended {
                    Ok(()) => up_ended = true,
                    Err(error) => break Err(error),
                },
                ended = &mut down => break ended,
            }
        };
        if outcome.is_ok() {
            drop(signal);
            if !up_ended {
                // Closing before the client's last bytes have been read would send it an RST.
                let _ = timeout(LEAVE_LIMIT, up).await;
            }
            return Ok(());
        }
        outcome
    };
    let _ = verdict.set("426 the data connection broke");
    inner.set_zero_linger()?;
    outcome
}

async fn secure(
    client: TcpStream,
    security: Option<Security>,
    verdict: &Verdict,
) -> io::Result<Box<dyn Io>> {
    let Some(security) = security else {
        return Ok(Box::new(client));
    };
    let accepted = timeout(OPEN_LIMIT, security.acceptor.accept(client)).await;
    let failed = || verdict.set("425 TLS failed on the data connection");
    let mut stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let _ = failed();
            return Err(error);
        }
        Err(late) => {
            let _ = failed();
            return Err(late.into());
        }
    };
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    if security.reuse_required && !resumed {
        // As vsftpd: a clean end without a byte, and the refusal on the control connection.
        let _ = verdict.set("522 the data connection must resume the control connection's session");
        stream.shutdown().await?;
        return Err(io::Error::other("the session was not resumed"));
    }
    Ok(Box::new(stream))
}

/// The port in a reply to `EPSV` (RFC 2428 §3) or `PASV` (RFC 959 §4.2).
pub(super) fn passive_port(reply: &str) -> Option<u16> {
    if let Some((_, rest)) = reply.split_once("|||") {
        return rest.split('|').next()?.parse().ok();
    }
    let (_, rest) = reply.split_once('(')?;
    Some(host_port(rest.split(')').next()?)?.port())
}

/// The address in the argument of `PORT` (RFC 959 §4.1.2) or `EPRT` (RFC 2428 §2).
pub(crate) fn host_port(text: &str) -> Option<SocketAddr> {
    if let Some(rest) = text.strip_prefix('|') {
        let mut fields = rest.split('|').skip(1);
        let ip: IpAddr = fields.next()?.parse().ok()?;
        return Some(SocketAddr::new(ip, fields.next()?.parse().ok()?));
    }
    let numbers: Vec<u8> = text
        .split(',')
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    let [a, b, c, d, high, low] = numbers[..] else {
        return None;
    };
    Some(SocketAddr::new(
        IpAddr::from([a, b, c, d]),
        u16::from_be_bytes([high, low]),
    ))
}

pub(super) const NOT_OPENED: &str = "425 the data connection was not opened";

/// Shorter than libunftp's 15 seconds, so that it never gives up first.
const OPEN_LIMIT: Duration = Duration::from_secs(5);

const LEAVE_LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let expected = expected.map(|addr| addr.parse().unwrap());
            assert_eq!(host_port(text), expected, "{text}");
        }
        check("127,0,0,1,4,5", Some("127.0.0.1:1029"));
        check("|1|127.0.0.1|1029|", Some("127.0.0.1:1029"));
        check("|2|::1|1029|", Some("[::1]:1029"));
        check("127,0,0,1,4", None);
        check("127,0,0,1,4,256", None);
        check("nonsense", None);
    }

    #[test]
    fn passive_ports() {
        assert_eq!(passive_port("229 text (|||1029|)"), Some(1029));
        assert_eq!(passive_port("227 text (127,0,0,1,4,5)"), Some(1029));
        assert_eq!(passive_port("229 text"), None);
    }
}
