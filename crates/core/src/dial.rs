//! The one dialer: every TCP connection of FTP Connect, control, data and SSH, is opened here, so
//! that deadlines, socket options and (in time) proxies are the same for all.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{ConnectParams, Error, ErrorKind, Host, Result};

/// A connection and how it came to be.
#[derive(Debug)]
pub struct Dialed {
    /// The connection, with Nagle's delay off.
    pub stream: TcpStream,
    /// The address that answered.
    pub peer: SocketAddr,
    /// How long resolving the name took.
    pub resolve: Duration,
    /// How long connecting took, over all addresses tried.
    pub tcp: Duration,
}

/// Connects to the server of the parameters.
///
/// # Errors
/// [`ErrorKind::NameNotResolved`], [`ErrorKind::ConnectFailed`] with what each address said,
/// [`ErrorKind::TimedOut`], or [`ErrorKind::Unsupported`] for a proxy.
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub async fn dial(params: &ConnectParams) -> Result<Dialed> {
    refuse_proxy(params)?;
    let limit = params.timeouts().connect;
    let started = Instant::now();
    let addresses = timeout(limit, resolve(params.server(), params.port()))
        .await
        .map_err(|_| timed_out(params, limit))??;
    let resolved = started.elapsed();
    // The addresses share the time that is left, so that a dead first one does not use it up.
    let mut failures = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let left = limit.saturating_sub(started.elapsed());
        let share = left / (addresses.len() - index) as u32;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                prepare(&stream, params)?;
                let tcp = started.elapsed() - resolved;
                return Ok(Dialed {
                    stream,
                    peer: *address,
                    resolve: resolved,
                    tcp,
                });
            }
            Ok(Err(error)) => failures.push((address, Some(error))),
            Err(_) => failures.push((address, None)),
        }
    }
    if failures.iter().all(|(_, error)| error.is_none()) {
        return Err(timed_out(params, limit));
    }
    let causes: Vec<_> = failures
        .iter()
        .map(|(address, error)| match error {
            Some(error) => format!("{address}: {error}"),
            None => format!("{address}: no answer"),
        })
        .collect();
    Err(Error::new(ErrorKind::ConnectFailed).with_message(format!(
        "could not connect to {}: {}",
        params.server(),
        causes.join("; ")
    )))
}

/// Connects to an address for a data connection.
///
/// # Errors
/// [`ErrorKind::DataConnectionFailed`], [`ErrorKind::TimedOut`], or [`ErrorKind::Unsupported`] for a
/// proxy.
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub async fn dial_data(params: &ConnectParams, address: SocketAddr) -> Result<TcpStream> {
    refuse_proxy(params)?;
    let limit = params.timeouts().data;
    let stream = timeout(limit, TcpStream::connect(address))
        .await
        .map_err(|_| {
            Error::new(ErrorKind::TimedOut).with_message(format!(
                "data connection to {address} not there after {} s",
                limit.as_secs_f32()
            ))
        })?
        .map_err(|error| {
            Error::new(ErrorKind::DataConnectionFailed)
                .with_message(format!("data connection to {address}: {error}"))
                .with_source(error)
        })?;
    prepare(&stream, params)?;
    Ok(stream)
}

/// Sets the options that every connection has: no Nagle delay, and TCP keep-alive as the parameters
/// say. For connections that were accepted rather than dialled.
///
/// # Errors
/// [`ErrorKind::Io`] from the operating system.
pub fn prepare(stream: &TcpStream, params: &ConnectParams) -> Result<()> {
    stream.set_nodelay(true)?;
    if let Some(every) = params.keep_alive() {
        let keep_alive = TcpKeepalive::new().with_time(every).with_interval(every);
        SockRef::from(stream).set_tcp_keepalive(&keep_alive)?;
    }
    Ok(())
}

async fn resolve(host: &Host, port: u16) -> Result<Vec<SocketAddr>> {
    let name = match host {
        Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => name,
    };
    let unknown = |cause: String| {
        Error::new(ErrorKind::NameNotResolved).with_message(format!("{name}: {cause}"))
    };
    let found = lookup_host((name.as_str(), port))
        .await
        .map_err(|e| unknown(e.to_string()))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.map(unmapped) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(unknown("the name has no address".to_owned()));
    }
    Ok(addresses)
}

/// `::ffff:1.2.3.4` is 1.2.3.4: servers judge active mode by the family.
fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn refuse_proxy(params: &ConnectParams) -> Result<()> {
    match params.proxy() {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Unsupported)
            .with_message("connecting through a proxy is not built yet")
            .with_hint("leave the proxy out")),
    }
}

fn timed_out(params: &ConnectParams, limit: Duration) -> Error {
    Error::new(ErrorKind::TimedOut).with_message(format!(
        "no connection to {} port {} after {} s",
        params.server(),
        params.port(),
        limit.as_secs_f32()
    ))
}
