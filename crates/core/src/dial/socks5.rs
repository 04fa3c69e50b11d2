//! SOCKS version 5 (RFC 1928) with no login or with user and password (RFC 1929).
//!
//! Names are sent as names, for the proxy to resolve: behind it may be a network whose names only it
//! knows, and asking a resolver here would tell others where one connects to. Every answer is read to
//! its last byte and no further, since an FTP server's greeting may follow in the same packet.

use std::net::{IpAddr, SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use zeroize::Zeroizing;

use super::{Target, proxy::Trouble};
use crate::{Host, params::Proxy};

pub(super) async fn ask(
    stream: &mut TcpStream,
    proxy: &Proxy,
    target: Target<'_>,
) -> Result<(), Trouble> {
    let login = proxy.username.as_deref();
    let methods: &[u8] = match login {
        Some(_) => &[NO_LOGIN, USER_AND_PASSWORD],
        None => &[NO_LOGIN],
    };
    let mut greeting = vec![VERSION, methods.len() as u8];
    greeting.extend_from_slice(methods);
    stream.write_all(&greeting).await?;

    let [version, method] = read(stream).await?;
    if version != VERSION {
        let what = match version {
            b'H' => "it speaks HTTP".to_owned(),
            // A SOCKS4 server's refusal begins with a zero (its version of replies).
            0 | 4 => "it speaks SOCKS version 4".to_owned(),
            byte => format!("its answer begins with {byte:#04x}"),
        };
        return Err(Trouble::Stranger(what));
    }
    match (method, login) {
        (NO_LOGIN, _) => {}
        (USER_AND_PASSWORD, Some(username)) => log_in(stream, proxy, username).await?,
        (_, None) => {
            return Err(Trouble::LoginMissing(
                "it lets nobody in without one".to_owned(),
            ));
        }
        (NONE_ACCEPTABLE, Some(_)) => {
            let why = "it takes neither user and password nor no login at all";
            return Err(Trouble::LoginRefused(why.to_owned()));
        }
        (method, Some(_)) => {
            let why = format!("it chose the method {method:#04x}, which was not offered");
            return Err(Trouble::Stranger(why));
        }
    }

    stream.write_all(&request(target)).await?;
    let [version, code, _, kind] = read(stream).await?;
    if version != VERSION {
        let why = format!("its answer begins with {version:#04x}");
        return Err(Trouble::Stranger(why));
    }
    if code != 0 {
        // What follows a refusal does not matter: the proxy closes the connection.
        return Err(refusal(code));
    }
    // The address by which the proxy itself goes out; it says nothing about the server.
    let address_length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(read::<1>(stream).await?[0]),
        kind => {
            let why = format!("its answer has an address of the unknown type {kind:#04x}");
            return Err(Trouble::Stranger(why));
        }
    };
    let mut bound = [0; 255 + 2];
    stream.read_exact(&mut bound[..address_length + 2]).await?;
    Ok(())
}

/// User and password in the clear (RFC 1929 §2).
async fn log_in(stream: &mut TcpStream, proxy: &Proxy, username: &str) -> Result<(), Trouble> {
    let password = proxy.password.as_ref().map_or("", |secret| secret.expose());
    let length = |text: &str| {
        u8::try_from(text.len()).map_err(|_| {
            Trouble::LoginUnfit("SOCKS5 has room for 255 bytes of user and of password")
        })
    };
    let mut message = Zeroizing::new(Vec::with_capacity(3 + 2 * 255));
    message.extend_from_slice(&[LOGIN_VERSION, length(username)?]);
    message.extend_from_slice(username.as_bytes());
    message.push(length(password)?);
    message.extend_from_slice(password.as_bytes());
    stream.write_all(&message).await?;
    let [_, status] = read(stream).await?;
    match status {
        0 => Ok(()),
        status => Err(Trouble::LoginRefused(format!("status {status}"))),
    }
}

/// CONNECT to the target (RFC 1928 §4).
fn request(target: Target<'_>) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    let port = match target {
        Target::Address(address) => push_ip(&mut request, address),
        Target::Host(Host::Ip(ip), port) => push_ip(&mut request, SocketAddr::new(*ip, port)),
        Target::Host(Host::Name(name), port) => {
            // A host name has at most 253 bytes.
            request.extend_from_slice(&[NAME, name.len() as u8]);
            request.extend_from_slice(name.as_bytes());
            port
        }
    };
    request.extend_from_slice(&port.to_be_bytes());
    request
}

fn push_ip(request: &mut Vec<u8>, address: SocketAddr) -> u16 {
    match address.ip() {
        IpAddr::V4(ip) => {
            request.push(IPV4);
            request.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            request.push(IPV6);
            request.extend_from_slice(&ip.octets());
        }
    }
    address.port()
}

/// The codes of RFC 1928 §6.
fn refusal(code: u8) -> Trouble {
    let words = match code {
        1 => "it failed, for whatever reason",
        2 => "its rules do not allow it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "the time to live has expired",
        7 => "it does not know the command CONNECT",
        8 => "it does not know this type of address",
        _ => "no reason that the protocol has a name for",
    };
    let words = format!("{words} (SOCKS5 reply {code})");
    match code {
        2 | 7 => Trouble::Policy(words),
        _ => Trouble::Server(words),
    }
}

async fn read<const N: usize>(stream: &mut TcpStream) -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;

const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
