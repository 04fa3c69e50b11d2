//! PKCS#8 with a passphrase: PBES2 and the older schemes of PKCS#5 (RFC 8018) and PKCS#12 (RFC 7292 §C).
//!
//! Why our own: the crate for PKCS#5 leaves the older schemes out, which Java, Windows and OpenSSL before
//! 1.1 wrote, and has no limits to what a file may ask for. The ciphers and hashes are crates'.

use md5::{Digest, Md5};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use zeroize::Zeroizing;

use super::{
    Refusal,
    cipher::Cipher,
    der::{Der, dotted},
};

/// `EncryptedPrivateKeyInfo` (RFC 5958 §3).
pub(super) struct Encrypted<'a> {
    scheme: Result<Scheme<'a>, String>,
    data: &'a [u8],
}

/// How key and initial vector come about, and the cipher they are for.
struct Scheme<'a> {
    derivation: Derivation<'a>,
    cipher: Cipher,
    /// Empty where it is derived too.
    iv: &'a [u8],
}

enum Derivation<'a> {
    /// RFC 8018 §5.1
    Pbkdf1 {
        hash: Hash,
        salt: &'a [u8],
        rounds: u32,
    },
    /// RFC 8018 §5.2
    Pbkdf2 {
        hash: Hash,
        salt: &'a [u8],
        rounds: u32,
    },
    /// RFC 7914
    Scrypt {
        salt: &'a [u8],
        cost: u32,
        block: u32,
        parallel: u32,
    },
    /// RFC 7292 §B
    Pkcs12 { salt: &'a [u8], rounds: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512Cut224,
    Sha512Cut256,
}

impl<'a> Encrypted<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut key = Der::new(der).sequence()?;
        let algorithm = key.sequence()?;
        let data = key.octets()?;
        let scheme = scheme(algorithm);
        Some(Self { scheme, data })
    }

    /// The scheme as people call it.
    pub(super) fn describe(&self) -> String {
        match &self.scheme {
            Ok(scheme) => scheme.describe(),
            Err(name) => name.clone(),
        }
    }

    /// The key inside.
    pub(super) fn open(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let scheme = self.scheme.as_ref();
        let scheme = scheme.map_err(|name| Refusal::Cipher(name.clone()))?;
        let (key, iv) = scheme.derive(passphrase)?;
        let iv = if scheme.iv.is_empty() { &iv } else { scheme.iv };
        scheme
            .cipher
            .decrypt_padded(&key, iv, self.data)
            .ok_or(Refusal::WrongPassphrase)
    }
}

impl Scheme<'_> {
    fn describe(&self) -> String {
        let cipher = self.cipher.name();
        match self.derivation {
            Derivation::Pbkdf1 { .. } => format!("PBES1 with {cipher}"),
            Derivation::Pbkdf2 { .. } => format!("PBES2 with {cipher}"),
            Derivation::Scrypt { .. } => format!("PBES2 with scrypt and {cipher}"),
            Derivation::Pkcs12 { .. } => format!("PKCS#12 encryption with {cipher}"),
        }
    }

    fn derive(&self, passphrase: &[u8]) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Refusal> {
        let mut key = Zeroizing::new(vec![0; self.cipher.key_length()]);
        let mut iv = Vec::new();
        match self.derivation {
            Derivation::Pbkdf1 { hash, salt, rounds } => {
                let rounds = patience(rounds)?;
                let derived = match hash {
                    Hash::Md5 => repeated::<Md5>(&[passphrase, salt], rounds),
                    _ => repeated::<Sha1>(&[passphrase, salt], rounds),
                };
                key.copy_from_slice(&derived[..8]);
                iv.extend_from_slice(&derived[8..16]);
            }
            Derivation::Pbkdf2 { hash, salt, rounds } => {
                hash.pbkdf2(passphrase, salt, patience(rounds)?, &mut key);
            }
            Derivation::Scrypt {
                salt,
                cost,
                block,
                parallel,
            } => {
                let memory = 128 * u64::from(cost) * u64::from(block);
                if memory > MOST_MEMORY || parallel > MOST_PARALLEL {
                    return Err(Refusal::Cipher(format!(
                        "scrypt with {} MiB of memory, {parallel} times",
                        memory >> 20
                    )));
                }
                let damaged = Refusal::Damaged("its key derivation cannot be read");
                if !cost.is_power_of_two() {
                    return Err(damaged);
                }
                scrypt::Params::new(cost.ilog2() as u8, block, parallel)
                    .ok()
                    .and_then(|params| scrypt::scrypt(passphrase, salt, &params, &mut key).ok())
                    .ok_or(damaged)?;
            }
            Derivation::Pkcs12 { salt, rounds } => {
                let rounds = patience(rounds)?;
                pkcs12(passphrase, salt, rounds, PKCS12_KEY, &mut key);
                iv.resize(self.cipher.iv_length(), 0);
                pkcs12(passphrase, salt, rounds, PKCS12_IV, &mut iv);
            }
        }
        Ok((key, iv))
    }
}

fn scheme(mut algorithm: Der<'_>) -> Result<Scheme<'_>, String> {
    let unreadable = || "a damaged scheme".to_owned();
    let oid = algorithm.oid().ok_or_else(unreadable)?;
    let mut parameters = algorithm.sequence().ok_or_else(unreadable)?;
    if oid == PBES2 {
        return pbes2(parameters);
    }
    let mut read = || Some((parameters.octets()?, parameters.small_integer()?));
    let (salt, rounds) = read().ok_or_else(unreadable)?;
    let rc2 = Cipher::Rc2Cbc { bits: 64 };
    let pbkdf1 = |hash, cipher| (Derivation::Pbkdf1 { hash, salt, rounds }, cipher);
    let pkcs12 = |cipher| (Derivation::Pkcs12 { salt, rounds }, cipher);
    let (derivation, cipher) = match (oid.strip_prefix(PKCS5), oid.strip_prefix(PKCS12)) {
        (Some([3]), _) => pbkdf1(Hash::Md5, Cipher::DesCbc),
        (Some([6]), _) => pbkdf1(Hash::Md5, rc2),
        (Some([10]), _) => pbkdf1(Hash::Sha1, Cipher::DesCbc),
        (Some([11]), _) => pbkdf1(Hash::Sha1, rc2),
        (_, Some([1])) => pkcs12(Cipher::Rc4 { bits: 128 }),
        (_, Some([2])) => pkcs12(Cipher::Rc4 { bits: 40 }),
        (_, Some([3])) => pkcs12(Cipher::TripleDesCbc),
        (_, Some([4])) => pkcs12(Cipher::TwoKeyTripleDesCbc),
        (_, Some([5])) => pkcs12(Cipher::Rc2Cbc { bits: 128 }),
        (_, Some([6])) => pkcs12(Cipher::Rc2Cbc { bits: 40 }),
        _ => return Err(format!("scheme {}", dotted(oid))),
    };
    Ok(Scheme {
        derivation,
        cipher,
        iv: &[],
    })
}

fn pbes2(mut parameters: Der<'_>) -> Result<Scheme<'_>, String> {
    let unreadable = || "PBES2 with damaged parameters".to_owned();
    let mut derivation = parameters.sequence().ok_or_else(unreadable)?;
    let mut encryption = parameters.sequence().ok_or_else(unreadable)?;
    let (cipher, iv) = encryption
        .oid()
        .ok_or_else(unreadable)
        .and_then(|oid| pbes2_cipher(oid, encryption))?;
    let derivation = match derivation.oid().ok_or_else(unreadable)? {
        PBKDF2 => pbkdf2_parameters(derivation.sequence().ok_or_else(unreadable)?)?,
        SCRYPT => {
            let mut read = || {
                let mut parameters = derivation.sequence()?;
                Some(Derivation::Scrypt {
                    salt: parameters.octets()?,
                    cost: parameters.small_integer()?,
                    block: parameters.small_integer()?,
                    parallel: parameters.small_integer()?,
                })
            };
            read().ok_or_else(unreadable)?
        }
        other => return Err(format!("PBES2 with key derivation {}", dotted(other))),
    };
    Ok(Scheme {
        derivation,
        cipher,
        iv,
    })
}

fn pbes2_cipher<'a>(oid: &[u8], mut parameters: Der<'a>) -> Result<(Cipher, &'a [u8]), String> {
    let cipher = match oid {
        b"\x60\x86\x48\x01\x65\x03\x04\x01\x02" => Cipher::Aes128Cbc,
        b"\x60\x86\x48\x01\x65\x03\x04\x01\x16" => Cipher::Aes192Cbc,
        b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a" => Cipher::Aes256Cbc,
        b"\x2a\x86\x48\x86\xf7\x0d\x03\x07" => Cipher::TripleDesCbc,
        b"\x2b\x0e\x03\x02\x07" => Cipher::DesCbc,
        b"\x2a\x86\x48\x86\xf7\x0d\x03\x02" => {
            // RFC 8018 §B.2.3: the bits are told by a number that was drawn from a table.
            let unreadable = || "PBES2 with damaged parameters".to_owned();
            let mut parameters = parameters.sequence().ok_or_else(unreadable)?;
            let bits = match parameters.small_integer() {
                None => 32,
                Some(160) => 40,
                Some(120) => 64,
                Some(58) => 128,
                Some(other) => return Err(format!("PBES2 with RC2 version {other}")),
            };
            let iv = parameters.octets().filter(|iv| iv.len() == 8);
            return Ok((Cipher::Rc2Cbc { bits }, iv.ok_or_else(unreadable)?));
        }
        other => return Err(format!("PBES2 with cipher {}", dotted(other))),
    };
    let iv = parameters.octets();
    let iv = iv.filter(|iv| iv.len() == cipher.iv_length());
    Ok((
        cipher,
        iv.ok_or_else(|| "PBES2 with damaged parameters".to_owned())?,
    ))
}

fn pbkdf2_parameters(mut parameters: Der<'_>) -> Result<Derivation<'_>, String> {
    let mut read = || Some((parameters.octets()?, parameters.small_integer()?));
    let (salt, rounds) = read().ok_or_else(|| "PBES2 with damaged parameters".to_owned())?;
    // The length of the key, which the cipher tells.
    if parameters.tag() != Some(0x30) {
        parameters.integer();
    }
    let hash = match parameters
        .sequence()
        .and_then(|mut function| function.oid())
    {
        None => Hash::Sha1,
        Some(oid) => match oid.strip_prefix(HMAC_WITH) {
            Some([6]) => Hash::Md5,
            Some([7]) => Hash::Sha1,
            Some([8]) => Hash::Sha224,
            Some([9]) => Hash::Sha256,
            Some([10]) => Hash::Sha384,
            Some([11]) => Hash::Sha512,
            Some([12]) => Hash::Sha512Cut224,
            Some([13]) => Hash::Sha512Cut256,
            _ => return Err(format!("PBES2 with function {}", dotted(oid))),
        },
    };
    Ok(Derivation::Pbkdf2 { hash, salt, rounds })
}

impl Hash {
    fn pbkdf2(self, passphrase: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::Md5 => pbkdf2_hmac::<Md5>(passphrase, salt, rounds, key),
            Self::Sha1 => pbkdf2_hmac::<Sha1>(passphrase, salt, rounds, key),
            Self::Sha224 => pbkdf2_hmac::<Sha224>(passphrase, salt, rounds, key),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(passphrase, salt, rounds, key),
            Self::Sha384 => pbkdf2_hmac::<Sha384>(passphrase, salt, rounds, key),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(passphrase, salt, rounds, key),
            Self::Sha512Cut224 => pbkdf2_hmac::<Sha512_224>(passphrase, salt, rounds, key),
            Self::Sha512Cut256 => pbkdf2_hmac::<Sha512_256>(passphrase, salt, rounds, key),
        }
    }
}

/// The hash of the hash of … these parts.
fn repeated<H: Digest>(parts: &[&[u8]], rounds: u32) -> Zeroizing<Vec<u8>> {
    let mut hash = H::new();
    for part in parts {
        hash.update(part);
    }
    let mut last = Zeroizing::new(hash.finalize().to_vec());
    for _ in 1..rounds {
        last = Zeroizing::new(H::digest(&last[..]).to_vec());
    }
    last
}

/// RFC 7292 §B.2 with SHA-1.
fn pkcs12(passphrase: &[u8], salt: &[u8], rounds: u32, purpose: u8, out: &mut [u8]) {
    const BLOCK: usize = 64;
    // UTF-16 with two zeros at its end.
    let text = Zeroizing::new(String::from_utf8_lossy(passphrase).into_owned());
    let text = Zeroizing::new(
        text.encode_utf16()
            .chain([0])
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<u8>>(),
    );
    let blocks = |bytes: &[u8]| filled(bytes, bytes.len().div_ceil(BLOCK) * BLOCK);
    let mut input = blocks(salt);
    input.extend_from_slice(&blocks(&text));
    for part in out.chunks_mut(20) {
        let hash = repeated::<Sha1>(&[&[purpose; BLOCK], &input], rounds);
        part.copy_from_slice(&hash[..part.len()]);
        // Each block of the input becomes itself, plus the hash repeated, plus one.
        let added = filled(&hash, BLOCK);
        for block in input.chunks_mut(BLOCK) {
            let mut carry = 1;
            for (byte, plus) in block.iter_mut().zip(&*added).rev() {
                let sum = u16::from(*byte) + u16::from(*plus) + carry;
                *byte = sum as u8;
                carry = sum >> 8;
            }
        }
    }
}

/// The bytes over and over, this many.
fn filled(bytes: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.iter().copied().cycle().take(length).collect())
}

/// Refuses to count for minutes.
fn patience(rounds: u32) -> Result<u32, Refusal> {
    if rounds == 0 {
        return Err(Refusal::Damaged("its key derivation cannot be read"));
    }
    if rounds > MOST_ROUNDS {
        return Err(Refusal::Cipher(format!("{rounds} rounds")));
    }
    Ok(rounds)
}

const PKCS12_KEY: u8 = 1;
const PKCS12_IV: u8 = 2;

/// OpenSSL's own number is 2048; password managers go to a million.
const MOST_ROUNDS: u32 = 20_000_000;

/// 512 MiB; OpenSSL's own number is 16 MiB.
const MOST_MEMORY: u64 = 512 << 20;
const MOST_PARALLEL: u32 = 16;

/// 1.2.840.113549.1.5.13
const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
/// 1.2.840.113549.1.5.12
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
/// 1.3.6.1.4.1.11591.4.11
const SCRYPT: &[u8] = b"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b";
/// 1.2.840.113549.1.5, of which the schemes of PBES1 are numbers
const PKCS5: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05";
/// 1.2.840.113549.1.12.1
const PKCS12: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
/// 1.2.840.113549.2, of which the functions are numbers
const HMAC_WITH: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02";
