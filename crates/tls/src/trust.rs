//! Which server certificate is trusted: by a chain to an authority, by a pin, or whichever comes.
//!
//! Authorities from the user's CA file are asked first, so that a connection that needs nobody else
//! does not depend on the system having any, nor wait for them to be loaded. What is refused leaves as a
//! [`Refusal`] inside the library's error, because only here the certificate is at hand.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ftp_connect_core::{
    CertificateProblem, Error, ErrorKind, Fingerprint, Result, params::TlsTrust,
};
use ftp_connect_ftp::certificate;
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier as PlatformVerifier;

/// Judges server certificates by one set of parameters. The signature of the handshake is checked
/// whatever the rule is: whoever shows a certificate must have its key.
#[derive(Debug)]
pub(crate) struct Trust {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Rule {
    Any,
    Pins(Vec<Fingerprint>),
    Chain {
        extra: Option<Extra>,
        system: Arc<SystemRoots>,
    },
}

/// The authorities of the CA file.
#[derive(Debug)]
struct Extra {
    verifier: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Reads the CA file and, where they will be needed, the system's authorities. It blocks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a CA file or pin that cannot be used.
    pub(crate) fn new(
        params: &TlsTrust,
        system: &Arc<SystemRoots>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        certificate::check_pins(&params.pins)?;
        let extra = match &params.ca_file {
            Some(file) => Some(Extra::read(file, provider)?),
            None => None,
        };
        let rule = if params.danger_accept_any_certificate {
            Rule::Any
        } else if !params.pins.is_empty() {
            Rule::Pins(params.pins.clone())
        } else {
            if extra.is_none() {
                system.verifier(provider);
            }
            Rule::Chain {
                extra,
                system: Arc::clone(system),
            }
        };
        Ok(Self {
            rule,
            provider: Arc::clone(provider),
        })
    }

    /// How a certificate that passed came to be trusted, in the words of `TlsReport::trust`.
    pub(crate) fn name(&self) -> &'static str {
        match self.rule {
            Rule::Any => "not checked",
            Rule::Pins(_) => "pin",
            Rule::Chain { .. } => "chain",
        }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let (extra, system) = match &self.rule {
            Rule::Any => return Ok(()),
            Rule::Pins(pins) if certificate::is_pinned(leaf, pins) => return Ok(()),
            Rule::Pins(_) => return Err(Refusal::new(CertificateProblem::PinMismatch, leaf)),
            Rule::Chain { extra, system } => (extra, system),
        };
        if let Some(extra) = extra {
            match extra.verify(leaf, intermediates, name, ocsp, now) {
                Err(error) if is_about_the_issuer(&error) => {}
                other => return other.map_err(|error| Refusal::from_tls(error, leaf)),
            }
        }
        let Some(system) = system.verifier(&self.provider) else {
            let error = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
            return Err(Refusal::from_tls(error, leaf));
        };
        match system.verify_server_cert(leaf, intermediates, name, ocsp, now) {
            Ok(_) => Ok(()),
            Err(error) => Err(Refusal::from_tls(error, leaf)),
        }
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(end_entity, intermediates, server_name, ocsp_response, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|refusal| CertificateError::Other(OtherError(Arc::new(refusal))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl Extra {
    fn read(file: &str, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let certificates: Vec<CertificateDer<'static>> =
            certificate::read_certificates(file, "CA file")?
                .into_iter()
                .map(CertificateDer::from)
                .collect();
        let unusable = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("the CA file {file:?} cannot be used: {error}"))
                .with_source(error)
        };
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| unusable(error.into()))?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .map_err(|error| unusable(error.into()))?;
        Ok(Self {
            verifier,
            certificates,
        })
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        // webpki takes no authority as a server's own certificate, and that is what `openssl req
        // -x509` makes. A certificate which the user listed itself needs no issuer.
        if self.certificates.iter().any(|listed| listed == leaf) {
            let (from, until) = certificate::validity(leaf).unwrap_or((i64::MAX, i64::MIN));
            let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            if seconds < from {
                return Err(CertificateError::NotValidYet.into());
            }
            if seconds > until {
                return Err(CertificateError::Expired.into());
            }
            return verify_server_name(&ParsedCertificate::try_from(leaf)?, name);
        }
        self.verifier
            .verify_server_cert(leaf, intermediates, name, ocsp, now)
            .map(|_| ())
    }
}

/// The system's authorities, loaded when first needed and then kept for a while: reading them from
/// disk takes longer than a handshake.
#[derive(Debug, Default)]
pub(crate) struct SystemRoots(Mutex<Option<(Instant, Arc<PlatformVerifier>)>>);

impl SystemRoots {
    /// `None` where the system has none, as in many containers.
    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Option<Arc<PlatformVerifier>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((loaded, verifier)) = &*kept
            && loaded.elapsed() < KEPT_FOR
        {
            return Some(Arc::clone(verifier));
        }
        match PlatformVerifier::new(Arc::clone(provider)) {
            Ok(verifier) => {
                let verifier = Arc::new(verifier);
                *kept = Some((Instant::now(), Arc::clone(&verifier)));
                Some(verifier)
            }
            Err(error) => {
                tracing::warn!(%error, "the system has no certificate authorities");
                None
            }
        }
    }
}

/// A certificate that is not trusted, on its way out through the library.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) problem: CertificateProblem,
    pub(crate) leaf: Vec<u8>,
    pub(crate) cause: Option<rustls::Error>,
}

impl Refusal {
    fn new(problem: CertificateProblem, leaf: &[u8]) -> Self {
        Self {
            problem,
            leaf: leaf.to_vec(),
            cause: None,
        }
    }

    fn from_tls(error: rustls::Error, leaf: &[u8]) -> Self {
        let problem = match &error {
            rustls::Error::InvalidCertificate(problem) => match problem {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    CertificateProblem::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    CertificateProblem::NotYetValid
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => CertificateProblem::WrongName,
                CertificateError::Revoked => CertificateProblem::Revoked,
                _ if is_about_the_issuer(&error) && certificate::is_self_issued(leaf) => {
                    CertificateProblem::SelfSigned
                }
                // A signature that is bad, or of another kind than the key, is that of an authority which
                // has the name of a known one.
                CertificateError::UnknownIssuer
                | CertificateError::BadSignature
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                    CertificateProblem::UnknownIssuer
                }
                _ => CertificateProblem::Other,
            },
            _ => CertificateProblem::Other,
        };
        Self {
            cause: Some(error),
            ..Self::new(problem, leaf)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// Whether other authorities could judge otherwise. `Other` is what webpki says of an authority that
/// is used as a server's certificate.
fn is_about_the_issuer(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer
                | CertificateError::BadSignature
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
                | CertificateError::Other(_)
        )
    )
}

/// An hour: an authority that was added or withdrawn is noticed the same day.
const KEPT_FOR: Duration = Duration::from_secs(3600);
