//! Opening data connections: negotiated by [`DataChannels`], dialled or accepted here.
//!
//! The address in a PASV reply is not used: behind address translation it is wrong, and in a hostile
//! server's reply it would make the client connect wherever the server likes. The control
//! connection's peer is the one to connect to. In active mode only that peer may connect.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ftp_connect_core::dial::{dial_data, prepare};
use ftp_connect_core::{ConnectParams, Error, ErrorKind, Host, HostProfile, Mode, Result};
use ftp_connect_ftp_proto::flow::{DataChannels, DataMethod, DataMode, DataPlan, Step};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::failure;
use crate::security::ChannelSecurity;
use crate::stream::{Socket, Stream};
use crate::wire::Wire;

/// A data connection that was agreed on: connected, or awaited.
#[derive(Debug)]
pub(crate) enum DataLink {
    Connected(TcpStream),
    Listening(TcpListener),
}

/// Agrees on a data connection; passive ones are connected when this returns.
///
/// # Cancel safety
/// What was sent is counted by the wire; the connection is dropped.
pub(crate) async fn open(
    wire: &mut Wire,
    channels: &mut DataChannels,
    params: &ConnectParams,
) -> Result<DataLink> {
    let mut listener = None;
    let mut failure = None;
    loop {
        match wire.advance(channels).await? {
            Step::Listen => {
                let bound = listen(wire.local, params).await?;
                let mut address = bound.local_addr()?;
                if let Some(external) = params.active().external_address {
                    address.set_ip(external);
                }
                channels.listening(address);
                listener = Some(bound);
            }
            Step::OpenData(DataPlan::Connect { port, .. }) => {
                let mut address = wire.peer;
                address.set_port(port);
                match dial_data(params, address).await {
                    Ok(tcp) => {
                        channels.connected();
                        return Ok(DataLink::Connected(tcp));
                    }
                    Err(error) => {
                        tracing::debug!(target: "ftp_connect::ftp", %error, "data connection");
                        channels.failed();
                        failure = Some(error);
                    }
                }
            }
            Step::OpenData(_) => {
                let listener = listener.ok_or_else(|| failure::protocol("nothing listens"))?;
                return Ok(DataLink::Listening(listener));
            }
            Step::Failed(error) => {
                let error = wire.refused(error);
                // The reason why connecting failed says more than that nothing is left to try.
                return Err(match failure {
                    Some(cause) if *error.kind() == ErrorKind::DataConnectionFailed => {
                        unroutable(cause)
                    }
                    _ => error,
                });
            }
            _ => return Err(failure::protocol("a step that does not belong here")),
        }
    }
}

/// Makes a link that the server may use now into a stream: accepts it, secures it.
pub(crate) async fn establish(
    link: DataLink,
    peer: IpAddr,
    params: &ConnectParams,
    security: Option<&dyn ChannelSecurity>,
) -> Result<Box<dyn Stream>> {
    let limit = params.timeouts().data;
    let tcp = match link {
        DataLink::Connected(tcp) => tcp,
        DataLink::Listening(listener) => {
            let tcp = accept(&listener, peer, limit).await?;
            prepare(&tcp, params)?;
            tcp
        }
    };
    let socket = Socket::for_data(tcp);
    match security {
        None => Ok(Box::new(socket)),
        Some(security) => secure(security, socket, params.server(), limit).await,
    }
}

/// The ways to data connections that the mode allows, with what an earlier session found out.
pub(crate) fn channels(mode: Mode, ipv6: bool, known: Option<&HostProfile>) -> DataChannels {
    let mode = match mode {
        Mode::Active => DataMode::Active,
        Mode::Passive => DataMode::Passive,
        Mode::Dynamic => DataMode::Dynamic,
    };
    let channels = DataChannels::new(mode, ipv6);
    match known {
        Some(profile) => {
            let known = |method: &DataMethod| profile.dead_data_methods.contains(&named(*method));
            let dead: Vec<_> = METHODS.into_iter().filter(known).collect();
            let works = METHODS
                .into_iter()
                .find(|method| profile.data_method == Some(named(*method)));
            channels.with_known(works, &dead)
        }
        None => channels,
    }
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

const METHODS: [DataMethod; 4] = [
    DataMethod::Epsv,
    DataMethod::Pasv,
    DataMethod::Eprt,
    DataMethod::Port,
];

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

async fn listen(local: SocketAddr, params: &ConnectParams) -> Result<TcpListener> {
    let active = params.active();
    let ip = active.bind.unwrap_or_else(|| local.ip());
    let at = |port| {
        let mut address = local;
        if address.ip() != ip {
            address = SocketAddr::new(ip, port);
        }
        address.set_port(port);
        address
    };
    let (first, last) = active.ports.unwrap_or((0, 0));
    let mut refused = None;
    for port in first..=last {
        match TcpListener::bind(at(port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some(error),
        }
    }
    let cause = refused.map(|error| error.to_string()).unwrap_or_default();
    Err(
        Error::new(ErrorKind::DataConnectionFailed).with_message(format!(
            "cannot listen on {ip} for the data connection: {cause}"
        )),
    )
}

fn unroutable(cause: Error) -> Error {
    let message = cause.to_string();
    Error::new(ErrorKind::PassiveAddressUnroutable)
        .with_message(message)
        .with_source(cause)
}
