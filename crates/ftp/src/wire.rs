//! The control connection with its socket.
//!
//! All state is in [`Wire`], none on a future's stack: what is half written, half read or still owed
//! survives a future that is dropped at any await. Every wait has a deadline.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ftp_connect_core::{ConnectParams, Error, ErrorKind, Host, Result};
use ftp_connect_ftp_proto::flow::{Flow, Rest, Step};
use ftp_connect_ftp_proto::{Command, Control, Limits, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use crate::failure;
use crate::security::ChannelSecurity;
use crate::stream::{Socket, Stream, Twin};

/// The control connection.
#[derive(Debug)]
pub(crate) struct Wire {
    channel: Channel,
    control: Control,
    /// To go back to clear text by, where that was asked for.
    twin: Option<Twin>,
    clears: bool,
    reply_timeout: Duration,
    closed: bool,
    /// Whether a transfer was abandoned and nothing has been answered since.
    after_abandoned: bool,
    /// How often the server is to hear something while a transfer runs.
    keep_alive: Option<Duration>,
    last_sent: Instant,
    /// How many of the replies owed are answers to NOOPs that were sent during a transfer.
    pings: usize,
    /// The first of the replies owed, where the login has left some.
    rest: Rest,
    /// The 421 with which the server ended the session.
    goodbye: Option<Reply>,
    /// The server's address; `None` behind a proxy.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) local: SocketAddr,
}

#[derive(Debug)]
enum Channel {
    Clear(Socket),
    Secured(Box<dyn Stream>),
    /// Being secured, or lost.
    Gone,
}

impl Wire {
    pub(crate) fn new(
        tcp: tokio::net::TcpStream,
        peer: Option<SocketAddr>,
        params: &ConnectParams,
    ) -> Result<Self> {
        let local = tcp.local_addr()?;
        let limits = Limits::default().with_reply_bytes(params.limits().reply_bytes);
        Ok(Self {
            channel: Channel::Clear(Socket::new(tcp)),
            control: Control::new(limits),
            twin: None,
            clears: params.tls().danger_clear_command_channel,
            reply_timeout: params.timeouts().reply,
            closed: false,
            after_abandoned: false,
            keep_alive: params.control_keep_alive(),
            last_sent: Instant::now(),
            pings: 0,
            rest: Rest::default(),
            goodbye: None,
            peer,
            local,
        })
    }

    /// Does the TLS handshake. Nothing that came in the clear is read after it.
    pub(crate) async fn secure(
        &mut self,
        security: &dyn ChannelSecurity,
        host: &Host,
    ) -> Result<()> {
        self.control
            .secure()
            .map_err(|error| Error::new(ErrorKind::PlaintextBeforeTls).with_source(error))?;
        let Channel::Clear(mut socket) = std::mem::replace(&mut self.channel, Channel::Gone) else {
            return Err(self.lost("the connection is secured already"));
        };
        socket.restart();
        if self.clears {
            self.twin = Some(socket.twin()?);
        }
        let first = socket.first_bytes();
        let handshake = security.secure_control(socket, host);
        match timeout(self.reply_timeout, handshake).await {
            Ok(Ok(stream)) => {
                self.channel = Channel::Secured(stream);
                Ok(())
            }
            Ok(Err(_)) if first.are_a_reply() => Err(Error::new(ErrorKind::PlaintextOnTlsPort)
                .with_message(format!(
                    "the server speaks in the clear where TLS was expected: {:?}",
                    first.text()
                ))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(failure::timed_out("the TLS handshake", self.reply_timeout)),
        }
    }

    /// Ends TLS on both sides and goes on in the clear (RFC 4217 §5, §15.3).
    ///
    /// # Errors
    /// [`ErrorKind::TlsFailed`] if the server does not end its side: what comes next could not be told from
    /// what it still says in TLS.
    pub(crate) async fn clear(&mut self) -> Result<()> {
        let (Channel::Secured(mut stream), Some(twin)) = (
            std::mem::replace(&mut self.channel, Channel::Gone),
            self.twin.take(),
        ) else {
            return Err(self.lost("the connection is not secured"));
        };
        twin.keep_open();
        let end = async {
            stream.shutdown().await?;
            stream.read(&mut [0]).await
        };
        match timeout(self.reply_timeout, end).await {
            Ok(Ok(0)) => {
                drop(stream);
                self.channel = Channel::Clear(twin.into_socket());
                Ok(())
            }
            _ => {
                self.closed = true;
                Err(Error::new(ErrorKind::TlsFailed)
                    .with_message(
                        "the server agreed to clear the command channel and did not end TLS",
                    )
                    .with_hint("leave danger-clear-command-channel out for this server"))
            }
        }
    }

    /// The stream once it is secured.
    pub(crate) fn secured(&self) -> Option<&dyn Stream> {
        match &self.channel {
            Channel::Secured(stream) => Some(stream.as_ref()),
            Channel::Clear(_) | Channel::Gone => None,
        }
    }

    /// Drives a flow through its commands and replies, to the first step that is something else.
    ///
    /// # Cancel safety
    /// The flow and this object keep all state.
    pub(crate) async fn advance<F: Flow>(&mut self, flow: &mut F) -> Result<Step<F::Output>> {
        loop {
            match flow.step() {
                Step::Send(command) => self.send(&command),
                Step::NeedInput => {
                    let reply = self.next_reply().await?;
                    flow.reply(reply);
                }
                step => return Ok(step),
            }
        }
    }

    /// Drives a flow that has only commands and replies to its end.
    pub(crate) async fn run<F: Flow>(&mut self, mut flow: F) -> Result<F::Output> {
        match self.advance(&mut flow).await? {
            Step::Done(output) => Ok(output),
            Step::Failed(error) => Err(self.refused(error)),
            _ => Err(failure::protocol("a step that does not belong here")),
        }
    }

    /// An error of a flow; where the server says that it closes, the connection counts as closed.
    pub(crate) fn refused(&mut self, error: ftp_connect_ftp_proto::flow::FlowError) -> Error {
        if error.reply().is_some_and(|reply| reply.code() == 421) {
            self.closed = true;
        }
        failure::from_flow(error)
    }

    pub(crate) fn send(&mut self, command: &Command) {
        tracing::debug!(target: "ftp_connect::ftp", %command, "send");
        self.control.send(command);
        self.last_sent = Instant::now();
    }

    /// When the server should hear something, if a transfer goes on until then.
    pub(crate) fn next_ping(&self) -> Option<Instant> {
        // Answers that do not come are not asked for again and again.
        let every = self
            .keep_alive
            .filter(|_| !self.closed && self.pings < MOST_PINGS)?;
        Some(self.last_sent + every)
    }

    /// Sends the NOOP that is due; the caller goes on with [`heard`](Self::heard), which writes it.
    pub(crate) fn ping_if_due(&mut self) {
        if self.next_ping().is_some_and(|at| at <= Instant::now()) {
            self.send(&Command::new("NOOP"));
            self.pings += 1;
        }
    }

    /// The next reply, within the reply deadline.
    ///
    /// # Cancel safety
    /// Cancel safe: a reply is either returned or still there.
    pub(crate) async fn next_reply(&mut self) -> Result<Reply> {
        self.next_reply_within(self.reply_timeout).await
    }

    /// As [`next_reply`](Self::next_reply), with another deadline.
    pub(crate) async fn next_reply_within(&mut self, limit: Duration) -> Result<Reply> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(reply) = self.settled(deadline).await? {
                return Ok(reply);
            }
            // A reply that was begun and has no end is better than none, once there is no more time.
            let over = Instant::now() >= deadline;
            if over && !(limit >= self.reply_timeout && self.control.finish_reply()) {
                return Err(failure::timed_out("a reply", limit));
            }
        }
    }

    /// Waits for the next reply without a deadline of its own, and writes what is to be written.
    ///
    /// # Cancel safety
    /// Cancel safe, as [`next_reply`](Self::next_reply).
    pub(crate) async fn heard(&mut self) -> Result<Reply> {
        loop {
            let quiet = Instant::now() + QUIET;
            if let Some(reply) = self.settled(quiet).await? {
                return Ok(reply);
            }
        }
    }

    /// The next reply, if it comes before the deadline. An answer to a ping or to the login is not given: `None` may
    /// come sooner, so that the caller can see whether anything is still owed.
    async fn settled(&mut self, deadline: Instant) -> Result<Option<Reply>> {
        loop {
            let aside = self.pings + self.rest.unanswered();
            if let Some(reply) = self.taken()? {
                return Ok(Some(reply));
            }
            if self.pings + self.rest.unanswered() != aside {
                return Ok(None);
            }
            if self.closed {
                return Err(self.over());
            }
            match timeout_at(deadline, self.flush()).await {
                Ok(Ok(())) => {}
                // Whoever closes has often said why: an idle 421, a TLS alert.
                Ok(Err(error)) => return self.last_words(error).await.map(Some),
                Err(_) => return Ok(None),
            }
            let quiet = deadline.min(Instant::now() + QUIET);
            let mut buffer = [0; 4096];
            match timeout_at(quiet, self.read(&mut buffer)).await {
                Ok(Ok(0)) if self.control.settle_reply() || self.control.finish_reply() => {}
                Ok(Ok(0)) => return Err(self.lost("the server closed the connection")),
                Ok(read) => {
                    let count = self.noticed(read)?;
                    self.control.received(&buffer[..count]);
                }
                Err(_) if self.control.settle_reply() => {}
                Err(_) if Instant::now() >= deadline => return Ok(None),
                Err(_) => {}
            }
        }
    }

    /// A command could not be sent: what the server has said before it closed, or else the error.
    async fn last_words(&mut self, error: std::io::Error) -> Result<Reply> {
        let mut buffer = [0; 4096];
        while let Ok(read) = timeout(LAST_WORDS, self.read(&mut buffer)).await {
            match read {
                Ok(0) | Err(_) if self.control.settle_reply() => {}
                Ok(0) => break,
                // An error of TLS tells more than that the connection broke.
                Err(cause) if cause.get_ref().is_some() => return self.noticed(Err(cause)),
                Err(_) => break,
                Ok(count) => self.control.received(&buffer[..count]),
            }
            if let Some(reply) = self.taken()? {
                self.closed = true;
                return Ok(reply);
            }
        }
        self.noticed(Err(error))
    }

    /// Takes in, without waiting, what the server may have said while nobody listened: an idle session
    /// is ended by a 421, an end of the stream, or both.
    pub(crate) async fn glance(&mut self) -> Result<()> {
        if self.closed {
            return Err(self.over());
        }
        let mut buffer = [0; 4096];
        loop {
            let glance = {
                let mut reading = pin!(self.read(&mut buffer));
                poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await
            };
            match glance {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => {
                    if self.control.owed() == 0 {
                        self.taken()?;
                    }
                    return Err(self.lost("the server closed the connection"));
                }
                Poll::Ready(read) => {
                    let count = self.noticed(read)?;
                    self.control.received(&buffer[..count]);
                }
            }
        }
        if self.control.owed() == 0 {
            self.taken()?;
        }
        Ok(())
    }

    /// Reads the replies that are still owed from operations that were dropped, a transfer's first.
    ///
    /// Not every server answers all it owes: Pure-FTPd may say nothing more about a transfer whose TLS
    /// data connection was closed, others swallow what is sent during a transfer. After a while of
    /// silence the server is asked something. Answers keep the order of the commands: with that one,
    /// nothing else is owed.
    ///
    /// pyftpdlib says nothing either when the data connection was reset before it accepted it; it keeps the
    /// transfer, and would serve it on the next data connection in the place of what is asked for then.
    /// So a session in which that may be so is given up.
    pub(crate) async fn resynchronise(
        &mut self,
        transfer: Option<Abandoned>,
        limit: Duration,
    ) -> Result<()> {
        let mut begun = transfer.is_some_and(|transfer| transfer.begun);
        self.after_abandoned = false;
        let deadline = Instant::now() + limit;
        let mut asked = None;
        while self.control.owed() > 0 {
            let may_ask = asked.is_none() && (transfer.is_some() || self.pings > 0);
            let until = match may_ask {
                true => deadline.min(Instant::now() + SILENCE),
                false => deadline,
            };
            let reply = match self.settled(until).await {
                Ok(Some(reply)) => reply,
                Ok(None) if Instant::now() < until => continue,
                Ok(None) if may_ask => {
                    let question = Question::fit(self.pings);
                    self.send(&Command::new(question.verb()));
                    asked = Some(question);
                    continue;
                }
                outcome => {
                    let error = self.lost("the answer to an abandoned operation did not come");
                    return Err(match outcome {
                        Err(cause) => error.with_source(cause),
                        Ok(_) => error.with_source(failure::timed_out("a reply", limit)),
                    });
                }
            };
            if asked.is_some_and(|question| question.is_answered_by(&reply)) {
                if begun && transfer.is_some_and(|transfer| !transfer.taken) {
                    return Err(
                        self.lost("the server may still mean to serve an abandoned transfer")
                    );
                }
                self.control.settle_all();
                self.pings = 0;
                self.rest = Rest::default();
            } else if !reply.is_preliminary() {
                begun = false;
            } else if begun {
                // A second preliminary reply after the data connection was cut is the last word.
                self.control.settle_preliminary();
                begun = false;
            } else {
                begun = true;
            }
        }
        // What nobody asked for is looked at too.
        self.taken()?;
        if self.control.is_closing() {
            return Err(self.lost("the server closed the session"));
        }
        Ok(())
    }

    /// Says that a transfer was abandoned: a second last word about it may still come.
    pub(crate) fn abandoned(&mut self) {
        self.after_abandoned = true;
    }

    /// Takes the preliminary reply that came last as the final one.
    pub(crate) fn settle_preliminary(&mut self) {
        self.control.settle_preliminary();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Leaves the answers that the login has not waited for to whoever waits next.
    pub(crate) fn expect(&mut self, rest: Rest) {
        self.rest = rest;
    }

    /// Whether the next reply is that to the next command, but for what the login has left.
    pub(crate) fn is_in_step(&self) -> bool {
        self.control.owed() == self.rest.unanswered() && !self.closed && !self.control.is_closing()
    }

    /// Speaks first to a server that does not greet, and gives what comes back at once. As much is
    /// sent as a TLS library reads before it judges. The connection is of no use afterwards.
    pub(crate) async fn probe(&mut self) -> Vec<u8> {
        let mut buffer = [0; 256];
        let exchange = async {
            match &mut self.channel {
                Channel::Clear(socket) => {
                    socket.write_all(b"NOOP\r\n").await.ok()?;
                    socket.read(&mut buffer).await.ok()
                }
                Channel::Secured(_) | Channel::Gone => None,
            }
        };
        let count = timeout(PROBE, exchange).await.ok().flatten().unwrap_or(0);
        buffer[..count].to_vec()
    }

    /// Ends the connection; under TLS with close_notify, if that can be sent at once.
    pub(crate) async fn close(&mut self, limit: Duration) {
        self.closed = true;
        if let Channel::Secured(stream) = &mut self.channel {
            // A peer that is gone already is as good as one that was told.
            let _ = timeout(limit, stream.shutdown()).await;
        }
        self.channel = Channel::Gone;
    }

    fn taken(&mut self) -> Result<Option<Reply>> {
        loop {
            let owed = self.control.owed();
            let reply = match self.control.next_reply() {
                Ok(Some(reply)) => reply,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.closed = true;
                    return Err(failure::from_reply_error(error));
                }
            };
            tracing::debug!(target: "ftp_connect::ftp", %reply, "received");
            if reply.code() == 421 {
                self.closed = true;
                self.goodbye = Some(reply.clone());
                return Ok(Some(reply));
            }
            if self.rest.unanswered() > 0 {
                if let Err(error) = self.rest.reply(reply) {
                    self.closed = true;
                    return Err(self.refused(error));
                }
                continue;
            }
            // NOOP is answered at once by some servers and after the transfer by others. What is no
            // answer to NOOP is the transfer's, and when that has come the rest are NOOP's.
            if self.pings > 0
                && !reply.is_preliminary()
                && (owed == self.pings || answers_noop(&reply))
            {
                self.pings -= 1;
                continue;
            }
            if std::mem::take(&mut self.after_abandoned) && matches!(reply.code(), 225 | 226 | 426)
            {
                // Some servers say twice that a transfer is over when its connection was cut.
                self.control.set_aside();
                continue;
            }
            return Ok(Some(reply));
        }
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        while !self.control.output().is_empty() {
            let count = match &mut self.channel {
                Channel::Clear(socket) => socket.write(self.control.output()).await?,
                Channel::Secured(stream) => stream.write(self.control.output()).await?,
                Channel::Gone => 0,
            };
            if count == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            self.control.written(count);
        }
        match &mut self.channel {
            Channel::Secured(stream) => stream.flush().await,
            Channel::Clear(_) | Channel::Gone => Ok(()),
        }
    }

    async fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.channel {
            Channel::Clear(socket) => socket.read(buffer).await,
            Channel::Secured(stream) => stream.read(buffer).await,
            Channel::Gone => Ok(0),
        }
    }

    fn noticed<T>(&mut self, result: std::io::Result<T>) -> Result<T> {
        result.map_err(|error| {
            self.closed = true;
            failure::from_io("the control connection failed", error)
        })
    }

    /// Gives the connection up.
    pub(crate) fn lost(&mut self, why: &str) -> Error {
        self.closed = true;
        self.channel = Channel::Gone;
        self.over().with_message(why)
    }

    /// That the connection is closed, with what the server said when it closed it.
    fn over(&mut self) -> Error {
        let said = std::iter::from_fn(|| self.control.unasked()).find(|reply| reply.code() == 421);
        self.goodbye = said.or_else(|| self.goodbye.take());
        match &self.goodbye {
            Some(reply) => failure::closed().with_reply(failure::server_reply(reply)),
            None => failure::closed(),
        }
    }
}

/// What is known of a transfer that was abandoned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abandoned {
    /// Whether it has had its preliminary reply, and no other.
    pub(crate) begun: bool,
    /// Whether the server is known to have taken its data connection.
    pub(crate) taken: bool,
}

/// What a server that says nothing is asked, so that its answer shows where it is.
#[derive(Debug, Clone, Copy)]
enum Question {
    /// Its answer is none that a transfer ends with.
    Noop,
    /// Its answer is none to NOOP either.
    Pwd,
}

impl Question {
    fn fit(pings: usize) -> Self {
        if pings > 0 { Self::Pwd } else { Self::Noop }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Noop => "NOOP",
            Self::Pwd => "PWD",
        }
    }

    fn is_answered_by(self, reply: &Reply) -> bool {
        match self {
            Self::Noop => matches!(reply.code(), 200 | 500 | 502),
            Self::Pwd => reply.code() == 257,
        }
    }
}

/// Whether a reply that came during a transfer may be the answer to NOOP: that it was done, that it is
/// unknown or that it must not be sent now. No transfer ends with one of these.
fn answers_noop(reply: &Reply) -> bool {
    matches!(reply.code(), 200 | 500..=504)
}

/// After this long without a byte, a multi-line reply may end with another code than it began with.
const QUIET: Duration = Duration::from_secs(2);

/// After this long without a word about an abandoned transfer, the server is asked.
const SILENCE: Duration = Duration::from_secs(1);

/// How long a server's word that arrived before a connection broke may be on its way to here.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How many signs of life may be unanswered: they and their answers fit in what two kernels hold.
const MOST_PINGS: usize = 2000;

/// How long a server that says nothing has to answer a probe.
const PROBE: Duration = Duration::from_secs(1);
