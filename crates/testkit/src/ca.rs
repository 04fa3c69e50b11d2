//! A certification authority of the test's own.
//!
//! Why: TLS tests need a root that nobody else trusts, certificates that are right, and
//! certificates that are wrong in one chosen way. [`TestCa`] makes them afresh each time, so no key
//! is ever checked in. The PEM of the root is also a file, for clients that want a path.
//!
//! Not here: the files of client certificates, which are in [`client`](crate::client); revocation, intermediate
//! authorities.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftp_connect_core::params::TlsTrust;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A fresh certification authority.
///
/// ```
/// use ftp_connect_testkit::ca::{CertificateRequest, TestCa};
///
/// # fn main() -> std::io::Result<()> {
/// let ca = TestCa::new()?;
/// let right = ca.issue(&CertificateRequest::default())?;
/// let wrong = ca.issue(&CertificateRequest::default().with_names(["elsewhere.example"]))?;
/// assert!(ca.pem_file().exists());
/// assert_ne!(right.sha256(), wrong.sha256());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
    root: Arc<Root>,
}

impl TestCa {
    /// Makes the key and the self-signed root, and writes the root to a temporary file.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn new() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        Self::with_key("FTP Connect test authority", key)
    }

    /// The same of another name, with a key of another kind (Ed25519).
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn named(name: &str) -> io::Result<Self> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(io::Error::other)?;
        Self::with_key(name, key)
    }

    fn with_key(name: &str, key: KeyPair) -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;

        let root = Root::write(issuer.pem(), issuer.der().clone())?;
        Ok(Self {
            issuer,
            root: Arc::new(root),
        })
    }

    /// Issues a server certificate.
    ///
    /// # Errors
    /// When a requested name is neither a DNS name nor an address.
    pub fn issue(&self, request: &CertificateRequest) -> io::Result<ServerCertificate> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        let name = request.names.first().map_or("unnamed", String::as_str);
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = subject_names(&request.names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        if request.expired {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(io::Error::other)?;
        Ok(ServerCertificate {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
            root: Arc::clone(&self.root),
        })
    }

    /// Issues a certificate for a client of this name.
    pub(crate) fn issue_to_client(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer);
        (certificate.expect("a certificate"), key)
    }

    /// The root in PEM form, to be given to a client as an extra authority.
    pub fn pem(&self) -> &str {
        &self.root.pem
    }

    /// The file that holds [`pem`](Self::pem); it goes when the authority and everything it issued
    /// have been dropped.
    pub fn pem_file(&self) -> &Path {
        &self.root.file
    }
}

/// What a server certificate shall say.
///
/// The default is right for an embedded server: it names `localhost`, `127.0.0.1` and `::1`, and it
/// is valid now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateRequest {
    /// DNS names and IP addresses the certificate is for.
    pub names: Vec<String>,
    /// Whether its time is over.
    pub expired: bool,
}

impl CertificateRequest {
    /// Replaces the names, for instance by one the client does not connect to.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Makes a certificate that ran out years ago.
    #[must_use]
    pub fn with_expired(mut self, expired: bool) -> Self {
        self.expired = expired;
        self
    }
}

impl Default for CertificateRequest {
    fn default() -> Self {
        let names = [
            "localhost".to_owned(),
            Ipv4Addr::LOCALHOST.to_string(),
            Ipv6Addr::LOCALHOST.to_string(),
        ];
        Self {
            names: names.into(),
            expired: false,
        }
    }
}

/// A server's certificate with its key.
#[derive(Clone)]
pub struct ServerCertificate {
    pem: String,
    der: CertificateDer<'static>,
    key_pem: String,
    key_der: Vec<u8>,
    root: Arc<Root>,
}

impl ServerCertificate {
    /// One for `localhost` that signed itself, of the kind that `openssl req -x509` makes: that of an
    /// authority. It is its own root.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn self_signed() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.subject_alt_names = subject_names(&CertificateRequest::default().names)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
            root: Arc::new(Root::write(certificate.pem(), certificate.der().clone())?),
        })
    }

    /// The certificate in PEM form, without the root.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key in PEM form (PKCS #8).
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The certificate in DER form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the certificate in DER form: what a client pins.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// [`sha256`](Self::sha256) as 64 lower-case hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        self.sha256()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The root that issued it, in PEM form.
    pub fn ca_pem(&self) -> &str {
        &self.root.pem
    }

    /// The file that holds the root, in PEM form.
    pub fn ca_file(&self) -> &Path {
        &self.root.file
    }

    /// What clients trust so that they accept this certificate: the root's file.
    ///
    /// # Panics
    /// If the path of the file is not UTF-8.
    pub fn trusted(&self) -> TlsTrust {
        let file = self.ca_file().to_str().expect("a path in UTF-8");
        TlsTrust::default().with_ca_file(file)
    }

    /// A server configuration with this certificate. Sessions are resumed with tickets, for all
    /// connections that share the configuration.
    ///
    /// # Errors
    /// When no ticket key can be made.
    pub fn server_config(&self, versions: TlsVersions) -> io::Result<Arc<ServerConfig>> {
        self.config_with(versions, WebPkiClientVerifier::no_client_auth())
    }

    /// The same, asking for a client certificate of this authority.
    ///
    /// # Errors
    /// When no ticket key can be made.
    pub fn server_config_asking(
        &self,
        versions: TlsVersions,
        clients: &TestCa,
    ) -> io::Result<Arc<ServerConfig>> {
        let mut roots = RootCertStore::empty();
        roots
            .add(clients.root.der.clone())
            .map_err(io::Error::other)?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(io::Error::other)?;
        self.config_with(versions, verifier)
    }

    fn config_with(
        &self,
        versions: TlsVersions,
        clients: Arc<dyn ClientCertVerifier>,
    ) -> io::Result<Arc<ServerConfig>> {
        let provider = Arc::new(ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions.list())
            .map_err(io::Error::other)?
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![self.der.clone()], key)
            .map_err(io::Error::other)?;
        config.ticketer = ring::Ticketer::new().map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }

    /// A client configuration that trusts the issuing root and nothing else.
    ///
    /// # Errors
    /// Only if the root cannot be read back, which would be a bug of this crate.
    pub fn client_config(&self, versions: TlsVersions) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der.clone()).map_err(io::Error::other)?;
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions.list())
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("sha256", &self.sha256_hex())
            .finish_non_exhaustive()
    }
}

/// The TLS versions an end point speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsVersions {
    /// TLS 1.2 and TLS 1.3.
    #[default]
    Both,
    /// TLS 1.2 alone.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}

impl TlsVersions {
    pub(crate) fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
        match self {
            Self::Both => &BOTH,
            Self::Tls12 => &BOTH[1..],
            Self::Tls13 => &BOTH[..1],
        }
    }
}

#[derive(Debug)]
struct Root {
    pem: String,
    der: CertificateDer<'static>,
    file: PathBuf,
    _dir: TempDir,
}

impl Root {
    fn write(pem: String, der: CertificateDer<'static>) -> io::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("ftp-connect-ca-")
            .tempdir()?;
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, &pem)?;
        Ok(Self {
            pem,
            der,
            file,
            _dir: dir,
        })
    }
}

fn subject_names(names: &[String]) -> io::Result<Vec<SanType>> {
    names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => name
                .as_str()
                .try_into()
                .map(SanType::DnsName)
                .map_err(io::Error::other),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_file_outlives_the_authority_while_a_certificate_needs_it() {
        let ca = TestCa::new().unwrap();
        let certificate = ca.issue(&CertificateRequest::default()).unwrap();
        drop(ca);
        let text = std::fs::read_to_string(certificate.ca_file()).unwrap();
        assert_eq!(text, certificate.ca_pem());
        let path = certificate.ca_file().to_owned();
        drop(certificate);
        assert!(!path.exists());
    }

    #[test]
    fn the_hash_is_written_as_sixty_four_digits() {
        let ca = TestCa::new().unwrap();
        let certificate = ca.issue(&CertificateRequest::default()).unwrap();
        assert_eq!(certificate.sha256_hex().len(), 64);
    }
}
