//! The rustls configuration of one control connection and its data connections.
//!
//! Each control connection has a configuration, and with it a session store, of its own: ProFTPD
//! refuses a data connection that resumes a session of another control connection. The store also
//! remembers the server's key-exchange group. The crypto provider is named here and nowhere else; the
//! process's default provider is neither used nor set.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, Result,
    params::{SessionReuse, TlsTrust, TlsVersion},
};
use ftp_connect_ftp::client_certificate::{self, ClientKey};
use rustls::{
    ClientConfig, SignatureScheme, SupportedProtocolVersion,
    client::{ResolvesClientCert, Resumption},
    crypto::{
        CryptoProvider,
        ring::{self, kx_group},
    },
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::{
    sessions::Sessions,
    trust::{SystemRoots, Trust},
};

/// Makes the configuration. It reads files, so it blocks.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] or [`ErrorKind::KeyUnusable`] for files that cannot be used.
pub(crate) fn client_config(
    params: &ConnectParams,
    system: &Arc<SystemRoots>,
) -> Result<Configured> {
    params.validate()?;
    let tls = params.tls();
    let provider = Arc::new(provider());
    let trust = Arc::new(Trust::new(tls, system, &provider)?);
    let client = Arc::new(Client {
        identity: identity(params, &provider)?,
        asked: AtomicBool::new(false),
    });
    let resumes = params.session_reuse() != Some(SessionReuse::Never);
    let config = |versions: &[&'static SupportedProtocolVersion]| -> Result<Configuration> {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| {
                Error::new(ErrorKind::InvalidParameter)
                    .with_message("no TLS version that this backend has is allowed")
                    .with_hint("TLS before 1.2 goes by the backend tls-reuse alone")
                    .with_source(error)
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&trust) as _)
            .with_client_cert_resolver(Arc::clone(&client) as _);
        let sessions = Arc::new(Sessions::default());
        config.resumption = match resumes {
            true => Resumption::store(Arc::clone(&sessions) as _),
            false => Resumption::disabled(),
        };
        Ok(Configuration {
            config: Arc::new(config),
            sessions,
        })
    };
    let versions = versions(tls);
    let spare = match versions.len() {
        2 if resumes => Some(config(&[&TLS12])?),
        _ => None,
    };
    Ok(Configured {
        usual: config(&versions)?,
        tls12: spare,
        resumes,
        capped: AtomicBool::new(false),
        trusted_by: trust.name(),
        client,
    })
}

/// What the handshakes of one session need.
#[derive(Debug)]
pub(crate) struct Configured {
    usual: Configuration,
    /// The same with TLS 1.2 alone, where that is allowed beside TLS 1.3.
    tls12: Option<Configuration>,
    resumes: bool,
    capped: AtomicBool,
    /// How certificates are trusted, in the words of `TlsReport::trust`.
    pub(crate) trusted_by: &'static str,
    pub(crate) client: Arc<Client>,
}

#[derive(Debug)]
struct Configuration {
    config: Arc<ClientConfig>,
    sessions: Arc<Sessions>,
}

impl Configured {
    pub(crate) fn config(&self) -> &Arc<ClientConfig> {
        &self.current().config
    }

    fn current(&self) -> &Configuration {
        match &self.tls12 {
            Some(tls12) if self.capped.load(Ordering::Relaxed) => tls12,
            _ => &self.usual,
        }
    }

    pub(crate) fn can_spare_session(&self) -> bool {
        !self.resumes || self.current().sessions.can_spare_one()
    }

    pub(crate) fn can_cap_at_tls12(&self) -> bool {
        self.tls12.is_some() && !self.capped.load(Ordering::Relaxed)
    }

    pub(crate) fn cap_at_tls12(&self) {
        self.capped.store(true, Ordering::Relaxed);
    }
}

/// Who the client is, and whether a server has asked.
#[derive(Debug)]
pub(crate) struct Client {
    identity: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl Client {
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Client {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// Ring, offering P-256 first. TLS 1.3 servers must have P-256 (RFC 8446 §9.1), and vsftpd and Pure-FTPd
/// have nothing else: with X25519 first they ask again, one round trip for each handshake.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![kx_group::SECP256R1, kx_group::X25519, kx_group::SECP384R1],
        ..ring::default_provider()
    }
}

fn versions(tls: &TlsTrust) -> Vec<&'static SupportedProtocolVersion> {
    let least = tls.min_version.unwrap_or(TlsVersion::Tls12);
    let greatest = tls.max_version.unwrap_or(TlsVersion::Tls13);
    [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)]
        .into_iter()
        .filter(|(version, _)| (least..=greatest).contains(version))
        .map(|(_, version)| version)
        .collect()
}

fn identity(
    params: &ConnectParams,
    provider: &CryptoProvider,
) -> Result<Option<Arc<CertifiedKey>>> {
    let Some(client) = client_certificate::read(params)? else {
        return Ok(None);
    };
    let chain = client.chain.into_iter().map(CertificateDer::from).collect();
    let key = match client.key {
        ClientKey::Pkcs8(der) => PrivatePkcs8KeyDer::from(der.expose().clone()).into(),
        ClientKey::Pem(text) => private_key(&client.key_file, text.expose())?,
    };
    let identity =
        CertifiedKey::from_der(chain, key, provider).map_err(client_certificate::key_of_another)?;
    Ok(Some(Arc::new(identity)))
}

fn private_key(file: &str, text: &[u8]) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        let encrypted = text.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED);
        if encrypted {
            client_certificate::unusable(
                file,
                "is encrypted in a way that this backend cannot open",
                "encrypt it anew by `openssl pkey -in KEY -aes256 -out NEW`, or use explicit-tls-reuse",
            )
            .with_source(error)
        } else {
            client_certificate::no_key(file, error)
        }
    })
}

/// In `BEGIN ENCRYPTED PRIVATE KEY` and in the `Proc-Type` header of older files.
const ENCRYPTED: &[u8] = b"ENCRYPTED";
