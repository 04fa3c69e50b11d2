//! The OpenSSL context of one control connection and its data connections.
//!
//! Each control connection has a context, and with it the sessions, of its own. The policy for sessions
//! is in [`session`](crate::session), the one for certificates in [`trust`](crate::trust).

use std::sync::Arc;

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, Host, Result,
    params::{TlsTrust, TlsVersion},
};
use ftp_connect_ftp::certificate;
use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
    ssl::{
        Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
        SslVersion,
    },
    x509::{X509, store::X509StoreBuilder, verify::X509VerifyFlags},
};

use crate::{
    resume::resume,
    roots::SystemRoots,
    session::Sessions,
    trust::{Trust, Verdict},
};

/// Makes connections, each of which may resume what an earlier one negotiated.
#[derive(Debug)]
pub(crate) struct Context {
    context: SslContext,
    sessions: Arc<Sessions>,
    pub(crate) trust: Trust,
}

impl Context {
    /// Reads what files the parameters name, so it blocks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] or [`ErrorKind::KeyUnusable`] for what cannot be used.
    pub(crate) fn new(params: &ConnectParams, system: &SystemRoots) -> Result<Self> {
        params.validate()?;
        let tls = params.tls();
        let trust = Trust::new(tls)?;
        let extra = match &tls.ca_file {
            Some(file) => certificate::read_certificates(file, "CA file")?,
            None => Vec::new(),
        };
        let identity = client_certificate(params)?;
        let mut builder = base(tls).map_err(broken)?;
        if matches!(trust, Trust::Chain) {
            trust_authorities(&mut builder, &extra, system).map_err(broken)?;
        }
        if let Some((chain, key)) = identity {
            identify(&mut builder, chain, &key).map_err(certificate::key_of_another)?;
        }
        let sessions = Arc::new(Sessions::default());
        let newest = Arc::clone(&sessions);
        builder.set_new_session_callback(move |_, session| newest.keep(&session));
        // The cache must be on for the callback to be called, and must not keep anything itself.
        builder.set_session_cache_mode(
            SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL_STORE,
        );
        Ok(Self {
            context: builder.build(),
            sessions,
            trust,
        })
    }

    /// A connection that will be to this host, and where the verdict on its certificate will be. It resumes the
    /// newest session, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::TlsFailed`] with what OpenSSL says.
    pub(crate) fn ssl(&self, host: &Host) -> Result<(Ssl, Verdict)> {
        let mut ssl = Ssl::new(&self.context).map_err(broken)?;
        if let Host::Name(name) = host {
            ssl.set_hostname(name).map_err(broken)?;
        }
        let verdict = self.trust.install(&mut ssl, host).map_err(broken)?;
        if let Err(error) = resume(&mut ssl, &self.sessions) {
            tracing::debug!(%error, "the kept TLS session cannot be used");
        }
        Ok((ssl, verdict))
    }
}

fn base(tls: &TlsTrust) -> Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    // A write that has to wait is repeated from another address in async code.
    builder.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::RELEASE_BUFFERS,
    );
    let version = |version: TlsVersion| match version {
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    };
    builder.set_min_proto_version(Some(version(tls.min_version.unwrap_or(TlsVersion::Tls12))))?;
    builder.set_max_proto_version(Some(version(tls.max_version.unwrap_or(TlsVersion::Tls13))))?;
    builder.set_groups_list(GROUPS)?;
    Ok(builder)
}

fn trust_authorities(
    builder: &mut SslContextBuilder,
    extra: &[Vec<u8>],
    system: &SystemRoots,
) -> Result<(), ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    // As with rustls, whatever is listed is trusted, also an intermediate authority or the server's own
    // certificate, without its root.
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    for der in extra {
        store.add_cert(X509::from_der(der)?)?;
    }
    for certificate in system.certificates() {
        // One that is there twice, or is unusable, takes nothing from the others.
        let _ = store.add_cert(certificate);
    }
    builder.set_cert_store(store.build());
    Ok(())
}

type Identity = (Vec<Vec<u8>>, PKey<Private>);

fn client_certificate(params: &ConnectParams) -> Result<Option<Identity>> {
    let Some(client) = certificate::read_client_certificate(params.tls())? else {
        return Ok(None);
    };
    let key = private_key(client.key_file, params)?;
    Ok(Some((client.chain, key)))
}

fn private_key(file: &str, params: &ConnectParams) -> Result<PKey<Private>> {
    let pem = certificate::read_file(file, "client key", ErrorKind::KeyUnusable)?;
    let passphrase = params.key_passphrase();
    let mut asked = false;
    // Without this callback OpenSSL would ask at the terminal.
    let key = PKey::private_key_from_pem_callback(&pem, |buffer| {
        asked = true;
        let given = passphrase.map_or("", |given| given.expose()).as_bytes();
        let length = given.len().min(buffer.len());
        buffer[..length].copy_from_slice(&given[..length]);
        Ok(length)
    });
    key.map_err(|error| {
        let (why, hint) = match (asked, passphrase) {
            (true, None) => ("is encrypted", "give the key's passphrase"),
            (true, Some(_)) => ("does not open with this passphrase", "check the passphrase"),
            (false, _) => (
                "holds no private key",
                "give a PEM file with a PKCS #8, PKCS #1 or SEC 1 private key",
            ),
        };
        Error::new(ErrorKind::KeyUnusable)
            .with_message(format!("client key {file:?} {why}"))
            .with_hint(hint)
            .with_source(error)
    })
}

fn identify(
    builder: &mut SslContextBuilder,
    chain: Vec<Vec<u8>>,
    key: &PKey<Private>,
) -> Result<(), ErrorStack> {
    let mut chain = chain.into_iter();
    if let Some(leaf) = chain.next() {
        builder.set_certificate(&*X509::from_der(&leaf)?)?;
    }
    for der in chain {
        builder.add_extra_chain_cert(X509::from_der(&der)?)?;
    }
    builder.set_private_key(key)?;
    builder.check_private_key()
}

fn broken(error: ErrorStack) -> Error {
    Error::new(ErrorKind::TlsFailed)
        .with_message(format!("OpenSSL cannot be set up: {error}"))
        .with_source(error)
}

/// P-256 first: TLS 1.3 servers must have it (RFC 8446 §9.1), and vsftpd and Pure-FTPd have nothing else.
/// With X25519 first they ask again, one round trip for each handshake.
const GROUPS: &str = "P-256:X25519:P-384:P-521";
