//! Handshakes against a server in memory.

use std::sync::Arc;

use async_trait::async_trait;
use ftp_connect_core::{ConnectParams, ErrorKind, Host, Result, TlsReport};
use ftp_connect_ftp::Stream as _;
use ftp_connect_testkit::ca::TlsVersions;
use ftp_connect_testkit::handshake::{TlsServer, certificate, checks::Tls};
use tokio::io::DuplexStream;

use crate::{channel::Channels, stream::TlsStream};

ftp_connect_testkit::handshake_tests!(Channels);

#[async_trait]
impl Tls for Channels {
    type Stream = TlsStream<DuplexStream>;

    async fn new(params: &ConnectParams) -> Result<Self> {
        Self::new(params, &Arc::default()).await
    }

    async fn handshake(&self, io: DuplexStream, host: &Host) -> Result<Self::Stream> {
        self.secure(io, host).await
    }

    fn report(stream: &Self::Stream) -> &TlsReport {
        stream.tls().unwrap()
    }
}

#[tokio::test]
async fn encrypted_client_keys_are_refused_before_connecting() {
    let certificate = certificate();
    let (_, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let block =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let encrypted = identity.add("encrypted.key", block);
    let trust = certificate
        .trusted()
        .with_client_certificate(&*identity.certificate_file, &*encrypted);
    let params = ConnectParams::new("localhost").unwrap().with_tls(trust);
    let error = Channels::new(&params, &Arc::default()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::KeyUnusable, "{error:?}");
    assert!(error.to_string().contains("encrypted"), "{error}");
}
