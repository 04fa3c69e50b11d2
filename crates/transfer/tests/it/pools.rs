//! Pools over a backend that lets in so many and loses sessions.

use std::{fs, sync::atomic::Ordering, time::Duration};

use ftp_connect_core::{ErrorKind, SessionExt as _, Transport as _, WriteOptions};
use ftp_connect_transfer::{Pool, PoolOptions, Progress, Publish};

use crate::common::{options, path};
use crate::narrow::{Narrow, params};

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
async fn what_cannot_be_gone_on_with_is_begun_anew_and_never_in_place() {
    let mut server = Narrow::new(1, 200_000);
    server.grows = true;
    let pool = server.pool(PoolOptions::default().with_attempts(3));
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    fs::write(&local, content()).unwrap();
    let outcome = pool
        .upload(&local, &path("x"), &options(), &mut |_| {})
        .await
        .unwrap();
    assert_eq!((outcome.publish, outcome.resumed_at), (Publish::Atomic, 0));
    assert!(server.connects.load(Ordering::SeqCst) > 2);
    let mut session = server.plain().await;
    assert!(session.read_to_vec(&path("x"), 2_000_000).await.unwrap() == content());
    assert_eq!(session.list_all(&path("")).await.unwrap().len(), 1);
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

#[cfg(unix)]
#[tokio::test]
async fn what_is_read_from_a_pipe_goes_up_once_and_whole_or_not_at_all() {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    for (cut, whole) in [(usize::MAX, true), (700_000, false)] {
        let server = Narrow::new(1, cut);
        let pool = server.pool(PoolOptions::default().with_attempts(3));
        let (from, mut to) = std::io::pipe().unwrap();
        let writing = std::thread::spawn(move || to.write_all(&content()));
        let local = format!("/dev/fd/{}", from.as_raw_fd());
        let outcome = pool
            .upload(local.as_ref(), &path("x"), &options(), &mut |_| {})
            .await;
        drop(from);
        assert_eq!(writing.join().unwrap().is_ok(), whole);
        let mut session = server.plain().await;
        if whole {
            assert_eq!(outcome.unwrap().bytes, 1_200_000);
            assert!(session.read_to_vec(&path("x"), 2_000_000).await.unwrap() == content());
        } else {
            assert_eq!(outcome.unwrap_err().kind(), &ErrorKind::Closed);
            assert!(session.list_all(&path("")).await.unwrap().is_empty());
        }
    }
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
