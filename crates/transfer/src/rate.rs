//! A limit on bytes per second, which any number of transfers share.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// A limit on bytes per second. Clones are one limit: all transfers that have it share it.
#[derive(Debug, Clone)]
pub struct RateLimit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    per_second: NonZeroU64,
    /// When what was let through so far will have taken its time.
    paid_until: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// So many bytes in a second.
    pub fn per_second(bytes: NonZeroU64) -> Self {
        Self(Arc::new(Shared {
            per_second: bytes,
            paid_until: Mutex::new(None),
        }))
    }

    /// How many bytes may go at once: a tenth of a second, so that the flow is even.
    pub(crate) fn piece(&self) -> usize {
        let tenth = (self.0.per_second.get() / 10).max(1);
        usize::try_from(tenth).unwrap_or(usize::MAX)
    }

    /// Waits until these bytes, which have gone, have taken their time.
    ///
    /// # Cancel safety
    /// Cancel safe: the bytes are counted before the wait.
    pub(crate) async fn account(&self, bytes: usize) {
        let cost = Duration::from_secs_f64(bytes as f64 / self.0.per_second.get() as f64);
        let until = {
            let mut paid = self
                .0
                .paid_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            // Idle time is no credit.
            let until = paid.filter(|&paid| paid > now).unwrap_or(now) + cost;
            *paid = Some(until);
            until
        };
        sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_transfers_share_a_limit() {
        let limit = RateLimit::per_second(NonZeroU64::new(1000).unwrap());
        let begun = Instant::now();
        let other = limit.clone();
        let half = async {
            for _ in 0..5 {
                other.account(100).await;
            }
        };
        tokio::join!(half, limit.account(500));
        let took = begun.elapsed();
        assert!(
            (Duration::from_millis(999)..Duration::from_millis(1010)).contains(&took),
            "{took:?}"
        );
    }
}
