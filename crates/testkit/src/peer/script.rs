//! Scripts: what is sent and what must come, by builder or as text.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Peer;
use super::play::Play;
use crate::ca::{ServerCertificate, TlsVersions};

/// What a [`Peer`] does, step by step. See the [module](super) for the text form.
#[derive(Clone, Debug)]
pub struct Script {
    steps: Vec<Step>,
    certificate: Option<ServerCertificate>,
    data_certificate: Option<ServerCertificate>,
    versions: TlsVersions,
    deadline: Duration,
    address: IpAddr,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            certificate: None,
            data_certificate: None,
            versions: TlsVersions::Both,
            // Longer than any play on loopback needs, short enough to be waited for.
            deadline: Duration::from_secs(10),
            address: Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl Script {
    /// A script without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// At the first line that is no step.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut script = Self::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let step = parse_step(line).map_err(|reason| SyntaxError {
                line: index + 1,
                reason,
            })?;
            script.steps.push(step);
        }
        Ok(script)
    }

    /// The certificate for TLS steps.
    #[must_use]
    pub fn with_certificate(mut self, certificate: &ServerCertificate) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Another certificate for data connections, which then resume nothing of the control connection's.
    #[must_use]
    pub fn with_data_certificate(mut self, certificate: &ServerCertificate) -> Self {
        self.data_certificate = Some(certificate.clone());
        self
    }

    /// The TLS versions spoken; both by default.
    #[must_use]
    pub fn with_tls_versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Plays on the IPv6 loopback address.
    #[must_use]
    pub fn with_ipv6(mut self) -> Self {
        self.address = Ipv6Addr::LOCALHOST.into();
        self
    }

    /// How long the whole play may last; 10 seconds by default.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Puts the steps of `other` behind these.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self
    }

    /// `S:` sends a line.
    #[must_use]
    pub fn send_line(self, line: impl Into<Vec<u8>>) -> Self {
        let mut bytes = line.into();
        bytes.extend_from_slice(b"\r\n");
        self.with(Step::Send {
            bytes,
            fill_in: true,
        })
    }

    /// `S!` sends bytes as they are.
    #[must_use]
    pub fn send_bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Step::Send {
            bytes: bytes.into(),
            fill_in: false,
        })
    }

    /// `C:` waits for exactly this line.
    #[must_use]
    pub fn expect_line(self, line: impl Into<Vec<u8>>) -> Self {
        self.with(Step::Expect(Pattern::Line(line.into())))
    }

    /// `C~` waits for a line with `*` for any bytes.
    #[must_use]
    pub fn expect_glob(self, pattern: impl Into<Vec<u8>>) -> Self {
        self.with(Step::Expect(Pattern::Glob(pattern.into())))
    }

    /// `C!` waits for exactly these bytes.
    #[must_use]
    pub fn expect_bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Step::Expect(Pattern::Bytes(bytes.into())))
    }

    /// `tls` begins TLS on the control connection.
    #[must_use]
    pub fn start_tls(self) -> Self {
        self.with(Step::StartTls)
    }

    /// `clear` ends TLS on the control connection, from both sides.
    #[must_use]
    pub fn end_tls(self) -> Self {
        self.with(Step::EndTls)
    }

    /// `end` waits for the client to close.
    #[must_use]
    pub fn expect_end(self) -> Self {
        self.with(Step::ExpectEnd)
    }

    /// `close`, `cut` or `reset` the control connection.
    #[must_use]
    pub fn leave(self, how: Leave) -> Self {
        self.with(Step::Leave(how))
    }

    /// `accept` waits for the next control connection.
    #[must_use]
    pub fn accept(self) -> Self {
        self.with(Step::Accept)
    }

    /// `data` listens for a data connection.
    #[must_use]
    pub fn listen_data(self, tls: bool) -> Self {
        self.with(Step::ListenData { tls })
    }

    /// `connect` opens a data connection to what the last `*` matched.
    #[must_use]
    pub fn connect_data(self, tls: bool) -> Self {
        self.with(Step::ConnectData { tls })
    }

    /// `stranger` has another machine connect there first.
    #[must_use]
    pub fn stranger(self) -> Self {
        self.with(Step::Stranger)
    }

    /// `D>` sends on the data connection.
    #[must_use]
    pub fn send_data(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Step::SendData(bytes.into()))
    }

    /// `D<` waits for exactly these bytes on the data connection.
    #[must_use]
    pub fn expect_data(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Step::ExpectData(bytes.into()))
    }

    /// `data-end` waits for the client to end the data connection.
    #[must_use]
    pub fn expect_data_end(self) -> Self {
        self.with(Step::ExpectDataEnd)
    }

    /// `data-gone` waits for the client to close the data connection for good.
    #[must_use]
    pub fn expect_data_gone(self) -> Self {
        self.with(Step::ExpectDataGone)
    }

    /// `data-close`, `data-cut` or `data-reset`.
    #[must_use]
    pub fn leave_data(self, how: Leave) -> Self {
        self.with(Step::LeaveData(how))
    }

    /// `pause` waits.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.with(Step::Pause(time))
    }

    /// `slow` and `fast`: whether bytes go out one at a time from here on.
    #[must_use]
    pub fn one_byte_at_a_time(self, slow: bool) -> Self {
        self.with(Step::Slow(slow))
    }

    /// Plays the script on an ephemeral loopback port.
    ///
    /// # Errors
    /// When the port cannot be had, or there is a TLS step and no certificate.
    pub async fn start(self) -> io::Result<Peer> {
        let acceptor = |certificate: &ServerCertificate| {
            io::Result::Ok(TlsAcceptor::from(certificate.server_config(self.versions)?))
        };
        let data_acceptor = self.data_certificate.as_ref().map(acceptor).transpose()?;
        let acceptor = match &self.certificate {
            Some(certificate) => Some(acceptor(certificate)?),
            None if self.steps.iter().any(Step::needs_tls) => {
                let text = "the script has a TLS step: give it a certificate";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            None => None,
        };
        let listener = TcpListener::bind((self.address, 0)).await?;
        let addr = listener.local_addr()?;
        let play = Play::new(listener, acceptor, data_acceptor);
        let task = tokio::spawn(play.run(self.steps, self.deadline));
        Ok(Peer { addr, task })
    }

    fn with(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A line of a script that is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    line: usize,
    reason: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for SyntaxError {}

/// How a connection is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Properly: close_notify under TLS, then FIN.
    Close,
    /// FIN alone.
    Cut,
    /// RST.
    Reset,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Send { bytes: Vec<u8>, fill_in: bool },
    Expect(Pattern),
    StartTls,
    EndTls,
    ExpectEnd,
    Leave(Leave),
    Accept,
    ListenData { tls: bool },
    ConnectData { tls: bool },
    Stranger,
    SendData(Vec<u8>),
    ExpectData(Vec<u8>),
    ExpectDataEnd,
    ExpectDataGone,
    LeaveData(Leave),
    Pause(Duration),
    Slow(bool),
}

impl Step {
    fn needs_tls(&self) -> bool {
        matches!(
            self,
            Self::StartTls | Self::ListenData { tls: true } | Self::ConnectData { tls: true }
        )
    }
}

#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Line(Vec<u8>),
    Glob(Vec<u8>),
    Bytes(Vec<u8>),
}

/// What the first `*` of `pattern` stands for if it matches the whole line; empty without a `*`.
pub(super) fn glob<'a>(pattern: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    let Some(star) = pattern.iter().position(|&byte| byte == b'*') else {
        return (pattern == line).then_some(&[]);
    };
    let rest = line.strip_prefix(&pattern[..star])?;
    let tail = &pattern[star + 1..];
    // The longest match, so that a lone `*` at the end takes all.
    (0..=rest.len())
        .rev()
        .find(|&cut| glob(tail, &rest[cut..]).is_some())
        .map(|cut| &rest[..cut])
}

fn parse_step(line: &str) -> Result<Step, String> {
    let text = |rest: &str| rest.strip_prefix(' ').unwrap_or(rest).as_bytes().to_vec();
    if let Some(rest) = line.strip_prefix("S:") {
        let mut bytes = text(rest);
        bytes.extend_from_slice(b"\r\n");
        return Ok(Step::Send {
            bytes,
            fill_in: true,
        });
    }
    if let Some(rest) = line.strip_prefix("S!") {
        return Ok(Step::Send {
            bytes: unescape(&text(rest))?,
            fill_in: false,
        });
    }
    if let Some(rest) = line.strip_prefix("C:") {
        return Ok(Step::Expect(Pattern::Line(text(rest))));
    }
    if let Some(rest) = line.strip_prefix("C~") {
        return Ok(Step::Expect(Pattern::Glob(text(rest))));
    }
    if let Some(rest) = line.strip_prefix("C!") {
        return Ok(Step::Expect(Pattern::Bytes(unescape(&text(rest))?)));
    }
    if let Some(rest) = line.strip_prefix("D>") {
        return Ok(Step::SendData(unescape(&text(rest))?));
    }
    if let Some(rest) = line.strip_prefix("D<") {
        return Ok(Step::ExpectData(unescape(&text(rest))?));
    }
    let word = line.trim_end();
    if let Some(time) = word.strip_prefix("pause ") {
        return parse_time(time)
            .map(Step::Pause)
            .ok_or_else(|| format!("no time: {time}"));
    }
    Ok(match word {
        "tls" => Step::StartTls,
        "clear" => Step::EndTls,
        "end" => Step::ExpectEnd,
        "close" => Step::Leave(Leave::Close),
        "cut" => Step::Leave(Leave::Cut),
        "reset" => Step::Leave(Leave::Reset),
        "accept" => Step::Accept,
        "stranger" => Step::Stranger,
        "data" => Step::ListenData { tls: false },
        "data tls" => Step::ListenData { tls: true },
        "connect" => Step::ConnectData { tls: false },
        "connect tls" => Step::ConnectData { tls: true },
        "data-end" => Step::ExpectDataEnd,
        "data-gone" => Step::ExpectDataGone,
        "data-close" => Step::LeaveData(Leave::Close),
        "data-cut" => Step::LeaveData(Leave::Cut),
        "data-reset" => Step::LeaveData(Leave::Reset),
        "slow" => Step::Slow(true),
        "fast" => Step::Slow(false),
        _ => return Err(format!("no step: {word}")),
    })
}

fn parse_time(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?
        .parse()
        .ok()
        .map(Duration::from_secs)
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, tail) = match rest {
            [b'r', tail @ ..] => (b'\r', tail),
            [b'n', tail @ ..] => (b'\n', tail),
            [b't', tail @ ..] => (b'\t', tail),
            [b'0', tail @ ..] => (0, tail),
            [b'\\', tail @ ..] => (b'\\', tail),
            [b'x', high, low, tail @ ..] => {
                let digits = [*high, *low];
                let byte = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                (byte.ok_or("no two hexadecimal digits behind \\x")?, tail)
            }
            _ => return Err("unknown escape".to_owned()),
        };
        bytes.push(byte);
        rest = tail;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        #[track_caller]
        fn check(pattern: &str, line: &str, expected: Option<&str>) {
            let found = glob(pattern.as_bytes(), line.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{pattern} on {line}");
        }
        check("NOOP", "NOOP", Some(""));
        check("NOOP", "NOOP x", None);
        check("PORT *", "PORT 1,2", Some("1,2"));
        check("PORT *", "PORT ", Some(""));
        check("*", "", Some(""));
        check("A*C*E", "ABCDE", Some("B"));
        check("A*C*E", "ABCDF", None);
        check("PASS *", "USER x", None);
    }

    #[test]
    fn escapes() {
        assert_eq!(unescape(br"a\r\n\x00\xff\\").unwrap(), b"a\r\n\0\xff\\");
        assert!(unescape(br"\q").is_err());
        assert!(unescape(br"\x1").is_err());
        assert!(unescape(b"\\").is_err());
    }

    #[test]
    fn a_line_that_is_no_step_is_named() {
        let error = Script::parse("S: 220 hi\n\n  # a comment\nG: no\n").unwrap_err();
        assert_eq!(error.to_string(), "script line 4: no step: G: no");
        assert!(Script::parse("pause soon").is_err());
    }
}
