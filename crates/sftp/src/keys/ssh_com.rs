//! Private keys in the format of ssh.com (`---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`), of which there is
//! no description but what programs read and write.

use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::{
    Opened, Refusal,
    blob::Blob,
    cipher::Cipher,
    der::without_zeros,
    numbers::{Dsa, Rsa},
};

/// A key whose content is not opened yet.
#[derive(Clone)]
pub(super) struct SshCom {
    kind: String,
    cipher: String,
    secret: Zeroizing<Vec<u8>>,
}

impl SshCom {
    /// Reads the decoded base64.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut rest = Blob::new(body);
        let mut read = || {
            let magic = rest.number()?;
            let _length = rest.number()?;
            let (kind, cipher) = (rest.string()?, rest.string()?);
            (magic == MAGIC).then_some((kind, cipher, rest.string()?))
        };
        let (kind, cipher, secret) = read().ok_or(Refusal::Damaged("its head cannot be read"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(char::is_control, " ");
        Ok(Self {
            kind: text(kind),
            cipher: text(cipher),
            secret: Zeroizing::new(secret.to_vec()),
        })
    }

    /// The name of the cipher, if there is one.
    pub(super) fn cipher(&self) -> Option<&str> {
        (self.cipher != "none").then_some(&self.cipher)
    }

    pub(super) fn open(&self, passphrase: &[u8]) -> Result<Opened, Refusal> {
        match self.cipher.as_str() {
            "none" => self.decode(&self.secret, Refusal::Damaged("it is cut off")),
            "3des-cbc" => {
                // The key is the hash of the passphrase, and the hash of the passphrase and that.
                let first = Md5::digest(passphrase);
                let second = Md5::new().chain_update(passphrase).chain_update(first);
                let mut key = Zeroizing::new([0; 32]);
                key[..16].copy_from_slice(&first);
                key[16..].copy_from_slice(&second.finalize());
                let secret = Cipher::TripleDesCbc
                    .decrypt(&key[..24], &[0; 8], &self.secret)
                    .ok_or(Refusal::Damaged("it is cut off"))?;
                self.decode(&secret, Refusal::WrongPassphrase)
            }
            other => Err(Refusal::Cipher(other.to_owned())),
        }
    }

    fn decode(&self, secret: &[u8], broken: Refusal) -> Result<Opened, Refusal> {
        // The length, and padding after it.
        let content = Blob::new(secret).string().ok_or_else(|| broken.clone())?;
        let mut rest = Blob::new(content);
        let key = if self.kind.starts_with("if-modn") {
            let mut read = || {
                let (e, d, n) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
                let _coefficient = number(&mut rest)?;
                let (p, q) = (number(&mut rest)?, number(&mut rest)?);
                Some(Rsa { n, e, d, p, q })
            };
            read().ok_or(broken)?.key()?
        } else if self.kind.starts_with("dl-modp") {
            let mut read = || {
                // Zero: the parameters are in the key and no known ones.
                if rest.number()? != 0 {
                    return None;
                }
                let (p, g, q) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
                let (y, x) = (Some(number(&mut rest)?), number(&mut rest)?);
                Some(Dsa { p, q, g, y, x })
            };
            read().ok_or(broken)?.key()?
        } else {
            return Err(Refusal::Kind(format!("keys of type {:?}", self.kind)));
        };
        Ok(Opened::Signs(key))
    }
}

/// A number here has its length in bits.
fn number<'a>(rest: &mut Blob<'a>) -> Option<&'a [u8]> {
    let bits = rest.number()? as usize;
    rest.take(bits.div_ceil(8)).map(without_zeros)
}

const MAGIC: u32 = 0x3f6f_f9eb;
