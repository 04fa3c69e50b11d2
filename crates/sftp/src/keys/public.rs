//! Public keys and certificates: OpenSSH's lines, RFC 4716, PEM.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ftp_connect_core::{Fingerprint, FingerprintType, Result};

use super::{
    Refusal, asn1,
    blob::{Blob, write_string},
    decode_base64,
    sniff::{Block, Form, Text},
    unusable,
};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: String,
    blob: Vec<u8>,
    is_certificate: bool,
}

impl PublicKey {
    /// Reads a line as in `id_ed25519.pub` or a certificate's, a key of RFC 4716, or one in PEM. Of a
    /// certificate, this is the key that it certifies.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnusable`](ftp_connect_core::ErrorKind::KeyUnusable) with what the text is instead.
    pub fn read(text: &[u8]) -> Result<Self> {
        let text = Text::new(text);
        let refusal = match Self::find(&text) {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => None,
            Err(refusal) => Some(refusal),
        };
        if let Ok(Some(form)) = Form::find(&text) {
            let form = form.name();
            return Err(unusable(format!(
                "this is a private key ({form}), not a public key"
            )));
        }
        let why = refusal.map_or_else(String::new, |refusal| format!(": {refusal}"));
        Err(unusable(format!("this is no public key{why}")))
    }

    pub(super) fn find(text: &Text) -> std::result::Result<Option<Self>, Refusal> {
        let lines = text.lines();
        let blob = if let Some(blob) = lines.iter().find_map(|line| blob_of_line(line)) {
            Some(blob?)
        } else if let Some(block) = Block::find(text.bytes(), |label| label == "SSH2 PUBLIC KEY")? {
            Some(block.decode()?.0.to_vec())
        } else if let Some(block) =
            Block::find(text.bytes(), |label| label.ends_with("PUBLIC KEY"))?
        {
            Some(asn1::public(&block.decode()?.0)?)
        } else {
            None
        };
        blob.map(|blob| {
            Self::from_blob(&blob).ok_or(Refusal::Damaged("its content cannot be decoded"))
        })
        .transpose()
    }

    /// From the encoding of RFC 4253 §6.6, or of a certificate.
    pub(crate) fn from_blob(blob: &[u8]) -> Option<Self> {
        let mut rest = Blob::new(blob);
        let name = std::str::from_utf8(rest.string()?).ok()?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let Some(base) = certified(name) else {
            return Some(Self {
                algorithm: name.to_owned(),
                blob: blob.to_vec(),
                is_certificate: false,
            });
        };
        // PROTOCOL.certkeys of OpenSSH: a nonce, and then the key's own fields.
        let _nonce = rest.string()?;
        let fields = match base.as_str() {
            "ssh-rsa" | "sk-ssh-ed25519@openssh.com" => 2,
            "ssh-dss" => 4,
            "ssh-ed25519" | "ssh-ed448" => 1,
            "sk-ecdsa-sha2-nistp256@openssh.com" => 3,
            _ if base.starts_with("ecdsa-sha2-") => 2,
            _ => return None,
        };
        let mut plain = Vec::new();
        write_string(&mut plain, base.as_bytes());
        for _ in 0..fields {
            write_string(&mut plain, rest.string()?);
        }
        Some(Self {
            algorithm: base,
            blob: plain,
            is_certificate: true,
        })
    }

    /// Such as `ssh-ed25519`.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The key as SSH encodes it (RFC 4253 §6.6).
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The hash, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self, kind: FingerprintType) -> Fingerprint {
        Fingerprint::compute(kind, &self.blob)
    }

    /// Whether it was read from a certificate.
    pub fn is_certificate(&self) -> bool {
        self.is_certificate
    }
}

impl fmt::Display for PublicKey {
    /// One line without a comment, as in `authorized_keys`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            self.algorithm,
            BASE64_STANDARD.encode(&self.blob)
        )
    }
}

/// The encoded key or certificate in `algorithm base64 comment`; `None` if the line is no such line.
fn blob_of_line(line: &[u8]) -> Option<std::result::Result<Vec<u8>, Refusal>> {
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let name = words.next()?;
    if !is_algorithm(name) {
        return None;
    }
    let blob = words
        .next()
        .and_then(decode_base64)
        .filter(|blob| !blob.is_empty());
    Some(match blob {
        None => Err(Refusal::NotBase64),
        Some(blob) if Blob::new(&blob).string() != Some(name) => Err(Refusal::Damaged(
            "its type and its content do not belong together",
        )),
        Some(blob) => Ok(blob),
    })
}

/// Whether this looks like the name of a key's type.
pub(super) fn is_algorithm(word: &[u8]) -> bool {
    let starts = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "rsa-sha2-"];
    starts
        .iter()
        .any(|start| word.starts_with(start.as_bytes()))
}

/// The type of the key that a certificate of this type certifies.
fn certified(name: &str) -> Option<String> {
    let base = name.strip_suffix("-cert-v01@openssh.com")?;
    if base.starts_with("sk-") {
        return Some(format!("{base}@openssh.com"));
    }
    Some(base.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAMm/yot+e6VDaDm3jh3SARunpue/2xA5OBeFAVN1oxf";
    const SHA256: &str = "SHA256:GmmNXuv6SSXl5Q3fC/9mfhs1h32ScgykhKZm4y2lPlA";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let key = PublicKey::read(text.as_bytes()).unwrap();
        assert_eq!(
            key.fingerprint(FingerprintType::Sha256).to_string(),
            expected,
            "{text}"
        );
        let again = PublicKey::read(key.to_string().as_bytes()).unwrap();
        assert_eq!(again.blob(), key.blob());
    }

    #[test]
    fn lines_and_blocks_are_read() {
        check(&format!("ssh-ed25519 {BLOB}"), SHA256);
        check(
            &format!("\u{feff}\r\nssh-ed25519\t{BLOB} a comment\r\n"),
            SHA256,
        );
        check(&format!("# mine\nssh-ed25519 {BLOB}"), SHA256);
        let (one, two) = BLOB.split_at(40);
        check(
            &format!(
                "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"a \\\nlong: one\"\nSubject: x\n{one}\n{two}\n\
                 ---- END SSH2 PUBLIC KEY ----\n"
            ),
            SHA256,
        );
        let spki = "MCowBQYDK2VwAyEAAyb/Ki357pUNoObeOHdIBG6em57/bEDk4F4UBU3WjF8=";
        check(
            &format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n"),
            SHA256,
        );
    }

    #[test]
    fn what_is_no_public_key_is_named() {
        let told = |text: &str| PublicKey::read(text.as_bytes()).unwrap_err().to_string();
        assert!(told("hello").contains("no public key"));
        assert!(told("ssh-ed25519").contains("no base64"));
        assert!(told(&format!("ssh-rsa {BLOB}")).contains("do not belong together"));
        let key = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----";
        assert!(told(key).contains("private key (PKCS#8)"));
    }
}
