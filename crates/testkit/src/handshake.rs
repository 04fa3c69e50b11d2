//! A TLS server in memory and checks against it, for handshakes that the embedded FTP servers do not ask for.
//!
//! Why: that tickets resume what they should, that a cut is told from an end, and that a client
//! certificate is sent is shown by a handshake and five bytes; no FTP is needed for it.
//!
//! Everything panics on failure: it is for tests only. Not here: FTP, for which there is
//! [`ftp`](crate::ftp).

pub mod checks;

use std::io;
use std::sync::Arc;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain,
};
use pkcs8::der::EncodePem as _;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

use crate::ca::{CertificateRequest, ServerCertificate, TestCa, TlsVersions};

/// A TLS server that says `hello` to whoever comes through the handshake.
#[derive(Clone, Debug)]
pub struct TlsServer(Arc<ServerConfig>);

impl TlsServer {
    /// A server that resumes its sessions, and no other server's.
    ///
    /// # Panics
    /// If the certificate cannot be used.
    pub fn resuming(certificate: &ServerCertificate, versions: TlsVersions) -> Self {
        Self(
            certificate
                .server_config(versions)
                .expect("a configuration"),
        )
    }

    /// A server for `localhost` whose certificate signed itself, and that certificate as PEM. It is of the
    /// kind that `openssl req -x509` makes: one of an authority.
    ///
    /// # Panics
    /// If no certificate can be made.
    pub fn self_signed() -> (Self, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its key");
        (Self(Arc::new(config)), certificate.pem())
    }

    /// A server that wants a client certificate, and one that it accepts.
    ///
    /// # Panics
    /// If no certificate or file can be made.
    pub fn asking(of_server: &ServerCertificate, version: TlsVersions) -> (Self, ClientIdentity) {
        let ca_key = KeyPair::generate().expect("a key");
        let mut ca = CertificateParams::new(Vec::new()).expect("no names");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_der = ca.self_signed(&ca_key).expect("an authority").der().clone();
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["ada".to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params
            .signed_by(&key, &Issuer::new(ca, ca_key))
            .expect("a certificate");

        let mut roots = RootCertStore::empty();
        roots.add(ca_der).expect("an authority");
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .expect("a verifier");
        let server_key = PrivateKeyDer::from_pem_slice(of_server.key_pem().as_bytes());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(version.list())
            .expect("versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from(of_server.der().to_vec())],
                server_key.expect("a key"),
            )
            .expect("a certificate with its key");
        (
            Self(Arc::new(config)),
            ClientIdentity::write(&certificate, &key),
        )
    }

    /// A new connection to the server.
    pub fn connect(&self, then: Then) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0));
        tokio::spawn(async move {
            let mut stream = acceptor.accept(server).await?;
            stream.write_all(b"hello").await?;
            stream.flush().await?;
            match then {
                Then::Close => {
                    stream.shutdown().await?;
                    stream.read_to_end(&mut Vec::new()).await?;
                }
                Then::Cut => drop(stream.into_inner().0),
            }
            io::Result::Ok(())
        });
        client
    }
}

/// What the server does after its `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It says close_notify, then waits for the client's end.
    Close,
    /// It ends without close_notify.
    Cut,
}

/// A client certificate with its key, in PEM files that go with it.
#[derive(Debug)]
pub struct ClientIdentity {
    /// The certificate's file.
    pub certificate_file: String,
    /// The key's file.
    pub key_file: String,
    certificate: Vec<u8>,
    key: Vec<u8>,
    directory: TempDir,
}

impl ClientIdentity {
    fn write(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let mut identity = Self {
            certificate_file: String::new(),
            key_file: String::new(),
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
            directory: tempfile::tempdir().expect("a folder"),
        };
        identity.certificate_file = identity.add("client.pem", certificate.pem());
        identity.key_file = identity.add("client.key", key.serialize_pem());
        identity
    }

    /// Both in PKCS #12 files (RFC 7292) that this passphrase opens: as they are written today, and as they
    /// were for long.
    ///
    /// # Panics
    /// If one cannot be made.
    pub fn pkcs12(&self, passphrase: &str) -> [String; 2] {
        let key = PrivateKey::from_der(&self.key).expect("a key");
        let certificate = Certificate::from_der(&self.certificate).expect("a certificate");
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("1", key, [certificate]);
        store.add_entry("client", KeyStoreEntry::PrivateKeyChain(chain));
        [
            ("today.p12", EncryptionAlgorithm::PbeWithHmacSha256AndAes256),
            (
                "old.p12",
                EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            ),
        ]
        .map(|(name, algorithm)| {
            let file = store
                .writer(passphrase)
                .encryption_algorithm(algorithm)
                .encryption_iterations(100)
                .mac_iterations(100)
                .write();
            self.add(name, file.expect("a PKCS #12 file"))
        })
    }

    /// The key in a file of its own that this passphrase opens: PKCS #8 encrypted by PBES2 (RFC 8018).
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn encrypted_key(&self, passphrase: &str) -> String {
        let scheme = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(100, &[1; 16], [2; 16])
            .map(EncryptionScheme::from)
            .expect("parameters");
        let encrypted = scheme.encrypt(passphrase, &self.key).expect("a key");
        let info = pkcs8::EncryptedPrivateKeyInfoRef {
            encryption_algorithm: scheme,
            encrypted_data: OctetStringRef::new(&encrypted).expect("bytes"),
        };
        let pem = info.to_pem(Default::default()).expect("PEM");
        self.add("encrypted.key", pem)
    }

    /// Puts another file beside these and gives its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn add(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let file = self.directory.path().join(name);
        std::fs::write(&file, content).expect("the file is written");
        file.to_str().expect("a path in UTF-8").to_owned()
    }
}

/// A good certificate of an authority of its own.
///
/// # Panics
/// If none can be made.
pub fn certificate() -> ServerCertificate {
    TestCa::new()
        .and_then(|ca| ca.issue(&CertificateRequest::default()))
        .expect("a certificate")
}
