//! The one error type: what failed, doing what, to which path, what the server said, what to do.

use std::{error::Error as StdError, fmt};

use crate::{Fingerprint, RemotePath};

/// Every fallible call of FTP Connect returns this.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with everything that is known of it.
///
/// `Display` is one line and says this level only; [`StdError::source`] carries the chain. No secret
/// is ever part of an error.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<Operation>,
    path: Option<RemotePath>,
    message: Option<String>,
    reply: Option<ServerReply>,
    hint: Option<String>,
    retry: Option<Retry>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind with nothing else known.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            path: None,
            message: None,
            reply: None,
            hint: None,
            retry: None,
            source: None,
        }))
    }

    /// Adds one line of detail, lower case and without a full stop.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Adds what was being done. An operation already named stays: the innermost knows best.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Adds the path it was done to. A path already named stays.
    #[must_use]
    pub fn with_path(mut self, path: &RemotePath) -> Self {
        self.0.path.get_or_insert_with(|| path.clone());
        self
    }

    /// Adds the server's own words.
    #[must_use]
    pub fn with_reply(mut self, reply: ServerReply) -> Self {
        self.0.reply = Some(reply);
        self
    }

    /// Replaces the hint that belongs to the kind.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Replaces the advice that belongs to the kind.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = Some(retry);
        self
    }

    /// Adds the cause below.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure this is; programs act on it.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What was being done.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// What it was done to.
    pub fn path(&self) -> Option<&RemotePath> {
        self.0.path.as_ref()
    }

    /// What the server said.
    pub fn reply(&self) -> Option<&ServerReply> {
        self.0.reply.as_ref()
    }

    /// Whether trying again can help, and on what.
    pub fn retry(&self) -> Retry {
        self.0.retry.unwrap_or_else(|| self.0.kind.retry())
    }

    /// What to do about it, in one line, where the cause is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref().or_else(|| self.0.kind.hint())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        match (inner.operation, &inner.path) {
            (Some(operation), Some(path)) => write!(f, "{operation} {path:?}: ")?,
            (Some(operation), None) => write!(f, "{operation}: ")?,
            (None, Some(path)) => write!(f, "{path:?}: ")?,
            (None, None) => {}
        }
        match &inner.message {
            Some(message) => f.write_str(message)?,
            None => inner.kind.fmt(f)?,
        }
        match &inner.reply {
            Some(reply) => write!(f, " (server: {reply})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("operation", &inner.operation)
            .field("path", &inner.path)
            .field("message", &inner.message)
            .field("reply", &inner.reply)
            .field("hint", &self.hint())
            .field("retry", &self.retry())
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<std::io::Error> for Error {
    /// Keeps the distinction between a time-out, a closed connection and any other failure.
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::TimedOut => ErrorKind::TimedOut,
            Io::UnexpectedEof
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::NotConnected => ErrorKind::Closed,
            _ => ErrorKind::Io,
        };
        // The innermost error of ours is worth more than the I/O error it was wrapped in.
        match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(error) => Self::new(kind)
                .with_message(error.to_string())
                .with_source(error),
        }
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::TimedOut => std::io::ErrorKind::TimedOut,
            ErrorKind::Closed => std::io::ErrorKind::ConnectionAborted,
            ErrorKind::NotFound => std::io::ErrorKind::NotFound,
            ErrorKind::PermissionDenied => std::io::ErrorKind::PermissionDenied,
            ErrorKind::AlreadyExists => std::io::ErrorKind::AlreadyExists,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A parameter, path or option cannot be meant; nothing was sent.
    InvalidParameter,
    /// The private key cannot be used: no such file, no key, a wrong or missing passphrase.
    KeyUnusable,
    /// The server's name has no address.
    NameNotResolved,
    /// No address of the server accepted the connection.
    ConnectFailed,
    /// The proxy does not connect to the server: by its rules, for want of a login, or because it is no
    /// such proxy. That it tried and the server was not reached is [`ErrorKind::ConnectFailed`].
    ProxyRefused,
    /// The server greets but serves nobody now: too many connections, or shutting down.
    TooManyConnections,
    /// The server refused user, password or key.
    LoginRefused,
    /// The server's SSH host key is not one to trust; no credential was sent.
    HostKeyNotTrusted {
        /// Why it is not trusted.
        problem: HostKeyProblem,
        /// The hash of the key seen, in the format asked for.
        seen: Fingerprint,
    },
    /// The server's TLS certificate is not one to trust; no credential was sent.
    CertificateNotTrusted {
        /// Why it is not trusted.
        problem: CertificateProblem,
    },
    /// The server wants a TLS certificate of the client that it trusts, and got none or another.
    ClientCertificateRefused,
    /// The server does not offer TLS where it was asked for.
    TlsNotOffered,
    /// The server demands TLS before it lets anyone log in or transfer.
    TlsRequired,
    /// The TLS handshake failed for a reason other than trust.
    TlsFailed,
    /// Bytes arrived in the clear between `AUTH` and the TLS handshake (an injection attempt).
    PlaintextBeforeTls,
    /// A TLS port was expected, and a greeting in the clear came.
    PlaintextOnTlsPort,
    /// A greeting in the clear was expected, and the port speaks TLS.
    TlsOnPlaintextPort,
    /// The server refuses a data connection that does not resume the control connection's session.
    SessionReuseRequired,
    /// Session reuse was asked for, and the server did the whole TLS handshake on a data connection.
    SessionNotResumed,
    /// The algorithms of client and server have nothing in common.
    NoCommonAlgorithm,
    /// The address for a passive data connection cannot be reached.
    PassiveAddressUnroutable,
    /// The data connection could not be opened or broke.
    DataConnectionFailed,
    /// There is no such file or folder.
    NotFound,
    /// The server does not allow it.
    PermissionDenied,
    /// There is a file or folder of that name already.
    AlreadyExists,
    /// A folder was needed and this is something else.
    NotADirectory,
    /// A file was needed and this is a folder.
    IsADirectory,
    /// The folder is not empty.
    DirectoryNotEmpty,
    /// The server has no room, or a quota is used up.
    NoSpace,
    /// The transfer cannot be shown to be whole.
    TransferNotWhole,
    /// The server says that it cut the listing short.
    ListingTruncated,
    /// The server refused; trying again later may help (FTP 4yz).
    RefusedForNow,
    /// The server refused for good (FTP 5yz, SFTP failure).
    Refused,
    /// The server answered what the protocol does not allow.
    Protocol,
    /// The server sent more than the limits allow.
    LimitExceeded,
    /// A deadline passed.
    TimedOut,
    /// The connection is closed.
    Closed,
    /// This backend or this server cannot do that.
    Unsupported,
    /// The operating system reported an error.
    Io,
}

impl ErrorKind {
    fn retry(&self) -> Retry {
        match self {
            Self::TooManyConnections
            | Self::ConnectFailed
            | Self::NameNotResolved
            | Self::TimedOut
            | Self::Closed
            | Self::TransferNotWhole
            | Self::TlsFailed
            | Self::Protocol => Retry::NewSession,
            Self::RefusedForNow
            | Self::DataConnectionFailed
            | Self::PassiveAddressUnroutable
            | Self::NoSpace => Retry::SameSession,
            _ => Retry::Never,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NameNotResolved => "check the spelling of the server's name and the network",
            Self::ConnectFailed => {
                "check that the server runs, that the port is right and that no firewall is between"
            }
            Self::ProxyRefused => "check the proxy's address, kind, user and password",
            Self::TooManyConnections => "wait for other sessions to end, or open fewer at once",
            Self::LoginRefused => "check user name and password or key",
            Self::HostKeyNotTrusted { problem, .. } => problem.hint(),
            Self::CertificateNotTrusted { problem } => problem.hint(),
            Self::ClientCertificateRefused => {
                "the server wants a client certificate: give one that it trusts, with its key"
            }
            Self::TlsNotOffered => {
                "the server has no TLS on this port: try implicit TLS on port 990, or encryption none \
                 if sending the password in the clear is acceptable"
            }
            Self::TlsRequired => "use encryption explicit-tls",
            Self::TlsFailed => "check that the port speaks TLS and the allowed TLS versions",
            Self::PlaintextBeforeTls => {
                "somebody between may be tampering with the connection: use implicit TLS, or another \
                 network"
            }
            Self::PlaintextOnTlsPort => "use encryption explicit-tls or none on this port",
            Self::TlsOnPlaintextPort => "use encryption implicit-tls on this port",
            Self::SessionReuseRequired => {
                "session reuse required by the server: use explicit TLS with session reuse \
                 (explicit-tls-reuse), or session reuse `prefer` with implicit TLS"
            }
            Self::SessionNotResumed => {
                "some servers never resume under TLS 1.3: allow TLS 1.2 at most (--tls-max 1.2), or prefer \
                 session reuse instead of requiring it"
            }
            Self::PassiveAddressUnroutable | Self::DataConnectionFailed => {
                "try another mode (active, passive or dynamic); a firewall may block data connections"
            }
            Self::DirectoryNotEmpty => "remove what is in the folder first",
            Self::TransferNotWhole => "transfer the file again",
            Self::TimedOut => "try again, or give a longer time-out",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidParameter => "invalid parameter",
            Self::KeyUnusable => "the private key cannot be used",
            Self::NameNotResolved => "the server's name has no address",
            Self::ConnectFailed => "could not connect",
            Self::ProxyRefused => "the proxy refused",
            Self::TooManyConnections => "the server has too many connections",
            Self::LoginRefused => "login refused",
            Self::HostKeyNotTrusted { problem, seen } => return write!(f, "{problem}: {seen}"),
            Self::CertificateNotTrusted { problem } => {
                return write!(f, "certificate not trusted: {problem}");
            }
            Self::ClientCertificateRefused => "the server refused the client's certificate",
            Self::TlsNotOffered => "the server does not offer TLS",
            Self::TlsRequired => "the server requires TLS",
            Self::TlsFailed => "TLS handshake failed",
            Self::PlaintextBeforeTls => "data in the clear before the TLS handshake",
            Self::PlaintextOnTlsPort => "the server speaks in the clear where TLS was expected",
            Self::TlsOnPlaintextPort => "the server expects TLS from the first byte",
            Self::SessionReuseRequired => "the server requires TLS session reuse",
            Self::SessionNotResumed => {
                "the server did not resume the TLS session on the data connection"
            }
            Self::NoCommonAlgorithm => "no algorithm in common with the server",
            Self::PassiveAddressUnroutable => "the server's passive address cannot be reached",
            Self::DataConnectionFailed => "the data connection failed",
            Self::NotFound => "not found",
            Self::PermissionDenied => "permission denied",
            Self::AlreadyExists => "exists already",
            Self::NotADirectory => "not a folder",
            Self::IsADirectory => "is a folder",
            Self::DirectoryNotEmpty => "the folder is not empty",
            Self::NoSpace => "no space left on the server",
            Self::TransferNotWhole => "the transfer is not whole",
            Self::ListingTruncated => "the server cut the listing short",
            Self::RefusedForNow => "the server refused for now",
            Self::Refused => "the server refused",
            Self::Protocol => "the server broke the protocol",
            Self::LimitExceeded => "the server sent more than the limits allow",
            Self::TimedOut => "timed out",
            Self::Closed => "the connection is closed",
            Self::Unsupported => "not supported",
            Self::Io => "input/output error",
        })
    }
}

/// Why a host key is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostKeyProblem {
    /// No entry of the allowed list matches.
    NotInAllowedList,
    /// No key is known for this server, and the policy is strict.
    Unknown,
    /// Only keys of other types are known for this server, and the policy is strict.
    OtherType,
    /// Another key of the same type is known for this server.
    Changed,
    /// The key is marked as revoked.
    Revoked,
    /// An authority that is known for this server signed the key's certificate, which is not good: its time
    /// is over, or it is for another host.
    CertificateInvalid,
}

impl HostKeyProblem {
    fn hint(self) -> &'static str {
        match self {
            Self::NotInAllowedList => {
                "if this key is the server's, add its hash to the allowed fingerprints"
            }
            Self::Unknown => {
                "verify the hash, then add it to the allowed fingerprints or known hosts"
            }
            Self::OtherType => {
                "verify the hash, then add it to the allowed fingerprints or known hosts; the keys known \
                 before may be good still"
            }
            Self::Changed => {
                "the server was reinstalled or somebody is in between: verify the hash, then remove \
                 the old known-hosts line"
            }
            Self::Revoked => "this key must not be used: ask who runs the server",
            Self::CertificateInvalid => {
                "connect by a name that the certificate has and check the clock; otherwise the server needs \
                 a new certificate"
            }
        }
    }
}

impl fmt::Display for HostKeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInAllowedList => "host key not in the allowed list",
            Self::Unknown => "host key unknown",
            Self::OtherType => "host key of another type than known",
            Self::Changed => "host key changed",
            Self::Revoked => "host key revoked",
            Self::CertificateInvalid => "host certificate not good",
        })
    }
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// It is past its end.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another name.
    WrongName,
    /// Nobody known signed it.
    UnknownIssuer,
    /// It signed itself.
    SelfSigned,
    /// It was revoked.
    Revoked,
    /// It is none of the pinned ones.
    PinMismatch,
    /// Another reason, in the error's message.
    Other,
}

impl CertificateProblem {
    fn hint(self) -> &'static str {
        match self {
            Self::Expired | Self::NotYetValid => {
                "check the clock; otherwise the server needs a new certificate, or pin this one"
            }
            Self::WrongName => "connect by a name that the certificate has, or pin the certificate",
            Self::UnknownIssuer | Self::SelfSigned => {
                "give the issuer's certificate as CA file, or pin the certificate by its SHA-256"
            }
            Self::Revoked => "ask who runs the server for a new certificate",
            Self::PinMismatch => {
                "if the server's certificate was renewed, verify it and change the pin"
            }
            Self::Other => "see the cause; a pin by SHA-256 accepts this certificate alone",
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
            Self::WrongName => "issued for another name",
            Self::UnknownIssuer => "unknown issuer",
            Self::SelfSigned => "self-signed",
            Self::Revoked => "revoked",
            Self::PinMismatch => "none of the pinned certificates",
            Self::Other => "not acceptable",
        })
    }
}

/// What was being done when an error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the documentation
pub enum Operation {
    Connect,
    Login,
    Stat,
    List,
    Read,
    Write,
    Rename,
    RemoveFile,
    CreateDir,
    RemoveDir,
    SetModified,
    SetPermissions,
    ReadLink,
    CreateLink,
    CopyFile,
    RealPath,
    Checksum,
    CurrentDir,
    SetCurrentDir,
    FreeSpace,
    KeepAlive,
    Raw,
    Close,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Login => "log in",
            Self::Stat => "stat",
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Rename => "rename",
            Self::RemoveFile => "remove file",
            Self::CreateDir => "create folder",
            Self::RemoveDir => "remove folder",
            Self::SetModified => "set modification time",
            Self::SetPermissions => "set permissions",
            Self::ReadLink => "read link",
            Self::CreateLink => "create link",
            Self::CopyFile => "copy",
            Self::RealPath => "resolve path",
            Self::Checksum => "checksum",
            Self::CurrentDir => "current folder",
            Self::SetCurrentDir => "set current folder",
            Self::FreeSpace => "free space",
            Self::KeepAlive => "keep alive",
            Self::Raw => "raw command",
            Self::Close => "close",
        })
    }
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same attempt will fail again.
    Never,
    /// The session is fine; the operation may succeed later.
    SameSession,
    /// A new connection may do better.
    NewSession,
}

/// The server's own words: an FTP reply or an SFTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReply {
    /// The FTP reply code (RFC 959 §4.2) or the SFTP status code.
    pub code: u32,
    /// The text, lines joined by a line feed, as UTF-8 with replacements.
    pub text: String,
}

impl fmt::Display for ServerReply {
    /// One line: the code and the text, control characters blanked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.replace(char::is_control, " ");
        write!(f, "{} {}", self.code, text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_the_servers_words() {
        let path = RemotePath::new("no such").unwrap();
        let error = Error::new(ErrorKind::NotFound)
            .with_operation(Operation::Read)
            .with_path(&path)
            .with_reply(ServerReply {
                code: 550,
                text: "No such file.\nReally.".into(),
            })
            .with_operation(Operation::Connect);
        assert_eq!(
            error.to_string(),
            "read \"no such\": not found (server: 550 No such file. Really.)"
        );
        assert_eq!(error.retry(), Retry::Never);
    }

    #[test]
    fn an_error_of_ours_survives_a_trip_through_io() {
        let io = std::io::Error::from(Error::new(ErrorKind::TransferNotWhole).with_message("cut"));
        let back = Error::from(io);
        assert_eq!(back.kind(), &ErrorKind::TransferNotWhole);
        assert_eq!(back.to_string(), "cut");
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(Error::from(reset).kind(), &ErrorKind::Closed);
    }
}
