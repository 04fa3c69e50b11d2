//! From bytes in any split to whole replies (RFC 959 §4.2).
//!
//! A reply is one line `ddd text`, or begins with `ddd-` and ends at the first line that begins with
//! the same code and a blank, or is that code alone. Lines between may begin with anything, the code
//! or another one included. Lines end in CR LF or LF. Telnet option negotiation (RFC 854) is removed:
//! an IAC with the byte that makes it a command. An IAC followed by any other byte is kept, because
//! servers send 8-bit names without doubling 0xFF.
//!
//! A few servers end a multi-line reply with another code than it began with, or not at all. While bytes
//! come in this cannot be told from a line of text, so the decoder does not guess;
//! [`ReplyDecoder::settle`] accepts such an end once the caller sees that nothing comes for a while, and
//! [`ReplyDecoder::finish`] none at all once nothing will.

use std::collections::VecDeque;
use std::fmt;

use crate::limits::Limits;
use crate::reply::{Reply, leading_code};

/// Cuts replies from the byte stream of the control connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: Limits,
    line: Vec<u8>,
    telnet: Telnet,
    /// The lines so far of the reply that is being read.
    open: Vec<Vec<u8>>,
    /// How many bytes those lines have.
    open_bytes: usize,
    /// The code of the reply that is being read, if it is a multi-line one.
    code: Option<u16>,
    ready: VecDeque<Reply>,
    /// Whether bytes have come since the last whole reply.
    begun: bool,
    failed: Option<ReplyError>,
}

/// Where in a Telnet command the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telnet {
    Data,
    Iac,
    /// After WILL, WONT, DO or DONT: one option byte follows.
    Option,
    /// In a subnegotiation, until IAC SE.
    Sub,
    SubIac,
}

impl ReplyDecoder {
    /// A decoder at the beginning of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            line: Vec::new(),
            telnet: Telnet::Data,
            open: Vec::new(),
            open_bytes: 0,
            code: None,
            ready: VecDeque::new(),
            begun: false,
            failed: None,
        }
    }

    /// Takes bytes as they came; what is complete is then given by [`next_reply`](Self::next_reply).
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.failed.is_some() {
                return;
            }
            self.push_byte(byte);
        }
    }

    /// The next whole reply, if there is one.
    ///
    /// # Errors
    /// [`ReplyError`] once all replies before the violation have been taken. It stays: the stream
    /// cannot be trusted after it.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        match (self.ready.pop_front(), &self.failed) {
            (Some(reply), _) => Ok(Some(reply)),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Ok(None),
        }
    }

    /// Ends a multi-line reply whose last line so far has the form of a last line, with another code.
    ///
    /// To be called when the stream has been quiet for a while or has ended. Returns whether a reply
    /// was completed; it has the code with which it began.
    pub fn settle(&mut self) -> bool {
        let ends_a_reply = |line: &Vec<u8>| {
            leading_code(line).is_some() && matches!(line.get(3), None | Some(b' '))
        };
        if self.code.is_some()
            && self.line.is_empty()
            && self.open.len() > 1
            && self.open.last().is_some_and(ends_a_reply)
        {
            self.complete();
            return true;
        }
        false
    }

    /// Completes a reply that has no end: to be called when the stream has ended, or when the server was given all
    /// the time it may have. A last line counts without its line end. Returns whether a reply was completed.
    pub fn finish(&mut self) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let before = self.ready.len();
        let begins = self.code.is_some() || leading_code(&self.line).is_some();
        if begins && !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.end_line(line);
        }
        if self.code.is_some() && self.failed.is_none() {
            self.complete();
        }
        self.ready.len() > before
    }

    /// Whether nothing is held: no whole reply, and not a byte, be it blank, since the last one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && !self.begun && self.failed.is_none()
    }

    fn push_byte(&mut self, byte: u8) {
        self.begun = true;
        match self.telnet {
            Telnet::Data if byte == IAC => self.telnet = Telnet::Iac,
            Telnet::Data => self.data(byte),
            Telnet::Iac => {
                self.telnet = Telnet::Data;
                match byte {
                    IAC => self.data(IAC),
                    WILL..=DONT => self.telnet = Telnet::Option,
                    SB => self.telnet = Telnet::Sub,
                    SE..SB => {}
                    _ => {
                        self.data(IAC);
                        self.data(byte);
                    }
                }
            }
            Telnet::Option => self.telnet = Telnet::Data,
            Telnet::Sub if byte == IAC => self.telnet = Telnet::SubIac,
            Telnet::Sub => {}
            Telnet::SubIac if byte == SE => self.telnet = Telnet::Data,
            Telnet::SubIac => self.telnet = Telnet::Sub,
        }
    }

    fn data(&mut self, byte: u8) {
        if self.failed.is_some() {
            return;
        }
        if byte == b'\n' {
            let mut line = std::mem::take(&mut self.line);
            while line.last() == Some(&b'\r') {
                line.pop();
            }
            return self.end_line(line);
        }
        if self.line.is_empty() && self.open.is_empty() && matches!(byte, 0x15 | 0x16) {
            self.failed = Some(ReplyError::Tls);
            return;
        }
        let full = self.line.len() >= self.limits.reply_line;
        // One byte more than the limit is for the CR of the line end.
        if full && (byte != b'\r' || self.line.len() > self.limits.reply_line) {
            self.failed = Some(ReplyError::LineTooLong);
            return;
        }
        self.line.push(byte);
    }

    fn end_line(&mut self, line: Vec<u8>) {
        if line.len() > self.limits.reply_line {
            self.failed = Some(ReplyError::LineTooLong);
            return;
        }
        if let Some(code) = self.code {
            if self.open.len() >= self.limits.reply_lines {
                self.failed = Some(ReplyError::TooManyLines);
                return;
            }
            self.open_bytes += line.len();
            if self.open_bytes > self.limits.reply_bytes {
                self.failed = Some(ReplyError::TooLong);
                return;
            }
            let ends =
                leading_code(&line) == Some(code) && matches!(line.get(3), None | Some(b' '));
            self.open.push(line);
            if ends {
                self.complete();
            }
            return;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            // A blank line between replies says nothing; some servers send one after a reply.
            return;
        }
        let Some(code) = leading_code(&line) else {
            self.failed = Some(ReplyError::NotAReply(line));
            return;
        };
        let multi_line = line.get(3) == Some(&b'-');
        self.open.push(line);
        if multi_line {
            self.code = Some(code);
        } else {
            self.complete();
        }
    }

    fn complete(&mut self) {
        self.code = None;
        self.open_bytes = 0;
        self.begun = false;
        if let Some(reply) = Reply::from_lines(std::mem::take(&mut self.open)) {
            self.ready.push_back(reply);
        }
    }
}

/// What came is not a reply, or is larger than the limits allow.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line does not begin with a reply code.
    NotAReply(Vec<u8>),
    /// The first byte is that of a TLS record: the server speaks TLS where clear text was expected.
    Tls,
    /// A line is longer than [`Limits::reply_line`].
    LineTooLong,
    /// A reply has more lines than [`Limits::reply_lines`].
    TooManyLines,
    /// A reply has more bytes than [`Limits::reply_bytes`].
    TooLong,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReply(line) => {
                let shown = &line[..line.len().min(SHOWN)];
                write!(f, "not an FTP reply: \"{}\"", shown.escape_ascii())
            }
            Self::Tls => f.write_str("a TLS record where a reply in clear text was expected"),
            Self::LineTooLong => f.write_str("a reply line is too long"),
            Self::TooManyLines => f.write_str("a reply has too many lines"),
            Self::TooLong => f.write_str("a reply is too long"),
        }
    }
}

impl fmt::Debug for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyError({self})")
    }
}

impl std::error::Error for ReplyError {}

// RFC 854, "TELNET command structure".
const IAC: u8 = 255;
const DONT: u8 = 254;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

/// How much of a line that is no reply is shown, in bytes.
const SHOWN: usize = 80;

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
