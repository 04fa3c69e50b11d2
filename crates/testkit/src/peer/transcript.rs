//! What was said, and how a play failed.

use std::fmt;
use std::io;
use std::time::Duration;

/// Everything that went over the connections, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    events: Vec<Event>,
}

impl Transcript {
    /// The pieces in their order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// All that the client sent on control connections, joined.
    pub fn received(&self) -> Vec<u8> {
        self.joined(Side::Client)
    }

    /// All that the client sent on data connections, joined.
    pub fn received_data(&self) -> Vec<u8> {
        self.joined(Side::ClientData)
    }

    /// How often the direction changed on control connections.
    pub fn direction_switches(&self) -> usize {
        let sides = self.control();
        sides.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    /// How often the server answered after the client had spoken on control connections: the round
    /// trips that the conversation takes, without those of TCP and TLS.
    pub fn round_trips(&self) -> usize {
        let sides = self.control();
        sides
            .windows(2)
            .filter(|pair| pair == &[Side::Client, Side::Server])
            .count()
    }

    pub(super) fn add(&mut self, at: Duration, side: Side, bytes: &[u8]) {
        self.events.push(Event {
            at,
            side,
            bytes: bytes.to_vec(),
        });
    }

    fn control(&self) -> Vec<Side> {
        let sides = self.events.iter().map(|event| event.side);
        sides
            .filter(|side| matches!(side, Side::Client | Side::Server))
            .collect()
    }

    fn joined(&self, side: Side) -> Vec<u8> {
        let events = self.events.iter().filter(|event| event.side == side);
        events
            .flat_map(|event| event.bytes.iter().copied())
            .collect()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            writeln!(f, "  {event}")?;
        }
        Ok(())
    }
}

/// One piece of a [`Transcript`]: a line, a run of bytes, or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Since the start of the play.
    pub at: Duration,
    /// Who sent it, and on which connection.
    pub side: Side,
    /// What was sent; of a note, its text.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.side {
            Side::Server => "S:",
            Side::Client => "C:",
            Side::ServerData => "D>",
            Side::ClientData => "D<",
            Side::Note => "--",
        };
        let milliseconds = self.at.as_millis();
        write!(f, "{milliseconds:>5} ms {mark} {}", shown(&self.bytes))
    }
}

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The peer, on a control connection.
    Server,
    /// The client, on a control connection.
    Client,
    /// The peer, on a data connection.
    ServerData,
    /// The client, on a data connection.
    ClientData,
    /// Nobody: something happened, such as a TLS handshake.
    Note,
}

/// A play that did not go as the script says.
#[derive(Debug)]
pub struct PlayError {
    step: usize,
    expected: String,
    seen: String,
    transcript: Transcript,
    source: Option<io::Error>,
}

impl PlayError {
    /// The number of the step that failed, counted from 1; 0 if the play was stopped from outside.
    pub fn step(&self) -> usize {
        self.step
    }

    /// What the script wanted.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What came instead.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// The conversation so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    pub(super) fn new(step: usize, failure: Failure, transcript: Transcript) -> Self {
        let Failure {
            expected,
            seen,
            source,
        } = failure;
        Self {
            step,
            expected,
            seen,
            transcript,
            source,
        }
    }

    pub(super) fn stopped(source: io::Error) -> Self {
        let expected = "the end of the script".to_owned();
        let seen = "the play was stopped".to_owned();
        let transcript = Transcript::default();
        Self {
            step: 0,
            expected,
            seen,
            transcript,
            source: Some(source),
        }
    }
}

impl fmt::Display for PlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "script step {}: expected {}, seen {}",
            self.step, self.expected, self.seen
        )?;
        write!(f, "{}", self.transcript)?;
        writeln!(f, "  expected {}", self.expected)?;
        write!(f, "      seen {}", self.seen)
    }
}

impl std::error::Error for PlayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// Why one step failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) expected: String,
    pub(super) seen: String,
    pub(super) source: Option<io::Error>,
}

impl Failure {
    pub(super) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            seen: seen.into(),
            source: None,
        }
    }

    pub(super) fn io(expected: impl Into<String>, source: io::Error) -> Self {
        let seen = source.to_string();
        Self {
            expected: expected.into(),
            seen,
            source: Some(source),
        }
    }
}

/// Bytes as one line of text: the line end left out, the rest escaped, long runs cut.
pub(super) fn shown(bytes: &[u8]) -> String {
    let line = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    if line.len() <= SHOWN_LIMIT {
        return line.escape_ascii().to_string();
    }
    let head = line[..SHOWN_LIMIT].escape_ascii();
    format!("{head}… ({} bytes)", line.len())
}

const SHOWN_LIMIT: usize = 200;
