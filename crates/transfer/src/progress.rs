//! What is known half-way: bytes, how fast they go, and when it will be over.

use std::time::{Duration, Instant};

/// Takes the progress of a transfer after each piece.
pub type Observer<'o> = dyn FnMut(Progress) + Send + 'o;

/// What is known half-way, given to the progress function after each piece.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes over so far, those of an attempt that was resumed included.
    pub bytes: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
    /// Bytes per second lately; 0 until there is something to tell.
    pub rate: f64,
    /// How long the rest will take at this rate, where both are known.
    pub eta: Option<Duration>,
    /// Which file of several this is, counted from 1.
    pub file: u64,
    /// How many files there are; 1 for a single transfer.
    pub files: u64,
}

/// Makes [`Progress`] of counted bytes.
#[derive(Debug)]
pub(crate) struct Meter {
    total: Option<u64>,
    bytes: u64,
    rate: f64,
    /// Where the span that is measured now began.
    since: Instant,
    bytes_then: u64,
}

impl Meter {
    pub(crate) fn new(start: u64, total: Option<u64>) -> Self {
        Self {
            total,
            bytes: start,
            rate: 0.0,
            since: Instant::now(),
            bytes_then: start,
        }
    }

    /// Counts bytes and says how things stand.
    pub(crate) fn count(&mut self, bytes: u64) -> Progress {
        self.bytes += bytes;
        let span = self.since.elapsed();
        if span >= SPAN || (self.rate == 0.0 && span >= SPAN / 10) {
            let now = (self.bytes - self.bytes_then) as f64 / span.as_secs_f64();
            self.rate = match self.rate {
                0.0 => now,
                before => before.mul_add(1.0 - WEIGHT, now * WEIGHT),
            };
            self.since = Instant::now();
            self.bytes_then = self.bytes;
        }
        self.now()
    }

    pub(crate) fn now(&self) -> Progress {
        let eta = self
            .left()
            .filter(|_| self.rate > 0.0)
            .and_then(|left| Duration::try_from_secs_f64(left as f64 / self.rate).ok());
        Progress {
            bytes: self.bytes,
            total: self.total,
            rate: self.rate,
            eta,
            file: 1,
            files: 1,
        }
    }

    /// Bytes that are still to come, where known.
    pub(crate) fn left(&self) -> Option<u64> {
        self.total.map(|total| total.saturating_sub(self.bytes))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Over how long the rate is measured: shorter ones jump about.
const SPAN: Duration = Duration::from_millis(500);

/// How much the newest measurement counts.
const WEIGHT: f64 = 0.3;
