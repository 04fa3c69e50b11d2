//! Keys in ASN.1: PKCS#1 (RFC 8017 §A.1.2), SEC 1 (RFC 5915), OpenSSL's own form of DSA, PKCS#8
//! (RFC 5958), and the public halves (RFC 5280 §4.1).
//!
//! What a key is follows from its structure and not from the label of its PEM, which people change.

use super::{
    Opened, Refusal,
    blob::{write_integer, write_string},
    der::{Der, context, dotted},
    numbers::{self, Curve, Dsa, Rsa},
};

/// A private key in any of the forms, not encrypted.
pub(super) fn private(der: &[u8]) -> Result<Opened, Refusal> {
    let mut key = Der::new(der).sequence().ok_or(UNREADABLE)?;
    let peek = key;
    key.small_integer().ok_or(UNREADABLE)?;
    match key.tag() {
        Some(SEQUENCE) => pkcs8(key),
        Some(OCTETS) => sec1(key, None),
        Some(INTEGER) => integers(peek),
        _ => Err(UNREADABLE),
    }
}

/// Whether the first thing in a sequence is an algorithm and the second is octets, as in
/// `EncryptedPrivateKeyInfo`.
pub(super) fn is_encrypted(der: &[u8]) -> bool {
    let read = || {
        let mut key = Der::new(der).sequence()?;
        key.sequence()?.oid()?;
        key.octets()
    };
    read().is_some()
}

/// `SEQUENCE { version, n, e, d, p, q, … }` or `SEQUENCE { version, p, q, g, y, x }`.
fn integers(mut key: Der<'_>) -> Result<Opened, Refusal> {
    let mut all = Vec::new();
    while let Some(number) = key.integer() {
        all.push(number);
    }
    let key = match all[..] {
        [_, p, q, g, y, x] => {
            let y = Some(y);
            Dsa { p, q, g, y, x }.key()?
        }
        [_, n, e, d, p, q, _, _, _] => Rsa { n, e, d, p, q }.key()?,
        _ => return Err(UNREADABLE),
    };
    Ok(Opened::Signs(key))
}

/// `SEQUENCE { 1, secret, [0] curve, [1] point }` after its version.
fn sec1(mut key: Der<'_>, curve: Option<Curve>) -> Result<Opened, Refusal> {
    let secret = key.octets().ok_or(UNREADABLE)?;
    let named = key.optional(context(0)).map(Der::new);
    let named = named.map(self::curve).transpose()?;
    let curve = named
        .or(curve)
        .ok_or(Refusal::Damaged("it names no curve"))?;
    let point = key
        .optional(context(1))
        .and_then(|bits| Der::new(bits).bits());
    numbers::ecdsa(curve, secret, point).map(Opened::Signs)
}

/// The curve by its name, or by its numbers, of which the prime settles it among those known here.
fn curve(mut parameters: Der<'_>) -> Result<Curve, Refusal> {
    if let Some(oid) = parameters.oid() {
        return Curve::from_oid(oid)
            .ok_or_else(|| Refusal::Kind(format!("EC keys on curve {}", curve_name(oid))));
    }
    let mut read = || {
        let mut parameters = parameters.sequence()?;
        parameters.small_integer()?;
        let mut field = parameters.sequence()?;
        field.oid()?;
        field.integer()
    };
    read()
        .and_then(Curve::from_prime)
        .ok_or_else(|| Refusal::Kind("EC keys on a curve without a name".to_owned()))
}

/// `SEQUENCE { version, algorithm, key, … }` after its version.
fn pkcs8(mut key: Der<'_>) -> Result<Opened, Refusal> {
    let mut algorithm = key.sequence().ok_or(UNREADABLE)?;
    let oid = algorithm.oid().ok_or(UNREADABLE)?;
    let content = key.octets().ok_or(UNREADABLE)?;
    match oid {
        RSA | RSA_PSS => private_rsa(content),
        DSA => {
            let mut read = || {
                let mut parameters = algorithm.sequence()?;
                let (p, q) = (parameters.integer()?, parameters.integer()?);
                let (g, y) = (parameters.integer()?, None);
                let x = Der::new(content).integer()?;
                Some(Dsa { p, q, g, y, x })
            };
            let key = read().ok_or(UNREADABLE)?.key()?;
            Ok(Opened::Signs(key))
        }
        EC => {
            let curve = curve(algorithm)?;
            let mut key = Der::new(content).sequence().ok_or(UNREADABLE)?;
            key.small_integer().ok_or(UNREADABLE)?;
            sec1(key, Some(curve))
        }
        ED25519 => {
            let seed = Der::new(content).octets().ok_or(UNREADABLE)?;
            // Some put the public half behind the seed, others into `[1]`, with its bit string or in
            // place of it.
            let (seed, behind) = seed.split_at_checked(32).ok_or(UNREADABLE)?;
            let public = (!behind.is_empty()).then_some(behind);
            numbers::ed25519(seed, public).map(Opened::Signs)
        }
        ED448 => Err(Refusal::Kind("Ed448 keys".to_owned())),
        X25519 => Err(Refusal::Kind("X25519 keys, which cannot sign,".to_owned())),
        DH => Err(Refusal::Kind(
            "Diffie-Hellman keys, which cannot sign,".to_owned(),
        )),
        other => Err(Refusal::Kind(format!(
            "keys of algorithm {}",
            dotted(other)
        ))),
    }
}

fn private_rsa(content: &[u8]) -> Result<Opened, Refusal> {
    let key = Der::new(content).sequence().ok_or(UNREADABLE)?;
    integers(key)
}

/// The blob (RFC 4253 §6.6) of a public key: `SubjectPublicKeyInfo`, or PKCS#1's own form.
pub(super) fn public(der: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut key = Der::new(der).sequence().ok_or(UNREADABLE)?;
    if key.tag() == Some(INTEGER) {
        return public_rsa(key);
    }
    let mut algorithm = key.sequence().ok_or(UNREADABLE)?;
    let oid = algorithm.oid().ok_or(UNREADABLE)?;
    let bits = key.bits().ok_or(UNREADABLE)?;
    let mut blob = Vec::new();
    match oid {
        RSA | RSA_PSS => return public_rsa(Der::new(bits).sequence().ok_or(UNREADABLE)?),
        DSA => {
            write_string(&mut blob, b"ssh-dss");
            let mut parameters = algorithm.sequence().ok_or(UNREADABLE)?;
            for _ in 0..3 {
                write_integer(&mut blob, parameters.integer().ok_or(UNREADABLE)?);
            }
            write_integer(&mut blob, Der::new(bits).integer().ok_or(UNREADABLE)?);
        }
        EC => {
            let curve = curve(algorithm)?;
            // SSH knows uncompressed points only (RFC 5656 §3.1).
            if bits.first() != Some(&4) {
                return Err(Refusal::Kind("EC keys with a compressed point".to_owned()));
            }
            write_string(&mut blob, format!("ecdsa-sha2-{}", curve.name()).as_bytes());
            write_string(&mut blob, curve.name().as_bytes());
            write_string(&mut blob, bits);
        }
        ED25519 | ED448 => {
            let name: &[u8] = if oid == ED448 {
                b"ssh-ed448"
            } else {
                b"ssh-ed25519"
            };
            write_string(&mut blob, name);
            write_string(&mut blob, bits);
        }
        other => {
            return Err(Refusal::Kind(format!(
                "keys of algorithm {}",
                dotted(other)
            )));
        }
    }
    Ok(blob)
}

fn public_rsa(mut key: Der<'_>) -> Result<Vec<u8>, Refusal> {
    let mut read = || Some((key.integer()?, key.integer()?));
    let (n, e) = read().ok_or(UNREADABLE)?;
    let mut blob = Vec::new();
    write_string(&mut blob, b"ssh-rsa");
    write_integer(&mut blob, e);
    write_integer(&mut blob, n);
    Ok(blob)
}

fn curve_name(oid: &[u8]) -> String {
    match oid {
        b"\x2b\x81\x04\x00\x0a" => "secp256k1".to_owned(),
        b"\x2b\x81\x04\x00\x21" => "secp224r1".to_owned(),
        b"\x2a\x86\x48\xce\x3d\x03\x01\x01" => "prime192v1".to_owned(),
        other => dotted(other),
    }
}

const UNREADABLE: Refusal = Refusal::Damaged("its content cannot be decoded");

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// 1.2.840.113549.1.1.10: the same numbers, meant for another kind of signature.
const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
/// 1.2.840.10040.4.1
const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
/// 1.2.840.10045.2.1
const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
/// 1.3.101.112
const ED25519: &[u8] = b"\x2b\x65\x70";
/// 1.3.101.113
const ED448: &[u8] = b"\x2b\x65\x71";
/// 1.3.101.110
const X25519: &[u8] = b"\x2b\x65\x6e";
/// 1.2.840.113549.1.3.1
const DH: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01";
