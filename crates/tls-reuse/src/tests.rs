//! Handshakes against a server in memory.

use std::sync::Arc;

use async_trait::async_trait;
use ftp_connect_core::{
    ConnectParams, ErrorKind, Host, Result, TlsReport,
    params::{SessionReuse, TlsTrust},
};
use ftp_connect_ftp::Stream as _;
use ftp_connect_testkit::ca::TlsVersions;
use ftp_connect_testkit::handshake::{
    Then, TlsServer, certificate,
    checks::{Tls, resumes},
};
use openssl::{pkey::PKey, symm::Cipher};
use tokio::io::{AsyncReadExt as _, DuplexStream};

use crate::{channel::Channels, stream::TlsStream};

ftp_connect_testkit::handshake_tests!(Channels);

#[async_trait]
impl Tls for Channels {
    type Stream = TlsStream<DuplexStream>;

    async fn new(params: &ConnectParams) -> Result<Self> {
        Self::new(params, &Arc::default()).await
    }

    async fn handshake(&self, io: DuplexStream, host: &Host) -> Result<Self::Stream> {
        self.data(io, host).await
    }

    fn report(stream: &Self::Stream) -> &TlsReport {
        stream.tls().unwrap()
    }
}

async fn channels(trust: TlsTrust) -> Channels {
    let params = ConnectParams::new("localhost").unwrap().with_tls(trust);
    Channels::new(&params, &Arc::default()).await.unwrap()
}

async fn handshake(
    channels: &Channels,
    server: &TlsServer,
    then: Then,
) -> Result<TlsStream<DuplexStream>> {
    let host = "localhost".parse().unwrap();
    channels.data(server.connect(then), &host).await
}

#[tokio::test]
async fn abrupt_ends_spoil_no_session() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let channels = channels(certificate.trusted()).await;
        assert!(!resumes(&channels, &server).await);
        for _ in 0..20 {
            // Nothing is read, so no ticket either, and nobody says goodbye.
            let stream = handshake(&channels, &server, Then::Close).await.unwrap();
            assert!(stream.tls().unwrap().resumed);
            drop(stream);
            let mut stream = handshake(&channels, &server, Then::Cut).await.unwrap();
            assert!(stream.tls().unwrap().resumed);
            stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        }
        assert!(resumes(&channels, &server).await);
    }
}

#[tokio::test]
async fn a_resumed_connection_reports_the_chain_of_the_first() {
    let certificate = certificate();
    let server = TlsServer::resuming(&certificate, TlsVersions::Tls13);
    let channels = channels(certificate.trusted()).await;
    let host = "localhost".parse().unwrap();
    let mut control = channels
        .control(server.connect(Then::Close), &host)
        .await
        .unwrap();
    control.read_to_end(&mut Vec::new()).await.unwrap();
    let data = handshake(&channels, &server, Then::Close).await.unwrap();
    let (control, data) = (control.tls().unwrap(), data.tls().unwrap());
    assert!(data.resumed);
    assert_eq!(data.certificates, control.certificates);
    assert_eq!(data.certificates[0].sha256, certificate.sha256_hex());
}

#[tokio::test]
async fn a_server_that_does_not_resume_is_refused_only_if_reuse_is_required() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        // Its tickets are worth nothing to the next server.
        let forgetful = || TlsServer::resuming(&certificate, versions);
        for (reuse, accepted) in [(SessionReuse::Prefer, true), (SessionReuse::Require, false)] {
            let params = ConnectParams::new("localhost")
                .unwrap()
                .with_session_reuse(reuse)
                .with_tls(certificate.trusted());
            let channels = Channels::new(&params, &Arc::default()).await.unwrap();
            let host = "localhost".parse().unwrap();
            let io = forgetful().connect(Then::Close);
            let mut control = channels.control(io, &host).await.unwrap();
            control.read_to_end(&mut Vec::new()).await.unwrap();
            let data = channels.data(forgetful().connect(Then::Close), &host).await;
            match data {
                Ok(stream) => assert!(accepted && !stream.tls().unwrap().resumed),
                Err(error) => {
                    assert!(!accepted, "{error:?}");
                    assert_eq!(*error.kind(), ErrorKind::TlsFailed);
                    assert!(error.to_string().contains("did not resume"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn encrypted_client_keys_open_by_their_passphrase_alone() {
    let certificate = certificate();
    let (server, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let key = PKey::private_key_from_pem(&std::fs::read(&identity.key_file).unwrap()).unwrap();
    let encrypted = key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"opens")
        .unwrap();
    let encrypted = identity.add("encrypted.key", encrypted);
    let build = async |key: &str, passphrase: Option<&str>| {
        let trust = certificate
            .trusted()
            .with_client_certificate(&*identity.certificate_file, key);
        let params = ConnectParams::new("localhost").unwrap().with_tls(trust);
        let params = match passphrase {
            Some(passphrase) => params.with_key_passphrase(passphrase),
            None => params,
        };
        Channels::new(&params, &Arc::default()).await
    };
    let opened = build(&encrypted, Some("opens")).await.unwrap();
    let mut stream = handshake(&opened, &server, Then::Close).await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    for (key, passphrase, words) in [
        (&*encrypted, None, "is encrypted"),
        (&*encrypted, Some("wrong"), "does not open"),
    ] {
        let error = build(key, passphrase).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::KeyUnusable, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}
