//! The custom backend against the conformance suite, on the embedded server.

use std::num::NonZeroU16;

use custom_backend_example::AsyncFtpTransport;
use ftp_connect_core::{ConnectParams, ErrorKind, Registry};
use ftp_connect_testkit::{
    conformance::{self, Options},
    ftp::{FtpSecurity, FtpServer},
};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let registry = Registry::new().with(AsyncFtpTransport::new());
    let params = params(&server).with_password(server.password());
    let open = async || registry.connect(&params).await;
    let report = conformance::conformance(open, Options::default()).await;
    eprintln!("{report}");
    report.assert_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_says_so() {
    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let registry = Registry::new().with(AsyncFtpTransport::new());
    let error = registry
        .connect(&params(&server).with_password("wrong"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRefused, "{error}");
}

fn params(server: &FtpServer) -> ConnectParams {
    ConnectParams::new(server.addr().ip())
        .expect("an address")
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_username(server.user())
}
