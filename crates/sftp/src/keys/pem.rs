//! PEM keys as OpenSSL writes them: `DEK-Info` encryption (RFC 1421 §4.6.1.3 with OpenSSL's key
//! derivation), and DSA.
//!
//! The SSH library opens unencrypted RSA and EC keys of this kind; here the encryption is taken off
//! first. There is no integrity check in this format: a wrong passphrase shows as padding or content
//! that makes no sense.

use aes::{Aes128, Aes192, Aes256};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use cbc::cipher::{
    BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _, block_padding::Pkcs7,
};
use des::{Des, TdesEde3};
use md5::{Digest as _, Md5};
use russh::keys::{
    PrivateKey, decode_secret_key,
    ssh_key::{
        Mpint,
        private::{DsaKeypair, DsaPrivateKey, KeypairData},
        public::DsaPublicKey,
    },
};
use zeroize::Zeroizing;

use super::{
    Cause,
    sniff::{Format, PKCS8_DSA, Sniffed},
};

/// Whether the cipher of a `DEK-Info` line is one of ours.
pub(super) fn opens(cipher: &str) -> bool {
    CIPHERS.contains(&cipher)
}

pub(super) fn decode(sniffed: &Sniffed, passphrase: Option<&str>) -> Result<PrivateKey, Cause> {
    let Format::Pem { label, iv } = &sniffed.format else {
        return Err("not a PEM key".into());
    };
    let der = match (passphrase, &sniffed.cipher) {
        (Some(passphrase), Some(cipher)) => decrypt(cipher, passphrase, iv, &sniffed.body)?,
        _ => sniffed.body.clone(),
    };
    let label = match label.as_str() {
        "DSA" => return dsa(&der),
        PKCS8_DSA => return Err("DSA keys in PKCS#8 are not supported".into()),
        "PKCS#8" => "PRIVATE KEY".to_owned(),
        label => format!("{label} PRIVATE KEY"),
    };
    let base64 = Zeroizing::new(BASE64_STANDARD.encode(&*der));
    let text = Zeroizing::new(format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        *base64
    ));
    decode_secret_key(&text, None).map_err(Cause::new)
}

fn decrypt(
    cipher: &str,
    passphrase: &str,
    iv: &[u8],
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Cause> {
    match cipher {
        "AES-128-CBC" => decrypt_with::<Aes128>(passphrase, iv, body),
        "AES-192-CBC" => decrypt_with::<Aes192>(passphrase, iv, body),
        "AES-256-CBC" => decrypt_with::<Aes256>(passphrase, iv, body),
        "DES-EDE3-CBC" => decrypt_with::<TdesEde3>(passphrase, iv, body),
        "DES-CBC" => decrypt_with::<Des>(passphrase, iv, body),
        _ => Err("this cipher is not supported".into()),
    }
}

fn decrypt_with<C: BlockCipherDecrypt + KeyInit>(
    passphrase: &str,
    iv: &[u8],
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let salt = iv.get(..8).ok_or("its DEK-Info line is damaged")?;
    let key = derive(passphrase.as_bytes(), salt, C::key_size());
    let cipher = cbc::Decryptor::<C>::new_from_slices(&key, iv)
        .map_err(|_| "its DEK-Info line is damaged")?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = cipher
        .decrypt_padded::<Pkcs7>(&mut buffer)
        .map_err(|_| "wrong passphrase")?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round: each digest is of the one before, the
/// passphrase and the first eight bytes of the initial vector.
fn derive(passphrase: &[u8], salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    let mut last: Option<[u8; 16]> = None;
    while key.len() < length {
        let mut hash = Md5::new();
        if let Some(last) = last {
            hash.update(last);
        }
        hash.update(passphrase);
        hash.update(salt);
        let digest: [u8; 16] = hash.finalize().into();
        key.extend_from_slice(&digest);
        last = Some(digest);
    }
    key.truncate(length);
    key
}

/// `SEQUENCE { version, p, q, g, y, x }`, all integers.
fn dsa(der: &[u8]) -> Result<PrivateKey, Cause> {
    let numbers = integers(der).ok_or("its content cannot be decoded")?;
    let [_, p, q, g, y, x] = numbers[..] else {
        return Err("its content cannot be decoded".into());
    };
    let number = Mpint::from_positive_bytes;
    let build = || {
        let public = DsaPublicKey::new(number(p), number(q), number(g), number(y))?;
        let private = DsaPrivateKey::new(number(x))?;
        PrivateKey::new(KeypairData::Dsa(DsaKeypair::new(public, private)?), "")
    };
    build().map_err(|_| "its content cannot be decoded".into())
}

/// The integers of a DER sequence that has nothing else in it.
fn integers(der: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut rest, after) = element(der, 0x30)?;
    if !after.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (number, after) = element(rest, 0x02)?;
        found.push(number);
        rest = after;
    }
    Some(found)
}

/// The content of the first element, if it has this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        // The length of the length; keys need two bytes of it.
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 3 {
            return None;
        }
        let length = bytes
            .iter()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        (length, rest)
    };
    rest.split_at_checked(length)
}

const CIPHERS: [&str; 5] = [
    "AES-128-CBC",
    "AES-192-CBC",
    "AES-256-CBC",
    "DES-EDE3-CBC",
    "DES-CBC",
];
