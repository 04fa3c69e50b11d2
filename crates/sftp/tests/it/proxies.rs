//! SSH through proxies.

use std::num::NonZeroU16;

use ftp_connect_core::{ConnectParams, Encryption};
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::{
    proxy::{ONLY_PROXIES_KNOW, goes_through_proxies},
    sftp::SftpServer,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies_carry_ssh() {
    let server = SftpServer::builder().start().await.unwrap();
    let params = ConnectParams::new(ONLY_PROXIES_KNOW)
        .unwrap()
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_encryption(Encryption::SshPassword)
        .with_username(server.user())
        .with_password(server.password());
    goes_through_proxies(&SftpTransport, &params).await;
}
