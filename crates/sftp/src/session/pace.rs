//! How much to ask for ahead of what has come: twice what fits on the line.
//!
//! Asking for too little leaves the line idle for most of a long round trip. Asking for too much is no
//! better: OpenSSH's server keeps what does not fit on the line in one buffer and moves all of it with
//! each packet it sends, so that 16 MiB asked for on a short line take ten times as long as 2 MiB.

use std::time::{Duration, Instant};

/// Measures the answers and says how many bytes may be under way.
#[derive(Debug)]
pub(super) struct Pace {
    window: usize,
    /// The fastest answer so far: a round trip without waiting behind others.
    fastest: Option<Duration>,
    /// Since when answers are being counted, and how many bytes they had.
    round: Option<Instant>,
    counted: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            window: LEAST,
            fastest: None,
            round: None,
            counted: 0,
        }
    }

    /// Bytes that may be under way.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// An answer of this many bytes came now to what was asked then.
    pub(super) fn answered(&mut self, asked: Instant, now: Instant, bytes: usize) {
        let took = now.saturating_duration_since(asked);
        let fastest = self.fastest.map_or(took, |fastest| fastest.min(took));
        self.fastest = Some(fastest);
        let began = *self.round.get_or_insert(asked);
        self.counted += bytes as u64;
        let lasted = now.saturating_duration_since(began);
        // A round trip at least, so that the rate is not that of one burst.
        if lasted < fastest.max(SHORTEST) {
            return;
        }
        let rate = self.counted as f64 / lasted.as_secs_f64();
        let fits = 2.0 * rate * fastest.as_secs_f64();
        self.window = (fits as usize).clamp(LEAST, MOST);
        self.round = Some(now);
        self.counted = 0;
    }
}

/// What is asked for when nothing is known yet: 64 requests of the usual size.
const LEAST: usize = 2 * 1024 * 1024;

/// The most bytes asked for and not yet handed out, 16 MiB: a line of 1 Gbit/s with 130 ms of round
/// trip stays full.
const MOST: usize = 16 * 1024 * 1024;

/// The shortest time a rate is measured over.
const SHORTEST: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a line of this rate and round trip for a while, and gives the window in the end.
    fn play(bytes_per_second: f64, round_trip_ms: u64) -> usize {
        const CHUNK: usize = 256 * 1024;
        let (mut pace, start) = (Pace::new(), Instant::now());
        let round_trip = Duration::from_millis(round_trip_ms);
        let per_chunk = Duration::from_secs_f64(CHUNK as f64 / bytes_per_second);
        let mut asked = std::collections::VecDeque::new();
        let (mut now, mut free) = (start, start);
        for _ in 0..2000 {
            while asked.len() * CHUNK < pace.window() {
                // Answered a round trip later, or when those before it have gone over the line.
                free = free.max(now + round_trip) + per_chunk;
                asked.push_back((now, free));
            }
            let (sent, arrives) = asked.pop_front().unwrap();
            now = arrives;
            pace.answered(sent, now, CHUNK);
        }
        pace.window()
    }

    #[test]
    fn a_short_line_needs_little_and_a_long_one_much() {
        assert_eq!(play(500e6, 0), LEAST);
        assert_eq!(play(1e6, 50), LEAST);
        // 100 MB/s for 60 ms are 6 MB, and the window is twice that or a little more.
        let window = play(100e6, 60);
        assert!((11_000_000..15_000_000).contains(&window), "{window}");
        assert_eq!(play(1e9, 100), MOST);
    }
}
