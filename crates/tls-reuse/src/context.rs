//! The OpenSSL context of one control connection and its data connections.
//!
//! Each control connection has a context, and with it the sessions, of its own. The policy for sessions
//! is in [`session`](crate::session), the one for certificates in [`trust`](crate::trust).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, Host, Result,
    params::{SessionReuse, TlsTrust, TlsVersion},
};
use ftp_connect_ftp::{
    certificate,
    client_certificate::{self, ClientKey},
};
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
    pub(crate) sessions: Arc<Sessions>,
    resumes: bool,
    /// Whether TLS 1.2 and TLS 1.3 are both allowed.
    both_versions: bool,
    capped: AtomicBool,
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
        let identity = identity(params)?;
        let mut builder = base(tls, params.legacy()).map_err(broken)?;
        if matches!(trust, Trust::Chain) {
            trust_authorities(&mut builder, &extra, system).map_err(broken)?;
        }
        if let Some((chain, key)) = identity {
            identify(&mut builder, chain, &key).map_err(client_certificate::key_of_another)?;
        }
        let sessions = Arc::new(Sessions::default());
        let newest = Arc::clone(&sessions);
        builder.set_new_session_callback(move |_, session| newest.keep(session));
        // The cache must be on for the callback to be called, and must not keep anything itself.
        builder.set_session_cache_mode(
            SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL_STORE,
        );
        let allows = |version| {
            tls.min_version.is_none_or(|least| least <= version)
                && tls.max_version.is_none_or(|greatest| version <= greatest)
        };
        Ok(Self {
            context: builder.build(),
            sessions,
            resumes: params.session_reuse() != Some(SessionReuse::Never),
            both_versions: allows(TlsVersion::Tls12) && allows(TlsVersion::Tls13),
            capped: AtomicBool::new(false),
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
        if self.capped.load(Ordering::Relaxed) {
            ssl.set_max_proto_version(Some(SslVersion::TLS1_2))
                .map_err(broken)?;
        }
        if let Host::Name(name) = host {
            ssl.set_hostname(name).map_err(broken)?;
        }
        let verdict = self.trust.install(&mut ssl, host).map_err(broken)?;
        if self.resumes
            && let Err(error) = resume(&mut ssl, &self.sessions)
        {
            tracing::debug!(%error, "the kept TLS session cannot be used");
        }
        Ok((ssl, verdict))
    }
}

impl Context {
    pub(crate) fn can_cap_at_tls12(&self) -> bool {
        self.both_versions && self.resumes && !self.capped.load(Ordering::Relaxed)
    }

    pub(crate) fn cap_at_tls12(&self) {
        self.capped.store(true, Ordering::Relaxed);
        self.sessions.forget();
    }
}

fn base(tls: &TlsTrust, legacy: bool) -> Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    // A write that has to wait is repeated from another address in async code.
    builder.set_mode(
        SslMode::AUTO_RETRY | SslMode::ACCEPT_MOVING_WRITE_BUFFER | SslMode::ENABLE_PARTIAL_WRITE,
    );
    let least = match legacy {
        true => TlsVersion::Tls10,
        false => TlsVersion::Tls12,
    };
    builder.set_min_proto_version(Some(version(tls.min_version.unwrap_or(least))))?;
    builder.set_max_proto_version(Some(version(tls.max_version.unwrap_or(TlsVersion::Tls13))))?;
    builder.set_groups_list(GROUPS)?;
    if legacy {
        // The system's configuration may say otherwise, so both are set here.
        builder.set_security_level(0);
        builder.set_cipher_list(LEGACY_CIPHERS)?;
        builder.set_options(LEGACY_SERVER_CONNECT);
    }
    Ok(builder)
}

fn version(version: TlsVersion) -> SslVersion {
    match version {
        TlsVersion::Tls10 => SslVersion::TLS1,
        TlsVersion::Tls11 => SslVersion::TLS1_1,
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
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

fn identity(params: &ConnectParams) -> Result<Option<Identity>> {
    let Some(client) = client_certificate::read(params)? else {
        return Ok(None);
    };
    let key = match client.key {
        ClientKey::Pkcs8(der) => PKey::private_key_from_pkcs8(der.expose()).map_err(|error| {
            client_certificate::unusable(
                &client.key_file,
                "is of a kind that OpenSSL does not know",
                "use an RSA, EC or Ed25519 key",
            )
            .with_source(error)
        })?,
        ClientKey::Pem(text) => private_key(&client.key_file, text.expose(), params)?,
    };
    Ok(Some((client.chain, key)))
}

fn private_key(file: &str, text: &[u8], params: &ConnectParams) -> Result<PKey<Private>> {
    let passphrase = params.key_passphrase();
    let mut asked = false;
    // Without this callback OpenSSL would ask at the terminal.
    let key = PKey::private_key_from_pem_callback(text, |buffer| {
        asked = true;
        let given = passphrase.map_or("", |given| given.expose()).as_bytes();
        let length = given.len().min(buffer.len());
        buffer[..length].copy_from_slice(&given[..length]);
        Ok(length)
    });
    key.map_err(|error| match asked {
        true => client_certificate::locked(file, passphrase, error),
        false => client_certificate::no_key(file, error),
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

/// Whatever this OpenSSL was built with, the strongest first, but for ciphers that encrypt nothing or know no
/// certificate. Level 0 lets small keys, SHA-1 and TLS before 1.2 pass.
const LEGACY_CIPHERS: &str = "ALL:COMPLEMENTOFDEFAULT:!aNULL:!eNULL:@STRENGTH:@SECLEVEL=0";

/// `SSL_OP_LEGACY_SERVER_CONNECT` of `ssl.h`, a number of OpenSSL's interface: OpenSSL 3 refuses servers from
/// before RFC 5746 without it.
const LEGACY_SERVER_CONNECT: SslOptions = SslOptions::from_bits_retain(1 << 2);
