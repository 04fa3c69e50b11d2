//! Requests and replies over one channel: many requests under way at once, each reply to its own.
//!
//! ```text
//! request() ─► queue ─► writer task ─► channel ─► server
//!                                                    │
//! Reply ◄── by number ◄── reader task ◄── channel ◄──┘
//! ```
//!
//! The reader task does nothing but read and hand over, and handing over never waits, so the channel
//! is always drained. What bounds memory is what is not sent: bodies keep a window of requests, and
//! data to be written is counted in bytes over the whole connection until the server has confirmed it.
//!
//! A [`Reply`] that is dropped abandons its request: the answer is thrown away when it comes, and a
//! handle that comes with it is closed.

use std::{
    collections::{HashMap, hash_map::Entry},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use ftp_connect_core::{Error, ErrorKind, Result};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};

use crate::proto::{self, Frames, MAX_FRAME, Request, Response, Version};

/// The client's side of one `sftp` channel. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    shared: Arc<Shared>,
    queue: mpsc::UnboundedSender<Bytes>,
    budget: Arc<Semaphore>,
}

impl Client {
    /// Exchanges versions and starts the two tasks, which end with the channel.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the server has no SFTP, [`ErrorKind::Protocol`] with what it said
    /// instead.
    pub(crate) async fn start(channel: Channel<Msg>) -> Result<(Self, Version)> {
        let (reader, writer) = channel.split();
        // Not waiting for the word on the subsystem saves a round trip.
        writer
            .data_bytes(proto::init())
            .await
            .map_err(|_| closed(None))?;
        let mut incoming = Incoming {
            channel: reader,
            frames: Frames::default(),
            errors: Vec::new(),
        };
        let version = incoming.version().await?;
        let shared = Arc::new(Shared::default());
        let (queue, queued) = mpsc::unbounded_channel();
        let (alive, ended) = oneshot::channel();
        tokio::spawn(write(queued, writer, ended));
        let reading = read(incoming, Arc::clone(&shared), queue.downgrade());
        tokio::spawn(async move {
            reading.await;
            drop(alive);
        });
        let client = Self {
            shared,
            queue,
            budget: Arc::new(Semaphore::new(WRITE_BUDGET)),
        };
        Ok((client, version))
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
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting {
            reply: sender,
            _permit: permit,
        };
        // A connection that has ended drops the sender, which the reply tells.
        if let Some(id) = self.shared.expect(waiting) {
            let _ = self.queue.send(request.encode(id));
        }
        Reply {
            receiver,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// A reply that has not come yet.
#[derive(Debug)]
pub(crate) struct Reply {
    receiver: oneshot::Receiver<Response>,
    shared: Arc<Shared>,
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
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(self.shared.why_closed())),
        }
    }
}

impl Future for Reply {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Asked again after it told that the connection has ended.
        if this.receiver.is_terminated() {
            return Poll::Ready(Err(this.shared.why_closed()));
        }
        Pin::new(&mut this.receiver)
            .poll(cx)
            .map(|outcome| outcome.map_err(|_| this.shared.why_closed()))
    }
}

/// What both tasks and all requests share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u32, Waiting>,
    last_id: u32,
    /// Why the connection ended, once it has.
    closed: Option<Closed>,
}

#[derive(Debug)]
struct Waiting {
    reply: oneshot::Sender<Response>,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone)]
enum Closed {
    ByServer(String),
    Protocol(String),
}

impl Shared {
    /// Gives a request its number; `None` if the connection has ended.
    fn expect(&self, waiting: Waiting) -> Option<u32> {
        let mut state = self.lock();
        if state.closed.is_some() {
            return None;
        }
        // Numbers come round after four thousand million requests; one may still be waiting then.
        loop {
            state.last_id = state.last_id.wrapping_add(1);
            let id = state.last_id;
            if let Entry::Vacant(free) = state.waiting.entry(id) {
                free.insert(waiting);
                return Some(id);
            }
        }
    }

    fn take(&self, id: u32) -> Option<Waiting> {
        self.lock().waiting.remove(&id)
    }

    /// Ends all that waits.
    fn close(&self, why: Closed) {
        let waiting = {
            let mut state = self.lock();
            state.closed.get_or_insert(why);
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
    }

    fn why_closed(&self) -> Error {
        match self.lock().closed.clone() {
            Some(Closed::Protocol(what)) => Error::new(ErrorKind::Protocol).with_message(what),
            Some(Closed::ByServer(said)) => closed(Some(&said)),
            None => closed(None),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what is queued, small requests together in one SSH packet.
///
/// It ends with the reader, too: a connection that dies while the server's window is full would never
/// let a write go on.
async fn write(
    mut queued: mpsc::UnboundedReceiver<Bytes>,
    channel: ChannelWriteHalf<Msg>,
    mut ended: oneshot::Receiver<()>,
) {
    while let Some(first) = queued.recv().await {
        let mut packet = first;
        if packet.len() < TOGETHER && !queued.is_empty() {
            let mut joined = BytesMut::with_capacity(TOGETHER * 2);
            joined.extend_from_slice(&packet);
            while joined.len() < TOGETHER {
                match queued.try_recv() {
                    Ok(next) => joined.extend_from_slice(&next),
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
}

/// Hands replies over until the channel ends.
async fn read(
    mut incoming: Incoming,
    shared: Arc<Shared>,
    queue: mpsc::WeakUnboundedSender<Bytes>,
) {
    let why = loop {
        match incoming.packet().await {
            Ok(packet) => {
                if let Err(why) = hand_over(packet, &shared, &queue) {
                    break why;
                }
            }
            Err(why) => break why,
        }
    };
    shared.close(why);
}

fn hand_over(
    packet: Bytes,
    shared: &Arc<Shared>,
    queue: &mpsc::WeakUnboundedSender<Bytes>,
) -> Result<(), Closed> {
    let (id, response) = Response::decode(packet)
        .map_err(|_| Closed::Protocol("the server sent a packet that is no SFTP".to_owned()))?;
    let Some(waiting) = shared.take(id) else {
        return Err(Closed::Protocol(format!(
            "the server answered request {id}, which was not asked"
        )));
    };
    if let Err(Response::Handle(handle)) = waiting.reply.send(response)
        && let Some(queue) = queue.upgrade()
    {
        // Nobody waits for this handle any more.
        let (reply, _) = oneshot::channel();
        let waiting = Waiting {
            reply,
            _permit: None,
        };
        if let Some(id) = shared.expect(waiting) {
            let close = Request::Close { handle: &handle };
            let _ = queue.send(close.encode(id));
        }
    }
    Ok(())
}

/// The packets that arrive on the channel.
struct Incoming {
    channel: ChannelReadHalf,
    frames: Frames,
    /// The end of what the server wrote to standard error.
    errors: Vec<u8>,
}

impl Incoming {
    async fn packet(&mut self) -> Result<Bytes, Closed> {
        loop {
            match self.frames.next() {
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) => {}
                Err(length) => {
                    return Err(Closed::Protocol(format!(
                        "the server sent a packet of {length} bytes; {MAX_FRAME} are the most"
                    )));
                }
            }
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => self.frames.push(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.keep_error(&data),
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                    return Err(Closed::ByServer(one_line(&self.errors)));
                }
                Some(_) => {}
            }
        }
    }

    /// The first packet. Text in its place is what a login script printed.
    async fn version(&mut self) -> Result<Version> {
        loop {
            match self.frames.next() {
                Ok(Some(packet)) => {
                    return Version::decode(packet).map_err(|_| {
                        Error::new(ErrorKind::Protocol)
                            .with_message("the server does not begin with its SFTP version")
                    });
                }
                Ok(None) => {}
                Err(_) => {
                    // Let the rest of the text come, but not for long.
                    let _ = timeout(NOISE, self.drain()).await;
                    return Err(noise(self.frames.rest()));
                }
            }
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => self.frames.push(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.keep_error(&data),
                Some(ChannelMsg::Failure) => {
                    return Err(Error::new(ErrorKind::Unsupported)
                        .with_message("the server has no SFTP: it refuses the subsystem")
                        .with_hint("have SFTP turned on at the server, or use another protocol"));
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                    let _ = timeout(NOISE, self.drain()).await;
                    if !self.frames.rest().is_empty() {
                        return Err(noise(self.frames.rest()));
                    }
                    let said = one_line(&self.errors);
                    let mut message = "the server closed the channel before SFTP began".to_owned();
                    if !said.is_empty() {
                        message = format!("{message}: {said}");
                    }
                    return Err(Error::new(ErrorKind::Closed)
                        .with_message(message)
                        .with_hint("the SFTP program of the server may be missing or fail"));
                }
                Some(_) => {}
            }
        }
    }

    async fn drain(&mut self) {
        while self.frames.rest().len() < NOISE_BYTES {
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => self.frames.push(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.keep_error(&data),
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            }
        }
    }

    fn keep_error(&mut self, data: &[u8]) {
        self.errors.extend_from_slice(data);
        let surplus = self.errors.len().saturating_sub(NOISE_BYTES);
        self.errors.drain(..surplus);
    }
}

fn noise(bytes: &[u8]) -> Error {
    Error::new(ErrorKind::Protocol)
        .with_message(format!(
            "the server sent text where SFTP should begin: {}",
            one_line(bytes)
        ))
        .with_hint(
            "a login script of the user prints this: let it print nothing when not interactive",
        )
}

fn closed(said: Option<&str>) -> Error {
    let error = Error::new(ErrorKind::Closed);
    match said.filter(|said| !said.is_empty()) {
        Some(said) => error.with_message(format!("the server closed the connection: {said}")),
        None => error,
    }
}

fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}

/// Bytes of data on the way to the server and not yet confirmed, 16 MiB: a link of 1 Gbit/s with
/// 130 ms of round trip stays full.
pub(crate) const WRITE_BUDGET: usize = 16 * 1024 * 1024;

/// Requests are joined up to this many bytes, the usual size of an SSH packet.
const TOGETHER: usize = 32 * 1024;

/// How long the rest of a text that is no SFTP is waited for.
const NOISE: Duration = Duration::from_millis(300);

/// How much of it is kept.
const NOISE_BYTES: usize = 2048;
