//! Handshakes against a server in memory.

use std::{io, sync::Arc};

use ftp_connect_core::{
    CertificateProblem, ConnectParams, Error, ErrorKind, Retry,
    params::{SessionReuse, TlsTrust},
};
use ftp_connect_ftp::Stream as _;
use ftp_connect_testkit::ca::{ServerCertificate, TlsVersions};
use ftp_connect_testkit::handshake::{Then, TlsServer, certificate};
use openssl::{pkey::PKey, symm::Cipher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::{channel::Channels, stream::TlsStream};

fn trusting(certificate: &ServerCertificate) -> TlsTrust {
    TlsTrust::default().with_ca_file(certificate.ca_file().to_str().unwrap())
}

async fn channels(trust: TlsTrust) -> Channels {
    let params = ConnectParams::new("localhost").unwrap().with_tls(trust);
    Channels::new(&params, &Arc::default()).await.unwrap()
}

async fn handshake(
    channels: &Channels,
    server: &TlsServer,
    then: Then,
) -> Result<TlsStream<DuplexStream>, Error> {
    let host = "localhost".parse().unwrap();
    channels.data(server.connect(then), &host).await
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
async fn abrupt_ends_spoil_no_session() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let channels = channels(trusting(&certificate)).await;
        assert!(!resumed(&channels, &server).await);
        for _ in 0..20 {
            // Nothing is read, so no ticket either, and nobody says goodbye.
            let stream = handshake(&channels, &server, Then::Close).await.unwrap();
            assert!(stream.tls().unwrap().resumed);
            drop(stream);
            let mut stream = handshake(&channels, &server, Then::Cut).await.unwrap();
            assert!(stream.tls().unwrap().resumed);
            stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        }
        assert!(resumed(&channels, &server).await);
    }
}

#[tokio::test]
async fn a_resumed_connection_reports_the_chain_of_the_first() {
    let certificate = certificate();
    let server = TlsServer::resuming(&certificate, TlsVersions::Tls13);
    let channels = channels(trusting(&certificate)).await;
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
                .with_tls(trusting(&certificate));
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
    let error = problem(listed.data(server.connect(Then::Close), &host).await);
    let expected = ErrorKind::CertificateNotTrusted {
        problem: CertificateProblem::WrongName,
    };
    assert_eq!(*error.kind(), expected, "{error:?}");
}

#[tokio::test]
async fn client_keys_open_or_are_refused_before_connecting() {
    let certificate = certificate();
    let (server, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let key = PKey::private_key_from_pem(&std::fs::read(&identity.key_file).unwrap()).unwrap();
    let encrypted = key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"opens")
        .unwrap();
    let encrypted = identity.add("encrypted.key", encrypted);
    let other = identity.add("other.key", certificate.key_pem());
    let build = async |key: &str, passphrase: Option<&str>| {
        let trust =
            trusting(&certificate).with_client_certificate(&*identity.certificate_file, key);
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
        (&*identity.certificate_file, None, "no private key"),
        ("/nowhere/key", None, "cannot read client key"),
        (&*other, None, "do not go together"),
    ] {
        let error = build(key, passphrase).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::KeyUnusable, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}
