//! Looking at a certificate without logging in.

use std::num::NonZeroU16;

use ftp_connect_core::{ConnectParams, Encryption, ErrorKind};
use ftp_connect_testkit::ftp::{FtpSecurity, FtpServer};
use ftp_connect_tls::server_certificate;

async fn check(security: FtpSecurity, encryption: Encryption) {
    let server = FtpServer::builder(security).start().await.unwrap();
    let params = ConnectParams::new("127.0.0.1")
        .unwrap()
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_encryption(encryption);
    let tls = server_certificate(&params).await.unwrap();
    let expected = server.certificate().unwrap().sha256_hex();
    assert_eq!(tls.certificates[0].sha256, expected);
    assert_eq!(tls.trust, "not checked");
    assert_eq!(server.login_attempts(), 0);
}

#[tokio::test]
async fn explicit() {
    check(FtpSecurity::Explicit, Encryption::ExplicitTls).await;
}

#[tokio::test]
async fn implicit() {
    check(FtpSecurity::Implicit, Encryption::ImplicitTls).await;
}

#[tokio::test]
async fn there_is_none_without_tls() {
    let params = ConnectParams::new("127.0.0.1").unwrap();
    let error = server_certificate(&params).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_error() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let params = ConnectParams::new("127.0.0.1")
        .unwrap()
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_encryption(Encryption::ExplicitTls);
    let error = server_certificate(&params).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TlsNotOffered);
}
