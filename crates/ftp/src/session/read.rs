//! Reading a file.

use async_trait::async_trait;
use ftp_connect_core::{
    Error, ErrorKind, LineEnd, Operation, ReadBody, ReadOptions, RemotePath, Result, TransferType,
    Transferred,
};
use ftp_connect_ftp_proto::flow::DataEnd;
use ftp_connect_ftp_proto::{Command, TextReceiver};

use super::FtpSession;
use crate::failure;
use crate::transfer::DataRead;

impl FtpSession {
    /// Begins to read; says whether there is anything to read. The errors name neither operation nor
    /// path.
    pub(super) async fn begin_read(
        &mut self,
        path: &RemotePath,
        options: &ReadOptions,
    ) -> Result<bool> {
        self.ready_to_transfer(options.transfer_type).await?;
        let command = Command::with("RETR", self.argument(path)?);
        let error = match self.begin(&command, options.offset).await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        // Some servers refuse to begin beyond the end, where there is nothing to read.
        let refused = error
            .reply()
            .is_some_and(|reply| (500..600).contains(&reply.code));
        if options.offset > 0
            && refused
            && self.wire.is_in_step()
            && matches!(self.size_of(path).await, Ok(Some(size)) if options.offset >= size)
        {
            return Ok(false);
        }
        Err(error)
    }
}

/// The bytes of a file as they arrive.
#[derive(Debug)]
pub(super) struct FtpRead<'s> {
    session: &'s mut FtpSession,
    path: RemotePath,
    offset: u64,
    /// How many bytes may still be given; `None` for all.
    left: Option<u64>,
    /// What text goes through, when text is read.
    text: Option<Text>,
    state: State,
    bytes: u64,
    /// Whether another file is read after this one.
    followed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Ended(DataEnd),
    /// There was nothing to read from the start.
    Empty,
}

/// Text on its way from the wire to the reader.
#[derive(Debug)]
struct Text {
    lines: TextReceiver,
    raw: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
}

impl Text {
    fn new(line_end: LineEnd) -> Self {
        Self {
            lines: TextReceiver::new(line_end == LineEnd::CrLf),
            raw: vec![0; TEXT],
            ready: Vec::new(),
            given: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.given == self.ready.len()
    }

    /// Gives what is ready.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.ready.len() - self.given);
        buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        if self.is_empty() {
            self.ready.clear();
            self.given = 0;
        }
        count
    }
}

impl<'s> FtpRead<'s> {
    pub(super) fn new(
        session: &'s mut FtpSession,
        begun: bool,
        path: &RemotePath,
        options: &ReadOptions,
    ) -> Self {
        let ascii = options.transfer_type == TransferType::Ascii;
        Self {
            session,
            path: path.clone(),
            offset: options.offset,
            left: options.length,
            text: ascii.then(|| Text::new(options.line_end)),
            state: if begun { State::Running } else { State::Empty },
            bytes: 0,
            followed: false,
        }
    }

    pub(super) fn followed(mut self, by_another: bool) -> Self {
        self.followed = by_another;
        self
    }

    async fn next_bytes(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let most = match self.left {
            Some(left) => buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX)),
            None => buffer.len(),
        };
        let buffer = &mut buffer[..most];
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(text) = &mut self.text
                && !text.is_empty()
            {
                let count = text.take(buffer);
                return Ok(self.counted(count));
            }
            if self.state != State::Running {
                return Ok(0);
            }
            let read = match &mut self.text {
                Some(text) => self.session.read_data(&mut text.raw).await?,
                None => self.session.read_data(buffer).await?,
            };
            match (read, &mut self.text) {
                (DataRead::Bytes(count), None) => return Ok(self.counted(count)),
                (DataRead::Bytes(count), Some(text)) => {
                    text.lines.push(&text.raw[..count], &mut text.ready);
                }
                (DataRead::End(end), text) => {
                    self.state = State::Ended(end);
                    if let Some(text) = text {
                        text.lines.finish(&mut text.ready);
                    }
                }
                (DataRead::Broken(error), _) => return Err(self.session.broken(error).await),
            }
        }
    }

    fn counted(&mut self, count: usize) -> usize {
        self.bytes += count as u64;
        if let Some(left) = &mut self.left {
            *left -= count as u64;
        }
        count
    }

    async fn end(&mut self) -> Result<Transferred> {
        let resumed = self
            .session
            .active
            .as_ref()
            .and_then(|active| active.resumed);
        let end = match self.state {
            State::Empty => return Ok(Transferred::new(0, true)),
            State::Running => {
                // Closing the data connection is what stops every server; what it then says, and
                // whether it had sent all, does not matter.
                self.session.resynchronise().await?;
                return Ok(Transferred::new(self.bytes, false).with_tls_resumed(resumed));
            }
            State::Ended(end) => end,
        };
        // What has to be proven by other commands is proven first.
        if self.followed && end == DataEnd::Clean && self.bytes > 0 {
            self.session.ask_ahead();
        }
        self.session.end_reading().await;
        let concluded = self.session.conclude(end).await;
        let outcome = match concluded.and_then(|concluded| FtpSession::judge(&concluded)) {
            Ok(()) if end == DataEnd::Cut || self.is_suspiciously_empty() => {
                self.prove_whole(end).await
            }
            outcome => outcome,
        };
        match outcome {
            Err(error) if FtpSession::is_lost(&error) => {
                let size = self.text.is_none().then_some(self.offset + self.bytes);
                self.session
                    .prove_elsewhere(&self.path, size, error)
                    .await?;
            }
            outcome => outcome?,
        }
        let all_given = self.text.as_ref().is_none_or(Text::is_empty);
        Ok(Transferred::new(self.bytes, all_given).with_tls_resumed(resumed))
    }

    /// Nothing at all is what a refused or mistaken data connection gives too, so it is not believed
    /// where the server can be asked.
    fn is_suspiciously_empty(&self) -> bool {
        self.bytes == 0 && self.text.is_none() && self.session.features.has("SIZE")
    }

    /// A TLS stream ended without close_notify, so anybody may have cut it: the size must be right.
    /// The size that an empty file must have is asked for too, but need not be known.
    async fn prove_whole(&mut self, end: DataEnd) -> Result<()> {
        let size = match &self.text {
            None => self.session.size_of(&self.path).await?,
            Some(_) => None,
        };
        match size {
            Some(size) if size == self.offset + self.bytes => Ok(()),
            Some(size) if self.bytes == 0 && size < self.offset => Ok(()),
            None if end == DataEnd::Clean => Ok(()),
            Some(size) => Err(failure::not_whole(format!(
                "{} of {size} bytes came",
                self.offset + self.bytes
            ))),
            None => Err(failure::not_whole(
                "the data connection ended without close_notify, and the size is not known",
            )),
        }
    }

    fn label(&self, error: Error) -> Error {
        error.with_operation(Operation::Read).with_path(&self.path)
    }
}

#[async_trait]
impl ReadBody for FtpRead<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.next_bytes(buffer).await;
        read.map_err(|error| self.label(error))
    }

    async fn finish(mut self: Box<Self>) -> Result<Transferred> {
        match self.end().await {
            Ok(transferred) => Ok(transferred),
            Err(error) if *error.kind() == ErrorKind::Refused => {
                // The server began and then said no, without saying why.
                let Self { session, path, .. } = *self;
                let error = session.clarified(error, Operation::Read, &path).await;
                Err(error.with_operation(Operation::Read).with_path(&path))
            }
            Err(error) => Err(self.label(error)),
        }
    }
}

/// How much text is read at once.
const TEXT: usize = 32 * 1024;
