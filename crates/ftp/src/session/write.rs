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
use ftp_connect_ftp_proto::{Argument, Command, Reply, TextSender};

use super::{FtpSession, names, stat::told_size, times::TimeCommand};
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
        if let Some(size) = options.size_hint.filter(|_| self.allocates_before(options)) {
            self.ready().await?;
            self.allocate(size).await?;
        }
        self.ready_to_transfer(options.transfer_type).await?;
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

    /// Whether the server is told how much is coming before it is asked to take it.
    pub(super) fn allocates_before(&self, options: &WriteOptions) -> bool {
        options.size_hint.is_some() && self.features.has("ALLO")
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

    /// The commands that set the attributes of a file that was written; none if one of them cannot be set so.
    fn dressing(&self, path: &RemotePath, options: &WriteOptions) -> Vec<(Attribute, Command)> {
        let mut commands = Vec::new();
        if let Some(modified) = &options.modified {
            let Some((form, command)) = self.time_command(path, modified) else {
                return Vec::new();
            };
            commands.push((Attribute::Time(form), command));
        }
        if let Some(permissions) = options.permissions {
            let command = self.permissions_command(path, permissions);
            match command.ok().filter(|_| self.chmod) {
                Some(command) => commands.push((Attribute::Permissions, command)),
                None => return Vec::new(),
            }
        }
        commands
    }

    fn has_set(&mut self, attribute: Attribute, reply: &Reply) -> bool {
        match attribute {
            Attribute::Time(form) => self.has_set_time(form, reply),
            // Superfluous is not done.
            Attribute::Permissions => reply.is_completion() && reply.code() != 202,
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

/// What a file gets along with its bytes.
#[derive(Debug, Clone, Copy)]
enum Attribute {
    Time(TimeCommand),
    Permissions,
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
    options: WriteOptions,
    /// Whether another file is written after this one, for which a data connection may be asked ahead.
    followed: bool,
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
            options: *options,
            followed: false,
        }
    }

    pub(super) fn followed(mut self, by_another: bool) -> Self {
        self.followed = by_another;
        self
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
            Ok(()) => self.settle(size).await,
            Err(error) => Err(error),
        };
        let (size_after, attributes_set) = match outcome {
            Err(error) if FtpSession::is_lost(&error) => {
                self.session
                    .prove_elsewhere(&self.path, size, error)
                    .await?;
                (size, None)
            }
            outcome => outcome?,
        };
        Ok(Transferred::new(self.taken, true)
            .with_tls_resumed(resumed)
            .with_size_after(size_after)
            .with_attributes_set(attributes_set))
    }

    /// Compares the size that the server tells, for it may say 226 to an upload of which it lost the end. The
    /// attributes are set along with that where the server bears commands together. Gives the size, and whether they
    /// are set.
    async fn settle(&mut self, expected: Option<u64>) -> Result<(Option<u64>, Option<bool>)> {
        let expected = expected.filter(|_| self.session.features.has("SIZE"));
        if !self.session.bears_flights() {
            let size = match expected {
                Some(_) => self.session.size_of(&self.path).await?,
                None => None,
            };
            return Ok((compared(size, expected)?, None));
        }
        let mut commands = Vec::new();
        if expected.is_some() {
            let path = self.session.argument(&self.path)?;
            commands.push(Command::with("SIZE", path));
        }
        let asks = commands.len();
        let dressing = self.session.dressing(&self.path, &self.options);
        commands.extend(dressing.iter().map(|(_, command)| command.clone()));
        let replies = self.session.send_together(commands, self.followed).await?;
        let (sizes, answers) = replies.split_at(asks);
        let mut all = true;
        for ((attribute, _), answer) in dressing.iter().zip(answers) {
            all &= self.session.has_set(*attribute, answer);
        }
        let size = sizes.first().and_then(told_size);
        // One that was refused may be set another way.
        let set = (all && !dressing.is_empty()).then_some(true);
        Ok((compared(size, expected)?, set))
    }

    fn label(&self, error: Error) -> Error {
        error.with_operation(Operation::Write).with_path(&self.path)
    }
}

fn compared(size: Option<u64>, expected: Option<u64>) -> Result<Option<u64>> {
    match (size, expected) {
        (Some(size), Some(expected)) if size != expected => Err(failure::not_whole(format!(
            "the server has {size} bytes, it should have {expected}"
        ))),
        _ => Ok(size),
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
