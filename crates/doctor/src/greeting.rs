//! Who speaks first on a port, and what.
//!
//! FTP and SSH servers speak first, TLS and HTTP servers wait. This is the only place where bytes are read that
//! no backend has asked for; they are looked at and thrown away.

use std::time::Duration;

use ftp_connect_core::{ConnectParams, Result, dial::dial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// What speaks on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Spoken {
    /// FTP: a reply of three digits.
    Ftp,
    /// SSH: its version line (RFC 4253 §4.2).
    Ssh,
    /// HTTP, once spoken to.
    Http,
    /// TLS, once spoken to.
    Tls,
    /// A mail server: SMTP greets like FTP, and says its name.
    Mail,
    /// Something else.
    Unknown,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// This, in these words.
    Said(Spoken, String),
    /// Nothing until the deadline.
    Silence,
    /// Nothing, and the connection was closed.
    Closed,
}

/// Connects and listens for the first line.
///
/// # Errors
/// As the dialer.
pub(crate) async fn listen(params: &ConnectParams, patience: Duration) -> Result<Heard> {
    let mut stream = dial(params).await?.stream;
    let heard = first_line(&mut stream, patience).await;
    if heard != Heard::Silence {
        return Ok(heard);
    }
    // A line end is no harm to a server that waits for commands, and makes TLS and HTTP servers answer.
    let _ = stream.write_all(b"\r\n\r\n").await;
    Ok(match first_line(&mut stream, PROBE).await {
        Heard::Said(Spoken::Ftp | Spoken::Ssh, _) | Heard::Closed => Heard::Silence,
        other => other,
    })
}

async fn first_line(stream: &mut TcpStream, patience: Duration) -> Heard {
    let deadline = Instant::now() + patience;
    let mut line = Vec::new();
    let mut buffer = [0; 512];
    while line.len() < LINE && !line.contains(&b'\n') {
        match timeout_at(deadline, stream.read(&mut buffer)).await {
            Err(_) => break,
            Ok(Ok(0) | Err(_)) if line.is_empty() => return Heard::Closed,
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(n)) => line.extend_from_slice(&buffer[..n]),
        }
    }
    if line.is_empty() {
        return Heard::Silence;
    }
    let spoken = classify(&line);
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = String::from_utf8_lossy(&line[..end.unwrap_or(line.len())]);
    let words = match spoken {
        Spoken::Tls => "a TLS alert".to_owned(),
        _ => line.trim().replace(char::is_control, " "),
    };
    Heard::Said(spoken, words)
}

fn classify(bytes: &[u8]) -> Spoken {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let text = String::from_utf8_lossy(bytes).to_ascii_uppercase();
    match bytes {
        [0x15 | 0x16, 3, ..] => Spoken::Tls,
        _ if bytes.starts_with(b"SSH-") => Spoken::Ssh,
        _ if bytes.starts_with(b"HTTP/") => Spoken::Http,
        _ if digits == 3 && text.contains("SMTP") => Spoken::Mail,
        [_, _, _, b' ' | b'-' | b'\r' | b'\n', ..] if digits == 3 => Spoken::Ftp,
        _ => Spoken::Unknown,
    }
}

/// Long enough for what answers being spoken to.
const PROBE: Duration = Duration::from_secs(2);

/// Bytes of a first line that are looked at.
const LINE: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks() {
        #[track_caller]
        fn check(bytes: &[u8], expected: Spoken) {
            assert_eq!(classify(bytes), expected, "{bytes:?}");
        }
        check(b"220 hello\r\n", Spoken::Ftp);
        check(b"220-hello\r\n", Spoken::Ftp);
        check(b"421\r\n", Spoken::Ftp);
        check(b"220 mail.example.org ESMTP Postfix\r\n", Spoken::Mail);
        check(b"SSH-2.0-OpenSSH_9.2\r\n", Spoken::Ssh);
        check(b"HTTP/1.1 400 Bad Request\r\n", Spoken::Http);
        check(b"\x15\x03\x01\x00\x02\x02\x46", Spoken::Tls);
        check(b"2200 no", Spoken::Unknown);
        check(b"+OK POP3\r\n", Spoken::Unknown);
        check(b"\x00", Spoken::Unknown);
    }
}
