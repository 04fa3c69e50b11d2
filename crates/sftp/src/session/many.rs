//! Many small files at once: each is opened, read or written, and closed while the others are. So are many renames.
//!
//! A file needs its handle before anything can be done with it, so that one alone takes two round trips; but
//! sixty-four of them take the same two. Each is read or written as it would be alone.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use ftp_connect_core::{
    FileContent, FileContents, FileToWrite, FileWritten, FilesWritten, ReadOptions, RemotePath,
    RenameOptions, Result, Transferred, WriteBody as _,
};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};

use super::{SftpSession, limits::Limits, pace};

/// The work on many files, told of in their order.
pub(super) struct Many<'s, T> {
    waiting: Box<dyn Iterator<Item = BoxFuture<'s, T>> + Send + 's>,
    under_way: FuturesOrdered<BoxFuture<'s, T>>,
    /// How many files may be under way at once, if the server lets so many be open.
    most: usize,
    limits: &'s Limits,
}

impl<'s, T> Many<'s, T> {
    fn new<F>(
        session: &'s SftpSession,
        most: usize,
        files: impl Iterator<Item = F> + Send + 's,
    ) -> Self
    where
        F: Future<Output = T> + Send + 's,
    {
        Self {
            waiting: Box::new(files.map(|file| Box::pin(file) as BoxFuture<'s, T>)),
            under_way: FuturesOrdered::new(),
            most: most.min(AT_ONCE),
            limits: &session.limits,
        }
    }

    /// Cancel safe: the work lies here, and goes on with the next call.
    async fn advance(&mut self) -> Option<T> {
        // Others may have files open as well.
        let most = self.most.min(self.limits.open_files() / 2).max(1);
        while self.under_way.len() < most {
            let Some(file) = self.waiting.next() else {
                break;
            };
            self.under_way.push_back(file);
        }
        self.under_way.next().await
    }
}

impl<'s> Many<'s, FileContent> {
    /// Reads these, each with at most `limit` bytes. At most [`MOST`](pace::MOST) bytes and one file are held.
    pub(super) fn reading(session: &'s SftpSession, paths: Vec<RemotePath>, limit: u64) -> Self {
        let fit = usize::try_from(pace::MOST as u64 / limit.max(1));
        let files = paths.into_iter().map(move |path| async move {
            let content = session.read_whole(&path, limit).await;
            FileContent::new(path, content)
        });
        Self::new(session, fit.unwrap_or(usize::MAX), files)
    }
}

impl<'s> Many<'s, FileWritten> {
    /// Writes these.
    pub(super) fn writing(session: &'s SftpSession, files: Vec<FileToWrite>) -> Self {
        let files = files.into_iter().map(move |file| async move {
            let outcome = session.write_whole(&file).await;
            FileWritten::new(file.path, outcome)
        });
        Self::new(session, AT_ONCE, files)
    }
}

impl<'s> Many<'s, Result<()>> {
    /// Gives these their new names.
    pub(super) fn renaming(
        session: &'s SftpSession,
        names: &'s [(RemotePath, RemotePath)],
        options: RenameOptions,
    ) -> Self {
        let renames = names.iter().map(move |(from, to)| async move {
            let (from, to) = (session.here(from), session.here(to));
            session.rename_to(&from, &to, options).await
        });
        Self::new(session, AT_ONCE, renames)
    }

    pub(super) async fn all(mut self) -> Vec<Result<()>> {
        let mut outcomes = Vec::new();
        while let Some(outcome) = self.advance().await {
            outcomes.push(outcome);
        }
        outcomes
    }
}

impl SftpSession {
    async fn read_whole(&self, path: &RemotePath, limit: u64) -> Result<Vec<u8>> {
        // One byte more tells that there are too many.
        let options = ReadOptions::default().with_length(limit.saturating_add(1));
        self.begin_read(path, options).await?.whole(limit).await
    }

    async fn write_whole(&self, file: &FileToWrite) -> Result<Transferred> {
        let mut body = self.begin_write(&file.path, file.options).await?;
        let mut rest = &file.content[..];
        while !rest.is_empty() {
            let taken = body.write(rest).await?;
            rest = &rest[taken..];
        }
        body.finish().await
    }
}

impl<T> Debug for Many<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many")
            .field("under_way", &self.under_way.len())
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl FileContents for Many<'_, FileContent> {
    async fn next(&mut self) -> Option<FileContent> {
        self.advance().await
    }
}

#[async_trait]
impl FilesWritten for Many<'_, FileWritten> {
    async fn next(&mut self) -> Option<FileWritten> {
        self.advance().await
    }
}

/// Files under way at once. More gain nothing: on a line of 100 ms, this is one file in three milliseconds.
const AT_ONCE: usize = 64;
