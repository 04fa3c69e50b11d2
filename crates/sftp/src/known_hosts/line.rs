//! One line of a known-hosts file, and which names it means.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::keys::{PublicKey, decode_base64};

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    marker: Option<Marker>,
    hosts: Hosts,
    key: PublicKey,
    comment: String,
}

/// What a line's first word can be beside names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `@cert-authority`: the key may sign certificates of these hosts.
    CertAuthority,
    /// `@revoked`: the key must not be accepted from these hosts.
    Revoked,
}

/// The names on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Names and patterns, those with `!` before them being exceptions.
    Patterns(Vec<String>),
    /// One name, as HMAC-SHA1 under a salt.
    Hashed {
        /// 20 bytes.
        salt: [u8; 20],
        /// 20 bytes.
        hash: [u8; 20],
    },
}

impl Line {
    /// Reads a line; `None` if it is a comment, empty or broken.
    pub fn parse(line: &str) -> Option<Self> {
        let mut rest = line.trim();
        if rest.starts_with('#') {
            return None;
        }
        let mut hosts = word(&mut rest)?;
        let mut marker = None;
        if let Some(name) = hosts.strip_prefix('@') {
            marker = Some(match name {
                "cert-authority" => Marker::CertAuthority,
                "revoked" => Marker::Revoked,
                _ => return None,
            });
            hosts = word(&mut rest)?;
        }
        let hosts = Hosts::parse(hosts)?;
        let key_type = word(&mut rest)?;
        let key = PublicKey::from_blob(&decode_base64(word(&mut rest)?.as_bytes())?)?;
        // The type stands in the key again; a line whose two types differ is broken (RFC 4253 §6.6).
        if key.algorithm() != key_type || key.is_certificate() {
            return None;
        }
        Some(Self {
            marker,
            hosts,
            key,
            comment: rest.to_owned(),
        })
    }

    /// The marker, if there is one.
    pub fn marker(&self) -> Option<Marker> {
        self.marker
    }

    /// The names it is about.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What stands behind the key.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Whether it is about this name, which is `[name]:port` where the port is not 22.
    pub fn matches(&self, name: &str) -> bool {
        self.hosts.matches(name)
    }
}

impl Hosts {
    /// Reads the field of the names; `None` if it is a hash that is none.
    pub fn parse(field: &str) -> Option<Self> {
        let Some(hashed) = field.strip_prefix(HASHED) else {
            let patterns = field.split(',').filter(|pattern| !pattern.is_empty());
            return Some(Self::Patterns(patterns.map(str::to_owned).collect()));
        };
        let (salt, hash) = hashed.split_once('|')?;
        let bytes = |text: &str| decode_base64(text.as_bytes())?.try_into().ok();
        Some(Self::Hashed {
            salt: bytes(salt)?,
            hash: bytes(hash)?,
        })
    }

    /// This name alone, hashed under this salt.
    pub(super) fn hashed(name: &str, salt: [u8; 20]) -> Option<Self> {
        let hash = hmac(name, &salt)?.finalize().into_bytes().into();
        Some(Self::Hashed { salt, hash })
    }

    /// Whether this name is meant: one of the patterns fits it and no exception does, or it has this
    /// hash.
    pub fn matches(&self, name: &str) -> bool {
        let patterns = match self {
            Self::Hashed { salt, hash } => {
                return hmac(&name.to_ascii_lowercase(), salt)
                    .is_some_and(|mac| mac.verify_slice(hash).is_ok());
            }
            Self::Patterns(patterns) => patterns,
        };
        let mut found = false;
        for pattern in patterns {
            match pattern.strip_prefix('!') {
                Some(negated) if matches_pattern(negated, name) => return false,
                Some(_) => {}
                None => found |= matches_pattern(pattern, name),
            }
        }
        found
    }
}

fn hmac(name: &str, salt: &[u8]) -> Option<Hmac<Sha1>> {
    let mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    Some(mac.chain_update(name.as_bytes()))
}

/// `*` stands for any characters, `?` for one; case does not count.
pub(crate) fn matches_pattern(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    // Where to go on if what follows the last star does not fit.
    let mut star = None;
    let (mut p, mut n) = (0, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&rest| rest == b'*')
}

/// Takes the next word.
fn word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let end = rest.find([' ', '\t']).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after.trim_start();
    (!word.is_empty()).then_some(word)
}

/// How a hashed name begins.
pub(super) const HASHED: &str = "|1|";
