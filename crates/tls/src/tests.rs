//! Handshakes against a server in memory.

use std::{io, sync::Arc};

use ftp_connect_core::{
    CertificateProblem, ConnectParams, Error, ErrorKind, Retry, params::TlsTrust,
};
use ftp_connect_ftp::Stream as _;
use ftp_connect_testkit::ca::{ServerCertificate, TlsVersions};
use ftp_connect_testkit::handshake::{Then, TlsServer, certificate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::{channel::Channels, stream::TlsStream};

fn trusting(certificate: &ServerCertificate) -> TlsTrust {
    TlsTrust::default().with_ca_file(certificate.ca_file().to_str().unwrap())
}

async fn channels(trust: TlsTrust) -> Channels {
    let params = ConnectParams::new("localhost").unwrap().with_tls(trust);
    Channels::new(&params, &Arc::default()).await.unwrap()
}

async fn refused(trust: TlsTrust) -> Error {
    let params = ConnectParams::new("localhost").unwrap().with_tls(trust);
    Channels::new(&params, &Arc::default()).await.unwrap_err()
}

async fn handshake(
    channels: &Channels,
    server: &TlsServer,
    then: Then,
) -> Result<TlsStream<DuplexStream>, Error> {
    let host = "localhost".parse().unwrap();
    channels.secure(server.connect(then), &host).await
}

/// Connects, reads to the end, closes, and says whether the session was resumed.
async fn resumed(channels: &Channels, server: &TlsServer) -> bool {
    let mut stream = handshake(channels, server, Then::Close).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
    stream.shutdown().await.unwrap();
    stream.tls().unwrap().resumed
}

#[tokio::test]
async fn connections_of_one_session_resume_and_others_do_not() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let (one, other) = (
            channels(trusting(&certificate)).await,
            channels(trusting(&certificate)).await,
        );
        assert!(!resumed(&one, &server).await);
        for _ in 0..20 {
            assert!(resumed(&one, &server).await);
        }
        assert!(!resumed(&other, &server).await);
    }
}

#[tokio::test]
async fn a_clean_end_is_told_from_a_cut() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let channels = channels(trusting(&certificate)).await;
        for (then, expected) in [
            (Then::Close, None),
            (Then::Cut, Some(io::ErrorKind::UnexpectedEof)),
        ] {
            let mut stream = handshake(&channels, &server, then).await.unwrap();
            let mut text = Vec::new();
            let end = stream.read_to_end(&mut text).await;
            assert_eq!(text, b"hello");
            assert_eq!(end.err().map(|error| error.kind()), expected);
        }
    }
}

#[tokio::test]
async fn reading_goes_on_after_the_own_end() {
    let certificate = certificate();
    let server = TlsServer::resuming(&certificate, TlsVersions::Tls13);
    let channels = channels(trusting(&certificate)).await;
    let mut stream = handshake(&channels, &server, Then::Close).await.unwrap();
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
}

#[tokio::test]
async fn a_required_client_certificate_is_sent_or_missed_in_words() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let (server, identity) = TlsServer::asking(&certificate, versions);
        let trust = trusting(&certificate)
            .with_client_certificate(&*identity.certificate_file, &*identity.key_file);
        let with = channels(trust).await;
        let mut stream = handshake(&with, &server, Then::Close).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");

        let without = channels(trusting(&certificate)).await;
        // TLS 1.3 lets the client think that all is well until it reads.
        let error = match handshake(&without, &server, Then::Close).await {
            Err(error) => error,
            Ok(mut stream) => {
                assert_eq!(versions, TlsVersions::Tls13);
                stream.read_u8().await.unwrap_err().into()
            }
        };
        assert_eq!(*error.kind(), ErrorKind::TlsFailed, "{error:?}");
        assert!(error.hint().unwrap().contains("client certificate"));
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_called_so_and_can_be_listed() {
    let (server, pem) = TlsServer::self_signed();
    let problem = |result: Result<_, Error>| result.map(|_: TlsStream<_>| ()).unwrap_err();
    let certificate = certificate();
    for trust in [TlsTrust::default(), trusting(&certificate)] {
        let error = problem(handshake(&channels(trust).await, &server, Then::Close).await);
        let expected = ErrorKind::CertificateNotTrusted {
            problem: CertificateProblem::SelfSigned,
        };
        assert_eq!(*error.kind(), expected, "{error:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("listed.pem");
    std::fs::write(&file, pem).unwrap();
    let listed = TlsTrust::default().with_ca_file(file.to_str().unwrap());
    let listed = channels(listed).await;
    handshake(&listed, &server, Then::Close).await.unwrap();
    // A name that it has not is refused all the same.
    let host = "elsewhere.example".parse().unwrap();
    let error = problem(listed.secure(server.connect(Then::Close), &host).await);
    let expected = ErrorKind::CertificateNotTrusted {
        problem: CertificateProblem::WrongName,
    };
    assert_eq!(*error.kind(), expected, "{error:?}");
}

#[tokio::test]
async fn client_keys_that_cannot_be_used_are_refused_before_connecting() {
    let certificate = certificate();
    let (_, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let block =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let encrypted = identity.add("encrypted.key", block);
    let other = identity.add("other.key", certificate.key_pem());
    for (key, kind, words) in [
        (&*encrypted, ErrorKind::KeyUnusable, "encrypted"),
        (
            &*identity.certificate_file,
            ErrorKind::KeyUnusable,
            "no private key",
        ),
        (
            "/nowhere/key",
            ErrorKind::KeyUnusable,
            "cannot read client key",
        ),
        (&*other, ErrorKind::KeyUnusable, "do not go together"),
    ] {
        let trust = TlsTrust::default().with_client_certificate(&*identity.certificate_file, key);
        let error = refused(trust).await;
        assert_eq!(*error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}
