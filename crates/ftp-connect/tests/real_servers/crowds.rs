//! Servers that serve only so many, so long, so much.

use std::time::{Duration, Instant};

use ftp_connect::transfer::{Pool, PoolOptions};
use ftp_connect::{
    ErrorKind, ListOptions, RemotePath, Result, Retry, Session, SessionExt as _, StatOptions,
    WriteOptions,
};
use ftp_connect_testkit::lab::Lab;

use crate::ways::params;

/// Connects as soon as the server has noticed that another session has ended.
async fn connect_soon(params: &ftp_connect::ConnectParams) -> Result<Box<dyn Session>> {
    let begun = Instant::now();
    loop {
        match ftp_connect::connect(params).await {
            Err(error)
                if *error.kind() == ErrorKind::TooManyConnections
                    && begun.elapsed() < Duration::from_secs(20) =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            outcome => return outcome,
        }
    }
}

#[tokio::test]
async fn the_third_connection_is_one_too_many_until_another_ends() {
    let lab = Lab::from_env();
    for name in ["vsftpd-two-connections", "proftpd-two-logins"] {
        let params = params(&lab, lab.server(name));
        let mut first = connect_soon(&params).await.expect(name);
        let second = connect_soon(&params).await.expect(name);
        let error = ftp_connect::connect(&params).await.expect_err(name);
        assert_eq!(
            *error.kind(),
            ErrorKind::TooManyConnections,
            "{name}: {error:?}"
        );
        assert_eq!(error.retry(), Retry::NewSession, "{name}");
        let said = error.reply().expect("the server's own words").to_string();
        assert!(
            said.contains("too many") || said.contains("maximum"),
            "{said}"
        );
        // Those that were let in are served.
        first.list_all(&RemotePath::login_folder()).await.unwrap();
        second.close().await.unwrap();
        let mut third = connect_soon(&params).await.expect(name);
        third.list_all(&RemotePath::login_folder()).await.unwrap();
        third.close().await.unwrap();
        first.close().await.unwrap();
        a_pool_makes_do(params).await;
    }
}

/// Six at once are served by two sessions.
async fn a_pool_makes_do(params: ftp_connect::ConnectParams) {
    let options = PoolOptions::default().with_sessions(6).with_attempts(8);
    let pool = Pool::new(ftp_connect::registry(), params, options);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut session = pool.session().await?;
            let listed = session.list_all(&RemotePath::login_folder()).await;
            session.give_back();
            listed
        });
    }
    while let Some(listed) = tasks.join_next().await {
        assert!(!listed.unwrap().unwrap().is_empty());
    }
    assert!(pool.limit() <= 2, "{pool:?}");
    pool.close().await;
}

#[tokio::test]
async fn an_idle_session_is_ended_and_a_new_one_works() {
    let lab = Lab::from_env();
    for server in lab.with_trait("idle-5s") {
        let params = params(&lab, server);
        let mut idle = ftp_connect::connect(&params).await.unwrap();
        let mut kept = ftp_connect::connect(&params).await.unwrap();
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            kept.keep_alive().await.unwrap();
        }
        let path = RemotePath::new("hello.txt").unwrap();
        for _ in 0..2 {
            let error = idle.stat(&path, StatOptions::default()).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Closed, "{error:?}");
            assert_eq!(error.retry(), Retry::NewSession);
        }
        idle.close().await.unwrap();
        kept.stat(&path, StatOptions::default()).await.unwrap();
        kept.close().await.unwrap();

        let mut again = ftp_connect::connect(&params).await.unwrap();
        let content = again.read_to_vec(&path, 1000).await.unwrap();
        assert!(content.starts_with(b"Hello"));
        again.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_listing_that_the_server_cuts_is_not_taken_for_whole() {
    let lab = Lab::from_env();
    for server in lab.with_trait("ten-entries") {
        let mut session = ftp_connect::connect(&params(&lab, server)).await.unwrap();
        let folder = RemotePath::new("many").unwrap();
        session
            .create_dir_all(&folder, Default::default())
            .await
            .unwrap();
        for n in 0..20 {
            let path = folder.join(&RemotePath::new(n.to_string()).unwrap());
            session
                .write_all(&path, b"", WriteOptions::default())
                .await
                .unwrap();
        }
        let mut listing = session.list(&folder, ListOptions::default()).await.unwrap();
        let mut seen = 0;
        while let Some(_entry) = listing.next().await.unwrap() {
            seen += 1;
        }
        assert!((1..20).contains(&seen), "{seen}");
        let error = listing.finish().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ListingTruncated, "{error:?}");
        session.keep_alive().await.unwrap();
        session.close().await.unwrap();
    }
}
