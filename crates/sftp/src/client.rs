//! Requests and replies over one channel: many requests under way at once, each reply to its own.
//!
//! ```text
//! request() ─► queue ─► writer task ─► channel ─► server
//!                                                    │
//! Reply ◄── by number ◄── Exchange ◄─── channel ◄────┘
//! ```
//!
//! What arrives is taken in by [`Exchange`] inside the SSH connection's own task and handed over there, and
//! handing over never waits, so the channel is always drained. What bounds memory is what is not sent: bodies
//! keep a window of requests, and data to be written is counted in bytes over the whole channel until the
//! server has confirmed it.
//!
//! A [`Reply`] that is dropped abandons its request: if that has not been sent yet, it never is; otherwise the
//! answer is thrown away when it comes, and a handle that comes with it is closed.

mod exchange;
#[cfg(fuzzing)]
pub mod fuzzing;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use ftp_connect_core::{Error, ErrorKind, Result};
use russh::{ChannelWriteHalf, client::Msg};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};

use self::exchange::{Exchange, Opened, Waiting, closed};
use crate::{
    proto::{self, Request, Response, Version},
    ssh::Ssh,
};

/// The client's side of one `sftp` channel. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    exchange: Arc<Exchange>,
    queue: mpsc::UnboundedSender<Queued>,
    budget: Arc<Semaphore>,
}

impl Client {
    /// Opens a channel, sends the version, and starts the writer task, which ends with the channel. Requests may
    /// be made at once, behind the version.
    ///
    /// # Errors
    /// What [`Ssh::open_sftp`] says.
    pub(crate) async fn start(ssh: &Ssh, limit: Duration) -> Result<(Self, Opening)> {
        let (queue, queued) = mpsc::unbounded_channel();
        let (exchange, opening, ended) = Exchange::new(queue.downgrade());
        let exchange = Arc::new(exchange);
        let channel = ssh.open_sftp(Arc::clone(&exchange) as _, limit).await?;
        // Not waiting for the word on the subsystem saves a round trip.
        channel
            .data_bytes(proto::init())
            .await
            .map_err(|_| closed(None))?;
        tokio::spawn(write(queued, Arc::clone(&exchange), channel, ended));
        let client = Self {
            exchange,
            queue,
            budget: Arc::new(Semaphore::new(WRITE_BUDGET)),
        };
        Ok((client, Opening(opening)))
    }

    /// Waits for the server's version.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the server has no SFTP, [`ErrorKind::Protocol`] with what it said
    /// instead.
    pub(crate) async fn version(&self, opening: Opening) -> Result<Version> {
        self.exchange.version(opening.0).await
    }

    /// Sends a request; the reply comes through what is returned.
    pub(crate) fn request(&self, request: &Request<'_>) -> Reply {
        self.send(request, None)
    }

    /// Sends data; the permit is given back when the server has answered.
    pub(crate) fn write(&self, request: &Request<'_>, permit: OwnedSemaphorePermit) -> Reply {
        self.send(request, Some(permit))
    }

    /// Waits until that many bytes may be under way.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        let bytes = bytes.min(WRITE_BUDGET) as u32;
        let room = Arc::clone(&self.budget).acquire_many_owned(bytes);
        room.await.map_err(|_| closed(None))
    }

    /// [`Client::room`], if it is there now.
    pub(crate) fn room_now(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = bytes.min(WRITE_BUDGET) as u32;
        Arc::clone(&self.budget).try_acquire_many_owned(bytes).ok()
    }

    fn send(&self, request: &Request<'_>, permit: Option<OwnedSemaphorePermit>) -> Reply {
        let (waiting, receiver) = Waiting::new(permit);
        // A connection that has ended drops the sender, which the reply tells.
        if let Some(id) = self.exchange.expect(waiting) {
            let _ = self.queue.send(Queued {
                id,
                packet: request.encode(id),
                // A handle is given back whether somebody waits for the word on it or not.
                whatever: matches!(request, Request::Close(_)),
            });
        }
        Reply {
            receiver,
            exchange: Arc::clone(&self.exchange),
        }
    }
}

/// How SFTP begins on a channel, which is not known yet.
#[derive(Debug)]
pub(crate) struct Opening(oneshot::Receiver<Opened>);

/// A request on its way to the channel.
#[derive(Debug)]
struct Queued {
    id: u32,
    packet: Bytes,
    /// Sent also if nobody waits for the answer.
    whatever: bool,
}

/// A reply that has not come yet.
#[derive(Debug)]
pub(crate) struct Reply {
    receiver: oneshot::Receiver<Response>,
    exchange: Arc<Exchange>,
}

impl Reply {
    /// Waits for the reply, at most that long.
    ///
    /// # Cancel safety
    /// Cancel safe: the reply is either returned or still to come.
    pub(crate) async fn wait(&mut self, limit: Duration) -> Result<Response> {
        timeout(limit, self).await.map_err(|_| {
            Error::new(ErrorKind::TimedOut).with_message(format!(
                "no answer from the server after {} s",
                limit.as_secs_f32()
            ))
        })?
    }

    /// The reply, if it has come.
    pub(crate) fn now(&mut self) -> Option<Result<Response>> {
        match self.receiver.try_recv() {
            Ok(response) => Some(Ok(response)),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(self.exchange.why_closed())),
        }
    }
}

impl Future for Reply {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Asked again after it told that the connection has ended.
        if this.receiver.is_terminated() {
            return Poll::Ready(Err(this.exchange.why_closed()));
        }
        Pin::new(&mut this.receiver)
            .poll(cx)
            .map(|outcome| outcome.map_err(|_| this.exchange.why_closed()))
    }
}

/// Sends what is queued, small requests together in one SSH packet.
///
/// It ends with what arrives, too: a connection that dies while the server's window is full would never let a
/// write go on.
async fn write(
    mut queued: mpsc::UnboundedReceiver<Queued>,
    exchange: Arc<Exchange>,
    channel: ChannelWriteHalf<Msg>,
    mut ended: oneshot::Receiver<()>,
) {
    let wanted = |next: &Queued| next.whatever || !exchange.forget_abandoned(next.id);
    while let Some(first) = queued.recv().await {
        if !wanted(&first) {
            continue;
        }
        let mut packet = first.packet;
        if packet.len() < TOGETHER && !queued.is_empty() {
            let mut joined = BytesMut::with_capacity(TOGETHER * 2);
            joined.extend_from_slice(&packet);
            while joined.len() < TOGETHER {
                match queued.try_recv() {
                    Ok(next) if wanted(&next) => joined.extend_from_slice(&next.packet),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            packet = joined.freeze();
        }
        tokio::select! {
            sent = channel.data_bytes(packet) => {
                if sent.is_err() {
                    return;
                }
            }
            _ = &mut ended => return,
        }
    }
    // All clients are gone.
    let _ = channel.eof().await;
    let _ = channel.close().await;
}

/// Bytes of data on the way to the server and not yet confirmed, 16 MiB: a link of 1 Gbit/s with
/// 130 ms of round trip stays full.
pub(crate) const WRITE_BUDGET: usize = 16 * 1024 * 1024;

/// Requests are joined up to this many bytes, the usual size of an SSH packet.
const TOGETHER: usize = 32 * 1024;
