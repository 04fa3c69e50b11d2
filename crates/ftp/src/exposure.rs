//! What of a connection others can read or forge, in words for the report.
//!
//! Everything here was asked for by a parameter that says so in its name; it is repeated because who reads
//! a report is not always who wrote the parameters.

use ftp_connect_core::{ConnectParams, Encryption, TlsReport};
use ftp_connect_ftp_proto::flow::Login;

/// A line for each thing that is less protected than it could be.
pub(crate) fn warnings(
    params: &ConnectParams,
    tls: Option<&TlsReport>,
    login: &Login,
) -> Vec<String> {
    let mut lines = Vec::new();
    if params.encryption() == Encryption::None && params.password().is_some() {
        lines.push("the password and all data went over the network in the clear".to_owned());
    }
    let Some(tls) = tls else {
        return lines;
    };
    if params.tls().danger_accept_any_certificate {
        lines.push("the server's certificate was not checked".to_owned());
    }
    if !login.private_data {
        lines.push("files and listings go over the network in the clear (PROT C)".to_owned());
    }
    if login.cleared {
        lines.push("commands go over the network in the clear since the login (CCC)".to_owned());
    }
    if params.legacy() {
        lines.push(format!(
            "outdated TLS was allowed (legacy): {} with {} is {}",
            tls.version,
            tls.cipher,
            match is_outdated(tls) {
                true => "not safe any more",
                false => "what the server chose, and safe: try without legacy",
            }
        ));
    }
    lines
}

/// Whether a browser of today would refuse it: TLS before 1.2 (RFC 8996), a cipher without authenticated
/// encryption, or a key that is not thrown away (RFC 9325 §4.2).
fn is_outdated(tls: &TlsReport) -> bool {
    let authenticated = ["GCM", "CCM", "CHACHA20"]
        .iter()
        .any(|mode| tls.cipher.contains(mode));
    let ephemeral = tls.version == "TLSv1.3" || tls.cipher.contains("DHE_");
    matches!(&*tls.version, "SSLv3" | "TLSv1" | "TLSv1.1") || !authenticated || !ephemeral
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, cipher: &str, expected: bool) {
        let mut report = TlsReport::default();
        version.clone_into(&mut report.version);
        cipher.clone_into(&mut report.cipher);
        assert_eq!(is_outdated(&report), expected, "{version} {cipher}");
    }

    #[test]
    fn what_is_outdated() {
        check("TLSv1.3", "TLS_AES_256_GCM_SHA384", false);
        check("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false);
        check(
            "TLSv1.2",
            "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            false,
        );
        check("TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", true);
        check("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", true);
        check("TLSv1.1", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", true);
        check("TLSv1", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", true);
    }
}
