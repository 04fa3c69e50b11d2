//! From the parameters to a key that one can log in with, and its certificate.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ftp_connect_core::{ConnectParams, Error, Operation, Result, params::KeySource};
use russh::keys::{Certificate, PrivateKey as SigningKey};
use zeroize::Zeroizing;

use super::{
    PrivateKey, PublicKey,
    public::is_algorithm,
    sniff::{Block, Text},
    unusable,
};

/// A key that can sign.
#[derive(Clone)]
pub(crate) struct LoadedKey {
    pub(crate) key: Arc<SigningKey>,
    /// The user's certificate for this key (PROTOCOL.certkeys of OpenSSH).
    pub(crate) certificate: Option<Certificate>,
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

/// What the parameters say of a key.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    Key(Box<LoadedKey>),
    /// Its private half is in the agent.
    InAgent(PublicKey),
}

/// Loads the key that the parameters name; `None` if they name none. A certificate is looked for behind the
/// key in its text, and in the file beside the key's that ends in `-cert.pub`.
///
/// # Errors
/// [`ErrorKind::KeyUnusable`](ftp_connect_core::ErrorKind::KeyUnusable) with what is wrong and what to do.
pub(crate) async fn load(params: &ConnectParams) -> Result<Option<Identity>> {
    let Some(source) = params.key() else {
        return Ok(None);
    };
    let passphrase = params.key_passphrase().cloned();
    let is_password = passphrase.is_some() && passphrase.as_ref() == params.password();
    let (legacy, agent) = (params.legacy(), params.ssh_agent());
    // Reading may wait for a disk, and opening an encrypted key is slow on purpose.
    let work = move || {
        let bytes = match &source {
            KeySource::File(path) => read(path)?,
            KeySource::Content(text) => Zeroizing::new(text.expose().as_bytes().to_vec()),
        };
        if agent && let Ok(public) = PublicKey::read(&bytes) {
            return Ok(Identity::InAgent(public));
        }
        let key = PrivateKey::open(&bytes, passphrase.as_ref())?;
        let certificate = match (certificate_in(&bytes)?, &source) {
            (None, KeySource::File(path)) => certificate_beside(path)?,
            (found, _) => found,
        };
        usable(&key, certificate, legacy, is_password)
            .map(Box::new)
            .map(Identity::Key)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| unusable("the key could not be decoded").with_source(error))?
        .map(Some)
        .map_err(|error: Error| error.with_operation(Operation::Login))
}

fn usable(
    key: &PrivateKey,
    certificate: Option<Certificate>,
    legacy: bool,
    is_password: bool,
) -> Result<LoadedKey> {
    let algorithm = key.public().algorithm();
    let Some(signing) = &key.signing else {
        if algorithm.starts_with("sk-") {
            return Err(
                unusable(format!("{algorithm} keys sign with a security key only"))
                    .with_hint(
                        "add the key to an SSH agent and log in with that (`--agent`), or use a key that is a \
                         file alone",
                    ),
            );
        }
        if algorithm == "ssh-dss" {
            return Err(
                unusable("SSH signs only with DSA keys of 1024 bits with a q of 160")
                    .with_hint("use an Ed25519 or RSA key"),
            );
        }
        return Err(
            unusable(format!("keys of type {algorithm:?} are not supported"))
                .with_hint("make an Ed25519 key: `ssh-keygen -t ed25519`"),
        );
    };
    if algorithm == "ssh-dss" && !legacy {
        return Err(
            unusable("DSA keys (ssh-dss) are no longer safe and not used unasked").with_hint(
                "use an Ed25519 or RSA key, or allow outdated algorithms by the parameter legacy \
                 (`--legacy`)",
            ),
        );
    }
    if let Some(certificate) = &certificate
        && certificate.public_key() != signing.public_key().key_data()
    {
        return Err(unusable("the certificate is for another key")
            .with_hint("give the certificate that was made for this key, or take it away"));
    }
    Ok(LoadedKey {
        key: Arc::clone(signing),
        certificate,
        opened_by_password: key.was_encrypted() && is_password,
    })
}

/// The certificate among the lines of a text.
fn certificate_in(bytes: &[u8]) -> Result<Option<Certificate>> {
    let text = Text::new(bytes);
    let is_certificate = |line: &&&[u8]| {
        let name = line.split(|byte| byte.is_ascii_whitespace()).next();
        name.is_some_and(|name| is_algorithm(name) && name.ends_with(b"-cert-v01@openssh.com"))
    };
    let lines = text.lines();
    let Some(line) = lines.iter().find(is_certificate) else {
        return Ok(None);
    };
    let parsed = std::str::from_utf8(line)
        .ok()
        .and_then(|line| Certificate::from_openssh(line.trim()).ok());
    parsed.map(Some).ok_or_else(|| {
        unusable("the certificate cannot be decoded")
            .with_hint("copy the certificate again: one long line, as in the file -cert.pub")
    })
}

/// `id_rsa-cert.pub` beside `id_rsa`, as OpenSSH looks for it.
fn certificate_beside(key: &Path) -> Result<Option<Certificate>> {
    let mut name = OsString::from(key);
    name.push("-cert.pub");
    match std::fs::read(PathBuf::from(name)) {
        Ok(bytes) => certificate_in(&bytes),
        Err(_) => Ok(None),
    }
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

/// Says what a text is that has no private key in it.
pub(super) fn not_private(text: &Text) -> Error {
    let lines = text.lines();
    let first = lines.first().map_or(&[][..], |line| line.trim_ascii());
    if first.is_empty() {
        return unusable("the key is empty").with_hint("give the text of a private key");
    }
    let give_private = "give the private key: the file without .pub, which begins with -----BEGIN";
    let name = first.split(|byte| byte.is_ascii_whitespace()).next();
    let is_public_line = name.is_some_and(is_algorithm);
    if is_public_line && name.is_some_and(|name| name.ends_with(b"-cert-v01@openssh.com")) {
        return unusable("this is an OpenSSH certificate, not a private key")
            .with_hint(give_private);
    }
    let label = Block::find(text.bytes(), |_| true).ok().flatten();
    let label = label.map(|block| block.label);
    if is_public_line || label.is_some_and(|label| label.ends_with("PUBLIC KEY")) {
        return unusable("this is a public key, not a private key").with_hint(give_private);
    }
    if first.starts_with(b"SSH PRIVATE KEY FILE FORMAT 1") {
        return unusable("SSH 1 keys are not supported")
            .with_hint("make a new key with ssh-keygen");
    }
    if let Some(label) = label {
        let what = match label {
            "CERTIFICATE" => "an X.509 certificate".to_owned(),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a certificate request".to_owned(),
            other => format!("{other:?}"),
        };
        return unusable(format!("this is {what}, not a private key")).with_hint(
            "give the private key that belongs to it, which begins with -----BEGIN … PRIVATE KEY",
        );
    }
    let is_path = |text: &[u8]| text.contains(&b'/') || text.contains(&b'\\');
    if lines.len() == 1 && first.len() < 300 && is_path(first) {
        return unusable("this looks like a path, not like the text of a private key")
            .with_hint("give the key's text, or use encryption ssh-key-file with the path");
    }
    if std::str::from_utf8(text.bytes()).is_err() {
        return unusable("the key is binary data, not the text of a private key")
            .with_hint("give the key as PEM, OpenSSH or PuTTY text");
    }
    unusable("this is no private key").with_hint(
        "give a key in OpenSSH, PEM, PKCS#8 or PuTTY format; it begins with -----BEGIN or PuTTY",
    )
}

/// The largest key file: 16384-bit RSA takes 13 KiB.
const KEY_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files_that_cannot_be_read_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| read(path).unwrap_err().to_string();
        assert!(refused(&folder.path().join("none")).starts_with("there is no key file "));
        assert!(refused(folder.path()).contains("is a folder"));
        let large = folder.path().join("large");
        std::fs::File::create(&large)
            .unwrap()
            .set_len(KEY_BYTES + 1)
            .unwrap();
        assert!(refused(&large).contains("too large"));
    }
}
