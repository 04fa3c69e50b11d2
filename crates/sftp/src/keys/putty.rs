//! Keys of PuTTY, versions 2 and 3 (PuTTY's manual, appendix "PPK file format").
//!
//! Why our own: the comment and the passphrase may be in the code page of a Windows machine and not in
//! UTF-8, and what a file asks of memory and time has limits here.

use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    Opened, Refusal,
    blob::{Blob, write_string},
    cipher::Cipher,
    decode_base64,
    numbers::{self, Curve, Dsa, Rsa},
};

/// A key of which only the public half can be seen yet.
#[derive(Clone)]
pub(super) struct Putty {
    version: Version3Or2,
    algorithm: Vec<u8>,
    encryption: Vec<u8>,
    comment: Vec<u8>,
    public: Vec<u8>,
    secret: Zeroizing<Vec<u8>>,
    mac: Vec<u8>,
    derivation: Option<Derivation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version3Or2 {
    Two,
    Three,
}

/// How version 3 makes keys of a passphrase.
#[derive(Debug, Clone)]
struct Derivation {
    name: String,
    memory: u32,
    passes: u32,
    parallelism: u32,
    salt: Vec<u8>,
}

impl Putty {
    /// Whether the first line is that of such a key.
    pub(super) fn is_first_line(line: &[u8]) -> bool {
        line.starts_with(FIRST_LINE)
    }

    /// Reads the lines of a file, without their ends.
    pub(super) fn parse(lines: &[&[u8]]) -> Result<Self, Refusal> {
        let damaged = || Refusal::Damaged("its lines cannot be read");
        let first = lines.first().and_then(|line| line.strip_prefix(FIRST_LINE));
        let (version, algorithm) = first.and_then(field).ok_or_else(damaged)?;
        let version = match version {
            b"2" => Version3Or2::Two,
            b"3" => Version3Or2::Three,
            other => {
                let other = String::from_utf8_lossy(other).replace(char::is_control, " ");
                return Err(Refusal::Kind(format!("PuTTY keys of version {other}")));
            }
        };
        let lines = Lines(&lines[1..]);
        let number = |name| -> Option<u32> {
            std::str::from_utf8(lines.value(name)?)
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        let derivation = lines.value(b"Key-Derivation").and_then(|name| {
            Some(Derivation {
                name: String::from_utf8_lossy(name).replace(char::is_control, " "),
                memory: number(b"Argon2-Memory")?,
                passes: number(b"Argon2-Passes")?,
                parallelism: number(b"Argon2-Parallelism")?,
                salt: from_hex(lines.value(b"Argon2-Salt")?)?,
            })
        });
        let read = || {
            Some(Self {
                version,
                algorithm: algorithm.to_vec(),
                encryption: lines.value(b"Encryption")?.to_vec(),
                // The one value whose blanks count: the MAC is made of it.
                comment: lines.raw_value(b"Comment")?.to_vec(),
                public: lines.base64(b"Public-Lines")?,
                secret: Zeroizing::new(lines.base64(b"Private-Lines")?),
                mac: from_hex(lines.value(b"Private-MAC")?)?,
                derivation,
            })
        };
        let key = read().ok_or_else(damaged)?;
        if Blob::new(&key.public).string() != Some(algorithm) {
            return Err(numbers::MISMATCH);
        }
        Ok(key)
    }

    pub(super) fn version(&self) -> u8 {
        match self.version {
            Version3Or2::Two => 2,
            Version3Or2::Three => 3,
        }
    }

    /// The name of the cipher, if there is one.
    pub(super) fn cipher(&self) -> Option<String> {
        (self.encryption != b"none")
            .then(|| String::from_utf8_lossy(&self.encryption).replace(char::is_control, " "))
    }

    pub(super) fn open(&self, passphrase: &[u8]) -> Result<Opened, Refusal> {
        if self.cipher().is_none() {
            let key = match self.version {
                Version3Or2::Two => Sha1::digest(MAC_KEY).to_vec(),
                Version3Or2::Three => Vec::new(),
            };
            if !self.is_authentic(&self.secret, &key) {
                return Err(Refusal::Damaged("its MAC does not fit its content"));
            }
            return self.decode(&self.secret);
        }
        if self.encryption != b"aes256-cbc" {
            return Err(Refusal::Cipher(self.cipher().unwrap_or_default()));
        }
        let keys = self.derive(passphrase)?;
        let secret = Cipher::Aes256Cbc
            .decrypt(&keys[..32], &keys[32..48], &self.secret)
            .ok_or(CUT_OFF)?;
        if !self.is_authentic(&secret, &keys[48..]) {
            return Err(Refusal::WrongPassphrase);
        }
        self.decode(&secret)
    }

    /// The key of the cipher, its initial vector, and the key of the MAC.
    fn derive(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        if self.version == Version3Or2::Two {
            let hash = |head: &[u8]| Sha1::new().chain_update(head).chain_update(passphrase);
            let mut keys = Zeroizing::new(hash(&[0, 0, 0, 0]).finalize().to_vec());
            keys.extend_from_slice(&hash(&[0, 0, 0, 1]).finalize());
            keys.truncate(32);
            keys.extend_from_slice(&[0; 16]);
            keys.extend_from_slice(&hash(MAC_KEY).finalize());
            return Ok(keys);
        }
        let derivation = self.derivation.as_ref();
        let derivation = derivation.ok_or(Refusal::Damaged("its key derivation cannot be read"))?;
        let algorithm = match derivation.name.as_str() {
            "Argon2id" => Algorithm::Argon2id,
            "Argon2i" => Algorithm::Argon2i,
            "Argon2d" => Algorithm::Argon2d,
            other => return Err(Refusal::Cipher(other.to_owned())),
        };
        let work = u64::from(derivation.memory) * u64::from(derivation.passes);
        if derivation.memory > MOST_MEMORY || work > MOST_WORK {
            let (memory, passes) = (derivation.memory, derivation.passes);
            let asks = format!("Argon2 with {memory} KiB of memory and {passes} passes");
            return Err(Refusal::Cipher(asks));
        }
        let mut keys = Zeroizing::new(vec![0; 80]);
        Params::new(
            derivation.memory,
            derivation.passes,
            derivation.parallelism,
            None,
        )
        .and_then(|params| {
            Argon2::new(algorithm, Version::V0x13, params).hash_password_into(
                passphrase,
                &derivation.salt,
                &mut keys,
            )
        })
        .map_err(|_| Refusal::Damaged("its key derivation cannot be read"))?;
        Ok(keys)
    }

    fn is_authentic(&self, secret: &[u8], key: &[u8]) -> bool {
        let mut text = Zeroizing::new(Vec::new());
        for part in [
            &self.algorithm[..],
            &self.encryption,
            &self.comment,
            &self.public,
            secret,
        ] {
            write_string(&mut text, part);
        }
        match self.version {
            Version3Or2::Two => Hmac::<Sha1>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(&text[..]).verify_slice(&self.mac).is_ok()),
            Version3Or2::Three => Hmac::<Sha256>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(&text[..]).verify_slice(&self.mac).is_ok()),
        }
    }

    fn decode(&self, secret: &[u8]) -> Result<Opened, Refusal> {
        let mut public = Blob::new(&self.public);
        let mut secret = Blob::new(secret);
        let algorithm = public.string().ok_or(CUT_OFF)?;
        let key = match algorithm {
            b"ssh-rsa" => {
                let mut read = || {
                    let (e, n) = (public.integer()?, public.integer()?);
                    let (d, p, q) = (secret.integer()?, secret.integer()?, secret.integer()?);
                    Some(Rsa { n, e, d, p, q })
                };
                read().ok_or(CUT_OFF)?.key()?
            }
            b"ssh-dss" => {
                let mut read = || {
                    let (p, q, g) = (public.integer()?, public.integer()?, public.integer()?);
                    let (y, x) = (Some(public.integer()?), secret.integer()?);
                    Some(Dsa { p, q, g, y, x })
                };
                read().ok_or(CUT_OFF)?.key()?
            }
            b"ssh-ed25519" => {
                let seed = secret.string().ok_or(CUT_OFF)?;
                numbers::ed25519(seed, public.string())?
            }
            _ if algorithm.starts_with(b"ecdsa-sha2-") => {
                let Some(curve) = public.string().and_then(Curve::from_name) else {
                    return Ok(Opened::PublicOnly(self.public.clone()));
                };
                let number = secret.integer().ok_or(CUT_OFF)?;
                numbers::ecdsa(curve, number, public.string())?
            }
            _ => return Ok(Opened::PublicOnly(self.public.clone())),
        };
        Ok(Opened::Signs(key))
    }
}

/// The lines after the first one.
#[derive(Clone, Copy)]
struct Lines<'a>(&'a [&'a [u8]]);

impl<'a> Lines<'a> {
    fn value(self, name: &[u8]) -> Option<&'a [u8]> {
        Some(self.raw_value(name)?.trim_ascii())
    }

    fn raw_value(self, name: &[u8]) -> Option<&'a [u8]> {
        let (_, value) = self.find(name)?;
        Some(value)
    }

    fn base64(self, name: &[u8]) -> Option<Vec<u8>> {
        let (at, count) = self.find(name)?;
        let count: usize = std::str::from_utf8(count).ok()?.trim().parse().ok()?;
        let lines = self.0.get(at + 1..)?.get(..count)?;
        decode_base64(&Zeroizing::new(lines.concat()))
    }

    fn find(self, name: &[u8]) -> Option<(usize, &'a [u8])> {
        let mut fields = self.0.iter().enumerate();
        fields.find_map(|(at, line)| {
            let (found, value) = field(line)?;
            (found == name).then_some((at, value))
        })
    }
}

/// `name: value`, of which the value may be empty and its blank missing.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let value = &line[colon + 1..];
    Some((&line[..colon], value.strip_prefix(b" ").unwrap_or(value)))
}

pub(super) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16);
    text.chunks(2)
        .map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8))
        .collect()
}

const FIRST_LINE: &[u8] = b"PuTTY-User-Key-File-";
const MAC_KEY: &[u8] = b"putty-private-key-file-mac-key";

const CUT_OFF: Refusal = Refusal::Damaged("it is cut off");

/// 1 GiB, in KiB; PuTTYgen's own number is 8 MiB.
const MOST_MEMORY: u32 = 1024 * 1024;

/// Memory in KiB, times passes: about a minute. PuTTYgen aims at 0.1 s.
const MOST_WORK: u64 = 64 * 1024 * 1024;
