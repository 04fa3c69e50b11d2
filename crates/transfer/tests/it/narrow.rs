//! A backend that lets in so many and loses sessions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, Checksum, ChecksumAlgorithm, ConnectParams, ConnectReport, Disposition, Entry,
    Error, ErrorKind, ListOptions, Listing, ReadBody, ReadOptions, Registry, RemotePath,
    RenameOptions, Result, Session, StatOptions, Transferred, Transport, WriteBody, WriteOptions,
};
use ftp_connect_testkit::memory::MemoryTransport;
use ftp_connect_transfer::{Pool, PoolOptions};

/// Lets in `most` at once, and cuts each session's transfers after `cut` bytes.
#[derive(Debug, Clone)]
pub(crate) struct Narrow {
    inner: MemoryTransport,
    most: usize,
    cut: usize,
    /// Whether what is written stays one byte ahead of what is told of it.
    pub(crate) grows: bool,
    pub(crate) inside: Arc<AtomicUsize>,
    pub(crate) connects: Arc<AtomicUsize>,
}

impl Narrow {
    pub(crate) fn new(most: usize, cut: usize) -> Self {
        Self {
            inner: MemoryTransport::new(),
            most,
            cut,
            grows: false,
            inside: Arc::default(),
            connects: Arc::default(),
        }
    }

    pub(crate) fn pool(&self, options: PoolOptions) -> Pool {
        let registry = Registry::new().with(self.clone());
        Pool::new(
            registry,
            params(),
            options.with_pause(Duration::from_millis(1)),
        )
    }

    pub(crate) async fn plain(&self) -> Box<dyn Session> {
        self.inner.connect(&params()).await.unwrap()
    }
}

pub(crate) fn params() -> ConnectParams {
    ConnectParams::new("memory.example").unwrap()
}

#[async_trait]
impl Transport for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }

    fn serves(&self, _params: &ConnectParams) -> bool {
        true
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        self.connects.fetch_add(1, Ordering::SeqCst);
        let inside = Inside(Arc::clone(&self.inside));
        if self.inside.fetch_add(1, Ordering::SeqCst) >= self.most {
            return Err(Error::new(ErrorKind::TooManyConnections));
        }
        Ok(Box::new(Lossy {
            inner: self.inner.connect(params).await?,
            cut: self.cut,
            grows: self.grows,
            lost: false,
            connects: Arc::clone(&self.connects),
            _inside: inside,
        }))
    }
}

#[derive(Debug)]
struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A session that is lost in the middle of every longer transfer.
#[derive(Debug)]
struct Lossy {
    inner: Box<dyn Session>,
    cut: usize,
    grows: bool,
    lost: bool,
    connects: Arc<AtomicUsize>,
    _inside: Inside,
}

impl Lossy {
    fn enter(&self) -> Result<()> {
        if self.lost {
            Err(Error::new(ErrorKind::Closed))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl Session for Lossy {
    fn report(&self) -> &ConnectReport {
        self.inner.report()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        self.enter()?;
        self.inner.stat(path, options).await
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        self.enter()?;
        self.inner.list(path, options).await
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        self.enter()?;
        Ok(Box::new(LossyRead {
            inner: self.inner.read(path, options).await?,
            left: self.cut,
            lost: &mut self.lost,
        }))
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        self.enter()?;
        let mut left = self.cut;
        if self.grows {
            if let Disposition::Resume(_) = options.disposition {
                return Err(Error::new(ErrorKind::Refused));
            }
            // Each attempt comes further than the one before.
            self.connects.fetch_add(1, Ordering::SeqCst);
            left *= self.connects.load(Ordering::SeqCst);
        }
        Ok(Box::new(LossyWrite {
            inner: Some(self.inner.write(path, options).await?),
            left,
            lost: &mut self.lost,
        }))
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        self.enter()?;
        self.inner.rename(from, to, options).await
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        self.enter()?;
        self.inner.remove_file(path).await
    }

    async fn checksum(
        &mut self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        self.enter()?;
        self.inner.checksum(path, algorithm).await
    }

    async fn keep_alive(&mut self) -> Result<()> {
        self.enter()
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct LossyRead<'s> {
    inner: Box<dyn ReadBody + 's>,
    left: usize,
    lost: &'s mut bool,
}

#[async_trait]
impl ReadBody for LossyRead<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.left == 0 {
            *self.lost = true;
            return Err(Error::new(ErrorKind::Closed));
        }
        let room = buffer.len().min(self.left);
        let n = self.inner.read(&mut buffer[..room]).await?;
        self.left -= n;
        Ok(n)
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        self.inner.finish().await
    }
}

#[derive(Debug)]
struct LossyWrite<'s> {
    inner: Option<Box<dyn WriteBody + 's>>,
    left: usize,
    lost: &'s mut bool,
}

#[async_trait]
impl WriteBody for LossyWrite<'_> {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        let Some(inner) = &mut self.inner else {
            return Err(Error::new(ErrorKind::Closed));
        };
        if self.left == 0 {
            *self.lost = true;
            // What has come stays on the server, as it does on real ones.
            self.inner.take().expect("there").finish().await?;
            return Err(Error::new(ErrorKind::Closed));
        }
        let n = inner.write(&data[..data.len().min(self.left)]).await?;
        self.left -= n;
        Ok(n)
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        self.inner.expect("not lost").finish().await
    }
}
