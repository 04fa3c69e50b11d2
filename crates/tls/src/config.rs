//! The rustls configuration of one control connection and its data connections.
//!
//! Each control connection has a configuration, and with it a session store, of its own: ProFTPD
//! refuses a data connection that resumes a session of another control connection. The store also
//! remembers the server's key-exchange group. The crypto provider is named here and nowhere else; the
//! process's default provider is neither used nor set.

use std::sync::Arc;

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, Result,
    params::{TlsTrust, TlsVersion},
};
use ftp_connect_ftp::certificate;
use rustls::{
    ClientConfig, SupportedProtocolVersion,
    client::Resumption,
    crypto::{
        CryptoProvider,
        ring::{self, kx_group},
    },
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};

use crate::trust::{SystemRoots, Trust};

/// Makes the configuration, and says how certificates are trusted by it. It reads files, so it blocks.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] or [`ErrorKind::KeyUnusable`] for files that cannot be used.
pub(crate) fn client_config(
    params: &ConnectParams,
    system: &Arc<SystemRoots>,
) -> Result<(Arc<ClientConfig>, &'static str)> {
    params.validate()?;
    let tls = params.tls();
    let provider = Arc::new(provider());
    let trust = Trust::new(tls, system, &provider)?;
    let trusted_by = trust.name();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(tls))
        .map_err(|error| {
            Error::new(ErrorKind::InvalidParameter)
                .with_message("no TLS version is allowed")
                .with_source(error)
        })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let mut config = match client_certificate(tls)? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(certificate::key_of_another)?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok((Arc::new(config), trusted_by))
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

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(tls: &TlsTrust) -> Result<Option<Identity>> {
    let Some(client) = certificate::read_client_certificate(tls)? else {
        return Ok(None);
    };
    let chain = client.chain.into_iter().map(CertificateDer::from).collect();
    Ok(Some((chain, private_key(client.key_file)?)))
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>> {
    let pem = certificate::read_file(file, "client key", ErrorKind::KeyUnusable)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        let encrypted = pem.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED);
        let (why, hint) = if encrypted {
            (
                "is encrypted, which this backend cannot open",
                "decrypt it by `openssl pkey -in KEY -out PLAIN`, or use explicit-tls-reuse",
            )
        } else {
            (
                "holds no private key",
                "give a PEM file with a PKCS #8, PKCS #1 or SEC 1 private key",
            )
        };
        Error::new(ErrorKind::KeyUnusable)
            .with_message(format!("client key {file:?} {why}"))
            .with_hint(hint)
            .with_source(error)
    })
}

/// In `BEGIN ENCRYPTED PRIVATE KEY` and in the `Proc-Type` header of older files.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// More than the tickets of one server, of which rustls keeps eight.
const SESSIONS: usize = 32;
