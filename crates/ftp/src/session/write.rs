//! Writing a file.
//!
//! STOR replaces, APPE adds to the end. An upload is continued with APPE after SIZE agrees: REST with
//! STOR cuts or overwrites the file on several servers.

use async_trait::async_trait;
use ftp_connect_core::{
    Disposition, Error, ErrorKind, Operation, RemotePath, Result, TransferType, Transferred,
    WriteBody, WriteOptions,
};
use ftp_connect_ftp_proto::flow::DataEnd;
use ftp_connect_ftp_proto::{Argument, Command, TextSender};

use super::{FtpSession, names};
use crate::failure;

impl FtpSession {
    /// Begins to write; gives the size that the file has before, where the size afterwards can be
    /// checked. The errors name neither operation nor path.
    pub(super) async fn begin_write(
        &mut self,
        path: &RemotePath,
        options: &WriteOptions,
    ) -> Result<Option<u64>> {
        let (verb, before) = match options.disposition {
            Disposition::Replace => ("STOR", Some(0)),
            Disposition::CreateNew => {
                self.refuse_existing(path).await?;
                ("STOR", Some(0))
            }
            Disposition::Append => ("APPE", None),
            Disposition::Resume(at) => {
                self.agree_on_size(path, at).await?;
                (if at == 0 { "STOR" } else { "APPE" }, Some(at))
            }
            _ => return Err(Error::new(ErrorKind::Unsupported)),
        };
        self.ready().await?;
        if self.features.has("ALLO")
            && let Some(size) = options.size_hint
        {
            self.allocate(size).await?;
        }
        self.set_type(options.transfer_type).await?;
        let command = Command::with(verb, self.argument(path)?);
        match (self.begin(&command, 0).await, options.size_hint) {
            (Err(error), Some(size)) if wants_allocation(&error) => {
                self.allocate(size).await?;
                self.begin(&command, 0).await?;
            }
            (begun, _) => begun?,
        }
        Ok(before.filter(|_| options.transfer_type == TransferType::Binary))
    }

    /// Tells how much is coming (RFC 959 §4.1.3), for servers that reserve room. Most have no need of it and
    /// say 202, or do not know it; all of that is as good.
    async fn allocate(&mut self, size: u64) -> Result<()> {
        let size = Argument::new(size.to_string()).map_err(names::refused)?;
        let reply = self.exchange(Command::with("ALLO", size)).await?;
        let error = failure::from_reply(&reply);
        match error.kind() {
            ErrorKind::NoSpace => Err(error),
            _ => Ok(()),
        }
    }

    async fn agree_on_size(&mut self, path: &RemotePath, at: u64) -> Result<()> {
        self.ready().await?;
        let size = match self.size_of(path).await? {
            Some(size) => Some(size),
            None => match self.look_up(path).await {
                Ok(entry) => entry.size,
                Err(error) if *error.kind() == ErrorKind::NotFound => Some(0),
                Err(error) => return Err(error),
            },
        };
        if size == Some(at) {
            return Ok(());
        }
        let there = match size {
            Some(size) => format!("has {size} bytes"),
            None => "has an unknown size".to_owned(),
        };
        Err(Error::new(ErrorKind::Refused)
            .with_message(format!(
                "cannot continue at {at}: the file on the server {there}"
            ))
            .with_hint("write the file from its beginning"))
    }
}

/// Whether a server wants ALLO before it stores anything.
fn wants_allocation(error: &Error) -> bool {
    error.reply().is_some_and(|reply| {
        reply.code >= 400
            && reply
                .text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == "ALLO")
    })
}

/// The way for the bytes of a file to the server.
#[derive(Debug)]
pub(super) struct FtpWrite<'s> {
    session: &'s mut FtpSession,
    path: RemotePath,
    /// How many bytes the file had before, if its size can be checked in the end.
    before: Option<u64>,
    /// The line ends of text, when text is written.
    text: Option<TextSender>,
    /// Text that was taken, in its form for the way, and how much of that has gone.
    pending: Vec<u8>,
    sent: usize,
    /// Bytes that were taken.
    taken: u64,
}

impl<'s> FtpWrite<'s> {
    pub(super) fn new(
        session: &'s mut FtpSession,
        before: Option<u64>,
        path: &RemotePath,
        options: &WriteOptions,
    ) -> Self {
        Self {
            session,
            path: path.clone(),
            before,
            text: (options.transfer_type == TransferType::Ascii).then(TextSender::default),
            pending: Vec::new(),
            sent: 0,
            taken: 0,
        }
    }

    async fn next_bytes(&mut self, data: &[u8]) -> Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        if self.text.is_none() {
            let count = send(self.session, data).await?;
            self.taken += count as u64;
            return Ok(count);
        }
        self.send_pending().await?;
        let count = data.len().min(TEXT);
        if let Some(text) = &mut self.text {
            text.push(&data[..count], &mut self.pending);
        }
        self.taken += count as u64;
        Ok(count)
    }

    /// # Cancel safety
    /// Cancel safe: what has gone is counted.
    async fn send_pending(&mut self) -> Result<()> {
        while self.sent < self.pending.len() {
            self.sent += send(self.session, &self.pending[self.sent..]).await?;
        }
        self.pending.clear();
        self.sent = 0;
        Ok(())
    }

    async fn end(&mut self) -> Result<Transferred> {
        self.send_pending().await?;
        let resumed = self
            .session
            .active
            .as_ref()
            .and_then(|active| active.resumed);
        let end = self.session.end_writing().await?;
        let concluded = self.session.conclude(end).await;
        let outcome = concluded.and_then(|concluded| FtpSession::judge(&concluded));
        let size = self.before.map(|before| before + self.taken);
        if end == DataEnd::Cut {
            // The server's own reason, if it gave one.
            outcome?;
            return Err(failure::not_whole("the end of the file could not be sent"));
        }
        let outcome = match outcome {
            Ok(()) => self.compare(size).await,
            Err(error) => Err(error),
        };
        let size_after = match outcome {
            Err(error) if FtpSession::is_lost(&error) => {
                self.session
                    .prove_elsewhere(&self.path, size, error)
                    .await?;
                size
            }
            outcome => outcome?,
        };
        Ok(Transferred::new(self.taken, true)
            .with_tls_resumed(resumed)
            .with_size_after(size_after))
    }

    /// A server may say 226 to an upload of which it lost the end. Gives the size that it tells.
    async fn compare(&mut self, expected: Option<u64>) -> Result<Option<u64>> {
        let Some(expected) = expected.filter(|_| self.session.features.has("SIZE")) else {
            return Ok(None);
        };
        let size = self.session.size_of(&self.path).await?;
        match size {
            Some(size) if size != expected => Err(failure::not_whole(format!(
                "the server has {size} bytes, it should have {expected}"
            ))),
            size => Ok(size),
        }
    }

    fn label(&self, error: Error) -> Error {
        error.with_operation(Operation::Write).with_path(&self.path)
    }
}

async fn send(session: &mut FtpSession, bytes: &[u8]) -> Result<usize> {
    match session.write_data(bytes).await? {
        Ok(0) => Err(failure::not_whole(
            "the data connection takes no more bytes",
        )),
        Ok(count) => Ok(count),
        Err(error) => Err(session.broken(error).await),
    }
}

#[async_trait]
impl WriteBody for FtpWrite<'_> {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        let written = self.next_bytes(data).await;
        written.map_err(|error| self.label(error))
    }

    async fn finish(mut self: Box<Self>) -> Result<Transferred> {
        let ended = self.end().await;
        ended.map_err(|error| self.label(error))
    }
}

/// How much text is taken at once.
const TEXT: usize = 32 * 1024;
