//! One transfer of a session: begun, under way, concluded.
//!
//! What belongs to a transfer lives in the session ([`FtpSession::active`]), so that a body or a
//! future may be dropped anywhere; the next operation then finds it there and resynchronises.

use std::pin::pin;
use std::time::Duration;

use ftp_connect_core::dial::DataTarget;
use ftp_connect_core::{Error, ErrorKind, Result};
use ftp_connect_ftp_proto::flow::{DataEnd, Flow as _, FlowError, Step, Transfer, TransferEnd};
use ftp_connect_ftp_proto::{Command, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::data::{self, DataLink};
use crate::failure;
use crate::security::ChannelSecurity;
use crate::session::{FtpSession, RESYNCHRONISE};
use crate::stream::Stream;
use crate::wire::Wire;

/// A transfer under way.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) flow: Transfer,
    /// The data connection, until it has ended.
    pub(crate) data: Option<Box<dyn Stream>>,
    /// Where the data connection goes that the server was promised and may not have been given.
    pub(crate) ahead: Option<DataTarget>,
    /// Whether the server is known to have taken the data connection: it opened it, something came from it, or
    /// TLS stands. That a connection could be opened says nothing: the operating system answers for the server.
    pub(crate) taken: bool,
    /// Whether the bytes go to the server.
    pub(crate) upload: bool,
    /// Bytes of content that went over, in either direction.
    pub(crate) bytes: u64,
    /// Whether the data connection resumed a TLS session; `None` in the clear.
    pub(crate) resumed: Option<bool>,
    /// What was read before the transfer's own reading began.
    pub(crate) early: Vec<u8>,
    /// How the data connection was seen to end before that.
    pub(crate) early_end: Option<DataEnd>,
    /// Why the control connection was lost in the middle. The data may all come through nevertheless.
    pub(crate) lost: Option<Error>,
}

/// The end of a transfer with what is needed to judge it.
#[derive(Debug)]
pub(crate) struct Concluded {
    pub(crate) end: TransferEnd,
    pub(crate) resumed: Option<bool>,
}

/// A transfer without its data connection, so that both can be used at once.
struct Rest<'a> {
    flow: &'a mut Transfer,
    taken: &'a mut bool,
    bytes: &'a mut u64,
    lost: &'a mut Option<Error>,
}

impl FtpSession {
    /// Begins a transfer: a data connection is agreed on, the command sent, the connection secured.
    pub(crate) async fn begin(&mut self, command: &Command, restart: u64) -> Result<()> {
        if !std::mem::take(&mut self.asked_ahead) {
            self.channels.begin();
        }
        // Servers keep an offset until a transfer begins, whatever comes in between: an offset that a
        // dropped or refused transfer has left would cut the beginning off this one.
        let restart = (restart > 0 || self.has_offset).then_some(restart);
        loop {
            let sure = std::mem::take(&mut self.connects);
            let link = data::open(&mut self.wire, &mut self.channels, &self.params, sure).await;
            self.report.passive_address = self.channels.named_address();
            let link = link?;
            let flow = Transfer::new(command.clone(), restart);
            self.has_offset |= restart.is_some();
            self.active = Some(Active {
                flow,
                data: None,
                ahead: match link {
                    DataLink::Ahead { target, .. } => Some(target),
                    _ => None,
                },
                taken: false,
                upload: matches!(command.verb().as_str(), "STOR" | "APPE" | "STOU"),
                bytes: 0,
                resumed: None,
                early: Vec::new(),
                early_end: None,
                lost: None,
            });
            match self.start(link).await {
                Ok(()) => {
                    self.connects = true;
                    self.channels.connected();
                    self.report.data_method = self.channels.works().map(data::named);
                    self.end_writing_ahead().await;
                    if self.is_on_trial() {
                        self.try_out(command).await?;
                    }
                    return Ok(());
                }
                // The server cannot reach the client, or the other way round: another way may work.
                Err(error) if *error.kind() == ErrorKind::DataConnectionFailed => {
                    self.channels.failed();
                    if !self.channels.has_more() {
                        return Err(error);
                    }
                    self.resynchronise().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends the data connection and waits for the server's last word.
    ///
    /// # Cancel safety
    /// Cancel safe: calling it again goes on.
    pub(crate) async fn conclude(&mut self, end: DataEnd) -> Result<Concluded> {
        let limit = self
            .params
            .timeouts()
            .reply
            .max(self.params.timeouts().idle);
        self.conclude_within(end, limit).await
    }

    pub(crate) async fn conclude_within(
        &mut self,
        end: DataEnd,
        limit: Duration,
    ) -> Result<Concluded> {
        let Some(active) = &mut self.active else {
            return Err(failure::protocol("no transfer is under way"));
        };
        active.data = None;
        active.flow.data_ended(end);
        if let Some(error) = active.lost.take() {
            return Err(error);
        }
        let wire = &mut self.wire;
        let deadline = Instant::now() + limit;
        let step = loop {
            match active.flow.step() {
                Step::NeedInput => {}
                Step::Send(command) => {
                    wire.send(&command);
                    continue;
                }
                // The connection has been used already.
                Step::OpenData(_) => continue,
                step => break step,
            }
            wire.ping_if_due();
            let alarm = wire.next_ping().map_or(deadline, |at| at.min(deadline));
            match timeout_at(alarm, wire.heard()).await {
                Ok(reply) => active.flow.reply(reply?),
                Err(_) if Instant::now() >= deadline => {
                    return Err(failure::timed_out("the end of the transfer", limit));
                }
                Err(_) => {}
            }
        };
        let resumed = active.resumed;
        self.active = None;
        match step {
            Step::Done(end) => {
                self.has_offset = false;
                if end.without_final {
                    self.wire.settle_preliminary();
                }
                if let Some(resumed) = resumed
                    && end.reply.is_completion()
                {
                    self.reuse.succeeded(resumed);
                }
                // The answers to NOOP that came with the transfer's are no later operation's. What fails
                // here is said by that operation: the transfer has had its last word.
                if !self.asked_ahead && !self.wire.is_in_step() {
                    let _ = self.wire.resynchronise(None, RESYNCHRONISE).await;
                }
                Ok(Concluded { end, resumed })
            }
            Step::Failed(error) => Err(self.wire.refused(error)),
            _ => Err(failure::protocol("a step that does not belong here")),
        }
    }

    /// Reads from the data connection.
    ///
    /// # Cancel safety
    /// Cancel safe: no bytes are lost.
    pub(crate) async fn read_data(&mut self, buffer: &mut [u8]) -> Result<DataRead> {
        let idle = self.params.timeouts().idle;
        if let Some(active) = &mut self.active {
            if !active.early.is_empty() {
                let count = active.early.len().min(buffer.len());
                buffer[..count].copy_from_slice(&active.early[..count]);
                active.early.drain(..count);
                active.bytes += count as u64;
                return Ok(DataRead::Bytes(count));
            }
            if let Some(end) = active.early_end {
                return Ok(DataRead::End(end));
            }
        }
        let since = Instant::now();
        loop {
            self.wire.ping_if_due();
            let Some((mut active, data)) = running(&mut self.active) else {
                return Err(failure::closed());
            };
            // After a refusal what is on the way still comes; an end that is forgotten is not waited for.
            let failed = active.flow.is_refused();
            let until = since + if failed { LAST_WORD } else { idle };
            let alarm = self.wire.next_ping().map_or(until, |at| at.min(until));
            tokio::select! {
                // What is there counts first.
                biased;
                read = data.read(buffer) => return match read {
                    Ok(0) => Ok(DataRead::End(DataEnd::Clean)),
                    Ok(count) => {
                        *active.taken = true;
                        *active.bytes += count as u64;
                        Ok(DataRead::Bytes(count))
                    }
                    // A TLS stream without its close_notify: whole only if something else proves it.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                        Ok(DataRead::End(DataEnd::Cut))
                    }
                    Err(error) => Ok(DataRead::Broken(error)),
                },
                said = self.wire.heard(), if active.listens() => active.hear(said),
                () = sleep_until(alarm) => {
                    if Instant::now() < until {
                        continue;
                    }
                    if failed {
                        return Ok(DataRead::End(DataEnd::Cut));
                    }
                    return Err(failure::timed_out("the next bytes of the transfer", idle));
                }
            }
        }
    }

    /// Writes to the data connection.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has taken no bytes.
    pub(crate) async fn write_data(&mut self, content: &[u8]) -> Result<std::io::Result<usize>> {
        let idle = self.params.timeouts().idle;
        let until = Instant::now() + idle;
        loop {
            self.wire.ping_if_due();
            let Some((mut active, data)) = running(&mut self.active) else {
                return Err(failure::closed());
            };
            if active.flow.is_refused() {
                // The server has said no and may never read what is sent on.
                return Ok(Err(std::io::ErrorKind::BrokenPipe.into()));
            }
            let alarm = self.wire.next_ping().map_or(until, |at| at.min(until));
            tokio::select! {
                biased;
                written = data.write(content) => {
                    if let Ok(count) = &written {
                        *active.bytes += *count as u64;
                    }
                    return Ok(written);
                }
                said = self.wire.heard(), if active.listens() => active.hear(said),
                () = sleep_until(alarm) => {
                    if Instant::now() >= until {
                        return Err(failure::timed_out("sending the next bytes", idle));
                    }
                }
            }
        }
    }

    /// Says to the peer of the data connection that nothing more comes from here.
    ///
    /// A server may have left TLS tickets unread on a connection that carried an upload. Closing then
    /// would make the kernel send a reset, which throws away what the server has not read. So the
    /// writing direction is ended, and the other one read to its end, or until the server has said
    /// its last word, or for a short while if the server does neither.
    pub(crate) async fn end_writing(&mut self) -> Result<DataEnd> {
        let idle = self.params.timeouts().idle;
        let close = self.params.timeouts().close;
        let Some((mut active, data)) = running(&mut self.active) else {
            return Err(failure::closed());
        };
        let ended = timeout(idle, async {
            data.flush().await?;
            data.shutdown().await
        });
        match ended.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(target: "ftp_connect::ftp", %error, "ending the upload");
                return Ok(DataEnd::Cut);
            }
            Err(_) => return Err(failure::timed_out("sending the last bytes", idle)),
        }
        if data.tls().is_some() {
            let drain = timeout(close, async {
                let mut rest = [0; 4096];
                while data.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            });
            tokio::select! {
                // What has come on the data connection first: a ticket left unread there is one that
                // rustls lacks for the next data connection.
                biased;
                _ = drain => {}
                () = async {
                    // The first word may come this late too.
                    while active.listens() {
                        let said = self.wire.heard().await;
                        active.hear(said);
                    }
                }, if active.listens() => {}
            }
        }
        Ok(DataEnd::Clean)
    }

    /// Sends the close_notify of a download at its beginning, since nothing is written after it: vsftpd waits for
    /// it when it has sent all, which would cost a round trip. The TCP connection stays open both ways.
    async fn end_writing_ahead(&mut self) {
        let close = self.params.timeouts().close;
        if self.ends_early
            && let Some(active) = &mut self.active
            && !active.upload
            && let Some(data) = active.data.as_mut().filter(|data| data.tls().is_some())
        {
            let _ = timeout(close, data.shutdown()).await;
        }
    }

    /// Tells the peer of a download that its end was seen; some wait for that before they answer.
    pub(crate) async fn end_reading(&mut self) {
        let close = self.params.timeouts().close;
        if let Some((_, data)) = running(&mut self.active) {
            // Whatever goes wrong here, the final reply decides.
            let _ = timeout(close, data.shutdown()).await;
        }
    }

    /// Whether the last word of a transfer is a good one.
    pub(crate) fn judge(concluded: &Concluded) -> Result<()> {
        let reply = &concluded.end.reply;
        if reply.is_completion() {
            return Ok(());
        }
        if wants_reuse(reply, concluded.resumed) {
            return Err(reuse_required(reply));
        }
        if reply.is_preliminary() {
            return Err(
                failure::not_whole("the server did not confirm the transfer")
                    .with_reply(failure::server_reply(reply)),
            );
        }
        let error = failure::from_reply(reply);
        Err(match error.kind() {
            ErrorKind::DataConnectionFailed | ErrorKind::Refused | ErrorKind::RefusedForNow => {
                failure::not_whole("the transfer failed").with_reply(failure::server_reply(reply))
            }
            _ => error,
        })
    }

    /// The data connection broke: the server's own reason if it gives one soon.
    pub(crate) async fn broken(&mut self, cause: std::io::Error) -> Error {
        let lost = failure::not_whole(format!("the data connection broke: {cause}"));
        match self.conclude_within(DataEnd::Cut, LAST_WORD).await {
            Ok(concluded) => match Self::judge(&concluded) {
                Err(error) => error.with_source(cause),
                Ok(()) => lost.with_source(cause),
            },
            Err(_) => lost.with_source(cause),
        }
    }

    /// Sends the command and makes the link a stream. Most servers answer before the handshake, and
    /// none may be kept waiting for it; one that says nothing gets the handshake all the same. Sooner only with
    /// vsftpd, and where a session can be spared: a refused transfer spends one, which rustls can offer only once.
    /// ProFTPD resets the connection before it says why, and pyftpdlib loses its way when the command comes after the handshake has begun.
    async fn start(&mut self, link: DataLink) -> Result<()> {
        let Some(active) = &mut self.active else {
            return Err(failure::protocol("no transfer is under way"));
        };
        let wire = &mut self.wire;
        let security = self.security.as_deref();
        let opened_by_server = matches!(link, DataLink::Listening { .. });
        let ends_late = self.ends_early && !active.upload;
        let go_on = Notify::new();
        if self.shakes_hands_early && security.is_some_and(ChannelSecurity::can_spare_session) {
            go_on.notify_one();
        }
        let established = {
            let mut establishing = pin!(async {
                // The command is sent first.
                tokio::task::yield_now().await;
                let tcp = data::connected(link, &self.params).await?;
                go_on.notified().await;
                data::establish(tcp, &self.params, security, ends_late).await
            });
            let mut silent = pin!(sleep(BEGIN));
            loop {
                tokio::select! {
                    // What is there counts first: a last word may come with the data connection.
                    biased;
                    established = &mut establishing => break established,
                    step = wire.advance(&mut active.flow), if !active.flow.is_answered() => {
                        let secured = security.is_some();
                        if let Err(error) = begun(wire, step?, secured, &mut self.has_offset) {
                            self.active = None;
                            return Err(error);
                        }
                        go_on.notify_one();
                    }
                    () = &mut silent, if !silent.is_elapsed() => match active.flow.is_asked() {
                        true => go_on.notify_one(),
                        // REST is not answered yet.
                        false => silent.as_mut().reset(Instant::now() + BEGIN),
                    },
                }
            }
        };
        match established {
            Ok(stream) => {
                active.resumed = stream.tls().map(|tls| tls.resumed);
                active.taken = opened_by_server || stream.tls().is_some();
                active.data = Some(stream);
                active.ahead = None;
                Ok(())
            }
            Err(error)
                if active.ahead.is_some() && *error.kind() == ErrorKind::DataConnectionFailed =>
            {
                Err(self.not_connected(error).await)
            }
            Err(error) if security.is_some() => Err(self.handshake_failed(error).await),
            Err(error) => Err(error),
        }
    }

    /// A data connection did not come about that the server was promised. ProFTPD closes its port when it refuses
    /// the transfer, and its refusal may come later than the reset.
    async fn not_connected(&mut self, error: Error) -> Error {
        match self.conclude_within(DataEnd::Cut, LAST_WORD).await {
            Err(refusal) if refusal.reply().is_some() => refusal,
            _ => error,
        }
    }

    /// The handshake of a data connection failed; the server may say why.
    async fn handshake_failed(&mut self, error: Error) -> Error {
        let Ok(concluded) = self.conclude_within(DataEnd::Cut, LAST_WORD).await else {
            return error;
        };
        let reply = &concluded.end.reply;
        if wants_reuse(reply, Some(false)) && *error.kind() != ErrorKind::SessionNotResumed {
            return reuse_required(reply);
        }
        error.with_reply(failure::server_reply(reply))
    }
}

impl Rest<'_> {
    /// Whether the control connection may still say something about the transfer.
    fn listens(&self) -> bool {
        self.lost.is_none() && !self.flow.is_answered()
    }

    /// Takes what the control connection gave in the middle of the transfer. That it is lost matters in
    /// the end only: the data may all come through.
    fn hear(&mut self, said: Result<Reply>) {
        match said {
            Ok(reply) => self.flow.reply(reply),
            Err(error) => *self.lost = Some(error),
        }
    }
}

/// What a step of a transfer says that has no data connection yet: it has begun, or is over.
fn begun(
    wire: &mut Wire,
    step: Step<TransferEnd>,
    secured: bool,
    has_offset: &mut bool,
) -> Result<()> {
    match step {
        Step::OpenData(_) => Ok(()),
        Step::Failed(error) => {
            *has_offset &= !refuses_offset(&error);
            Err(wire.refused(error))
        }
        // Begun and refused before a byte went over.
        Step::Done(end) => {
            let resumed = secured.then_some(false);
            let concluded = Concluded { end, resumed };
            match FtpSession::judge(&concluded) {
                // IIS says 150 before it connects, and 425 when it cannot: another way to a data connection
                // may do.
                Err(_) if concluded.end.reply.code() == 425 && !secured => {
                    Err(failure::from_reply(&concluded.end.reply))
                }
                Err(error) => Err(error),
                Ok(()) => Err(failure::protocol("the transfer ended before it began")),
            }
        }
        _ => Err(failure::protocol("a step that does not belong here")),
    }
}

/// The transfer under way without its data connection, and that, while it is there.
fn running(active: &mut Option<Active>) -> Option<(Rest<'_>, &mut Box<dyn Stream>)> {
    let Active {
        flow,
        data,
        taken,
        bytes,
        lost,
        ..
    } = active.as_mut()?;
    let rest = Rest {
        flow,
        taken,
        bytes,
        lost,
    };
    Some((rest, data.as_mut()?))
}

/// What a read of the data connection gave.
#[derive(Debug)]
pub(crate) enum DataRead {
    Bytes(usize),
    End(DataEnd),
    Broken(std::io::Error),
}

/// Whether a server has no offsets at all.
fn refuses_offset(error: &FlowError) -> bool {
    matches!(error, FlowError::Refused { verb, .. } if verb == "REST")
}

/// A server that wants its data connections to resume the control connection's session does the
/// handshake, sends nothing, ends cleanly, and only then says 522 or 425.
fn wants_reuse(reply: &Reply, resumed: Option<bool>) -> bool {
    match resumed {
        None | Some(true) => false,
        Some(false) => {
            // Bytes tell nothing: those of an upload have left before the server says no.
            reply.is_negative() && (reply.mentions("reuse") || matches!(reply.code(), 425 | 522))
        }
    }
}

fn reuse_required(reply: &Reply) -> Error {
    Error::new(ErrorKind::SessionReuseRequired).with_reply(failure::server_reply(reply))
}

/// How long a server may say nothing to the command before the handshake begins without its word.
const BEGIN: Duration = Duration::from_secs(3);

/// How long to wait for the reason after a data connection broke.
const LAST_WORD: Duration = Duration::from_secs(5);
