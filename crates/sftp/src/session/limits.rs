//! How much this server takes and gives at once.
//!
//! It is asked for when SFTP begins and waited for when it is first needed: by then the answer has come, and
//! connecting takes a round trip less.

use std::{sync::OnceLock, time::Duration};

use tokio::sync::Mutex;

use super::status;
use crate::{client::Reply, proto::ServerLimits};

/// The server's limits, known or on their way.
#[derive(Debug)]
pub(super) struct Limits {
    asked: Mutex<Option<Reply>>,
    known: OnceLock<Known>,
}

/// What is kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Bytes that one READ asks for.
    pub(super) read_chunk: u32,
    /// Bytes that one WRITE carries.
    pub(super) write_chunk: usize,
    /// Files that may be open at once.
    pub(super) open_files: usize,
}

impl Limits {
    /// These were asked for, if the server has an answer.
    pub(super) fn new(asked: Option<Reply>) -> Self {
        Self {
            asked: Mutex::new(asked),
            known: OnceLock::new(),
        }
    }

    /// The limits, waited for as long as this. A server that offers to tell and does not is served the usual way.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn get(&self, limit: Duration) -> Known {
        if let Some(known) = self.known.get() {
            return *known;
        }
        let mut asked = self.asked.lock().await;
        let told = match &mut *asked {
            Some(reply) => reply.wait(limit).await.and_then(status::extended).ok(),
            None => None,
        };
        *asked = None;
        let told = told.and_then(|told| ServerLimits::decode(told).ok());
        *self.known.get_or_init(|| Known::new(told.unwrap_or(USUAL)))
    }

    /// How many files may be open at once, as far as is known by now.
    pub(super) fn open_files(&self) -> usize {
        let known = self.known.get();
        known.map_or(USUAL_HANDLES, |known| known.open_files)
    }
}

impl Known {
    fn new(told: ServerLimits) -> Self {
        Self {
            read_chunk: chunk(told.read, told.packet),
            write_chunk: chunk(told.write, told.packet) as usize,
            open_files: match told.handles {
                0 => USUAL_HANDLES,
                told => usize::try_from(told).unwrap_or(usize::MAX),
            },
        }
    }
}

/// How much one request moves, from what the server tells; 0 means that it has no limit to tell.
fn chunk(told: u64, packet: u64) -> u32 {
    let told = if told == 0 {
        u64::from(MOST_CHUNK)
    } else {
        told
    };
    let packet = if packet == 0 { u64::MAX } else { packet };
    // The head of a data packet: type, number, handle, offset, lengths.
    let fits = packet.saturating_sub(HEAD).min(u64::from(MOST_CHUNK));
    (told.min(fits) as u32).max(LEAST_CHUNK)
}

/// What every server takes in one request (draft §3).
const USUAL: ServerLimits = ServerLimits {
    packet: 0,
    read: 32 * 1024,
    write: 32 * 1024,
    handles: 0,
};

/// More than this in one request gains nothing.
const MOST_CHUNK: u32 = 256 * 1024;

/// A server that tells less than this is not believed.
const LEAST_CHUNK: u32 = 1024;

/// Room for the head of a WRITE with the longest handle (256 bytes, draft §6.2).
const HEAD: u64 = 1 + 4 + 4 + 256 + 8 + 4;

/// OpenSSH had 100 before it took what the system allows, and tells; servers with fewer are not known.
const USUAL_HANDLES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_chunk(told: u64, packet: u64, expected: u32) {
        assert_eq!(chunk(told, packet), expected, "{told} {packet}");
    }

    #[test]
    fn what_a_server_tells_of_its_limits_is_kept_within_reason() {
        check_chunk(261_120, 262_144, 261_120);
        check_chunk(0, 0, MOST_CHUNK);
        check_chunk(u64::MAX, 34_000, 34_000 - 277);
        check_chunk(1, 262_144, LEAST_CHUNK);
        check_chunk(32_768, 1, LEAST_CHUNK);
    }
}
