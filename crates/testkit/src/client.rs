//! Client certificates, in every form in which users keep them.
//!
//! Why: what a client shows a server comes from files that other programs wrote, and each form has its own
//! way to be encrypted.
//!
//! Everything panics on failure: it is for tests only.

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain,
};
use pkcs8::der::EncodePem as _;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use tempfile::TempDir;

use crate::ca::TestCa;

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
    /// A fresh one.
    ///
    /// # Panics
    /// If it cannot be made or written.
    pub fn issued_by(authority: &TestCa) -> Self {
        let (certificate, key) = authority.issue_to_client("ada");
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
