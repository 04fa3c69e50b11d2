//! The one dialer: every TCP connection of FTP Connect, control, data and SSH, is opened here, so
//! that deadlines, socket options, the order in which addresses are tried and proxies are the same for
//! all.
//!
//! ```text
//! dial, dial_data ─┬─ no proxy ─ addresses: resolve, families in turn ─ race: 250 ms apart, first wins
//!                  └─ proxy ──── the same to the proxy ─ socks5 or http: ask for the server
//! ```
//!
//! Behind a proxy a connection is still a TCP stream: the proxy's own words have been read to their last
//! byte, and what follows is the server's. Listening for a connection is not here: a proxy cannot be
//! listened through.

mod addresses;
mod http;
mod proxy;
mod race;
mod socks5;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::{ConnectParams, Error, ErrorKind, Host, Result, Timings};

/// A connection and how it came to be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dialed {
    /// The connection, with Nagle's delay off.
    pub stream: TcpStream,
    /// The server's address that answered; `None` behind a proxy, which alone knows it.
    pub peer: Option<SocketAddr>,
    /// How long resolving the name took, the proxy's where there is one.
    pub resolve: Duration,
    /// How long connecting took, over all addresses tried.
    pub tcp: Duration,
    /// How long the proxy took, from being asked to the server's being there; `None` without one.
    pub proxy: Option<Duration>,
}

impl Dialed {
    /// Adds the steps to a report's timings.
    pub fn time(&self, timings: &mut Timings) {
        timings.add("resolve", self.resolve);
        timings.add("tcp", self.tcp);
        if let Some(took) = self.proxy {
            timings.add("proxy", took);
        }
    }
}

/// Connects to the server of the parameters, through their proxy if there is one.
///
/// # Errors
/// [`ErrorKind::NameNotResolved`], [`ErrorKind::ConnectFailed`] with what each address or the proxy said,
/// [`ErrorKind::ProxyRefused`], or [`ErrorKind::TimedOut`].
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub async fn dial(params: &ConnectParams) -> Result<Dialed> {
    let limit = params.timeouts().connect;
    let target = Target::Host(params.server(), params.port());
    let dialed = connect(target, params, limit).await?;
    prepare(&dialed.stream, params)?;
    Ok(dialed)
}

/// The addresses of the server, in the order in which [`dial`] tries them.
///
/// # Errors
/// [`ErrorKind::NameNotResolved`] or [`ErrorKind::TimedOut`].
///
/// # Cancel safety
/// Dropping the future leaves nothing behind.
pub async fn addresses(params: &ConnectParams) -> Result<Vec<SocketAddr>> {
    let deadline = Deadline::after(params.timeouts().connect);
    let host = params.server();
    let found = deadline.within(addresses::resolve(host, params.port()));
    let missed = || Err(deadline.missed(&format!("the address of {host}")));
    found.await.unwrap_or_else(missed)
}

/// Connects to one address within `limit`, without a proxy.
///
/// # Errors
/// [`ErrorKind::ConnectFailed`] or [`ErrorKind::TimedOut`].
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub async fn dial_address(
    params: &ConnectParams,
    address: SocketAddr,
    limit: Duration,
) -> Result<TcpStream> {
    let dialed = direct(Target::Address(address), Deadline::after(limit)).await?;
    prepare(&dialed.stream, params)?;
    Ok(dialed.stream)
}

/// Where a data connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataTarget {
    /// To this address, which may be asked of a proxy.
    Address(SocketAddr),
    /// To this port of the server as the parameters name it: behind a proxy its address is not known.
    Server(u16),
}

/// Connects for a data connection within `limit`, through the parameters' proxy if there is one.
///
/// # Errors
/// [`ErrorKind::DataConnectionFailed`], [`ErrorKind::ProxyRefused`], or [`ErrorKind::TimedOut`].
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub async fn dial_data(
    params: &ConnectParams,
    target: DataTarget,
    limit: Duration,
) -> Result<TcpStream> {
    let target = match target {
        DataTarget::Address(address) => Target::Address(address),
        DataTarget::Server(port) => Target::Host(params.server(), port),
    };
    let stream = match connect(target, params, limit).await {
        Ok(dialed) => dialed.stream,
        Err(error) => {
            let made = Error::new(match error.kind() {
                ErrorKind::TimedOut | ErrorKind::ProxyRefused => error.kind().clone(),
                _ => ErrorKind::DataConnectionFailed,
            });
            let made = match error.hint() {
                // What a proxy is to be asked to allow, it alone knows.
                Some(hint) if params.proxy().is_some() => made.with_hint(hint),
                _ => made,
            };
            let message = format!("data connection: {error}");
            return Err(made.with_message(message).with_source(error));
        }
    };
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

/// Acknowledges what has come to the peer at once, where the system can be told so. For once: it goes back to delaying by
/// itself.
///
/// Why: a peer that writes in small pieces and leaves Nagle's algorithm on (Pure-FTPd a listing, OpenSSH all it says)
/// keeps the next piece until the one before is acknowledged, which the system delays for up to 40 ms.
pub fn acknowledge(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // Without it everything only takes longer.
    let _ = SockRef::from(stream).set_tcp_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

/// The other end, as far as it is known.
#[derive(Clone, Copy)]
enum Target<'t> {
    Host(&'t Host, u16),
    Address(SocketAddr),
}

impl std::fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host, port) => write!(f, "{}:{port}", host.in_url()),
            Self::Address(address) => address.fmt(f),
        }
    }
}

async fn connect(target: Target<'_>, params: &ConnectParams, limit: Duration) -> Result<Dialed> {
    let deadline = Deadline::after(limit);
    match params.proxy() {
        None => direct(target, deadline).await,
        Some(proxy) => proxy::through(proxy, target, deadline).await,
    }
}

/// Connects without asking anybody in between.
async fn direct(target: Target<'_>, deadline: Deadline) -> Result<Dialed> {
    let started = Instant::now();
    let addresses = match target {
        Target::Address(address) => vec![address],
        Target::Host(host, port) => {
            let found = deadline.within(addresses::resolve(host, port)).await;
            found.unwrap_or_else(|| Err(deadline.missed(&format!("the address of {host}"))))?
        }
    };
    let resolve = started.elapsed();
    let race = race::race(&addresses, deadline.at, TcpStream::connect);
    let (stream, peer) = match race.await {
        Ok(winner) => winner,
        Err(failures) if failures.iter().all(|failure| failure.cause.is_none()) => {
            return Err(deadline.missed(&format!("a connection to {target}")));
        }
        Err(failures) => {
            let causes: Vec<_> = failures.iter().map(ToString::to_string).collect();
            return Err(Error::new(ErrorKind::ConnectFailed).with_message(format!(
                "could not connect to {target}: {}",
                causes.join("; ")
            )));
        }
    };
    Ok(Dialed {
        stream,
        peer: Some(peer),
        resolve,
        tcp: started.elapsed() - resolve,
        proxy: None,
    })
}

/// One deadline over all steps of dialling.
#[derive(Clone, Copy)]
struct Deadline {
    at: tokio::time::Instant,
    limit: Duration,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self {
            at: tokio::time::Instant::now() + limit,
            limit,
        }
    }

    /// The outcome, or `None` if the deadline came first.
    async fn within<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.at, work).await.ok()
    }

    fn missed(self, what: &str) -> Error {
        let seconds = self.limit.as_secs_f32();
        Error::new(ErrorKind::TimedOut)
            .with_message(format!("{what} was not there after {seconds} s"))
    }
}

#[cfg(test)]
mod tests;
