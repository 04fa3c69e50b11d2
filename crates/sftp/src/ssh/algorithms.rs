//! Which algorithms are offered and in which order, and the sizes of the connection.
//!
//! Nothing here is for servers of the last century: what they need is refused by name.

use std::borrow::Cow;

use ftp_connect_core::ConnectParams;
use russh::{
    Preferred,
    client::{self, GexParams},
    keys::Algorithm,
};

/// What the SSH library is told for these parameters.
pub(super) fn config(params: &ConnectParams, known_types: &[String]) -> client::Config {
    client::Config {
        window_size: WINDOW,
        keepalive_interval: params.keep_alive(),
        preferred: preferred(known_types),
        // 2048 bits are the least that is still safe; many servers have no groups above 4096.
        gex: GexParams::new(2048, 4096, 8192).unwrap_or_default(),
        ..client::Config::default()
    }
}

/// The algorithms offered: what OpenSSH offers of today's, nothing with SHA-1 or CBC. Host-key
/// algorithms for which a key is known come first, so that the server shows that key.
fn preferred(known_types: &[String]) -> Preferred {
    use russh::{cipher, kex};
    let mut kex = Preferred::DEFAULT.kex.into_owned();
    let after = kex.iter().position(|name| *name == kex::DH_GEX_SHA256);
    // Appliances that know elliptic curves but not Curve25519.
    let nist = [
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::ECDH_SHA2_NISTP521,
    ];
    let after = after.unwrap_or(kex.len());
    kex.splice(after..after, nist);
    let mut key: Vec<Algorithm> = Preferred::DEFAULT
        .key
        .iter()
        .filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None }))
        .cloned()
        .collect();
    key.sort_by_key(|algorithm| {
        let plain = match algorithm {
            Algorithm::Rsa { .. } => "ssh-rsa",
            other => other.as_str(),
        };
        !known_types.iter().any(|known| known == plain)
    });
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(key),
        // AES first: nearly every processor has it in hardware.
        cipher: Cow::Borrowed(&[
            cipher::AES_256_GCM,
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]),
        ..Preferred::DEFAULT
    }
}

/// How much the server may send before it must wait for us, 32 MiB: a link of 1 Gbit/s with 250 ms
/// of round trip stays full. It is no memory, for the channel is always drained.
const WINDOW: u32 = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_type_is_asked_for_first_and_sha1_never() {
        let names = |known: &[&str]| {
            let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
            let preferred = preferred(&known);
            preferred
                .key
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&[])[0], "ssh-ed25519");
        assert_eq!(names(&["ssh-rsa"])[..2], ["rsa-sha2-512", "rsa-sha2-256"]);
        assert_eq!(
            names(&["ssh-rsa", "ecdsa-sha2-nistp384"])[0],
            "ecdsa-sha2-nistp384"
        );
        assert!(!names(&["ssh-rsa"]).iter().any(|name| name == "ssh-rsa"));
    }
}
