//! The server's name or address, checked once so that nothing later has to.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use crate::{Error, ErrorKind, Result};

/// A host name or an IP address. It can be dialled, and it is the name against which certificates
/// are checked, on data connections too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name, ASCII, without a trailing dot.
    Name(String),
    /// An address; no certificate check by name applies, but by IP entry.
    Ip(IpAddr),
}

impl FromStr for Host {
    type Err = Error;

    /// Reads a name, an IPv4 address or an IPv6 address with or without brackets.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return inner
                .parse::<Ipv6Addr>()
                .map(|ip| Self::Ip(ip.into()))
                .map_err(|_| refuse(text, "brackets hold an IPv6 address, such as [::1]"));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(ip));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(refuse(text, "give a host name or an IP address"));
        }
        if !name.is_ascii() {
            return Err(refuse(
                text,
                "write an international name in its ASCII form, xn--…",
            ));
        }
        let good_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() > 253 || !name.split('.').all(good_label) {
            return Err(refuse(
                text,
                "a host name has letters, digits, hyphens and dots only",
            ));
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

impl TryFrom<&str> for Host {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<String> for Host {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl fmt::Display for Host {
    /// The name or the address, without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

impl Host {
    /// The form used before a port in URLs: IPv6 addresses stand in brackets.
    pub fn in_url(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
            other => other.to_string(),
        }
    }
}

fn refuse(text: &str, hint: &str) -> Error {
    // A whole URL in the place of a name may hold a password.
    let shown = if text.contains('@') {
        "this".to_owned()
    } else {
        format!("{text:?}")
    };
    Error::new(ErrorKind::InvalidParameter)
        .with_message(format!("{shown} is not a server name"))
        .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(
            text.parse::<Host>().ok().map(|h| h.to_string()).as_deref(),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn hosts_are_read() {
        check("Files.Example.org", Some("files.example.org"));
        check("files.example.org.", Some("files.example.org"));
        check("my_nas", Some("my_nas"));
        check("127.0.0.1", Some("127.0.0.1"));
        check("[::1]", Some("::1"));
        check("::1", Some("::1"));
        for bad in [
            "",
            ".",
            "a..b",
            "-a",
            "a b",
            "[1.2.3.4]",
            "a\r\nb",
            "bücher.example",
            "a/b",
            "a:21",
        ] {
            check(bad, None);
        }
        assert_eq!("::1".parse::<Host>().unwrap().in_url(), "[::1]");
    }
}
