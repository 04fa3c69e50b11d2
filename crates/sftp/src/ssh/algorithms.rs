//! Which algorithms are offered and in which order, and the sizes of the connection.
//!
//! What is no longer safe is offered only where the parameter `legacy` says so, and last.

use std::{borrow::Cow, time::Duration};

use ftp_connect_core::ConnectParams;
use russh::{
    AlgorithmKind, Limits, Preferred, cipher,
    client::{self, GexParams},
    kex,
    keys::{Algorithm, HashAlg},
    mac,
};

use super::host_key::Expected;

/// What the SSH library is told for these parameters.
pub(super) fn config(params: &ConnectParams, expected: &Expected) -> client::Config {
    client::Config {
        window_size: WINDOW,
        keepalive_interval: params.keep_alive(),
        keepalive_max: params.keep_alive_count() as usize,
        limits: limits(params),
        preferred: preferred(expected, params.legacy()),
        // 2048 bits are the least that is still safe; many servers have no groups above 4096.
        gex: GexParams::new(2048, 4096, 8192).unwrap_or_default(),
        ..client::Config::default()
    }
}

/// When new keys are agreed on: after the bytes that the parameters say, and after an hour.
fn limits(params: &ConnectParams) -> Limits {
    let bytes = params
        .rekey_bytes()
        .and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = bytes.unwrap_or(MOST_BYTES).clamp(LEAST_BYTES, MOST_BYTES);
    Limits::new(bytes, bytes, Duration::from_secs(3600))
}

/// The algorithms offered: what OpenSSH offers of today's, nothing with SHA-1 or CBC unless they are
/// allowed. Host-key algorithms for which a key is known come first, so that the server shows that key,
/// and before them certificates where there is an authority for the server.
fn preferred(expected: &Expected, legacy: bool) -> Preferred {
    let mut key: Vec<Algorithm> = Preferred::DEFAULT
        .key
        .iter()
        .filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None }))
        .cloned()
        .collect();
    let certificates = if expected.certified {
        key.clone()
    } else {
        Vec::new()
    };
    let (mut kex, mut cipher, mut mac) = (kex_names(), CIPHERS.to_vec(), MACS.to_vec());
    if legacy {
        key.extend(LEGACY_KEY);
        kex.extend(LEGACY_KEX);
        cipher.extend(LEGACY_CIPHER);
        mac.extend(LEGACY_MAC);
    }
    key.sort_by_key(|algorithm| {
        let plain = match algorithm {
            Algorithm::Rsa { .. } => "ssh-rsa",
            other => other.as_str(),
        };
        !expected.types.iter().any(|known| known == plain)
    });
    // What is announced in the list of key exchanges without being one.
    let announced = Preferred::DEFAULT.kex.iter();
    kex.extend(announced.filter(|name| is_announcement(name.as_ref())));
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(key),
        host_key_certificates: Cow::Owned(certificates),
        cipher: Cow::Owned(cipher),
        mac: Cow::Owned(mac),
        ..Preferred::DEFAULT
    }
}

fn kex_names() -> Vec<kex::Name> {
    let defaults = Preferred::DEFAULT.kex;
    let mut names: Vec<kex::Name> = defaults
        .iter()
        .filter(|name| !is_announcement(name.as_ref()))
        .copied()
        .collect();
    let after = names.iter().position(|name| *name == kex::DH_GEX_SHA256);
    // Appliances that know elliptic curves but not Curve25519.
    let nist = [
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::ECDH_SHA2_NISTP521,
    ];
    let after = after.unwrap_or(names.len());
    names.splice(after..after, nist);
    names
}

/// Whether a name in the list of key exchanges is none (RFC 8308 §2.1, and OpenSSH's strict order).
pub(super) fn is_announcement(name: &str) -> bool {
    name.starts_with("ext-info-") || name.starts_with("kex-strict-")
}

/// Whether the parameter `legacy` would allow an algorithm that is on a server's list.
pub(super) fn legacy_has(kind: &AlgorithmKind, theirs: &[String]) -> bool {
    let has = |name: &str| theirs.iter().any(|theirs| theirs == name);
    match kind {
        AlgorithmKind::Kex => LEGACY_KEX.iter().any(|name| has(name.as_ref())),
        AlgorithmKind::Key => LEGACY_KEY.iter().any(|name| has(name.as_str())),
        AlgorithmKind::Cipher => LEGACY_CIPHER.iter().any(|name| has(name.as_ref())),
        AlgorithmKind::Mac => LEGACY_MAC.iter().any(|name| has(name.as_ref())),
        AlgorithmKind::Compression => false,
    }
}

/// How a host-key algorithm is called on the wire.
pub(super) fn signature_name(algorithm: &Algorithm) -> &str {
    match algorithm {
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        } => "rsa-sha2-512",
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        } => "rsa-sha2-256",
        other => other.as_str(),
    }
}

/// AES first: nearly every processor has it in hardware.
const CIPHERS: [cipher::Name; 5] = [
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

const MACS: [mac::Name; 4] = [
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512,
    mac::HMAC_SHA256,
];

const LEGACY_KEY: [Algorithm; 2] = [Algorithm::Rsa { hash: None }, Algorithm::Dsa];

const LEGACY_KEX: [kex::Name; 3] = [kex::DH_G14_SHA1, kex::DH_GEX_SHA1, kex::DH_G1_SHA1];

const LEGACY_CIPHER: [cipher::Name; 4] = [
    cipher::AES_256_CBC,
    cipher::AES_192_CBC,
    cipher::AES_128_CBC,
    cipher::TRIPLE_DES_CBC,
];

const LEGACY_MAC: [mac::Name; 2] = [mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

/// How much the server may send before it must wait for us, 32 MiB: a link of 1 Gbit/s with 250 ms
/// of round trip stays full. It is no memory, for the channel is always drained.
const WINDOW: u32 = 32 * 1024 * 1024;

/// What RFC 4253 §9 recommends, and the most that the library takes.
const MOST_BYTES: usize = 1 << 30;

/// Each exchange stops the line for a round trip: with less than this, nothing would move.
const LEAST_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(known: &[&str], legacy: bool) -> Vec<String> {
        let types = known.iter().map(|name| (*name).to_owned()).collect();
        let expected = Expected {
            types,
            certified: false,
        };
        let preferred = preferred(&expected, legacy);
        let key = preferred.key.iter().map(signature_name);
        let kex = preferred.kex.iter().map(AsRef::as_ref);
        let cipher = preferred.cipher.iter().map(AsRef::as_ref);
        let mac = preferred.mac.iter().map(AsRef::as_ref);
        key.chain(kex)
            .chain(cipher)
            .chain(mac)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_known_type_is_asked_for_first() {
        assert_eq!(names(&[], false)[0], "ssh-ed25519");
        assert_eq!(
            names(&["ssh-rsa"], false)[..2],
            ["rsa-sha2-512", "rsa-sha2-256"]
        );
        assert_eq!(
            names(&["ssh-rsa", "ecdsa-sha2-nistp384"], false)[0],
            "ecdsa-sha2-nistp384"
        );
    }

    #[test]
    fn what_is_outdated_is_offered_only_when_asked_for_and_last() {
        let outdated = |name: &String| {
            let sha1 = name.ends_with("sha1") || name.contains("sha1-etm");
            sha1 || name.ends_with("-cbc") || name == "ssh-rsa" || name == "ssh-dss"
        };
        assert!(!names(&["ssh-rsa", "ssh-dss"], false).iter().any(outdated));
        assert_eq!(
            names(&[], true)
                .iter()
                .filter(|name| outdated(name))
                .count(),
            11
        );
        let preferred = preferred(&Expected::default(), true);
        assert_eq!(preferred.key.last(), Some(&Algorithm::Dsa));
        assert_eq!(preferred.cipher.last(), Some(&cipher::TRIPLE_DES_CBC));
        assert_eq!(preferred.mac.last(), Some(&mac::HMAC_SHA1));
        let group1 = preferred
            .kex
            .iter()
            .position(|name| *name == kex::DH_G1_SHA1);
        let after = &preferred.kex[group1.unwrap() + 1..];
        assert!(!after.is_empty() && after.iter().all(|name| is_announcement(name.as_ref())));
    }

    #[test]
    fn certificates_are_asked_for_where_an_authority_is_known() {
        let certified = |certified| {
            let expected = Expected {
                certified,
                ..Expected::default()
            };
            preferred(&expected, true).host_key_certificates.len()
        };
        assert_eq!((certified(false), certified(true)), (0, 6));
    }

    #[test]
    fn what_the_option_would_allow_is_known() {
        let theirs = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let check = |kind, names: &[&str]| legacy_has(&kind, &theirs(names));
        assert!(check(
            AlgorithmKind::Kex,
            &["x", "diffie-hellman-group1-sha1"]
        ));
        assert!(check(AlgorithmKind::Key, &["ssh-dss"]));
        assert!(check(AlgorithmKind::Key, &["ssh-rsa"]));
        assert!(check(AlgorithmKind::Cipher, &["3des-cbc"]));
        assert!(check(AlgorithmKind::Mac, &["hmac-sha1"]));
        assert!(!check(AlgorithmKind::Mac, &["hmac-md5"]));
        assert!(!check(AlgorithmKind::Cipher, &["arcfour"]));
    }
}
