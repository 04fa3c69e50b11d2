//! Pools over a backend that lets in so many and loses sessions.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, ConnectParams, ConnectReport, Entry, Error, ErrorKind, ListOptions, Listing,
    ReadBody, ReadOptions, Registry, RemotePath, RenameOptions, Result, Session, SessionExt as _,
    StatOptions, Transferred, Transport, WriteBody, WriteOptions,
};
use ftp_connect_testkit::memory::MemoryTransport;
use ftp_connect_transfer::{Pool, PoolOptions, Progress};

use crate::common::{options, path};

/// Lets in `most` at once, and cuts each session's transfers after `cut` bytes.
#[derive(Debug, Clone)]
struct Narrow {
    inner: MemoryTransport,
    most: usize,
    cut: usize,
    inside: Arc<AtomicUsize>,
    connects: Arc<AtomicUsize>,
}

impl Narrow {
    fn new(most: usize, cut: usize) -> Self {
        Self {
            inner: MemoryTransport::new(),
            most,
            cut,
            inside: Arc::default(),
            connects: Arc::default(),
        }
    }

    fn pool(&self, options: PoolOptions) -> Pool {
        let registry = Registry::new().with(self.clone());
        Pool::new(
            registry,
            params(),
            options.with_pause(Duration::from_millis(1)),
        )
    }

    async fn plain(&self) -> Box<dyn Session> {
        self.inner.connect(&params()).await.unwrap()
    }
}

fn params() -> ConnectParams {
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
            lost: false,
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
    lost: bool,
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
        Ok(Box::new(LossyWrite {
            inner: Some(self.inner.write(path, options).await?),
            left: self.cut,
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

fn content() -> Vec<u8> {
    (0..300_000_u32).flat_map(|n| n.to_le_bytes()).collect()
}

#[tokio::test]
async fn a_transfer_survives_any_number_of_lost_sessions_that_bring_something() {
    let server = Narrow::new(1, 100_000);
    let pool = server.pool(PoolOptions::default().with_attempts(2));
    let folder = tempfile::tempdir().unwrap();
    let (local, back) = (folder.path().join("x"), folder.path().join("y"));
    fs::write(&local, content()).unwrap();
    pool.upload(&local, &path("x"), &options(), &mut |_| {})
        .await
        .unwrap();
    assert!(
        server
            .plain()
            .await
            .read_to_vec(&path("x"), 2_000_000)
            .await
            .unwrap()
            == content()
    );
    let mut most = 0;
    let mut observe = |told: Progress| {
        most = most.max(told.bytes);
        assert_eq!(told.total, Some(1_200_000));
    };
    pool.download(&path("x"), &back, &options(), &mut observe)
        .await
        .unwrap();
    assert_eq!(most, 1_200_000);
    assert!(fs::read(&back).unwrap() == content());
    assert!(server.connects.load(Ordering::SeqCst) >= 20);
    let left = server.plain().await.list_all(&path("")).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn what_brings_nothing_is_given_up_and_leaves_nothing() {
    let server = Narrow::new(1, 0);
    let pool = server.pool(PoolOptions::default().with_attempts(3));
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    fs::write(&local, content()).unwrap();
    let error = pool
        .upload(&local, &path("x"), &options(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Closed);
    // Three attempts, and one session to clean up.
    assert_eq!(server.connects.load(Ordering::SeqCst), 4);
    assert!(
        server
            .plain()
            .await
            .list_all(&path(""))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_server_that_allows_two_is_used_by_two() {
    let server = Narrow::new(2, usize::MAX);
    let pool = server.pool(PoolOptions::default().with_sessions(8));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20_u8 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut session = pool.session().await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
            let name = path(&number.to_string());
            session
                .write_all(&name, &[number], WriteOptions::default())
                .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(pool.limit(), 2);
    assert_eq!(
        server
            .plain()
            .await
            .list_all(&path(""))
            .await
            .unwrap()
            .len(),
        20
    );
    pool.close().await;
    assert_eq!(server.inside.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_holds_all_and_asks_for_more_is_told_so() {
    let server = Narrow::new(1, usize::MAX);
    let pool = server.pool(
        PoolOptions::default()
            .with_sessions(2)
            .with_patience(Duration::from_millis(50)),
    );
    let held = pool.session().await.unwrap();
    let error = pool.session().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooManyConnections);
    drop(held);
    pool.session().await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_lost_is_not_given_out_again() {
    let server = Narrow::new(1, 0);
    let pool = server.pool(PoolOptions::default());
    let mut session = pool.session().await.unwrap();
    session
        .write_all(&path("x"), b"x", WriteOptions::default())
        .await
        .unwrap_err();
    drop(session);
    let mut session = pool.session().await.unwrap();
    session.keep_alive().await.unwrap();
    assert_eq!(server.connects.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_pool_of_one_session_cannot_make_another() {
    let server = Narrow::new(1, 0);
    let session = server.connect(&params()).await.unwrap();
    let pool = Pool::of(session, PoolOptions::default());
    let mut session = pool.session().await.unwrap();
    session
        .write_all(&path("x"), b"x", WriteOptions::default())
        .await
        .unwrap_err();
    drop(session);
    let error = pool.session().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Closed);
}
