//! HTTP CONNECT (RFC 9110 §9.3.6), with Basic authentication (RFC 7617).
//!
//! The answer's header is looked at before it is taken from the socket, so that not a byte beyond it is
//! taken: behind a 2yz the server's own greeting follows at once. A 2yz has no content, whatever its
//! header says; what follows a refusal does not matter.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use zeroize::Zeroizing;

use super::{Target, proxy::Trouble};
use crate::params::Proxy;

pub(super) async fn ask(
    stream: &mut TcpStream,
    proxy: &Proxy,
    target: Target<'_>,
) -> Result<(), Trouble> {
    let mut request = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if let Some(credentials) = credentials(proxy)? {
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&credentials);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;

    let mut room = HEADER_BYTES;
    loop {
        let header = read_header(stream, &mut room).await?;
        let answer = Answer::parse(&header)?;
        match answer.status {
            // 1yz says that the answer is to come (RFC 9110 §15.2).
            100..=199 => {}
            200..=299 => return Ok(()),
            _ => return Err(answer.trouble(proxy.username.is_some())),
        }
    }
}

fn credentials(proxy: &Proxy) -> Result<Option<Zeroizing<String>>, Trouble> {
    let Some(username) = &proxy.username else {
        return Ok(None);
    };
    if username.contains(':') {
        return Err(Trouble::LoginUnfit("HTTP has no colon in a user name"));
    }
    let password = proxy.password.as_ref().map_or("", |secret| secret.expose());
    let pair = Zeroizing::new(format!("{username}:{password}"));
    Ok(Some(Zeroizing::new(STANDARD.encode(pair.as_bytes()))))
}

/// Reads up to the empty line that ends a header, and not a byte further.
async fn read_header(stream: &mut TcpStream, room: &mut usize) -> Result<Vec<u8>, Trouble> {
    let mut header = Vec::new();
    let mut ahead = [0; 1024];
    loop {
        let seen = stream.peek(&mut ahead).await?;
        if seen == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        let before = header.len();
        header.extend_from_slice(&ahead[..seen]);
        let end = end_of_header(&header, before);
        let taken = end.unwrap_or(header.len()) - before;
        if taken > *room {
            return Err(Trouble::Stranger(format!(
                "its answer has a header of more than {HEADER_BYTES} bytes"
            )));
        }
        *room -= taken;
        stream.read_exact(&mut ahead[..taken]).await?;
        header.truncate(before + taken);
        if end.is_some() {
            return Ok(header);
        }
        if !could_be_http(&header) {
            return Err(Trouble::Stranger(format!(
                "its answer begins with \"{}\"",
                header[..header.len().min(16)].escape_ascii()
            )));
        }
    }
}

/// Where the header ends, if it does: behind an empty line. A line may end with LF alone (RFC 9112
/// §2.2). What stands before `searched` is known not to hold the end.
fn end_of_header(header: &[u8], searched: usize) -> Option<usize> {
    (searched..header.len()).find_map(|at| {
        let ended = header[..=at].ends_with(b"\n\r\n") || header[..=at].ends_with(b"\n\n");
        ended.then_some(at + 1)
    })
}

fn could_be_http(header: &[u8]) -> bool {
    let length = header.len().min(HTTP.len());
    header[..length] == HTTP[..length]
}

/// What a refusal is told from.
struct Answer {
    status: u16,
    /// The status line without its version.
    words: String,
    /// The ways to log in that a 407 offers.
    schemes: Vec<String>,
}

impl Answer {
    fn parse(header: &[u8]) -> Result<Self, Trouble> {
        let text = String::from_utf8_lossy(header);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let stranger = || {
            let shown: String = first.chars().take(40).collect();
            Trouble::Stranger(format!("it answered {shown:?}"))
        };
        let words = first
            .split_once(' ')
            .filter(|_| could_be_http(header))
            .map(|(_, words)| words.trim())
            .ok_or_else(stranger)?;
        let code = words.split(' ').next().unwrap_or_default();
        let status = match code.parse::<u16>() {
            Ok(status @ 100..=599) if code.len() == 3 => status,
            _ => return Err(stranger()),
        };
        let schemes = lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"))
            .filter_map(|(_, value)| value.split_whitespace().next().map(shown))
            .collect();
        Ok(Self {
            status,
            words: shown(words),
            schemes,
        })
    }

    /// RFC 9110 §15.5 and §15.6: who is to blame.
    fn trouble(self, login_given: bool) -> Trouble {
        let words = format!("HTTP {}", self.words);
        let basic = |scheme: &String| scheme.eq_ignore_ascii_case("basic");
        match self.status {
            407 if !self.schemes.is_empty() && !self.schemes.iter().any(basic) => {
                let schemes = self.schemes.join(", ");
                Trouble::Policy(format!("{words}; it takes only logins by {schemes}"))
            }
            407 if login_given => Trouble::LoginRefused(words),
            407 => Trouble::LoginMissing(words),
            // The proxy tried, and the server or the way to it failed.
            404 | 500 | 502..=504 => Trouble::Server(words),
            _ => Trouble::Policy(words),
        }
    }
}

/// The proxy's words for people: short, and harmless to a terminal.
fn shown(words: &str) -> String {
    let clean = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(200).collect()
}

/// The most that headers may have, interim answers included: far more than any proxy sends.
const HEADER_BYTES: usize = 16 * 1024;

const HTTP: &[u8] = b"HTTP/1.";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_end(header: &str, expected: Option<usize>) {
        for searched in 0..=expected.map_or(header.len(), |end| end - 1) {
            assert_eq!(
                end_of_header(header.as_bytes(), searched),
                expected,
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_header_ends_at_an_empty_line() {
        check_end("HTTP/1.1 200 OK\r\n\r\n220 hi\r\n", Some(19));
        check_end("HTTP/1.0 200 OK\n\n220", Some(17));
        check_end("HTTP/1.1 200 OK\r\nVia: x\r\n\r", None);
        check_end("", None);
    }

    #[track_caller]
    fn check(header: &str, login_given: bool, expected: &str) {
        let seen = match Answer::parse(header.as_bytes()) {
            Ok(answer) if (200..300).contains(&answer.status) => "connected".to_owned(),
            Ok(answer) => format!("{:?}", answer.trouble(login_given)),
            Err(trouble) => format!("{trouble:?}"),
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn answers_are_told_apart() {
        check(
            "HTTP/1.1 200 Connection established\r\n\r\n",
            false,
            "connected",
        );
        check("HTTP/1.0 200\r\n\r\n", false, "connected");
        check("HTTP/1.1 204 Why not\r\n\r\n", false, "connected");
        check(
            "HTTP/1.1 403 For\u{7}bidden\r\n\r\n",
            false,
            r#"Policy("HTTP 403 For bidden")"#,
        );
        check("HTTP/1.1 405 No\r\n\r\n", false, r#"Policy("HTTP 405 No")"#);
        check(
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            false,
            r#"Server("HTTP 502 Bad Gateway")"#,
        );
        for (given, expected) in [(false, "LoginMissing"), (true, "LoginRefused")] {
            for offer in [
                "",
                "Proxy-Authenticate: Digest x\r\nproxy-authenticate: basic realm=\"y\"\r\n",
            ] {
                check(
                    &format!("HTTP/1.1 407 Who\r\n{offer}\r\n"),
                    given,
                    &format!(r#"{expected}("HTTP 407 Who")"#),
                );
            }
        }
        check(
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate x\r\n\r\n",
            true,
            r#"Policy("HTTP 407 Who; it takes only logins by NTLM, Negotiate")"#,
        );
        for odd in [
            "220 ftp\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 2000 x\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "\r\n\r\n",
        ] {
            let Err(Trouble::Stranger(_)) = Answer::parse(odd.as_bytes()) else {
                panic!("{odd:?}");
            };
        }
    }
}
