//! Why a TLS handshake failed, in words and with a hint; the same for every TLS library.
//!
//! The libraries report the same alerts (RFC 8446 §6.2, RFC 5246 §7.2) under different names. What is
//! said about a certificate of the *server* is in [`certificate`](crate::certificate).

use ftp_connect_core::{Error, ErrorKind, Retry};

/// The error for a fatal alert that the server sent, by its number. `asked` says that the server had asked for
/// a client certificate.
pub fn alert(number: u8, asked: bool) -> Error {
    let what = match number {
        40 => "handshake failure",
        70 => "protocol version",
        71 => "insufficient security",
        112 => "unrecognised name",
        116 => "certificate required",
        42 => "bad certificate",
        43 => "unsupported certificate",
        44 => "certificate revoked",
        45 => "certificate expired",
        46 => "certificate unknown",
        48 => "unknown certificate authority",
        49 => "access denied",
        10 => "unexpected message",
        20 => "bad record",
        47 => "illegal parameter",
        50 => "decode error",
        51 => "decrypt error",
        80 => "internal error",
        90 => "user cancelled",
        _ => return failed(format!("the server ended TLS with alert {number}")),
    };
    let message = format!("the server ended TLS: {what} (alert {number})");
    let hint = match number {
        // Before TLS 1.3 there is no alert of its own for a certificate that is missing; 51 is said of one by
        // another authority of the same name.
        40 | 51 if asked => return client_certificate(message),
        42..=46 | 48 | 49 | 116 => return client_certificate(message),
        40 => {
            "client and server may have no cipher in common; a server that has none but outdated ones needs \
               --legacy"
        }
        70 | 71 => VERSIONS,
        112 => "connect by the name that the server's certificate has",
        _ => return failed(message),
    };
    // What the two sides are set to does not change by trying again.
    failed(message).with_hint(hint).with_retry(Retry::Never)
}

fn client_certificate(message: String) -> Error {
    Error::new(ErrorKind::ClientCertificateRefused).with_message(message)
}

/// The error for a server that has no allowed TLS version.
pub fn no_common_version() -> Error {
    failed("no TLS version in common with the server")
        .with_hint(VERSIONS)
        .with_retry(Retry::Never)
}

/// The error for a server that hangs up in the middle of the handshake.
pub fn hung_up() -> Error {
    failed("the server closed the connection during the TLS handshake")
}

/// Any other failure.
pub fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::TlsFailed).with_message(message)
}

const VERSIONS: &str = "allow the TLS versions that the server has (--tls-min, --tls-max); one that has none but \
     outdated ones needs --legacy";
#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: u8, asked: bool, message: &str, hint: &str, kind: &ErrorKind, retry: Retry) {
        let error = alert(number, asked);
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
        assert_eq!(error.retry(), retry);
    }

    #[test]
    fn alerts_have_words_and_advice() {
        let (refused, failed) = (&ErrorKind::ClientCertificateRefused, &ErrorKind::TlsFailed);
        let (never, again) = (Retry::Never, Retry::NewSession);
        for asked in [false, true] {
            let required = "certificate required (alert 116)";
            check(116, asked, required, "client certificate", refused, never);
            let unknown = "unknown certificate authority";
            check(48, asked, unknown, "client certificate", refused, never);
            check(70, asked, "protocol version", "--tls-min", failed, never);
            let internal = "internal error (alert 80)";
            check(80, asked, internal, "speaks TLS", failed, again);
            check(200, asked, "with alert 200", "speaks TLS", failed, again);
        }
        check(51, true, "decrypt", "client certificate", refused, never);
        check(40, false, "handshake failure", "cipher", failed, never);
        check(
            40,
            true,
            "handshake failure",
            "client certificate",
            refused,
            never,
        );
    }
}
