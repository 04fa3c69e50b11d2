//! What a check works with: its session, its names, and the steps that many checks share.

use std::error::Error as StdError;

use ftp_connect_core::{
    Capabilities, Disposition, Entry, EntryKind, Error, ErrorKind, ListOptions, ListSummary,
    ReadOptions, RemotePath, Result, Session, StatOptions, Transferred, WriteOptions,
};

/// Why a check ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(String),
    Skipped(String),
}

impl Stop {
    pub(super) fn failed<T>(cause: impl Into<String>) -> Result<T, Self> {
        Err(Self::Failed(cause.into()))
    }

    pub(super) fn skipped<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Skipped(reason.into()))
    }

    pub(super) fn error(doing: &str, error: &Error) -> Self {
        Self::Failed(format!("{doing}: {}", chain(error)))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("unexpected error: {}", chain(&error)))
    }
}

/// One check's view of the backend.
#[derive(Debug)]
pub(super) struct Probe {
    session: Option<Box<dyn Session>>,
    folder: RemotePath,
    prefix: String,
}

impl Probe {
    /// `check` gives the names that this check uses, so that they are no other's.
    pub(super) fn new(session: Box<dyn Session>, folder: &RemotePath, check: &str) -> Self {
        let words = check.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        Self {
            session: Some(session),
            folder: folder.clone(),
            prefix: words.join("-"),
        }
    }

    /// Takes the session, for closing it.
    pub(super) fn take(&mut self) -> Result<Box<dyn Session>, Stop> {
        self.session
            .take()
            .ok_or_else(|| Stop::Failed("the session is gone".to_owned()))
    }

    pub(super) fn into_session(self) -> Option<Box<dyn Session>> {
        self.session
    }

    pub(super) fn session(&mut self) -> Result<&mut dyn Session, Stop> {
        match &mut self.session {
            Some(session) => Ok(&mut **session),
            None => Stop::failed("the session is gone"),
        }
    }

    pub(super) fn capabilities(&mut self) -> Result<Capabilities, Stop> {
        Ok(self.session()?.capabilities())
    }

    /// Ends the check as skipped unless the session can do it.
    pub(super) fn needs(&mut self, what: &str, can: fn(&Capabilities) -> bool) -> Result<(), Stop> {
        if can(&self.capabilities()?) {
            return Ok(());
        }
        Stop::skipped(format!("the session has no {what}"))
    }

    pub(super) fn folder(&self) -> &RemotePath {
        &self.folder
    }

    /// A path in the suite's folder that no other check uses.
    pub(super) fn path(&self, name: &str) -> RemotePath {
        self.in_folder(format!("{}-{name}", self.prefix).as_bytes())
    }

    /// This very name in the suite's folder.
    pub(super) fn in_folder(&self, name: &[u8]) -> RemotePath {
        let name = RemotePath::new(name).unwrap_or_default();
        self.folder.join(&name)
    }

    pub(super) async fn write(&mut self, path: &RemotePath, content: &[u8]) -> Result<(), Stop> {
        self.write_as(path, content, Disposition::Replace).await?;
        Ok(())
    }

    /// Writes and checks the count of bytes told.
    pub(super) async fn write_as(
        &mut self,
        path: &RemotePath,
        content: &[u8],
        disposition: Disposition,
    ) -> Result<(), Stop> {
        let written = self.try_write(path, content, disposition).await?;
        let written = written?;
        if written.bytes == content.len() as u64 {
            return Ok(());
        }
        Stop::failed(format!(
            "write of {path:?} took {} bytes and finish counts {}",
            content.len(),
            written.bytes
        ))
    }

    /// Writes; the inner result is what the session says.
    pub(super) async fn try_write(
        &mut self,
        path: &RemotePath,
        content: &[u8],
        disposition: Disposition,
    ) -> Result<Result<Transferred>, Stop> {
        let options = WriteOptions::default()
            .with_disposition(disposition)
            .with_size_hint(content.len() as u64);
        let mut body = match self.session()?.write(path, options).await {
            Ok(body) => body,
            Err(error) => return Ok(Err(error)),
        };
        let mut rest = content;
        while !rest.is_empty() {
            match body.write(rest).await {
                Ok(0) => return Stop::failed("write took 0 bytes of some"),
                Ok(count) if count > rest.len() => {
                    return Stop::failed("write took more bytes than there were");
                }
                Ok(count) => rest = &rest[count..],
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(body.finish().await)
    }

    /// Reads to the end of the range and finishes; the inner result is what the session says.
    pub(super) async fn try_read(
        &mut self,
        path: &RemotePath,
        options: ReadOptions,
        buffer: usize,
    ) -> Result<Result<(Vec<u8>, Transferred)>, Stop> {
        let mut body = match self.session()?.read(path, options).await {
            Ok(body) => body,
            Err(error) => return Ok(Err(error)),
        };
        let mut content = Vec::new();
        let mut buffer = vec![0; buffer];
        loop {
            match body.read(&mut buffer).await {
                Ok(0) => break,
                Ok(count) if count > buffer.len() => {
                    return Stop::failed("read gave more bytes than there was room for");
                }
                Ok(count) => content.extend_from_slice(&buffer[..count]),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(body
            .finish()
            .await
            .map(|transferred| (content, transferred)))
    }

    /// Reads a range and checks the bytes and the count told.
    pub(super) async fn expect_range(
        &mut self,
        path: &RemotePath,
        options: ReadOptions,
        expected: &[u8],
    ) -> Result<Transferred, Stop> {
        let (content, transferred) = self.try_read(path, options, BUFFER).await??;
        same_bytes(&format!("{path:?}"), &content, expected)?;
        if transferred.bytes == expected.len() as u64 {
            return Ok(transferred);
        }
        let (count, told) = (expected.len(), transferred.bytes);
        Stop::failed(format!(
            "{count} bytes of {path:?} were read and finish counts {told}"
        ))
    }

    /// Reads a whole file, checks the bytes, and that its end is told.
    pub(super) async fn expect_content(
        &mut self,
        path: &RemotePath,
        expected: &[u8],
    ) -> Result<(), Stop> {
        let whole = self
            .expect_range(path, ReadOptions::default(), expected)
            .await?;
        if whole.to_end {
            return Ok(());
        }
        Stop::failed(format!(
            "{path:?} was read to its end, and finish does not say so"
        ))
    }

    pub(super) async fn stat(&mut self, path: &RemotePath) -> Result<Entry, Stop> {
        Ok(self.session()?.stat(path, StatOptions::default()).await?)
    }

    /// Checks that nothing has this name, by `stat`.
    pub(super) async fn expect_missing(&mut self, path: &RemotePath) -> Result<(), Stop> {
        let outcome = self.session()?.stat(path, StatOptions::default()).await;
        expect_error(outcome, "stat of what is not there", |kind| {
            *kind == ErrorKind::NotFound
        })?;
        Ok(())
    }

    pub(super) async fn expect_kind(
        &mut self,
        path: &RemotePath,
        kind: EntryKind,
    ) -> Result<Entry, Stop> {
        let entry = self.stat(path).await?;
        if entry.kind == kind {
            return Ok(entry);
        }
        Stop::failed(format!(
            "stat of {path:?} says {:?}, expected {kind:?}",
            entry.kind
        ))
    }

    /// Lists a folder; the inner result is what the session says, wherever it says it.
    pub(super) async fn try_list(
        &mut self,
        path: &RemotePath,
    ) -> Result<Result<(Vec<Entry>, ListSummary)>, Stop> {
        let mut listing = match self.session()?.list(path, ListOptions::default()).await {
            Ok(listing) => listing,
            Err(error) => return Ok(Err(error)),
        };
        let mut entries = Vec::new();
        loop {
            match listing.next().await {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        if !matches!(listing.next().await, Ok(None)) {
            return Stop::failed("a listing that said it had ended went on");
        }
        Ok(listing.finish().await.map(|summary| (entries, summary)))
    }

    pub(super) async fn list(&mut self, path: &RemotePath) -> Result<Vec<Entry>, Stop> {
        Ok(self.try_list(path).await??.0)
    }
}

/// Checks that an operation failed, and how.
pub(super) fn expect_error<T: std::fmt::Debug>(
    outcome: Result<T>,
    what: &str,
    fits: impl Fn(&ErrorKind) -> bool,
) -> Result<Error, Stop> {
    match outcome {
        Err(error) if fits(error.kind()) => Ok(error),
        Err(error) => Stop::failed(format!(
            "{what} must not fail with {:?}: {}",
            error.kind(),
            chain(&error)
        )),
        Ok(value) => Stop::failed(format!("{what} must fail and gave {value:?}")),
    }
}

/// Passes an error that says that the session is closed, or that closing is all it can still do.
pub(super) fn closed_or(error: &Error, doing: &str) -> Result<(), Stop> {
    match error.kind() {
        ErrorKind::Closed => Ok(()),
        _ => Err(Stop::error(doing, error)),
    }
}

pub(super) fn same_bytes(what: &str, seen: &[u8], expected: &[u8]) -> Result<(), Stop> {
    if seen == expected {
        return Ok(());
    }
    let same = seen
        .iter()
        .zip(expected)
        .take_while(|(a, b)| a == b)
        .count();
    let (seen, expected) = (seen.len(), expected.len());
    Stop::failed(format!(
        "{what}: {seen} bytes instead of {expected}, different from byte {same} on"
    ))
}

/// Bytes in which every value occurs, line ends and NUL among them, and no stretch repeats soon.
pub(super) fn pattern(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = || {
        // xorshift: any generator does, as long as it is the same everywhere.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

const BUFFER: usize = 16 * 1024;
