//! How much may be under way, asked for or sent and not yet answered: twice what fits on the line.
//!
//! Too little leaves the line idle for most of a long round trip. Too much is no better: OpenSSH's server
//! keeps what does not fit on the line in one buffer and moves all of it with each packet it sends, so that
//! 16 MiB asked for on a short line take ten times as long as 2 MiB; and on a slow line, what is under way when
//! a transfer is given up holds up all that comes after.

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
            window: START,
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
        // What a slow line carries in a second is enough for it.
        let least = (rate as usize).clamp(LEAST, START);
        self.window = (fits as usize).clamp(least, MOST);
        self.round = Some(now);
        self.counted = 0;
    }
}

/// What may be under way when nothing is known yet: 64 requests of the usual size.
const START: usize = 2 * 1024 * 1024;

/// The least on the slowest line: one large request.
const LEAST: usize = 256 * 1024;

/// The most bytes of one transfer that are under way or not yet handed out, 16 MiB: a line of 1 Gbit/s with
/// 130 ms of round trip stays full.
pub(super) const MOST: usize = 16 * 1024 * 1024;

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
        assert_eq!(play(500e6, 0), START);
        let window = play(1e6, 50);
        assert!((900_000..1_100_000).contains(&window), "{window}");
        // Two of the requests that this line needs seconds for.
        let window = play(20e3, 50);
        assert!((500_000..550_000).contains(&window), "{window}");
        // 100 MB/s for 60 ms are 6 MB, and the window is twice that or a little more.
        let window = play(100e6, 60);
        assert!((11_000_000..15_000_000).contains(&window), "{window}");
        assert_eq!(play(1e9, 100), MOST);
    }
}
