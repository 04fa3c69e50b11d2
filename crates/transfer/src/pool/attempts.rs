//! When to try again, and after how long.

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use ftp_connect_core::{Error, Retry};

use super::PoolOptions;

/// The attempts at one thing. They are counted anew whenever there was progress in between.
pub(crate) struct Attempts {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    best: u64,
}

impl Attempts {
    pub(crate) fn new(options: &PoolOptions) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(options.pause)
            .with_max_delay(options.pause * 30)
            .with_factor(2.0)
            .with_max_times(options.attempts.max(1) - 1)
            .with_jitter();
        Self {
            pauses: builder.build(),
            builder,
            best: 0,
        }
    }

    /// So many bytes are over: if those are more than ever, what failed before is forgiven.
    pub(crate) fn came_to(&mut self, bytes: u64) {
        if bytes > self.best {
            self.best = bytes;
            self.pauses = self.builder.build();
        }
    }

    /// There shall be no more of them.
    pub(crate) fn end(&mut self) {
        self.builder = self.builder.with_max_times(0);
        self.pauses = self.builder.build();
    }

    /// Waits before another attempt, if there shall be one after this failure.
    pub(crate) async fn again(&mut self, error: &Error) -> bool {
        if error.retry() == Retry::Never {
            return false;
        }
        let Some(pause) = self.pauses.next() else {
            return false;
        };
        tracing::debug!(%error, ?pause, "trying again");
        tokio::time::sleep(pause).await;
        true
    }
}
