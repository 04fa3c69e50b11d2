//! FTP in the clear against the embedded server, in each mode that it serves.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

use std::num::NonZeroU16;

use ftp_connect_core::{ConnectParams, ErrorKind, Mode, Operation, Transport as _};
use ftp_connect_plain::PlainTransport;
use ftp_connect_testkit::cancellation::cancellation;
use ftp_connect_testkit::conformance::{self, Options};
use ftp_connect_testkit::ftp::{FtpSecurity, FtpServer};
use ftp_connect_testkit::proxy::{ONLY_PROXIES_KNOW, goes_through_proxies};

/// The check of a name that is not UTF-8.
const LATIN_1: &str = r#"name: "latin-1 caf\xe9""#;

async fn server() -> FtpServer {
    FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap()
}

fn params(server: &FtpServer, mode: Mode) -> ConnectParams {
    params_for(&server.addr().ip().to_string(), server, mode)
}

fn params_for(host: &str, server: &FtpServer, mode: Mode) -> ConnectParams {
    ConnectParams::new(host)
        .unwrap()
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_username(server.user())
        .with_password(server.password())
        .with_mode(mode)
}

#[tokio::test]
async fn the_contract_is_kept_in_every_mode() {
    for mode in Mode::ALL {
        let server = server().await;
        let params = params(&server, mode);
        let open = async || PlainTransport::new().connect(&params).await;
        let options = Options::default()
            .with_known_deviation(LATIN_1, "the embedded server keeps only names in UTF-8");
        let report = conformance::conformance(open, options).await;
        report.assert_passed();
    }
}

#[tokio::test]
async fn any_operation_may_be_dropped_anywhere() {
    let server = server().await;
    let params = params(&server, Mode::Passive);
    let drops = cancellation(async || PlainTransport::new().connect(&params).await).await;
    let drops = drops.unwrap_or_else(|why| panic!("{why}"));
    // What the embedded server has is waited for, and so dropped, more than once.
    for operation in [
        "stat",
        "list",
        "read",
        "write",
        "rename",
        "remove_file",
        "raw",
    ] {
        let count = drops.iter().find(|(name, _)| *name == operation);
        assert!(count.is_some_and(|(_, count)| count > 1), "{drops:?}");
    }
}

#[tokio::test]
async fn proxies_carry_control_and_data() {
    let server = server().await;
    let params = params_for(ONLY_PROXIES_KNOW, &server, Mode::Dynamic);
    goes_through_proxies(&PlainTransport::new(), &params).await;
}

#[tokio::test]
async fn the_report_tells_what_was_negotiated() {
    let server = server().await;
    let session = PlainTransport::new()
        .connect(&params(&server, Mode::Passive))
        .await
        .unwrap();
    let report = session.report();
    assert_eq!(report.transport, "plain");
    assert_eq!(report.peer, Some(server.addr()));
    assert_eq!(report.mode, Some(Mode::Passive));
    assert_eq!(report.username, server.user());
    assert!(!report.banner.is_empty() && !report.features.is_empty());
    assert_eq!(report.login_folder.as_ref().unwrap().as_bytes(), b"/");
    assert!(report.tls.is_none());
    assert!(report.warnings.iter().any(|line| line.contains("clear")));
    let steps: Vec<_> = report.timings.steps.iter().map(|step| step.name).collect();
    assert_eq!(steps, ["resolve", "tcp", "greeting", "login", "setup"]);
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_a_refused_login() {
    let server = server().await;
    let params = params(&server, Mode::Dynamic).with_password("wrong".to_owned());
    let error = PlainTransport::new().connect(&params).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRefused);
    assert_eq!(error.operation(), Some(Operation::Login));
    assert!(error.reply().is_some());
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
}
