//! The contract of a session, explicit and implicit.

use std::num::NonZeroU16;

use ftp_connect_core::{
    ConnectParams, Encryption, Transport as _,
    params::{SessionReuse, TlsTrust},
};
use ftp_connect_testkit::{
    conformance::{Options, conformance},
    ftp::{FtpSecurity, FtpServer},
};
use ftp_connect_tls_reuse::TlsReuseTransport;

async fn check(security: FtpSecurity, encryption: Encryption) {
    let server = FtpServer::builder(security).start().await.unwrap();
    let ca = server.certificate().unwrap().ca_file().to_str().unwrap();
    let params = ConnectParams::new("localhost")
        .unwrap()
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_encryption(encryption)
        .with_session_reuse(SessionReuse::Prefer)
        .with_username(server.user())
        .with_password(server.password())
        .with_tls(TlsTrust::default().with_ca_file(ca));
    let transport = TlsReuseTransport::default();
    let open = async || transport.connect(&params).await;
    // The embedded server has names in UTF-8 only.
    let options = Options::default().with_known_deviation(
        r#"name: "latin-1 caf\xe9""#,
        "libunftp lists names as UTF-8",
    );
    conformance(open, options).await.assert_passed();
}

#[tokio::test]
async fn explicit() {
    check(FtpSecurity::Explicit, Encryption::ExplicitTls).await;
}

#[tokio::test]
async fn implicit() {
    check(FtpSecurity::Implicit, Encryption::ImplicitTls).await;
}
