//! The embedded FTP servers answer raw sockets.

use std::time::Duration;

use ftp_connect_testkit::ca::{CertificateRequest, TestCa, TlsVersions};
use ftp_connect_testkit::ftp::{FtpSecurity, FtpServer};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::raw::{Raw, localhost};

#[tokio::test]
async fn plain_transfers_and_lists() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    let greeting = raw.reply().await;
    Raw::check(&greeting, "220");
    raw.login(server.user(), server.password()).await;
    raw.upload("STOR a b.txt", b"hello").await;
    assert_eq!(
        std::fs::read(server.root().join("a b.txt")).unwrap(),
        b"hello"
    );
    raw.command("REST 2", "350").await;
    assert_eq!(raw.download("RETR a b.txt").await, b"llo");
    let listing = String::from_utf8(raw.download("MLSD").await).unwrap();
    assert!(listing.ends_with(" a b.txt\r\n"), "{listing}");
    raw.command("SIZE a b.txt", "213 5").await;
    raw.command("RNFR a b.txt", "350").await;
    raw.command("RNTO c", "250").await;
    raw.command("DELE c", "250").await;
    raw.command("AUTH TLS", "5").await;
    raw.command("QUIT", "221").await;
    assert!(raw.at_end().await);
    assert_eq!(server.login_attempts(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_counted() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .with_user("ada")
        .with_password("right")
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.command("USER ada", "331").await;
    raw.command("PASS wrong", "530").await;
    raw.login("ada", "right").await;
    assert_eq!(server.login_attempts(), 2);
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.send("USER tester\r\nPASS secret\r\nTYPE I\r\nSIZE f\r\nPWD\r\nFEAT\r\nNOOP\r\n")
        .await;
    for code in ["331", "230", "200", "213 5", "257", "211-", "200"] {
        let reply = raw.reply().await;
        Raw::check(&reply, code);
    }
}

#[tokio::test]
async fn a_failed_transfer_uses_up_the_restart_position() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.login(server.user(), server.password()).await;
    raw.command("REST 3", "350").await;
    let _data = raw.passive().await;
    raw.command("RETR missing", "150").await;
    let last = raw.reply().await;
    Raw::check(&last, "550");
    raw.upload("STOR whole", b"abcdef").await;
    assert_eq!(
        std::fs::read(server.root().join("whole")).unwrap(),
        b"abcdef"
    );
}

#[tokio::test]
async fn active_mode_connects_to_the_client() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.login(server.user(), server.password()).await;
    for eprt in [false, true] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let command = if eprt {
            format!("EPRT |1|127.0.0.1|{port}|")
        } else {
            format!("PORT 127,0,0,1,{},{}", port / 256, port % 256)
        };
        raw.command(&command, "200").await;
        let (mut data, _) = listener.accept().await.unwrap();
        raw.command("RETR f", "150").await;
        let mut content = String::new();
        data.read_to_string(&mut content).await.unwrap();
        assert_eq!(content, "12345");
        let last = raw.reply().await;
        Raw::check(&last, "226");
    }
}

#[tokio::test]
async fn active_mode_under_tls() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let (mut raw, connector) = secured(&server).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    raw.command(&format!("EPRT |1|127.0.0.1|{port}|"), "200")
        .await;
    let (tcp, _) = listener.accept().await.unwrap();
    raw.command("RETR f", "150").await;
    let mut data = connector.connect(localhost(), tcp).await.unwrap();
    let mut content = String::new();
    data.read_to_string(&mut content).await.unwrap();
    assert_eq!(content, "12345");
    let last = raw.reply().await;
    Raw::check(&last, "226");
}

#[tokio::test]
async fn a_name_that_is_not_utf8_is_refused_and_the_session_goes_on() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.login(server.user(), server.password()).await;
    raw.send_bytes(b"MKD caf\xe9\r\n").await;
    let reply = raw.reply().await;
    Raw::check(&reply, "501");
    raw.command("NOOP", "200").await;
}

/// Logged in under explicit TLS with private data connections.
async fn secured(server: &FtpServer) -> (Raw, TlsConnector) {
    let config = server
        .certificate()
        .unwrap()
        .client_config(TlsVersions::Both)
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.command("AUTH TLS", "234").await;
    raw.secure(config.clone()).await;
    raw.login(server.user(), server.password()).await;
    raw.command("PBSZ 0", "200").await;
    raw.command("PROT P", "200").await;
    (raw, TlsConnector::from(config))
}

#[tokio::test]
async fn a_failed_handshake_on_a_data_connection_is_told() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let (mut raw, _) = secured(&server).await;
    for command in ["RETR f", "STOR g"] {
        let tcp = raw.passive().await;
        raw.command(command, "150").await;
        drop(tcp);
        let last = raw.reply().await;
        Raw::check(&last, "425");
    }
    assert_eq!(raw.download("RETR f").await, b"12345");
}

#[tokio::test]
async fn an_upload_that_ends_without_close_notify_is_not_taken_for_whole() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .start()
        .await
        .unwrap();
    let (mut raw, connector) = secured(&server).await;
    let tcp = raw.passive().await;
    raw.command("STOR f", "150").await;
    let mut data = connector.connect(localhost(), tcp).await.unwrap();
    data.write_all(b"half").await.unwrap();
    data.flush().await.unwrap();
    data.get_mut().0.shutdown().await.unwrap();
    let last = raw.reply().await;
    Raw::check(&last, "426");
    raw.upload("STOR f", b"the whole").await;
    assert_eq!(
        std::fs::read(server.root().join("f")).unwrap(),
        b"the whole"
    );
}

#[tokio::test]
async fn reuse_can_be_required() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .with_session_reuse_required(true)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let (mut raw, _) = secured(&server).await;
    assert_eq!(raw.download("RETR f").await, b"12345");

    // A configuration of its own knows no session.
    let fresh = server
        .certificate()
        .unwrap()
        .client_config(TlsVersions::Both)
        .unwrap();
    let tcp = raw.passive().await;
    raw.command("RETR f", "150").await;
    let mut data = TlsConnector::from(fresh)
        .connect(localhost(), tcp)
        .await
        .unwrap();
    let mut content = Vec::new();
    data.read_to_end(&mut content).await.unwrap();
    assert!(content.is_empty());
    let last = raw.reply().await;
    Raw::check(&last, "522");
    raw.command("NOOP", "200").await;
}

#[tokio::test]
async fn abor_ends_a_transfer_at_once() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), vec![7; 64 << 20]).unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.login(server.user(), server.password()).await;
    // With the data connection open and unread, and with none at all.
    for connected in [true, false] {
        let tcp = if connected {
            Some(raw.passive().await)
        } else {
            raw.command("EPSV", "229").await;
            None
        };
        raw.command("RETR f", "150").await;
        if let Some(mut tcp) = tcp {
            tcp.read_exact(&mut [0; 1000]).await.unwrap();
            raw.command("ABOR", "426").await;
        } else {
            raw.command("ABOR", "426").await;
        }
        let last = raw.reply().await;
        Raw::check(&last, "2");
        raw.command("NOOP", "200").await;
    }
}

#[tokio::test]
async fn a_data_connection_that_never_comes_ends_the_transfer() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.login(server.user(), server.password()).await;
    raw.command("EPSV", "229").await;
    raw.command("RETR f", "150").await;
    let last = raw.reply().await;
    Raw::check(&last, "425");
    assert_eq!(raw.download("RETR f").await, b"12345");
}

#[tokio::test]
async fn a_download_left_in_the_middle_ends_with_an_error() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), vec![7; 8 << 20]).unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.login(server.user(), server.password()).await;
    let mut tcp = raw.passive().await;
    raw.command("RETR f", "150").await;
    tcp.read_exact(&mut [0; 1000]).await.unwrap();
    drop(tcp);
    let last = raw.reply().await;
    Raw::check(&last, "426");
    raw.command("NOOP", "200").await;
}

#[tokio::test]
async fn explicit_tls_on_control_and_data() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let server = FtpServer::builder(FtpSecurity::Explicit)
            .with_tls_versions(versions)
            .start()
            .await
            .unwrap();
        let config = server
            .certificate()
            .unwrap()
            .client_config(TlsVersions::Both)
            .unwrap();
        let mut raw = Raw::connect(server.addr()).await;
        let greeting = raw.reply().await;
        Raw::check(&greeting, "220");
        raw.command("USER tester", "530").await;
        raw.command("AUTH TLS", "234").await;
        raw.secure(config).await;
        raw.login(server.user(), server.password()).await;
        raw.command("EPSV", "522").await;
        raw.command("PBSZ 0", "200").await;
        raw.command("PROT P", "200").await;
        raw.upload("STOR up", b"under TLS").await;
        assert_eq!(raw.download("RETR up").await, b"under TLS");
        raw.command("QUIT", "221").await;
    }
}

#[tokio::test]
async fn a_data_connection_resumes_the_control_session() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .start()
        .await
        .unwrap();
    std::fs::write(server.root().join("f"), "12345").unwrap();
    let config = server
        .certificate()
        .unwrap()
        .client_config(TlsVersions::Both)
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.command("AUTH TLS", "234").await;
    raw.secure(config.clone()).await;
    raw.login(server.user(), server.password()).await;
    raw.command("PROT P", "200").await;
    let tcp = raw.passive().await;
    raw.command("RETR f", "150").await;
    let mut data = TlsConnector::from(config)
        .connect(localhost(), tcp)
        .await
        .unwrap();
    assert_eq!(
        data.get_ref().1.handshake_kind(),
        Some(HandshakeKind::Resumed)
    );
    let mut content = String::new();
    data.read_to_string(&mut content).await.unwrap();
    assert_eq!(content, "12345");
}

#[tokio::test]
async fn bytes_in_the_clear_behind_auth_end_the_connection() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(server.addr()).await;
    raw.reply().await;
    raw.send("AUTH TLS\r\nUSER tester\r\n").await;
    assert!(raw.at_end().await);
}

#[tokio::test]
async fn implicit_tls_from_the_first_byte() {
    let server = FtpServer::builder(FtpSecurity::Implicit)
        .start()
        .await
        .unwrap();
    let config = server
        .certificate()
        .unwrap()
        .client_config(TlsVersions::Both)
        .unwrap();
    let mut raw = Raw::connect_tls(server.addr(), config).await;
    let greeting = raw.reply().await;
    Raw::check(&greeting, "220");
    raw.command("AUTH TLS", "503").await;
    raw.login(server.user(), server.password()).await;
    raw.command("PBSZ 0", "200").await;
    raw.command("PROT P", "200").await;
    raw.upload("STOR up", b"implicit").await;
    assert_eq!(raw.download("RETR up").await, b"implicit");
    raw.command("QUIT", "221").await;
}

#[tokio::test]
async fn a_certificate_for_elsewhere_or_past_its_time_is_refused() {
    let ca = TestCa::new().unwrap();
    let requests = [
        CertificateRequest::default().with_names(["elsewhere.example"]),
        CertificateRequest::default().with_expired(true),
    ];
    for request in requests {
        let certificate = ca.issue(&request).unwrap();
        let config = certificate.client_config(TlsVersions::Both).unwrap();
        let server = FtpServer::builder(FtpSecurity::Implicit)
            .with_certificate(certificate)
            .start()
            .await
            .unwrap();
        let tcp = TcpStream::connect(server.addr()).await.unwrap();
        let error = TlsConnector::from(config)
            .connect(localhost(), tcp)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_dropped_server_closes_its_connections_and_removes_its_folder() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let (addr, root) = (server.addr(), server.root().to_owned());
    let mut raw = Raw::connect(addr).await;
    raw.reply().await;
    drop(server);
    let ended = tokio::time::timeout(Duration::from_secs(5), raw.at_end()).await;
    assert!(ended.unwrap());
    assert!(!root.exists());
    let Ok(mut late) = TcpStream::connect(addr).await else {
        return;
    };
    let _ = late.write_all(b"NOOP\r\n").await;
    assert!(matches!(late.read(&mut [0; 1]).await, Ok(0) | Err(_)));
}
