//! One transfer of a session: begun, under way, concluded.
//!
//! What belongs to a transfer lives in the session ([`FtpSession::active`]), so that a body or a
//! future may be dropped anywhere; the next operation then finds it there and resynchronises.

use std::pin::pin;
use std::time::Duration;

use ftp_connect_core::{Error, ErrorKind, Result};
use ftp_connect_ftp_proto::flow::{DataEnd, Step, Transfer, TransferEnd};
use ftp_connect_ftp_proto::{Command, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::data::{self, DataLink};
use crate::failure;
use crate::session::FtpSession;
use crate::stream::Stream;

/// A transfer under way.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) flow: Transfer,
    /// The data connection, until it has ended.
    pub(crate) data: Option<Box<dyn Stream>>,
    /// Bytes of content that went over, in either direction.
    pub(crate) bytes: u64,
    /// Whether the data connection resumed a TLS session; `None` in the clear.
    pub(crate) resumed: Option<bool>,
    /// What was read before the transfer's own reading began.
    pub(crate) early: Vec<u8>,
    /// How the data connection was seen to end before that.
    pub(crate) early_end: Option<DataEnd>,
}

/// The end of a transfer with what is needed to judge it.
#[derive(Debug)]
pub(crate) struct Concluded {
    pub(crate) end: TransferEnd,
    pub(crate) bytes: u64,
    pub(crate) resumed: Option<bool>,
}

impl FtpSession {
    /// Begins a transfer: a data connection is agreed on, the command sent, the connection secured.
    pub(crate) async fn begin(&mut self, command: &Command, restart: u64) -> Result<()> {
        self.channels.begin();
        loop {
            let link = data::open(&mut self.wire, &mut self.channels, &self.params).await?;
            let flow = Transfer::new(command.clone(), Some(restart));
            self.active = Some(Active {
                flow,
                data: None,
                bytes: 0,
                resumed: None,
                early: Vec::new(),
                early_end: None,
            });
            match self.start(link).await {
                Ok(()) => {
                    self.channels.connected();
                    self.report.data_method = self.channels.works().map(data::named);
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
        let step = timeout(limit, async {
            loop {
                match self.wire.advance(&mut active.flow).await {
                    // The connection has been used already.
                    Ok(Step::OpenData(_)) => {}
                    step => return step,
                }
            }
        });
        let step = match step.await {
            Ok(step) => step?,
            Err(_) => return Err(failure::timed_out("the end of the transfer", limit)),
        };
        let (bytes, resumed) = (active.bytes, active.resumed);
        self.active = None;
        match step {
            Step::Done(end) => {
                if end.without_final {
                    self.wire.settle_preliminary();
                }
                if let Some(resumed) = resumed
                    && end.reply.is_completion()
                {
                    self.reuse.succeeded(resumed);
                }
                Ok(Concluded {
                    end,
                    bytes,
                    resumed,
                })
            }
            Step::Failed(error) => Err(self.wire.refused(error)),
            _ => Err(failure::protocol("a step that does not belong here")),
        }
    }

    /// Reads from the data connection; `None` at its end, which is then known to the transfer.
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
        let Some((total, data)) = self.active_data() else {
            return Err(failure::closed());
        };
        match timeout(idle, data.read(buffer)).await {
            Ok(Ok(0)) => Ok(DataRead::End(DataEnd::Clean)),
            Ok(Ok(count)) => {
                *total += count as u64;
                Ok(DataRead::Bytes(count))
            }
            // A TLS stream without its close_notify: whole only if something else proves it.
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Ok(DataRead::End(DataEnd::Cut))
            }
            Ok(Err(error)) => Ok(DataRead::Broken(error)),
            Err(_) => Err(failure::timed_out("the next bytes of the transfer", idle)),
        }
    }

    /// Writes to the data connection.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has taken no bytes.
    pub(crate) async fn write_data(&mut self, bytes: &[u8]) -> Result<std::io::Result<usize>> {
        let idle = self.params.timeouts().idle;
        let Some((total, data)) = self.active_data() else {
            return Err(failure::closed());
        };
        match timeout(idle, data.write(bytes)).await {
            Ok(Ok(count)) => {
                *total += count as u64;
                Ok(Ok(count))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(_) => Err(failure::timed_out("sending the next bytes", idle)),
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
        let Some(active) = &mut self.active else {
            return Err(failure::closed());
        };
        let Some(data) = &mut active.data else {
            return Ok(DataEnd::Clean);
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
            let flow = &mut active.flow;
            let wire = &mut self.wire;
            let drain = timeout(close, async {
                let mut rest = [0; 4096];
                while data.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            });
            tokio::select! {
                // What has come on the data connection first: a ticket left unread there is one that
                // rustls lacks for the next data connection.
                biased;
                _ = drain => {}
                reply = wire.next_reply(), if !flow.is_answered() => {
                    use ftp_connect_ftp_proto::flow::Flow as _;
                    flow.reply(reply?);
                }
            }
        }
        Ok(DataEnd::Clean)
    }

    /// Tells the peer of a download that its end was seen; some wait for that before they answer.
    pub(crate) async fn end_reading(&mut self) {
        let close = self.params.timeouts().close;
        if let Some((_, data)) = self.active_data() {
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

    /// The count of bytes and the data connection, while it is there.
    fn active_data(&mut self) -> Option<(&mut u64, &mut Box<dyn Stream>)> {
        let active = self.active.as_mut()?;
        Some((&mut active.bytes, active.data.as_mut()?))
    }

    /// Sends the command and makes the link a stream. Most servers answer before the handshake, and
    /// none may be kept waiting for it; one that says nothing gets the handshake all the same.
    async fn start(&mut self, link: DataLink) -> Result<()> {
        let Some(active) = &mut self.active else {
            return Err(failure::protocol("no transfer is under way"));
        };
        let wire = &mut self.wire;
        match timeout(BEGIN, wire.advance(&mut active.flow)).await {
            Ok(Ok(Step::OpenData(_))) | Err(_) => {}
            Ok(Ok(Step::Failed(error))) => {
                let error = wire.refused(error);
                self.active = None;
                return Err(error);
            }
            Ok(Ok(_)) => return Err(failure::protocol("a step that does not belong here")),
            Ok(Err(error)) => return Err(error),
        }
        let security = self.security.as_deref();
        let secured = security.is_some();
        let established = {
            let mut establishing = pin!(data::establish(link, &self.params, security));
            loop {
                tokio::select! {
                    // What is there counts first: a last word may come with the data connection.
                    biased;
                    established = &mut establishing => break established,
                    step = wire.advance(&mut active.flow), if !active.flow.is_answered() => match step? {
                        Step::OpenData(_) => {}
                        Step::Failed(error) => {
                            let error = wire.refused(error);
                            self.active = None;
                            return Err(error);
                        }
                        // Begun and refused before a byte went over.
                        Step::Done(end) => {
                            let tls = security.map(|_| false);
                            let concluded = Concluded { end, bytes: 0, resumed: tls };
                            self.active = None;
                            return match Self::judge(&concluded) {
                                // IIS says 150 before it connects, and 425 when it cannot: another way
                                // to a data connection may do.
                                Err(_) if concluded.end.reply.code() == 425 && tls.is_none() => {
                                    Err(failure::from_reply(&concluded.end.reply))
                                }
                                Err(error) => Err(error),
                                Ok(()) => Err(failure::protocol("the transfer ended before it began")),
                            };
                        }
                        _ => return Err(failure::protocol("a step that does not belong here")),
                    },
                }
            }
        };
        match established {
            Ok(stream) => {
                active.resumed = stream.tls().map(|tls| tls.resumed);
                active.data = Some(stream);
                Ok(())
            }
            Err(error) if secured => Err(self.handshake_failed(error).await),
            Err(error) => Err(error),
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

/// What a read of the data connection gave.
#[derive(Debug)]
pub(crate) enum DataRead {
    Bytes(usize),
    End(DataEnd),
    Broken(std::io::Error),
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
