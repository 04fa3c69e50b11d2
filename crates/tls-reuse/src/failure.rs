//! From the library's errors to ours.

use std::io;

use ftp_connect_core::Error;
use ftp_connect_ftp::tls_failure;
use openssl::{error::ErrorStack, ssl};

/// The error for a handshake that failed for another reason than the certificate. `seen` says that the server
/// had shown its own before: what it missed then is the client's.
pub(crate) fn handshake(error: ssl::Error, seen: bool) -> Error {
    if is_unexpected_end(&error) {
        return tls_failure::hung_up().with_source(error);
    }
    match error.into_io_error() {
        Ok(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            tls_failure::hung_up().with_source(error)
        }
        Ok(error) => error.into(),
        Err(error) => translate(&error, seen).with_source(error),
    }
}

/// The error for reading or writing after the handshake. TLS 1.3 servers refuse a client certificate
/// only then (RFC 8446 §4.4.2.4), and little else that a handshake is made of.
pub(crate) fn established(error: io::Error) -> io::Error {
    match error.downcast::<ssl::Error>() {
        Ok(error) if is_unexpected_end(&error) => unexpected_end(),
        Ok(error) => translate(&error, true).with_source(error).into(),
        Err(error) => error,
    }
}

/// The connection ended without close_notify.
pub(crate) fn unexpected_end() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the connection ended without close_notify",
    )
}

fn translate(error: &ssl::Error, seen: bool) -> Error {
    match error.ssl_error().and_then(reason) {
        Some(code @ ALERTS..) if code - ALERTS < 256 => {
            tls_failure::alert(u8::try_from(code - ALERTS).unwrap_or(u8::MAX), seen)
        }
        Some(NO_PROTOCOLS_AVAILABLE | UNSUPPORTED_PROTOCOL | UNSUPPORTED_SSL_VERSION) => {
            tls_failure::no_common_version()
        }
        Some(WRONG_VERSION_NUMBER | PACKET_LENGTH_TOO_LONG | HTTP_REQUEST | BAD_RECORD_TYPE) => {
            tls_failure::failed("the server answered something else than TLS")
        }
        _ => tls_failure::failed(format!("TLS failed: {}", words(error))),
    }
}

/// OpenSSL 3 reports it as an error, OpenSSL 1.1.1 as a system call that failed without a reason.
fn is_unexpected_end(error: &ssl::Error) -> bool {
    match error.ssl_error() {
        Some(stack) => reason(stack) == Some(UNEXPECTED_EOF),
        None => error.code() == ssl::ErrorCode::SYSCALL && error.io_error().is_none(),
    }
}

/// The reason of the first error that came from TLS itself.
fn reason(stack: &ErrorStack) -> Option<i32> {
    stack
        .errors()
        .iter()
        .find(|error| error.library_code() == LIBRARY)
        .map(openssl::error::Error::reason_code)
}

/// The reasons alone: OpenSSL's own lines have addresses, file names and line numbers in them.
fn words(error: &ssl::Error) -> String {
    let reasons: Vec<_> = error
        .ssl_error()
        .map(|stack| stack.errors().iter().filter_map(|e| e.reason()).collect())
        .unwrap_or_default();
    if reasons.is_empty() {
        error.to_string()
    } else {
        reasons.join(", ")
    }
}

// Numbers of OpenSSL's `err.h` and `sslerr.h`, which are part of its interface.

/// `ERR_LIB_SSL`.
const LIBRARY: i32 = 20;
/// `SSL_AD_REASON_OFFSET`: the reason of an alert that was received is its number and this.
const ALERTS: i32 = 1000;
const HTTP_REQUEST: i32 = 156;
const NO_PROTOCOLS_AVAILABLE: i32 = 191;
const PACKET_LENGTH_TOO_LONG: i32 = 198;
const UNSUPPORTED_PROTOCOL: i32 = 258;
const UNSUPPORTED_SSL_VERSION: i32 = 259;
const WRONG_VERSION_NUMBER: i32 = 267;
const UNEXPECTED_EOF: i32 = 294;
const BAD_RECORD_TYPE: i32 = 443;
