//! Which server certificate is trusted: by a chain to an authority, by a pin, or whichever comes.
//!
//! OpenSSL verifies; its callback is where pins are compared and where the reason of a refusal is
//! remembered, together with the certificate, which is gone afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use ftp_connect_core::{CertificateProblem, Error, Fingerprint, Host, Result, params::TlsTrust};
use ftp_connect_ftp::{certificate, tls_failure};
use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslRef, SslVerifyMode},
    x509::{X509StoreContextRef, X509VerifyResult, verify::X509CheckFlags},
};

/// The rule by which certificates are judged.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    Any,
    Pins(Arc<[Fingerprint]>),
    Chain,
}

impl Trust {
    /// # Errors
    /// [`InvalidParameter`](ftp_connect_core::ErrorKind::InvalidParameter) for a pin that is no SHA-256.
    pub(crate) fn new(params: &TlsTrust) -> Result<Self> {
        certificate::check_pins(&params.pins)?;
        Ok(if params.danger_accept_any_certificate {
            Self::Any
        } else if params.pins.is_empty() {
            Self::Chain
        } else {
            Self::Pins(params.pins.clone().into())
        })
    }

    /// How a certificate that passed came to be trusted, in the words of `TlsReport::trust`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Any => "not checked",
            Self::Pins(_) => "pin",
            Self::Chain => "chain",
        }
    }

    /// Makes a connection check the certificate it will be shown; the verdict says what came of it.
    ///
    /// # Errors
    /// What OpenSSL says of the name.
    pub(crate) fn install(&self, ssl: &mut Ssl, host: &Host) -> Result<Verdict, ErrorStack> {
        let parameters = ssl.param_mut();
        // As rustls has it, and RFC 9525 §2: the names are in subjectAltName, never in the subject.
        parameters.set_hostflags(
            X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT,
        );
        match host {
            Host::Ip(ip) => parameters.set_ip(*ip)?,
            Host::Name(name) => parameters.set_host(name)?,
        }
        let verdict = Verdict::default();
        let (rule, refusal) = (self.clone(), Arc::clone(&verdict.0));
        ssl.set_verify_callback(SslVerifyMode::PEER, move |passed, context| {
            let judged = rule.judge(passed, context);
            if let Err(problem) = &judged {
                let mut first = refusal.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| Refusal::new(*problem, context));
            }
            judged.is_ok()
        });
        Ok(verdict)
    }

    /// Called for each problem of the chain and then for each of its certificates.
    fn judge(
        &self,
        passed: bool,
        context: &mut X509StoreContextRef,
    ) -> Result<(), CertificateProblem> {
        match self {
            Self::Chain if passed => return Ok(()),
            Self::Chain => return Err(problem(context)),
            Self::Pins(pins) if context.error_depth() == 0 => {
                let leaf = context.current_cert().and_then(|c| c.to_der().ok());
                if !leaf.is_some_and(|leaf| certificate::is_pinned(&leaf, pins)) {
                    context.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
                    return Err(CertificateProblem::PinMismatch);
                }
            }
            Self::Pins(_) | Self::Any => {}
        }
        context.set_error(X509VerifyResult::OK);
        Ok(())
    }

    /// Checks once more what a connection that stands was shown: a certificate at all, and a pinned
    /// one if there are pins, on resumed connections too, where the callback is not called.
    ///
    /// # Errors
    /// [`CertificateNotTrusted`](ftp_connect_core::ErrorKind::CertificateNotTrusted).
    pub(crate) fn confirm(&self, ssl: &SslRef, host: &Host) -> Result<()> {
        let Some(leaf) = ssl.peer_certificate() else {
            return Err(tls_failure::failed("the server showed no certificate"));
        };
        let Self::Pins(pins) = self else {
            return Ok(());
        };
        let leaf = leaf.to_der().map_err(|error| {
            tls_failure::failed("the server's certificate cannot be read").with_source(error)
        })?;
        if certificate::is_pinned(&leaf, pins) {
            return Ok(());
        }
        Err(certificate::not_trusted(
            CertificateProblem::PinMismatch,
            host,
            &leaf,
        ))
    }
}

/// What became of the certificate of one connection.
#[derive(Debug, Default)]
pub(crate) struct Verdict(Arc<Mutex<Option<Refusal>>>);

impl Verdict {
    /// The error for a refusal, if there was one.
    pub(crate) fn refused(&self, host: &Host) -> Option<Error> {
        let refusal = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        Some(
            certificate::not_trusted(refusal.problem, host, &refusal.leaf)
                .with_source(refusal.cause),
        )
    }
}

#[derive(Debug)]
struct Refusal {
    problem: CertificateProblem,
    leaf: Vec<u8>,
    cause: X509VerifyResult,
}

impl Refusal {
    fn new(problem: CertificateProblem, context: &X509StoreContextRef) -> Self {
        // The chain begins with the server's own; it is there at the latest when something is wrong
        // with it.
        let leaf = context
            .chain()
            .and_then(|chain| chain.iter().next())
            .or_else(|| context.current_cert());
        Self {
            problem,
            leaf: leaf.and_then(|leaf| leaf.to_der().ok()).unwrap_or_default(),
            cause: context.error(),
        }
    }
}

/// OpenSSL's reasons, `X509_V_ERR_…` of `x509_vfy.h`; the numbers are part of its interface.
fn problem(context: &X509StoreContextRef) -> CertificateProblem {
    match context.error().as_raw() {
        9 => CertificateProblem::NotYetValid,
        10 => CertificateProblem::Expired,
        18 => CertificateProblem::SelfSigned,
        // No issuer, none known here, an authority's name with another key, an unknown root, no proof.
        2 | 7 | 19 | 20 | 21 => CertificateProblem::UnknownIssuer,
        23 => CertificateProblem::Revoked,
        62 | 64 => CertificateProblem::WrongName,
        _ => CertificateProblem::Other,
    }
}
