//! From the library's errors to ours.

use std::io;

use ftp_connect_core::{CertificateProblem, Error, ErrorKind, Host};
use ftp_connect_ftp::{certificate, tls_failure};
use rustls::{CertificateError, PeerIncompatible};

use crate::trust::Refusal;

/// The error for a handshake that failed; `asked` says that the server asked for a client certificate.
pub(crate) fn handshake(error: io::Error, host: &Host, asked: bool) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return tls_failure::hung_up().with_source(error);
    }
    let Some(cause) = tls(&error) else {
        return error.into();
    };
    match refusal(cause) {
        Some(refusal) => not_trusted(refusal, host),
        None => translate(cause, asked).with_source(cause.clone()),
    }
}

/// The error for reading or writing after the handshake. TLS 1.3 servers refuse a client certificate
/// only then (RFC 8446 §4.4.2.4), and little else that a handshake is made of.
pub(crate) fn established(error: io::Error) -> io::Error {
    match tls(&error) {
        Some(rustls::Error::AlertReceived(alert)) => tls_failure::alert(u8::from(*alert), true)
            .with_source(error)
            .into(),
        Some(cause) => tls_failure::failed(format!("TLS broke: {cause}"))
            .with_source(error)
            .into(),
        None => error,
    }
}

/// Our own judgement on the certificate, as it comes back out of the library.
fn refusal(error: &rustls::Error) -> Option<&Refusal> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

/// The source is what the library said of the certificate, not the wrapping, which shows it byte by byte.
fn not_trusted(refusal: &Refusal, host: &Host) -> Error {
    let error = certificate::not_trusted(refusal.problem, host, &refusal.leaf);
    match &refusal.cause {
        Some(cause) => error.with_source(cause.clone()),
        None => error,
    }
}

fn translate(error: &rustls::Error, asked: bool) -> Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => unproven(error),
        rustls::Error::InvalidCertificate(_) => unusable(error),
        rustls::Error::AlertReceived(alert) => tls_failure::alert(u8::from(*alert), asked),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => tls_failure::no_common_version(),
        rustls::Error::InvalidMessage(_) => {
            tls_failure::failed("the server answered something else than TLS")
        }
        other => tls_failure::failed(format!("TLS handshake failed: {other}")),
    }
}

/// The certificate may be right, but the server did not prove that it has its key.
fn unproven(error: &rustls::Error) -> Error {
    Error::new(ErrorKind::CertificateNotTrusted {
        problem: CertificateProblem::Other,
    })
    .with_message(format!(
        "the server did not prove that the certificate is its own: {error}"
    ))
    .with_hint("somebody may be in between: do not send anything to this server")
}

/// A certificate of a form or with a key that the library does not take, pinned or not.
fn unusable(error: &rustls::Error) -> Error {
    Error::new(ErrorKind::CertificateNotTrusted {
        problem: CertificateProblem::Other,
    })
    .with_message(format!("the server's certificate cannot be used: {error}"))
    .with_hint("session reuse (explicit-tls-reuse) goes by OpenSSL, which may take it")
}

fn tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
