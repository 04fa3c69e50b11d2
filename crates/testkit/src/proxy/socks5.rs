//! The server's side of SOCKS5 (RFC 1928, RFC 1929).

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::{Client, Reached};

/// Takes the greeting, a login if one is wanted, and the request; gives `host:port`, or nothing for a
/// client that was sent away.
pub(super) async fn negotiate(
    client: &mut Client,
    login: Option<&(String, String)>,
) -> io::Result<Option<String>> {
    let [version, count] = client.read().await?;
    if version != 5 {
        return Ok(None);
    }
    let mut methods = Vec::new();
    for _ in 0..count {
        methods.extend(client.read::<1>().await?);
    }
    let wanted = if login.is_some() { 2 } else { 0 };
    if !methods.contains(&wanted) {
        client.write(&[5, 0xff]).await?;
        return Ok(None);
    }
    client.write(&[5, wanted]).await?;
    if let Some((user, password)) = login {
        let [_, length] = client.read().await?;
        let given_user = client.read_text(length).await?;
        let [length] = client.read().await?;
        let given_password = client.read_text(length).await?;
        let right = *user == given_user && *password == given_password;
        client.write(&[1, u8::from(!right)]).await?;
        if !right {
            return Ok(None);
        }
    }
    let [_, command, _, kind] = client.read().await?;
    let host = match kind {
        1 => IpAddr::from(client.read::<4>().await?).to_string(),
        4 => format!("[{}]", IpAddr::from(client.read::<16>().await?)),
        3 => {
            let [length] = client.read().await?;
            client.read_text(length).await?
        }
        _ => return Ok(None),
    };
    let port = u16::from_be_bytes(client.read().await?);
    if command != 1 {
        client.write(&reply(7)).await?;
        return Ok(None);
    }
    Ok(Some(format!("{host}:{port}")))
}

pub(super) fn answer(server: &Reached) -> Vec<u8> {
    match server {
        Ok(server) => match server.local_addr() {
            // The address by which the proxy goes out has the server's family.
            Ok(SocketAddr::V6(bound)) => {
                let mut reply = vec![5, 0, 0, 4];
                reply.extend_from_slice(&bound.ip().octets());
                reply.extend_from_slice(&bound.port().to_be_bytes());
                reply
            }
            _ => reply(0),
        },
        Err(Some(code)) => reply(u8::try_from(*code).unwrap_or(1)),
        // Connection refused, the usual cause on loopback.
        Err(None) => reply(5),
    }
}

fn reply(code: u8) -> Vec<u8> {
    vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}
