//! What arrives on the channel, and who waits for it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use ftp_connect_core::{Error, ErrorKind, Result};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::sleep,
};

use super::Queued;
use crate::{
    proto::{Frames, MAX_FRAME, Request, Response, Version},
    ssh::Sink,
};

/// The receiving half of a client. The SSH connection's task pushes into it; it never waits.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Only the connection's task takes this one, but while SFTP begins.
    incoming: Mutex<Incoming>,
    state: Mutex<State>,
    /// For closing handles that nobody waits for any more.
    queue: mpsc::WeakUnboundedSender<Queued>,
}

#[derive(Debug)]
struct Incoming {
    frames: Frames,
    phase: Phase,
    /// The end of what the server wrote to standard error.
    errors: Vec<u8>,
}

#[derive(Debug)]
enum Phase {
    /// The first packet has not come.
    Opening(oneshot::Sender<Opened>),
    /// What came is no SFTP; more of it is kept for showing it.
    Noise,
    Running,
    Ended,
}

/// How SFTP began.
#[derive(Debug)]
pub(super) enum Opened {
    Version(Version),
    NoVersion,
    /// The server refuses the subsystem.
    Refused,
    Noise,
    Ended,
}

#[derive(Debug)]
struct State {
    waiting: HashMap<u32, Waiting>,
    last_id: u32,
    /// Why the connection ended, once it has.
    closed: Option<Closed>,
    /// Dropped with the end, for the writer task.
    _alive: Option<oneshot::Sender<()>>,
}

/// Who waits for a reply.
#[derive(Debug)]
pub(super) struct Waiting {
    reply: oneshot::Sender<Response>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Waiting {
    pub(super) fn new(permit: Option<OwnedSemaphorePermit>) -> (Self, oneshot::Receiver<Response>) {
        let (reply, receiver) = oneshot::channel();
        let waiting = Self {
            reply,
            _permit: permit,
        };
        (waiting, receiver)
    }
}

#[derive(Debug, Clone)]
enum Closed {
    ByServer(String),
    Protocol(String),
}

impl Exchange {
    /// Beside it come the way in which SFTP begins, and what ends with the channel.
    pub(super) fn new(
        queue: mpsc::WeakUnboundedSender<Queued>,
    ) -> (Self, oneshot::Receiver<Opened>, oneshot::Receiver<()>) {
        let (opening, opened) = oneshot::channel();
        let (alive, ended) = oneshot::channel();
        let exchange = Self {
            incoming: Mutex::new(Incoming {
                frames: Frames::default(),
                phase: Phase::Opening(opening),
                errors: Vec::new(),
            }),
            state: Mutex::new(State {
                waiting: HashMap::new(),
                last_id: 0,
                closed: None,
                _alive: Some(alive),
            }),
            queue,
        };
        (exchange, opened, ended)
    }

    /// Waits for the first packet. Text in its place is what a login script printed.
    pub(super) async fn version(&self, opened: oneshot::Receiver<Opened>) -> Result<Version> {
        let opened = opened.await.unwrap_or(Opened::Ended);
        if matches!(opened, Opened::Noise | Opened::Ended) {
            // Let the rest of the text come, but not for long.
            sleep(NOISE).await;
        }
        let incoming = lock(&self.incoming);
        match opened {
            Opened::Version(version) => Ok(version),
            Opened::NoVersion => Err(Error::new(ErrorKind::Protocol)
                .with_message("the server does not begin with its SFTP version")),
            Opened::Refused => Err(Error::new(ErrorKind::Unsupported)
                .with_message("the server has no SFTP: it refuses the subsystem")
                .with_hint("have SFTP turned on at the server, or use another protocol")),
            Opened::Noise => Err(noise(incoming.frames.rest())),
            Opened::Ended if !incoming.frames.rest().is_empty() => {
                Err(noise(incoming.frames.rest()))
            }
            Opened::Ended => {
                let said = one_line(&incoming.errors);
                let mut message = "the server closed the channel before SFTP began".to_owned();
                if !said.is_empty() {
                    message = format!("{message}: {said}");
                }
                Err(Error::new(ErrorKind::Closed)
                    .with_message(message)
                    .with_hint("the SFTP program of the server may be missing or fail"))
            }
        }
    }

    /// Gives a request its number; `None` if the connection has ended.
    pub(super) fn expect(&self, waiting: Waiting) -> Option<u32> {
        let mut state = lock(&self.state);
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

    /// Forgets a request that has not been sent, if nobody waits for its reply; says whether it did.
    pub(super) fn forget_abandoned(&self, id: u32) -> bool {
        let mut state = lock(&self.state);
        match state.waiting.entry(id) {
            Entry::Occupied(waiting) if waiting.get().reply.is_closed() => {
                waiting.remove();
                true
            }
            _ => false,
        }
    }

    pub(super) fn why_closed(&self) -> Error {
        match lock(&self.state).closed.clone() {
            Some(Closed::Protocol(what)) => Error::new(ErrorKind::Protocol).with_message(what),
            Some(Closed::ByServer(said)) => closed(Some(&said)),
            None => closed(None),
        }
    }

    /// Takes one packet.
    fn packet(&self, phase: &mut Phase, packet: Bytes) -> Result<(), Closed> {
        match std::mem::replace(phase, Phase::Running) {
            Phase::Opening(opening) => {
                let opened = Version::decode(packet).map_or(Opened::NoVersion, Opened::Version);
                let _ = opening.send(opened);
                Ok(())
            }
            _ => self.hand_over(packet),
        }
    }

    fn hand_over(&self, packet: Bytes) -> Result<(), Closed> {
        let (id, response) = Response::decode(packet)
            .map_err(|_| Closed::Protocol("the server sent a packet that is no SFTP".to_owned()))?;
        let Some(waiting) = lock(&self.state).waiting.remove(&id) else {
            return Err(Closed::Protocol(format!(
                "the server answered request {id}, which was not asked"
            )));
        };
        if let Err(Response::Handle(handle)) = waiting.reply.send(response)
            && let Some(queue) = self.queue.upgrade()
            && let Some(id) = self.expect(Waiting::new(None).0)
        {
            // Nobody waits for this handle any more.
            let packet = Request::Close(&handle).encode(id);
            let _ = queue.send(Queued {
                id,
                packet,
                whatever: true,
            });
        }
        Ok(())
    }

    /// Ends all that waits.
    fn close(&self, why: Closed) {
        let (waiting, alive) = {
            let mut state = lock(&self.state);
            state.closed.get_or_insert(why);
            (std::mem::take(&mut state.waiting), state._alive.take())
        };
        drop((waiting, alive));
    }
}

impl Sink for Exchange {
    fn data(&self, data: &[u8]) {
        let mut incoming = lock(&self.incoming);
        let incoming = &mut *incoming;
        match incoming.phase {
            Phase::Ended => return,
            Phase::Noise if incoming.frames.rest().len() >= NOISE_BYTES => return,
            _ => incoming.frames.push(data),
        }
        while !matches!(incoming.phase, Phase::Noise) {
            let outcome = match incoming.frames.next() {
                Ok(None) => return,
                Ok(Some(packet)) => self.packet(&mut incoming.phase, packet),
                Err(length) => match std::mem::replace(&mut incoming.phase, Phase::Noise) {
                    Phase::Opening(opening) => {
                        let _ = opening.send(Opened::Noise);
                        return;
                    }
                    _ => Err(Closed::Protocol(format!(
                        "the server sent a packet of {length} bytes; {MAX_FRAME} are the most"
                    ))),
                },
            };
            if let Err(why) = outcome {
                incoming.phase = Phase::Ended;
                self.close(why);
                return;
            }
        }
    }

    fn error_text(&self, text: &[u8]) {
        let mut incoming = lock(&self.incoming);
        incoming.errors.extend_from_slice(text);
        let surplus = incoming.errors.len().saturating_sub(NOISE_BYTES);
        incoming.errors.drain(..surplus);
    }

    fn refused(&self) {
        self.end(Opened::Refused);
    }

    fn ended(&self) {
        self.end(Opened::Ended);
    }
}

impl Exchange {
    fn end(&self, how: Opened) {
        let mut incoming = lock(&self.incoming);
        // Text that came in place of SFTP goes on being kept, for the one who waits to show it.
        let phase = std::mem::replace(&mut incoming.phase, Phase::Ended);
        let said = one_line(&incoming.errors);
        drop(incoming);
        if let Phase::Opening(opening) = phase {
            let _ = opening.send(how);
        }
        self.close(Closed::ByServer(said));
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

pub(super) fn closed(said: Option<&str>) -> Error {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the rest of a text that is no SFTP is waited for.
const NOISE: Duration = Duration::from_millis(300);

/// How much of it is kept.
const NOISE_BYTES: usize = 2048;
