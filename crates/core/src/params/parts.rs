//! The compound parameters: trust, deadlines, proxy, active mode, limits.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use crate::{Error, ErrorKind, Fingerprint, Host, Result, Secret, encryption::squeeze};

/// Where the private key for SSH is. `Debug` shows neither: what was given as a path may be the key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In this file.
    File(PathBuf),
    /// This is its text.
    Content(Secret),
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File([redacted])",
            Self::Content(_) => "Content([redacted])",
        })
    }
}

/// What known hosts are for when no allowed fingerprints are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KnownHosts {
    /// They are not read. The default of the library, which writes no file unasked.
    #[default]
    Off,
    /// The key must be known.
    Strict,
    /// An unknown key is accepted and remembered; a changed one is refused.
    AcceptNew,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the documentation
pub enum TlsVersion {
    /// Outdated: for legacy servers alone.
    Tls10,
    /// Outdated: for legacy servers alone.
    Tls11,
    Tls12,
    Tls13,
}

/// Whether data connections must resume the TLS session of their control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionReuse {
    /// Resume where the server lets us, and go on where it does not.
    Prefer,
    /// Refuse a data connection that was not resumed.
    Require,
    /// Do the whole handshake on every data connection: for servers that stumble over resumed sessions, and to
    /// find out whether one demands them.
    Never,
}

/// Where a passive FTP data connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PassiveAddress {
    /// To the control connection's peer, whatever address the reply to PASV names. The default: that address
    /// is wrong behind address translation, and a hostile server could name any other machine.
    #[default]
    Peer,
    /// To the address in the reply to PASV, for servers whose data connections are served by another
    /// machine.
    Advertised,
}

/// By which command an FTP folder is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ListCommand {
    /// MLSD where the server has it, else LIST. The default.
    #[default]
    Auto,
    /// MLSD (RFC 3659), and nothing else.
    Mlsd,
    /// LIST, whose lines every server writes its own way.
    List,
    /// NLST: names only.
    Nlst,
    /// STAT with a path: lines as of LIST, over the control connection.
    Stat,
}

/// Whether FTP commands are sent together, without waiting for the answer to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pipelining {
    /// To servers that are known to bear it, by their greeting or from an earlier session; in the latter case before
    /// they greet. The default. In the clear the password still waits for the answer to the name, unless a session has
    /// logged in so before.
    #[default]
    Auto,
    /// Always, the password included. A server that does not bear it costs a second connection.
    On,
    /// Never.
    Off,
}

/// What makes a TLS certificate trusted, and which versions may be spoken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsTrust {
    /// PEM file with more certificate authorities, beside the system's.
    pub ca_file: Option<String>,
    /// SHA-256 of certificates: if any is given, the server's own certificate must be one of them,
    /// and that suffices.
    pub pins: Vec<Fingerprint>,
    /// Accept whatever certificate comes. Whoever is in between can read and change everything.
    pub danger_accept_any_certificate: bool,
    /// Leave data connections in the clear (`PROT C`, RFC 4217 §9), for servers that have no time to
    /// encrypt. Whoever is in between can read and change files and listings.
    pub danger_clear_data: bool,
    /// Leave TLS on the control connection after logging in (`CCC`, RFC 4217 §5), for firewalls that must
    /// read the addresses of data connections. Whoever is in between can read and give commands.
    pub danger_clear_command_channel: bool,
    /// The least version; TLS 1.2 when not given, TLS 1.0 with legacy servers.
    pub min_version: Option<TlsVersion>,
    /// The greatest version; TLS 1.3 when not given.
    pub max_version: Option<TlsVersion>,
    /// PEM file with the client's certificate chain, or PKCS #12 file with chain and key. What opens an
    /// encrypted key or the PKCS #12 file is the key's passphrase.
    pub client_certificate_file: Option<String>,
    /// PEM file with the client's private key; the certificate's own file when not given.
    pub client_key_file: Option<String>,
}

impl TlsTrust {
    /// Sets [`TlsTrust::ca_file`].
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<String>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Adds one of [`TlsTrust::pins`].
    #[must_use]
    pub fn with_pin(mut self, sha256: Fingerprint) -> Self {
        self.pins.push(sha256);
        self
    }

    /// Sets [`TlsTrust::danger_accept_any_certificate`].
    #[must_use]
    pub fn with_danger_accept_any_certificate(mut self, accept: bool) -> Self {
        self.danger_accept_any_certificate = accept;
        self
    }

    /// Sets [`TlsTrust::danger_clear_data`].
    #[must_use]
    pub fn with_danger_clear_data(mut self, clear: bool) -> Self {
        self.danger_clear_data = clear;
        self
    }

    /// Sets [`TlsTrust::danger_clear_command_channel`].
    #[must_use]
    pub fn with_danger_clear_command_channel(mut self, clear: bool) -> Self {
        self.danger_clear_command_channel = clear;
        self
    }

    /// Sets [`TlsTrust::min_version`].
    #[must_use]
    pub fn with_min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = Some(version);
        self
    }

    /// Sets [`TlsTrust::max_version`].
    #[must_use]
    pub fn with_max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = Some(version);
        self
    }

    /// Sets [`TlsTrust::client_certificate_file`] to one that has the key, too: PKCS #12, or PEM with both.
    #[must_use]
    pub fn with_client_identity(mut self, file: impl Into<String>) -> Self {
        self.client_certificate_file = Some(file.into());
        self.client_key_file = None;
        self
    }

    /// Sets [`TlsTrust::client_certificate_file`] and [`TlsTrust::client_key_file`].
    #[must_use]
    pub fn with_client_certificate(
        mut self,
        certificate_file: impl Into<String>,
        key_file: impl Into<String>,
    ) -> Self {
        self.client_certificate_file = Some(certificate_file.into());
        self.client_key_file = Some(key_file.into());
        self
    }
}

/// The deadlines. Every wait has one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until a TCP connection stands, over all addresses. 20 s: longer than a lost SYN repeated
    /// three times.
    pub connect: Duration,
    /// Until a reply to a command, a greeting or a handshake message has come. 60 s: servers that
    /// look names up or reach into slow storage take their time.
    pub reply: Duration,
    /// Until a data connection stands. 30 s.
    pub data: Duration,
    /// Between two bytes of a transfer. 120 s: a stalled disk or a busy tape library recovers.
    pub idle: Duration,
    /// Until the server has ended its side of a TLS connection that was ended here. 2 s: some servers (IIS)
    /// never do, and nothing is lost by not waiting longer.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            reply: Duration::from_secs(60),
            data: Duration::from_secs(30),
            idle: Duration::from_secs(120),
            close: Duration::from_secs(2),
        }
    }
}

/// No deadline is longer than a century: adding it to a clock must not overflow.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

impl Timeouts {
    /// Sets [`Timeouts::connect`].
    #[must_use]
    pub fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect.min(LONGEST);
        self
    }

    /// Sets [`Timeouts::reply`].
    #[must_use]
    pub fn with_reply(mut self, reply: Duration) -> Self {
        self.reply = reply.min(LONGEST);
        self
    }

    /// Sets [`Timeouts::data`].
    #[must_use]
    pub fn with_data(mut self, data: Duration) -> Self {
        self.data = data.min(LONGEST);
        self
    }

    /// Sets [`Timeouts::idle`].
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle.min(LONGEST);
        self
    }

    /// Sets [`Timeouts::close`].
    #[must_use]
    pub fn with_close(mut self, close: Duration) -> Self {
        self.close = close.min(LONGEST);
        self
    }
}

/// How much a server may send where it should send little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one FTP reply, all its lines together. 256 KiB: banners can be long, not endless.
    pub reply_bytes: usize,
    /// Bytes of one line of a listing. 64 KiB: the longest path plus facts.
    pub listing_line_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply_bytes: 256 * 1024,
            listing_line_bytes: 64 * 1024,
        }
    }
}

impl Limits {
    /// Sets [`Limits::reply_bytes`].
    #[must_use]
    pub fn with_reply_bytes(mut self, bytes: usize) -> Self {
        self.reply_bytes = bytes;
        self
    }

    /// Sets [`Limits::listing_line_bytes`].
    #[must_use]
    pub fn with_listing_line_bytes(mut self, bytes: usize) -> Self {
        self.listing_line_bytes = bytes;
        self
    }
}

/// Where the server finds the client in active mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ActiveMode {
    /// The local address to listen on; the control connection's by default.
    pub bind: Option<IpAddr>,
    /// The first and last port to listen on; any by default.
    pub ports: Option<(u16, u16)>,
    /// The address told to the server, when a NAT forwards it; the one listened on by default.
    pub external_address: Option<IpAddr>,
}

impl ActiveMode {
    /// Sets [`ActiveMode::bind`].
    #[must_use]
    pub fn with_bind(mut self, address: IpAddr) -> Self {
        self.bind = Some(address);
        self
    }

    /// Sets [`ActiveMode::ports`].
    #[must_use]
    pub fn with_ports(mut self, first: u16, last: u16) -> Self {
        self.ports = Some((first.min(last), first.max(last)));
        self
    }

    /// Sets [`ActiveMode::external_address`].
    #[must_use]
    pub fn with_external_address(mut self, address: IpAddr) -> Self {
        self.external_address = Some(address);
        self
    }
}

/// A proxy on the way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// What the proxy speaks.
    pub kind: ProxyKind,
    /// Where it is.
    pub server: Host,
    /// Its port.
    pub port: u16,
    /// Its user name, if it wants one.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<Secret>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// SOCKS version 5 (RFC 1928), names resolved by the proxy.
    Socks5,
    /// HTTP `CONNECT` (RFC 9110 §9.3.6).
    HttpConnect,
}

impl ProxyKind {
    fn scheme(self) -> &'static str {
        match self {
            Self::Socks5 => "socks5",
            Self::HttpConnect => "http",
        }
    }
}

impl Proxy {
    /// A proxy without login.
    pub fn new(kind: ProxyKind, server: Host, port: u16) -> Self {
        Self {
            kind,
            server,
            port,
            username: None,
            password: None,
        }
    }

    /// Sets user name and password.
    #[must_use]
    pub fn with_login(mut self, username: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.username = Some(username.into());
        self.password = Some(password.into());
        self
    }

    pub(super) fn to_url_with_secrets(&self) -> String {
        let login = super::url::Login {
            username: self.username.clone(),
            parameters: Vec::new(),
            password: self.password.clone(),
        };
        let scheme = self.kind.scheme();
        format!("{scheme}://{login}{}:{}", self.server.in_url(), self.port)
    }
}

impl fmt::Display for Proxy {
    /// The proxy's URL without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.kind.scheme();
        write!(f, "{scheme}://{}:{}", self.server.in_url(), self.port)
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// Reads `socks5://[user:password@]host[:port]` or `http://…`; the ports default to 1080, 8080.
    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Error::new(ErrorKind::InvalidParameter)
                .with_message("not a proxy URL")
                .with_hint("write socks5://host:port or http://host:port")
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            "http" => (ProxyKind::HttpConnect, 8080),
            _ => return Err(bad()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, server, given) = super::url::authority(rest)?;
        if !login.parameters.is_empty() {
            return Err(bad());
        }
        Ok(Self {
            kind,
            server,
            port: given.map_or(port, Into::into),
            username: login.username,
            password: login.password,
        })
    }
}

/// Implements `FromStr` and `Display` for a choice among names.
macro_rules! names {
    ($type:ty, $what:literal, $($name:literal = $value:expr),+ $(,)?) => {
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let wanted = squeeze(text);
                $(if wanted == squeeze($name) { return Ok($value); })+
                Err(Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!(concat!("unknown ", $what, " {:?}"), text))
                    .with_hint(concat!("use one of:" $(, " ", $name)+)))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(if *self == $value { return f.write_str($name); })+
                Ok(())
            }
        }
    };
}

names!(
    KnownHosts,
    "known-hosts policy",
    "off" = Self::Off,
    "strict" = Self::Strict,
    "accept-new" = Self::AcceptNew
);
names!(
    TlsVersion,
    "TLS version",
    "1.0" = Self::Tls10,
    "1.1" = Self::Tls11,
    "1.2" = Self::Tls12,
    "1.3" = Self::Tls13,
    "TLSv1" = Self::Tls10,
    "TLSv1.0" = Self::Tls10,
    "TLSv1.1" = Self::Tls11,
    "TLSv1.2" = Self::Tls12,
    "TLSv1.3" = Self::Tls13
);
names!(
    SessionReuse,
    "session reuse",
    "prefer" = Self::Prefer,
    "require" = Self::Require,
    "never" = Self::Never
);
names!(
    PassiveAddress,
    "passive address",
    "peer" = Self::Peer,
    "advertised" = Self::Advertised
);
names!(
    Pipelining,
    "pipelining",
    "auto" = Self::Auto,
    "on" = Self::On,
    "off" = Self::Off
);
names!(
    ListCommand,
    "list command",
    "auto" = Self::Auto,
    "mlsd" = Self::Mlsd,
    "list" = Self::List,
    "nlst" = Self::Nlst,
    "stat" = Self::Stat
);
