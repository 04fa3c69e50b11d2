//! What SOCKS5 and HTTP proxies have in common: reaching them, one deadline over all, and errors that
//! say whether the proxy or the server behind it is the trouble.

use std::{fmt, io, time::Instant};

use tokio::net::TcpStream;

use super::{Deadline, Dialed, Target, direct, http, socks5};
use crate::{
    Error, ErrorKind, Result,
    params::{Proxy, ProxyKind},
};

/// Connects to `target` by asking the proxy for it.
pub(super) async fn through(
    proxy: &Proxy,
    target: Target<'_>,
    deadline: Deadline,
) -> Result<Dialed> {
    let to_proxy = Target::Host(&proxy.server, proxy.port);
    let mut dialed = direct(to_proxy, deadline)
        .await
        .map_err(|error| unreachable(error, proxy))?;
    let started = Instant::now();
    // Each step of the handshake is a packet of its own.
    dialed.stream.set_nodelay(true)?;
    let asked = ask(&mut dialed.stream, proxy, target);
    match deadline.within(asked).await {
        Some(Ok(())) => {}
        Some(Err(trouble)) => return Err(trouble.into_error(proxy, target)),
        None => {
            return Err(deadline
                .missed(&format!("a connection to {target} by {}", Shown(proxy)))
                .with_hint(
                    "the proxy accepts connections and does not answer: check its address and kind",
                ));
        }
    }
    dialed.peer = None;
    dialed.proxy = Some(started.elapsed());
    Ok(dialed)
}

async fn ask(
    stream: &mut TcpStream,
    proxy: &Proxy,
    target: Target<'_>,
) -> std::result::Result<(), Trouble> {
    match proxy.kind {
        ProxyKind::Socks5 => socks5::ask(stream, proxy, target).await,
        ProxyKind::HttpConnect => http::ask(stream, proxy, target).await,
    }
}

/// Why a proxy did not connect.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It did not reach the server, in its own words.
    Server(String),
    /// It does not do this for anybody or for us.
    Policy(String),
    /// It wants a login and none was given.
    LoginMissing(String),
    /// It does not take the login given.
    LoginRefused(String),
    /// The login has no form in which it could be sent.
    LoginUnfit(&'static str),
    /// It speaks something else.
    Stranger(String),
    /// The connection to it broke.
    Broken(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Trouble {
    fn into_error(self, proxy: &Proxy, target: Target<'_>) -> Error {
        let shown = Shown(proxy);
        let refused = |what: String, hint: &str| {
            Error::new(ErrorKind::ProxyRefused)
                .with_message(what)
                .with_hint(hint)
        };
        match self {
            Self::Server(why) => Error::new(ErrorKind::ConnectFailed)
                .with_message(format!("{shown} could not connect to {target}: {why}"))
                .with_hint(
                    "the proxy works: check the server's name and port as the proxy sees them",
                ),
            Self::Policy(why) => refused(
                format!("{shown} refused a connection to {target}: {why}"),
                "ask who runs the proxy to allow this server and port, data ports included for FTP",
            ),
            Self::LoginMissing(why) => refused(
                format!("{shown} wants a login: {why}"),
                "give user and password in the proxy's URL, as in socks5://user:password@host",
            ),
            Self::LoginRefused(why) => refused(
                format!("{shown} refused the login: {why}"),
                "check user and password in the proxy's URL",
            ),
            Self::LoginUnfit(why) => Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("the proxy's login cannot be sent: {why}"))
                .with_hint("check user and password in the proxy's URL"),
            Self::Stranger(why) => refused(
                format!("{shown} is no such proxy: {why}"),
                match proxy.kind {
                    ProxyKind::Socks5 => "check its port, or try http:// as the proxy's kind",
                    ProxyKind::HttpConnect => {
                        "check its port, or try socks5:// as the proxy's kind"
                    }
                },
            ),
            Self::Broken(error) => {
                let what = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
                    _ => error.to_string(),
                };
                Error::new(ErrorKind::ConnectFailed)
                    .with_message(format!(
                        "{shown} broke off while it was asked for {target}: {what}"
                    ))
                    .with_hint("try again, or check the proxy's kind (socks5:// or http://)")
                    .with_source(error)
            }
        }
    }
}

/// The proxy is not there; whether the server is, nobody knows.
fn unreachable(error: Error, proxy: &Proxy) -> Error {
    let kind = error.kind().clone();
    let retry = error.retry();
    Error::new(kind)
        .with_message(format!("{} is not reached: {error}", Shown(proxy)))
        .with_hint("check the proxy's address and port, and that it runs")
        .with_retry(retry)
        .with_source(error)
}

/// The proxy for people: kind and address, without its login.
struct Shown<'p>(&'p Proxy);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}", self.0)
    }
}
