//! The stream under the SSH connection: it keeps what the server said first, it can be cut, and it goes on
//! reading while it cannot write.
//!
//! Why: the SSH library reads lines until one is an SSH greeting and tells nothing of the others, so
//! that a port of another protocol shows as a time-out; it runs the connection in a task of its
//! own, which dropping our future would not end; and it does not read while it waits for room to write, which
//! with a server that does the same (ProFTPD's mod_sftp writes so) is for ever.

use std::{
    collections::VecDeque,
    future::Future as _,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use ftp_connect_core::dial::acknowledge;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::oneshot,
};

/// The stream to give to the SSH library.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    ahead: Ahead,
    opening: Opening,
    /// Whether the opening is still being kept.
    listening: bool,
    leash: oneshot::Receiver<()>,
}

/// What an SSH connection can go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What was read while nothing could be written. The windows of the channels bound what a server may send
/// unasked, and what is asked for is less; the limit here is for servers that send more.
#[derive(Default)]
struct Ahead {
    bytes: VecDeque<u8>,
    /// How reading ended, if it did.
    end: Option<io::Result<()>>,
    scratch: Vec<u8>,
}

/// The other end of a [`Wire`]: when it is dropped, the stream fails at once.
#[derive(Debug)]
pub(super) struct Leash(#[allow(dead_code)] oneshot::Sender<()>);

/// What the server said before the key exchange, shared with the [`Wire`].
#[derive(Debug, Clone, Default)]
pub(super) struct Opening(Arc<Mutex<Vec<u8>>>);

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> (Self, Leash, Opening) {
        let (sender, leash) = oneshot::channel();
        let opening = Opening::default();
        let wire = Self {
            stream,
            ahead: Ahead::default(),
            opening: opening.clone(),
            listening: true,
            leash,
        };
        (wire, Leash(sender), opening)
    }

    /// Reads what has come, unless enough is waiting already.
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        let ahead = &mut self.ahead;
        ahead.scratch.resize(SCRATCH, 0);
        while ahead.end.is_none() && ahead.bytes.len() < AHEAD_BYTES {
            let mut buffer = ReadBuf::new(&mut ahead.scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    ahead.bytes.extend(buffer.filled());
                }
                Poll::Ready(end) => ahead.end = Some(end),
            }
        }
    }

    /// Reads what was read ahead, or else from the stream.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ahead = &mut self.ahead;
        if !ahead.bytes.is_empty() {
            let (front, _) = ahead.bytes.as_slices();
            let length = front.len().min(buffer.remaining());
            buffer.put_slice(&front[..length]);
            ahead.bytes.drain(..length);
            return Poll::Ready(Ok(()));
        }
        if let Some(end) = ahead.end.take() {
            return Poll::Ready(end);
        }
        // It is rarely needed again.
        if ahead.bytes.capacity() > SCRATCH {
            *ahead = Ahead::default();
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }

    /// Registers for being cut; called whenever nothing can be done now.
    fn poll_leash(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.leash.is_terminated() {
            return Poll::Ready(io::ErrorKind::ConnectionAborted.into());
        }
        Pin::new(&mut self.leash)
            .poll(cx)
            .map(|_| io::ErrorKind::ConnectionAborted.into())
    }
}

/// A TCP connection whose small pieces are acknowledged at once: OpenSSH leaves Nagle's algorithm on, and so waits for the
/// acknowledgement of one answer before it sends the next.
pub(super) struct Prompt(pub(super) TcpStream);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        if buffer.filled().len() - before < SMALL {
            acknowledge(&self.0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Opening {
    /// The SSH version line, if one came.
    pub(super) fn version(&self) -> Option<String> {
        self.lines()
            .into_iter()
            .find(|line| line.starts_with("SSH-"))
    }

    /// What came, in one line, if anything did and it is not SSH 2.
    pub(super) fn not_ssh(&self) -> Option<NotSsh> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first: &[u8] = &bytes;
        if first.is_empty() {
            return Some(NotSsh::Nothing);
        }
        // A TLS alert or handshake record (RFC 8446 §5.1).
        if matches!(first, [0x14..=0x17, 3, ..]) {
            return Some(NotSsh::Tls);
        }
        drop(bytes);
        match self.version() {
            Some(line) if line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-") => None,
            Some(line) => Some(NotSsh::OldSsh(line)),
            None => self.lines().into_iter().next().map(NotSsh::Said),
        }
    }

    /// The lines so far, control characters blanked, none longer than 200 characters.
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes)
            .lines()
            .map(|line| {
                let line = line.replace(char::is_control, " ");
                line.trim().chars().take(200).collect::<String>()
            })
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Takes bytes in; false once no more are wanted.
    fn keep(&self, bytes: &[u8]) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OPENING_BYTES - kept.len();
        kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        let greeted = kept.starts_with(b"SSH-") || kept.windows(5).any(|w| w == b"\nSSH-");
        !greeted && kept.len() < OPENING_BYTES
    }

    /// Whether the first line is the greeting of another protocol, after which no SSH will come.
    fn is_another_protocol(&self) -> bool {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reply_code = matches!(bytes.first_chunk(), Some([a, b, c, b' ' | b'-'])
            if [a, b, c].into_iter().all(u8::is_ascii_digit));
        let known: [&[u8]; 4] = [b"HTTP/", b"+OK", b"* OK", b"RFB "];
        reply_code || known.iter().any(|start| bytes.starts_with(start))
    }
}

/// What a port that does not speak SSH 2 said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotSsh {
    Nothing,
    Tls,
    OldSsh(String),
    Said(String),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match this.poll_next(cx, buffer) {
            Poll::Pending => this.poll_leash(cx).map(Err),
            Poll::Ready(Ok(())) if this.listening => {
                this.listening = this.opening.keep(&buffer.filled()[before..]);
                if this.listening && this.opening.is_another_protocol() {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "not an SSH greeting");
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(()))
            }
            ready => ready,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            Poll::Pending => {
                this.read_ahead(cx);
                this.poll_leash(cx).map(Err)
            }
            ready => ready,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The most that is read while nothing can be written, twice the windows of a channel.
const AHEAD_BYTES: usize = 64 * 1024 * 1024;

const SCRATCH: usize = 64 * 1024;

/// What comes in larger pieces is a file, whose segments are acknowledged as they come.
const SMALL: usize = 4096;

/// How much of the opening is kept: more than the library reads before it gives up.
const OPENING_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &[u8], another: bool, expected: Option<NotSsh>) {
        let opening = Opening::default();
        opening.keep(said);
        assert_eq!(opening.is_another_protocol(), another, "{said:?}");
        assert_eq!(opening.not_ssh(), expected, "{said:?}");
    }

    #[test]
    fn what_is_no_ssh_is_named() {
        check(b"SSH-2.0-OpenSSH_9.2\r\n", false, None);
        check(b"hello\r\nSSH-2.0-x\r\n", false, None);
        check(b"SSH-1.99-old\n", false, None);
        check(b"", false, Some(NotSsh::Nothing));
        check(b"\x15\x03\x01\0\x02\x02F", false, Some(NotSsh::Tls));
        check(
            b"SSH-1.5-x\n",
            false,
            Some(NotSsh::OldSsh("SSH-1.5-x".into())),
        );
        check(
            b"220 FTP\x07 here\r\n",
            true,
            Some(NotSsh::Said("220 FTP  here".into())),
        );
        check(b"220-many\r\n", true, Some(NotSsh::Said("220-many".into())));
        check(
            b"HTTP/1.1 400 Bad Request\r\n",
            true,
            Some(NotSsh::Said("HTTP/1.1 400 Bad Request".into())),
        );
        check(
            b"2200 is no code\r\n",
            false,
            Some(NotSsh::Said("2200 is no code".into())),
        );
    }

    #[test]
    fn the_opening_does_not_grow_without_end() {
        let opening = Opening::default();
        assert!(opening.keep(&[b'x'; 5000]));
        assert!(!opening.keep(&[b'x'; 5000]));
        assert_eq!(opening.0.lock().unwrap().len(), OPENING_BYTES);
    }
}
