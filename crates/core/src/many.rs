//! Many small files: what one file costs in round trips, a backend may share among many.
//!
//! A small file is over as soon as it has begun, and its bytes count for nothing against the waiting for each
//! answer. Where a protocol lets one ask for the next file before the last has come, [`Session::read_files`] does
//! so; where it does not, the files come one after the other by the same method.

use std::{collections::VecDeque, fmt::Debug};

use async_trait::async_trait;

use crate::{RemotePath, Result, Session, SessionExt as _};

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

/// One file after the other, over any session.
pub(crate) struct OneByOne<'s, S: ?Sized> {
    session: &'s mut S,
    paths: VecDeque<RemotePath>,
    limit: u64,
}

impl<'s, S: ?Sized> OneByOne<'s, S> {
    pub(crate) fn new(session: &'s mut S, paths: Vec<RemotePath>, limit: u64) -> Self {
        Self {
            session,
            paths: paths.into(),
            limit,
        }
    }
}

impl<S: ?Sized> Debug for OneByOne<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneByOne")
            .field("paths", &self.paths)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Session + ?Sized> FileContents for OneByOne<'_, S> {
    async fn next(&mut self) -> Option<FileContent> {
        let path = self.paths.front()?.clone();
        let content = self.session.read_to_vec(&path, self.limit).await;
        self.paths.pop_front();
        Some(FileContent { path, content })
    }
}
