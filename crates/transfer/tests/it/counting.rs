//! A server that counts what it is asked, for tests of how often that is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, ConnectParams, ConnectReport, CreateDirOptions, Entry, Error, ErrorKind,
    FileContent, FileContents, FileToWrite, FileWritten, FilesWritten, ListOptions, ListSummary,
    Listing, Permissions, ReadBody, ReadOptions, Registry, RemotePath, RenameOptions, Result,
    Session, SessionExt as _, StatOptions, Transport, WriteBody, WriteOptions,
};
use ftp_connect_testkit::memory::MemoryTransport;
use ftp_connect_transfer::{Pool, PoolOptions};

use crate::common::path;

/// A server that counts what it is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counting {
    inner: MemoryTransport,
    pub(crate) counts: Arc<Counts>,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) stats: AtomicUsize,
    pub(crate) lists: AtomicUsize,
    /// Files read by themselves.
    reads: AtomicUsize,
    /// Calls for many files.
    pub(crate) together: AtomicUsize,
    /// Files written by themselves.
    pub(crate) writes: AtomicUsize,
    /// Files renamed by themselves.
    pub(crate) renames: AtomicUsize,
    /// Whether listings are cut short.
    pub(crate) truncates: AtomicBool,
    /// At which file of the next call the session is lost, from 1; 0 for none.
    loss: AtomicIsize,
}

impl Counting {
    /// With so many files in the folder `in`, `0` to `9` bytes each.
    pub(crate) async fn with_files(count: usize) -> Self {
        let server = Self::default();
        let mut session = server.plain().await;
        session
            .create_dir(&path("in"), Default::default())
            .await
            .unwrap();
        for number in 0..count {
            server
                .write(&format!("in/{number}"), content(number).as_bytes())
                .await;
        }
        server
    }

    pub(crate) async fn plain(&self) -> Box<dyn Session> {
        self.inner.connect(&params()).await.unwrap()
    }

    pub(crate) async fn write(&self, name: &str, content: &[u8]) {
        let mut session = self.plain().await;
        session
            .write_all(&path(name), content, WriteOptions::default())
            .await
            .unwrap();
    }

    pub(crate) fn pool(&self) -> Pool {
        let options = PoolOptions::default().with_pause(Duration::from_millis(1));
        Pool::new(Registry::new().with(self.clone()), params(), options)
    }

    /// Stats, files read by themselves and calls for many.
    pub(crate) fn asked(&self) -> (usize, usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        let counts = &self.counts;
        (
            count(&counts.stats),
            count(&counts.reads),
            count(&counts.together),
        )
    }

    pub(crate) fn lose_at(&self, file: isize) {
        self.counts.loss.store(file, Ordering::SeqCst);
    }
}

fn params() -> ConnectParams {
    ConnectParams::new("memory.example").unwrap()
}

pub(crate) fn content(number: usize) -> String {
    "x".repeat(number % 10)
}

#[async_trait]
impl Transport for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn serves(&self, _params: &ConnectParams) -> bool {
        true
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        Ok(Box::new(Counted {
            inner: self.inner.connect(params).await?,
            counts: Arc::clone(&self.counts),
        }))
    }
}

#[derive(Debug)]
struct Counted {
    inner: Box<dyn Session>,
    counts: Arc<Counts>,
}

#[async_trait]
impl Session for Counted {
    fn report(&self) -> &ConnectReport {
        self.inner.report()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        self.counts.stats.fetch_add(1, Ordering::SeqCst);
        self.inner.stat(path, options).await
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        self.counts.lists.fetch_add(1, Ordering::SeqCst);
        let inner = self.inner.list(path, options).await?;
        match self.counts.truncates.load(Ordering::SeqCst) {
            true => Ok(Box::new(Truncated(inner))),
            false => Ok(inner),
        }
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        self.counts.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.read(path, options).await
    }

    fn read_files<'s>(
        &'s mut self,
        paths: Vec<RemotePath>,
        limit: u64,
    ) -> Box<dyn FileContents + 's> {
        self.counts.together.fetch_add(1, Ordering::SeqCst);
        Box::new(Losing {
            inner: self.inner.read_files(paths, limit),
            loss: &self.counts.loss,
        })
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        self.counts.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.write(path, options).await
    }

    fn write_files<'s>(&'s mut self, files: Vec<FileToWrite>) -> Box<dyn FilesWritten + 's> {
        self.counts.together.fetch_add(1, Ordering::SeqCst);
        Box::new(Losing {
            inner: self.inner.write_files(files),
            loss: &self.counts.loss,
        })
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        self.counts.renames.fetch_add(1, Ordering::SeqCst);
        self.inner.rename(from, to, options).await
    }

    async fn rename_files(
        &mut self,
        names: &[(RemotePath, RemotePath)],
        options: RenameOptions,
    ) -> Vec<Result<()>> {
        self.inner.rename_files(names, options).await
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        self.inner.remove_file(path).await
    }

    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        self.inner.create_dir(path, options).await
    }

    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        self.inner.set_permissions(path, permissions).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct Losing<'s, T: ?Sized> {
    inner: Box<T>,
    loss: &'s AtomicIsize,
}

#[async_trait]
impl<'s> FileContents for Losing<'s, dyn FileContents + 's> {
    async fn next(&mut self) -> Option<FileContent> {
        let file = self.inner.next().await?;
        match self.loss.fetch_sub(1, Ordering::SeqCst) {
            1 => Some(FileContent::new(
                file.path,
                Err(Error::new(ErrorKind::Closed)),
            )),
            _ => Some(file),
        }
    }
}

#[async_trait]
impl<'s> FilesWritten for Losing<'s, dyn FilesWritten + 's> {
    async fn next(&mut self) -> Option<FileWritten> {
        let file = self.inner.next().await?;
        match self.loss.fetch_sub(1, Ordering::SeqCst) {
            1 => Some(FileWritten::new(
                file.path,
                Err(Error::new(ErrorKind::Closed)),
            )),
            _ => Some(file),
        }
    }
}

/// A listing whose server says that it has left something out.
#[derive(Debug)]
struct Truncated<'s>(Box<dyn Listing + 's>);

#[async_trait]
impl Listing for Truncated<'_> {
    async fn next(&mut self) -> Result<Option<Entry>> {
        self.0.next().await
    }

    async fn finish(self: Box<Self>) -> Result<ListSummary> {
        self.0.finish().await?;
        Err(Error::new(ErrorKind::ListingTruncated))
    }
}
