//! Everything a user may say about a connection, in one type.
//!
//! [`ConnectParams`] is built (`ConnectParams::new(server)?.with_…`), parsed from a URL
//! ([`ConnectParams::from_url`]), from `Label: value` text ([`ConnectParams::from_text`]), and through
//! serde. All four forms are made from one table and round-trip.

mod encoding;
mod field;
mod parts;
mod serde_form;
mod text;
mod url;

use std::{
    fmt,
    num::{NonZeroU16, NonZeroU32, NonZeroU64},
    sync::Arc,
};

pub use encoding::Encoding;
pub use parts::{
    ActiveMode, KeySource, KnownHosts, Limits, ListCommand, PassiveAddress, Pipelining, Proxy,
    ProxyKind, SessionReuse, Timeouts, TlsTrust, TlsVersion,
};

use crate::{
    AllowedFingerprints, DataMethod, Encryption, Error, ErrorKind, FingerprintTarget,
    FingerprintType, Host, HostProfile, Mode, Prompter, Result, Secret, prompt::SharedPrompter,
};

/// The parameters of a connection.
///
/// `Debug` and `Display` never show a secret. The forms that do are named for it:
/// [`ConnectParams::to_url_with_secrets`], [`ConnectParams::to_text_with_secrets`] and serde's, which is
/// a form for storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectParams {
    server: Host,
    port: Option<NonZeroU16>,
    username: Option<String>,
    password: Option<Secret>,
    account: Option<Secret>,
    mode: Mode,
    data_methods: Vec<DataMethod>,
    encryption: Encryption,
    certificate: Option<Secret>,
    key_passphrase: Option<Secret>,
    ssh_agent: bool,
    prompter: Option<SharedPrompter>,
    fingerprint_type: FingerprintType,
    fingerprint_target: FingerprintTarget,
    allowed_fingerprints: AllowedFingerprints,
    known_hosts: KnownHosts,
    known_hosts_file: Option<String>,
    tls: TlsTrust,
    session_reuse: Option<SessionReuse>,
    timeouts: Timeouts,
    keep_alive: Option<std::time::Duration>,
    keep_alive_count: Option<NonZeroU32>,
    control_keep_alive: Option<std::time::Duration>,
    rekey_bytes: Option<NonZeroU64>,
    jump: Option<Box<Self>>,
    proxy: Option<Proxy>,
    active: ActiveMode,
    passive_address: PassiveAddress,
    list_command: ListCommand,
    pipelining: Pipelining,
    data_at_once: bool,
    encoding: Encoding,
    legacy: bool,
    limits: Limits,
    profile: Option<HostProfile>,
}

impl ConnectParams {
    /// Parameters for this server, all else at its default.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if that is no host name and no address.
    pub fn new<H>(server: H) -> Result<Self>
    where
        H: TryInto<Host>,
        Error: From<H::Error>,
    {
        Ok(Self::for_host(server.try_into()?))
    }

    fn for_host(server: Host) -> Self {
        Self {
            server,
            port: None,
            username: None,
            password: None,
            account: None,
            mode: Mode::default(),
            data_methods: Vec::new(),
            encryption: Encryption::default(),
            certificate: None,
            key_passphrase: None,
            ssh_agent: false,
            prompter: None,
            fingerprint_type: FingerprintType::default(),
            fingerprint_target: FingerprintTarget::default(),
            allowed_fingerprints: AllowedFingerprints::default(),
            known_hosts: KnownHosts::default(),
            known_hosts_file: None,
            tls: TlsTrust::default(),
            session_reuse: None,
            timeouts: Timeouts::default(),
            keep_alive: None,
            keep_alive_count: None,
            control_keep_alive: None,
            rekey_bytes: None,
            jump: None,
            proxy: None,
            active: ActiveMode::default(),
            passive_address: PassiveAddress::default(),
            list_command: ListCommand::default(),
            pipelining: Pipelining::default(),
            data_at_once: false,
            encoding: Encoding::default(),
            legacy: false,
            limits: Limits::default(),
            profile: None,
        }
    }

    /// Checks what no single parameter can know: that what the encryption needs is there.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] with what is missing.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::InvalidParameter)
                .with_message(message)
                .with_hint(hint))
        };
        if self.encryption.is_ssh() && self.username.is_none() {
            return refuse(
                "a user name is missing",
                "SSH has no anonymous login: give a user name",
            );
        }
        if self.encryption == Encryption::SshKeyFile && self.certificate.is_none() {
            return refuse("a key file is missing", "give the path of the private key");
        }
        if self.encryption == Encryption::SshKeyContent && self.certificate.is_none() {
            return refuse(
                "the key's content is missing",
                "give the text of the private key",
            );
        }
        if self.proxy.is_some() && self.mode == Mode::Active && !self.encryption.is_ssh() {
            return refuse(
                "active mode does not go through a proxy",
                "use mode passive or dynamic: a server cannot connect to a client behind a proxy",
            );
        }
        let passive = |method: &DataMethod| matches!(method, DataMethod::Epsv | DataMethod::Pasv);
        let usable = |method: &DataMethod| match self.mode {
            Mode::Passive => passive(method),
            Mode::Active => !passive(method),
            Mode::Dynamic => passive(method) || self.proxy.is_none(),
        };
        if !self.data_methods.is_empty() && !self.data_methods.iter().any(usable) {
            return refuse(
                "none of the data methods goes with the mode",
                "passive mode has epsv and pasv, active mode port and eprt; behind a proxy only passive ones work",
            );
        }
        // What the jump host itself needs is known when it has what it shares with the server behind it.
        if self.jump.is_some() && !self.encryption.is_ssh() {
            return refuse(
                "a jump host is for SSH",
                "use an SSH encryption value, or a proxy",
            );
        }
        if let (Some(min), Some(max)) = (self.tls.min_version, self.tls.max_version)
            && min > max
        {
            return refuse(
                "the least TLS version is above the greatest",
                "swap or remove one",
            );
        }
        let outdated = [self.tls.min_version, self.tls.max_version]
            .into_iter()
            .flatten()
            .any(|version| version < TlsVersion::Tls12);
        if outdated && !self.legacy {
            return refuse(
                "TLS before 1.2 is outdated",
                "allow it for servers that have no other, by the parameter legacy (--legacy)",
            );
        }
        Ok(())
    }

    /// The server.
    pub fn server(&self) -> &Host {
        &self.server
    }

    /// The port given, or the encryption's own.
    pub fn port(&self) -> u16 {
        self.port
            .map_or_else(|| self.encryption.default_port(), NonZeroU16::get)
    }

    /// The port given, if one was.
    pub fn given_port(&self) -> Option<NonZeroU16> {
        self.port
    }

    /// The user name; absent means anonymous login on FTP.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The password; it also opens an encrypted key when there is no passphrase of its own.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The account that some FTP servers want beside the password (RFC 959 ACCT).
    pub fn account(&self) -> Option<&Secret> {
        self.account.as_ref()
    }

    /// Who opens data connections.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The ways to data connections that may be tried, of those that the mode has; all of them if empty.
    pub fn data_methods(&self) -> &[DataMethod] {
        &self.data_methods
    }

    /// How the connection is secured.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The private key for SSH, a file or its content as the encryption says; `None` for the other
    /// encryption values.
    pub fn key(&self) -> Option<KeySource> {
        let text = self.certificate.as_ref()?;
        match self.encryption {
            Encryption::SshKeyFile => Some(KeySource::File(text.expose().into())),
            Encryption::SshKeyContent => Some(KeySource::Content(text.clone())),
            _ => None,
        }
    }

    /// What opens an encrypted key: its own passphrase, or else the password.
    pub fn key_passphrase(&self) -> Option<&Secret> {
        self.key_passphrase.as_ref().or(self.password.as_ref())
    }

    /// Whether the keys of the SSH agent are tried. If the certificate parameter names a public key, only that
    /// one is. Off by default: an agent is somebody else's business until it is asked for.
    pub fn ssh_agent(&self) -> bool {
        self.ssh_agent
    }

    /// What answers the questions of a server that no parameter answers.
    pub fn prompter(&self) -> Option<&Arc<dyn Prompter>> {
        self.prompter.as_ref().map(|shared| &shared.0)
    }

    /// The format in which the host-key hash is exported.
    pub fn fingerprint_type(&self) -> FingerprintType {
        self.fingerprint_type
    }

    /// Where the host-key hash goes.
    pub fn fingerprint_target(&self) -> &FingerprintTarget {
        &self.fingerprint_target
    }

    /// The fingerprints of which the host key must match one.
    pub fn allowed_fingerprints(&self) -> &AllowedFingerprints {
        &self.allowed_fingerprints
    }

    /// What known hosts are for when the allowed list is empty; a list that is not empty decides
    /// alone.
    pub fn known_hosts(&self) -> KnownHosts {
        self.known_hosts
    }

    /// The known-hosts file, if not the usual one.
    pub fn known_hosts_file(&self) -> Option<&str> {
        self.known_hosts_file.as_deref()
    }

    /// What makes a TLS certificate trusted, and which versions may be spoken.
    pub fn tls(&self) -> &TlsTrust {
        &self.tls
    }

    /// Whether data connections must resume the control connection's TLS session; `None` leaves it
    /// to the encryption.
    pub fn session_reuse(&self) -> Option<SessionReuse> {
        match (self.session_reuse, self.encryption) {
            (None, Encryption::ExplicitTlsReuse) => Some(SessionReuse::Prefer),
            (given, _) => given,
        }
    }

    /// The deadlines.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// How often an idle connection is probed (TCP keep-alive, and SSH keep-alive on SSH).
    pub fn keep_alive(&self) -> Option<std::time::Duration> {
        self.keep_alive
    }

    /// How many SSH keep-alives may go unanswered before the connection is given up; 3 when not given.
    pub fn keep_alive_count(&self) -> u32 {
        self.keep_alive_count.map_or(3, NonZeroU32::get)
    }

    /// After how many bytes in one direction new SSH keys are agreed on, if sooner than after 1 GiB, which is
    /// the most (RFC 4253 §9).
    pub fn rekey_bytes(&self) -> Option<u64> {
        self.rekey_bytes.map(NonZeroU64::get)
    }

    /// The SSH server to go through: the connection to the server of these parameters is made from there.
    /// Its host key is checked and its login made by its own parameters.
    pub fn jump(&self) -> Option<&Self> {
        self.jump.as_deref()
    }

    /// How often NOOP is sent over an FTP control connection while a transfer runs, so that no firewall
    /// between forgets it; not at all by default, since some servers are confused by it.
    pub fn control_keep_alive(&self) -> Option<std::time::Duration> {
        self.control_keep_alive
    }

    /// The proxy to go through.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Address and ports for active mode.
    pub fn active(&self) -> &ActiveMode {
        &self.active
    }

    /// Where passive data connections go.
    pub fn passive_address(&self) -> PassiveAddress {
        self.passive_address
    }

    /// Whether FTP commands are sent together.
    pub fn pipelining(&self) -> Pipelining {
        self.pipelining
    }

    /// Whether the port of the first FTP data connection is asked for along with the login, for a session that begins by
    /// listing, reading or writing: a round trip less, where commands may be sent together and the mode is passive. If
    /// something else comes first it was asked in vain, and pyftpdlib ends a session that does nothing for half
    /// a minute after it. Off by default.
    pub fn data_at_once(&self) -> bool {
        self.data_at_once
    }

    /// By which command FTP folders are listed.
    pub fn list_command(&self) -> ListCommand {
        self.list_command
    }

    /// Whether algorithms and versions that are no longer safe may be used with a server that has no
    /// other: ssh-rsa and DSA signatures, old key exchanges and ciphers of SSH, TLS 1.0 and 1.1 with weak ciphers
    /// and keys. Off by default.
    pub fn legacy(&self) -> bool {
        self.legacy
    }

    /// The charset in which names are shown and typed.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How much a server may send.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What is known of the server from earlier sessions.
    pub fn profile(&self) -> Option<&HostProfile> {
        self.profile.as_ref()
    }

    /// Sets the port; `None` is the encryption's own.
    #[must_use]
    pub fn with_port(mut self, port: impl Into<Option<NonZeroU16>>) -> Self {
        self.port = port.into();
        self
    }

    /// Sets the user name; an empty one is an absent one.
    #[must_use]
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into()).filter(|name| !name.is_empty());
        self
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets the account.
    #[must_use]
    pub fn with_account(mut self, account: impl Into<Secret>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets who opens data connections.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the ways to data connections that may be tried: for servers and firewalls that are known to
    /// answer another way with silence. Mode and order stay what they are.
    #[must_use]
    pub fn with_data_methods(mut self, methods: impl IntoIterator<Item = DataMethod>) -> Self {
        self.data_methods = methods.into_iter().collect();
        self
    }

    /// Sets how the connection is secured.
    #[must_use]
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Sets the private key by its file's path (UTF-8), and the encryption that goes with it.
    #[must_use]
    pub fn with_key_file(mut self, path: impl Into<String>) -> Self {
        self.certificate = Some(Secret::new(path.into()));
        self.encryption = Encryption::SshKeyFile;
        self
    }

    /// Sets the private key by its text, and the encryption that goes with it.
    #[must_use]
    pub fn with_key_content(mut self, content: impl Into<Secret>) -> Self {
        self.certificate = Some(content.into());
        self.encryption = Encryption::SshKeyContent;
        self
    }

    /// Sets the passphrase of an encrypted key.
    #[must_use]
    pub fn with_key_passphrase(mut self, passphrase: impl Into<Secret>) -> Self {
        self.key_passphrase = Some(passphrase.into());
        self
    }

    /// Sets whether the keys of the SSH agent are tried.
    #[must_use]
    pub fn with_ssh_agent(mut self, agent: bool) -> Self {
        self.ssh_agent = agent;
        self
    }

    /// Sets what answers the questions of a server that no parameter answers.
    #[must_use]
    pub fn with_prompter(mut self, prompter: Arc<dyn Prompter>) -> Self {
        self.prompter = Some(SharedPrompter(prompter));
        self
    }

    /// Sets the format in which the host-key hash is exported.
    #[must_use]
    pub fn with_fingerprint_type(mut self, kind: FingerprintType) -> Self {
        self.fingerprint_type = kind;
        self
    }

    /// Sets where the host-key hash goes.
    #[must_use]
    pub fn with_fingerprint_target(mut self, target: FingerprintTarget) -> Self {
        self.fingerprint_target = target;
        self
    }

    /// Sets the fingerprints of which the host key must match one.
    #[must_use]
    pub fn with_allowed_fingerprints(mut self, allowed: AllowedFingerprints) -> Self {
        self.allowed_fingerprints = allowed;
        self
    }

    /// Sets what known hosts are for.
    #[must_use]
    pub fn with_known_hosts(mut self, policy: KnownHosts) -> Self {
        self.known_hosts = policy;
        self
    }

    /// Sets the known-hosts file (UTF-8 path).
    #[must_use]
    pub fn with_known_hosts_file(mut self, path: impl Into<String>) -> Self {
        self.known_hosts_file = Some(path.into());
        self
    }

    /// Sets what makes a TLS certificate trusted.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsTrust) -> Self {
        self.tls = tls;
        self
    }

    /// Sets whether data connections must resume the control connection's TLS session.
    #[must_use]
    pub fn with_session_reuse(mut self, reuse: impl Into<Option<SessionReuse>>) -> Self {
        self.session_reuse = reuse.into();
        self
    }

    /// Sets the deadlines.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets how often an idle connection is probed.
    #[must_use]
    pub fn with_keep_alive(mut self, every: impl Into<Option<std::time::Duration>>) -> Self {
        self.keep_alive = every.into();
        self
    }

    /// Sets how many SSH keep-alives may go unanswered.
    #[must_use]
    pub fn with_keep_alive_count(mut self, count: impl Into<Option<NonZeroU32>>) -> Self {
        self.keep_alive_count = count.into();
        self
    }

    /// Sets after how many bytes new SSH keys are agreed on.
    #[must_use]
    pub fn with_rekey_bytes(mut self, bytes: impl Into<Option<NonZeroU64>>) -> Self {
        self.rekey_bytes = bytes.into();
        self
    }

    /// Sets the SSH server to go through.
    #[must_use]
    pub fn with_jump(mut self, jump: impl Into<Option<Self>>) -> Self {
        self.jump = jump.into().map(Box::new);
        self
    }

    /// Sets how often NOOP is sent while a transfer runs.
    #[must_use]
    pub fn with_control_keep_alive(
        mut self,
        every: impl Into<Option<std::time::Duration>>,
    ) -> Self {
        self.control_keep_alive = every.into();
        self
    }

    /// Sets the proxy to go through.
    #[must_use]
    pub fn with_proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.proxy = proxy.into();
        self
    }

    /// Sets address and ports for active mode.
    #[must_use]
    pub fn with_active(mut self, active: ActiveMode) -> Self {
        self.active = active;
        self
    }

    /// Sets where passive data connections go.
    #[must_use]
    pub fn with_passive_address(mut self, address: PassiveAddress) -> Self {
        self.passive_address = address;
        self
    }

    /// Sets [`ConnectParams::pipelining`].
    #[must_use]
    pub fn with_pipelining(mut self, pipelining: Pipelining) -> Self {
        self.pipelining = pipelining;
        self
    }

    /// Sets [`ConnectParams::data_at_once`].
    #[must_use]
    pub fn with_data_at_once(mut self, at_once: bool) -> Self {
        self.data_at_once = at_once;
        self
    }

    /// Sets by which command FTP folders are listed.
    #[must_use]
    pub fn with_list_command(mut self, command: ListCommand) -> Self {
        self.list_command = command;
        self
    }

    /// Sets whether algorithms and versions that are no longer safe may be used.
    #[must_use]
    pub fn with_legacy(mut self, legacy: bool) -> Self {
        self.legacy = legacy;
        self
    }

    /// Sets the charset in which names are shown and typed.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets how much a server may send.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets one parameter by its label or short key, from its text form.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for an unknown name, or a value that cannot be meant.
    ///
    /// ```
    /// # use ftp_connect_core::ConnectParams;
    /// let params = ConnectParams::new("nas")?.with_parameter("active-ports", "50000-50100")?;
    /// assert_eq!(params.active().ports, Some((50_000, 50_100)));
    /// # Ok::<(), ftp_connect_core::Error>(())
    /// ```
    pub fn with_parameter(mut self, name: &str, value: &str) -> Result<Self> {
        field::set(&mut self, field::find(name)?, value)?;
        Ok(self)
    }

    /// Sets what is known of the server from an earlier session's
    /// [`profile`](crate::Session::profile); one of another server is not used.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<Option<HostProfile>>) -> Self {
        self.profile = profile.into();
        self
    }
}

impl ConnectParams {
    /// The same without password, account, passphrase and the text of a key, the proxy's and the jump host's
    /// too: what may be shown and passed on.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.password = None;
        self.account = None;
        self.key_passphrase = None;
        if self.encryption == Encryption::SshKeyContent {
            self.certificate = None;
        }
        if let Some(proxy) = &mut self.proxy {
            proxy.password = None;
        }
        self.jump = self.jump.map(|jump| Box::new(jump.without_secrets()));
        self
    }
}

impl fmt::Display for ConnectParams {
    /// Encryption, user, server and port in the form of a URL, without any secret and without the
    /// rest. To get all, see [`ConnectParams::to_url_with_secrets`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.encryption.scheme())?;
        if let Some(username) = &self.username {
            write!(f, "{}@", url::encode(username))?;
        }
        write!(f, "{}:{}", self.server.in_url(), self.port())
    }
}

#[cfg(test)]
mod tests;
