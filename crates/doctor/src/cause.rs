//! The causes that are told apart, and what to do about each.

use ftp_connect_core::{CertificateProblem, Error, ErrorKind, HostKeyProblem};
use serde::{Serialize, Serializer};

use crate::Spoken;

/// Why a step did not come out well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The parameters cannot be meant.
    Parameters,
    /// The name has no address.
    NameNotResolved,
    /// No address accepts a connection on this port.
    NotReachable,
    /// Some addresses of the name accept no connection.
    DeadAddress,
    /// The proxy does not connect.
    Proxy,
    /// Nobody says anything on this port.
    Silence,
    /// Something other than what was expected speaks on this port.
    OtherProtocol(Spoken),
    /// The server serves nobody now.
    TooManyConnections,
    /// The server does not serve this client.
    TurnedAway,
    /// The port speaks TLS from the first byte, and clear text was expected.
    TlsFromFirstByte,
    /// The port speaks clear text, and TLS from the first byte was expected.
    ClearOnTlsPort,
    /// The server has no TLS.
    TlsNotOffered,
    /// The server wants TLS before it lets anybody log in.
    TlsRequired,
    /// The server's TLS is older than is safe.
    TlsOutdated,
    /// The handshake failed for another reason.
    TlsFailed,
    /// The certificate is not trusted.
    Certificate(CertificateProblem),
    /// The server wants a client certificate.
    ClientCertificate,
    /// The host key is not trusted.
    HostKey(HostKeyProblem),
    /// Nobody has checked the host key.
    HostKeyUnchecked,
    /// The algorithms have nothing in common, or only outdated ones.
    Algorithms,
    /// The password would be sent in the clear.
    PasswordInClear,
    /// The private key cannot be used.
    KeyUnusable,
    /// The server refused user, password or key.
    LoginRefused,
    /// SSH answers, and there is no SFTP behind it.
    NoSftp,
    /// Data connections must resume the TLS session.
    SessionReuseRequired,
    /// The server refuses this way to a data connection.
    DataMethodRefused,
    /// The server names an address that is not its own.
    PassiveAddressWrong,
    /// Data ports of the server are not reached.
    PassiveBlocked,
    /// The server does not reach this client.
    ActiveBlocked,
    /// No way to a data connection works.
    NoDataConnection,
    /// The folder cannot be listed.
    Folder,
    /// The server cuts listings short.
    ListingCut,
    /// Lines of the listing are not understood.
    ListingNotUnderstood,
    /// The clock is not known.
    Clock,
    /// Something else, in the summary.
    Other,
}

impl Cause {
    /// A short name that does not change, such as `session-reuse-required`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What to do about it, at the server or here.
    pub fn advice(self) -> &'static str {
        self.row().1
    }

    /// What an error says of the cause, where that is the same whatever was being done.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidParameter => Self::Parameters,
            ErrorKind::KeyUnusable => Self::KeyUnusable,
            ErrorKind::NameNotResolved => Self::NameNotResolved,
            ErrorKind::ConnectFailed => Self::NotReachable,
            ErrorKind::ProxyRefused => Self::Proxy,
            ErrorKind::TooManyConnections => Self::TooManyConnections,
            ErrorKind::LoginRefused => Self::LoginRefused,
            ErrorKind::HostKeyNotTrusted { problem, .. } => Self::HostKey(*problem),
            ErrorKind::CertificateNotTrusted { problem } => Self::Certificate(*problem),
            ErrorKind::ClientCertificateRefused => Self::ClientCertificate,
            ErrorKind::TlsNotOffered => Self::TlsNotOffered,
            ErrorKind::TlsRequired => Self::TlsRequired,
            ErrorKind::TlsFailed => Self::TlsFailed,
            ErrorKind::PlaintextOnTlsPort => Self::ClearOnTlsPort,
            ErrorKind::TlsOnPlaintextPort => Self::TlsFromFirstByte,
            ErrorKind::SessionReuseRequired | ErrorKind::SessionNotResumed => {
                Self::SessionReuseRequired
            }
            ErrorKind::NoCommonAlgorithm => Self::Algorithms,
            ErrorKind::PassiveAddressUnroutable => Self::PassiveBlocked,
            ErrorKind::ListingTruncated => Self::ListingCut,
            _ => Self::Other,
        }
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Parameters => ("parameters", "mend the parameter that the finding names"),
            Self::NameNotResolved => (
                "name-not-resolved",
                "check the spelling of the server's name, and the name server of this machine",
            ),
            Self::NotReachable => (
                "not-reachable",
                "check the port, that the server runs, and that no firewall is between",
            ),
            Self::DeadAddress => (
                "dead-address",
                "have the address that does not answer taken out of the name, or the server listen on it",
            ),
            Self::Proxy => (
                "proxy",
                "check the proxy's address, kind, user and password, and what it allows",
            ),
            Self::Silence => (
                "silence",
                "check the port; a server that looks names up before it greets may need a longer time-out",
            ),
            Self::OtherProtocol(spoken) => (
                "other-protocol",
                match spoken {
                    Spoken::Ssh => "use sftp:// for this port",
                    Spoken::Ftp => "use ftpes:// or ftp:// for this port",
                    _ => "this is the port of another service: ask for that of the file server",
                },
            ),
            Self::TooManyConnections => (
                "too-many-connections",
                "wait until other sessions have ended, or have the server's limit raised",
            ),
            Self::TurnedAway => (
                "turned-away",
                "ask who runs the server to let this client's address in",
            ),
            Self::TlsFromFirstByte => (
                "tls-from-first-byte",
                "use encryption implicit-tls (ftps://) on this port",
            ),
            Self::ClearOnTlsPort => (
                "clear-on-tls-port",
                "use encryption explicit-tls (ftpes://) on this port",
            ),
            Self::TlsNotOffered => (
                "tls-not-offered",
                "have TLS turned on at the server; until then everything, passwords too, goes in the clear",
            ),
            Self::TlsRequired => ("tls-required", "use encryption explicit-tls (ftpes://)"),
            Self::TlsOutdated => (
                "tls-outdated",
                "have the server's TLS updated to 1.2 or later; until then allow the old one by --legacy",
            ),
            Self::TlsFailed => (
                "tls-failed",
                "check the TLS versions and ciphers that the server and the parameters allow",
            ),
            Self::Certificate(problem) => ("certificate", certificate(problem)),
            Self::ClientCertificate => (
                "client-certificate",
                "give a client certificate that the server trusts, with its key",
            ),
            Self::HostKey(problem) => ("host-key", host_key(problem)),
            Self::HostKeyUnchecked => (
                "host-key-unchecked",
                "verify the hash, and give it as an allowed fingerprint",
            ),
            Self::Algorithms => (
                "algorithms",
                "have the server updated; until then allow outdated algorithms by --legacy",
            ),
            Self::PasswordInClear => (
                "password-in-clear",
                "have TLS turned on at the server; to try all the same, allow the password in the clear",
            ),
            Self::KeyUnusable => (
                "key-unusable",
                "check the private key's file and its passphrase",
            ),
            Self::LoginRefused => (
                "login-refused",
                "check user name and password or key; the server's words say what it thinks",
            ),
            Self::NoSftp => (
                "no-sftp",
                "have the SFTP subsystem turned on (OpenSSH: `Subsystem sftp internal-sftp`)",
            ),
            Self::SessionReuseRequired => (
                "session-reuse-required",
                "use explicit TLS with session reuse (explicit-tls-reuse, -2)",
            ),
            Self::DataMethodRefused => (
                "data-method-refused",
                "nothing: another way works, and is taken by itself",
            ),
            Self::PassiveAddressWrong => (
                "passive-address-wrong",
                "have the server's public address set (vsftpd pasv_address, ProFTPD MasqueradeAddress, \
                 Pure-FTPd -P); this client does not need it, others do",
            ),
            Self::PassiveBlocked => (
                "passive-blocked",
                "have the server's range of passive ports opened in the firewall before it",
            ),
            Self::ActiveBlocked => (
                "active-blocked",
                "use passive mode; active mode needs a way from the server to this machine",
            ),
            Self::NoDataConnection => (
                "no-data-connection",
                "have a range of passive ports set at the server and opened in the firewall before it",
            ),
            Self::Folder => (
                "folder",
                "check the path, and what this user may see on the server",
            ),
            Self::ListingCut => (
                "listing-cut",
                "have the server's limit raised (Pure-FTPd --limitrecursion); until then keep folders smaller",
            ),
            Self::ListingNotUnderstood => (
                "listing-not-understood",
                "the lines in the evidence are not known: please report them",
            ),
            Self::Clock => ("clock", "nothing: times are shown as the server tells them"),
            Self::Other => ("other", "the finding says what was seen"),
        }
    }
}

fn certificate(problem: CertificateProblem) -> &'static str {
    match problem {
        CertificateProblem::Expired => {
            "have the server's certificate renewed; or verify this one and pin it by its SHA-256"
        }
        CertificateProblem::NotYetValid => {
            "check this machine's clock and the server's certificate"
        }
        CertificateProblem::WrongName => {
            "connect by a name that the certificate has, or have the certificate extended"
        }
        CertificateProblem::UnknownIssuer | CertificateProblem::SelfSigned => {
            "give the issuer's certificate as CA file; or verify the SHA-256 and pin it"
        }
        CertificateProblem::PinMismatch => {
            "if the certificate was renewed, verify its SHA-256 and change the pin"
        }
        _ => "ask who runs the server for a certificate that can be trusted",
    }
}

fn host_key(problem: HostKeyProblem) -> &'static str {
    match problem {
        HostKeyProblem::Changed => {
            "the server was reinstalled or somebody is in between: verify the hash with who runs the server"
        }
        HostKeyProblem::Revoked => "this key must not be used: ask who runs the server",
        _ => "verify the hash with who runs the server, then allow it",
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
