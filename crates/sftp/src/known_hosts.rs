//! The known-hosts file of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): which keys are known for a
//! server, which authorities may vouch for it, and remembering a new key.
//!
//! Why our own: names may be hashed, a server may have several keys, and a key of another *type* is
//! not a changed key; each of these needs the whole picture and not the first line that matches.

mod line;
mod remember;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use self::line::{Hosts, Line, Marker};
pub(crate) use self::{line::matches_pattern, remember::remember};
use crate::keys::PublicKey;

/// What a file says of one key of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
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
pub(crate) struct Name {
    /// The name itself on port 22, else `[name]:port`; lower case.
    text: String,
    /// The name without the port, where that differs: a key known for it counts too.
    bare: Option<String>,
}

impl Name {
    pub(crate) fn new(host: &str, port: u16) -> Self {
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

    /// The name without the port, which is what certificates are made for.
    pub(crate) fn host(&self) -> &str {
        self.bare.as_ref().unwrap_or(&self.text)
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        [Some(&self.text), self.bare.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// A file, read.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    lines: Vec<(usize, Line)>,
}

impl KnownHosts {
    /// Reads a file; one that is not there is empty.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Reads lines; those that cannot be understood say nothing, as in OpenSSH.
    ///
    /// ```
    /// use ftp_connect_sftp::known_hosts::KnownHosts;
    ///
    /// let text = b"*.example.org ssh-ed25519 \
    ///     AAAAC3NzaC1lZDI1NTE5AAAAIAMm/yot+e6VDaDm3jh3SARunpue/2xA5OBeFAVN1oxf\nno key here\n";
    /// let known = KnownHosts::parse(text);
    /// let lines: Vec<_> = known.lines().collect();
    /// assert_eq!(lines.len(), 1);
    /// assert!(lines[0].1.matches("files.example.org"));
    /// ```
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().enumerate();
        Self {
            lines: lines
                .filter_map(|(index, line)| Some((index + 1, Line::parse(line)?)))
                .collect(),
        }
    }

    /// The lines that were understood, with their numbers in the file, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().map(|(number, line)| (*number, line))
    }

    /// What is known of this key of this server.
    pub(crate) fn judge(&self, name: &Name, key: &PublicKey) -> Verdict {
        let verdict = self.judge_as(&name.text, key);
        match (&verdict, &name.bare) {
            // As OpenSSH: a key known for the name on port 22 is good on another port; what else is
            // known there says nothing about this port.
            (Verdict::Unknown | Verdict::OtherType(_), Some(bare)) => {
                match self.judge_as(bare, key) {
                    found @ (Verdict::Known | Verdict::Revoked) => found,
                    _ => verdict,
                }
            }
            _ => verdict,
        }
    }

    /// Whether this key of this server, or of the authority that vouches for it, is revoked.
    pub(crate) fn is_revoked(&self, name: &Name, key: &PublicKey) -> bool {
        self.marked(name, Marker::Revoked)
            .any(|revoked| revoked == key)
    }

    /// The keys whose certificates are good for this server.
    pub(crate) fn authorities(&self, name: &Name) -> impl Iterator<Item = &PublicKey> {
        self.marked(name, Marker::CertAuthority)
    }

    /// The types of the keys known for this server, for asking it for one of them.
    pub(crate) fn types(&self, name: &Name) -> Vec<&str> {
        self.lines
            .iter()
            .map(|(_, line)| line)
            .filter(|line| line.marker().is_none() && name.all().any(|name| line.matches(name)))
            .map(|line| line.key().algorithm())
            .collect()
    }

    fn marked(&self, name: &Name, marker: Marker) -> impl Iterator<Item = &PublicKey> {
        self.lines
            .iter()
            .map(|(_, line)| line)
            .filter(move |line| {
                line.marker() == Some(marker) && name.all().any(|name| line.matches(name))
            })
            .map(Line::key)
    }

    fn judge_as(&self, name: &str, key: &PublicKey) -> Verdict {
        let mut known = false;
        let mut changed = None;
        let mut others: Vec<String> = Vec::new();
        for (number, line) in self.lines.iter().filter(|(_, line)| line.matches(name)) {
            let same = line.key() == key;
            match line.marker() {
                Some(Marker::Revoked) if same => return Verdict::Revoked,
                // An authority vouches for keys; its own is none of the server's.
                Some(_) => {}
                None if same => known = true,
                None if line.key().algorithm() == key.algorithm() => {
                    changed.get_or_insert(*number);
                }
                None => {
                    let other = line.key().algorithm();
                    if !others.iter().any(|known| known == other) {
                        others.push(other.to_owned());
                    }
                }
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

/// `~/.ssh/known_hosts`, if there is a home.
pub(crate) fn default_path() -> Option<PathBuf> {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty())?;
    Some(home.join(".ssh").join("known_hosts"))
}

/// What the machine's administrator knows, read beside the user's own file and never written.
pub(crate) fn system_path() -> &'static Path {
    Path::new("/etc/ssh/ssh_known_hosts")
}

#[cfg(test)]
mod tests;
