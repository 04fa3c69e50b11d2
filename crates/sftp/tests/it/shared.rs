//! Several sessions over one connection, transfers that go on under rekeying, and what is left in the middle.

use std::{num::NonZeroU64, time::Duration};

use ftp_connect_core::{
    ConnectParams, ErrorKind, ReadOptions, RemotePath, Session, SessionExt as _, StatOptions,
    Transport as _, WriteOptions,
};
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::sftp::SftpServer;
use tokio::time::timeout;

fn path(text: &str) -> RemotePath {
    text.parse().unwrap()
}

/// Bytes of which no stretch repeats at a distance that chunks have.
fn content(length: u32) -> Vec<u8> {
    (0..length)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect()
}

async fn connect(params: &ConnectParams) -> Box<dyn Session> {
    SftpTransport.connect(params).await.unwrap()
}

#[tokio::test]
async fn a_second_session_needs_no_second_login() {
    let server = SftpServer::builder().start().await.unwrap();
    let mut first = connect(&crate::by_password(&server)).await;
    let mut second = first.open_another().await.unwrap();
    assert_eq!(
        (server.connections(), server.login_attempts().password),
        (1, 1)
    );
    let options = WriteOptions::default();
    first.write_all(&path("a"), b"one", options).await.unwrap();
    assert_eq!(second.read_to_vec(&path("a"), 9).await.unwrap(), b"one");
    let features = |session: &dyn Session| {
        let mut features = session.report().features.clone();
        // The embedded server names its extensions in any order.
        features.sort();
        features
    };
    assert_eq!(features(&*second), features(&*first));
    // The connection outlives the session that made it.
    first.close().await.unwrap();
    second.write_all(&path("b"), b"two", options).await.unwrap();
    let mut third = second.open_another().await.unwrap();
    drop(second);
    assert_eq!(third.read_to_vec(&path("b"), 9).await.unwrap(), b"two");
    third.close().await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_server_with_few_sessions_refuses_one_more_and_a_closed_one_makes_room() {
    let server = SftpServer::builder().with_max_sessions(2);
    let server = server.start().await.unwrap();
    let mut first = connect(&crate::by_password(&server)).await;
    let second = first.open_another().await.unwrap();
    let error = first.open_another().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Refused, "{error}");
    first.stat(&path(""), StatOptions::default()).await.unwrap();
    second.close().await.unwrap();
    // The server hears of it a little later.
    let room = async {
        while first.open_another().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), room).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_dawdles_holds_up_nobody_else_on_the_connection() {
    let server = SftpServer::builder().start().await.unwrap();
    let content = content(12 * 1024 * 1024);
    std::fs::write(server.root().join("large"), &content).unwrap();
    let mut slow = connect(&crate::by_password(&server)).await;
    let mut other = slow.open_another().await.unwrap();
    let large = path("large");
    let mut body = slow.read(&large, ReadOptions::default()).await.unwrap();
    let mut buffer = [0; 1024];
    assert!(body.read(&mut buffer).await.unwrap() > 0);
    // All of a file goes by while not another byte is taken here.
    let whole = timeout(Duration::from_secs(50), other.read_to_vec(&large, 1 << 30));
    assert!(whole.await.unwrap().unwrap() == content);
    let copy = path("copy");
    let write = other.write_all(&copy, &content, WriteOptions::default());
    timeout(Duration::from_secs(50), write)
        .await
        .unwrap()
        .unwrap();
    assert!(body.read(&mut buffer).await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_under_load_lose_nothing() {
    let server = SftpServer::builder().start().await.unwrap();
    // Some twenty exchanges of keys in each direction.
    let params = crate::by_password(&server).with_rekey_bytes(NonZeroU64::new(512 * 1024));
    let mut session = connect(&params).await;
    let content = content(10 * 1024 * 1024 + 4321);
    let options = WriteOptions::default();
    session
        .write_all(&path("f"), &content, options)
        .await
        .unwrap();
    assert!(std::fs::read(server.root().join("f")).unwrap() == content);
    let back = session.read_to_vec(&path("f"), 1 << 30).await.unwrap();
    assert!(back == content);
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_in_the_middle_leaves_the_session_in_order() {
    let server = SftpServer::builder().start().await.unwrap();
    let content = content(8 * 1024 * 1024);
    std::fs::write(server.root().join("large"), &content).unwrap();
    let mut session = connect(&crate::by_password(&server)).await;
    let (large, small) = (path("large"), path("small"));
    for _ in 0..5 {
        let mut body = session.read(&large, ReadOptions::default()).await.unwrap();
        body.read(&mut [0; 100]).await.unwrap();
        drop(body);
        // Both directions are full at once: whoever only writes or only reads now stands still for ever.
        let mut body = session
            .write(&path("cut"), WriteOptions::default())
            .await
            .unwrap();
        let mut taken = 0;
        while taken < content.len() / 2 {
            taken += body.write(&content[taken..]).await.unwrap();
        }
        drop(body);
        let options = WriteOptions::default();
        session.write_all(&small, b"whole", options).await.unwrap();
        assert_eq!(session.read_to_vec(&small, 9).await.unwrap(), b"whole");
    }
    session.close().await.unwrap();
}
