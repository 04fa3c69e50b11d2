//! Keys in OpenSSH's own format (PROTOCOL.key of OpenSSH).
//!
//! Why our own: PuTTYgen pads differently and some programs pad not at all, a wrong passphrase must be told
//! from a damaged file, and a key of a type that cannot sign here still has a public half to name.

use russh::keys::ssh_key::{Cipher, Kdf};
use zeroize::Zeroizing;

use super::{
    Opened, Refusal,
    blob::Blob,
    cipher::Cipher as BlockCipher,
    numbers::{self, Curve, Dsa, Rsa},
};

/// A key of which only the public half can be seen yet.
#[derive(Clone)]
pub(super) struct OpenSsh {
    cipher: String,
    kdf: String,
    /// Empty without a passphrase.
    kdf_options: Vec<u8>,
    public: Vec<u8>,
    secret: Zeroizing<Vec<u8>>,
    /// What authenticates the secret, if the cipher has that.
    tag: Vec<u8>,
}

impl OpenSsh {
    /// Reads the decoded base64.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let damaged = Refusal::Damaged("its head cannot be read");
        let mut rest = Blob::new(body.strip_prefix(MAGIC).ok_or_else(|| damaged.clone())?);
        let mut read = || {
            let (cipher, kdf, options) = (rest.string()?, rest.string()?, rest.string()?);
            Some((cipher, kdf, options, rest.number()?))
        };
        let (cipher, kdf, kdf_options, keys) = read().ok_or_else(|| damaged.clone())?;
        if keys != 1 {
            return Err(Refusal::Kind(format!("files with {keys} keys")));
        }
        let mut read = || Some((rest.string()?, rest.string()?));
        let (public, secret) = read().ok_or_else(|| damaged.clone())?;
        Blob::new(public).string().ok_or(damaged)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(char::is_control, " ");
        Ok(Self {
            cipher: text(cipher),
            kdf: text(kdf),
            kdf_options: kdf_options.to_vec(),
            public: public.to_vec(),
            secret: Zeroizing::new(secret.to_vec()),
            tag: rest.rest().to_vec(),
        })
    }

    /// The name of the cipher, if there is one.
    pub(super) fn cipher(&self) -> Option<&str> {
        (self.cipher != "none").then_some(&self.cipher)
    }

    pub(super) fn open(&self, passphrase: &[u8]) -> Result<Opened, Refusal> {
        if self.cipher().is_none() {
            return self.decode(&self.secret, Refusal::Damaged("its check numbers differ"));
        }
        let secret = self.decrypt(passphrase)?;
        self.decode(&secret, Refusal::WrongPassphrase)
    }

    fn decrypt(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let kdf = match self.kdf.as_str() {
            "bcrypt" => {
                let mut options = Blob::new(&self.kdf_options);
                let mut read = || Some((options.string()?.to_vec(), options.number()?));
                let (salt, rounds) = read().ok_or(Refusal::Damaged("its head cannot be read"))?;
                if rounds > MOST_ROUNDS {
                    return Err(Refusal::Cipher(format!("bcrypt with {rounds} rounds")));
                }
                Kdf::Bcrypt { salt, rounds }
            }
            other => return Err(Refusal::Cipher(other.to_owned())),
        };
        let mut secret = self.secret.clone();
        if self.cipher == "3des-cbc" {
            // The one old cipher that the SSH library leaves out.
            let mut key = Zeroizing::new([0; 32]);
            kdf.derive(passphrase, &mut *key).map_err(|_| DAMAGED_KDF)?;
            let (key, iv) = key.split_at(24);
            return BlockCipher::TripleDesCbc
                .decrypt(key, iv, &secret)
                .ok_or(CUT_OFF);
        }
        let cipher = Cipher::new(&self.cipher)
            .ok()
            .filter(|cipher| cipher.is_some() && *cipher != Cipher::TdesCbc)
            .ok_or_else(|| Refusal::Cipher(self.cipher.clone()))?;
        let tag = match (cipher.has_tag(), &self.tag[..]) {
            (true, tag) => Some(tag.try_into().map_err(|_| CUT_OFF)?),
            (false, _) => None,
        };
        let (key, iv) = kdf
            .derive_key_and_iv(cipher, passphrase)
            .map_err(|_| DAMAGED_KDF)?;
        if !secret.len().is_multiple_of(cipher.block_size()) {
            return Err(CUT_OFF);
        }
        cipher
            .decrypt(&key, &iv, &mut secret, tag)
            .map_err(|_| Refusal::WrongPassphrase)?;
        Ok(secret)
    }

    /// Reads the secret; its two check numbers are equal if it was decrypted well.
    fn decode(&self, secret: &[u8], unequal: Refusal) -> Result<Opened, Refusal> {
        let mut rest = Blob::new(secret);
        match (rest.number(), rest.number()) {
            (Some(one), Some(other)) if one == other => {}
            (Some(_), Some(_)) => return Err(unequal),
            _ => return Err(CUT_OFF),
        }
        let algorithm = rest.string().ok_or(CUT_OFF)?;
        let mut public = Blob::new(&self.public);
        if public.string() != Some(algorithm) {
            return Err(numbers::MISMATCH);
        }
        let key = match algorithm {
            b"ssh-rsa" => {
                let numbers: [&[u8]; 6] = take(&mut rest)?;
                let [n, e, d, _, p, q] = numbers;
                Rsa { n, e, d, p, q }.key()?
            }
            b"ssh-dss" => {
                let [p, q, g, y, x] = take(&mut rest)?;
                let y = Some(y);
                Dsa { p, q, g, y, x }.key()?
            }
            b"ssh-ed25519" => {
                let public = rest.string().ok_or(CUT_OFF)?;
                // The seed, and the public half again.
                let both = rest.string().and_then(|both| both.split_at_checked(32));
                let (seed, again) = both.ok_or(CUT_OFF)?;
                if public != again {
                    return Err(numbers::MISMATCH);
                }
                numbers::ed25519(seed, Some(public))?
            }
            _ if algorithm.starts_with(b"ecdsa-sha2-") => {
                let name = rest.string().ok_or(CUT_OFF)?;
                let Some(curve) = Curve::from_name(name) else {
                    return Ok(Opened::PublicOnly(self.public.clone()));
                };
                let point = rest.string().ok_or(CUT_OFF)?;
                let secret = rest.integer().ok_or(CUT_OFF)?;
                numbers::ecdsa(curve, secret, Some(point))?
            }
            _ => return Ok(Opened::PublicOnly(self.public.clone())),
        };
        let _comment = rest.string().ok_or(CUT_OFF)?;
        let padding = rest.rest();
        if padding.len() > MOST_PADDING
            || !padding.iter().zip(1..).all(|(&byte, count)| byte == count)
        {
            return Err(Refusal::Damaged("its padding is wrong"));
        }
        let opened = Opened::Signs(key);
        if opened.public().as_deref() != Some(&self.public) {
            return Err(numbers::MISMATCH);
        }
        Ok(opened)
    }
}

fn take<'a, const N: usize>(rest: &mut Blob<'a>) -> Result<[&'a [u8]; N], Refusal> {
    let mut numbers = [&[][..]; N];
    for number in &mut numbers {
        *number = rest.integer().ok_or(CUT_OFF)?;
    }
    Ok(numbers)
}

const MAGIC: &[u8] = b"openssh-key-v1\0";

const CUT_OFF: Refusal = Refusal::Damaged("it is cut off");
const DAMAGED_KDF: Refusal = Refusal::Damaged("its key derivation cannot be read");

/// More would take minutes; ssh-keygen's own number is 24.
const MOST_ROUNDS: u32 = 10_000;

/// PuTTYgen pads to 16 bytes, with 16 where nothing is missing.
const MOST_PADDING: usize = 16;
