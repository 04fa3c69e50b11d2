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
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkcs12::Pkcs12,
    pkey::PKey,
    rsa::Rsa,
    ssl::{Ssl, SslContext, SslMethod, SslVersion},
    stack::Stack,
    symm::Cipher,
    x509::{X509, X509Builder, X509NameBuilder, extension::SubjectAlternativeName},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_openssl::SslStream;

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
                    assert_eq!(*error.kind(), ErrorKind::SessionNotResumed);
                }
            }
        }
    }
}

#[tokio::test]
async fn keys_and_pkcs12_files_of_openssl_are_opened() {
    let certificate = certificate();
    let (server, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let key = PKey::private_key_from_pem(&std::fs::read(&identity.key_file).unwrap()).unwrap();
    let own = X509::from_pem(&std::fs::read(&identity.certificate_file).unwrap()).unwrap();
    let mut authorities = Stack::new().unwrap();
    authorities
        .push(X509::from_pem(certificate.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let mut pkcs12 = Pkcs12::builder();
    pkcs12.name("ada").pkey(&key).cert(&own).ca(authorities);
    let pkcs12 = pkcs12.build2("opens").unwrap().to_der().unwrap();
    let pkcs8 = key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"opens")
        .unwrap();
    let pkcs12 = identity.add("openssl.p12", pkcs12);
    let pkcs8 = identity.add("openssl.key", pkcs8);
    let trust = certificate.trusted();
    for trust in [
        trust.clone().with_client_identity(pkcs12),
        trust.with_client_certificate(&*identity.certificate_file, pkcs8),
    ] {
        let params = ConnectParams::new("localhost")
            .unwrap()
            .with_tls(trust)
            .with_key_passphrase("opens");
        let opened = Channels::new(&params, &Arc::default()).await.unwrap();
        let mut stream = handshake(&opened, &server, Then::Close).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
}

/// A server of twenty years ago: TLS 1.0 at most, a small key, a SHA-1 signature. Gives its certificate as PEM.
fn outdated_server() -> (SslContext, Vec<u8>) {
    let key = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    let (from, until) = (Asn1Time::days_from_now(0), Asn1Time::days_from_now(2));
    certificate.set_not_before(&from.unwrap()).unwrap();
    certificate.set_not_after(&until.unwrap()).unwrap();
    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .build(&certificate.x509v3_context(None, None))
        .unwrap();
    certificate.append_extension(names).unwrap();
    certificate.sign(&key, MessageDigest::sha1()).unwrap();
    let certificate: X509 = certificate.build();

    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_security_level(0);
    context.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    context
        .set_min_proto_version(Some(SslVersion::TLS1))
        .unwrap();
    context
        .set_max_proto_version(Some(SslVersion::TLS1))
        .unwrap();
    context.set_certificate(&certificate).unwrap();
    context.set_private_key(&key).unwrap();
    (context.build(), certificate.to_pem().unwrap())
}

#[tokio::test]
async fn outdated_servers_are_served_when_told_so_and_not_before() {
    let (server, pem) = outdated_server();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("old.pem");
    std::fs::write(&file, pem).unwrap();
    let params = ConnectParams::new("localhost")
        .unwrap()
        .with_tls(TlsTrust::default().with_ca_file(file.to_str().unwrap()));
    let host: Host = "localhost".parse().unwrap();
    for legacy in [false, true] {
        let (client, io) = duplex(64 * 1024);
        let mut stream = SslStream::new(Ssl::new(&server).unwrap(), io).unwrap();
        tokio::spawn(async move {
            if std::pin::Pin::new(&mut stream).accept().await.is_ok() {
                stream.write_all(b"old").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let params = params.clone().with_legacy(legacy);
        let channels = Channels::new(&params, &Arc::default()).await.unwrap();
        match channels.control(client, &host).await {
            Ok(mut stream) => {
                assert!(legacy);
                assert_eq!(stream.tls().unwrap().version, "TLSv1");
                let mut text = String::new();
                stream.read_to_string(&mut text).await.unwrap();
                assert_eq!(text, "old");
            }
            Err(error) => {
                assert!(!legacy, "{error:?}");
                assert_eq!(*error.kind(), ErrorKind::TlsFailed);
                assert!(error.hint().unwrap().contains("--legacy"), "{error:?}");
            }
        }
    }
}
