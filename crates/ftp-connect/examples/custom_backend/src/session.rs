//! The session: each operation is a call of `async_ftp`, under a deadline, its error put into the
//! common words.

use std::{fmt, future::Future, io::Cursor, time::Duration};

use async_ftp::{DataStream, FtpError, FtpStream};
use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, ConnectReport, CreateDirOptions, Disposition, Entry, EntryKind, Error, ErrorKind,
    ListOptions, ListSummary, Listing, Operation, ReadBody, ReadOptions, RemotePath, RenameOptions,
    Result, ServerReply, Session, StatOptions, TransferType, Transferred, WriteBody, WriteOptions,
    params::Timeouts,
};
use tokio::io::{AsyncReadExt as _, BufReader};

pub(crate) struct AsyncFtpSession {
    ftp: FtpStream,
    report: ConnectReport,
    login_folder: RemotePath,
    timeouts: Timeouts,
    /// Set while replies are outstanding. An operation that finds it set was preceded by a dropped
    /// future or body, whose replies nobody can tell from its own: the session is then closed.
    busy: bool,
}

impl AsyncFtpSession {
    pub(crate) fn new(
        ftp: FtpStream,
        report: ConnectReport,
        login_folder: RemotePath,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            ftp,
            report,
            login_folder,
            timeouts,
            busy: false,
        }
    }

    /// Claims the connection for one operation.
    fn begin(&mut self, operation: Operation) -> Result<()> {
        if std::mem::replace(&mut self.busy, true) {
            return Err(Error::new(ErrorKind::Closed)
                .with_operation(operation)
                .with_message("an operation before this one was dropped half-way"));
        }
        Ok(())
    }

    /// Gives the connection back, unless replies may still be outstanding.
    fn end<T>(&mut self, result: Result<T>) -> Result<T> {
        let lost = |error: &Error| {
            matches!(
                error.kind(),
                ErrorKind::Closed | ErrorKind::TimedOut | ErrorKind::Protocol
            )
        };
        self.busy = result.as_ref().is_err_and(lost);
        result
    }

    async fn try_stat(&mut self, path: &RemotePath) -> Result<Entry> {
        let limit = self.timeouts.reply;
        if path.is_empty() {
            return Ok(Entry::new(path.clone(), EntryKind::Dir));
        }
        let name = text(path)?;
        // What can be entered is a folder. This comes first: some servers tell a size for folders too.
        match deadline(limit, Operation::Stat, self.ftp.cwd(name)).await {
            Ok(()) => {
                let back = text(&self.login_folder)?.to_owned();
                deadline(limit, Operation::Stat, self.ftp.cwd(&back)).await?;
                Ok(Entry::new(path.clone(), EntryKind::Dir))
            }
            Err(error) if error.reply().is_none() => Err(error),
            Err(_) => {
                let size = deadline(limit, Operation::Stat, self.ftp.size(name)).await;
                let mut entry = Entry::new(path.clone(), EntryKind::File);
                entry.size = size.map_err(not_found)?.map(|size| size as u64);
                Ok(entry)
            }
        }
    }

    async fn try_list(&mut self, path: &RemotePath) -> Result<Vec<Entry>> {
        if !self.try_stat(path).await?.is_dir() {
            return Err(Error::new(ErrorKind::NotADirectory));
        }
        let argument = if path.is_empty() {
            None
        } else {
            Some(text(path)?)
        };
        let limit = self.timeouts.idle;
        let lines = deadline(limit, Operation::List, self.ftp.nlst(argument)).await?;
        let mut entries = Vec::new();
        for line in lines {
            // Some servers give names, some give paths.
            let Some(name) = RemotePath::new(line)?.file_name() else {
                continue;
            };
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            let mut entry = self.try_stat(&path.join(&name)).await?;
            entry.name = name;
            entries.push(entry);
        }
        Ok(entries)
    }

    async fn try_open(
        &mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<BufReader<DataStream>> {
        binary_only(options.transfer_type)?;
        let name = text(path)?;
        let limit = self.timeouts.reply;
        if self.try_stat(path).await?.is_dir() {
            return Err(Error::new(ErrorKind::IsADirectory));
        }
        if options.offset > 0 {
            deadline(
                limit,
                Operation::Read,
                self.ftp.restart_from(options.offset),
            )
            .await?;
        }
        deadline(limit, Operation::Read, self.ftp.get(name))
            .await
            .map_err(not_found)
    }
}

#[async_trait]
impl Session for AsyncFtpSession {
    fn report(&self) -> &ConnectReport {
        &self.report
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::default();
        can.read_offset = true;
        can.rename = true;
        can.remove_file = true;
        can.create_dir = true;
        can.remove_dir = true;
        can.current_dir = true;
        can
    }

    async fn stat(&mut self, path: &RemotePath, _options: StatOptions) -> Result<Entry> {
        self.begin(Operation::Stat)?;
        let result = self.try_stat(path).await;
        self.end(result)
            .map_err(|e| e.with_operation(Operation::Stat).with_path(path))
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        _options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        self.begin(Operation::List)?;
        let result = self.try_list(path).await;
        let entries = self
            .end(result)
            .map_err(|e| e.with_operation(Operation::List).with_path(path))?;
        let mut summary = ListSummary::default();
        summary.entries = entries.len() as u64;
        Ok(Box::new(Collected {
            entries: entries.into_iter(),
            summary,
        }))
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        self.begin(Operation::Read)?;
        match self.try_open(path, options).await {
            // The final reply is outstanding until the body is finished.
            Ok(data) => Ok(Box::new(Download {
                left: options.length,
                session: self,
                data,
                bytes: 0,
                at_end: false,
            })),
            Err(error) => self
                .end(Err(error))
                .map_err(|e| e.with_operation(Operation::Read).with_path(path)),
        }
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        let refuse = |kind| {
            Err(Error::new(kind)
                .with_operation(Operation::Write)
                .with_path(path))
        };
        binary_only(options.transfer_type)?;
        let name = text(path)?.to_owned();
        match options.disposition {
            Disposition::Replace => {}
            Disposition::CreateNew => match self.stat(path, StatOptions::default()).await {
                Ok(_) => return refuse(ErrorKind::AlreadyExists),
                Err(error) if error.kind() == &ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            },
            _ => return refuse(ErrorKind::Unsupported),
        }
        Ok(Box::new(Upload {
            session: self,
            name,
            content: Vec::new(),
        }))
    }

    async fn close(mut self: Box<Self>) -> Result<()> {
        if !self.busy {
            // A peer that just closes is no error.
            let _ = deadline(Duration::from_secs(2), Operation::Close, self.ftp.quit()).await;
        }
        Ok(())
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let (old, new) = (text(from)?, text(to)?);
        self.begin(Operation::Rename)?;
        // FTP servers replace; between this look and the rename another client may come first.
        if !options.replace {
            let result = match self.try_stat(to).await {
                Ok(_) => Err(Error::new(ErrorKind::AlreadyExists)),
                Err(error) if *error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            };
            self.end(result)
                .map_err(|e| e.with_operation(Operation::Rename).with_path(to))?;
            self.begin(Operation::Rename)?;
        }
        let limit = self.timeouts.reply;
        let result = deadline(limit, Operation::Rename, self.ftp.rename(old, new)).await;
        self.end(result.map_err(not_found))
            .map_err(|e| e.with_path(from))
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        let name = text(path)?;
        self.begin(Operation::RemoveFile)?;
        let limit = self.timeouts.reply;
        let result = deadline(limit, Operation::RemoveFile, self.ftp.rm(name)).await;
        self.end(result.map_err(not_found))
            .map_err(|e| e.with_path(path))
    }

    async fn create_dir(&mut self, path: &RemotePath, _options: CreateDirOptions) -> Result<()> {
        let name = text(path)?;
        self.begin(Operation::CreateDir)?;
        let limit = self.timeouts.reply;
        let result = deadline(limit, Operation::CreateDir, self.ftp.mkdir(name)).await;
        self.end(result).map_err(|e| e.with_path(path))
    }

    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        let name = text(path)?;
        self.begin(Operation::RemoveDir)?;
        let limit = self.timeouts.reply;
        let result = deadline(limit, Operation::RemoveDir, self.ftp.rmdir(name)).await;
        self.end(result.map_err(not_found))
            .map_err(|e| e.with_path(path))
    }

    async fn current_dir(&mut self) -> Result<RemotePath> {
        Ok(self.login_folder.clone())
    }
}

impl fmt::Debug for AsyncFtpSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFtpSession")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// A listing that was read at once.
#[derive(Debug)]
struct Collected {
    entries: std::vec::IntoIter<Entry>,
    summary: ListSummary,
}

#[async_trait]
impl Listing for Collected {
    async fn next(&mut self) -> Result<Option<Entry>> {
        Ok(self.entries.next())
    }

    async fn finish(self: Box<Self>) -> Result<ListSummary> {
        Ok(self.summary)
    }
}

struct Download<'s> {
    session: &'s mut AsyncFtpSession,
    data: BufReader<DataStream>,
    left: Option<u64>,
    bytes: u64,
    at_end: bool,
}

#[async_trait]
impl ReadBody for Download<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let room = self
            .left
            .map_or(buffer.len() as u64, |left| left.min(buffer.len() as u64));
        let buffer = &mut buffer[..room as usize];
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = async {
            self.data
                .read(buffer)
                .await
                .map_err(FtpError::ConnectionError)
        };
        let n = deadline(self.session.timeouts.idle, Operation::Read, read).await?;
        self.at_end |= n == 0;
        self.bytes += n as u64;
        self.left = self.left.map(|left| left - n as u64);
        Ok(n)
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let Self {
            session,
            mut data,
            bytes,
            at_end,
            ..
        } = *self;
        // async_ftp cannot stop a transfer: what was not wanted is read and thrown away.
        let mut scratch = vec![0; 64 * 1024];
        let mut ended = at_end;
        while !ended {
            let read = async {
                data.read(&mut scratch)
                    .await
                    .map_err(FtpError::ConnectionError)
            };
            ended = deadline(session.timeouts.idle, Operation::Read, read).await? == 0;
        }
        drop(data);
        let limit = session.timeouts.reply;
        let last = session.ftp.read_response_in(&[226, 250]);
        let result = deadline(limit, Operation::Read, last).await;
        session.end(result)?;
        Ok(Transferred::new(bytes, at_end))
    }
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// An upload. `async_ftp` wants a reader for the whole of it, so it is kept until it is finished.
#[derive(Debug)]
struct Upload<'s> {
    session: &'s mut AsyncFtpSession,
    name: String,
    content: Vec<u8>,
}

#[async_trait]
impl WriteBody for Upload<'_> {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        self.content.extend_from_slice(data);
        Ok(data.len())
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let Self {
            session,
            name,
            content,
        } = *self;
        let bytes = content.len() as u64;
        session.begin(Operation::Write)?;
        let limit = session.timeouts.idle;
        let mut content = Cursor::new(content);
        let put = session.ftp.put(&name, &mut content);
        let result = deadline(limit, Operation::Write, put).await;
        session.end(result)?;
        Ok(Transferred::new(bytes, true))
    }
}

/// Runs a call of async_ftp under a deadline and puts its error into the common words.
pub(crate) async fn deadline<T>(
    limit: Duration,
    operation: Operation,
    call: impl Future<Output = async_ftp::types::Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map_err(in_common_words),
        Err(_) => Err(Error::new(ErrorKind::TimedOut)),
    }
    .map_err(|error| error.with_operation(operation))
}

fn in_common_words(error: FtpError) -> Error {
    match error {
        FtpError::ConnectionError(error) => error.into(),
        FtpError::InvalidResponse(text) => match reply(&text) {
            Some(reply) => {
                let text = reply.text.to_ascii_lowercase();
                let kind = match reply.code {
                    530 => ErrorKind::LoginRefused,
                    500..600 if text.contains("not empty") => ErrorKind::DirectoryNotEmpty,
                    500..600 if text.contains("already exists") => ErrorKind::AlreadyExists,
                    400..500 => ErrorKind::RefusedForNow,
                    500..600 => ErrorKind::Refused,
                    _ => ErrorKind::Protocol,
                };
                Error::new(kind).with_reply(reply)
            }
            None => Error::new(ErrorKind::Closed).with_message("the server closed the connection"),
        },
        other => Error::new(ErrorKind::Protocol).with_message(other.to_string()),
    }
}

/// The reply within async_ftp's message `Expected code …, got response: 550 No such file`.
fn reply(message: &str) -> Option<ServerReply> {
    let (_, line) = message.split_once("got response: ")?;
    let (code, text) = line.split_at_checked(3)?;
    Some(ServerReply {
        code: code.parse().ok()?,
        text: text.trim().to_owned(),
    })
}

/// 550 to a command on a path says that it is not there, or that one may not; most often the first.
fn not_found(error: Error) -> Error {
    match (error.kind(), error.reply()) {
        (ErrorKind::Refused, Some(reply)) if reply.code == 550 => {
            Error::new(ErrorKind::NotFound).with_reply(reply.clone())
        }
        _ => error,
    }
}

fn text(path: &RemotePath) -> Result<&str> {
    path.as_str().ok_or_else(|| {
        Error::new(ErrorKind::InvalidParameter)
            .with_path(path)
            .with_message("async_ftp carries UTF-8 names only")
    })
}

fn binary_only(kind: TransferType) -> Result<()> {
    match kind {
        TransferType::Binary => Ok(()),
        TransferType::Ascii => Err(Error::new(ErrorKind::Unsupported)),
    }
}
