//! The SFTP backend against the embedded server and against peers that misbehave.

#![allow(clippy::unwrap_used)] // a test that panics has failed

mod conformance;
mod extensions;
mod flights;
mod host_key;
mod jump;
mod login;
mod odd;
mod peers;
mod proxies;
mod servers;
mod shared;

use std::num::NonZeroU16;

use ftp_connect_core::{ConnectParams, Encryption};
use ftp_connect_testkit::sftp::SftpServer;

/// Parameters that log in at this server by password.
fn by_password(server: &SftpServer) -> ConnectParams {
    at(server)
        .with_encryption(Encryption::SshPassword)
        .with_password(server.password())
}

/// Parameters that lead to this server with its user, without any proof.
fn at(server: &SftpServer) -> ConnectParams {
    ConnectParams::new("127.0.0.1")
        .unwrap()
        .with_port(NonZeroU16::new(server.addr().port()))
        .with_encryption(Encryption::SshPassword)
        .with_username(server.user())
}
