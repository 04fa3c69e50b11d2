//! The server's side of HTTP CONNECT (RFC 9110 §9.3.6).

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Client, Reached};

/// Takes the request; gives `host:port`, or nothing for a client that was sent away.
pub(super) async fn negotiate(
    client: &mut Client,
    login: Option<&(String, String)>,
) -> io::Result<Option<String>> {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        if header.len() == LONGEST {
            return Ok(None);
        }
        header.extend(client.read::<1>().await?);
    }
    let text = String::from_utf8(header).map_err(io::Error::other)?;
    let mut words = text.split(' ');
    let (method, target) = (words.next(), words.next());
    if let Some((user, password)) = login {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        let wanted = format!("Proxy-Authorization: Basic {credentials}");
        if !text.lines().any(|line| line == wanted) {
            client
                .write(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"\r\n\r\n")
                .await?;
            return Ok(None);
        }
    }
    match (method, target) {
        (Some("CONNECT"), Some(target)) => Ok(Some(target.to_owned())),
        _ => {
            client.write(b"HTTP/1.1 405 Only CONNECT\r\n\r\n").await?;
            Ok(None)
        }
    }
}

pub(super) fn answer(server: &Reached) -> Vec<u8> {
    match server {
        Ok(_) => b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec(),
        Err(Some(status)) => format!("HTTP/1.1 {status} Refused\r\n\r\n").into_bytes(),
        Err(None) => b"HTTP/1.1 502 Bad Gateway\r\n\r\n".to_vec(),
    }
}

const LONGEST: usize = 16 * 1024;
