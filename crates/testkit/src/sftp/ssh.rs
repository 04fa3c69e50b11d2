//! The SSH side: logins and the `sftp` subsystem.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Msg, PublicKeyOffer, Response, Session};
use russh::server::{Handler, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet};
use tokio::net::TcpStream;

use super::files::{Disk, Folder};

/// What clients have tried in order to log in, over all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginAttempts {
    /// Requests without a credential, which clients use to learn the methods.
    pub none: usize,
    /// Passwords sent by the method `password`.
    pub password: usize,
    /// Public keys named, with or without a signature.
    pub publickey_offers: usize,
    /// Signatures that verified.
    pub publickey: usize,
    /// Beginnings of the method `keyboard-interactive`.
    pub keyboard_interactive: usize,
}

impl LoginAttempts {
    /// How often something secret or identifying was sent: all but `none`.
    pub fn credentials(&self) -> usize {
        self.password + self.publickey_offers + self.publickey + self.keyboard_interactive
    }
}

/// What every connection of one server shares.
#[derive(Debug)]
pub(super) struct Shared {
    disk: Disk,
    user: String,
    password: Option<String>,
    authorized: Vec<PublicKey>,
    methods: MethodSet,
    forwarding: bool,
    max_sessions: usize,
    subsystem: bool,
    connections: AtomicUsize,
    none: AtomicUsize,
    password_count: AtomicUsize,
    publickey_offers: AtomicUsize,
    publickey: AtomicUsize,
    keyboard_interactive: AtomicUsize,
}

impl Shared {
    pub(super) fn new(
        disk: Disk,
        user: String,
        password: Option<String>,
        authorized: Vec<PublicKey>,
        methods: MethodSet,
        (forwarding, max_sessions, subsystem): (bool, usize, bool),
    ) -> Self {
        Self {
            disk,
            user,
            password,
            authorized,
            methods,
            forwarding,
            max_sessions,
            subsystem,
            connections: AtomicUsize::new(0),
            none: AtomicUsize::new(0),
            password_count: AtomicUsize::new(0),
            publickey_offers: AtomicUsize::new(0),
            publickey: AtomicUsize::new(0),
            keyboard_interactive: AtomicUsize::new(0),
        }
    }

    pub(super) fn attempts(&self) -> LoginAttempts {
        LoginAttempts {
            none: self.none.load(Ordering::SeqCst),
            password: self.password_count.load(Ordering::SeqCst),
            publickey_offers: self.publickey_offers.load(Ordering::SeqCst),
            publickey: self.publickey.load(Ordering::SeqCst),
            keyboard_interactive: self.keyboard_interactive.load(Ordering::SeqCst),
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn judge(&self, method: MethodKind, right: bool) -> Auth {
        if right && self.methods.contains(&method) {
            return Auth::Accept;
        }
        // All methods stay open, so that a client may try several on one connection.
        Auth::Reject {
            proceed_with_methods: Some(self.methods.clone()),
            partial_success: false,
        }
    }

    fn opens(&self, user: &str, password: &[u8]) -> bool {
        user == self.user
            && self
                .password
                .as_ref()
                .is_some_and(|own| own.as_bytes() == password)
    }

    fn authorizes(&self, user: &str, key: &PublicKey) -> bool {
        user == self.user
            && self
                .authorized
                .iter()
                .any(|own| own.key_data() == key.key_data())
    }
}

/// Makes a handler for each connection.
pub(super) struct Clients(pub(super) Arc<Shared>);

impl russh::server::Server for Clients {
    type Handler = Connection;

    fn new_client(&mut self, _peer: Option<SocketAddr>) -> Connection {
        self.0.connections.fetch_add(1, Ordering::SeqCst);
        Connection {
            shared: Arc::clone(&self.0),
            sessions: HashSet::new(),
            channels: HashMap::new(),
            prompted: Prompted::Not,
        }
    }

    fn handle_session_error(&mut self, error: russh::Error) {
        tracing::debug!(%error, "embedded SFTP connection ended");
    }
}

/// One connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    /// The session channels that are open.
    sessions: HashSet<ChannelId>,
    channels: HashMap<ChannelId, Channel<Msg>>,
    prompted: Prompted,
}

/// How far `keyboard-interactive` has come (RFC 4256).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prompted {
    Not,
    ForPassword,
    ForNothing,
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        self.shared.none.fetch_add(1, Ordering::SeqCst);
        Ok(self.shared.judge(MethodKind::None, false))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.shared.password_count.fetch_add(1, Ordering::SeqCst);
        let right = self.shared.opens(user, password.as_bytes());
        Ok(self.shared.judge(MethodKind::Password, right))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        self.shared.publickey_offers.fetch_add(1, Ordering::SeqCst);
        let right = self.shared.authorizes(user, offer.public_key);
        Ok(self.shared.judge(MethodKind::PublicKey, right))
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.shared.publickey.fetch_add(1, Ordering::SeqCst);
        let right = self.shared.authorizes(user, key.public_key);
        Ok(self.shared.judge(MethodKind::PublicKey, right))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            self.shared
                .keyboard_interactive
                .fetch_add(1, Ordering::SeqCst);
            if !self
                .shared
                .methods
                .contains(&MethodKind::KeyboardInteractive)
            {
                return Ok(self.shared.judge(MethodKind::KeyboardInteractive, false));
            }
            self.prompted = Prompted::ForPassword;
            return Ok(prompt(Cow::Borrowed(&[(
                Cow::Borrowed("Password: "),
                false,
            )])));
        };
        let prompted = std::mem::replace(&mut self.prompted, Prompted::Not);
        let right = match prompted {
            Prompted::Not => false,
            Prompted::ForPassword => {
                let answer = response.next();
                if answer.is_some_and(|answer| self.shared.opens(user, &answer)) {
                    self.prompted = Prompted::ForNothing;
                    return Ok(prompt(Cow::Borrowed(&[])));
                }
                false
            }
            Prompted::ForNothing => response.next().is_none(),
        };
        Ok(self.shared.judge(MethodKind::KeyboardInteractive, right))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.sessions.len() >= self.shared.max_sessions {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.sessions.insert(channel.id());
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.sessions.remove(&channel);
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let port = u16::try_from(port).unwrap_or_default();
        if !self.shared.forwarding {
            reply
                .reject(ChannelOpenFailure::AdministrativelyProhibited)
                .await;
            return Ok(());
        }
        match TcpStream::connect((host, port)).await {
            Ok(mut stream) => {
                reply.accept().await;
                let mut channel = channel.into_stream();
                tokio::spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut channel, &mut stream).await;
                });
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Closed from here, it will not be told of as closed by the client.
        self.sessions.remove(&channel);
        session.close(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.remove(&channel) {
            Some(stream) if name == "sftp" && self.shared.subsystem => {
                session.channel_success(channel)?;
                let folder = Folder::new(self.shared.disk.clone());
                russh_sftp::server::run(stream.into_stream(), folder).await;
                Ok(())
            }
            _ => session.channel_failure(channel),
        }
    }
}

fn prompt(prompts: Cow<'static, [(Cow<'static, str>, bool)]>) -> Auth {
    Auth::Partial {
        name: Cow::Borrowed(""),
        instructions: Cow::Borrowed(""),
        prompts,
    }
}
