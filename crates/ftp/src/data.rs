//! Opening data connections: negotiated by [`DataChannels`], dialled or accepted here.
//!
//! The address in a PASV reply is not used unless the user says so: behind address translation it is
//! wrong, and in a hostile server's reply it would make the client connect wherever the server likes. The
//! control connection's peer is the one to connect to; behind a proxy, which alone knows that address, the
//! server's name. In active mode only the peer may connect.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ftp_connect_core as core;
use ftp_connect_core::dial::{DataTarget, dial_data, prepare};
use ftp_connect_core::params::PassiveAddress;
use ftp_connect_core::{ConnectParams, Error, ErrorKind, Host, HostProfile, Mode, Result};
use ftp_connect_ftp_proto::flow::{DataChannels, DataMethod, DataMode, DataPlan, Step};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::failure;
use crate::security::ChannelSecurity;
use crate::stream::{Socket, Stream};
use crate::wire::Wire;

/// A data connection that was agreed on: connected, to be connected, or awaited.
#[derive(Debug)]
pub(crate) enum DataLink {
    Connected(TcpStream),
    /// By a way that has led there before, so that the transfer is asked for meanwhile.
    Ahead {
        target: DataTarget,
        limit: Duration,
    },
    Listening {
        listener: TcpListener,
        /// Who may connect.
        peer: IpAddr,
        /// How long that may take once the transfer has been asked for.
        limit: Duration,
    },
}

/// The ways to data connections that the parameters allow, with what an earlier session found out.
pub(crate) fn channels(params: &ConnectParams, wire: &Wire) -> DataChannels {
    let mode = match params.mode() {
        Mode::Active => DataMode::Active,
        // Nobody can be listened for behind a proxy.
        Mode::Dynamic if params.proxy().is_none() => DataMode::Dynamic,
        Mode::Passive | Mode::Dynamic => DataMode::Passive,
    };
    let ipv6 = match wire.peer {
        Some(peer) => peer.is_ipv6(),
        None => matches!(params.server(), Host::Ip(IpAddr::V6(_))),
    };
    let known = known(params);
    let allowed = |method: &DataMethod| match params.data_methods() {
        [] => true,
        // PORT cannot say an IPv6 address; what is meant is that the server connects.
        some if ipv6 && *method == DataMethod::Eprt => some
            .iter()
            .any(|m| matches!(m, core::DataMethod::Eprt | core::DataMethod::Port)),
        some => some.contains(&named(*method)),
    };
    let allowed: Vec<_> = METHODS.into_iter().filter(allowed).collect();
    let mut channels = DataChannels::new(mode, ipv6).only(&allowed);
    if params.passive_address() == PassiveAddress::Advertised {
        let rule = known.and_then(|profile| profile.passive_address);
        channels = channels.with_advertised(rule == Some(PassiveAddress::Peer));
    }
    match known {
        Some(profile) => {
            let is_dead = |method: &DataMethod| profile.dead_data_methods.contains(&named(*method));
            let worked = |method: &DataMethod| profile.data_method == Some(named(*method));
            let dead: Vec<_> = METHODS.into_iter().filter(is_dead).collect();
            channels.with_known(METHODS.into_iter().find(worked), &dead)
        }
        None => channels,
    }
}

/// What an earlier session has found out about this server.
pub(crate) fn known(params: &ConnectParams) -> Option<&HostProfile> {
    params.profile().filter(|profile| profile.is_of(params))
}

/// Writes down what is known of the ways to data connections. Of those that this session may not use,
/// what was known before still holds.
pub(crate) fn remember(channels: &DataChannels, profile: &mut HostProfile) {
    if let Some(method) = channels.works() {
        profile.data_method = Some(named(method));
    }
    for method in channels.methods() {
        profile
            .dead_data_methods
            .retain(|dead| *dead != named(method));
    }
    profile.dead_data_methods.extend(channels.dead().map(named));
    match channels.advertised_works() {
        Some(true) => profile.passive_address = Some(PassiveAddress::Advertised),
        Some(false) => profile.passive_address = Some(PassiveAddress::Peer),
        None => {}
    }
}

/// The core's name for a way to a data connection.
pub(crate) fn named(method: DataMethod) -> ftp_connect_core::DataMethod {
    match method {
        DataMethod::Epsv => ftp_connect_core::DataMethod::Epsv,
        DataMethod::Pasv => ftp_connect_core::DataMethod::Pasv,
        DataMethod::Eprt => ftp_connect_core::DataMethod::Eprt,
        DataMethod::Port => ftp_connect_core::DataMethod::Port,
    }
}

/// Agrees on a data connection. Passive ones are connected when this returns, unless they are said to be `sure`:
/// a server that was asked for a transfer waits for the connection, so if that fails nothing else can be
/// tried for a long time.
///
/// # Cancel safety
/// What was sent is counted by the wire; the connection is dropped.
pub(crate) async fn open(
    wire: &mut Wire,
    channels: &mut DataChannels,
    params: &ConnectParams,
    sure: bool,
) -> Result<DataLink> {
    let mut listener = None;
    let mut failure = None;
    loop {
        match wire.advance(channels).await? {
            Step::Listen => match listen(wire.local, params).await {
                Ok((bound, address)) => {
                    channels.listening(address);
                    listener = Some(bound);
                }
                Err(error) => {
                    channels.unreachable();
                    failure = Some(error);
                }
            },
            Step::OpenData(DataPlan::Connect { port, address }) => {
                let target = match (address, wire.peer) {
                    (Some(ip), _) => DataTarget::Address(SocketAddr::new(ip, port)),
                    (None, Some(mut peer)) => {
                        peer.set_port(port);
                        DataTarget::Address(peer)
                    }
                    (None, None) => DataTarget::Server(port),
                };
                let limit = patience(channels, params);
                if sure {
                    return Ok(DataLink::Ahead { target, limit });
                }
                match dial_data(params, target, limit).await {
                    Ok(tcp) => return Ok(DataLink::Connected(tcp)),
                    Err(error) => {
                        tracing::debug!(target: "ftp_connect::ftp", %error, "data connection");
                        channels.unreachable();
                        failure = Some(error);
                    }
                }
            }
            Step::OpenData(_) => {
                let (Some(listener), Some(peer)) = (listener, wire.peer) else {
                    return Err(failure::protocol("nothing listens"));
                };
                return Ok(DataLink::Listening {
                    listener,
                    peer: peer.ip(),
                    limit: patience(channels, params),
                });
            }
            Step::Failed(error) => {
                let error = wire.refused(error);
                return Err(match failure {
                    Some(cause) if *error.kind() == ErrorKind::DataConnectionFailed => {
                        because(error, cause)
                    }
                    _ => error,
                });
            }
            _ => return Err(failure::protocol("a step that does not belong here")),
        }
    }
}

/// How long a data connection is waited for. While another way is left, not longer than a lost SYN
/// that was repeated three times: a firewall that swallows EPSV's port shall not cost the deadline whole.
fn patience(channels: &DataChannels, params: &ConnectParams) -> Duration {
    let limit = params.timeouts().data;
    match u32::try_from(channels.ways_left()) {
        Ok(0) => limit,
        Ok(left) => (limit / (left + 1)).min(PATIENCE),
        Err(_) => PATIENCE,
    }
}

/// That nothing is left to try, and why the last way was none.
fn because(nothing_left: Error, cause: Error) -> Error {
    let kind = match cause.kind() {
        ErrorKind::ProxyRefused => ErrorKind::ProxyRefused,
        // Listening, or the server's connecting, failed.
        ErrorKind::Io => ErrorKind::DataConnectionFailed,
        _ => ErrorKind::PassiveAddressUnroutable,
    };
    let hint = cause.hint().filter(|_| kind == ErrorKind::ProxyRefused);
    let hint = hint.map(str::to_owned);
    let made = Error::new(kind)
        .with_message(nothing_left.to_string())
        .with_source(cause);
    match hint {
        Some(hint) => made.with_hint(hint),
        None => made,
    }
}

/// The connection of a link that the server may use now.
pub(crate) async fn connected(link: DataLink, params: &ConnectParams) -> Result<TcpStream> {
    Ok(match link {
        DataLink::Connected(tcp) => tcp,
        DataLink::Ahead { target, limit } => {
            dial_data(params, target, limit).await.map_err(|error| {
                Error::new(ErrorKind::DataConnectionFailed)
                    .with_message(error.to_string())
                    .with_source(error)
            })?
        }
        DataLink::Listening {
            listener,
            peer,
            limit,
        } => {
            let tcp = accept(&listener, peer, limit).await?;
            prepare(&tcp, params)?;
            tcp
        }
    })
}

/// Makes a stream of a connection: secures it. Where it `ends_late`, close_notify does not end the TCP connection.
pub(crate) async fn establish(
    tcp: TcpStream,
    params: &ConnectParams,
    security: Option<&dyn ChannelSecurity>,
    ends_late: bool,
) -> Result<Box<dyn Stream>> {
    let socket = Socket::for_data(tcp);
    match security {
        None => Ok(Box::new(socket)),
        Some(security) => {
            let socket = match params.proxy().is_some() || ends_late {
                true => socket.ending_late(),
                false => socket,
            };
            let limit = params.timeouts().data;
            secure(security, socket, params.server(), limit).await
        }
    }
}

async fn secure(
    security: &dyn ChannelSecurity,
    socket: Socket,
    host: &Host,
    limit: Duration,
) -> Result<Box<dyn Stream>> {
    match timeout(limit, security.secure_data(socket, host)).await {
        Ok(result) => result,
        Err(_) => Err(failure::timed_out(
            "the TLS handshake of the data connection",
            limit,
        )),
    }
}

/// Waits for the server's connection; strangers are turned away.
async fn accept(listener: &TcpListener, peer: IpAddr, limit: Duration) -> Result<TcpStream> {
    let deadline = Instant::now() + limit;
    loop {
        match timeout_at(deadline, listener.accept()).await {
            Ok(Ok((tcp, from))) if from.ip().to_canonical() == peer.to_canonical() => {
                return Ok(tcp);
            }
            Ok(Ok((_, from))) => {
                tracing::warn!(target: "ftp_connect::ftp", %from, "turned away a stranger's data connection");
            }
            Ok(Err(error)) => {
                return Err(failure::from_io("waiting for the data connection", error));
            }
            Err(_) => {
                return Err(
                    Error::new(ErrorKind::DataConnectionFailed).with_message(format!(
                        "the server did not open the data connection within {} s",
                        limit.as_secs_f32()
                    )),
                );
            }
        }
    }
}

/// Listens where the parameters say; gives the address to tell the server too.
async fn listen(control: SocketAddr, params: &ConnectParams) -> Result<(TcpListener, SocketAddr)> {
    let active = params.active();
    let mut at = control;
    if let Some(ip) = active.bind.filter(|ip| *ip != control.ip()) {
        at = SocketAddr::new(ip, 0);
    }
    let (first, last) = active.ports.unwrap_or((0, 0));
    let count = u32::from(last - first) + 1;
    // Not always the first one: a server that connects from its port 20 cannot use the same pair of
    // ports again for minutes.
    let start = now().subsec_nanos() % count;
    let mut refused = None;
    for step in 0..count {
        let offset = (start + step) % count;
        at.set_port(first + u16::try_from(offset).unwrap_or_default());
        match TcpListener::bind(at).await {
            Ok(listener) => {
                let mut told = listener.local_addr()?;
                match active.external_address {
                    Some(external) => told.set_ip(external),
                    None if told.ip().is_unspecified() => told.set_ip(control.ip()),
                    None => {}
                }
                return Ok((listener, told));
            }
            Err(error) => refused = Some(error),
        }
    }
    let cause = refused.map(|error| error.to_string()).unwrap_or_default();
    let ports = match active.ports {
        Some((first, last)) => format!(", ports {first}-{last},"),
        None => String::new(),
    };
    Err(Error::new(ErrorKind::Io)
        .with_message(format!(
            "cannot listen on {}{ports} for the data connection: {cause}",
            at.ip()
        ))
        .with_hint("check address and ports of active mode"))
}

fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

const METHODS: [DataMethod; 4] = [
    DataMethod::Epsv,
    DataMethod::Pasv,
    DataMethod::Eprt,
    DataMethod::Port,
];

/// The most that a data connection is waited for while another way is left.
const PATIENCE: Duration = Duration::from_secs(8);
