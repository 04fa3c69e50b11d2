//! The user's private key: read from a file or from its text, opened with a passphrase, and when that
//! fails, an error that says what the text really is and what to do.
//!
//! The SSH library opens OpenSSH, PKCS#8, PuTTY and unencrypted PEM keys; what is missing there, PEM
//! with `DEK-Info` encryption and DSA in PEM, is in `pem`. Text that people paste is forgiven a BOM,
//! CRLF, blanks around it and a missing last newline.

mod pem;
mod sniff;

use std::{io, path::Path, sync::Arc};

use ftp_connect_core::{ConnectParams, Error, ErrorKind, Operation, Result, params::KeySource};
use russh::keys::{PrivateKey, decode_secret_key};
use zeroize::Zeroizing;

use self::sniff::{Format, Sniffed};

/// A key that can sign.
#[derive(Clone)]
pub(crate) struct LoadedKey {
    pub(crate) key: Arc<PrivateKey>,
    /// Whether the password of the parameters is this key's passphrase.
    pub(crate) opened_by_password: bool,
}

impl std::fmt::Debug for LoadedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedKey")
            .field("algorithm", &self.key.algorithm().as_str())
            .finish_non_exhaustive()
    }
}

/// Loads the key that the parameters name; `None` if they name none.
///
/// # Errors
/// [`ErrorKind::KeyUnusable`] with what is wrong and what to do.
pub(crate) async fn load(params: &ConnectParams) -> Result<Option<LoadedKey>> {
    let Some(source) = params.key() else {
        return Ok(None);
    };
    let passphrase = params.key_passphrase().cloned();
    let is_password = passphrase.is_some() && passphrase.as_ref() == params.password();
    // Reading may wait for a disk, and opening an encrypted key is slow on purpose.
    let work = move || {
        let bytes = match &source {
            KeySource::File(path) => read(path)?,
            KeySource::Content(text) => Zeroizing::new(text.expose().as_bytes().to_vec()),
        };
        let passphrase = passphrase.as_ref().map(|secret| secret.expose().as_str());
        let (key, encrypted) = open(&bytes, passphrase)?;
        let algorithm = key.algorithm();
        if algorithm.as_str().starts_with("sk-") {
            return Err(
                unusable(format!("{algorithm} keys sign with a security key only"))
                    .with_hint("security keys are not supported: use a key that is a file alone"),
            );
        }
        Ok(LoadedKey {
            key: Arc::new(key),
            opened_by_password: encrypted && is_password,
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| unusable("the key could not be decoded").with_source(error))?
        .map(Some)
        .map_err(|error: Error| error.with_operation(Operation::Login))
}

/// Opens a key, and tells whether it was encrypted.
fn open(bytes: &[u8], passphrase: Option<&str>) -> Result<(PrivateKey, bool)> {
    let sniffed = Sniffed::new(bytes)?;
    if let Some(algorithm) = sniffed.unknown_algorithm() {
        return Err(
            unusable(format!("keys of type {algorithm:?} are not supported"))
                .with_hint("make an Ed25519 key: `ssh-keygen -t ed25519`"),
        );
    }
    if !sniffed.encrypted {
        // The decoder takes any passphrase as a sign of encryption.
        let key = decode(&sniffed, None).map_err(|cause| damaged(&sniffed, cause))?;
        return Ok((key, false));
    }
    let Some(passphrase) = passphrase.filter(|passphrase| !passphrase.is_empty()) else {
        return Err(unusable(format!(
            "the key ({}) is encrypted and no passphrase was given",
            sniffed.describe()
        ))
        .with_hint("give the key's passphrase"));
    };
    if !sniffed.opens() {
        return Err(unusable(format!(
            "the key's encryption is not supported: {}",
            sniffed.describe()
        ))
        .with_hint("encrypt the key anew with `ssh-keygen -p -f FILE`, which uses AES-256"));
    }
    let key = decode(&sniffed, Some(passphrase)).map_err(|cause| wrong(&sniffed, cause))?;
    Ok((key, true))
}

fn decode(sniffed: &Sniffed, passphrase: Option<&str>) -> Result<PrivateKey, Cause> {
    let key = match (&sniffed.format, passphrase) {
        (Format::Pem { .. }, _) => pem::decode(sniffed, passphrase)?,
        (_, passphrase) => decode_secret_key(&sniffed.text, passphrase).map_err(Cause::new)?,
    };
    if key.is_encrypted() {
        return Err(Cause::from("the key is still encrypted"));
    }
    Ok(key)
}

/// Why a decoder refused a key. Decoders can quote what they read, so their words are kept out of
/// errors, and only their kind is told.
#[derive(Debug)]
struct Cause(String);

impl Cause {
    fn new(error: russh::keys::Error) -> Self {
        use russh::keys::{Error as Keys, ssh_key};
        Self(match error {
            Keys::UnknownAlgorithm(oid) => format!("key algorithm {oid} is not supported"),
            Keys::UnsupportedKeyType {
                key_type_string, ..
            } => format!("key type {key_type_string} is not supported"),
            Keys::SshKey(ssh_key::Error::AlgorithmUnsupported { algorithm }) => {
                format!("key algorithm {algorithm} is not supported")
            }
            Keys::SshKey(ssh_key::Error::AlgorithmUnknown) => "unknown key algorithm".to_owned(),
            _ => "its content cannot be decoded".to_owned(),
        })
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

fn damaged(sniffed: &Sniffed, cause: Cause) -> Error {
    let error = unusable(format!(
        "the key ({}) cannot be used: {}",
        sniffed.describe(),
        cause.0
    ));
    if cause.0.contains(DSA_IN_PKCS8) || sniffed.is_dsa_in_pkcs8() {
        return error.with_hint("convert it with `openssl pkey -traditional -in FILE -out NEW`");
    }
    error.with_hint("check with `ssh-keygen -y -f FILE` that the key is whole and of a usual type")
}

fn wrong(sniffed: &Sniffed, cause: Cause) -> Error {
    if cause.0.contains("supported") {
        return damaged(sniffed, cause);
    }
    unusable(format!(
        "the passphrase does not open the key ({})",
        sniffed.describe()
    ))
    .with_hint("check the passphrase; `ssh-keygen -y -f FILE` asks for it too")
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let name = path.display();
    let refuse = |error: io::Error| {
        let refused = match error.kind() {
            io::ErrorKind::NotFound => unusable(format!("there is no key file {name}"))
                .with_hint("check the path of the private key"),
            io::ErrorKind::PermissionDenied => {
                unusable(format!("the key file {name} may not be read"))
                    .with_hint("give yourself the permission to read the file")
            }
            _ => unusable(format!("the key file {name} cannot be read: {error}")),
        };
        refused.with_source(error)
    };
    let about = std::fs::metadata(path).map_err(refuse)?;
    if about.is_dir() {
        return Err(unusable(format!("{name} is a folder, not a key file"))
            .with_hint("give the path of the private key itself"));
    }
    if about.len() > KEY_BYTES {
        return Err(unusable(format!("{name} is too large for a key file"))
            .with_hint("check the path of the private key"));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(refuse)
}

fn unusable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::KeyUnusable).with_message(message)
}

/// The object identifier of DSA, by which PKCS#8 names it.
const DSA_IN_PKCS8: &str = "1.2.840.10040.4.1";

/// The largest key file: 16384-bit RSA takes 13 KiB.
const KEY_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests;
