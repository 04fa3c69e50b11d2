//! What connecting found out: for logs, for `connect` on the command line, for a user's eyes.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Serialize, Serializer};

use crate::{DataMethod, Encryption, Fingerprint, Host, Mode, RemotePath};

/// What was negotiated with the server. It holds no secret.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ConnectReport {
    /// The backend's name.
    pub transport: &'static str,
    /// The server as named in the parameters.
    #[serde(serialize_with = "display")]
    pub server: Host,
    /// The port connected to.
    pub port: u16,
    /// The server's address that answered; `None` behind a proxy, which alone knows it.
    pub peer: Option<SocketAddr>,
    /// The proxy on the way, as a URL without its login.
    pub proxy: Option<String>,
    /// The encryption in force.
    #[serde(serialize_with = "display")]
    pub encryption: Encryption,
    /// The mode for data connections, `None` where there are none (SSH).
    #[serde(serialize_with = "display_option")]
    pub mode: Option<Mode>,
    /// The way to data connections that worked last, once one has; at first the one that a
    /// [host profile](crate::HostProfile) names.
    pub data_method: Option<DataMethod>,
    /// The address in the server's last reply to PASV. It is used only where
    /// [`PassiveAddress::Advertised`](crate::params::PassiveAddress) says so; one that is not the server's own keeps
    /// clients out that believe it.
    pub passive_address: Option<IpAddr>,
    /// The user logged in as.
    pub username: String,
    /// The server's greeting or version text.
    pub banner: String,
    /// The features or extensions announced, one an element, as the server wrote them.
    pub features: Vec<String>,
    /// The folder after logging in, where the server told.
    #[serde(serialize_with = "display_option")]
    pub login_folder: Option<RemotePath>,
    /// What TLS negotiated on the control connection.
    pub tls: Option<TlsReport>,
    /// The SSH host key.
    pub host_key: Option<HostKeyReport>,
    /// What a user should know though it worked, one line each.
    pub warnings: Vec<String>,
    /// How long each step took.
    pub timings: Timings,
}

impl ConnectReport {
    /// A report of which only this is known yet.
    pub fn new(transport: &'static str, server: Host, port: u16, encryption: Encryption) -> Self {
        Self {
            transport,
            server,
            port,
            peer: None,
            proxy: None,
            encryption,
            mode: None,
            data_method: None,
            passive_address: None,
            username: String::new(),
            banner: String::new(),
            features: Vec::new(),
            login_folder: None,
            tls: None,
            host_key: None,
            warnings: Vec::new(),
            timings: Timings::default(),
        }
    }
}

/// What TLS negotiated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct TlsReport {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// The IANA name of the cipher suite.
    pub cipher: String,
    /// The group of the key exchange, where the library tells.
    pub key_exchange: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// How the certificate came to be trusted: `chain`, `pin`, or `not checked`.
    pub trust: String,
    /// The certificates the server sent, its own first.
    pub certificates: Vec<CertificateReport>,
}

/// What stands in one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct CertificateReport {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// DNS names and addresses it is for.
    pub names: Vec<String>,
    /// Start of validity, ISO 8601 UTC.
    pub not_before: String,
    /// End of validity, ISO 8601 UTC.
    pub not_after: String,
    /// SHA-256 of the DER form, lower-case hex: the value for a pin.
    pub sha256: String,
}

/// The server's SSH host key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HostKeyReport {
    /// The key's algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// The hash in the format asked for.
    #[serde(serialize_with = "display")]
    pub fingerprint: Fingerprint,
    /// How the key was checked.
    pub check: HostKeyCheck,
}

impl HostKeyReport {
    /// A report of this key.
    pub fn new(
        algorithm: impl Into<String>,
        fingerprint: Fingerprint,
        check: HostKeyCheck,
    ) -> Self {
        Self {
            algorithm: algorithm.into(),
            fingerprint,
            check,
        }
    }
}

/// How a host key was found acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HostKeyCheck {
    /// It is in the allowed list.
    AllowedList,
    /// It is the key known for this server.
    KnownHosts,
    /// An authority that is known for this server vouches for it.
    CertificateAuthority,
    /// Nothing was known, and the key is remembered from now on.
    AcceptedNew,
    /// Nothing was checked: the allowed list is empty and there is no known-hosts policy.
    NotChecked,
}

/// How long the steps of connecting took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Timings {
    /// The steps in their order.
    pub steps: Vec<Step>,
}

impl Timings {
    /// Adds a step.
    pub fn add(&mut self, name: &'static str, took: Duration) {
        self.steps.push(Step { name, took });
    }

    /// The sum of all steps.
    pub fn total(&self) -> Duration {
        self.steps.iter().map(|step| step.took).sum()
    }
}

/// One step of connecting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Such as `resolve`, `tcp`, `greeting`, `tls`, `login`.
    pub name: &'static str,
    /// How long it took; serialised as milliseconds.
    #[serde(rename = "ms", serialize_with = "milliseconds")]
    pub took: Duration,
}

fn display<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn display_option<T: std::fmt::Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

fn milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
}
