//! Ports where no SFTP server is, servers that stop, and connections that are given up.

use std::{num::NonZeroU16, time::Duration};

use ftp_connect_core::{
    ConnectParams, Encryption, Error, ErrorKind, ReadOptions, SessionExt as _, StatOptions,
    Transport as _, WriteOptions, params::Timeouts,
};
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::sftp::SftpServer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

/// Connects to a port that says this, and then ends the connection or waits.
async fn connect_to(says: &'static [u8], ends: bool) -> Error {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(says).await.unwrap();
        if ends {
            // Taking what was sent lets the end be a FIN and not a reset.
            let _ = stream.read(&mut [0; 256]).await;
            return;
        }
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let params =
        params(port).with_timeouts(Timeouts::default().with_reply(Duration::from_millis(700)));
    let error = SftpTransport.connect(&params).await.unwrap_err();
    // The connection is closed with the error: a peer that waits sees the end.
    timeout(Duration::from_secs(5), peer)
        .await
        .unwrap()
        .unwrap();
    error
}

fn params(port: u16) -> ConnectParams {
    ConnectParams::new("127.0.0.1")
        .unwrap()
        .with_port(NonZeroU16::new(port))
        .with_encryption(Encryption::SshPassword)
        .with_username("tester")
        .with_password("secret")
}

#[track_caller]
fn check(error: &Error, kind: ErrorKind, message: &str, hint: &str) {
    assert_eq!(error.kind(), &kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(
        error.hint().unwrap_or_default().contains(hint),
        "{error}: {:?}",
        error.hint()
    );
}

#[tokio::test]
async fn ports_of_other_protocols_are_named() {
    let ftp = connect_to(b"220 ProFTPD ready\r\n", false).await;
    check(
        &ftp,
        ErrorKind::Protocol,
        "it says: 220 ProFTPD ready",
        "FTP",
    );
    let http = connect_to(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", true).await;
    check(
        &http,
        ErrorKind::Protocol,
        "it says: HTTP/1.1 400 Bad Request",
        "port",
    );
    let tls = connect_to(b"\x15\x03\x01\x00\x02\x02\x46", true).await;
    check(&tls, ErrorKind::Protocol, "speaks TLS", "FTPS");
    let other = connect_to(b"hello there\r\n", false).await;
    check(&other, ErrorKind::Protocol, "it says: hello there", "port");
    let old = connect_to(b"SSH-1.5-ancient\n", false).await;
    check(
        &old,
        ErrorKind::Protocol,
        "SSH 1: SSH-1.5-ancient",
        "update",
    );
}

#[tokio::test]
async fn a_silent_port_times_out_and_a_closing_one_is_closed() {
    let silent = connect_to(b"", false).await;
    assert_eq!(silent.kind(), &ErrorKind::TimedOut, "{silent}");
    let closing = connect_to(b"", true).await;
    check(
        &closing,
        ErrorKind::Closed,
        "without a greeting",
        "connections",
    );
    let stuck = connect_to(b"SSH-2.0-stuck\r\n", false).await;
    assert_eq!(stuck.kind(), &ErrorKind::TimedOut, "{stuck}");
}

#[tokio::test]
async fn algorithms_without_anything_in_common_are_listed() {
    // A server's KEXINIT (RFC 4253 §7.1) whose key exchange is of the last century.
    let mut payload = vec![20_u8];
    payload.extend_from_slice(&[7; 16]);
    for list in [
        "diffie-hellman-group1-sha1",
        "ssh-dss",
        "3des-cbc",
        "3des-cbc",
        "hmac-md5",
        "hmac-md5",
        "none",
        "none",
        "",
        "",
    ] {
        payload.extend_from_slice(&(list.len() as u32).to_be_bytes());
        payload.extend_from_slice(list.as_bytes());
    }
    payload.extend_from_slice(&[0; 5]);
    let padding = 8 - (payload.len() + 5) % 8 + 8;
    let mut says = b"SSH-2.0-museum\r\n".to_vec();
    says.extend_from_slice(&((payload.len() + padding + 1) as u32).to_be_bytes());
    says.push(padding as u8);
    says.extend_from_slice(&payload);
    says.resize(says.len() + padding, 0);
    let error = connect_to(Box::leak(says.into_boxed_slice()), false).await;
    check(
        &error,
        ErrorKind::NoCommonAlgorithm,
        "no key exchange algorithm in common: the server offers diffie-hellman-group1-sha1; \
         this client offers ",
        "update",
    );
    assert!(error.to_string().contains("curve25519-sha256"), "{error}");
}

#[tokio::test]
async fn giving_up_while_connecting_closes_the_connection() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let params = params(listener.local_addr().unwrap().port());
    let connecting = tokio::spawn(async move { SftpTransport.connect(&params).await.is_ok() });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"SSH-2.0-stuck\r\n").await.unwrap();
    let mut hello = [0; 8];
    stream.read_exact(&mut hello).await.unwrap();
    assert_eq!(&hello, b"SSH-2.0-");
    connecting.abort();
    let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut Vec::new())).await;
    // A reset is an end too.
    assert!(end.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn a_server_that_goes_away_is_closed_from_then_on() {
    let server = SftpServer::builder().start().await.unwrap();
    let mut session = SftpTransport
        .connect(&crate::by_password(&server))
        .await
        .unwrap();
    session
        .write_all(&"f".parse().unwrap(), b"x", WriteOptions::default())
        .await
        .unwrap();
    drop(server);
    for _ in 0..2 {
        let error = session
            .stat(&"f".parse().unwrap(), StatOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Closed, "{error}");
        let error = session
            .read_to_vec(&"f".parse().unwrap(), 10)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Closed, "{error}");
    }
    timeout(Duration::from_secs(5), session.close())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn many_abandoned_transfers_leave_the_session_fast_and_their_handles_closed() {
    let server = SftpServer::builder().start().await.unwrap();
    let mut session = SftpTransport
        .connect(&crate::by_password(&server))
        .await
        .unwrap();
    let path = "large".parse().unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    session
        .write_all(&path, &content, WriteOptions::default())
        .await
        .unwrap();
    for _ in 0..20 {
        let mut body = session.read(&path, ReadOptions::default()).await.unwrap();
        let mut buffer = [0; 10];
        assert!(body.read(&mut buffer).await.unwrap() > 0);
    }
    let whole = session.read_to_vec(&path, 10_000_000).await.unwrap();
    assert!(whole == content);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_of_an_upload_ends_it() {
    let server = SftpServer::builder().start().await.unwrap();
    let mut session = SftpTransport
        .connect(&crate::by_password(&server))
        .await
        .unwrap();
    let path = "large".parse().unwrap();
    let mut body = session.write(&path, WriteOptions::default()).await.unwrap();
    let piece = vec![7; 256 * 1024];
    for _ in 0..20 {
        body.write(&piece).await.unwrap();
    }
    drop(server);
    let rest = async {
        loop {
            if let Err(error) = body.write(&piece).await {
                return error;
            }
        }
    };
    let error = timeout(Duration::from_secs(10), rest).await.unwrap();
    assert_eq!(error.kind(), &ErrorKind::Closed, "{error}");
}
