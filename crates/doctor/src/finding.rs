//! What one step found.

use std::{fmt, time::Duration};

use ftp_connect_core::DataMethod;
use serde::{Serialize, Serializer};

use crate::Cause;

/// A step of the examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// The parameters themselves.
    Parameters,
    /// From the server's name to addresses.
    Name,
    /// Whether each address accepts connections.
    Addresses,
    /// Who speaks on the port.
    Greeting,
    /// TLS after `AUTH TLS`.
    ExplicitTls,
    /// TLS from the first byte.
    ImplicitTls,
    /// Which TLS versions the server has.
    TlsVersions,
    /// Whether the certificate is trusted.
    Certificate,
    /// Whether the SSH host key is trusted.
    HostKey,
    /// Logging in.
    Login,
    /// What the server announces.
    Features,
    /// A data connection made this way.
    Data(DataMethod),
    /// Which of these ways the parameters come to take.
    DataConnections,
    /// SFTP behind SSH.
    Sftp,
    /// Whether data connections must resume the TLS session.
    SessionReuse,
    /// Listing the folder.
    Folder,
    /// The server's clock.
    Clock,
}

impl fmt::Display for Check {
    /// A few words, as in the left column of a report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Parameters => "parameters",
            Self::Name => "name",
            Self::Addresses => "addresses",
            Self::Greeting => "greeting",
            Self::ExplicitTls => "explicit TLS",
            Self::ImplicitTls => "implicit TLS",
            Self::TlsVersions => "TLS versions",
            Self::Certificate => "certificate",
            Self::HostKey => "host key",
            Self::Login => "login",
            Self::Features => "features",
            Self::Data(DataMethod::Epsv) => "data by EPSV",
            Self::Data(DataMethod::Pasv) => "data by PASV",
            Self::Data(DataMethod::Eprt) => "data by EPRT",
            Self::Data(DataMethod::Port) => "data by PORT",
            Self::DataConnections => "data connections",
            Self::Sftp => "SFTP",
            Self::SessionReuse => "session reuse",
            Self::Folder => "folder",
            Self::Clock => "clock",
        })
    }
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// It works.
    Good,
    /// It works, or is not needed, but something is to be known.
    Note,
    /// It does not work as the parameters say.
    Bad,
    /// It was not tried; the summary says why.
    Skipped,
}

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The step.
    pub check: Check,
    /// What it came to.
    pub verdict: Verdict,
    /// One line for people.
    pub summary: String,
    /// What was seen, one line each: addresses, replies, hashes.
    pub evidence: Vec<String>,
    /// Why, where it is not simply good.
    pub cause: Option<Cause>,
    /// How long it took; serialised as milliseconds.
    #[serde(rename = "ms", serialize_with = "milliseconds")]
    pub took: Duration,
}

impl Finding {
    pub(crate) fn new(check: Check, verdict: Verdict, summary: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            summary: summary.into(),
            evidence: Vec::new(),
            cause: None,
            took: Duration::ZERO,
        }
    }

    pub(crate) fn good(check: Check, summary: impl Into<String>) -> Self {
        Self::new(check, Verdict::Good, summary)
    }

    pub(crate) fn note(check: Check, cause: Cause, summary: impl Into<String>) -> Self {
        Self::new(check, Verdict::Note, summary).because(cause)
    }

    pub(crate) fn bad(check: Check, cause: Cause, summary: impl Into<String>) -> Self {
        Self::new(check, Verdict::Bad, summary).because(cause)
    }

    pub(crate) fn skipped(check: Check, summary: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, summary)
    }

    pub(crate) fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Adds a line of what was seen.
    pub(crate) fn saw(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    pub(crate) fn saw_all(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }
}

fn milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
}
