//! Many small files: what one file costs in round trips, a backend may share among many.
//!
//! A small file is over as soon as it has begun, and its bytes count for nothing against the waiting for each
//! answer. Where a protocol lets one begin the next file before the last is over, [`Session::read_files`] and
//! [`Session::write_files`] do so; where it does not, the files go one after the other by the same methods.

use std::{
    collections::VecDeque,
    fmt::{self, Debug},
};

use async_trait::async_trait;

use crate::{RemotePath, Result, Session, SessionExt as _, Transferred, WriteOptions};

/// Whole files as they arrive, in the order in which they were asked for.
#[async_trait]
pub trait FileContents: Debug + Send {
    /// The next file, or why it could not be read, which does not keep the others from coming; `None` after
    /// the last.
    ///
    /// # Cancel safety
    /// Cancel safe: a file is either returned or still to come.
    async fn next(&mut self) -> Option<FileContent>;
}

/// A file that was read whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileContent {
    /// The file, as it was asked for.
    pub path: RemotePath,
    /// What is in it.
    pub content: Result<Vec<u8>>,
}

impl FileContent {
    /// This was read of that file.
    pub fn new(path: RemotePath, content: Result<Vec<u8>>) -> Self {
        Self { path, content }
    }
}

/// A file to be written whole.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileToWrite {
    /// Where it goes.
    pub path: RemotePath,
    /// What is in it.
    pub content: Vec<u8>,
    /// How it is written.
    pub options: WriteOptions,
}

impl FileToWrite {
    /// A file of this content, written in place of one that is there.
    pub fn new(path: RemotePath, content: Vec<u8>) -> Self {
        Self {
            path,
            content,
            options: WriteOptions::default(),
        }
    }

    /// Sets how it is written.
    #[must_use]
    pub fn with_options(mut self, options: WriteOptions) -> Self {
        self.options = options;
        self
    }
}

impl Debug for FileToWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileToWrite")
            .field("path", &self.path)
            .field("bytes", &self.content.len())
            .field("options", &self.options)
            .finish()
    }
}

/// What became of files that are being written, in the order in which they were given.
#[async_trait]
pub trait FilesWritten: Debug + Send {
    /// What became of the next file; a failure does not keep the others from being written. `None` after the
    /// last.
    ///
    /// # Cancel safety
    /// What became of a file is either returned or still to come. A backend that writes one file after the
    /// other begins the one that it was in the middle of again, from its start.
    async fn next(&mut self) -> Option<FileWritten>;
}

/// A file that was written, or why it was not.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileWritten {
    /// The file, as it was given.
    pub path: RemotePath,
    /// As [`WriteBody::finish`](crate::WriteBody::finish) tells it.
    pub outcome: Result<Transferred>,
}

impl FileWritten {
    /// This became of that file.
    pub fn new(path: RemotePath, outcome: Result<Transferred>) -> Self {
        Self { path, outcome }
    }
}

/// One file after the other, over any session.
pub(crate) struct OneByOne<'s, S: ?Sized, F> {
    session: &'s mut S,
    files: VecDeque<F>,
    limit: u64,
}

impl<'s, S: ?Sized> OneByOne<'s, S, RemotePath> {
    /// Reads these, each with at most that many bytes.
    pub(crate) fn reading(session: &'s mut S, paths: Vec<RemotePath>, limit: u64) -> Self {
        Self {
            session,
            files: paths.into(),
            limit,
        }
    }
}

impl<'s, S: ?Sized> OneByOne<'s, S, FileToWrite> {
    /// Writes these.
    pub(crate) fn writing(session: &'s mut S, files: Vec<FileToWrite>) -> Self {
        Self {
            session,
            files: files.into(),
            limit: u64::MAX,
        }
    }
}

impl<S: ?Sized, F: Debug> Debug for OneByOne<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneByOne")
            .field("files", &self.files)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Session + ?Sized> FileContents for OneByOne<'_, S, RemotePath> {
    async fn next(&mut self) -> Option<FileContent> {
        let path = self.files.front()?.clone();
        let content = self.session.read_to_vec(&path, self.limit).await;
        self.files.pop_front();
        Some(FileContent { path, content })
    }
}

#[async_trait]
impl<S: Session + ?Sized> FilesWritten for OneByOne<'_, S, FileToWrite> {
    async fn next(&mut self) -> Option<FileWritten> {
        let file = self.files.front()?;
        let written = self
            .session
            .write_all(&file.path, &file.content, file.options);
        let outcome = written.await;
        let path = self.files.pop_front()?.path;
        Some(FileWritten { path, outcome })
    }
}
