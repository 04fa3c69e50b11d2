//! Host-key fingerprints: computed, read leniently, printed as `ssh-keygen -l` prints them.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD_NO_PAD,
};
use md5::Md5;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::{Error, ErrorKind, Result, encryption::squeeze};

/// The hash by which a host key is shown and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum FingerprintType {
    /// 16 bytes, printed as hex with colons.
    Md5,
    /// 20 bytes, printed in base64.
    Sha1,
    /// 32 bytes, printed in base64. The default, as it is ssh-keygen's.
    #[default]
    Sha256,
}

impl FingerprintType {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    /// The label: `MD5`, `SHA1` or `SHA256`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The length of a digest in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn of_length(length: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.length() == length)
    }
}

impl fmt::Display for FingerprintType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for FingerprintType {
    type Err = Error;

    /// Reads the label in any case, with or without a hyphen.
    fn from_str(text: &str) -> Result<Self> {
        let wanted = squeeze(text);
        Self::ALL
            .into_iter()
            .find(|kind| squeeze(kind.label()) == wanted)
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("unknown fingerprint type {text:?}"))
                    .with_hint("use MD5, SHA1 or SHA256")
            })
    }
}

/// The hash of a public key (RFC 4253 §6.6 encoding) or of a certificate (DER).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    kind: FingerprintType,
    digest: Box<[u8]>,
}

impl Fingerprint {
    /// Hashes the bytes of a key or certificate.
    pub fn compute(kind: FingerprintType, bytes: &[u8]) -> Self {
        let digest = match kind {
            FingerprintType::Md5 => Md5::digest(bytes).to_vec(),
            FingerprintType::Sha1 => Sha1::digest(bytes).to_vec(),
            FingerprintType::Sha256 => Sha256::digest(bytes).to_vec(),
        };
        Self {
            kind,
            digest: digest.into(),
        }
    }

    /// Which hash it is.
    pub fn kind(&self) -> FingerprintType {
        self.kind
    }

    /// The digest itself.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The digest as lower-case hex without separators, the usual form for certificates.
    pub fn to_hex(&self) -> String {
        self.digest.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Whether the bytes have this fingerprint.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        Self::compute(self.kind, bytes) == *self
    }
}

impl fmt::Display for Fingerprint {
    /// As `ssh-keygen -l` prints it: `MD5:aa:bb…`, `SHA1:base64`, `SHA256:base64`, no padding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind)?;
        match self.kind {
            FingerprintType::Md5 => {
                let pairs: Vec<_> = self.digest.iter().map(|b| format!("{b:02x}")).collect();
                f.write_str(&pairs.join(":"))
            }
            _ => f.write_str(&BASE64_STANDARD_NO_PAD.encode(&self.digest)),
        }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    /// Reads hex (any case, with colons, hyphens, blanks or nothing between) or base64 (with or
    /// without padding), with or without the `MD5:`, `SHA1:`, `SHA256:` prefix; also a whole line of
    /// `ssh-keygen -l` or of PuTTY, of which exactly one word is a fingerprint. Without a prefix the
    /// length tells the hash.
    fn from_str(text: &str) -> Result<Self> {
        let whole = text.trim();
        if let Some(found) = parse_one(whole) {
            return Ok(found);
        }
        let mut words = whole.split_whitespace().filter_map(parse_one);
        if let (Some(found), None) = (words.next(), words.next()) {
            return Ok(found);
        }
        Err(Error::new(ErrorKind::InvalidParameter)
            .with_message(format!("{whole:?} is not a fingerprint"))
            .with_hint("give MD5, SHA1 or SHA256 in hex or base64, as `ssh-keygen -l` prints it"))
    }
}

fn parse_one(text: &str) -> Option<Fingerprint> {
    let (prefix, body) = FingerprintType::ALL
        .into_iter()
        .find_map(|kind| Some((Some(kind), strip_label(text, kind)?)))
        .unwrap_or((None, text));
    let digest = parse_hex(body).or_else(|| parse_base64(body))?;
    let kind = FingerprintType::of_length(digest.len())?;
    (prefix.is_none() || prefix == Some(kind)).then(|| Fingerprint {
        kind,
        digest: digest.into(),
    })
}

/// Takes `MD5:`, `SHA-1:`, `sha256=` … off the front.
fn strip_label(text: &str, kind: FingerprintType) -> Option<&str> {
    let at = text.find([':', '='])?;
    (squeeze(&text[..at]) == squeeze(kind.label()) && text[..at].len() <= kind.label().len() + 1)
        .then(|| text[at + 1..].trim())
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b':' | b'-' | b' ' | b'\t'))
        .collect();
    if !digits.len().is_multiple_of(2) || FingerprintType::of_length(digits.len() / 2).is_none() {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| {
            let hex = |b: u8| char::from(b).to_digit(16);
            Some((hex(pair[0])? << 4 | hex(pair[1])?) as u8)
        })
        .collect()
}

fn parse_base64(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|letters| GeneralPurpose::new(letters, config).decode(text).ok())
        .filter(|digest| FingerprintType::of_length(digest.len()).is_some())
}

/// The fingerprints of which a host key must match one; empty means that it is not checked by list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedFingerprints(Vec<Fingerprint>);

impl AllowedFingerprints {
    /// A list of these.
    pub fn new(entries: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// Whether nothing is listed, so that nothing is checked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Fingerprint> {
        self.0.iter()
    }

    /// Whether one entry is the fingerprint of these bytes.
    pub fn allows(&self, key: &[u8]) -> bool {
        self.0.iter().any(|entry| entry.matches(key))
    }
}

impl FromStr for AllowedFingerprints {
    type Err = Error;

    /// Reads entries separated by CR, LF or CRLF; blank ones do not count. One bad entry refuses
    /// the list: a list that silently lost an entry, or became empty, would check less than meant.
    fn from_str(text: &str) -> Result<Self> {
        text.split(['\r', '\n'])
            .filter(|entry| !entry.trim().is_empty())
            .map(str::parse)
            .collect::<Result<_>>()
            .map(Self)
    }
}

impl fmt::Display for AllowedFingerprints {
    /// One entry a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> = self.0.iter().map(Fingerprint::to_string).collect();
        f.write_str(&entries.join("\n"))
    }
}

/// Where the server's host-key hash goes as soon as the key is known, also when the connection is
/// then refused.
///
/// Clones share one place: keep a clone (or the [`ConnectParams`](crate::ConnectParams), which has
/// one) and read it after `connect` returned, whatever it returned. With several connects from the
/// same parameters the latest key is kept.
#[derive(Clone, Default)]
pub struct FingerprintTarget {
    name: Option<String>,
    place: Arc<Mutex<Option<Fingerprint>>>,
}

impl FingerprintTarget {
    /// A place with a name, for programs that let a user choose where the hash is shown.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// The name given by [`FingerprintTarget::named`].
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The hash of the host key seen last.
    pub fn get(&self) -> Option<Fingerprint> {
        self.place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Called by SSH backends when the host key is known and before it is judged.
    pub fn set(&self, seen: Fingerprint) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }
}

impl fmt::Debug for FingerprintTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FingerprintTarget")
            .field("name", &self.name)
            .field("seen", &self.get())
            .finish()
    }
}

impl PartialEq for FingerprintTarget {
    /// Targets are equal when they have the same name: what was seen is no part of the parameters.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FingerprintTarget {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // An Ed25519 key made for this test, and what `ssh-keygen -l -E … -f` printed for it.
    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAMm/yot+e6VDaDm3jh3SARunpue/2xA5OBeFAVN1oxf";

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = text.parse::<Fingerprint>().ok().map(|f| f.to_string());
        assert_eq!(parsed.as_deref(), expected, "{text:?}");
    }

    const MD5: &str = "MD5:55:a0:4b:9e:c6:7a:b5:0e:6d:40:ae:09:ef:42:cd:44";
    const SHA1: &str = "SHA1:PoIx0lQtyrMCCs4ETEZOZI2S7to";
    const SHA256: &str = "SHA256:GmmNXuv6SSXl5Q3fC/9mfhs1h32ScgykhKZm4y2lPlA";

    #[test]
    fn forms_are_read_leniently() {
        check(MD5, Some(MD5));
        check("55:A0:4B:9E:C6:7A:B5:0E:6D:40:AE:09:EF:42:CD:44", Some(MD5));
        check("55a04b9ec67ab50e6d40ae09ef42cd44", Some(MD5));
        check("55 a0 4b 9e c6 7a b5 0e 6d 40 ae 09 ef 42 cd 44", Some(MD5));
        check("VaBLnsZ6tQ5tQK4J70LNRA==", Some(MD5));
        check(SHA1, Some(SHA1));
        check("sha-1:PoIx0lQtyrMCCs4ETEZOZI2S7to=", Some(SHA1));
        check(SHA256, Some(SHA256));
        check("GmmNXuv6SSXl5Q3fC/9mfhs1h32ScgykhKZm4y2lPlA=", Some(SHA256));
        check(
            "1a698d5eebfa4925e5e5 0ddf0bff667e1b35877d92720ca484a666e32da53e50",
            Some(SHA256),
        );
        check(
            "256 SHA256:GmmNXuv6SSXl5Q3fC/9mfhs1h32ScgykhKZm4y2lPlA root@host (ED25519)",
            Some(SHA256),
        );
        check(
            "ssh-ed25519 255 55:a0:4b:9e:c6:7a:b5:0e:6d:40:ae:09:ef:42:cd:44",
            Some(MD5),
        );
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for bad in [
            "",
            "MD5:",
            "SHA256:abc",
            "16:27",
            "SHA1:GmmNXuv6SSXl5Q3fC/9mfhs1h32ScgykhKZm4y2lPlA",
            "zza04b9ec67ab50e6d40ae09ef42cd44",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn a_key_is_hashed() {
        use base64::prelude::BASE64_STANDARD;
        let key = BASE64_STANDARD.decode(KEY).unwrap();
        for kind in FingerprintType::ALL {
            let computed = Fingerprint::compute(kind, &key);
            assert!(
                [MD5, SHA1, SHA256].contains(&computed.to_string().as_str()),
                "{computed}"
            );
            assert!(computed.matches(&key));
            assert!(!computed.matches(b"other"));
            assert_eq!(computed.digest().len(), kind.length());
        }
        // The well-known digests of the empty input.
        assert_eq!(
            Fingerprint::compute(FingerprintType::Md5, b"").to_hex(),
            "d41d8cd98f00b204e9800998ecf8427e"
        );
        assert_eq!(
            Fingerprint::compute(FingerprintType::Sha1, b"").to_hex(),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        );
    }

    #[test]
    fn lists_split_at_every_line_end() {
        for separator in ["\r", "\n", "\r\n", "\n\n", " \r\n "] {
            let list: AllowedFingerprints = [MD5, SHA1, SHA256].join(separator).parse().unwrap();
            assert_eq!(list.iter().count(), 3, "{separator:?}");
        }
        assert!("\r\n \n".parse::<AllowedFingerprints>().unwrap().is_empty());
        assert!(
            format!("{MD5}\nrubbish")
                .parse::<AllowedFingerprints>()
                .is_err()
        );
    }

    #[test]
    fn a_target_is_shared_by_its_clones() {
        let target = FingerprintTarget::named("hash");
        let seen = Fingerprint::compute(FingerprintType::Sha256, b"key");
        let clone = target.clone();
        clone.set(seen.clone());
        assert_eq!(
            (target.get(), clone.get()),
            (Some(seen.clone()), Some(seen))
        );
    }

    proptest! {
        #[test]
        fn every_printed_form_is_read_back(key in proptest::collection::vec(any::<u8>(), 0..64), upper: bool) {
            for kind in FingerprintType::ALL {
                let print = Fingerprint::compute(kind, &key);
                let hex = if upper { print.to_hex().to_uppercase() } else { print.to_hex() };
                prop_assert_eq!(&print.to_string().parse::<Fingerprint>().unwrap(), &print);
                prop_assert_eq!(&hex.parse::<Fingerprint>().unwrap(), &print);
                prop_assert_eq!(&format!("{kind}:{hex}").parse::<Fingerprint>().unwrap(), &print);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<Fingerprint>();
            let _ = text.parse::<AllowedFingerprints>();
        }
    }
}
