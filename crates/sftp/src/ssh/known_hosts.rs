//! The known-hosts file of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): which keys are known for
//! a server, and remembering a new one.
//!
//! Why our own: names may be hashed, a server may have several keys, and a key of another *type* is
//! not a changed key; each of these needs the whole picture and not the first line that matches.
//! `@cert-authority` lines are skipped: host certificates are not asked for.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// What a file says of one key of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The key is known.
    Known,
    /// The key is revoked.
    Revoked,
    /// Another key of this type is known; the line in the file, counted from 1.
    Changed { line: usize },
    /// No key of this type is known, but of these.
    OtherType(Vec<String>),
    /// Nothing is known.
    Unknown,
}

/// A server as known-hosts files name it.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// The name itself on port 22, else `[name]:port`; lower case.
    text: String,
    /// The name without the port, where that differs: a key known for it counts too.
    bare: Option<String>,
}

impl Name {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        if port == 22 {
            return Self {
                text: host,
                bare: None,
            };
        }
        Self {
            text: format!("[{host}]:{port}"),
            bare: Some(host),
        }
    }
}

/// A file, read.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownHosts {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: usize,
    revoked: bool,
    hosts: String,
    key_type: String,
    key: Vec<u8>,
}

impl KnownHosts {
    /// Reads a file; one that is not there is empty.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Reads lines; those that cannot be understood say nothing, as in OpenSSH.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let lines = String::from_utf8_lossy(bytes);
        let lines = lines.lines().enumerate();
        Self {
            lines: lines
                .filter_map(|(index, line)| parse_line(index + 1, line))
                .collect(),
        }
    }

    /// What is known of this key (RFC 4253 §6.6 encoding) of this server.
    pub(super) fn judge(&self, name: &Name, key_type: &str, key: &[u8]) -> Verdict {
        let verdict = self.judge_as(&name.text, key_type, key);
        match (&verdict, &name.bare) {
            // As OpenSSH: a key known for the name on port 22 is good on another port; what else is
            // known there says nothing about this port.
            (Verdict::Unknown | Verdict::OtherType(_), Some(bare)) => {
                match self.judge_as(bare, key_type, key) {
                    found @ (Verdict::Known | Verdict::Revoked) => found,
                    _ => verdict,
                }
            }
            _ => verdict,
        }
    }

    /// The types of the keys known for this server, for asking it for one of them.
    pub(super) fn types(&self, name: &Name) -> Vec<&str> {
        let usable = |line: &&Line| {
            !line.revoked
                && (matches_host(&line.hosts, &name.text)
                    || name
                        .bare
                        .as_ref()
                        .is_some_and(|bare| matches_host(&line.hosts, bare)))
        };
        self.lines
            .iter()
            .filter(usable)
            .map(|line| line.key_type.as_str())
            .collect()
    }

    fn judge_as(&self, name: &str, key_type: &str, key: &[u8]) -> Verdict {
        let mut known = false;
        let mut changed = None;
        let mut others: Vec<String> = Vec::new();
        for line in self
            .lines
            .iter()
            .filter(|line| matches_host(&line.hosts, name))
        {
            let same = line.key == key;
            if line.revoked {
                if same {
                    return Verdict::Revoked;
                }
            } else if same {
                known = true;
            } else if line.key_type == key_type {
                changed.get_or_insert(line.number);
            } else if !others.contains(&line.key_type) {
                others.push(line.key_type.clone());
            }
        }
        match (known, changed) {
            (true, _) => Verdict::Known,
            (false, Some(line)) => Verdict::Changed { line },
            (false, None) if !others.is_empty() => Verdict::OtherType(others),
            (false, None) => Verdict::Unknown,
        }
    }
}

/// Adds a line for this server at the end of the file. The folder and the file are made if they are
/// not there, for the user's eyes only; nothing that is in the file is touched.
pub(super) fn remember(path: &Path, name: &Name, key_type: &str, key: &[u8]) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        make_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    let mut line = format!("{} {key_type} {}\n", name.text, BASE64_STANDARD.encode(key));
    // A last line without its end must not swallow ours.
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    // One write in append mode, so that two programs do not mix their lines.
    file.write_all(line.as_bytes())
}

/// `~/.ssh/known_hosts`, if there is a home.
pub(super) fn default_path() -> Option<PathBuf> {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty())?;
    Some(home.join(".ssh").join("known_hosts"))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn parse_line(number: usize, line: &str) -> Option<Line> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let mut hosts = words.next()?;
    let mut revoked = false;
    if let Some(marker) = hosts.strip_prefix('@') {
        if marker != "revoked" {
            return None;
        }
        revoked = true;
        hosts = words.next()?;
    }
    let key_type = words.next()?;
    let key = decode_base64(words.next()?)?;
    // The type stands in the key again; a line whose two types differ is broken (RFC 4253 §6.6).
    let length = u32::from_be_bytes(*key.first_chunk()?) as usize;
    if key.get(4..4 + length)? != key_type.as_bytes() {
        return None;
    }
    Some(Line {
        number,
        revoked,
        hosts: hosts.to_owned(),
        key_type: key_type.to_owned(),
        key,
    })
}

/// Whether the first field of a line means this name: patterns with commas between, of which a
/// negated one that matches settles it, or a hash of the name.
fn matches_host(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return matches_hash(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if matches_pattern(negated, name) => return false,
            Some(_) => {}
            None => found |= matches_pattern(pattern, name),
        }
    }
    found
}

/// `salt|hash`: HMAC-SHA1 of the name under the salt, both in base64.
fn matches_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&decode_base64(salt)?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.verify_slice(&decode_base64(hash)?).is_ok())
}

/// `*` stands for any characters, `?` for one; case does not count.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
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

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(text)
        .ok()
}

#[cfg(test)]
mod tests;
