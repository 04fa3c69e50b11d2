//! Why a TLS handshake failed, in words and with a hint; the same for every TLS library.
//!
//! The libraries report the same alerts (RFC 8446 §6.2, RFC 5246 §7.2) under different names. What is
//! said about a certificate of the *server* is in [`certificate`](crate::certificate).

use ftp_connect_core::{Error, ErrorKind, Retry};

/// The error for a fatal alert that the server sent, by its number.
pub fn alert(number: u8) -> Error {
    let (what, hint) = match number {
        40 => (
            "handshake failure",
            Some(
                "client and server may have no cipher in common, or the server wants a client certificate",
            ),
        ),
        70 => ("protocol version", Some(VERSIONS)),
        71 => ("insufficient security", Some(VERSIONS)),
        112 => (
            "unrecognised name",
            Some("connect by the name that the server's certificate has"),
        ),
        116 => ("certificate required", Some(CLIENT_CERTIFICATE)),
        42 => ("bad certificate", Some(CLIENT_CERTIFICATE)),
        43 => ("unsupported certificate", Some(CLIENT_CERTIFICATE)),
        44 => ("certificate revoked", Some(CLIENT_CERTIFICATE)),
        45 => ("certificate expired", Some(CLIENT_CERTIFICATE)),
        46 => ("certificate unknown", Some(CLIENT_CERTIFICATE)),
        48 => ("unknown certificate authority", Some(CLIENT_CERTIFICATE)),
        49 => ("access denied", Some(CLIENT_CERTIFICATE)),
        10 => ("unexpected message", None),
        20 => ("bad record", None),
        47 => ("illegal parameter", None),
        50 => ("decode error", None),
        51 => ("decrypt error", None),
        80 => ("internal error", None),
        90 => ("user cancelled", None),
        _ => return failed(format!("the server ended TLS with alert {number}")),
    };
    let error = failed(format!("the server ended TLS: {what} (alert {number})"));
    match hint {
        // What the two sides are set to does not change by trying again.
        Some(hint) => error.with_hint(hint).with_retry(Retry::Never),
        None => error,
    }
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
const CLIENT_CERTIFICATE: &str =
    "the server wants a client certificate: give one that it trusts, with its key";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: u8, message: &str, hint: &str, retry: Retry) {
        let error = alert(number);
        assert_eq!(*error.kind(), ErrorKind::TlsFailed);
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
        assert_eq!(error.retry(), retry);
    }

    #[test]
    fn alerts_have_words_and_advice() {
        let never = Retry::Never;
        check(
            116,
            "certificate required (alert 116)",
            "client certificate",
            never,
        );
        check(
            48,
            "unknown certificate authority",
            "client certificate",
            never,
        );
        check(70, "protocol version", "--tls-min", never);
        check(
            80,
            "internal error (alert 80)",
            "speaks TLS",
            Retry::NewSession,
        );
        check(200, "with alert 200", "speaks TLS", Retry::NewSession);
    }
}
