//! X.509 certificates as people see them: what stands in one, and why one is not trusted.
//!
//! The TLS backends judge certificates with their own libraries. What they *say* about them is here,
//! so that the same certificate is reported, refused and pinned in the same words whichever backend
//! met it. No chain is verified and no key is read here.

use std::{fs, net::IpAddr};

use ftp_connect_core::{
    CertificateProblem, CertificateReport, ConnectParams, Error, ErrorKind, Fingerprint,
    FingerprintType, Host, Result,
};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, pem::Pem, prelude::FromDer,
    time::ASN1Time,
};

/// What stands in a certificate (DER). One that cannot be parsed has its hash alone.
pub fn report(der: &[u8]) -> CertificateReport {
    let mut report = CertificateReport::default();
    report.sha256 = Fingerprint::compute(FingerprintType::Sha256, der).to_hex();
    if let Some(certificate) = parse(der) {
        report.subject = printable(&certificate.subject().to_string());
        report.issuer = printable(&certificate.issuer().to_string());
        report.names = names(&certificate);
        report.not_before = iso(certificate.validity().not_before);
        report.not_after = iso(certificate.validity().not_after);
    }
    report
}

/// Whether subject and issuer are the same, as in a certificate that signed itself.
pub fn is_self_issued(der: &[u8]) -> bool {
    parse(der).is_some_and(|c| c.subject().as_raw() == c.issuer().as_raw())
}

/// The seconds since 1970 between which a certificate is valid, if it can be parsed.
pub fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let certificate = parse(der)?;
    let validity = certificate.validity();
    Some((
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    ))
}

/// Whether a certificate (DER) is one of the pinned ones.
pub fn is_pinned(der: &[u8], pins: &[Fingerprint]) -> bool {
    pins.iter()
        .any(|pin| pin.kind() == FingerprintType::Sha256 && pin.matches(der))
}

/// Checks that pins are SHA-256: another certificate with the same MD5 or SHA-1 can be made.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] with the pin.
pub fn check_pins(pins: &[Fingerprint]) -> Result<()> {
    match pins.iter().find(|p| p.kind() != FingerprintType::Sha256) {
        None => Ok(()),
        Some(pin) => Err(Error::new(ErrorKind::InvalidParameter)
            .with_message(format!("the certificate pin {pin} is not a SHA-256"))
            .with_hint("pin a certificate by the SHA-256 of its DER form, 64 hex digits")),
    }
}

/// Warns, once for each connection, if the parameters accept any certificate.
pub fn warn_if_unchecked(params: &ConnectParams) {
    if params.tls().danger_accept_any_certificate {
        tracing::warn!(
            server = %params.server(),
            "the server's certificate is not checked: whoever is in between can read and change everything"
        );
    }
}

/// Reads all certificates of a PEM file as DER; `what` says in errors what the file is for.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] if the file cannot be read or holds no certificate.
pub fn read_certificates(file: &str, what: &str) -> Result<Vec<Vec<u8>>> {
    parse_certificates(
        &read_file(file, what, ErrorKind::InvalidParameter)?,
        file,
        what,
    )
}

/// As [`read_certificates`], of a file that was read.
pub(crate) fn parse_certificates(bytes: &[u8], file: &str, what: &str) -> Result<Vec<Vec<u8>>> {
    let bad = |why: String, hint: &str| {
        Error::new(ErrorKind::InvalidParameter)
            .with_message(format!("{what} {file:?} {why}"))
            .with_hint(hint)
    };
    let mut found = Vec::new();
    for block in Pem::iter_from_buffer(bytes) {
        let block = block.map_err(|error| {
            bad(
                "is not well-formed PEM".to_owned(),
                "give a file with whole BEGIN CERTIFICATE blocks",
            )
            .with_source(error)
        })?;
        if !matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE") {
            continue;
        }
        if parse(&block.contents).is_none() {
            return Err(bad(
                format!("has a block {} that is no certificate", found.len() + 1),
                "export the certificate again, in PEM form",
            ));
        }
        found.push(block.contents);
    }
    if found.is_empty() {
        return Err(bad(
            "holds no certificate".to_owned(),
            "give a PEM file with BEGIN CERTIFICATE; convert DER by `openssl x509 -inform der`",
        ));
    }
    Ok(found)
}

/// Reads a file that a parameter names; `what` says in errors what it is for.
///
/// # Errors
/// `kind`, with the operating system's words.
pub fn read_file(file: &str, what: &str, kind: ErrorKind) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| {
        Error::new(kind)
            .with_message(format!("cannot read {what} {file:?}: {error}"))
            .with_hint("check the path and who may read the file")
            .with_source(error)
    })
}

/// The error for a server certificate (DER) that is not trusted: it names what was seen, and its hint
/// gives the pin that would accept this certificate alone.
pub fn not_trusted(problem: CertificateProblem, server: &Host, der: &[u8]) -> Error {
    let seen = report(der);
    let advice = match problem {
        CertificateProblem::Expired => "check this machine's clock",
        CertificateProblem::NotYetValid => "check this machine's clock",
        CertificateProblem::WrongName => "connect by a name that the certificate has",
        CertificateProblem::UnknownIssuer => "give the issuer's certificate as CA file (--ca-file)",
        CertificateProblem::SelfSigned => "give this certificate as CA file (--ca-file)",
        CertificateProblem::Revoked => "ask who runs the server for a new certificate",
        CertificateProblem::PinMismatch => "if the server's certificate was renewed",
        _ => "ask who runs the server for another certificate",
    };
    let joint = match problem {
        CertificateProblem::PinMismatch => ", ",
        _ => ", or ",
    };
    Error::new(ErrorKind::CertificateNotTrusted { problem })
        .with_message(format!(
            "certificate not trusted: {}",
            describe(problem, server, &seen, is_valid_now(der))
        ))
        .with_hint(format!(
            "{advice}{joint}verify it with who runs the server and pin it: --pin-sha256 {}",
            seen.sha256
        ))
}

fn describe(
    problem: CertificateProblem,
    server: &Host,
    seen: &CertificateReport,
    valid_now: bool,
) -> String {
    let subject = if seen.subject.is_empty() {
        "without a subject"
    } else {
        &seen.subject
    };
    match problem {
        CertificateProblem::Expired | CertificateProblem::NotYetValid if valid_now => {
            format!(
                "{problem} is a certificate of its issuer {} (of {subject})",
                seen.issuer
            )
        }
        CertificateProblem::Expired => format!("expired on {} ({subject})", seen.not_after),
        CertificateProblem::NotYetValid => {
            format!("not valid before {} ({subject})", seen.not_before)
        }
        CertificateProblem::WrongName if seen.names.is_empty() => {
            format!("it names no host, {server} neither ({subject})")
        }
        CertificateProblem::WrongName => {
            format!("issued for {}, not for {server}", list(&seen.names))
        }
        CertificateProblem::UnknownIssuer => {
            format!("unknown issuer {} (of {subject})", seen.issuer)
        }
        CertificateProblem::SelfSigned => format!("self-signed ({subject})"),
        CertificateProblem::Revoked => format!("revoked ({subject})"),
        CertificateProblem::PinMismatch => format!(
            "none of the pinned certificates; the server's has SHA-256 {} ({subject})",
            seen.sha256
        ),
        other => format!("{other} ({subject})"),
    }
}

/// Whether the certificate itself is in its time, so that a complaint about time is about its chain.
fn is_valid_now(der: &[u8]) -> bool {
    let now = ASN1Time::now().timestamp();
    validity(der).is_some_and(|(from, until)| (from..=until).contains(&now))
}

/// The first few names: a certificate of a shared host can have a hundred.
fn list(names: &[String]) -> String {
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

pub(crate) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der)
        .ok()
        .map(|(_, certificate)| certificate)
}

/// The subject's alternative names (RFC 5280 §4.2.1.6) that can stand for a server.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(printable(name)),
            GeneralName::IPAddress(bytes) => address(bytes).map(|ip| ip.to_string()),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn iso(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A certificate is a stranger's text until it is trusted: nothing in it may steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// How many names a message shows.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    use ftp_connect_testkit::ca::{CertificateRequest, TestCa};

    fn issue(request: CertificateRequest) -> Vec<u8> {
        let ca = TestCa::new().unwrap();
        ca.issue(&request).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_reported() {
        let der = issue(CertificateRequest::default().with_expired(true));
        let report = report(&der);
        assert_eq!(report.subject, "CN=localhost");
        assert_eq!(report.issuer, "CN=FTP Connect test authority");
        assert_eq!(report.names, ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(report.not_before, "2001-01-01T00:00:00Z");
        assert_eq!(report.not_after, "2002-01-01T00:00:00Z");
        assert_eq!(report.sha256.len(), 64);
        assert_eq!(validity(&der), Some((978_307_200, 1_009_843_200)));
        assert!(!is_self_issued(&der));
    }

    #[test]
    fn what_is_no_certificate_has_a_hash_all_the_same() {
        let report = report(b"nonsense");
        assert_eq!(report.subject, "");
        assert_eq!(report.sha256.len(), 64);
    }

    #[test]
    fn pins_are_sha256_of_the_whole() {
        let der = issue(CertificateRequest::default());
        let right = Fingerprint::compute(FingerprintType::Sha256, &der);
        let weak = Fingerprint::compute(FingerprintType::Md5, &der);
        assert!(is_pinned(&der, std::slice::from_ref(&right)));
        assert!(!is_pinned(&der, std::slice::from_ref(&weak)));
        assert!(!is_pinned(b"other", std::slice::from_ref(&right)));
        assert!(check_pins(std::slice::from_ref(&right)).is_ok());
        let error = check_pins(&[right, weak]).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
    }

    #[track_caller]
    fn check(problem: CertificateProblem, message: &str, hint: &str) {
        let der = issue(
            CertificateRequest::default()
                .with_names(["a.example", "b.example"])
                .with_expired(true),
        );
        let sha256 = report(&der).sha256;
        let error = not_trusted(problem, &"files.example".parse().unwrap(), &der);
        assert_eq!(
            *error.kind(),
            ErrorKind::CertificateNotTrusted { problem },
            "{error}"
        );
        assert!(error.to_string().contains(message), "{error}");
        let got = error.hint().unwrap();
        assert!(got.starts_with(hint), "{got}");
        assert!(got.ends_with(&format!("--pin-sha256 {sha256}")), "{got}");
    }

    #[test]
    fn refusals_name_what_was_seen_and_the_pin() {
        use CertificateProblem as P;
        check(P::Expired, "expired on 2002-01-01T00:00:00Z", "check this");
        check(P::NotYetValid, "before 2001-01-01T00:00:00Z", "check this");
        check(
            P::WrongName,
            "issued for a.example, b.example, not for files.example",
            "connect by",
        );
        check(
            P::UnknownIssuer,
            "unknown issuer CN=FTP Connect test authority",
            "give the issuer's",
        );
        check(P::SelfSigned, "self-signed (CN=a.example)", "give this");
        check(P::PinMismatch, "none of the pinned", "if the server's");
        check(P::Other, "not acceptable (CN=a.example)", "ask who");
    }

    #[test]
    fn a_chain_out_of_its_time_is_not_said_of_a_certificate_that_is_in_it() {
        let der = issue(CertificateRequest::default());
        let server = "localhost".parse().unwrap();
        let error = not_trusted(CertificateProblem::Expired, &server, &der);
        let expected = "expired is a certificate of its issuer CN=FTP Connect test authority";
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn certificate_files_are_read_or_refused_with_a_reason() {
        let ca = TestCa::new().unwrap();
        let file = |text: &str| {
            let file = ca.pem_file().with_file_name("given.pem");
            fs::write(&file, text).unwrap();
            read_certificates(file.to_str().unwrap(), "CA file")
        };
        let two = format!("a comment\n{}\r\n{}", ca.pem(), ca.pem());
        assert_eq!(file(&two).unwrap().len(), 2);
        for (text, why) in [
            ("", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\nMIIB\n", "well-formed"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "no certificate",
            ),
        ] {
            let error = file(text).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
            assert!(error.to_string().contains(why), "{text:?}: {error}");
        }
        let error = read_certificates("/nowhere/ca.pem", "CA file").unwrap_err();
        assert!(error.to_string().contains("cannot read CA file"), "{error}");
    }

    #[test]
    fn control_characters_cannot_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31m\nü"), "a\\u{1b}[31m\\nü");
    }
}
