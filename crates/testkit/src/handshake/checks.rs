//! What a TLS library under FTP owes, as checks that any backend's handshakes can be put to.
//!
//! Why: a session that is not resumed, a cut taken for an end and a client certificate that does not go
//! out lose data connections and files whichever library is at fault. Each check panics with what went
//! wrong; [`handshake_tests`](crate::handshake_tests) makes a test of each.
//!
//! Not here: what only one backend promises, such as opening encrypted keys.

use std::fmt::Debug;
use std::io;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use ftp_connect_core::params::TlsTrust;
use ftp_connect_core::{
    CertificateProblem, ConnectParams, Error, ErrorKind, Fingerprint, FingerprintType, Host,
    Result, Retry, TlsReport,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};

use super::{Then, TlsServer, certificate};
use crate::ca::{ServerCertificate, TestCa, TlsVersions};

/// The TLS of one control connection and its data connections, as a backend makes it.
#[async_trait]
pub trait Tls: Debug + Send + Sync + Sized {
    /// A connection inside TLS.
    type Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin;

    /// Prepares the handshakes of one session with these parameters.
    ///
    /// # Errors
    /// What cannot be used of the parameters.
    async fn new(params: &ConnectParams) -> Result<Self>;

    /// Does the handshake of a data connection to this host.
    ///
    /// # Errors
    /// Why the handshake failed.
    async fn handshake(&self, io: DuplexStream, host: &Host) -> Result<Self::Stream>;

    /// What the handshake negotiated.
    fn report(stream: &Self::Stream) -> &TlsReport;
}

/// Makes a test of each check of [`checks`](mod@crate::handshake::checks) for one
/// [`Tls`](crate::handshake::checks::Tls). The calling crate needs `tokio` with its macros.
#[macro_export]
macro_rules! handshake_tests {
    ($tls:ty) => {
        $crate::handshake_tests!($tls:
            connections_of_one_session_resume_and_others_do_not,
            a_clean_end_is_told_from_a_cut,
            a_line_that_breaks_at_any_byte_is_noticed,
            reading_goes_on_after_the_own_end,
            a_required_client_certificate_is_sent_or_missed_in_words,
            a_certificate_that_signed_itself_is_called_so_and_can_be_listed,
            client_keys_that_cannot_be_used_are_refused_before_connecting,
            encrypted_client_keys_open_by_their_passphrase_alone,
        );
    };
    ($tls:ty: $($check:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $check() {
            $crate::handshake::checks::$check::<$tls>().await;
        })+
    };
}

/// Every data connection resumes the session of its own control connection, and none of another.
pub async fn connections_of_one_session_resume_and_others_do_not<T: Tls>() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let one: T = session(certificate.trusted()).await;
        let other: T = session(certificate.trusted()).await;
        assert!(!resumes(&one, &server).await);
        for _ in 0..20 {
            assert!(resumes(&one, &server).await);
        }
        assert!(!resumes(&other, &server).await);
    }
}

/// An end without close_notify is an error after the last byte, one with it is none.
pub async fn a_clean_end_is_told_from_a_cut<T: Tls>() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let tls: T = session(certificate.trusted()).await;
        for (then, expected) in [
            (Then::Close, None),
            (Then::Cut, Some(io::ErrorKind::UnexpectedEof)),
        ] {
            let mut stream = connect(&tls, &server, then).await.expect("a handshake");
            let mut text = Vec::new();
            let end = stream.read_to_end(&mut text).await;
            assert_eq!(text, b"hello");
            assert_eq!(end.err().map(|error| error.kind()), expected);
        }
    }
}

/// A line that breaks in the handshake, in the content or in the close_notify never looks like an end.
pub async fn a_line_that_breaks_at_any_byte_is_noticed<T: Tls>() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let server = TlsServer::resuming(&certificate, versions);
        let host = "localhost".parse().expect("a host");
        // A pin, because reading the system's authorities takes longer than a handshake.
        let pin = Fingerprint::compute(FingerprintType::Sha256, certificate.der());
        let trust = TlsTrust::default().with_pin(pin);
        let (io, sent) = server.connect_cut_after(usize::MAX);
        let tls: T = session(trust.clone()).await;
        let mut stream = tls.handshake(io, &host).await.expect("a handshake");
        check_hello(&mut stream).await;
        let whole = sent.load(Ordering::Relaxed);
        // Each of the bytes after the handshake, and some of those before. Signatures differ in length by
        // some bytes from one handshake to the next, so the last ones may be all that there are.
        let mut noticed = 0;
        for cut in (0..whole - TAIL).step_by(61).chain(whole - TAIL..whole - 8) {
            let tls: T = session(trust.clone()).await;
            let (io, _) = server.connect_cut_after(cut);
            let Ok(mut stream) = tls.handshake(io, &host).await else {
                continue;
            };
            let end = stream.read_to_end(&mut Vec::new()).await;
            end.expect_err("a cut is an error");
            noticed += 1;
        }
        assert!(noticed > 0);
    }
}

/// The records after the handshake: tickets, the greeting of five bytes, close_notify.
const TAIL: usize = 60;

/// Ending one's own half, even twice, leaves the other half to be read.
pub async fn reading_goes_on_after_the_own_end<T: Tls>() {
    let certificate = certificate();
    let server = TlsServer::resuming(&certificate, TlsVersions::Tls13);
    let tls: T = session(certificate.trusted()).await;
    let mut stream = connect(&tls, &server, Then::Close)
        .await
        .expect("a handshake");
    stream.shutdown().await.expect("the own end");
    stream.shutdown().await.expect("the own end again");
    check_hello(&mut stream).await;
}

/// A server that wants a client certificate gets it, or the error says that it wants one.
pub async fn a_required_client_certificate_is_sent_or_missed_in_words<T: Tls>() {
    for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
        let certificate = certificate();
        let (server, identity) = TlsServer::asking(&certificate, versions);
        let trust = certificate
            .trusted()
            .with_client_certificate(&*identity.certificate_file, &*identity.key_file);
        let with: T = session(trust).await;
        let mut stream = connect(&with, &server, Then::Close)
            .await
            .expect("a handshake");
        check_hello(&mut stream).await;

        let without: T = session(certificate.trusted()).await;
        // TLS 1.3 lets the client think that all is well until it reads.
        let error: Error = match connect(&without, &server, Then::Close).await {
            Err(error) => error,
            Ok(mut stream) => {
                assert_eq!(versions, TlsVersions::Tls13);
                let refusal = stream.read_u8().await;
                refusal.expect_err("the server refuses").into()
            }
        };
        assert_eq!(
            *error.kind(),
            ErrorKind::ClientCertificateRefused,
            "{error:?}"
        );
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("client certificate"), "{hint}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

/// A self-signed certificate is refused as such, unless it is listed and has the right name.
pub async fn a_certificate_that_signed_itself_is_called_so_and_can_be_listed<T: Tls>() {
    let own = ServerCertificate::self_signed().expect("a certificate");
    let server = TlsServer::resuming(&own, TlsVersions::Both);
    // An authority of the same name with another key is another authority.
    let namesake = TestCa::named("localhost").expect("an authority");
    let namesake = namesake.pem_file().to_str().expect("a path in UTF-8");
    let namesake = TlsTrust::default().with_ca_file(namesake);
    for trust in [TlsTrust::default(), certificate().trusted(), namesake] {
        let tls: T = session(trust).await;
        let outcome = connect(&tls, &server, Then::Close).await;
        check_refused(outcome, CertificateProblem::SelfSigned);
    }
    let tls: T = session(own.trusted()).await;
    connect(&tls, &server, Then::Close)
        .await
        .expect("a handshake");
    // A name that it has not is refused all the same.
    let host = "elsewhere.example".parse().expect("a host");
    let outcome = tls.handshake(server.connect(Then::Close), &host).await;
    check_refused(outcome, CertificateProblem::WrongName);
}

/// What is no key, cannot be read or belongs to another certificate is told before anything is sent.
pub async fn client_keys_that_cannot_be_used_are_refused_before_connecting<T: Tls>() {
    let certificate = certificate();
    let (_, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let other = identity.add("other.key", certificate.key_pem());
    for (key, words) in [
        (&*identity.certificate_file, "no private key"),
        ("/nowhere/key", "cannot read client key"),
        (&*other, "do not go together"),
    ] {
        let trust = certificate
            .trusted()
            .with_client_certificate(&*identity.certificate_file, key);
        let error = T::new(&params(trust))
            .await
            .expect_err("the key is unusable");
        assert_eq!(*error.kind(), ErrorKind::KeyUnusable, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// PKCS #12 files and encrypted keys are opened by the key's passphrase; a wrong or missing one is told.
pub async fn encrypted_client_keys_open_by_their_passphrase_alone<T: Tls>() {
    let certificate = certificate();
    let (server, identity) = TlsServer::asking(&certificate, TlsVersions::Tls13);
    let encrypted = identity.encrypted_key("opens");
    let trust = certificate.trusted();
    let mut ways: Vec<TlsTrust> = identity
        .pkcs12("opens")
        .into_iter()
        .map(|file| trust.clone().with_client_identity(file))
        .collect();
    ways.push(trust.with_client_certificate(&*identity.certificate_file, encrypted));
    for trust in ways {
        let params = params(trust);
        let opened = T::new(&params.clone().with_key_passphrase("opens")).await;
        let opened = opened.expect("the key opens");
        let mut stream = connect(&opened, &server, Then::Close)
            .await
            .expect("a handshake");
        check_hello(&mut stream).await;
        for (params, words) in [
            (params.clone(), "is encrypted"),
            (params.with_key_passphrase("wrong"), "does not open"),
        ] {
            let error = T::new(&params).await.expect_err("the key does not open");
            assert_eq!(*error.kind(), ErrorKind::KeyUnusable, "{error:?}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

/// Connects, reads to the end, closes, and says whether the session was resumed.
pub async fn resumes<T: Tls>(tls: &T, server: &TlsServer) -> bool {
    let mut stream = connect(tls, server, Then::Close)
        .await
        .expect("a handshake");
    check_hello(&mut stream).await;
    stream.shutdown().await.expect("the own end");
    T::report(&stream).resumed
}

async fn session<T: Tls>(trust: TlsTrust) -> T {
    T::new(&params(trust)).await.expect("usable parameters")
}

fn params(trust: TlsTrust) -> ConnectParams {
    ConnectParams::new("localhost")
        .expect("a host")
        .with_tls(trust)
}

async fn connect<T: Tls>(tls: &T, server: &TlsServer, then: Then) -> Result<T::Stream> {
    let host = "localhost".parse().expect("a host");
    tls.handshake(server.connect(then), &host).await
}

async fn check_hello(stream: &mut (impl AsyncRead + Unpin)) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("a clean end");
    assert_eq!(text, "hello");
}

#[track_caller]
fn check_refused(outcome: Result<impl Debug>, problem: CertificateProblem) {
    let error = outcome.expect_err("the certificate is refused");
    let expected = ErrorKind::CertificateNotTrusted { problem };
    assert_eq!(*error.kind(), expected, "{error:?}");
}
