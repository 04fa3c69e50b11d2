//! TLS: whether it is offered, in which versions, and what the certificate says. Nobody logs in here.

use ftp_connect_core::params::TlsVersion;
use ftp_connect_core::{
    CertificateProblem, ConnectParams, Encryption, Error, ErrorKind, Fingerprint, FingerprintType,
    Result, TlsReport,
};

use crate::examine::{Examination, GLANCE, fault};
use crate::greeting::{self, Heard};
use crate::{Cause, Check, Finding, Spoken};

impl Examination<'_> {
    /// Does the handshake of implicit TLS, where the parameters say so.
    pub(crate) async fn implicit_tls(&mut self) -> Option<()> {
        match look(&self.params, Encryption::ImplicitTls).await {
            Ok(report) => {
                self.tell(Finding::good(Check::ImplicitTls, negotiated(&report)));
                self.tls = Some(report);
                Some(())
            }
            Err(error) if *error.kind() == ErrorKind::PlaintextOnTlsPort => {
                self.tell(fault(Check::ImplicitTls, &error));
                self.params = self.params.clone().with_encryption(Encryption::ExplicitTls);
                Some(())
            }
            Err(error) => {
                match self.other_than_tls(&error).await {
                    Some(finding) => self.tell(finding),
                    None => self.tls_failed(Check::ImplicitTls, error).await,
                }
                None
            }
        }
    }

    /// Who speaks instead, where what came was no TLS at all.
    async fn other_than_tls(&self, error: &Error) -> Option<Finding> {
        if *error.kind() != ErrorKind::TlsFailed {
            return None;
        }
        match greeting::listen(&self.params, GLANCE).await {
            Ok(Heard::Said(spoken, words)) if spoken != Spoken::Tls => {
                let summary = "this port does not speak TLS";
                let cause = Cause::OtherProtocol(spoken);
                let finding = Finding::bad(Check::ImplicitTls, cause, summary);
                Some(finding.saw(format!("it says: {words}")))
            }
            _ => None,
        }
    }

    /// Whether this is a port that speaks TLS from the first byte; goes on with that then.
    pub(crate) async fn is_implicit(&mut self) -> bool {
        let Ok(report) = look(&self.params, Encryption::ImplicitTls).await else {
            return false;
        };
        let summary = "the server expects TLS from the first byte";
        let finding = Finding::bad(Check::Greeting, Cause::TlsFromFirstByte, summary);
        self.tell(finding.saw(negotiated(&report)));
        self.tls = Some(report);
        self.params = self.params.clone().with_encryption(Encryption::ImplicitTls);
        true
    }

    /// Looks for TLS after `AUTH TLS`. Says whether it is there; `None` where it should be and is not.
    pub(crate) async fn explicit_tls(&mut self) -> Option<bool> {
        let wanted = self.params.encryption() != Encryption::None;
        match look(&self.params, Encryption::ExplicitTls).await {
            Ok(report) => {
                self.tell(Finding::good(Check::ExplicitTls, negotiated(&report)));
                self.tls = Some(report);
                Some(true)
            }
            Err(error) if *error.kind() == ErrorKind::TlsNotOffered => {
                let summary = "the server has no TLS on this port";
                let mut finding = match wanted {
                    true => Finding::bad(Check::ExplicitTls, Cause::TlsNotOffered, summary),
                    false => Finding::note(Check::ExplicitTls, Cause::TlsNotOffered, summary),
                };
                if let Some(reply) = error.reply() {
                    finding = finding.saw(reply.to_string());
                }
                let elsewhere = self.params.clone().with_port(None);
                if let Ok(report) = look(&elsewhere, Encryption::ImplicitTls).await {
                    let line = format!("port 990 has implicit TLS: {}", negotiated(&report));
                    finding = finding.saw(line);
                }
                self.tell(finding);
                (!wanted).then_some(false)
            }
            Err(error) if wanted => {
                self.tls_failed(Check::ExplicitTls, error).await;
                None
            }
            Err(error) => {
                let finding =
                    Finding::note(Check::ExplicitTls, Cause::of(&error), error.to_string());
                self.tell(finding);
                Some(false)
            }
        }
    }

    /// Which versions the server has, each in a handshake of its own.
    pub(crate) async fn tls_versions(&mut self) {
        let Some(first) = self.tls.clone() else {
            return;
        };
        let mut has = Vec::new();
        let mut evidence = Vec::new();
        for (version, name) in [
            (TlsVersion::Tls12, "TLSv1.2"),
            (TlsVersion::Tls13, "TLSv1.3"),
        ] {
            if first.version == name {
                has.push(name);
                continue;
            }
            let tls = self.params.tls().clone();
            let tls = tls.with_min_version(version).with_max_version(version);
            let only = self.params.clone().with_tls(tls);
            match look(&only, self.params.encryption()).await {
                Ok(report) => {
                    has.push(name);
                    evidence.push(negotiated(&report));
                }
                Err(error) => evidence.push(format!("{name}: {error}")),
            }
        }
        let finding = Finding::good(Check::TlsVersions, has.join(", "));
        self.tell(finding.saw_all(evidence));
    }

    /// What the certificate that was seen says, as evidence.
    pub(crate) fn certificate(&self) -> Vec<String> {
        let chain = self.tls.iter().flat_map(|report| &report.certificates);
        let lines = chain.enumerate().flat_map(|(place, seen)| {
            let mut lines = vec![
                format!("subject {}, issued by {}", seen.subject, seen.issuer),
                format!("valid from {} to {}", seen.not_before, seen.not_after),
                format!("SHA-256 {}", seen.sha256),
            ];
            if !seen.names.is_empty() {
                lines.insert(1, format!("for {}", seen.names.join(", ")));
            }
            // Of the others in the chain their names are enough.
            lines.truncate(if place == 0 { 4 } else { 1 });
            lines
        });
        lines.collect()
    }

    async fn tls_failed(&mut self, check: Check, error: Error) {
        let finding = fault(check, &error);
        let finding = match finding.cause {
            Some(Cause::TlsFailed) if self.has_only_outdated().await => {
                let summary = "the server has no TLS newer than 1.1";
                Finding::bad(check, Cause::TlsOutdated, summary).saw(error.to_string())
            }
            _ => finding,
        };
        self.tell(finding);
    }

    /// Whether a handshake with TLS 1.0 or 1.1 comes about. No certificate is the one that is asked for, so that
    /// nobody logs in.
    async fn has_only_outdated(&self) -> bool {
        let mut tls = self.params.tls().clone();
        tls.danger_accept_any_certificate = false;
        tls.min_version = None;
        tls.pins = vec![Fingerprint::compute(
            FingerprintType::Sha256,
            b"no certificate",
        )];
        let tls = tls.with_max_version(TlsVersion::Tls11);
        let old = self.params.clone().with_tls(tls).with_legacy(true);
        let refused = self.registry.connect(&old).await.err();
        let reason = refused.as_ref().map(Error::kind);
        let mismatch = CertificateProblem::PinMismatch;
        reason == Some(&ErrorKind::CertificateNotTrusted { problem: mismatch })
    }
}

/// The handshake alone, whatever the certificate.
async fn look(params: &ConnectParams, encryption: Encryption) -> Result<TlsReport> {
    let params = params.clone().with_encryption(encryption);
    ftp_connect_tls::server_certificate(&params).await
}

pub(crate) fn negotiated(report: &TlsReport) -> String {
    match &report.key_exchange {
        Some(group) => format!("{}, {}, {group}", report.version, report.cipher),
        None => format!("{}, {}", report.version, report.cipher),
    }
}
