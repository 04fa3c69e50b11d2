//! The user's keys: read from a file or from their text, opened with a passphrase, and when that fails,
//! an error that says what the text really is and what to do.
//!
//! ```text
//! text ─► sniff: which form ─► openssh · putty · ssh_com · asn1 (pbe: with a passphrase)
//!                                 └─► numbers: do the halves belong together ─► a key that signs
//! ```
//!
//! Every form that ssh-keygen, OpenSSL and PuTTYgen write is known, of RSA, DSA, ECDSA and Ed25519. Not
//! here: signing, which is the SSH library's, and agents.

mod asn1;
mod blob;
mod cipher;
mod der;
mod load;
mod numbers;
mod openssh;
mod pbe;
mod public;
mod putty;
mod sniff;
mod ssh_com;

use std::{fmt, sync::Arc};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ftp_connect_core::{Error, ErrorKind, Result, Secret};
use num_bigint::BigUint;
use russh::keys::{
    PrivateKey as SigningKey,
    ssh_key::{Mpint, private::KeypairData, public::KeyData},
};
use zeroize::Zeroizing;

pub(crate) use self::load::{Identity, LoadedKey, load};
pub use self::public::PublicKey;
use self::sniff::{Form, Text};

/// A private key, opened.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    /// What it signs with; `None` for the types that cannot be used here.
    signing: Option<Arc<SigningKey>>,
    form: String,
    was_encrypted: bool,
}

impl PrivateKey {
    /// Opens a private key in any form: OpenSSH, PEM, PKCS#8, PuTTY, ssh.com. A passphrase that is not needed
    /// does no harm.
    ///
    /// ```
    /// use ftp_connect_sftp::keys::PrivateKey;
    ///
    /// let error = PrivateKey::open(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", None).unwrap_err();
    /// assert!(error.to_string().contains("public key"));
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnusable`] with what is wrong and what to do. No error quotes the text.
    pub fn open(text: &[u8], passphrase: Option<&Secret>) -> Result<Self> {
        let text = Text::new(text);
        let form = match Form::find(&text) {
            Ok(Some(form)) => form,
            Ok(None) => return Err(load::not_private(&text)),
            Err((name, refusal)) => return Err(refusal.error(&name, &name)),
        };
        let was_encrypted = form.is_encrypted();
        let passphrase = passphrase.map_or("", |secret| secret.expose().as_str());
        if was_encrypted && passphrase.is_empty() {
            return Err(unusable(format!(
                "the key ({}) is encrypted and no passphrase was given",
                form.describe()
            ))
            .with_hint("give the key's passphrase"));
        }
        let opened = form.open(passphrase.as_bytes()).or_else(|refusal| {
            // Programs on Windows use the bytes of its code page.
            match (refusal, latin1(passphrase)) {
                (Refusal::WrongPassphrase, Some(bytes)) => form.open(&bytes),
                (refusal, _) => Err(refusal),
            }
        });
        let damaged = || Refusal::Damaged("its content cannot be decoded");
        let name = form.name();
        opened
            .and_then(|opened| {
                let blob = opened.public().ok_or_else(damaged)?;
                let public = PublicKey::from_blob(&blob).ok_or_else(damaged)?;
                let signing = match opened {
                    Opened::Signs(key) if signs(&key) => SigningKey::new(key, "").map(Some),
                    Opened::Signs(_) | Opened::PublicOnly(_) => Ok(None),
                };
                Ok(Self {
                    public,
                    signing: signing.map_err(|_| damaged())?.map(Arc::new),
                    form: form.describe(),
                    was_encrypted,
                })
            })
            .map_err(|refusal| refusal.error(&name, &form.describe()))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The form, and the cipher if there is one: `OpenSSH, aes256-ctr`.
    pub fn form(&self) -> &str {
        &self.form
    }

    /// Whether a passphrase was needed.
    pub fn was_encrypted(&self) -> bool {
        self.was_encrypted
    }

    /// Whether one can log in with it: not with keys that need a device beside the file, nor with types
    /// that nothing here signs with.
    pub fn can_sign(&self) -> bool {
        self.signing.is_some()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("algorithm", &self.public.algorithm())
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

/// A private key, out of its wrapping.
enum Opened {
    /// Both halves, which belong together.
    Signs(KeypairData),
    /// The public half of a key that cannot sign here.
    PublicOnly(Vec<u8>),
}

impl Opened {
    /// The public half (RFC 4253 §6.6).
    fn public(&self) -> Option<Vec<u8>> {
        match self {
            Self::Signs(key) => {
                let data = KeyData::try_from(key).ok()?;
                russh::keys::PublicKey::from(data).to_bytes().ok()
            }
            Self::PublicOnly(blob) => Some(blob.clone()),
        }
    }
}

/// Whether the SSH library signs with it. RFC 4253 §6.6 fixes the second number of DSA at 160 bits, and
/// OpenSSH the first at 1024.
fn signs(key: &KeypairData) -> bool {
    let bits = |number: &Mpint| BigUint::from_bytes_be(number.as_bytes()).bits();
    match key {
        KeypairData::Dsa(key) => (bits(key.public().p()), bits(key.public().q())) == (1024, 160),
        _ => true,
    }
}

/// Why a key does not open. Decoders can quote what they read, so nothing of the text is in here but names
/// of algorithms.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    /// It was decrypted to something that is no key.
    WrongPassphrase,
    /// The encryption is one of these, which is not known or asks for too much.
    Cipher(String),
    /// What kind of key it is, which is not known.
    Kind(String),
    Damaged(&'static str),
    /// The last line is missing.
    CutOff,
    NotBase64,
}

impl Refusal {
    fn error(self, form: &str, described: &str) -> Error {
        match self {
            Self::WrongPassphrase => unusable(format!(
                "the passphrase does not open the key ({described})"
            ))
            .with_hint("check the passphrase; `ssh-keygen -y -f FILE` asks for it too"),
            Self::Cipher(cipher) => unusable(format!(
                "the key's encryption is not supported: {form}, {cipher}"
            ))
            .with_hint("encrypt the key anew with `ssh-keygen -p -f FILE`, which uses AES-256"),
            Self::Kind(kind) => unusable(format!("{kind} are not supported"))
                .with_hint("make an Ed25519 key: `ssh-keygen -t ed25519`"),
            Self::Damaged(_) => unusable(format!("the key ({described}) cannot be used: {self}"))
                .with_hint("check with `ssh-keygen -y -f FILE` that the key is whole"),
            Self::CutOff => unusable(format!("the key is cut off: {self}"))
                .with_hint("copy the whole key, from -----BEGIN to -----END"),
            Self::NotBase64 => unusable(format!("the key is damaged: {self}"))
                .with_hint("copy the key again, without changing its lines"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassphrase => f.write_str("the passphrase does not open it"),
            Self::Cipher(cipher) => write!(f, "its encryption is not supported: {cipher}"),
            Self::Kind(kind) => write!(f, "{kind} are not supported"),
            Self::Damaged(why) => f.write_str(why),
            Self::CutOff => f.write_str("its last line, -----END …, is missing"),
            Self::NotBase64 => f.write_str("it is no base64"),
        }
    }
}

/// The bytes of a passphrase in ISO 8859-1, if that is something else than UTF-8.
fn latin1(passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
    if passphrase.is_ascii() {
        return None;
    }
    passphrase
        .chars()
        .map(|char| u8::try_from(char).ok())
        .collect::<Option<Vec<u8>>>()
        .map(Zeroizing::new)
}

pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(text)
        .ok()
}

fn unusable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::KeyUnusable).with_message(message)
}

#[cfg(test)]
mod tests;
