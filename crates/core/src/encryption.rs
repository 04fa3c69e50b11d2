//! The two closed choices of the parameter set: how the connection is secured and who opens the
//! data connection. Both are read from labels, short names and (encryption) numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// How the connection is secured, and with it which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encryption {
    /// FTP in the clear. The default because it is the documented number 0; nothing is ever sent
    /// in the clear when another value was asked for.
    #[default]
    None,
    /// FTP that turns to TLS by `AUTH TLS` (RFC 4217).
    ExplicitTls,
    /// FTP inside TLS from the first byte, port 990.
    ImplicitTls,
    /// SFTP, logging in with user and password.
    SshPassword,
    /// SFTP, logging in with user and a private key in a file.
    SshKeyFile,
    /// SFTP, logging in with user and a private key given as text.
    SshKeyContent,
    /// Explicit TLS where every data connection resumes the TLS session of the control connection.
    ExplicitTlsReuse,
}

impl Encryption {
    /// All values, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::ExplicitTls,
        Self::ImplicitTls,
        Self::SshPassword,
        Self::SshKeyFile,
        Self::SshKeyContent,
        Self::ExplicitTlsReuse,
    ];

    /// The documented number: 0 to 5, and −2 for explicit TLS with session reuse.
    pub fn number(self) -> i8 {
        self.row().0
    }

    /// The label people choose from, such as `TLS/SSL Explicit`.
    pub fn label(self) -> &'static str {
        self.row().1
    }

    /// The short name for command lines and URLs, such as `explicit-tls`.
    pub fn short_name(self) -> &'static str {
        self.row().2
    }

    /// The URL scheme that stands for this value, alone or with an `encryption` parameter.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::None => "ftp",
            Self::ExplicitTls | Self::ExplicitTlsReuse => "ftpes",
            Self::ImplicitTls => "ftps",
            Self::SshPassword | Self::SshKeyFile | Self::SshKeyContent => "sftp",
        }
    }

    /// The port used when none is given: 21, 990 or 22.
    pub fn default_port(self) -> u16 {
        match self {
            Self::None | Self::ExplicitTls | Self::ExplicitTlsReuse => 21,
            Self::ImplicitTls => 990,
            Self::SshPassword | Self::SshKeyFile | Self::SshKeyContent => 22,
        }
    }

    /// Whether SSH carries the files (the three `Ssh…` values).
    pub fn is_ssh(self) -> bool {
        matches!(
            self,
            Self::SshPassword | Self::SshKeyFile | Self::SshKeyContent
        )
    }

    /// Whether TLS protects the connection.
    pub fn is_tls(self) -> bool {
        matches!(
            self,
            Self::ExplicitTls | Self::ImplicitTls | Self::ExplicitTlsReuse
        )
    }

    /// Number, label, short name and further accepted names.
    fn row(self) -> (i8, &'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::None => (0, "None", "none", &["plain", "ftp"]),
            Self::ExplicitTls => (
                1,
                "TLS/SSL Explicit",
                "explicit-tls",
                &["explicit", "ftpes"],
            ),
            Self::ImplicitTls => (2, "TLS/SSL Implicit", "implicit-tls", &["implicit", "ftps"]),
            Self::SshPassword => (3, "SSH FTP Client Password", "ssh-password", &["sftp"]),
            Self::SshKeyFile => (4, "SSH FTP Client Password By File", "ssh-key-file", &[]),
            Self::SshKeyContent => (
                5,
                "SSH FTP Client Certificate By Content",
                "ssh-key-content",
                &[],
            ),
            Self::ExplicitTlsReuse => (
                -2,
                "TLS/SSL Explicit With Session Reuse",
                "explicit-tls-reuse",
                &["explicit-reuse"],
            ),
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_name())
    }
}

impl FromStr for Encryption {
    type Err = Error;

    /// Reads a label, a short name or a number; case, blanks and punctuation do not matter.
    fn from_str(text: &str) -> Result<Self> {
        let number = text.trim().replace('\u{2212}', "-").parse::<i8>().ok();
        let wanted = squeeze(text);
        Self::ALL
            .into_iter()
            .find(|value| {
                let (n, label, short, others) = value.row();
                Some(n) == number
                    || (number.is_none()
                        && (wanted == squeeze(label)
                            || wanted == squeeze(short)
                            || others.contains(&wanted.as_str())))
            })
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("unknown encryption {text:?}"))
                    .with_hint(format!(
                        "use one of {}, the label, or the number (0 to 5, -2)",
                        Self::ALL.map(Self::short_name).join(", ")
                    ))
            })
    }
}

/// Who opens the data connection of an FTP transfer. SSH has no data connection and ignores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// The server connects to the client (`EPRT`, `PORT`).
    Active,
    /// The client connects to the server (`EPSV`, `PASV`).
    Passive,
    /// `EPSV`, then `PASV`, then active; what worked is remembered. The default, because it
    /// connects where either of the others would fail.
    #[default]
    Dynamic,
}

impl Mode {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Active, Self::Passive, Self::Dynamic];

    /// The label: `Active`, `Passive` or `Dynamic`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Passive => "Passive",
            Self::Dynamic => "Dynamic",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label().to_ascii_lowercase())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = squeeze(text);
        Self::ALL
            .into_iter()
            .find(|mode| squeeze(mode.label()) == wanted)
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("unknown mode {text:?}"))
                    .with_hint("use active, passive or dynamic")
            })
    }
}

/// One way to an FTP data connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataMethod {
    /// The client connects to a port the server names (RFC 2428 §3).
    Epsv,
    /// The client connects to an IPv4 address the server names (RFC 959 §4.1.2).
    Pasv,
    /// The server connects to an address of either family (RFC 2428 §2).
    Eprt,
    /// The server connects to an IPv4 address (RFC 959 §4.1.2).
    Port,
}

impl fmt::Display for DataMethod {
    /// The FTP command: `EPSV`, `PASV`, `EPRT` or `PORT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epsv => "EPSV",
            Self::Pasv => "PASV",
            Self::Eprt => "EPRT",
            Self::Port => "PORT",
        })
    }
}

impl FromStr for DataMethod {
    type Err = Error;

    /// Reads the FTP command, in any case.
    fn from_str(text: &str) -> Result<Self> {
        [Self::Epsv, Self::Pasv, Self::Eprt, Self::Port]
            .into_iter()
            .find(|method| method.to_string().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("unknown way to a data connection {text:?}"))
                    .with_hint("use one or more of epsv, pasv, port, eprt, separated by commas")
            })
    }
}

/// Lower-case letters and digits of a label: what two spellings of it have in common.
pub(crate) fn squeeze(label: &str) -> String {
    label
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Encryption>) {
        assert_eq!(text.parse::<Encryption>().ok(), expected, "{text:?}");
    }

    #[test]
    fn every_name_of_every_encryption_is_read() {
        for value in Encryption::ALL {
            check(value.label(), Some(value));
            check(&value.label().to_uppercase(), Some(value));
            check(value.short_name(), Some(value));
            check(&value.number().to_string(), Some(value));
        }
        check(" tls / ssl explicit ", Some(Encryption::ExplicitTls));
        check("\u{2212}2", Some(Encryption::ExplicitTlsReuse));
        check("explicit", Some(Encryption::ExplicitTls));
        for bad in ["", "6", "-1", "tls", "ssh", "none at all"] {
            check(bad, None);
        }
    }

    #[test]
    fn the_numbers_are_the_documented_ones() {
        assert_eq!(
            Encryption::ALL.map(Encryption::number),
            [0, 1, 2, 3, 4, 5, -2]
        );
        assert_eq!(
            Encryption::ALL.map(Encryption::default_port),
            [21, 21, 990, 22, 22, 22, 21]
        );
    }

    #[test]
    fn data_methods_are_read_by_command() {
        assert_eq!(" epsv ".parse::<DataMethod>().unwrap(), DataMethod::Epsv);
        assert_eq!("PORT".parse::<DataMethod>().unwrap(), DataMethod::Port);
        for bad in ["", "pass", "epsv pasv"] {
            assert!(bad.parse::<DataMethod>().is_err(), "{bad}");
        }
    }

    #[test]
    fn modes_are_read_by_label() {
        for mode in Mode::ALL {
            assert_eq!(mode.label().parse::<Mode>().unwrap(), mode);
            assert_eq!(mode.to_string().parse::<Mode>().unwrap(), mode);
        }
        assert!("extended".parse::<Mode>().is_err());
    }
}
