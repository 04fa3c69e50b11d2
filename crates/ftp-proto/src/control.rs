//! The control connection without its socket: what is to be written, what was read, what is owed.
//!
//! [`Control`] counts the commands that have no final reply yet. Replies come in the order of the
//! commands (RFC 959 §5.4), so the count is all that is needed to find back into step after an
//! operation was dropped half-way: read until nothing is owed. The count lives here and not in a flow,
//! because flows may be dropped and the connection may not forget.

use std::collections::VecDeque;

use zeroize::Zeroize as _;

use crate::command::Command;
use crate::decoder::{ReplyDecoder, ReplyError};
use crate::limits::Limits;
use crate::reply::Reply;

/// Both directions of a control connection, and the replies that are owed.
#[derive(Debug)]
pub struct Control {
    decoder: ReplyDecoder,
    output: Vec<u8>,
    owed: usize,
    limits: Limits,
    unasked: VecDeque<Reply>,
}

impl Control {
    /// A new connection. The server owes its greeting.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            decoder: ReplyDecoder::new(limits),
            // Long enough never to be moved by a login, which would leave the password behind.
            output: Vec::with_capacity(OUTPUT),
            owed: 1,
            limits,
            unasked: VecDeque::new(),
        }
    }

    /// Queues a command. What is queued together is written together.
    pub fn send(&mut self, command: &Command) {
        command.encode(&mut self.output);
        self.owed += 1;
    }

    /// Bytes to be written, oldest first.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Says that the first `count` bytes of [`output`](Self::output) have been written.
    pub fn written(&mut self, count: usize) {
        let count = count.min(self.output.len());
        let kept = self.output.len() - count;
        self.output.copy_within(count.., 0);
        // One of the lines was the password.
        self.output[kept..].zeroize();
        self.output.truncate(kept);
    }

    /// Takes bytes that were read.
    pub fn received(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next reply to a command, or the greeting.
    ///
    /// A reply that nobody asked for (a 421 on an idle connection, a second 226) is not given here but
    /// kept for [`unasked`](Self::unasked).
    ///
    /// # Errors
    /// [`ReplyError`] if the stream is not FTP; it stays.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(reply) = self.decoder.next_reply()? {
            if self.owed == 0 {
                self.unasked.push_back(reply);
                continue;
            }
            if !reply.is_preliminary() {
                self.owed -= 1;
            }
            return Ok(Some(reply));
        }
        Ok(None)
    }

    /// How many final replies are owed, the greeting's included.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// Takes a preliminary reply as the last one of its command: some servers send no other when a
    /// transfer is cut.
    pub fn settle_preliminary(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    /// Gives up all replies that are owed: the answer to a later command has come, and answers keep
    /// the order of the commands.
    pub fn settle_all(&mut self) {
        self.owed = 0;
    }

    /// Takes back that the last reply answered a command: it belonged to something earlier, and the
    /// answer is still owed.
    pub fn set_aside(&mut self) {
        self.owed += 1;
    }

    /// Lets a multi-line reply end with another code; see [`ReplyDecoder::settle`].
    pub fn settle_reply(&mut self) -> bool {
        self.decoder.settle()
    }

    /// Completes a reply that has no end; see [`ReplyDecoder::finish`].
    pub fn finish_reply(&mut self) -> bool {
        self.decoder.finish()
    }

    /// The oldest reply that nobody asked for.
    pub fn unasked(&mut self) -> Option<Reply> {
        self.unasked.pop_front()
    }

    /// Whether the server has said 421, that it closes the connection, unasked.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.unasked.iter().any(|reply| reply.code() == 421)
    }

    /// Goes over to a secured stream: nothing that came in the clear may be read after it.
    ///
    /// # Errors
    /// [`ClearBytes`] if bytes have come after the reply that allowed TLS. They may be an attacker's,
    /// put there to be taken for the server's words under TLS.
    pub fn secure(&mut self) -> Result<(), ClearBytes> {
        if !self.decoder.is_empty() || !self.unasked.is_empty() {
            return Err(ClearBytes);
        }
        self.decoder = ReplyDecoder::new(self.limits);
        Ok(())
    }
}

/// Room for commands that are not written yet, in bytes.
const OUTPUT: usize = 4096;

/// Bytes came in the clear between the reply that allows TLS and the TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearBytes;

impl std::fmt::Display for ClearBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server sent bytes in clear text after agreeing to TLS")
    }
}

impl std::error::Error for ClearBytes {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_owed() {
        let mut control = Control::new(Limits::default());
        control.received(b"120 wait\r\n220 ready\r\n");
        assert_eq!(control.next_reply().unwrap().unwrap().code(), 120);
        assert_eq!(control.owed(), 1);
        assert_eq!(control.next_reply().unwrap().unwrap().code(), 220);
        assert_eq!(control.owed(), 0);
        control.send(&Command::new("NOOP"));
        control.send(&Command::new("PWD"));
        assert_eq!(control.output(), b"NOOP\r\nPWD\r\n");
        control.written(6);
        assert_eq!(control.output(), b"PWD\r\n");
        assert_eq!(control.owed(), 2);
    }

    #[test]
    fn unasked_replies_are_kept_apart() {
        let mut control = Control::new(Limits::default());
        control.received(b"220 ready\r\n421 idle too long\r\n");
        assert!(control.next_reply().unwrap().is_some());
        assert!(control.next_reply().unwrap().is_none());
        assert!(control.is_closing());
        assert_eq!(control.unasked().unwrap().code(), 421);
    }

    #[test]
    fn clear_bytes_stop_the_upgrade() {
        for rest in ["", "2", "\n", "220 injected\r\n"] {
            let mut control = Control::new(Limits::default());
            control.received(b"220 ready\r\n");
            assert!(control.next_reply().unwrap().is_some());
            control.send(&Command::new("AUTH"));
            control.received(format!("234 go\r\n{rest}").as_bytes());
            assert!(control.next_reply().unwrap().is_some());
            assert_eq!(control.secure().is_ok(), rest.is_empty(), "{rest:?}");
        }
    }
}
