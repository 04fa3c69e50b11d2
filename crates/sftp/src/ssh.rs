//! The SSH connection under SFTP: handshake, host key, login, one channel with the `sftp` subsystem.
//!
//! ```text
//! dial ─► Wire ─► russh: versions, key exchange ─► Judge (host key) ─► login ─► channel
//!                                                   │ refused: nothing secret was sent
//! ```
//!
//! The host key is judged inside the key exchange, in `check_server_key`, so that no handle with which a
//! credential could be sent exists before the key is accepted.

mod algorithms;
mod channels;
mod failure;
mod host_key;
mod login;
mod way;
mod wire;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ftp_connect_core::{ConnectParams, Error, ErrorKind, Operation, Result, Timings};
use russh::{
    ChannelId, ChannelWriteHalf, Disconnect,
    client::{self, DisconnectReason, Handle, Msg},
    keys::PublicKeyOrCertificate,
};
use tokio::time::timeout;

pub(crate) use channels::Sink;
pub(crate) use host_key::Presented;
pub(crate) use login::Proofs;

use self::{
    channels::Channels,
    failure::Failure,
    host_key::{Accepted, Expected, Judge},
    login::Goodbye,
    way::Way,
    wire::{Leash, Opening, Wire},
};

/// A connection that is encrypted, to a server whose key is accepted.
#[derive(Debug)]
pub(crate) struct Ssh {
    handle: Connection,
    channels: Channels,
    seen: Arc<Mutex<Seen>>,
    pub(crate) facts: Facts,
    /// Dropping the session closes the connection at once.
    _leash: Leash,
    /// The jump host's connection, under this one.
    via: Option<Box<Self>>,
}

/// What is known of the connection so far.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) peer: Option<std::net::SocketAddr>,
    /// The server's version line.
    pub(crate) version: String,
    pub(crate) host_key: ftp_connect_core::HostKeyReport,
    pub(crate) warnings: Vec<String>,
    /// The negotiated algorithms, `what=name`.
    pub(crate) algorithms: Vec<String>,
    pub(crate) timings: Timings,
}

impl Ssh {
    /// Dials, exchanges keys and checks the host key.
    pub(crate) async fn connect(params: &ConnectParams) -> Result<Self> {
        let judge = Judge::new(params)?;
        let expected = judge.expected().await?;
        let (connected, started) = shake_hands(params, Purpose::Session(judge), &expected).await?;
        let Handshake {
            outcome,
            channels,
            seen,
            opening,
            leash,
            way,
        } = connected;
        let handle = outcome.map_err(|failure| {
            failure::handshake(failure, &opening, lock(&seen).goodbye_text(), params)
        })?;
        let mut timings = way.timings;
        timings.add("ssh", started.elapsed());
        let (accepted, algorithms) = {
            let mut seen = lock(&seen);
            (seen.accepted.take(), std::mem::take(&mut seen.algorithms))
        };
        let Accepted { report, warnings } = accepted.ok_or_else(|| {
            // No key exchange ends without a host key but the one without encryption.
            Error::new(ErrorKind::Protocol).with_message("the server showed no host key")
        })?;
        for warning in &warnings {
            tracing::warn!(server = %params.server(), "{warning}");
        }
        let warnings = way.warnings.into_iter().chain(warnings).collect();
        Ok(Self {
            handle: Connection(handle),
            channels,
            seen,
            facts: Facts {
                peer: way.peer,
                version: opening.version().unwrap_or_default(),
                host_key: report,
                warnings,
                algorithms,
                timings,
            },
            _leash: leash,
            via: way.via,
        })
    }

    /// Logs in with what the parameters have.
    pub(crate) async fn log_in(&mut self, params: &ConnectParams, proofs: Proofs) -> Result<()> {
        let started = Instant::now();
        let seen = Arc::clone(&self.seen);
        let goodbye = move || lock(&seen).goodbye.clone();
        let server = &self.facts.version;
        login::log_in(&mut self.handle.0, params, proofs, server, goodbye).await?;
        self.facts.timings.add("login", started.elapsed());
        Ok(())
    }

    /// Opens a channel for the `sftp` subsystem. What arrives on it goes to `sink`, the server's word on the
    /// subsystem itself too, which is not waited for.
    pub(crate) async fn open_sftp(
        &self,
        sink: Arc<dyn Sink>,
        limit: Duration,
    ) -> Result<ChannelWriteHalf<Msg>> {
        let open = async {
            let channel = self
                .handle
                .0
                .channel_open_session()
                .await
                .map_err(|error| {
                    if let russh::Error::ChannelOpenFailure(reason) = &error {
                        return Error::new(ErrorKind::Refused)
                            .with_message(format!("the server opens no channel: {reason:?}"))
                            .with_hint("the server may allow no sessions to this user")
                            .with_source(error);
                    }
                    failure::translate(error)
                })?;
            // Without its reading half, the library's queue of what arrives is closed.
            let (_, channel) = channel.split();
            self.channels.register(channel.id(), sink);
            channel
                .request_subsystem(true, "sftp")
                .await
                .map_err(failure::translate)?;
            Ok(channel)
        };
        within(limit, Operation::Connect, "SSH channel", open).await
    }

    /// What the server wanted to be shown before the login (RFC 4252 §5.4).
    pub(crate) fn login_banner(&self) -> String {
        lock(&self.seen).banner.trim().to_owned()
    }

    /// What the server said when it ended the connection.
    pub(crate) fn goodbye(&self) -> Option<String> {
        lock(&self.seen).goodbye_text()
    }

    /// Takes leave and waits briefly for the connection to end.
    pub(crate) async fn disconnect(mut self) {
        let leave = async {
            let _ = self
                .handle
                .0
                .disconnect(Disconnect::ByApplication, "", "")
                .await;
            let _ = (&mut self.handle.0).await;
            if let Some(via) = self.via.take() {
                Box::pin(via.disconnect()).await;
            }
        };
        let _ = timeout(LEAVE, leave).await;
    }
}

/// The server's host key, taken without logging in: the connection ends as soon as it is known.
pub(crate) async fn host_key(params: &ConnectParams) -> Result<Presented> {
    let (connected, _) = shake_hands(params, Purpose::HostKey, &Expected::default()).await?;
    let Handshake {
        outcome,
        seen,
        opening,
        ..
    } = connected;
    let (presented, goodbye) = {
        let mut seen = lock(&seen);
        (seen.presented.take(), seen.goodbye_text())
    };
    match (presented, outcome) {
        (Some(key), _) => Ok(key),
        (None, Err(failure)) => Err(failure::handshake(failure, &opening, goodbye, params)),
        (None, Ok(_)) => {
            Err(Error::new(ErrorKind::Protocol).with_message("the server showed no host key"))
        }
    }
}

struct Handshake {
    outcome: std::result::Result<Handle<Client>, Failure>,
    channels: Channels,
    seen: Arc<Mutex<Seen>>,
    opening: Opening,
    leash: Leash,
    way: Traveled,
}

/// What is left of the way once the stream is in use.
struct Traveled {
    peer: Option<std::net::SocketAddr>,
    timings: Timings,
    warnings: Vec<String>,
    via: Option<Box<Ssh>>,
}

async fn shake_hands(
    params: &ConnectParams,
    purpose: Purpose,
    expected: &Expected,
) -> Result<(Handshake, Instant)> {
    let Way {
        stream,
        peer,
        timings,
        warnings,
        via,
    } = way::open(params).await?;
    let started = Instant::now();
    let (wire, leash, opening) = Wire::new(stream);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let channels = Channels::default();
    let client = Client {
        purpose,
        channels: channels.clone(),
        seen: Arc::clone(&seen),
    };
    let config = Arc::new(algorithms::config(params, expected));
    let limit = params.timeouts().reply;
    let outcome = timeout(limit, client::connect_stream(config, wire, client))
        .await
        .map_err(|_| {
            match opening.not_ssh() {
                // Something that waits for us to speak another language.
                Some(what @ (wire::NotSsh::Said(_) | wire::NotSsh::OldSsh(_))) => {
                    failure::not_ssh(&what, params)
                }
                _ => timed_out("SSH handshake", limit),
            }
            .with_operation(Operation::Connect)
        })?;
    let way = Traveled {
        peer,
        timings,
        warnings,
        via,
    };
    let handshake = Handshake {
        outcome,
        channels,
        seen,
        opening,
        leash,
        way,
    };
    Ok((handshake, started))
}

/// What the connection is for.
#[derive(Debug)]
enum Purpose {
    Session(Judge),
    HostKey,
}

/// Our side of the SSH library's callbacks.
#[derive(Debug)]
struct Client {
    purpose: Purpose,
    channels: Channels,
    seen: Arc<Mutex<Seen>>,
}

/// What the callbacks saw.
#[derive(Debug, Default)]
struct Seen {
    presented: Option<Presented>,
    accepted: Option<Accepted>,
    algorithms: Vec<String>,
    banner: String,
    goodbye: Option<Goodbye>,
}

impl Seen {
    fn goodbye_text(&self) -> Option<String> {
        match &self.goodbye {
            Some(Goodbye::Message { text, .. }) if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The library drops it with the connection.
        self.channels.end_all();
    }
}

impl client::Handler for Client {
    type Error = Failure;

    async fn check_server_key(
        &mut self,
        server: &PublicKeyOrCertificate,
    ) -> std::result::Result<bool, Failure> {
        let key = Presented::new(server).map_err(Failure::Ours)?;
        match &self.purpose {
            Purpose::Session(judge) => {
                let accepted = judge.judge(&key).await.map_err(Failure::Ours)?;
                lock(&self.seen).accepted = Some(accepted);
                Ok(true)
            }
            Purpose::HostKey => {
                lock(&self.seen).presented = Some(key);
                Err(Failure::Enough)
            }
        }
    }

    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        names: &russh::Names,
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        let signature = algorithms::signature_name(&names.key);
        let mut negotiated = vec![
            format!("kex={}", names.kex.as_ref()),
            format!("host-key={signature}"),
            format!("cipher={}", names.cipher.as_ref()),
        ];
        // The ciphers with authentication of their own need no MAC.
        let aead = ["gcm", "poly1305"];
        if !aead.iter().any(|part| names.cipher.as_ref().contains(part)) {
            negotiated.push(format!("mac={}", names.client_mac.as_ref()));
        }
        lock(&self.seen).algorithms = negotiated;
        Ok(())
    }

    async fn auth_banner(
        &mut self,
        banner: &str,
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        let mut seen = lock(&self.seen);
        if seen.banner.len() + banner.len() <= BANNER_BYTES {
            seen.banner.push_str(banner);
        }
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        if let Some(sink) = self.channels.sink(channel) {
            sink.data(data);
        }
        Ok(())
    }

    async fn extended_data(
        &mut self,
        channel: ChannelId,
        _kind: u32,
        text: &[u8],
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        if let Some(sink) = self.channels.sink(channel) {
            sink.error_text(text);
        }
        Ok(())
    }

    async fn channel_failure(
        &mut self,
        channel: ChannelId,
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        if let Some(sink) = self.channels.sink(channel) {
            sink.refused();
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        if let Some(sink) = self.channels.sink(channel) {
            sink.ended();
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut client::Session,
    ) -> std::result::Result<(), Failure> {
        self.channels.end(channel);
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<Failure>,
    ) -> std::result::Result<(), Failure> {
        let (goodbye, outcome) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let text = info.message.replace(char::is_control, " ");
                let goodbye = Goodbye::Message {
                    code: info.reason_code as u32,
                    text: text.trim().chars().take(300).collect(),
                };
                (goodbye, Ok(()))
            }
            DisconnectReason::Error(failure) => {
                let goodbye = match &failure {
                    Failure::Ssh(russh::Error::NoAuthMethod) => Goodbye::NoMethodLeft,
                    _ => Goodbye::Silent,
                };
                (goodbye, Err(failure))
            }
        };
        lock(&self.seen).goodbye = Some(goodbye);
        outcome
    }
}

/// The library's handle, which has no `Debug` of its own.
struct Connection(Handle<Client>);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

/// Waits for what must not take longer than `limit`.
pub(crate) async fn within<T>(
    limit: Duration,
    operation: Operation,
    what: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(timed_out(what, limit)),
    }
    .map_err(|error| error.with_operation(operation))
}

fn timed_out(what: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::TimedOut)
        .with_message(format!("{what}: no answer after {} s", limit.as_secs_f32()))
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The longest login banner that is kept.
const BANNER_BYTES: usize = 64 * 1024;

/// How long a polite end may take.
const LEAVE: Duration = Duration::from_secs(2);
